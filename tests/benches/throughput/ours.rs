//! One turn through each adapter, read as the README shows. Another adapter is another function here.

use std::hint::black_box;
use std::sync::Arc;

use failback::Config;
use failback_async::{Client, Item, Runtime};
use failback_smol::Smol;
use failback_tokio::Tokio;
use failback_wire::Request;
use smol::Executor;

use crate::bare::current_thread;
use crate::load::Tally;
use crate::measure::{Clock, Turn};
use crate::server::Server;

/// On a tokio runtime that has no thread but the caller's.
pub(crate) fn tokio(server: &Server) -> Turn {
    let runtime = current_thread();
    let client = client(Tokio::default(), server);
    Box::new(move |clock| runtime.block_on(turn(&client, clock)))
}

/// On smol, with the client's background work on an executor that the caller runs.
pub(crate) fn smol(server: &Server) -> Turn {
    let executor = Arc::new(Executor::new());
    let client = client(Smol::on(&executor), server);
    Box::new(move |clock| smol::block_on(executor.run(turn(&client, clock))))
}

/// On no runtime.
pub(crate) fn blocking(server: &Server) -> Turn {
    let builder = failback_blocking::Client::builder(url(server)).no_proxy().config(config());
    let client = builder.build().expect("a client needs no more than a URL");
    Box::new(move |clock| {
        let mut tally = Tally::default();
        for item in client.stream(request()) {
            count(&mut tally, item.expect("the server works"), clock);
        }
        tally
    })
}

/// Once it has found that the server has no WebSocket it stays on SSE.
fn client<R: Runtime>(runtime: R, server: &Server) -> Client<R> {
    let builder = Client::with_runtime(runtime, url(server));
    builder.no_proxy().config(config()).build().expect("a client needs no more than a URL")
}

fn url(server: &Server) -> String {
    format!("http://{}/v1", server.address)
}

fn config() -> Config {
    Config::new().with_max_recoveries(0)
}

fn request() -> Request {
    Request::text("m", "Say hello.")
}

async fn turn<R: Runtime>(client: &Client<R>, clock: &Clock<'_>) -> Tally {
    let mut tally = Tally::default();
    let mut turn = client.stream(request());
    while let Some(item) = turn.next().await {
        count(&mut tally, item.expect("the server works"), clock);
    }
    tally
}

/// What a caller does with an item.
fn count(tally: &mut Tally, item: Item, clock: &Clock<'_>) {
    match item {
        Item::Event(event) => {
            clock.start_at_first(tally.events);
            black_box(event.kind());
            tally.events += 1;
            tally.text += event.text_delta().map_or(0, |text| text.len());
        }
        Item::Restarted { discard } => assert_eq!(discard, 0, "nothing breaks"),
        Item::Notice(_) => {}
    }
}
