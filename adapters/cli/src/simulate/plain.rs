//! The strategies that clients have when they are written by hand, to compare with.
//!
//! In each, a turn waits for its handshake as long as the connect timeout lets it, goes over SSE when that
//! fails, and is retried there with a backoff that doubles. None of them asks whether SSE works.

use std::time::Duration;

use failback::{Blame, Config, DialOutcome, Failure, Outcome, Replay, Timestamp, Transport};

use super::kind::Kind;
use super::strategy::{Next, Strategy};

/// How long [`Kind::FixedCooldown`] leaves WebSocket alone.
const COOLDOWN: Duration = Duration::from_secs(60);

/// A strategy without a policy.
#[derive(Debug)]
pub(super) struct Plain {
    kind: Kind,
    config: Config,
    /// Until then turns go over SSE.
    sse_until: Timestamp,
}

/// A turn between two attempts.
#[derive(Debug)]
pub(super) struct Turn {
    transport: Transport,
    /// How often SSE has failed it.
    failed: u32,
    /// A connection that waited in the pool was dead: that is forgiven once.
    worn_out: bool,
}

impl Plain {
    fn choose(&self, now: Timestamp) -> Transport {
        if now < self.sse_until { Transport::Sse } else { Transport::WebSocket }
    }

    fn leave_websocket(&mut self, now: Timestamp) {
        self.sse_until = match self.kind {
            Kind::Sticky => Timestamp::MAX,
            Kind::FixedCooldown => now.saturating_add(COOLDOWN),
            Kind::AlwaysRetry | Kind::Failback => now,
        };
    }

    fn handle_failure(&mut self, mut turn: Turn, failure: &Failure, now: Timestamp) -> Next<Turn> {
        if failure.blame() == Blame::Connection && !turn.worn_out {
            turn.worn_out = true;
            return Next::Retry(turn, now);
        }
        let websocket = turn.transport == Transport::WebSocket;
        if websocket {
            self.leave_websocket(now);
        }
        if failure.is_committed() && self.config.replay() != Replay::Restart {
            return Next::GiveUp;
        }
        if websocket {
            turn.transport = Transport::Sse;
            return Next::Retry(turn, now);
        }
        if turn.failed >= u32::from(self.config.stream_max_retries()) {
            return Next::GiveUp;
        }
        let factor = 1_u32.checked_shl(turn.failed).unwrap_or(u32::MAX);
        let wait = self.config.backoff().saturating_mul(factor).min(self.config.backoff_max());
        turn.failed += 1;
        Next::Retry(turn, now.saturating_add(wait))
    }
}

impl Strategy for Plain {
    type Call = Turn;
    type Attempt = Turn;
    /// None is ever made.
    type Dial = ();

    fn new(kind: Kind, config: Config, _: u64, _: Timestamp) -> Self {
        Self { kind, config, sse_until: Timestamp::ZERO }
    }

    fn begin_call(&mut self, now: Timestamp) -> Turn {
        Turn { transport: self.choose(now), failed: 0, worn_out: false }
    }

    fn begin_again(&mut self, call: Turn, _: Timestamp) -> Turn {
        call
    }

    fn transport(attempt: &Turn) -> Transport {
        attempt.transport
    }

    fn divert_at(_: &Turn) -> Option<Timestamp> {
        None
    }

    fn is_probe(_: &Turn) -> bool {
        false
    }

    fn handle_progress(&mut self, _: &Turn, _: Timestamp) {}

    fn handle_outcome(&mut self, attempt: Turn, outcome: Outcome, now: Timestamp) -> Next<Turn> {
        match outcome {
            Outcome::Failed(failure) | Outcome::RetriesExhausted(failure) => {
                self.handle_failure(attempt, &failure, now)
            }
            Outcome::Completed | Outcome::Cancelled | Outcome::Ended => Next::Done,
        }
    }

    fn divert(&mut self, attempt: Turn, _: Timestamp) -> (Turn, ()) {
        (Turn { transport: Transport::Sse, ..attempt }, ())
    }

    fn handle_dial(&mut self, (): (), _: DialOutcome, _: Timestamp) {}

    fn is_pinned(&self) -> bool {
        self.sse_until == Timestamp::MAX
    }
}

#[cfg(test)]
mod tests {
    use failback::Stage;

    use super::*;

    const REFUSED: Outcome = Outcome::Failed(Failure::new(Blame::Transport, Stage::Connecting));

    /// After how many seconds a client that is refused at once tries WebSocket again.
    fn back_after(kind: Kind) -> Option<u64> {
        let mut plain = Plain::new(kind, Config::new(), 0, Timestamp::ZERO);
        let turn = plain.begin_call(Timestamp::ZERO);
        assert_eq!(turn.transport, Transport::WebSocket);
        let Next::Retry(turn, _) = plain.handle_outcome(turn, REFUSED, Timestamp::ZERO) else {
            panic!("a refused handshake ends no turn");
        };
        assert_eq!(turn.transport, Transport::Sse);
        (0..100_000).find(|s| plain.choose(Timestamp::from_millis(s * 1000)) == Transport::WebSocket)
    }

    #[test]
    fn each_comes_back_when_its_name_says() {
        assert_eq!(back_after(Kind::Sticky), None);
        assert_eq!(back_after(Kind::FixedCooldown), Some(60));
        assert_eq!(back_after(Kind::AlwaysRetry), Some(0));
    }

    #[test]
    fn a_turn_is_retried_on_sse_as_often_as_is_set() {
        let config = Config::new().with_stream_max_retries(2);
        let mut plain = Plain::new(Kind::Sticky, config, 0, Timestamp::ZERO);
        let mut turn = Turn { transport: Transport::Sse, failed: 0, worn_out: false };
        for wait in [200, 400] {
            let Next::Retry(again, at) = plain.handle_outcome(turn, REFUSED, Timestamp::ZERO) else {
                panic!("given up too soon");
            };
            assert_eq!(at, Timestamp::from_millis(wait));
            turn = again;
        }
        assert!(matches!(plain.handle_outcome(turn, REFUSED, Timestamp::ZERO), Next::GiveUp));
    }
}
