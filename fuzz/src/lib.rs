//! What the targets share: a policy driven by any bytes, with the invariants that must hold whatever they
//! are.

use core::time::Duration;

use failback::{
    Attempt, Blame, Call, Config, Decision, Dial, DialOutcome, Failure, Mode, Outcome, OverSse, Policy,
    ProbeStyle, Reason, Replay, Stage, Timestamp, Transport, Verdict, VerdictStyle,
};
use libfuzzer_sys::arbitrary::{Result, Unstructured};

/// A policy, every handle it has given out, and the latest time it was told.
pub struct Driver {
    policy: Policy,
    config: Config,
    now: Timestamp,
    calls: Vec<Call>,
    attempts: Vec<Attempt>,
    dials: Vec<Dial>,
}

/// Any settings: mostly of a size at which something happens, sometimes extreme.
pub fn config(u: &mut Unstructured<'_>) -> Result<Config> {
    Ok(Config::new()
        .with_fallback_within(duration(u)?)
        .with_head_start(duration(u)?)
        .with_cooldown(duration(u)?)
        .with_cooldown_max(duration(u)?)
        .with_probe_lease(duration(u)?)
        .with_backoff(duration(u)?)
        .with_backoff_max(duration(u)?)
        .with_max_server_wait(duration(u)?)
        .with_jitter_permille(u.arbitrary()?)
        .with_retry_budget(u.arbitrary()?)
        .with_stream_max_retries(u.arbitrary::<u8>()? % 8)
        .with_max_recoveries(u.arbitrary::<u8>()? % 8)
        .with_replay(*u.choose(&[Replay::BeforeOutput, Replay::Restart, Replay::BeforeSend])?)
        .with_verdict(if u.ratio(1, 4)? { VerdictStyle::Immediate } else { VerdictStyle::OnEvidence })
        .with_probe(if u.arbitrary()? { ProbeStyle::InBand } else { ProbeStyle::Background }))
}

fn duration(u: &mut Unstructured<'_>) -> Result<Duration> {
    Ok(match u.arbitrary::<u8>()? {
        0 => Duration::MAX,
        1 => Duration::from_nanos(u.arbitrary()?),
        n => Duration::from_millis(u64::from(n - 2) * 10),
    })
}

fn failure(u: &mut Unstructured<'_>) -> Result<Failure> {
    let mut failure = Failure::new(*u.choose(&Blame::ALL)?, *u.choose(&Stage::ALL)?);
    if u.ratio(1, 8)? {
        failure = failure.with_committed();
    }
    if u.ratio(1, 8)? {
        failure = failure.with_retry_after(duration(u)?);
    }
    Ok(failure)
}

fn outcome(u: &mut Unstructured<'_>) -> Result<Outcome> {
    Ok(match u.int_in_range(0..=7)? {
        0 | 1 => Outcome::Completed,
        2 => Outcome::Cancelled,
        3 => Outcome::Ended,
        4 => Outcome::RetriesExhausted(failure(u)?),
        _ => Outcome::Failed(failure(u)?),
    })
}

fn take<T>(u: &mut Unstructured<'_>, from: &mut Vec<T>) -> Result<Option<T>> {
    if from.is_empty() {
        return Ok(None);
    }
    let index = u.choose_index(from.len())?;
    Ok(Some(from.swap_remove(index)))
}

impl Driver {
    /// Drives this policy.
    pub fn new(policy: Policy, now: Timestamp) -> Self {
        let config = *policy.config();
        let mut driver =
            Self { policy, config, now, calls: Vec::new(), attempts: Vec::new(), dials: Vec::new() };
        driver.check();
        driver
    }

    /// Applies operations until the bytes are used up.
    pub fn run(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        while !u.is_empty() {
            self.step(u)?;
            self.check();
        }
        Ok(())
    }

