//! Streams one answer without any async runtime: from the server at `FAILBACK_URL`, with the key in
//! `FAILBACK_API_KEY` if there is one, else from a server of its own that refuses WebSocket.

use std::env;
use std::error::Error;

use failback_blocking::{Client, Item, Request};
use failback_peer::{Handshake, Peer};

fn main() -> Result<(), Box<dyn Error>> {
    // A stand-in for the server, and for a proxy in front of it that refuses WebSocket.
    let peer = Peer::start();
    peer.set_handshake(Handshake::status(403));

    let builder = match (env::var("FAILBACK_URL"), env::var("FAILBACK_API_KEY")) {
        (Ok(url), Ok(key)) => Client::builder(url).bearer(&key),
        (Ok(url), Err(_)) => Client::builder(url),
        // Without the key, which is for another server.
        (Err(_), _) => Client::builder(peer.url()),
    };
    let client = builder.build()?;

    let model = env::var("FAILBACK_MODEL").unwrap_or_else(|_| "gpt-5.2".to_owned());
    let mut turn = client.stream(Request::text(&model, "Say hello."));
    let mut text = String::new();
    for item in turn.by_ref() {
        match item {
            Ok(Item::Event(event)) => match event.error() {
                // The server gave up.
                Some(error) => return Err(error.message.clone().into()),
                None => text += &event.text_delta().unwrap_or_default(),
            },
            // The response begins again, perhaps over the other transport: what came so far comes once more.
            Ok(Item::Restarted { .. }) => text.clear(),
            Ok(Item::Notice(notice)) => eprintln!("[{notice}]"),
            // The turn failed: this says how each of its attempts ended.
            Err(error) => return Err(error.to_string().into()),
        }
    }
    println!("{text}");
    if let Some(transport) = turn.transport() {
        println!("carried by {transport}");
    }
    Ok(())
}
