//! What a user would write without a client: loops over one connection that stays open.

use std::borrow::Cow;
use std::hint::black_box;
use std::net::SocketAddr;

use eventsource_stream::Eventsource;
use futures_util::{SinkExt, Stream, StreamExt};
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio_tungstenite::tungstenite::Message;

use crate::load::Tally;
use crate::measure::{Clock, Turn};
use crate::server::Server;

const FRAME: &str = r#"{"type":"response.create","model":"m","input":"Say hello."}"#;
const BODY: &str = r#"{"model":"m","input":"Say hello.","stream":true}"#;
const PATH: &str = "/v1/responses";

/// What it takes to show the text as it comes. Borrows what has no escapes.
#[derive(Deserialize)]
struct Delta<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    delta: Cow<'a, str>,
}

/// Counts an event without a look at it.
fn count(tally: &mut Tally, json: &str) {
    black_box(json);
    tally.events += 1;
}

/// Counts an event, with its text.
fn parse(tally: &mut Tally, json: &str) {
    let event: Delta<'_> = serde_json::from_str(json).expect("an event");
    black_box(&event.kind);
    tally.events += 1;
    tally.text += event.delta.len();
}

/// A tokio runtime that has no thread but the caller's.
pub(crate) fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// tokio-tungstenite alone.
pub(crate) fn frames(server: &Server, events: usize) -> Turn {
    websocket(server, events, count)
}

/// tokio-tungstenite, with `type` and `delta` by serde.
pub(crate) fn frames_and_serde(server: &Server, events: usize) -> Turn {
    websocket(server, events, parse)
}

fn websocket(server: &Server, events: usize, read: impl Fn(&mut Tally, &str) + 'static) -> Turn {
    let server = server.address;
    let runtime = current_thread();
    let mut socket = runtime.block_on(async {
        let stream = connect(server).await;
        let handshake = tokio_tungstenite::client_async(format!("ws://{server}{PATH}"), stream);
        handshake.await.expect("a WebSocket").0
    });
    Box::new(move |clock| {
        runtime.block_on(async {
            let mut tally = Tally::default();
            socket.send(Message::text(FRAME)).await.expect("an open WebSocket");
            while tally.events < events {
                let message = socket.next().await.expect("another message");
                if let Message::Text(text) = message.expect("a message") {
                    clock.start_at_first(tally.events);
                    read(&mut tally, &text);
                }
            }
            tally
        })
    })
}

/// hyper alone: the bytes of the body, which are counted as text.
pub(crate) fn body(server: &Server) -> Turn {
    let server = server.address;
    let (runtime, mut sender) = http(server);
    Box::new(move |clock| {
        runtime.block_on(async {
            let mut tally = Tally::default();
            let mut body = post(&mut sender, server).await;
            while let Some(frame) = body.frame().await {
                if let Some(data) = black_box(frame.expect("a part of the body")).data_ref() {
                    clock.start_at_first(tally.text);
                    tally.text += data.len();
                }
            }
            tally
        })
    })
}

/// hyper and eventsource-stream, with `type` and `delta` by serde.
pub(crate) fn body_and_serde(server: &Server) -> Turn {
    let server = server.address;
    let (runtime, mut sender) = http(server);
    Box::new(move |clock| {
        runtime.block_on(async {
            let body = post(&mut sender, server).await;
            read_events(body.into_data_stream().eventsource(), clock).await
        })
    })
}

/// reqwest and eventsource-stream, with `type` and `delta` by serde.
pub(crate) fn reqwest_and_serde(server: &Server) -> Turn {
    let url = format!("http://{}{PATH}", server.address);
    let runtime = current_thread();
    let client = reqwest::Client::builder().tcp_nodelay(true).build().expect("a client");
    Box::new(move |clock| {
        runtime.block_on(async {
            let request = client.post(&url).body(BODY);
            let response = request.send().await.expect("an answer");
            read_events(response.bytes_stream().eventsource(), clock).await
        })
    })
}

async fn read_events<E: std::fmt::Debug>(
    events: impl Stream<Item = Result<eventsource_stream::Event, E>>,
    clock: &Clock<'_>,
) -> Tally {
    let mut events = std::pin::pin!(events);
    let mut tally = Tally::default();
    while let Some(event) = events.next().await {
        clock.start_at_first(tally.events);
        parse(&mut tally, &event.expect("an event").data);
    }
    tally
}

fn http(server: SocketAddr) -> (Runtime, SendRequest<Full<Bytes>>) {
    let runtime = current_thread();
    let sender = runtime.block_on(async {
        let io = TokioIo::new(connect(server).await);
        let (sender, connection) = handshake(io).await.expect("HTTP");
        tokio::spawn(connection);
        sender
    });
    (runtime, sender)
}

async fn post(sender: &mut SendRequest<Full<Bytes>>, server: SocketAddr) -> Incoming {
    let request = Request::post(PATH).header("host", server.to_string()).body(Full::from(BODY));
    sender.ready().await.expect("an open connection");
    let response = sender.send_request(request.expect("a request")).await;
    response.expect("an answer").into_body()
}

async fn connect(server: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(server).await.expect("a server that listens");
    stream.set_nodelay(true).expect("an open connection");
    stream
}
