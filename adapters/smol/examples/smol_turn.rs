//! Streams one answer on smol: from the server at `FAILBACK_URL`, with the key in `FAILBACK_API_KEY` if there
//! is one, else from a server of its own that refuses WebSocket.

use std::env;
use std::error::Error;

use failback_peer::{Handshake, Peer};
use failback_smol::{Client, Item, Request};

fn main() -> Result<(), Box<dyn Error>> {
    smol::block_on(run())
}

async fn run() -> Result<(), Box<dyn Error>> {
    // A stand-in for the server, and for a proxy in front of it that refuses WebSocket.
    let peer = Peer::start();
    peer.set_handshake(Handshake::status(403));

    let mut builder = Client::builder(env::var("FAILBACK_URL").unwrap_or_else(|_| peer.url()));
    if let Ok(key) = env::var("FAILBACK_API_KEY") {
        builder = builder.bearer(&key);
    }
    let client = builder.build()?;

    let model = env::var("FAILBACK_MODEL").unwrap_or_else(|_| "gpt-5.2".to_owned());
    let mut turn = client.stream(Request::text(&model, "Say hello."));
    let mut text = String::new();
    while let Some(item) = turn.next().await {
        match item? {
            Item::Event(event) => {
                if let Some(error) = event.error() {
                    return Err(error.message.clone().into());
                }
                text += &event.text_delta().unwrap_or_default();
            }
            // What came so far is said again: the turn goes on over the other transport.
            Item::Restarted { .. } => text.clear(),
            Item::Notice(notice) => eprintln!("[{notice}]"),
        }
    }
    println!("{text}");
    match turn.transport() {
        Some(transport) => println!("carried by {transport}"),
        None => return Err("no attempt was made".into()),
    }
    Ok(())
}
