//! Streams through one client of ours, and through what a user would write without it.

use std::sync::Arc;
use std::thread;

use eventsource_stream::Eventsource;
use failback_async::{Client, Item, Runtime};
use failback_peer::Transport;
use failback_smol::Smol;
use failback_tokio::Tokio;
use failback_wire::Request;
use futures_util::{SinkExt, StreamExt};
use smol::Executor;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use crate::clients::{async_client, blocking_client};
use crate::crowd::{Crowd, Measured, measure};
use crate::load::Tally;
use crate::server::{Server, expected};

const FRAME: &str = r#"{"type":"response.create","model":"m","input":"Say hello."}"#;
const BODY: &str = r#"{"model":"m","input":"Say hello.","stream":true}"#;

pub(crate) fn tokio(transport: Transport, count: usize) -> Measured {
    let (server, runtime) = (Server::start(), runtime());
    let client = async_client(Tokio::default(), &server.url(), transport);
    measure(&server, count, expected(transport), Some(client.policy().clone()), |crowd| {
        for _ in 0..count {
            runtime.spawn(turn(client.clone(), Arc::clone(crowd)));
        }
    })
}

pub(crate) fn smol(transport: Transport, count: usize) -> Measured {
    let (server, executor) = (Server::start(), executor());
    let client = async_client(Smol::on(&executor), &server.url(), transport);
    measure(&server, count, expected(transport), Some(client.policy().clone()), |crowd| {
        for _ in 0..count {
            executor.spawn(turn(client.clone(), Arc::clone(crowd))).detach();
        }
    })
}

/// A thread for each stream.
pub(crate) fn blocking(transport: Transport, count: usize) -> Measured {
    let server = Server::start();
    let client = blocking_client(&server.url(), transport);
    measure(&server, count, expected(transport), Some(client.policy().clone()), |crowd| {
        for _ in 0..count {
            let (client, crowd) = (client.clone(), Arc::clone(crowd));
            let entered = crowd.enter_blocking();
            let read = move || {
                let (mut tally, mut entered) = (Tally::default(), Some(entered));
                for item in client.stream(request()) {
                    add(&mut tally, &item.expect("the server works"));
                    hold(&crowd, tally.events, &mut entered);
                }
                crowd.is_over(tally);
            };
            thread::Builder::new().stack_size(256 * 1024).spawn(read).expect("another thread");
        }
    })
}

async fn turn<R: Runtime>(client: Client<R>, crowd: Arc<Crowd>) {
    let (mut tally, mut entered) = (Tally::default(), Some(crowd.enter().await));
    let mut turn = client.stream(request());
    while let Some(item) = turn.next().await {
        add(&mut tally, &item.expect("the server works"));
        hold(&crowd, tally.events, &mut entered);
    }
    crowd.is_over(tally);
}

/// tokio-tungstenite alone: it counts what has a delta.
pub(crate) fn frames(count: usize) -> Measured {
    let (server, runtime) = (Server::start(), runtime());
    let address = server.address;
    measure(&server, count, expected(Transport::WebSocket), None, |crowd| {
        for _ in 0..count {
            let crowd = Arc::clone(crowd);
            runtime.spawn(async move {
                let (mut tally, mut entered) = (Tally::default(), Some(crowd.enter().await));
                let stream = TcpStream::connect(address).await.expect("a server that listens");
                let url = format!("ws://{address}/v1/responses");
                let handshake = tokio_tungstenite::client_async(url, stream).await;
                let (mut socket, _) = handshake.expect("a WebSocket");
                socket.send(Message::text(FRAME)).await.expect("an open WebSocket");
                let all = expected(Transport::WebSocket).events;
                while tally.events < all {
                    let message = socket.next().await.expect("another message").expect("a message");
                    if let Message::Text(text) = message {
                        parse(&mut tally, &text);
                        hold(&crowd, tally.events, &mut entered);
                    }
                }
                crowd.is_over(tally);
            });
        }
    })
}

/// reqwest and eventsource-stream.
pub(crate) fn reqwest(count: usize) -> Measured {
    let (server, runtime) = (Server::start(), runtime());
    let url = format!("{}/responses", server.url());
    let client = reqwest::Client::builder().tcp_nodelay(true).no_proxy().build().expect("a client");
    measure(&server, count, expected(Transport::Sse), None, |crowd| {
        for _ in 0..count {
            let (crowd, client, url) = (Arc::clone(crowd), client.clone(), url.clone());
            runtime.spawn(async move {
                let (mut tally, mut entered) = (Tally::default(), Some(crowd.enter().await));
                let answer = client.post(&url).body(BODY).send().await.expect("an answer");
                let mut events = answer.bytes_stream().eventsource();
                while let Some(event) = events.next().await {
                    parse(&mut tally, &event.expect("an event").data);
                    hold(&crowd, tally.events, &mut entered);
                }
                crowd.is_over(tally);
            });
        }
    })
}

fn hold(crowd: &Crowd, events: usize, entered: &mut Option<smol::lock::SemaphoreGuardArc>) {
    if events > 0 {
        if let Some(entered) = entered.take() {
            crowd.is_held(entered);
        }
    }
}

fn add(tally: &mut Tally, item: &Item) {
    match item {
        Item::Event(event) => {
            tally.events += 1;
            tally.text += event.text_delta().map_or(0, |text| text.len());
        }
        Item::Restarted { .. } => panic!("nothing breaks"),
        Item::Notice(_) => {}
    }
}

fn parse(tally: &mut Tally, json: &str) {
    let event: serde_json::Value = serde_json::from_str(json).expect("an event");
    tally.events += 1;
    tally.text += event.get("delta").and_then(|delta| delta.as_str()).map_or(0, str::len);
}

pub(crate) fn request() -> Request {
    Request::text("m", "Say hello.")
}

/// Two threads, for whatever runs on tokio.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime")
}

/// Two threads that run an executor until the process ends.
pub(crate) fn executor() -> Arc<Executor<'static>> {
    let executor = Arc::new(Executor::new());
    for _ in 0..2 {
        let executor = Arc::clone(&executor);
        thread::spawn(move || smol::block_on(executor.run(std::future::pending::<()>())));
    }
    executor
}
