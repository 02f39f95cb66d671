//! A client of one adapter, its peer, and what they see of each other.

use std::time::Duration;

use failback::{Config, Transport};
use failback_peer::{Gate, Handshake, Journal, Peer, Proxy, Turn, What};
use failback_tests::{Adapter, Outcome, Settings, TestClient, collect, read, until};
use failback_wire::Request;

use crate::lines;

/// What was seen in one scenario with one adapter.
#[derive(Clone)]
pub(crate) struct Seen {
    /// By the caller, and of the policy.
    pub(crate) caller: Vec<String>,
    /// By the peer, on each connection.
    pub(crate) connections: Vec<Vec<String>>,
    /// By the proxy.
    pub(crate) tunnels: Vec<String>,
}

impl Seen {
    pub(crate) fn is_empty(&self) -> bool {
        self.caller.is_empty()
    }
}

/// A scenario under way.
pub(crate) struct Scene {
    pub(crate) peer: Peer,
    pub(crate) client: Box<dyn TestClient>,
    proxy: Option<Proxy>,
    caller: Vec<String>,
}

impl Scene {
    /// With default settings, but nothing depends on how long a machine that is busy takes.
    pub(crate) fn new(adapter: &dyn Adapter, peer: Peer) -> Self {
        Self::with(adapter, peer, |settings| settings)
    }

    /// With other settings.
    pub(crate) fn with(adapter: &dyn Adapter, peer: Peer, change: impl FnOnce(Settings) -> Settings) -> Self {
        let settings = change(Settings::new(&peer).config(patient()));
        Self { client: adapter.client(settings), peer, proxy: None, caller: Vec::new() }
    }

    /// Through this proxy.
    pub(crate) fn through(
        adapter: &dyn Adapter,
        peer: Peer,
        proxy: Proxy,
        change: impl FnOnce(Settings) -> Settings,
    ) -> Self {
        let scene = Self::with(adapter, peer, |settings| change(settings.proxy(&proxy)));
        Self { proxy: Some(proxy), ..scene }
    }

    /// One turn, read to its end.
    pub(crate) fn turn(&mut self, request: Request) -> Outcome {
        let outcome = collect(self.client.stream(request));
        self.note(&outcome);
        self.settle();
        outcome
    }

    /// One turn that asks for an echo of `hello world`.
    pub(crate) fn hello(&mut self) -> Outcome {
        self.turn(hello())
    }

    /// The same, but the gate opens when the caller has so many events.
    pub(crate) fn hello_in_two(&mut self, events: usize, gate: &Gate) {
        let mut turn = self.client.stream(hello());
        let begun = read(&mut *turn, events);
        gate.open();
        self.note(&begun.then(collect(turn)));
        self.settle();
    }

    /// One turn that is dropped after so many events.
    pub(crate) fn drop_after(&mut self, events: usize) {
        let mut turn = self.client.stream(hello());
        let outcome = read(&mut *turn, events);
        drop(turn);
        self.note(&outcome);
        self.settle();
    }

    /// One turn that is dropped when the test says so, before it has yielded anything.
    pub(crate) fn drop_when(&mut self, enough: impl Fn(&Peer) -> bool) {
        let mut turn = self.client.stream(hello());
        assert!(turn.next_unless(&|| enough(&self.peer)).is_none(), "it yields nothing before");
        drop(turn);
        self.caller.push("dropped".to_owned());
        self.note_policy();
        self.settle();
    }

    /// Waits until nothing goes on but handshakes that no turn waits for. So the next turn finds every
    /// connection that it may use.
    fn settle(&self) {
        self.peer.wait_for_blocking("an end of what goes on", |journal| Rest::of(journal).is_some());
        // A connection that rests has one task at most, and so has a handshake.
        until("other tasks to end", || {
            let rest = Rest::of(&self.peer.journal());
            rest.is_some_and(|rest| self.client.background_tasks() <= rest.idle + rest.dials)
        });
        self.client.catch_up();
    }

    /// Adds what the caller got in one turn, and what the policy thinks then.
    pub(crate) fn note(&mut self, outcome: &Outcome) {
        self.caller.extend(lines::of_outcome(outcome));
        self.note_policy();
    }

    fn note_policy(&mut self) {
        let status = self.client.policy().status();
        let (mode, cooling, left) = (status.mode, status.retry_in.is_some(), status.recoveries_left);
        self.caller.push(format!("policy: {mode}, cooling down: {cooling}, recoveries left: {left}"));
    }

    /// The longest cooldown there can be is over.
    pub(crate) fn cool_down(&mut self) {
        self.client.advance(Duration::from_secs(30 * 60));
    }

    /// The client goes away, and everything ends.
    pub(crate) fn end(self) -> Seen {
        let Self { peer, client, proxy, caller } = self;
        let tasks = client.leave();
        let journal =
            peer.wait_for_blocking("all connections to end", |journal| journal.open_connections() == 0);
        until("all tasks to end", || tasks() == 0);
        let tunnels = proxy.map(|proxy| lines::of_tunnels(&proxy.seen())).unwrap_or_default();
        Seen { caller, connections: lines::of_journal(&journal), tunnels }
    }
}

/// A request for an echo of `hello world`.
pub(crate) fn hello() -> Request {
    Request::text("m", "hello world")
}

/// The defaults, but no handshake is left, and no retry given up, because the machine is slow.
pub(crate) fn patient() -> Config {
    Config::new().with_head_start(Duration::MAX).with_fallback_within(Duration::from_secs(60))
}

/// A peer that refuses WebSocket.
pub(crate) fn sse_only() -> Peer {
    let peer = Peer::start();
    peer.set_handshake(Handshake::status(403));
    peer
}

/// Two turns, of which the first request on this transport is answered like this.
pub(crate) fn once(adapter: &dyn Adapter, transport: Transport, turn: Turn) -> Seen {
    let peer = match transport {
        Transport::WebSocket => Peer::start(),
        Transport::Sse => sse_only(),
    };
    peer.push_turn(transport, turn);
    let mut scene = Scene::new(adapter, peer);
    scene.hello();
    scene.hello();
    scene.end()
}

/// What a peer has to do with a client that does nothing.
#[derive(Default)]
struct Rest {
    /// Connections that wait for a request.
    idle: usize,
    /// Handshakes that are not answered.
    dials: usize,
}

impl Rest {
    /// `None` while there is more: a request is not answered to its end, or a connection is about to end.
    fn of(journal: &Journal) -> Option<Self> {
        let mut rest = Self::default();
        for connection in 1..=journal.connections() as u64 {
            let entries = || journal.entries().filter(|entry| entry.conn == connection);
            let is_upgrade = entries().any(|entry| matches!(entry.what, What::Handshake { .. }));
            match entries().next_back()?.what {
                What::Disconnected => {}
                What::Handshake { .. } | What::AtGate => rest.dials += 1,
                What::TurnDone if is_upgrade => rest.idle += 1,
                What::BodyEnd | What::Refused { .. } if !is_upgrade => rest.idle += 1,
                _ => return None,
            }
        }
        Some(rest)
    }
}
