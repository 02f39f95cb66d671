//! Turns, step by step, without an adapter.

mod adopted;
mod credentials;
mod deadline;
mod internal;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use failback::{Config, Mode, Policy, SharedPolicy, Timestamp, Transport};
use failback_client::{Connection, Context, Step, Turn};
use failback_wire::{Event, Headers, Request};

pub(crate) const CREATED: &str = r#"{"type":"response.created"}"#;
pub(crate) const DELTA: &str = r#"{"type":"response.output_text.delta","delta":"x"}"#;

/// A client whose clock a test moves.
pub(crate) struct Client {
    clock: Arc<AtomicU64>,
    pub(crate) context: Arc<Context>,
}

impl Client {
    pub(crate) fn new(deadline: Option<Duration>) -> Self {
        Self::with(deadline, false)
    }

    /// One that asks a provider for its credentials.
    pub(crate) fn asking() -> Self {
        Self::with(None, true)
    }

    fn with(deadline: Option<Duration>, has_provider: bool) -> Self {
        let clock = Arc::new(AtomicU64::new(0));
        let now = Arc::clone(&clock);
        let now = move || Timestamp::from_nanos(now.load(Ordering::SeqCst));
        let policy = SharedPolicy::with_clock(now, |now| Policy::new(Config::new(), 7, now));
        let context = Context::new(policy, Arc::new(Headers::new())).with_deadline(deadline);
        Self { clock, context: Arc::new(context.with_provider(has_provider)) }
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.clock.fetch_add(u64::try_from(by.as_nanos()).unwrap(), Ordering::SeqCst);
    }

    pub(crate) fn turn(&self) -> Turn {
        Turn::new(&self.context, Request::text("m", "hi"))
    }

    pub(crate) fn mode(&self) -> Mode {
        self.context.policy().mode()
    }

    /// A turn that waits for events of its WebSocket.
    pub(crate) fn reading(&self) -> Turn {
        let mut turn = self.turn();
        connect(&mut turn, Transport::WebSocket);
        turn
    }
}

pub(crate) fn connect(turn: &mut Turn, transport: Transport) {
    assert!(matches!(turn.step(), Step::Connect { transport: wanted, .. } if wanted == transport));
    turn.handle_connected(Connection::default());
    assert!(matches!(turn.step(), Step::Send(_)));
    turn.handle_sent();
    assert!(matches!(turn.step(), Step::Read));
}

pub(crate) fn receive(turn: &mut Turn, json: &str) {
    turn.handle_event(Event::parse(json).unwrap(), || SystemTime::UNIX_EPOCH);
}
