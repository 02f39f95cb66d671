//! The caller is away in mid-stream for longer than a limit, and the server has nothing to say meanwhile: when
//! it came back, its turn ended at once, although nobody had asked the peer whether it was there. Or it is away
//! while a connection is opened, which then had no time left.

use std::thread;
use std::time::{Duration, Instant};

use failback::{Config, Mode, Transport};
use failback_peer::{Gate, Handshake, Journal, Peer, Proxy, Tunnel, Turn, What};
use failback_tests::{Adapter, Outcome, Settings, TestClient, TestTurn, collect, hello, read, until};
use failback_wire::{Limits, Request};

use crate::common::peer_on;

with_every_adapter!(
    a_websocket_is_asked_at_once_and_goes_on,
    an_answer_over_sse_goes_on,
    the_first_event_may_come_when_the_caller_is_back,
    no_event_for_long_is_no_fault_of_an_absence,
    a_caller_that_looks_just_before_the_limit_was_away,
);

// A blocking client opens its connections while its caller waits.
with_async_adapters!(a_handshake_goes_on, a_connection_for_sse_goes_on, a_head_start_counts_all_time,);

const BOTH: [Transport; 2] = [Transport::WebSocket, Transport::Sse];
/// The longest limit is 300 s.
const AWAY: Duration = Duration::from_secs(400);
/// A limit that has passed is looked at once more, for a second and some milliseconds. Then it ends the turn.
const LAST_LOOK: Duration = Duration::from_millis(1500);

/// A turn whose peer waits at a gate before some of its events, with nothing left to read.
struct Silent {
    peer: Peer,
    client: Box<dyn TestClient>,
    turn: Box<dyn TestTurn>,
    transport: Transport,
    /// Where it waits, from the last to the first: before which event, at which gate.
    stops: Vec<(usize, Gate)>,
    /// How many of them are open.
    open: usize,
    read: Outcome,
}

impl Silent {
    /// It waits before these events, and at the first of them now.
    fn new<const STOPS: usize>(
        transport: Transport,
        before: [usize; STOPS],
        client: impl Fn(Settings) -> Box<dyn TestClient>,
    ) -> Self {
        let peer = peer_on(transport);
        let stops: Vec<_> = before.into_iter().rev().map(|before| (before, Gate::new())).collect();
        let turn = Turn::complete();
        let turn = stops.iter().fold(turn, |turn, (before, gate)| turn.gate_before(*before, gate));
        peer.set_turn(transport, turn);
        let client = client(Settings::new(&peer));
        let turn = client.stream(Request::text("m", "hello"));
        let read = Outcome { items: Vec::new(), error: None };
        let mut silent = Self { peer, client, turn, transport, stops, open: 0, read };
        silent.read_on();
        silent
    }

    /// Reads up to the next stop.
    fn read_on(&mut self) {
        let stop = self.stops.last().expect("another stop").0;
        let seen = self.read.events().len();
        self.read.items.extend(read(&mut *self.turn, stop - seen).items);
        let open = self.open;
        let at_gate = |journal: &Journal| journal.count(|what| *what == What::AtGate) > open;
        while stop == 0 && !at_gate(&self.peer.journal()) {
            // The request is sent while the turn is read. There may be the notice of the move to SSE.
            drop(self.turn.next_unless(&|| at_gate(&self.peer.journal())));
        }
        // After the first event, nobody reads meanwhile.
        self.peer.wait_for_blocking("the stop", at_gate);
    }

    /// The server goes on.
    fn open(&mut self) {
        self.stops.pop().expect("a gate").1.open();
        self.open += 1;
    }

    /// Reads until `enough`. Nothing comes.
    fn wait(&mut self, enough: impl Fn(&Peer) -> bool) {
        let (peer, turn) = (&self.peer, &mut self.turn);
        let item = turn.next_unless(&|| enough(peer));
        assert!(item.is_none(), "{item:?}\n{}", peer.journal());
    }

    /// Reads for longer than a limit that has passed leaves the turn alive.
    fn wait_out_a_last_look(&mut self) {
        let begun = Instant::now();
        self.wait(|_| begun.elapsed() > LAST_LOOK);
    }

    /// Now the server goes on, and the turn comes through with its first request.
    fn comes_through(mut self) {
        self.open();
        let outcome = self.read.then(collect(self.turn));
        let journal = self.peer.journal();
        assert!(outcome.error.is_none() && outcome.restarts().is_empty(), "{outcome:?}\n{journal}");
        assert_eq!(outcome.text(), "echo: hello");
        assert_eq!(journal.transports(), [self.transport], "{journal}");
        if self.transport == Transport::WebSocket {
            assert_eq!(self.client.policy().mode(), Mode::Preferred);
        }
    }
}

fn pings(peer: &Peer) -> usize {
    peer.journal().count(|what| matches!(what, What::Ping))
}

fn a_websocket_is_asked_at_once_and_goes_on(adapter: &dyn Adapter) {
    // On a runtime that goes on without the caller, and on one that does not.
    let running = |settings| adapter.client(settings);
    let standing_still = |settings| adapter.client_that_stands_still(settings);
    let stops = [2, 4, 6];
    for mut silent in [
        Silent::new(Transport::WebSocket, stops, running),
        Silent::new(Transport::WebSocket, stops, standing_still),
    ] {
        for absence in 1..=stops.len() {
            if absence > 1 {
                silent.open();
                silent.read_on();
            }
            silent.client.advance(AWAY);
            silent.wait(|peer| pings(peer) == absence);
        }
        silent.wait_out_a_last_look();
        assert_eq!(pings(&silent.peer), stops.len(), "{}", silent.peer.journal());
        silent.comes_through();
    }
}

