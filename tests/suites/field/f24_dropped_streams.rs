//! A stream that is disposed of during the handshake or the probe left a connection, and a task, behind.

use std::time::Duration;

use failback::{Mode, Status, Transport};
use failback_peer::{Gate, Handshake, Peer, Turn, What};
use failback_tests::{Adapter, Settings, TestClient, collect, read, until};
use failback_wire::Request;

with_every_adapter!(
    a_turn_that_is_never_read_does_nothing,
    dropped_during_the_handshake,
    dropped_during_the_tls_handshake_that_never_ends,
    dropped_while_the_request_is_not_answered,
    dropped_in_mid_stream_over_websocket,
    dropped_before_the_headers_of_sse,
    dropped_while_the_request_is_not_taken_over_sse,
    dropped_in_mid_stream_over_sse,
    dropped_while_it_waits_to_try_again,
    dropped_during_the_probe,
    a_dial_outlives_its_turn_but_not_its_client,
    a_client_leaves_nothing_of_what_was_idle,
    a_turn_under_way_outlives_the_clients_handle,
);

fn hi() -> Request {
    Request::text("m", "hi")
}

/// Nothing is left: no connection at the peer, no task here.
fn expect_nothing_left(peer: &Peer, client: &dyn TestClient) {
    expect_left(peer, client, 0);
    until("the tasks to end", || client.background_tasks() == 0);
}

fn expect_left(peer: &Peer, _: &dyn TestClient, connections: usize) {
    peer.wait_for_blocking("the connections to end", |journal| journal.open_connections() == connections);
}

/// The next turn is on WebSocket, at once and complete.
fn expect_websocket_works(peer: &Peer, client: &dyn TestClient) {
    let before = peer.journal().requests(Transport::WebSocket);
    let outcome = collect(client.stream(hi()));
    assert!(outcome.is_complete(), "{outcome:?}");
    assert_eq!(outcome.text(), "echo: hi");
    let journal = peer.journal();
    assert_eq!(journal.requests(Transport::WebSocket), before + 1, "{journal}");
    assert_eq!(client.policy().mode(), Mode::Preferred);
    // The socket waits for the next turn, and the one task that is left keeps it.
    expect_left(peer, client, 1);
    until("the other tasks to end", || client.background_tasks() == 1);
}

fn fail_over(peer: &Peer, client: &dyn TestClient) {
    peer.push_handshake(Handshake::status(403));
    let outcome = collect(client.stream(hi()));
    assert!(outcome.is_complete(), "{outcome:?}");
    // Whether the end of the answer has been read decides whether the next turn uses that connection: it uses
    // none that is there.
    client.close_idle();
    until("the tasks to end", || client.background_tasks() == 0);
}

fn a_turn_that_is_never_read_does_nothing(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = adapter.client(Settings::new(&peer));
    drop(client.stream(hi()));
    assert_eq!(client.background_tasks(), 0);
    expect_websocket_works(&peer, &*client);
    let journal = peer.journal();
    assert_eq!((journal.connections(), journal.transports()), (1, vec![Transport::WebSocket]), "{journal}");
}

fn dropped_during_the_handshake(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = adapter.client(Settings::new(&peer));
    let gate = Gate::new();
    peer.push_handshake(Handshake::hold(&gate));
    let mut turn = client.stream(hi());
    assert!(turn.next_unless(&|| gate.arrivals() == 1).is_none());
    drop(turn);
    expect_nothing_left(&peer, &*client);
    expect_websocket_works(&peer, &*client);
    let journal = peer.journal();
    assert_eq!((journal.handshakes(), journal.upgrades()), (2, 1), "{journal}");
    assert_eq!(journal.transports(), [Transport::WebSocket], "{journal}");
}

