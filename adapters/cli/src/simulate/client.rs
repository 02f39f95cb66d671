//! One client from the start to the end: its turns, its socket, its strategy.

use failback::{Blame, DialOutcome, Failure, Outcome, Stage, Timestamp, Transport};

use super::kind::Kind;
use super::queue::Queue;
use super::random::{Purpose, Random};
use super::strategy::{Next, Strategy};
use super::tally::Tally;
use super::world::{Connecting, EVENT_EVERY, FIRST_EVENT, World};

/// What happens next to a turn, or to the client. Each turn is in one event, with all that it has.
pub(super) enum Event<S: Strategy> {
    /// A turn arrives.
    Arrive,
    /// The wait before an attempt is over.
    Begin(Turn, S::Call),
    /// The head start of an attempt is over, and its handshake goes on.
    Divert(Turn, S::Attempt, Connecting),
    /// There is no connection.
    Refused(Turn, S::Attempt),
    /// An event arrives.
    Progress(Turn, S::Attempt, Stream),
    /// The connection breaks.
    Break(Turn, S::Attempt, Break),
    /// The answer is complete; of a WebSocket, until when its socket is of use.
    Complete(Turn, S::Attempt, u64),
    /// A handshake that no turn waits for has ended.
    Dialled(S::Dial, bool),
}

/// A turn under way.
#[derive(Clone, Copy)]
pub(super) struct Turn {
    arrived: u64,
    /// How long its answer takes.
    length: u64,
    /// When the attempt under way began.
    began: u64,
}

/// An answer under way.
#[derive(Clone, Copy)]
pub(super) struct Stream {
    ends: u64,
    breaks: u64,
    socket_until: u64,
}

/// A connection that breaks.
#[derive(Clone, Copy)]
pub(super) struct Break {
    streaming: bool,
    /// Its socket had waited in the pool.
    reused: bool,
}

/// Simulates one client, and counts what happens to it.
pub(super) fn live<S: Strategy>(
    world: &World,
    kind: Kind,
    number: u64,
    queue: &mut Queue<Event<S>>,
    tally: &mut Tally,
) {
    let random = |purpose| Random::new(world.seed, number, purpose);
    let seed = random(Purpose::Policy).next();
    let mut client = Client {
        world,
        strategy: S::new(kind, world.config, seed, Timestamp::ZERO),
        demand: random(Purpose::Demand),
        network: random(Purpose::Network),
        broken: world.is_broken(number),
        idle_until: 0,
        queue,
        tally,
    };
    client.find_socket();
    client.expect_turn(0);
    while let Some((now, event)) = client.queue.pop() {
        client.handle(event, now);
    }
    let pinned = client.strategy.is_pinned();
    client.tally.client(client.broken, pinned);
}

struct Client<'a, S: Strategy> {
    world: &'a World,
    strategy: S,
    demand: Random,
    network: Random,
    /// Behind a broken proxy.
    broken: bool,
    /// Until when the idle socket is of use; in the past when there is none.
    idle_until: u64,
    queue: &'a mut Queue<Event<S>>,
    tally: &'a mut Tally,
}

