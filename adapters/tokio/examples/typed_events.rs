//! Reads one answer into the types of async-openai, on tokio: the request is made of them, and each event
//! becomes one of them. From the server at `FAILBACK_URL`, with the key in `FAILBACK_API_KEY` if there is
//! one, else from a server of its own.
//!
//! failback passes on the JSON of every event as it came, so any types will do that can be read from it.

use std::env;
use std::error::Error;

use async_openai::types::responses::{CreateResponseArgs, ResponseStreamEvent};
use failback_peer::Peer;
use failback_tokio::{Client, Credentials, Item, Request};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    // A stand-in for the server.
    let peer = Peer::start();
    let url = env::var("FAILBACK_URL");
    let builder = match (url, env::var("FAILBACK_API_KEY")) {
        // Asked for again at each attempt, so that a key can change while the program runs.
        (Ok(url), Ok(_)) => Client::builder(url)
            .credentials(|_| async { Ok(Credentials::bearer(&env::var("FAILBACK_API_KEY")?)?) }),
        (Ok(url), Err(_)) => Client::builder(url),
        // Without the key, which is for another server.
        (Err(_), _) => Client::builder(peer.url()),
    };
    let client = builder.build()?;

    let model = env::var("FAILBACK_MODEL").unwrap_or_else(|_| "gpt-5.2".to_owned());
    let body = CreateResponseArgs::default().model(model).input("Say hello.").build()?;
    let mut turn = client.stream(Request::from_json(&serde_json::to_string(&body)?)?);
    let (mut text, mut typed, mut other) = (String::new(), 0, 0);
    while let Some(item) = turn.next().await {
        let event = match item? {
            Item::Event(event) => event,
            // The response begins again: what came so far comes once more.
            Item::Restarted { .. } => {
                text.clear();
                continue;
            }
            Item::Notice(notice) => {
                eprintln!("[{notice}]");
                continue;
            }
        };
        match serde_json::from_str(event.json()) {
            Ok(ResponseStreamEvent::ResponseOutputTextDelta(delta)) => text += &delta.delta,
            Ok(ResponseStreamEvent::ResponseFailed(failed)) => {
                return Err(format!("{:?}", failed.response.error).into());
            }
            Ok(_) => {}
            // An event that is newer than the types, or of a server that leaves fields out.
            Err(error) => {
                other += 1;
                eprintln!("[{}: {error}]", event.kind());
                continue;
            }
        }
        typed += 1;
    }
    println!("{text}");
    println!("{typed} events have a type, {other} have none");
    Ok(())
}