fn dropped_during_the_tls_handshake_that_never_ends(adapter: &dyn Adapter) {
    // Accepts connections by never looking at them.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    silent.set_nonblocking(true).expect("a listener that does not wait");
    let address = silent.local_addr().expect("its address");
    let peer = Peer::builder().tls().start();
    let mut settings = Settings::new(&peer);
    settings.url = format!("https://{address}/v1");
    let client = adapter.client(settings);

    let accepted = std::cell::Cell::new(None);
    let mut turn = client.stream(hi());
    let enough = || {
        if let Ok((connection, _)) = silent.accept() {
            accepted.set(Some(connection));
            return true;
        }
        false
    };
    assert!(turn.next_unless(&enough).is_none());
    drop(turn);
    until("the tasks to end", || client.background_tasks() == 0);
    let mut connection = accepted.take().expect("a connection");
    connection.set_nonblocking(false).expect("a connection that waits");
    connection.set_read_timeout(Some(Duration::from_secs(20))).expect("a patient connection");
    // Reads what there is of the TLS handshake, and then the end: the client is gone.
    std::io::copy(&mut connection, &mut std::io::sink()).expect("the end");
    assert_eq!(client.policy().mode(), Mode::Preferred);
    assert_eq!(peer.journal().connections(), 0);
}

fn dropped_while_the_request_is_not_answered(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = adapter.client(Settings::new(&peer));
    let gate = Gate::new();
    peer.push_turn(Transport::WebSocket, Turn::complete().gate_before(0, &gate));
    let mut turn = client.stream(hi());
    assert!(turn.next_unless(&|| gate.arrivals() == 1).is_none());
    drop(turn);
    expect_nothing_left(&peer, &*client);
    expect_websocket_works(&peer, &*client);
    assert_eq!(peer.journal().handshakes(), 2);
}

fn dropped_in_mid_stream_over_websocket(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = adapter.client(Settings::new(&peer));
    peer.push_turn(Transport::WebSocket, Turn::mute_after(6));
    let mut turn = client.stream(hi());
    assert_eq!(read(&mut *turn, 6).events().len(), 6);
    drop(turn);
    expect_nothing_left(&peer, &*client);
    expect_websocket_works(&peer, &*client);
    // The socket of an unfinished response is never used again.
    let journal = peer.journal();
    assert_eq!(journal.request_connections(), [1, 2], "{journal}");
}

fn dropped_before_the_headers_of_sse(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = adapter.client(Settings::new(&peer));
    fail_over(&peer, &*client);
    peer.push_turn(Transport::Sse, Turn::no_headers());
    let mut turn = client.stream(hi());
    assert!(turn.next_unless(&|| peer.journal().requests(Transport::Sse) == 2).is_none());
    drop(turn);
    expect_nothing_left(&peer, &*client);
    assert!(matches!(client.policy().mode(), Mode::FailedOver { .. }));
}

fn dropped_while_the_request_is_not_taken_over_sse(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = adapter.client(Settings::new(&peer));
    fail_over(&peer, &*client);
    peer.read_slowly(64 * 1024, Duration::from_millis(1));
    // More than the kernels hold.
    let mut turn = client.stream(Request::text("m", &"x".repeat(20 * 1024 * 1024)));
    let is_under_way = || peer.journal().any(|what| matches!(what, What::Taken { .. }));
    assert!(turn.next_unless(&is_under_way).is_none());
    peer.read_slowly(64 * 1024, Duration::from_secs(60));
    drop(turn);
    until("the tasks to end", || client.background_tasks() == 0);
    assert!(matches!(client.policy().mode(), Mode::FailedOver { .. }));
}

fn dropped_in_mid_stream_over_sse(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = adapter.client(Settings::new(&peer));
    fail_over(&peer, &*client);
    peer.push_turn(Transport::Sse, Turn::mute_after(6));
    let mut turn = client.stream(hi());
    assert_eq!(read(&mut *turn, 6).events().len(), 6);
    drop(turn);
    expect_nothing_left(&peer, &*client);
    assert!(matches!(client.policy().mode(), Mode::FailedOver { .. }));

    let outcome = collect(client.stream(hi()));
    assert!(outcome.is_complete(), "{outcome:?}");
    let journal = peer.journal();
    let connections = journal.request_connections();
    assert_ne!(connections[1], connections[2], "{journal}");
}

fn dropped_while_it_waits_to_try_again(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = adapter.client(Settings::new(&peer));
    peer.push_handshake(Handshake::status(429).header("retry-after", "30"));
    let mut turn = client.stream(hi());
    let refused = || peer.journal().refusals() == [429] && client.background_tasks() == 0;
    assert!(turn.next_unless(&refused).is_none());
    drop(turn);
    expect_nothing_left(&peer, &*client);
    expect_websocket_works(&peer, &*client);
    assert_eq!(peer.journal().handshakes(), 2);
}