    fn step(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let at = self.time(u)?;
        match u.int_in_range(0..=15)? {
            0 => {
                let call = match u.int_in_range(0..=7)? {
                    0 => self.policy.open_call_over_sse(at, OverSse::SseOnly),
                    1 => self.policy.open_call_over_sse(at, OverSse::TooLarge),
                    _ => self.policy.open_call(at),
                };
                self.begin(call, at);
            }
            1 => {
                self.policy.handle_timeout(at);
                let (before, left) = (self.policy.mode(), self.policy.recoveries_left());
                let attempt = self.policy.begin_call(at);
                self.began(attempt, before, left);
            }
            2 | 3 => {
                if let Some(call) = take(u, &mut self.calls)? {
                    let ready = call.ready_at();
                    self.now = self.now.max(ready);
                    self.begin(call, ready);
                }
            }
            4 => {
                if let Some(call) = take(u, &mut self.calls)? {
                    if u.ratio(1, 4)? {
                        self.begin_now(call, at);
                    } else {
                        self.begin(call, at);
                    }
                }
            }
            5 | 6 => {
                if !self.attempts.is_empty() {
                    let index = u.choose_index(self.attempts.len())?;
                    self.policy.handle_progress(&self.attempts[index], at);
                }
            }
            7..=9 => {
                if let Some(attempt) = take(u, &mut self.attempts)? {
                    self.finish(attempt, outcome(u)?, at);
                }
            }
            10 => {
                if let Some(attempt) = take(u, &mut self.attempts)? {
                    let divertible = attempt.divert_at().is_some();
                    let (call, dial) = self.policy.divert(attempt, at);
                    // A driver that diverts what is not to be diverted does no harm, but its call need not
                    // end.
                    if divertible {
                        self.calls.push(call);
                    }
                    self.dials.push(dial);
                }
            }
            11 => {
                if let Some(dial) = take(u, &mut self.dials)? {
                    let outcome = match u.int_in_range(0..=4)? {
                        0 => DialOutcome::Opened,
                        1 => DialOutcome::Abandoned,
                        4 => {
                            self.adopt(dial, at);
                            return Ok(());
                        }
                        _ => DialOutcome::Failed(failure(u)?),
                    };
                    self.policy.handle_dial(dial, outcome, at);
                }
            }
            12 => {
                self.policy.handle_timeout(at);
                let before = self.policy.mode();
                if u.arbitrary()? {
                    self.warm_up(at, before);
                } else if let Some(dial) = self.policy.poll_probe(at) {
                    assert_eq!(self.config.probe(), ProbeStyle::Background);
                    assert!(matches!(before, Mode::FailedOver { retry_at } if retry_at <= self.now));
                    self.dials.push(dial);
                }
            }
            13 => drop(take(u, &mut self.attempts)?),
            14 => {
                if u.ratio(1, 4)? {
                    self.policy.handle_network_change(at);
                    assert_eq!(self.policy.mode(), Mode::Preferred);
                }
            }
            _ => {
                let away = duration(u)?;
                let snapshot = self.policy.snapshot(at);
                self.policy = Policy::restore(self.config, u.arbitrary()?, &snapshot, away, at);
                // Handles of the earlier policy are kept: they must be harmless.
            }
        }
        Ok(())
    }

    /// Later, mostly; sometimes earlier, sometimes when something is due.
    fn time(&mut self, u: &mut Unstructured<'_>) -> Result<Timestamp> {
        let at = match u.int_in_range(0..=7)? {
            0 => Timestamp::from_nanos(u.arbitrary()?),
            1 => self.policy.poll_timeout().unwrap_or(self.now),
            2 => Timestamp::from_nanos(self.now.as_nanos().saturating_sub(u64::from(u.arbitrary::<u32>()?))),
            _ => self.now.saturating_add(Duration::from_millis(u64::from(u.arbitrary::<u8>()?) * 4)),
        };
        self.now = self.now.max(at);
        Ok(at)
    }

    fn begin(&mut self, call: Call, at: Timestamp) {
        self.policy.handle_timeout(at);
        let (before, left) = (self.policy.mode(), self.policy.recoveries_left());
        let ready = call.ready_at();
        match self.policy.begin_attempt(call, at) {
            Decision::Wait(call) => {
                assert!(call.ready_at() > self.now && call.ready_at() == ready);
                self.calls.push(call);
            }
            Decision::Start(attempt) => {
                assert!(ready <= self.now);
                self.began(attempt, before, left);
            }
        }
    }

    fn begin_now(&mut self, call: Call, at: Timestamp) {
        self.policy.handle_timeout(at);
        let (before, left) = (self.policy.mode(), self.policy.recoveries_left());
        let moved = call.moved();
        let attempt = self.policy.begin_attempt_now(call, at);
        assert_eq!(moved.unwrap_or(attempt.reason()), attempt.reason(), "it goes where it said");
        self.began(attempt, before, left);
    }

    fn warm_up(&mut self, at: Timestamp, before: Mode) {
        let left = self.policy.recoveries_left();
        let dial = self.policy.warm_up(at);
        let probes = matches!(before, Mode::FailedOver { retry_at } if retry_at <= self.now);
        assert!(dial.is_none() || probes || before == Mode::Preferred, "{before:?}");
        assert!(dial.is_some() || !probes, "a warm-up probes");
        assert_eq!(self.policy.recoveries_left() + u8::from(probes), left, "only a probe costs a recovery");
        if self.policy.poll_timeout().is_some() {
            // Else its lease is over as soon as it begins.
            assert!(dial.is_none() || self.policy.warm_up(at).is_none(), "one at a time");
        }
        self.dials.extend(dial);
    }