fn an_answer_over_sse_goes_on(adapter: &dyn Adapter) {
    let mut silent = Silent::new(Transport::Sse, [5, 7], |settings| adapter.client(settings));
    silent.client.advance(AWAY);
    silent.wait_out_a_last_look();
    silent.open();
    silent.read_on();
    silent.client.advance(AWAY);
    silent.wait_out_a_last_look();
    silent.comes_through();
}

fn the_first_event_may_come_when_the_caller_is_back(adapter: &dyn Adapter) {
    for transport in BOTH {
        outlives_an_absence(Silent::new(transport, [0], |settings| adapter.client(settings)));
    }
}

fn outlives_an_absence(mut silent: Silent) {
    silent.client.advance(AWAY);
    silent.wait_out_a_last_look();
    silent.comes_through();
}

fn no_event_for_long_is_no_fault_of_an_absence(adapter: &dyn Adapter) {
    for transport in BOTH {
        let limits = Limits::new().with_event_timeout(Some(Duration::from_secs(60)));
        outlives_an_absence(Silent::new(transport, [5], |settings| adapter.client(settings.limits(limits))));
    }
}

fn a_caller_that_looks_just_before_the_limit_was_away(adapter: &dyn Adapter) {
    for transport in BOTH {
        let mut silent = Silent::new(transport, [5], |settings| adapter.client(settings));
        silent.client.advance(Duration::from_secs(299));
        let begun = Instant::now();
        silent.wait(|_| begun.elapsed() > Duration::from_millis(100));
        silent.client.advance(Duration::from_secs(2));
        // A thread that waits for the limit itself notices the clock a second later.
        silent.wait_out_a_last_look();
        silent.wait_out_a_last_look();
        silent.comes_through();
    }
}

/// How long a connection may take to open in these tests, and how long the caller is away meanwhile.
const CONNECT: Duration = Duration::from_secs(4);
const AWAY_FROM_A_CONNECTION: Duration = Duration::from_secs(5);

/// Reads until `arrived`, and is away. Nobody's clock but the system's knows.
fn be_away(turn: &mut dyn TestTurn, arrived: impl Fn() -> bool) {
    assert!(turn.next_unless(&arrived).is_none());
    thread::sleep(AWAY_FROM_A_CONNECTION);
}

/// Reads for longer than it took before a limit that had passed ended something. Then the peer goes on.
fn come_back(turn: &mut dyn TestTurn, gate: &Gate) {
    let begun = Instant::now();
    assert!(turn.next_unless(&|| begun.elapsed() > LAST_LOOK).is_none());
    gate.open();
}

/// Neither the client nor its WebSocket is blamed for anything.
fn expect_one_connection(
    peer: &Peer,
    client: &dyn TestClient,
    turn: Box<dyn TestTurn>,
    transport: Transport,
) {
    let outcome = collect(turn);
    let journal = peer.journal();
    assert!(outcome.error.is_none() && outcome.restarts().is_empty(), "{outcome:?}\n{journal}");
    assert_eq!(outcome.text(), "echo: hello");
    assert_eq!(journal.transports(), [transport], "{journal}");
    assert!(journal.handshakes() <= 1, "{journal}");
    assert_eq!((client.policy().mode(), client.policy().recoveries_left()), (Mode::Preferred, 3));
}

fn a_handshake_goes_on(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let gate = Gate::new();
    peer.set_handshake(Handshake::hold(&gate));
    let limits = Limits::new().with_connect_timeout(CONNECT);
    let client = adapter.client(Settings::new(&peer).limits(limits));
    let mut turn = client.stream(hello());
    be_away(&mut *turn, || gate.arrivals() > 0);
    come_back(&mut *turn, &gate);
    expect_one_connection(&peer, &*client, turn, Transport::WebSocket);
}

fn a_connection_for_sse_goes_on(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let (proxy, gate) = (Proxy::start(&peer), Gate::new());
    proxy.set(Tunnel::Hold(gate.clone()));
    let limits = Limits::new().with_connect_timeout(CONNECT);
    let client = adapter.client(Settings::new(&peer).limits(limits).proxy(&proxy).sse_only());
    let mut turn = client.stream(hello());
    be_away(&mut *turn, || gate.arrivals() > 0);
    come_back(&mut *turn, &gate);
    expect_one_connection(&peer, &*client, turn, Transport::Sse);
    assert_eq!(gate.arrivals(), 1);
}

/// It is there so that the answer comes soon. The handshake has its time all the same.
fn a_head_start_counts_all_time(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let gate = Gate::new();
    peer.set_handshake(Handshake::hold(&gate));
    let config = Config::new().with_head_start(CONNECT);
    let limits = Limits::new().with_connect_timeout(CONNECT * 3 / 2);
    let client = adapter.client(Settings::new(&peer).config(config).limits(limits));
    let mut turn = client.stream(hello());
    be_away(&mut *turn, || gate.arrivals() > 0);
    let back = Instant::now();
    let outcome = collect(turn);
    // After a last look of a second. If it were put off, it would have more than three seconds left.
    assert!(back.elapsed() < Duration::from_millis(2500), "{:?}", back.elapsed());
    assert_eq!(outcome.text(), "echo: hello");
    assert_eq!(peer.journal().transports(), [Transport::Sse], "{}", peer.journal());
    thread::sleep(LAST_LOOK);
    gate.open();
    until("the WebSocket to be kept", || client.policy().poll_timeout().is_none());
    let outcome = collect(client.stream(hello()));
    let journal = peer.journal();
    assert!(outcome.error.is_none(), "{outcome:?}\n{journal}");
    assert_eq!(journal.transports(), [Transport::Sse, Transport::WebSocket], "{journal}");
    assert_eq!(journal.handshakes(), 1, "{journal}");
}