fn dropped_during_the_probe(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = adapter.client(Settings::new(&peer));
    fail_over(&peer, &*client);
    client.advance(Duration::from_secs(90));
    let gate = Gate::new();
    peer.push_handshake(Handshake::hold(&gate));
    let mut turn = client.stream(hi());
    assert!(turn.next_unless(&|| gate.arrivals() == 1).is_none());
    assert!(matches!(client.policy().mode(), Mode::Probing { .. }));
    drop(turn);
    // The policy has heard of it: nobody waits for the lease.
    let Status { mode, retry_in, .. } = client.policy().status();
    assert!(matches!(mode, Mode::FailedOver { .. }), "{mode}");
    // What is left is the idle SSE connection, if it is not too old by now, and the one task that it has.
    peer.wait_for_blocking("the handshake to end", |journal| journal.open_connections() <= 1);
    until("the tasks to end", || client.background_tasks() <= 1);

    client.advance(retry_in.expect("a cooldown"));
    let outcome = collect(client.stream(hi()));
    assert!(outcome.is_complete(), "{outcome:?}");
    assert_eq!(outcome.moves(), [Transport::WebSocket]);
    let journal = peer.journal();
    assert_eq!(journal.transports(), [Transport::Sse, Transport::WebSocket], "{journal}");
    assert_eq!(client.policy().mode(), Mode::Preferred);
}

fn a_dial_outlives_its_turn_but_not_its_client(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = adapter.client(Settings::new(&peer).default_head_start());
    let gate = Gate::new();
    peer.push_handshake(Handshake::hold(&gate));
    peer.push_turn(Transport::Sse, Turn::mute_after(3));
    let mut turn = client.stream(hi());
    assert_eq!(read(&mut *turn, 3).moves(), [Transport::Sse]);
    drop(turn);

    // The stream is gone, the handshake goes on.
    expect_left(&peer, &*client, 1);
    assert_eq!(client.policy().mode(), Mode::Preferred);
    until("the tasks of SSE to end", || client.background_tasks() <= 2);
    assert!(client.background_tasks() > 0);

    let tasks = client.leave();
    peer.wait_for_blocking("the handshake to be given up", |journal| journal.open_connections() == 0);
    until("the tasks to end", || tasks() == 0);
    let journal = peer.journal();
    assert_eq!((journal.handshakes(), journal.upgrades()), (1, 0), "{journal}");
    assert_eq!(journal.transports(), [Transport::Sse], "{journal}");
}

fn a_client_leaves_nothing_of_what_was_idle(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = adapter.client(Settings::new(&peer));
    expect_websocket_works(&peer, &*client);
    // Too large for WebSocket: over SSE, and then there is an idle connection of either kind.
    peer.push_turn(Transport::WebSocket, Turn::close_after(0, 1009));
    let outcome = collect(client.stream(hi()));
    assert!(outcome.is_complete(), "{outcome:?}");
    let outcome = collect(client.stream(hi()));
    assert!(outcome.is_complete(), "{outcome:?}");
    expect_left(&peer, &*client, 2);

    let tasks = client.leave();
    peer.wait_for_blocking("the idle connections to be closed", |journal| journal.open_connections() == 0);
    until("the tasks to end", || tasks() == 0);
    let journal = peer.journal();
    use Transport::{Sse, WebSocket};
    assert_eq!(journal.transports(), [WebSocket, WebSocket, Sse, WebSocket], "{journal}");
}

fn a_turn_under_way_outlives_the_clients_handle(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let client = adapter.client(Settings::new(&peer));
    let gate = Gate::new();
    peer.push_turn(Transport::WebSocket, Turn::complete().gate_before(5, &gate));
    let mut turn = client.stream(hi());
    let begun = read(&mut *turn, 5);
    let tasks = client.leave();
    gate.open();
    let outcome = begun.then(collect(turn));
    assert!(outcome.is_complete(), "{outcome:?}");
    assert_eq!(outcome.text(), "echo: hi");
    peer.wait_for_blocking("the socket to be closed", |journal| journal.open_connections() == 0);
    until("the tasks to end", || tasks() == 0);
    assert_eq!(peer.journal().transports(), [Transport::WebSocket]);
}
