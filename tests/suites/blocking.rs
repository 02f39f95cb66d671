//! What the blocking client has of its own: turns that are ended from another thread, and threads that end.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use failback::{Config, Mode, Transport};
use failback_blocking::{Builder, Client, Error, Item, ResponseStream};
use failback_peer::{Gate, Handshake, Peer, Turn};
use failback_tests::until;
use failback_wire::Request;

fn hi() -> Request {
    Request::text("m", "hi")
}

fn client(peer: &Peer) -> Client {
    builder(peer).build().expect("a client")
}

fn builder(peer: &Peer) -> Builder {
    Client::builder(peer.url())
}

fn completes(client: &Client) {
    let items: Result<Vec<Item>, Error> = client.stream(hi()).collect();
    let items = items.expect("no error");
    assert!(
        matches!(items.last(), Some(Item::Event(event)) if event.kind() == "response.completed"),
        "{items:?}"
    );
}

/// Reads a turn in another thread, and ends it from here once it has come far enough.
fn cancel_when(mut stream: ResponseStream, what: &str, far_enough: impl Fn() -> bool) {
    let handle = stream.cancel_handle();
    let reader = thread::spawn(move || {
        for item in stream.by_ref() {
            item.expect("no error");
        }
        assert!(stream.next().is_none(), "over is over");
        // The stream lives on, and holds nothing.
        stream
    });
    until(what, far_enough);
    let begun = Instant::now();
    handle.cancel();
    let stream = reader.join().expect("the reader ends in peace");
    assert!(begun.elapsed() < Duration::from_secs(5), "{what}: {:?}", begun.elapsed());
    handle.cancel();
    drop(stream);
}

fn expect_nothing_left(peer: &Peer, client: &Client) {
    peer.wait_for_blocking("the connections to end", |journal| journal.open_connections() == 0);
    let threads = client.threads();
    until("the threads to end", || threads() == 0);
}

#[test]
fn cancelled_in_the_handshake() {
    let peer = Peer::start();
    let client = client(&peer);
    let gate = Gate::new();
    peer.push_handshake(Handshake::hold(&gate));
    cancel_when(client.stream(hi()), "the handshake", || gate.arrivals() == 1);
    expect_nothing_left(&peer, &client);
    assert_eq!(client.policy().mode(), Mode::Preferred);
    completes(&client);
}

