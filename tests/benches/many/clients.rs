//! Many clients in one process.

use std::time::{Duration, Instant};

use eventsource_stream::Eventsource;
use failback::Config;
use failback_async::{Client, Runtime};
use failback_peer::Transport;
use failback_smol::Smol;
use failback_tokio::Tokio;
use futures_util::StreamExt;

use crate::memory::Memory;
use crate::server::Server;
use crate::streams::{executor, request, runtime};

/// What was measured of clients.
pub(crate) struct Measured {
    /// To build all of them.
    pub(crate) built: Duration,
    pub(crate) idle: Memory,
    /// After a turn each, whose connection is kept. `None` where no turn was made.
    pub(crate) connected: Option<Memory>,
}

/// No handshake is left because the machine is busy.
const HEAD_START: Duration = Duration::from_secs(20);

pub(crate) fn async_client<R: Runtime>(runtime: R, url: &str, transport: Transport) -> Client<R> {
    let builder = Client::with_runtime(runtime, url).no_proxy();
    let builder = builder.config(Config::new().with_head_start(HEAD_START));
    let builder = if transport == Transport::Sse { builder.sse_only() } else { builder };
    builder.build().expect("a client needs no more than a URL")
}

pub(crate) fn blocking_client(url: &str, transport: Transport) -> failback_blocking::Client {
    let builder = failback_blocking::Client::builder(url).no_proxy();
    let builder = builder.config(Config::new().with_head_start(HEAD_START));
    let builder = if transport == Transport::Sse { builder.sse_only() } else { builder };
    builder.build().expect("a client needs no more than a URL")
}

/// Builds so many, lets each make a turn if it is to, and measures.
fn measure<C>(count: usize, build: impl Fn() -> C, turn: Option<impl Fn(&C)>) -> Measured {
    let (before, begun) = (Memory::now(), Instant::now());
    let clients: Vec<C> = (0..count).map(|_| build()).collect();
    let (built, idle) = (begun.elapsed(), Memory::now() - before);
    let connected = turn.map(|turn| {
        clients.iter().for_each(turn);
        std::thread::sleep(Duration::from_millis(200));
        Memory::now() - before
    });
    Measured { built, idle, connected }
}

/// A server all of whose responses go on at once.
fn server() -> Server {
    let server = Server::start();
    server.go_on();
    server
}

pub(crate) fn tokio(transport: Transport, count: usize) -> Measured {
    let (server, runtime) = (server(), runtime());
    let url = server.url();
    let turn = |client: &Client<Tokio>| runtime.block_on(all(client));
    measure(count, || async_client(Tokio::default(), &url, transport), Some(turn))
}

pub(crate) fn smol(transport: Transport, count: usize) -> Measured {
    let (server, executor) = (server(), executor());
    let url = server.url();
    let turn = |client: &Client<Smol>| smol::block_on(executor.run(all(client)));
    measure(count, || async_client(Smol::on(&executor), &url, transport), Some(turn))
}

pub(crate) fn blocking(transport: Transport, count: usize) -> Measured {
    let server = server();
    let url = server.url();
    let turn = |client: &failback_blocking::Client| {
        for item in client.stream(request()) {
            item.expect("the server works");
        }
    };
    measure(count, || blocking_client(&url, transport), Some(turn))
}

/// Clients of a server that is spoken to over TLS, which make no turn.
pub(crate) fn with_tls(count: usize) -> Measured {
    let build = || async_client(Tokio::default(), "https://127.0.0.1:1/v1", Transport::WebSocket);
    measure(count, build, None::<fn(&Client<Tokio>)>)
}

pub(crate) fn reqwest(count: usize) -> Measured {
    let (server, runtime) = (server(), runtime());
    let url = format!("{}/responses", server.url());
    let turn = |client: &reqwest::Client| {
        runtime.block_on(async {
            let answer = client.post(&url).body("{}").send().await.expect("an answer");
            let mut events = answer.bytes_stream().eventsource();
            while let Some(event) = events.next().await {
                event.expect("an event");
            }
        });
    };
    let build = || reqwest::Client::builder().tcp_nodelay(true).no_proxy().build().expect("a client");
    measure(count, build, Some(turn))
}

async fn all<R: Runtime>(client: &Client<R>) {
    let mut turn = client.stream(request());
    while let Some(item) = turn.next().await {
        item.expect("the server works");
    }
}
