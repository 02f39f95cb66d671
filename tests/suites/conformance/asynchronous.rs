//! The Autobahn test suite against the WebSocket of failback-tokio and failback-smol.
//!
//! The cases want a client that echoes, and ours does not. So the files of failback-async that read and write
//! frames are compiled once more here, and echo.

// What only the client uses of these files is not used here.
#[allow(dead_code)]
#[path = "../../../adapters/async/src/io.rs"]
mod io;
mod kosoku;
mod plain;
mod report;
#[allow(dead_code)]
#[path = "../../../adapters/async/src/socket.rs"]
mod socket;

use std::net::SocketAddr;

use failback::{Config, SharedPolicy};
use failback_async::Runtime;
use futures_util::{AsyncReadExt, AsyncWriteExt, SinkExt, StreamExt};

use crate::io::Io;
use crate::kosoku::{Echo, MAX_MESSAGE, QUICK, judge};
use crate::socket::Socket;

const AGENTS: [(&str, Echo); 2] = [("tokio", on_tokio), ("smol", on_smol)];

#[test]
fn frames_are_as_the_standard_says() {
    judge(&AGENTS, &QUICK);
}

#[test]
#[ignore = "takes a minute"]
fn frames_are_as_the_standard_says_in_every_case() {
    judge(&AGENTS, &[]);
}

fn on_tokio(address: SocketAddr, path: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(echo(failback_tokio::Tokio::default(), address, path));
}

fn on_smol(address: SocketAddr, path: &str) {
    smol::block_on(echo(failback_smol::Smol::default(), address, path));
}

async fn echo(runtime: impl Runtime, address: SocketAddr, path: &str) {
    let mut stream = runtime.connect(address).await.expect("it listens");
    stream.write_all(kosoku::upgrade(address, path).as_bytes()).await.expect("a request");
    let mut head = Vec::new();
    while !kosoku::is_whole(&head) {
        let mut byte = [0];
        stream.read_exact(&mut byte).await.expect("an answer");
        head.extend(byte);
    }
    let io = Io::plain(stream, &SharedPolicy::new(Config::new()));
    let mut socket = Socket::new(io, Vec::new(), MAX_MESSAGE);
    while let Some(Ok(message)) = socket.next().await {
        if message.is_close() {
            // As the client does: it answers, and goes away.
            let _ = socket.flush().await;
            break;
        }
        if (message.is_text() || message.is_binary()) && socket.send(message).await.is_err() {
            break;
        }
    }
}
