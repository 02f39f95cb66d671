//! A policy with everything that is under way, and all that can happen to it next.

use core::fmt;
use core::time::Duration;

use super::invariant::{Broken, Ghost, Invariant, Kind, most_attempts};
use super::std::format;
use super::std::string::String;
use super::std::vec::Vec;
use super::subject::{Sabotage, Subject};
use crate::history::History;
use crate::{
    Attempt, Blame, Call, Config, Decision, Dial, DialOutcome, Failure, GiveUp, Mode, Outcome, OverSse,
    ProbeStyle, Reason, Replay, Stage, Timestamp, Transport, Verdict,
};

/// One unit of time. Every duration in these configurations is a small number of them, so that stepping by
/// one goes to each deadline and to just before it.
pub(super) const UNIT: Duration = units(1);

pub(super) const fn units(units: u64) -> Duration {
    Duration::from_nanos(units)
}

/// Far from zero, so that the past can be told from never.
const START: Timestamp = Timestamp::from_nanos(1000);

/// How much may be under way at once, and what may happen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scope {
    pub(super) config: Config,
    pub(super) calls: usize,
    pub(super) dials: usize,
    /// Whether there are warm-ups.
    pub(super) warm_ups: bool,
    /// Also what the code does not tell apart from something else: `Ended` from `Cancelled`, `Network` from
    /// `Transport`.
    pub(super) synonyms: bool,
    /// Also calls that are opened over SSE.
    pub(super) over_sse: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Op {
    /// A call is opened, and its first attempt begins.
    Start,
    /// A call is opened over SSE, and its first attempt begins.
    StartOverSse(OverSse),
    Begin(usize),
    /// A driver that waits by itself has not waited.
    BeginNow(usize),
    Progress(usize),
    Outcome(usize, Outcome),
    Divert(usize),
    /// A call or an attempt is dropped without a report.
    Lose(usize),
    Dial(usize, DialOutcome),
    LoseDial(usize),
    PollProbe,
    WarmUp,
    /// A call is opened, and waits for this dial.
    Adopt(usize),
    /// Time goes on, and nobody tells the policy.
    Wait(Duration),
    Tick,
    NetworkChange,
    /// The policy is restored from a snapshot so much later. What was under way may still report.
    Restart(Duration),
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start => write!(f, "a call begins"),
            Self::StartOverSse(why) => write!(f, "a call begins over SSE: {}", Reason::from(*why)),
            Self::Begin(n) => write!(f, "call {n} begins again"),
            Self::BeginNow(n) => write!(f, "call {n} begins again without its wait"),
            Self::Progress(n) => write!(f, "call {n} has an event"),
            Self::Outcome(n, Outcome::Failed(failure)) => write!(f, "call {n} fails: {}", words(failure)),
            Self::Outcome(n, Outcome::RetriesExhausted(failure)) => {
                write!(f, "call {n} fails for good: {}", words(failure))
            }
            Self::Outcome(n, outcome) => write!(f, "call {n}: {outcome:?}"),
            Self::Divert(n) => write!(f, "call {n} is diverted"),
            Self::Lose(n) => write!(f, "call {n} is lost"),
            Self::Dial(n, DialOutcome::Failed(failure)) => write!(f, "dial {n} fails: {}", words(failure)),
            Self::Dial(n, outcome) => write!(f, "dial {n}: {outcome:?}"),
            Self::LoseDial(n) => write!(f, "dial {n} is lost"),
            Self::PollProbe => write!(f, "a dial ahead of calls"),
            Self::WarmUp => write!(f, "a warm-up"),
            Self::Adopt(n) => write!(f, "a call adopts dial {n}"),
            Self::Wait(duration) => write!(f, "{} passes", duration.as_nanos()),
            Self::Tick => write!(f, "a tick"),
            Self::NetworkChange => write!(f, "the network changes"),
            Self::Restart(elapsed) => write!(f, "restored {} later", elapsed.as_nanos()),
        }
    }
}

fn words(failure: &Failure) -> String {
    let committed = if failure.is_committed() { ", committed" } else { "" };
    let wait = if failure.retry_after().is_some() { ", wait long" } else { "" };
    format!("{}, {}{committed}{wait}", failure.blame(), failure.stage())
}

pub(super) enum Stand {
    Waiting(Call),
    Running(Running),
}

pub(super) struct Running {
    pub(super) attempt: Attempt,
    pub(super) progressed: bool,
    /// It took the probe slot, as an observer sees it.
    pub(super) probes: bool,
}

