//! The same work with the circuit breakers of other crates: ask for permission, record what came of it.
//!
//! All are set to open at the sixth failure in a row, as a policy leaves WebSocket with the sixth. A breaker
//! knows no calls, no transports and no progress, so it has less to do; what is compared is what a caller
//! waits for.

pub(crate) mod reliakit {
    use std::hint::black_box;
    use std::sync::{Mutex, MutexGuard, PoisonError};
    use std::time::Instant;

    use reliakit_circuit::CircuitBreaker;

    pub(crate) fn new() -> CircuitBreaker {
        black_box(CircuitBreaker::new(black_box(6), black_box(60_000_000_000)))
    }

    pub(crate) fn open() -> CircuitBreaker {
        let mut breaker = new();
        breaker.trip(0);
        black_box(breaker)
    }

    pub(crate) fn call() -> impl FnMut() {
        let mut breaker = new();
        let mut now = 0;
        move || {
            let breaker = black_box(&mut breaker);
            now += 1;
            if black_box(breaker.allow(now)) {
                breaker.on_success();
            }
        }
    }

    pub(crate) fn failures_until_open() -> impl FnMut() {
        let mut now = 0;
        move || {
            let mut breaker = new();
            let breaker = black_box(&mut breaker);
            now += 1;
            while black_box(breaker.allow(now)) {
                breaker.on_failure(now);
            }
        }
    }

    pub(crate) fn decision(mut breaker: CircuitBreaker) -> impl FnMut() {
        let mut now = 0;
        move || {
            now += 1;
            black_box(black_box(&mut breaker).allow(now));
        }
    }

    /// What a client that decides by hand has to make of a permission to do the work of ours: who asks, for
    /// which time, where it goes, when to stop waiting for the handshake and when to stop retrying, and
    /// whether the outcome is still news.
    #[expect(dead_code, reason = "what is timed is that it is written")]
    struct Attempt {
        call: u32,
        number: u32,
        epoch: u32,
        websocket: bool,
        counts: [u16; 2],
        divert_at: u64,
        leave_at: u64,
    }

    /// A decision, and an attempt made of it.
    pub(crate) fn decision_by_hand(mut breaker: CircuitBreaker) -> impl FnMut() {
        const HEAD_START: u64 = 1_000_000_000;
        let (mut now, mut calls, epoch) = (0, 0_u32, black_box(7));
        move || {
            now += 1;
            calls += 1;
            let websocket = black_box(&mut breaker).allow(now);
            let divert_at = now.saturating_add(black_box(HEAD_START));
            let counts = if websocket { [1, 0] } else { [0, 1] };
            let attempt =
                Attempt { call: calls, number: 1, epoch, websocket, counts, divert_at, leave_at: u64::MAX };
            black_box(&attempt);
        }
    }

    /// Behind a mutex and with the system's clock, as its documentation says it is to be shared.
    pub(crate) fn shared_call() -> impl Fn() + Sync {
        let breaker = Mutex::new(new());
        let origin = Instant::now();
        move || {
            let allowed = {
                let mut breaker = lock(&breaker);
                breaker.allow(origin.elapsed().as_nanos() as u64)
            };
            if black_box(allowed) {
                lock(&breaker).on_success();
            }
        }
    }

    pub(crate) fn shared_decision() -> impl Fn() + Sync {
        let breaker = Mutex::new(new());
        let origin = Instant::now();
        move || {
            black_box(lock(&breaker).allow(origin.elapsed().as_nanos() as u64));
        }
    }

    fn lock(breaker: &Mutex<CircuitBreaker>) -> MutexGuard<'_, CircuitBreaker> {
        black_box(breaker).lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) mod failsafe {
    use std::hint::black_box;
    use std::time::Duration;

    use failsafe::backoff::{Constant, constant};
    use failsafe::failure_policy::{ConsecutiveFailures, consecutive_failures};
    use failsafe::{Config, StateMachine};

    type Breaker = StateMachine<ConsecutiveFailures<Constant>, ()>;

    pub(crate) fn new() -> Breaker {
        let policy = consecutive_failures(black_box(6), constant(black_box(Duration::from_secs(60))));
        Config::new().failure_policy(policy).build()
    }

    pub(crate) fn open() -> Breaker {
        let breaker = new();
        while breaker.is_call_permitted() {
            breaker.on_error();
        }
        breaker
    }

    pub(crate) fn call() -> impl Fn() + Sync {
        let breaker = new();
        move || {
            let breaker = black_box(&breaker);
            if black_box(breaker.is_call_permitted()) {
                breaker.on_success();
            }
        }
    }

    pub(crate) fn failures_until_open() -> impl FnMut() {
        move || {
            let breaker = new();
            let breaker = black_box(&breaker);
            while black_box(breaker.is_call_permitted()) {
                breaker.on_error();
            }
        }
    }

    pub(crate) fn decision(breaker: Breaker) -> impl Fn() + Sync {
        move || {
            black_box(black_box(&breaker).is_call_permitted());
        }
    }
}

/// Its only way in is to pass it the call, so a decision alone can be seen only when it says no.
pub(crate) mod recloser {
    use std::hint::black_box;
    use std::time::Duration;

    use recloser::{Error, Recloser};

    /// It judges once its ring is full, so a ring of five opens at the sixth failure.
    pub(crate) fn new() -> Recloser {
        Recloser::custom()
            .closed_len(black_box(5))
            .error_rate(black_box(1.0))
            .open_wait(Duration::from_secs(60))
            .build()
    }

    pub(crate) fn open() -> Recloser {
        let breaker = new();
        while !rejects(&breaker) {}
        breaker
    }

    pub(crate) fn call() -> impl Fn() + Sync {
        let breaker = new();
        move || {
            let done: Result<(), Error<()>> = black_box(&breaker).call(|| black_box(Ok(())));
            black_box(done.is_ok());
        }
    }

    pub(crate) fn failures_until_open() -> impl FnMut() {
        move || {
            let breaker = new();
            let breaker = black_box(&breaker);
            while !black_box(rejects(breaker)) {}
        }
    }

    pub(crate) fn decision(breaker: Recloser) -> impl Fn() + Sync {
        move || {
            black_box(rejects(black_box(&breaker)));
        }
    }

    fn rejects(breaker: &Recloser) -> bool {
        let failed: Result<(), Error<()>> = breaker.call(|| black_box(Err(())));
        matches!(failed, Err(Error::Rejected))
    }
}
