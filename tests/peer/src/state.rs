//! What the handle and the connections share.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use failback::Transport;

use crate::journal::{Recorder, What};
use crate::{Between, Handshake, Turn};

/// Nothing that a client sends, and nothing endless that the peer sends, is larger.
pub(crate) const BOUND: usize = 64 * 1024 * 1024;

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) recorder: Recorder,
    plan: Mutex<Plan>,
    turns: AtomicU64,
    conns: AtomicU64,
}

/// What is to happen.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) handshake: Queue<Handshake>,
    pub(crate) websocket: Queue<Turn>,
    pub(crate) sse: Queue<Turn>,
    pub(crate) between: Between,
    pub(crate) bearer: Option<String>,
    /// More headers of good answers, as lines.
    pub(crate) headers: String,
    pub(crate) max_ws_message: usize,
    pub(crate) max_body: usize,
    /// Hangs up on what is too large, instead of reading it to its end.
    pub(crate) hangs_up: bool,
    /// How much is read at once, and how long nothing is read after that.
    pub(crate) pace: Option<(usize, Duration)>,
}

/// Once each, in order; after that the default.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    default: T,
    once: VecDeque<T>,
}

impl<T: Clone> Queue<T> {
    fn new(default: T) -> Self {
        Self { default, once: VecDeque::new() }
    }

    pub(crate) fn set(&mut self, default: T) {
        self.default = default;
    }

    pub(crate) fn push(&mut self, once: T) {
        self.once.push_back(once);
    }

    pub(crate) fn clear(&mut self) {
        self.once.clear();
    }

    fn next(&mut self) -> T {
        self.once.pop_front().unwrap_or_else(|| self.default.clone())
    }
}

impl Plan {
    pub(crate) fn turns(&mut self, transport: Transport) -> &mut Queue<Turn> {
        match transport {
            Transport::WebSocket => &mut self.websocket,
            Transport::Sse => &mut self.sse,
        }
    }
}

impl State {
    pub(crate) fn new() -> Self {
        Self {
            recorder: Recorder::new(),
            plan: Mutex::new(Plan {
                handshake: Queue::new(Handshake::Accept),
                websocket: Queue::new(Turn::complete()),
                sse: Queue::new(Turn::complete()),
                between: Between::Wait,
                bearer: None,
                headers: String::new(),
                max_ws_message: BOUND,
                max_body: BOUND,
                hangs_up: false,
                pace: None,
            }),
            turns: AtomicU64::new(0),
            conns: AtomicU64::new(0),
        }
    }

    pub(crate) fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn next_handshake(&self) -> Handshake {
        self.plan().handshake.next()
    }

    pub(crate) fn next_turn(&self, transport: Transport) -> Turn {
        self.plan().turns(transport).next()
    }

    /// Whether this `Authorization` header opens the door.
    pub(crate) fn admits(&self, authorization: Option<&str>) -> bool {
        match &self.plan().bearer {
            Some(token) => {
                authorization.and_then(|value| value.strip_prefix("Bearer ")) == Some(token.as_str())
            }
            None => true,
        }
    }

    pub(crate) fn number_turn(&self) -> u64 {
        self.turns.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) fn number_conn(&self) -> u64 {
        self.conns.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) fn record(&self, conn: u64, what: What) {
        self.recorder.record(conn, what);
    }
}