/// A call, and what an observer knows of it.
pub(super) struct Slot {
    pub(super) stand: Stand,
    pub(super) attempts: u32,
    /// It was opened over SSE.
    pub(super) over_sse: bool,
    /// On WebSocket, and on SSE.
    pub(super) tries: [Tries; 2],
}

/// What an observer knows of a call's attempts on one transport.
#[derive(Clone, Copy, Default)]
pub(super) struct Tries {
    /// One has ended that was a try: neither diverted nor excused (R10, R12).
    pub(super) tried: bool,
    /// The last one had a worn out connection.
    pub(super) worn_out: bool,
}

impl Tries {
    fn end(&mut self, outcome: Outcome) {
        let (Outcome::Failed(failure) | Outcome::RetriesExhausted(failure)) = outcome else { return };
        let worn_out = failure.blame() == Blame::Connection;
        let excused = worn_out && !self.worn_out && matches!(outcome, Outcome::Failed(_));
        self.tried |= !excused;
        self.worn_out = worn_out;
    }
}

pub(super) struct Dialling {
    pub(super) dial: Dial,
    pub(super) probes: bool,
    /// No call has waited for it.
    pub(super) ahead: bool,
}

pub(super) const MAX_CALLS: usize = 2;
pub(super) const MAX_DIALS: usize = 2;

#[derive(Clone)]
pub(super) struct World {
    pub(super) subject: Subject,
    pub(super) now: Timestamp,
    pub(super) calls: [Option<Slot>; MAX_CALLS],
    pub(super) dials: [Option<Dialling>; MAX_DIALS],
    pub(super) ghost: Ghost,
}

impl World {
    pub(super) fn new(config: Config, sabotage: Option<Sabotage>) -> Self {
        Self {
            subject: Subject::new(config, sabotage, START),
            now: START,
            calls: Default::default(),
            dials: Default::default(),
            ghost: Ghost::default(),
        }
    }

    pub(super) fn config(&self) -> &Config {
        self.subject.policy().config()
    }

    pub(super) fn mode(&self) -> Mode {
        self.subject.policy().mode()
    }

    /// All that can happen next.
    pub(super) fn ops(&self, scope: &Scope, ops: &mut Vec<Op>) {
        ops.clear();
        let free_call = self.calls[..scope.calls].iter().any(Option::is_none);
        if free_call {
            ops.push(Op::Start);
            if scope.over_sse {
                ops.push(Op::StartOverSse(OverSse::SseOnly));
            }
            if scope.over_sse && scope.synonyms {
                ops.push(Op::StartOverSse(OverSse::TooLarge));
            }
        }
        let free_dial = self.dials[..scope.dials].iter().any(Option::is_none);
        if free_dial && scope.config.probe() == ProbeStyle::Background {
            ops.push(Op::PollProbe);
        }
        if free_dial && scope.warm_ups {
            ops.push(Op::WarmUp);
        }
        for (n, slot) in self.calls.iter().enumerate() {
            match slot.as_ref().map(|slot| &slot.stand) {
                None => {}
                Some(Stand::Waiting(call)) => {
                    ops.extend([Op::Begin(n), Op::Lose(n)]);
                    if self.now < call.ready_at() {
                        ops.push(Op::BeginNow(n));
                    }
                }
                Some(Stand::Running(running)) => {
                    ops.extend([Op::Progress(n), Op::Lose(n)]);
                    ops.extend([Outcome::Completed, Outcome::Cancelled].map(|end| Op::Outcome(n, end)));
                    if scope.synonyms {
                        ops.push(Op::Outcome(n, Outcome::Ended));
                    }
                    if free_dial && running.attempt.divert_at().is_some() && !running.progressed {
                        ops.push(Op::Divert(n));
                    }
                    running.failures(scope, |outcome| ops.push(Op::Outcome(n, outcome)));
                }
            }
        }
        for (n, dial) in self.dials.iter().enumerate() {
            if dial.is_some() {
                ops.push(Op::LoseDial(n));
                if free_call && scope.warm_ups {
                    ops.push(Op::Adopt(n));
                }
                ops.extend([DialOutcome::Opened, DialOutcome::Abandoned].map(|end| Op::Dial(n, end)));
                for blame in [Blame::Transport, Blame::Server] {
                    ops.push(Op::Dial(n, DialOutcome::Failed(Failure::new(blame, Stage::Connecting))));
                }
            }
        }
        ops.extend([Op::Wait(UNIT), Op::Tick, Op::NetworkChange]);
        ops.extend([Duration::ZERO, UNIT].map(Op::Restart));
    }

