//! What all simulated clients share: how they are used, and what the network does to them.

use failback::{Config, Transport};

use super::outage::Schedule;
use super::random::Random;
use super::span::SECOND;

/// A handshake takes this long at least, and the rest of it is drawn from the exponential distribution with
/// this mean. So does the way to an answer over SSE.
const HANDSHAKE_LEAST: u64 = SECOND / 20;
const HANDSHAKE_REST: u64 = SECOND / 20;
/// From the request to the first event, which is output.
pub(super) const FIRST_EVENT: u64 = SECOND / 2;
/// How often a stream has an event after that.
pub(super) const EVENT_EVERY: u64 = SECOND;

/// The world of the fleet. Times are nanoseconds since the start.
#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) clients: u64,
    /// No turn arrives after that.
    pub(super) length: u64,
    /// The mean time between two turns of a client.
    pub(super) gap: u64,
    /// How long a turn streams, on average.
    pub(super) stream: u64,
    pub(super) schedule: Schedule,
    /// A handshake that cannot succeed is not answered, rather than refused.
    pub(super) black_hole: bool,
    /// The share of clients whose proxy lets no WebSocket through.
    pub(super) broken_share: f64,
    pub(super) config: Config,
    pub(super) connect_timeout: u64,
    /// A socket that is older is not used again.
    pub(super) socket_life: u64,
    pub(super) seed: u64,
}

/// How a way to the server ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Connecting {
    pub(super) until: u64,
    pub(super) open: bool,
}

impl World {
    /// Whether this client is behind a broken proxy: the share of all, evenly among them.
    pub(super) fn is_broken(&self, client: u64) -> bool {
        let before = |clients: u64| (clients as f64 * self.broken_share + 1e-9).floor();
        before(client + 1) > before(client)
    }

    /// How a handshake, or a request over SSE, that begins now ends.
    pub(super) fn connect(
        &self,
        transport: Transport,
        broken: bool,
        now: u64,
        random: &mut Random,
    ) -> Connecting {
        let until = now.saturating_add(HANDSHAKE_LEAST + random.exponential(HANDSHAKE_REST));
        let blocked = broken && transport == Transport::WebSocket;
        let down = blocked
            || self.schedule.is_down(transport, now)
            || self.schedule.next_begin(transport, now) <= until;
        match (down, self.black_hole) {
            (false, _) => Connecting { until, open: true },
            (true, false) => Connecting { until, open: false },
            (true, true) => Connecting { until: now.saturating_add(self.connect_timeout), open: false },
        }
    }

    /// Until when a WebSocket that was opened then is of use.
    pub(super) fn socket_until(&self, opened: u64) -> u64 {
        opened.saturating_add(self.socket_life).min(self.schedule.next_begin(Transport::WebSocket, opened))
    }
}