#[test]
fn cancelled_in_a_tcp_handshake_that_is_not_answered() {
    // The last address of the range that is for documentation: nothing answers, or the network says so at
    // once.
    let peer = Peer::start();
    let config = Config::new().with_head_start(Duration::from_secs(60));
    let client = builder(&peer).config(config).websocket_url("ws://192.0.2.255:9/v1").build();
    let client = client.expect("a client");
    let (threads, begun) = (client.threads(), Instant::now());
    let mut stream = client.stream(hi());
    let handle = stream.cancel_handle();
    let reader = thread::spawn(move || stream.next().is_none());
    until("the dial", || threads() > 0 || begun.elapsed() > Duration::from_secs(1));
    handle.cancel();
    let _ = reader.join().expect("the reader ends in peace");
    drop(client);
    until("the threads to end", || threads() == 0);
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[test]
fn cancelled_while_a_name_is_looked_up() {
    let peer = Peer::start();
    let (entered, arrived) = std::sync::mpsc::channel();
    let (leave, left) = std::sync::mpsc::channel::<()>();
    let (entered, left) = (std::sync::Mutex::new(entered), std::sync::Mutex::new(left));
    let builder = builder(&peer).resolver(move |_, _| {
        let _ = entered.lock().expect("a sender").send(());
        let _ = left.lock().expect("a receiver").recv();
        Err(std::io::Error::other("no name server answers"))
    });
    let client = builder.build().expect("a client");
    let asked = std::cell::Cell::new(false);
    cancel_when(client.stream(hi()), "the look-up", || {
        asked.set(asked.get() || arrived.try_recv().is_ok());
        asked.get()
    });
    let threads = client.threads();
    drop(client);
    // Of its two threads the handshake ends now, and the look-up as soon as it can.
    until("the handshake to end", || threads() == 1);
    drop(leave);
    until("the look-up to end", || threads() == 0);
}

#[test]
fn cancelled_while_it_waits_to_try_again() {
    let peer = Peer::start();
    let client = client(&peer);
    peer.push_handshake(Handshake::status(429).header("retry-after", "30"));
    let threads = client.threads();
    let refused = || peer.journal().refusals() == [429] && threads() == 0;
    cancel_when(client.stream(hi()), "the refusal", refused);
    expect_nothing_left(&peer, &client);
}

#[test]
fn cancelled_while_it_reads() {
    for transport in [Transport::WebSocket, Transport::Sse] {
        let peer = Peer::start();
        let client = client(&peer);
        if transport == Transport::Sse {
            peer.set_handshake(Handshake::status(403));
        }
        for count in [0, 6] {
            peer.push_turn(transport, Turn::mute_after(count));
            let before = peer.journal().requests(transport);
            cancel_when(client.stream(hi()), "the request", || peer.journal().requests(transport) > before);
            expect_nothing_left(&peer, &client);
        }
    }
}

#[test]
fn cancelled_while_it_writes() {
    // Takes the connection, and none of the request but what the network holds.
    let deaf = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/v1", deaf.local_addr().expect("its address"));
    let peer = Peer::start();
    peer.set_handshake(Handshake::status(403));
    let client = Client::builder(url).websocket_url(peer.url()).build().expect("a client");
    let request = Request::text("m", &"x".repeat(64 * 1024 * 1024));
    let accepted = thread::spawn(move || deaf.accept().expect("a connection").0);
    cancel_when(client.stream(request), "the connection", || accepted.is_finished());
    let mut connection: TcpStream = accepted.join().expect("a connection");
    connection.set_read_timeout(Some(Duration::from_secs(20))).expect("a patient connection");
    let mut read = 0;
    // The end, or a reset, as not everything that was written had been taken.
    while let Ok(more @ 1..) = connection.read(&mut [0; 64 * 1024]) {
        read += more;
    }
    assert!(read < 64 * 1024 * 1024, "{read}");
    let threads = client.threads();
    until("the threads to end", || threads() == 0);
}

#[test]
fn cancelled_while_nobody_reads() {
    for transport in [Transport::WebSocket, Transport::Sse] {
        let peer = Peer::start();
        let client = client(&peer);
        if transport == Transport::Sse {
            peer.set_handshake(Handshake::status(403));
        }
        peer.push_turn(transport, Turn::mute_after(6));
        let mut stream = client.stream(hi());
        stream.next().expect("an item").expect("no error");
        stream.cancel_handle().cancel();
        // At once, though the stream is neither read nor dropped.
        expect_nothing_left(&peer, &client);
        assert!(stream.next().is_none());
    }
}

#[test]
fn cancelled_before_it_begins_it_never_does() {
    let peer = Peer::start();
    let client = client(&peer);
    let mut stream = client.stream(hi());
    stream.cancel_handle().cancel();
    assert!(stream.next().is_none());
    assert_eq!(peer.journal().connections(), 0);
    completes(&client);
    stream.cancel_handle().cancel();
    completes(&client);
    assert_eq!(peer.journal().connections(), 1);
}

#[test]
fn a_handle_keeps_nothing() {
    let peer = Peer::start();
    let client = client(&peer);
    let mut stream = client.stream(hi());
    let handle = stream.cancel_handle();
    let count = stream.by_ref().count();
    assert!(count > 3, "{count}");
    let threads = client.threads();
    drop(client);
    // Neither a stream that is over nor a handle keeps the client.
    peer.wait_for_blocking("the socket to be closed", |journal| journal.open_connections() == 0);
    until("the threads to end", || threads() == 0);
    drop((stream, handle));
}

#[test]
fn a_turn_is_read_by_whoever_asks() {
    let peer = Peer::start();
    let client = client(&peer);
    let mut stream = client.stream(hi());
    stream.next().expect("an item").expect("no error");
    let mut stream = thread::spawn(move || {
        stream.next().expect("an item").expect("no error");
        stream
    })
    .join()
    .expect("a reader");
    assert!(stream.all(|item| item.is_ok()));
    completes(&client);
    assert_eq!(peer.journal().request_connections(), [1, 1]);
}

/// Everything that any crate tells a logger, with what is shown byte by byte joined.
struct Log(std::sync::Mutex<String>);

impl log::Log for Log {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let text = record.args().to_string();
        let is_bytes = text.bytes().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b' ' | b'-'));
        let mut log = self.0.lock().expect("a log");
        log.push_str(&if is_bytes { text.replace([' ', '-'], "") } else { format!("{text}\n") });
    }

    fn flush(&self) {}
}

#[test]
fn no_log_of_any_crate_shows_a_secret() {
    static LOG: Log = Log(std::sync::Mutex::new(String::new()));
    log::set_logger(&LOG).expect("no other logger");
    log::set_max_level(log::LevelFilter::Trace);
    let peer = Peer::start();
    peer.push_handshake(Handshake::status(403));
    let client = Client::builder(format!("{}?api-key=query-secret", peer.url()));
    let client = client.bearer("key-secret").build().expect("a client");
    completes(&client);
    completes(&client);
    let log = LOG.0.lock().expect("a log").to_lowercase();
    assert!(log.contains("server"), "ureq tells something: {log}");
    for secret in ["query-secret", "key-secret"] {
        let bytes: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        assert!(!log.contains(secret) && !log.contains(&bytes), "{secret}");
    }
}