    /// Does it, and says what it broke.
    pub(super) fn step(&mut self, op: Op) -> Broken {
        let mut broken = Broken::default();
        let config = *self.config();
        let before = self.judgement();
        let kind = match op {
            Op::Start => {
                let decision = self.subject.start_call(self.now);
                let free = self.calls.iter().position(Option::is_none).expect("a free place");
                self.begun(free, Slot::default(), decision, &mut broken);
                Kind::Other
            }
            Op::StartOverSse(why) => {
                let decision = self.subject.start_call_over_sse(why, self.now);
                let free = self.calls.iter().position(Option::is_none).expect("a free place");
                self.begun(free, Slot { over_sse: true, ..Slot::default() }, decision, &mut broken);
                Kind::Other
            }
            Op::Begin(n) => {
                let mut slot = self.calls[n].take().expect("a call");
                let Stand::Waiting(call) = slot.take() else { unreachable!("it runs") };
                let due = call.ready_at() <= self.now;
                let decision = self.subject.begin_attempt(call, self.now);
                broken.add_if(matches!(decision, Decision::Wait(_)) == due, Invariant::CallsEnd);
                self.begun(n, slot, decision, &mut broken);
                Kind::Other
            }
            Op::BeginNow(n) => {
                let mut slot = self.calls[n].take().expect("a call");
                let Stand::Waiting(call) = slot.take() else { unreachable!("it runs") };
                let attempt = self.subject.begin_attempt_now(call, self.now);
                self.begun(n, slot, Decision::Start(attempt), &mut broken);
                Kind::Other
            }
            Op::Progress(n) => {
                let Stand::Running(running) = &mut self.calls[n].as_mut().expect("a call").stand else {
                    unreachable!("it waits")
                };
                self.subject.handle_progress(&mut running.attempt, self.now);
                running.progressed = true;
                if running.probes && self.now < self.ghost.taken_until {
                    self.ghost.taken_until = self.now.saturating_add(config.probe_lease());
                }
                Kind::Other
            }
            Op::Outcome(n, outcome) => {
                let mut slot = self.calls[n].take().expect("a call");
                let Stand::Running(running) = slot.take() else { unreachable!("it waits") };
                let holds = self.free_slot(running.probes);
                let kind = running.kind(outcome, holds);
                slot.tries[running.attempt.transport() as usize].end(outcome);
                match self.subject.handle_outcome(running.attempt, outcome, self.now) {
                    Verdict::Done => {}
                    Verdict::Retry(call) => {
                        slot.stand = Stand::Waiting(call);
                        self.calls[n] = Some(slot);
                    }
                    Verdict::GiveUp(give_up) => {
                        let untried = slot.tries.iter().any(|tries| !tries.tried);
                        let may = untried && !slot.over_sse && must_try_both(give_up, outcome);
                        broken.add_if(may, Invariant::BothAreTried);
                    }
                }
                kind
            }
            Op::Divert(n) => {
                let mut slot = self.calls[n].take().expect("a call");
                let Stand::Running(running) = slot.take() else { unreachable!("it waits") };
                let (call, dial) = self.subject.divert(running.attempt, self.now);
                slot.stand = Stand::Waiting(call);
                self.calls[n] = Some(slot);
                self.dial(Dialling { dial, probes: running.probes, ahead: false });
                Kind::Other
            }
            Op::Lose(n) => {
                self.calls[n] = None;
                return broken;
            }
            Op::Dial(n, outcome) => {
                let Dialling { dial, probes, .. } = self.dials[n].take().expect("a dial");
                let holds = self.free_slot(probes);
                self.ghost.dialling_until = Timestamp::ZERO;
                self.subject.handle_dial(dial, outcome, self.now);
                match outcome {
                    DialOutcome::Opened if holds => Kind::ProbeEnded,
                    DialOutcome::Failed(failure) if holds && !is_evidence(failure) => Kind::ProbeEnded,
                    _ => Kind::Other,
                }
            }
            Op::LoseDial(n) => {
                self.dials[n] = None;
                return broken;
            }
            Op::PollProbe => {
                if let Some(dial) = self.subject.poll_probe(self.now) {
                    broken.add_if(self.now < self.ghost.not_before, Invariant::CooldownIsKept);
                    self.probe_began(&mut broken);
                    self.dial(Dialling { dial, probes: true, ahead: true });
                }
                Kind::Other
            }
            Op::WarmUp => {
                if let Some(dial) = self.subject.warm_up(self.now) {
                    broken.add_if(self.now < self.ghost.not_before, Invariant::CooldownIsKept);
                    broken.add_if(self.now < self.ghost.dialling_until, Invariant::OneWarmUp);
                    let probes = self.mode() != Mode::Preferred;
                    if probes {
                        self.probe_began(&mut broken);
                    }
                    self.ghost.dialling_until = self.now.saturating_add(config.probe_lease());
                    self.dial(Dialling { dial, probes, ahead: true });
                }
                Kind::Other
            }
            Op::Adopt(n) => {
                let Dialling { dial, probes, ahead } = self.dials[n].take().expect("a dial");
                match self.subject.adopt(dial, self.now) {
                    Ok(attempt) => {
                        broken.add_if(!ahead, Invariant::NobodyWaitsTwice);
                        broken.add_if(self.now < self.ghost.not_before, Invariant::CooldownIsKept);
                        self.ghost.dialling_until = Timestamp::ZERO;
                        let stand = Stand::Running(Running { attempt, progressed: false, probes });
                        let free = self.calls.iter().position(Option::is_none).expect("a free place");
                        self.calls[free] =
                            Some(Slot { stand, attempts: 1, tries: Default::default(), over_sse: false });
                    }
                    Err(dial) => self.dials[n] = Some(Dialling { dial, probes, ahead }),
                }
                Kind::Other
            }
            Op::Wait(duration) => {
                self.now = self.now.saturating_add(duration);
                return broken;
            }
            Op::Tick => {
                self.subject.handle_timeout(self.now);
                let wakes_at = self.subject.policy().poll_timeout();
                let due = match self.mode() {
                    Mode::FailedOver { retry_at } => Some(retry_at).filter(|at| self.now < *at),
                    Mode::Probing { lease_until } => Some(lease_until),
                    Mode::Suspected => wakes_at.or(Some(self.now)),
                    _ => wakes_at,
                };
                let past = wakes_at.is_some_and(|at| at < self.now);
                broken.add_if(past || wakes_at != due, Invariant::WakeUpsAreAhead);
                Kind::Other
            }
            Op::NetworkChange => {
                self.subject.handle_network_change(self.now);
                Kind::Forgiven
            }
            Op::Restart(elapsed) => return self.restart(elapsed),
        };
        let after = self.judgement();
        self.ghost.observe(&config, self.now, kind, before, after);
        let lasts = after.0 == Mode::Suspected && self.ghost.suspected_until <= self.now;
        // A tick has its own.
        broken.add_if(lasts && op != Op::Tick, Invariant::SuspicionsEnd);
        broken.union(self.broken_judgement());
        broken
    }

