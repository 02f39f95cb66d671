//! An observer that calls back into the client, or panics.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use failback::{Mode, SharedPolicy};
use failback_blocking::CancelHandle;
use failback_client::Observation;
use failback_peer::{Handshake, Peer};
use failback_tests::{Adapter, Heard, Observer, Settings, TestClient, complete, hello};

with_every_adapter!(
    it_may_ask_the_client,
    it_may_change_the_mode,
    it_is_not_called_again_when_it_has_panicked
);

/// Only a blocking turn can be cancelled while it is read by the thread that reads it.
#[test]
fn it_may_cancel_the_turn_of_which_it_hears() {
    let peer = Peer::start();
    let heard = Heard::default();
    let place: Arc<OnceLock<CancelHandle>> = Arc::default();
    let (keeps, finds) = (heard.clone(), Arc::clone(&place));
    let builder = failback_blocking::Client::builder(peer.url()).no_proxy();
    let builder = builder.observer(move |observation| {
        keeps.add(observation);
        finds.get().expect("a handle").cancel();
    });
    let client = builder.build().expect("a client");
    let mut turn = client.stream(hello());
    assert!(place.set(turn.cancel_handle()).is_ok());
    assert!(turn.next().is_none());
    assert_eq!(heard.lines(), ["1: attempt 1, websocket, healthy", "1: 1 cancelled", "1: cancelled after 1"]);
}

fn it_may_ask_the_client(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let (heard, asked) = (Heard::default(), Arc::new(AtomicUsize::new(0)));
    let place: Arc<OnceLock<Weak<Box<dyn TestClient>>>> = Arc::default();
    let (keeps, counts, finds) = (heard.clone(), Arc::clone(&asked), Arc::clone(&place));
    let observer = Observer::new(move |observation| {
        keeps.add(observation);
        let client = finds.get().and_then(Weak::upgrade).expect("a client");
        let _status = client.policy().status();
        let _snapshot = client.snapshot();
        let _shown = client.debug();
        drop(client.stream(hello()));
        counts.fetch_add(1, Ordering::SeqCst);
    });
    let client = Arc::new(adapter.client(Settings::new(&peer).observer(observer)));
    assert!(place.set(Arc::downgrade(&client)).is_ok());
    peer.push_handshake(Handshake::status(403));
    complete(&**client);
    assert_eq!(heard.lines().len(), 9, "{:?}", heard.lines());
    assert_eq!(asked.load(Ordering::SeqCst), 9);
}

fn it_may_change_the_mode(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let heard = Heard::default();
    let place: Arc<OnceLock<SharedPolicy>> = Arc::default();
    let (keeps, finds) = (heard.clone(), Arc::clone(&place));
    let observer = Observer::new(move |observation| {
        if let Observation::Changed(change) = observation {
            if matches!(change.to, Mode::FailedOver { .. }) {
                finds.get().expect("a policy").handle_network_change();
            }
        }
        keeps.add(observation);
    });
    let client = adapter.client(Settings::new(&peer).observer(observer));
    assert!(place.set(client.policy()).is_ok());
    peer.push_handshake(Handshake::status(403));
    complete(&*client);
    let lines = heard.lines();
    let changes: Vec<&str> = lines.iter().filter(|line| line.contains(" -> ")).map(String::as_str).collect();
    assert_eq!(
        changes,
        [
            "preferred -> suspected, websocket_failed",
            "suspected -> failed_over, sse_worked",
            "failed_over -> preferred, network_changed",
        ]
    );
    assert_eq!(client.policy().mode(), Mode::Preferred);
}

fn it_is_not_called_again_when_it_has_panicked(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let calls = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&calls);
    let observer = Observer::new(move |observation| {
        counts.fetch_add(1, Ordering::SeqCst);
        if matches!(observation, Observation::Changed(_)) {
            // Not with `panic!`, which would print a message into the output of the tests.
            std::panic::resume_unwind(Box::new("meant"));
        }
    });
    let client = adapter.client(Settings::new(&peer).observer(observer));
    peer.push_handshake(Handshake::status(403));
    complete(&*client);
    assert_eq!(calls.load(Ordering::SeqCst), 3, "an attempt, its end, and the change");
    complete(&*client);
    assert_eq!(calls.load(Ordering::SeqCst), 3);
    assert!(matches!(client.policy().mode(), Mode::FailedOver { .. }));
}
