//! A client goes away without a word: servers log an abnormal closure, with a traceback.

use std::time::{Duration, Instant};

use failback::Transport;
use failback_peer::{Between, Journal, Peer, Turn, What};
use failback_tests::{Adapter, Settings, collect, complete, read, until};
use failback_wire::Request;

with_every_adapter!(
    a_client_that_goes_away_closes_its_idle_socket,
    a_client_that_closes_what_is_idle_says_so,
    a_turn_that_outlives_its_client_closes_the_socket,
    the_older_of_two_idle_sockets_is_closed,
    a_server_that_does_not_answer_is_not_waited_for,
    a_cancelled_response_is_dropped,
);

/// The code of each Close frame that came, and on which connection.
fn closed(journal: &Journal) -> Vec<(u64, u16)> {
    let close = |entry: &failback_peer::Entry| match entry.what {
        What::CloseReceived { code } => Some((entry.conn, code)),
        _ => None,
    };
    journal.entries().filter_map(close).collect()
}

fn expect_closed(peer: &Peer, expected: &[(u64, u16)], open: usize) {
    let ended = |journal: &Journal| journal.open_connections() == open;
    let journal = peer.wait_for_blocking("connections to end", ended);
    assert_eq!(closed(&journal), expected, "{journal}");
}

fn a_client_that_goes_away_closes_its_idle_socket(adapter: &dyn Adapter) {
    for peer in [Peer::start(), Peer::builder().tls().start()] {
        let client = adapter.client(Settings::new(&peer));
        complete(&*client);
        let tasks = client.leave();
        expect_closed(&peer, &[(1, 1000)], 0);
        until("the tasks to end", || tasks() == 0);
    }
}

fn a_client_that_closes_what_is_idle_says_so(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = adapter.client(Settings::new(&peer));
    complete(&*client);
    client.close_idle();
    expect_closed(&peer, &[(1, 1000)], 0);
    until("the tasks to end", || client.background_tasks() == 0);
    complete(&*client);
    client.handle_network_change();
    expect_closed(&peer, &[(1, 1000), (2, 1000)], 0);
    complete(&*client);
    assert_eq!(peer.journal().request_connections(), [1, 2, 3], "{}", peer.journal());
}

fn a_turn_that_outlives_its_client_closes_the_socket(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = adapter.client(Settings::new(&peer));
    let mut turn = client.stream(Request::text("m", "hello"));
    let begun = read(&mut *turn, 1);
    let tasks = client.leave();
    assert!(begun.then(collect(turn)).is_complete());
    expect_closed(&peer, &[(1, 1000)], 0);
    until("the tasks to end", || tasks() == 0);
}

fn the_older_of_two_idle_sockets_is_closed(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = adapter.client(Settings::new(&peer));
    let mut turn = client.stream(Request::text("m", "hello"));
    let begun = read(&mut *turn, 1);
    complete(&*client);
    assert!(begun.then(collect(turn)).is_complete());
    expect_closed(&peer, &[(2, 1000)], 1);
    until("its task to end", || client.background_tasks() == 1);
}

fn a_server_that_does_not_answer_is_not_waited_for(adapter: &dyn Adapter) {
    for silence in [Between::Deaf, Between::Frozen, Between::Flood] {
        let peer = Peer::start();
        peer.set_between(silence);
        let client = adapter.client(Settings::new(&peer));
        complete(&*client);
        let begun = Instant::now();
        let tasks = client.leave();
        assert!(begun.elapsed() < Duration::from_secs(1), "{silence:?}: {:?}", begun.elapsed());
        until("the tasks to end", || tasks() == 0);
        assert!(begun.elapsed() < Duration::from_secs(5), "{silence:?}: {:?}", begun.elapsed());
    }
}

fn a_cancelled_response_is_dropped(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.push_turn(Transport::WebSocket, Turn::mute_after(3));
    let client = adapter.client(Settings::new(&peer));
    let mut turn = client.stream(Request::text("m", "hello"));
    assert_eq!(read(&mut *turn, 3).events().len(), 3);
    drop(turn);
    expect_closed(&peer, &[], 0);
    until("the tasks to end", || client.background_tasks() == 0);
}

/// As in a program that ends after its last turn.
#[test]
fn a_runtime_that_ends_with_the_client_says_so() {
    let peer = Peer::start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let client = failback_tokio::Client::builder(peer.url()).no_proxy().build().expect("a client");
    runtime.block_on(async {
        let mut turn = client.stream(Request::text("m", "hello"));
        while let Some(item) = turn.next().await {
            item.expect("no error");
        }
    });
    drop(client);
    drop(runtime);
    expect_closed(&peer, &[(1, 1000)], 0);
}