    fn restart(&mut self, elapsed: Duration) -> Broken {
        // What is due is judged before it is kept.
        let mut broken = self.step(Op::Tick);
        let config = *self.config();
        let before = self.mode();
        self.subject.restart(elapsed, self.now);
        self.ghost.restart(&config, self.now, before);
        self.now = self.now.saturating_add(elapsed);
        let after = self.judgement();
        self.ghost.observe(&config, self.now, Kind::Other, after, after);
        broken.union(self.broken_judgement());
        broken
    }

    fn judgement(&self) -> (Mode, u8) {
        (self.mode(), self.subject.policy().recoveries_left())
    }

    fn broken_judgement(&self) -> Broken {
        let mut broken = Broken::default();
        let (mode, left) = self.judgement();
        let spent_but_not_pinned = matches!(mode, Mode::FailedOver { .. }) && left == 0;
        let pinned_but_not_spent = mode == Mode::Pinned && left > 0;
        broken.add_if(spent_but_not_pinned || pinned_but_not_spent, Invariant::PinnedWhenSpent);
        let full = left == self.config().max_recoveries();
        broken.add_if(mode == Mode::Preferred && !full, Invariant::PreferredIsFull);
        broken
    }

    fn begun(&mut self, n: usize, mut slot: Slot, decision: Decision, broken: &mut Broken) {
        slot.stand = match decision {
            Decision::Wait(call) => Stand::Waiting(call),
            Decision::Start(attempt) => {
                // One more than the most is as bad as any number more.
                let most = most_attempts(self.config());
                slot.attempts = (slot.attempts + 1).min(most + 1);
                broken.add_if(slot.attempts > most, Invariant::CallsEnd);
                // A WebSocket attempt with a head start is any but a last resort.
                let by_mode = attempt.divert_at().is_some();
                broken.add_if(by_mode && self.now < self.ghost.not_before, Invariant::CooldownIsKept);
                let astray = slot.over_sse && attempt.transport() == Transport::WebSocket;
                broken.add_if(astray, Invariant::OverSseIsKept);
                let probes = attempt.is_probe();
                if probes {
                    self.probe_began(broken);
                }
                Stand::Running(Running { attempt, progressed: false, probes })
            }
        };
        self.calls[n] = Some(slot);
    }