impl<S: Strategy> Client<'_, S> {
    /// The fleet has been running before the start: most have a socket, of any age.
    fn find_socket(&mut self) {
        let life = self.world.socket_life;
        let without = self.network.exponential(self.world.gap);
        let cycle = life.saturating_add(without);
        let age = (self.network.fraction() * cycle as f64) as u64;
        if !self.broken && age < life {
            self.idle_until = (life - age).min(self.world.socket_until(0));
        }
    }

    fn expect_turn(&mut self, now: u64) {
        let at = now.saturating_add(self.demand.exponential(self.world.gap));
        if at < self.world.length {
            self.queue.push(at, Event::Arrive);
        }
    }

    fn handle(&mut self, event: Event<S>, now: u64) {
        let time = Timestamp::from_nanos(now);
        match event {
            Event::Arrive => {
                let turn = Turn { arrived: now, length: self.demand.around(self.world.stream), began: now };
                self.expect_turn(now);
                let attempt = self.strategy.begin_call(time);
                self.attempt(turn, attempt, now);
            }
            Event::Begin(turn, call) => {
                let attempt = self.strategy.begin_again(call, time);
                self.attempt(turn, attempt, now);
            }
            Event::Divert(turn, attempt, Connecting { until, open }) => {
                let (call, dial) = self.strategy.divert(attempt, time);
                self.queue.push(until, Event::Dialled(dial, open));
                self.queue.push(now, Event::Begin(turn, call));
            }
            Event::Refused(turn, attempt) => {
                let failure = Failure::new(blame(S::transport(&attempt)), Stage::Connecting);
                self.end(turn, attempt, Outcome::Failed(failure), now);
            }
            Event::Progress(turn, attempt, stream) => {
                self.strategy.handle_progress(&attempt, time);
                self.stream(turn, attempt, stream, now);
            }
            Event::Break(turn, attempt, Break { streaming, reused }) => {
                let failure = match (streaming, reused) {
                    (true, _) => Failure::new(Blame::Transport, Stage::Streaming).with_committed(),
                    (false, true) => Failure::new(Blame::Connection, Stage::Open),
                    (false, false) => Failure::new(Blame::Transport, Stage::Open),
                };
                self.end(turn, attempt, Outcome::Failed(failure), now);
            }
            Event::Complete(turn, attempt, socket_until) => {
                self.idle_until = self.idle_until.max(socket_until);
                self.end(turn, attempt, Outcome::Completed, now);
            }
            Event::Dialled(dial, open) => {
                let outcome = if open {
                    self.idle_until = self.idle_until.max(self.world.socket_until(now));
                    DialOutcome::Opened
                } else {
                    DialOutcome::Failed(Failure::new(Blame::Transport, Stage::Connecting))
                };
                self.strategy.handle_dial(dial, outcome, time);
            }
        }
    }

    /// Connects, if there is no socket, and sends the request.
    fn attempt(&mut self, mut turn: Turn, attempt: S::Attempt, now: u64) {
        turn.began = now;
        let transport = S::transport(&attempt);
        if transport == Transport::WebSocket {
            if now < self.idle_until {
                let socket_until = std::mem::take(&mut self.idle_until);
                return self.request(turn, attempt, socket_until, true, now);
            }
            self.tally.handshake(now, self.broken);
        }
        let connecting = self.world.connect(transport, self.broken, now, &mut self.network);
        let Connecting { until, open } = connecting;
        match S::divert_at(&attempt) {
            Some(at) if at.as_nanos() < until => {
                self.queue.push(at.as_nanos(), Event::Divert(turn, attempt, connecting));
            }
            _ if open => {
                let socket_until = match transport {
                    Transport::WebSocket => self.world.socket_until(until),
                    Transport::Sse => 0,
                };
                self.request(turn, attempt, socket_until, false, until);
            }
            _ => self.queue.push(until, Event::Refused(turn, attempt)),
        }
    }

    /// A request leaves over an open connection.
    fn request(&mut self, turn: Turn, attempt: S::Attempt, socket_until: u64, reused: bool, now: u64) {
        let breaks = self.world.schedule.next_begin(S::transport(&attempt), now);
        let ends = now.saturating_add(turn.length);
        let first = now.saturating_add(FIRST_EVENT).min(ends);
        if breaks <= first {
            let how = Break { streaming: false, reused };
            self.queue.push(breaks, Event::Break(turn, attempt, how));
        } else {
            self.queue.push(first, Event::Progress(turn, attempt, Stream { ends, breaks, socket_until }));
        }
    }

    /// An answer goes on.
    fn stream(&mut self, turn: Turn, attempt: S::Attempt, stream: Stream, now: u64) {
        let Stream { ends, breaks, socket_until } = stream;
        let over = ends.min(breaks);
        let next = now.saturating_add(EVENT_EVERY);
        if S::is_probe(&attempt) && next < over {
            self.queue.push(next, Event::Progress(turn, attempt, stream));
        } else if ends < breaks {
            self.queue.push(ends, Event::Complete(turn, attempt, socket_until));
        } else {
            let how = Break { streaming: true, reused: false };
            self.queue.push(breaks, Event::Break(turn, attempt, how));
        }
    }

    fn end(&mut self, turn: Turn, attempt: S::Attempt, outcome: Outcome, now: u64) {
        let transport = S::transport(&attempt);
        match self.strategy.handle_outcome(attempt, outcome, Timestamp::from_nanos(now)) {
            Next::Done => {
                let waited = turn.began.saturating_sub(turn.arrived);
                self.tally.completed(turn.arrived, transport, waited, self.broken);
            }
            Next::GiveUp => self.tally.failed(turn.arrived, self.broken),
            Next::Retry(call, at) => self.queue.push(at.as_nanos().max(now), Event::Begin(turn, call)),
        }
    }
}

/// What a connection that could not be made is evidence against.
const fn blame(transport: Transport) -> Blame {
    match transport {
        Transport::WebSocket => Blame::Transport,
        Transport::Sse => Blame::Network,
    }
}