    fn adopt(&mut self, dial: Dial, at: Timestamp) {
        self.policy.handle_timeout(at);
        let (before, left) = (self.policy.mode(), self.policy.recoveries_left());
        match self.policy.adopt(dial, at) {
            Ok(attempt) => {
                assert_eq!(attempt.transport(), Transport::WebSocket);
                assert_eq!(attempt.number(), 1);
                let probes = matches!(before, Mode::Probing { .. });
                assert!(probes || before == Mode::Preferred, "{before:?}");
                assert_eq!(attempt.is_probe(), probes);
                self.attempts.push(attempt);
            }
            Err(dial) => self.dials.push(dial),
        }
        assert_eq!((self.policy.mode(), self.policy.recoveries_left()), (before, left));
    }

    fn began(&mut self, attempt: Attempt, before: Mode, left: u8) {
        self.check_start(&attempt, before, left);
        self.attempts.push(attempt);
    }

    fn check_start(&self, attempt: &Attempt, before: Mode, left: u8) {
        let counted = 2 * (u32::from(self.config.stream_max_retries()) + 1) + 1;
        assert!(attempt.number() <= 2 * counted + 1, "a call ends");
        match (attempt.transport(), attempt.reason()) {
            (Transport::WebSocket, Reason::Healthy) => assert_eq!(before, Mode::Preferred),
            (Transport::WebSocket, Reason::Probe) => {
                assert!(
                    matches!(before, Mode::FailedOver { retry_at } if retry_at <= self.now),
                    "{before:?}"
                );
                assert!(matches!(self.policy.mode(), Mode::Probing { .. }));
                assert_eq!(self.policy.recoveries_left() + 1, left, "a probe costs a recovery");
            }
            (Transport::WebSocket, Reason::LastResort) => assert_eq!(attempt.divert_at(), None),
            (Transport::WebSocket, reason) => panic!("WebSocket because of {reason}"),
            (Transport::Sse, reason) => {
                assert!(!matches!(reason, Reason::Healthy | Reason::Probe | Reason::LastResort));
                assert_eq!(attempt.divert_at(), None);
            }
        }
        assert_eq!(attempt.is_probe(), attempt.reason() == Reason::Probe);
    }

    fn finish(&mut self, attempt: Attempt, outcome: Outcome, at: Timestamp) {
        let completes_websocket =
            outcome == Outcome::Completed && attempt.transport() == Transport::WebSocket;
        let over = matches!(outcome, Outcome::Completed | Outcome::Cancelled | Outcome::Ended);
        let is_sse_only = attempt.reason() == Reason::SseOnly;
        match self.policy.handle_outcome(attempt, outcome, at) {
            Verdict::Done => assert!(over),
            Verdict::Retry(call) => {
                assert!(!is_sse_only || call.moved() == Some(Reason::SseOnly), "it stays over SSE");
                assert!(!over && call.ready_at() >= self.now);
                self.calls.push(call);
            }
            Verdict::GiveUp(_) => assert!(!over),
        }
        if completes_websocket {
            assert_eq!(self.policy.mode(), Mode::Preferred, "R6");
        }
    }

    /// What holds at any time.
    fn check(&mut self) {
        self.policy.handle_timeout(self.now);
        let (left, all) = (self.policy.recoveries_left(), self.config.max_recoveries());
        assert!(left <= all);
        match self.policy.mode() {
            Mode::Preferred => assert_eq!(left, all, "nothing is held against WebSocket"),
            Mode::FailedOver { .. } => assert!(left > 0, "a probe can be paid for"),
            Mode::Probing { lease_until } => assert!(lease_until > self.now, "a lease that is over is over"),
            Mode::Pinned => assert_eq!(left, 0),
            Mode::Suspected => {}
        }
        if let Some(at) = self.policy.poll_timeout() {
            assert!(at > self.now, "a tick that is due has been made");
        }
    }

    /// WebSocket works from now on: the policy finds out, unless it has no recovery left.
    pub fn check_comes_back(mut self) {
        for _ in 0..3 {
            if let Mode::FailedOver { retry_at } = self.policy.mode() {
                self.now = self.now.max(retry_at);
            }
            let attempt = self.policy.begin_call(self.now);
            self.policy.handle_progress(&attempt, self.now);
            self.finish(attempt, Outcome::Completed, self.now);
            if let Mode::Probing { lease_until } = self.policy.mode() {
                self.now = lease_until;
                self.policy.handle_timeout(self.now);
            }
            if let Some(until) = self.policy.poll_timeout() {
                self.now = until;
                self.policy.handle_timeout(self.now);
            }
        }
        // The end of time is no time for a probe to begin in.
        let ended = self.now == Timestamp::MAX;
        assert!(
            ended || matches!(self.policy.mode(), Mode::Preferred | Mode::Pinned),
            "{:?}",
            self.policy.mode()
        );
    }
}