    fn probe_began(&mut self, broken: &mut Broken) {
        let config = *self.config();
        self.ghost.probe_began(&config, self.now, broken);
        for slot in self.calls.iter_mut().flatten() {
            if let Stand::Running(running) = &mut slot.stand {
                running.probes = false;
            }
        }
        for dial in self.dials.iter_mut().flatten() {
            dial.probes = false;
        }
    }

    /// What took the slot has ended. Whether it held it still.
    fn free_slot(&mut self, probes: bool) -> bool {
        let holds = probes && self.now < self.ghost.taken_until;
        if probes {
            self.ghost.taken_until = Timestamp::ZERO;
        }
        holds
    }

    fn dial(&mut self, dialling: Dialling) {
        let free = self.dials.iter().position(Option::is_none).expect("a free place");
        self.dials[free] = Some(dialling);
    }
}

impl Running {
    /// How it can fail.
    fn failures(&self, scope: &Scope, mut add: impl FnMut(Outcome)) {
        let so_far = if self.progressed { Stage::Streaming } else { Stage::Open };
        let long = scope.config.max_server_wait() + UNIT;
        let failed = |blame| Failure::new(blame, so_far);
        for blame in [Blame::Transport, Blame::Connection, Blame::Server] {
            add(Outcome::Failed(failed(blame)));
            add(Outcome::RetriesExhausted(failed(blame)));
        }
        for blame in [Blame::Payload, Blame::Request] {
            add(Outcome::Failed(failed(blame)));
        }
        add(Outcome::Failed(failed(Blame::Server).with_retry_after(long)));
        if !self.progressed {
            add(Outcome::Failed(Failure::new(Blame::Transport, Stage::Connecting)));
            // The driver does not report progress.
            add(Outcome::Failed(Failure::new(Blame::Transport, Stage::Streaming)));
        }
        if scope.config.replay() == Replay::BeforeOutput {
            add(Outcome::Failed(Failure::new(Blame::Transport, Stage::Streaming).with_committed()));
        }
        if scope.synonyms {
            add(Outcome::Failed(failed(Blame::Network)));
        }
    }

    fn kind(&self, outcome: Outcome, holds: bool) -> Kind {
        match (self.attempt.transport(), outcome) {
            (Transport::WebSocket, Outcome::Completed) => Kind::Forgiven,
            (Transport::Sse, Outcome::Failed(_) | Outcome::RetriesExhausted(_)) => Kind::SseFailed,
            (Transport::Sse, _) => Kind::Other,
            (_, _) if !holds => Kind::Other,
            (_, Outcome::Cancelled | Outcome::Ended) if !self.progressed => Kind::Other,
            (_, Outcome::Failed(failure) | Outcome::RetriesExhausted(failure)) if is_evidence(failure) => {
                Kind::Other
            }
            _ => Kind::ProbeEnded,
        }
    }
}

/// Whether a failure of this kind is what R12 is about: neither the request's fault nor the server's, and
/// replayable. A connection failure that ends a call counted as one of the transport.
fn must_try_both(give_up: GiveUp, outcome: Outcome) -> bool {
    let (Outcome::Failed(failure) | Outcome::RetriesExhausted(failure)) = outcome else { return false };
    let replayable = give_up != GiveUp::Committed;
    replayable && matches!(failure.blame(), Blame::Transport | Blame::Network | Blame::Connection)
}

fn is_evidence(failure: Failure) -> bool {
    matches!(failure.blame(), Blame::Transport | Blame::Network)
}

impl Slot {
    fn take(&mut self) -> Stand {
        core::mem::take(&mut self.stand)
    }
}

impl Default for Stand {
    fn default() -> Self {
        Self::Waiting(Call { history: History::new(), ready_at: Timestamp::ZERO })
    }
}

impl Default for Slot {
    fn default() -> Self {
        let stand = Stand::default();
        Self { stand, attempts: 0, over_sse: false, tries: Default::default() }
    }
}

// Handles are linear. Only a checker that tries every continuation may copy them.

impl Clone for Slot {
    fn clone(&self) -> Self {
        let stand = match &self.stand {
            Stand::Waiting(call) => {
                Stand::Waiting(Call { history: call.history.clone(), ready_at: call.ready_at })
            }
            Stand::Running(Running { attempt, progressed, probes }) => Stand::Running(Running {
                attempt: Attempt { history: attempt.history.clone(), ..*attempt },
                progressed: *progressed,
                probes: *probes,
            }),
        };
        Self { stand, ..*self }
    }
}

impl Clone for Dialling {
    fn clone(&self) -> Self {
        Self { dial: Dial { ..self.dial }, ..*self }
    }
}
