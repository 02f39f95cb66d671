use core::time::Duration;

use crate::arithmetic::double;
use crate::call::Origin;
use crate::history::History;
use crate::random::{self, Draw};
use crate::state::State;
use crate::time::{add, nanos};
use crate::{
    Attempt, Blame, Call, Config, Decision, Dial, DialOutcome, Failure, GiveUp, Mode, Outcome, OverSse,
    ProbeStyle, Reason, Replay, Snapshot, Stage, Timer, Timestamp, Transport, Trigger, Verdict,
};

/// Decides which transport carries each attempt: the state that all calls to one endpoint share.
///
/// Events come in through methods named `handle_*`, each with the time at which it happened. Decisions go out
/// as values that methods return. There is no I/O, no clock and no allocation, and every method takes
/// constant time ([R21](crate::rules#r21)). A time earlier than the latest one seen is treated as that latest
/// one ([R18](crate::rules#r18)), and no method panics.
///
/// Share one policy between all calls to one endpoint, behind a mutex if need be: handles borrow nothing, so
/// it is never held across I/O. With the feature `std`, `SharedPolicy` is that mutex.
///
/// ```
/// use failback::{Blame, Config, Failure, Mode, Outcome, Policy, Stage, Timestamp, Transport, Verdict};
///
/// let now = Timestamp::from_millis(0);
/// let mut policy = Policy::new(Config::new(), 0x5eed, now);
/// let attempt = policy.begin_call(now);
/// assert_eq!(attempt.transport(), Transport::WebSocket);
///
/// // The handshake was refused: the call goes on over SSE, at once.
/// let refused = Failure::new(Blame::Transport, Stage::Connecting);
/// let Verdict::Retry(call) = policy.handle_outcome(attempt, Outcome::Failed(refused), now) else {
///     unreachable!("it has SSE left")
/// };
/// let attempt = policy.begin_attempt_now(call, now);
/// assert_eq!(attempt.transport(), Transport::Sse);
///
/// // SSE works where WebSocket did not. So the next calls leave WebSocket alone until the cooldown is over.
/// let now = Timestamp::from_millis(600);
/// policy.handle_progress(&attempt, now);
/// assert!(matches!(policy.handle_outcome(attempt, Outcome::Completed, now), Verdict::Done));
/// assert!(matches!(policy.mode(), Mode::FailedOver { .. }));
/// ```
#[derive(Clone, Debug)]
pub struct Policy {
    config: Config,
    seed: u64,
    now: Timestamp,
    state: State,
    /// Hundredths of a token left ([R16](crate::rules#r16)).
    budget: u32,
    /// How many calls have drawn ([R21](crate::rules#r21)).
    calls: u32,
}

/// One token of the retry budget, in hundredths.
const TOKEN: u32 = 100;
/// What a completion puts back: 20 tokens per 100 completions ([R16](crate::rules#r16)).
const REFILL: u32 = 20;

impl Policy {
    /// A policy that believes in WebSocket.
    ///
    /// Any `seed` will do, but it should differ between clients, so that their cooldowns do
    /// ([R4](crate::rules#r4)). Equal seeds and inputs give equal decisions.
    #[must_use]
    pub const fn new(config: Config, seed: u64, now: Timestamp) -> Self {
        let state = State::new(&config);
        Self::with_state(config, seed, now, state)
    }

    pub(crate) const fn with_state(config: Config, seed: u64, now: Timestamp, state: State) -> Self {
        let budget = full_budget(&config);
        Self { config, seed, now, state, budget, calls: 0 }
    }

    /// Opens a call. It holds nothing in the policy until an attempt begins.
    #[inline]
    pub fn open_call(&mut self, now: Timestamp) -> Call {
        self.advance(now);
        Call { history: History::new(), ready_at: self.now }
    }

    /// Opens a call that goes over SSE from its beginning to its end, whatever the mode, with this reason
    /// ([R1](crate::rules#r1)). It makes no WebSocket attempt, not even as its last resort
    /// ([R12](crate::rules#r12)), and never probes.
    ///
    /// In all else it is a call like any other. What its attempts show of SSE convicts or acquits WebSocket
    /// ([R4](crate::rules#r4), [R5](crate::rules#r5)), as it matters for that how SSE fares and not why it
    /// was chosen.
    ///
    /// For callers who want SSE, and for requests that are known to be too large for WebSocket. Like any new
    /// call it never waits, so [`begin_attempt_now`](Self::begin_attempt_now) begins it.
    ///
    /// ```
    /// use failback::{Config, Mode, OverSse, Policy, Reason, Timestamp, Transport};
    ///
    /// let now = Timestamp::ZERO;
    /// let mut policy = Policy::new(Config::new(), 7, now);
    /// assert_eq!(policy.mode(), Mode::Preferred);
    /// let call = policy.open_call_over_sse(now, OverSse::SseOnly);
    /// let attempt = policy.begin_attempt_now(call, now);
    /// assert_eq!((attempt.transport(), attempt.reason()), (Transport::Sse, Reason::SseOnly));
    /// ```
    pub fn open_call_over_sse(&mut self, now: Timestamp, why: OverSse) -> Call {
        self.advance(now);
        let mut history = History::new();
        history.bind(why.into());
        Call { history, ready_at: self.now }
    }

    /// Opens a call and begins its first attempt, which never has to wait: [`open_call`](Self::open_call) and
    /// [`begin_attempt`](Self::begin_attempt) at once.
    #[inline]
    pub fn begin_call(&mut self, now: Timestamp) -> Attempt {
        self.advance(now);
        self.start(History::new())
    }

    /// Begins an attempt of a call, or gives it back until [`Call::ready_at`], when its backoff is over, or
    /// the wait that the server asked for. Each attempt is chosen anew ([R1](crate::rules#r1)).
    #[inline]
    pub fn begin_attempt(&mut self, call: Call, now: Timestamp) -> Decision {
        self.advance(now);
        if self.now < call.ready_at {
            Decision::Wait(call)
        } else {
            Decision::Start(self.start(call.history))
        }
    }

    /// Begins an attempt of a call now, for a driver that waits by itself: there is no [`Decision`] to obey.
    ///
    /// Until [`Call::ready_at`] the call should wait, for its backoff or because the server asked for it; a
    /// driver that begins sooner is not stopped. Otherwise this is [`begin_attempt`](Self::begin_attempt):
    /// the attempt is chosen anew, by what is known now ([R1](crate::rules#r1)).
    ///
    /// ```
    /// use failback::{Blame, Config, Failure, Outcome, Policy, Stage, Timestamp, Verdict};
    ///
    /// let mut now = Timestamp::ZERO;
    /// let mut policy = Policy::new(Config::new(), 7, now);
    /// let mut attempt = policy.begin_call(now);
    /// let broken = Failure::new(Blame::Transport, Stage::Streaming);
    /// while let Verdict::Retry(call) = policy.handle_outcome(attempt, Outcome::Failed(broken), now) {
    ///     // A driver sleeps here, in whatever way it sleeps.
    ///     now = call.ready_at();
    ///     attempt = policy.begin_attempt_now(call, now);
    /// }
    /// ```
    #[inline]
    pub fn begin_attempt_now(&mut self, call: Call, now: Timestamp) -> Attempt {
        self.advance(now);
        self.start(call.history)
    }

    /// An event of the attempt arrived. Report each, or at least the first, and the first one in each
    /// [lease](Config::with_probe_lease).
    ///
    /// On WebSocket report any sign of life after the first event too (a pong, bytes): a server that thinks
    /// for long does not cost a probe its lease ([R8](crate::rules#r8)). On SSE only events count: a comment
    /// convicts nobody.
    #[inline]
    pub fn handle_progress(&mut self, attempt: &Attempt, now: Timestamp) {
        self.advance(now);
        match attempt.transport() {
            Transport::Sse => self.state.sse_progressed(&self.config, self.seed, self.now),
            Transport::WebSocket if self.holds_probe(attempt) => {
                self.state.probe_progressed(&self.config, self.now);
            }
            Transport::WebSocket => {}
        }
    }

    /// [`handle_progress`](Self::handle_progress) of any attempt on SSE: whose event it was makes no
    /// difference.
    #[cfg(feature = "std")]
    #[inline]
    pub(crate) fn sse_progressed(&mut self, now: Timestamp) {
        self.advance(now);
        self.state.sse_progressed(&self.config, self.seed, self.now);
    }

    /// The attempt ended. Says what that means for its call.
    #[inline]
    pub fn handle_outcome(&mut self, attempt: Attempt, outcome: Outcome, now: Timestamp) -> Verdict {
        self.advance(now);
        match outcome {
            Outcome::Completed => {
                self.refill();
                match attempt.transport() {
                    // R6: whatever the mode, and stale or not.
                    Transport::WebSocket => self.state.websocket_completed(&self.config),
                    Transport::Sse => self.state.sse_progressed(&self.config, self.seed, self.now),
                }
                Verdict::Done
            }
            Outcome::Cancelled | Outcome::Ended => {
                self.let_go(&attempt);
                Verdict::Done
            }
            Outcome::Failed(failure) => self.handle_failure(attempt, &failure, false),
            Outcome::RetriesExhausted(failure) => self.handle_failure(attempt, &failure, true),
        }
    }

    /// [`handle_outcome`](Self::handle_outcome) with [`Outcome::Cancelled`], for a guard, which cannot give
    /// its attempt away when it is dropped.
    #[cfg(feature = "std")]
    #[inline]
    pub(crate) fn cancel(&mut self, attempt: &Attempt, now: Timestamp) {
        self.advance(now);
        self.let_go(attempt);
    }

    /// R7: the attempt ended without a failure, and without a completion.
    #[inline]
    fn let_go(&mut self, attempt: &Attempt) {
        if self.holds_probe(attempt) {
            self.state.end_probe(&self.config, self.now);
        }
    }

    /// The head start ran out ([R17](crate::rules#r17)): the call moves to SSE at once, and the handshake
    /// goes on as a dial, up to the driver's connect timeout.
    ///
    /// Only for an attempt that has a [`divert_at`](Attempt::divert_at). The policy does not ask whether that
    /// time has come. Any other attempt just ends: its call goes on as if it had not moved, and what is
    /// reported of the dial changes nothing.
    pub fn divert(&mut self, attempt: Attempt, now: Timestamp) -> (Call, Dial) {
        self.handle_timeout(now);
        let origin = if attempt.is_divertible() { Origin::Attempt } else { Origin::Nothing };
        let (sse_progress, is_probe) = (self.state.sse_progress(), attempt.is_probe());
        let dial = Dial { epoch: attempt.epoch, sse_progress, origin, is_probe };
        let current = self.is_current(attempt.epoch);
        let transport = attempt.transport();
        let mut history = attempt.history;
        history.end(transport);
        if origin == Origin::Attempt {
            history.bind(Reason::CallMoved);
            // R12: nothing has been tried yet.
            history.excuse(Transport::WebSocket);
            if current {
                self.state.await_dial(&self.config, self.now);
            }
        }
        (Call { history, ready_at: self.now }, dial)
    }

    /// With [`ProbeStyle::Background`]: a dial that may begin now, as the probe, ahead of the next call.
    ///
    /// Ask after [`poll_timeout`](Self::poll_timeout) has passed. `None` with [`ProbeStyle::InBand`], in any
    /// other mode than FailedOver, before `retry_at`, and once a dial has opened as the probe, until the mode
    /// has changed: the next thing to learn is whether a call completes on it.
    pub fn poll_probe(&mut self, now: Timestamp) -> Option<Dial> {
        self.handle_timeout(now);
        if self.config.probe != ProbeStyle::Background || !self.state.wants_dial(self.now) {
            return None;
        }
        self.state.start_probe(&self.config, self.now);
        Some(self.dial_ahead())
    }

    /// Asks for a handshake ahead of any call, so that the next one finds a connection: in Preferred while no
    /// other dial is out, and, as the probe, in FailedOver once `retry_at` has come. `None` otherwise: SSE is
    /// to be used now, or a handshake is under way already ([R17](crate::rules#r17)).
    ///
    /// A dial that opens refills no recovery ([R6](crate::rules#r6)), and one that fails counts as any other
    /// does. Until it has ended, for at most [`probe_lease`](Config::with_probe_lease), calls use SSE. A call
    /// that would rather wait for it, up to its own head start, [adopts](Self::adopt) it. Not for a driver
    /// that already has a connection which the next call will use: there is nothing to dial for.
    ///
    /// ```
    /// use failback::{Config, DialOutcome, Policy, Reason, Timestamp};
    ///
    /// let now = Timestamp::ZERO;
    /// let mut policy = Policy::new(Config::new(), 7, now);
    /// if let Some(dial) = policy.warm_up(now) {
    ///     // Your own handshake, while nobody waits for it.
    ///     policy.handle_dial(dial, DialOutcome::Opened, now);
    /// }
    /// assert_eq!(policy.begin_call(now).reason(), Reason::Healthy);
    /// ```
    pub fn warm_up(&mut self, now: Timestamp) -> Option<Dial> {
        self.handle_timeout(now);
        self.state.warm_up(&self.config, self.now).then(|| self.dial_ahead())
    }

    const fn dial_ahead(&self) -> Dial {
        Dial {
            epoch: self.state.epoch(),
            sse_progress: self.state.sse_progress(),
            origin: Origin::Ahead,
            is_probe: self.state.is_probing(),
        }
    }

    /// Opens a call that waits for a handshake which was begun ahead of it ([`warm_up`](Self::warm_up),
    /// [`poll_probe`](Self::poll_probe)), and begins its first attempt: [`divert`](Self::divert) the other
    /// way round. The handshake is the attempt's from now on, and so is what the dial held. The attempt has a
    /// head start that counts from now ([R17](crate::rules#r17)).
    ///
    /// # Errors
    /// The dial itself, to be reported as before, when no call may wait for it: it is stale, or a call has
    /// waited for it before. The call then [begins](Self::begin_call) as any other.
    pub fn adopt(&mut self, dial: Dial, now: Timestamp) -> Result<Attempt, Dial> {
        self.handle_timeout(now);
        if dial.origin != Origin::Ahead || !self.is_current(dial.epoch) {
            return Err(dial);
        }
        let reason = self.state.adopt_dial();
        Ok(self.attempt(History::new(), reason))
    }

    /// The dial ended ([R17](crate::rules#r17)). A stale one changes nothing.
    pub fn handle_dial(&mut self, dial: Dial, outcome: DialOutcome, now: Timestamp) {
        self.handle_timeout(now);
        if dial.origin == Origin::Nothing || !self.is_current(dial.epoch) {
            return;
        }
        match outcome {
            DialOutcome::Opened => self.state.dial_opened(&self.config, self.now),
            DialOutcome::Failed(failure) if is_evidence(failure.blame()) => {
                self.state.dial_failed(&self.config, self.seed, self.now, dial.sse_progress);
            }
            DialOutcome::Failed(_) => {
                let ahead = dial.origin == Origin::Ahead;
                self.state.dial_excused(&self.config, self.now, ahead);
            }
            DialOutcome::Abandoned => self.state.dial_abandoned(&self.config, self.now),
        }
    }

    /// A clock tick. Never required: every other method that is told the time does the same first. Early,
    /// late or twice makes no difference.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        self.advance(now);
    }

    /// When a tick next matters; [`timer`](Self::timer) says why. `None` when time alone changes nothing.
    ///
    /// Always later than the latest time seen.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        self.state.wake_at(self.now)
    }

    /// What ends at [`poll_timeout`](Self::poll_timeout): a cooldown, a lease, a suspicion, or the wait for a
    /// dial. `None` when that is `None`.
    #[must_use]
    pub fn timer(&self) -> Option<Timer> {
        self.state.wake_at(self.now).and_then(|_| self.state.timer())
    }

    /// The machine is on another network, or has slept: what was learned does not hold there
    /// ([R19](crate::rules#r19)).
    pub fn handle_network_change(&mut self, now: Timestamp) {
        self.handle_timeout(now);
        self.state.network_changed(&self.config);
    }

    /// The current judgement, as of the latest time seen.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.state.mode()
    }

    /// How many probes may still be spent before the policy stays on SSE.
    #[must_use]
    pub const fn recoveries_left(&self) -> u8 {
        self.state.recoveries()
    }

    /// Counts transitions of the policy: an embedder that has kept the number of an earlier time sees by
    /// another one that the [`mode`](Self::mode) was decided anew since. `SharedPolicy::on_change` tells of
    /// it unasked.
    ///
    /// Compare for equality alone. One event may count twice, a
    /// [change of network](Self::handle_network_change) counts in [`Mode::Preferred`] too, a restored policy
    /// goes on from the number of its snapshot, and after the largest number comes zero. What time alone
    /// changes is counted once a method has been told the time. A cooldown that is over changes no mode until
    /// something probes, and neither does a lease that is renewed.
    ///
    /// ```
    /// use failback::{Blame, Config, Failure, Outcome, Policy, Stage, Timestamp, Trigger};
    ///
    /// let now = Timestamp::ZERO;
    /// let mut policy = Policy::new(Config::new(), 7, now);
    /// let mut seen = policy.transitions();
    /// let attempt = policy.begin_call(now);
    /// let refused = Failure::new(Blame::Transport, Stage::Connecting);
    /// let _verdict = policy.handle_outcome(attempt, Outcome::Failed(refused), now);
    /// if policy.transitions() != seen {
    ///     seen = policy.transitions();
    ///     // Where you show it: an LED, a log, a counter.
    ///     assert_eq!(policy.mode().as_str(), "suspected");
    ///     assert_eq!(policy.trigger(), Some(Trigger::WebSocketFailed));
    /// }
    /// # let _ = seen;
    /// ```
    #[must_use]
    pub const fn transitions(&self) -> u32 {
        self.state.epoch()
    }

    /// What brought the latest of the [`transitions`](Self::transitions) about. `None` before the first.
    #[must_use]
    pub const fn trigger(&self) -> Option<Trigger> {
        self.state.trigger()
    }

    /// The latest time seen.
    #[cfg(feature = "std")]
    pub(crate) const fn now(&self) -> Timestamp {
        self.now
    }

    /// Numbers a call that has just been opened, and gives its number, which no other call of this policy has
    /// until there have been 2^32 of them. A call that has a number keeps it.
    ///
    /// Feature `std`. For whoever writes down which call is which, and for whoever replays that. Without
    /// this, a call takes its number when it first waits for backoff, and the jitter of its waits comes from
    /// that ([R16](crate::rules#r16)). So calls that are numbered early have other jitter.
    #[cfg(feature = "std")]
    pub fn number_call(&mut self, call: &mut Call) -> u32 {
        call.history.name(&mut self.calls)
    }

    /// [Numbers](Self::number_call) a call whose first attempt has just begun. Feature `std`.
    #[cfg(feature = "std")]
    pub fn number_attempt(&mut self, attempt: &mut Attempt) -> u32 {
        attempt.history.name(&mut self.calls)
    }

    /// The settings.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// R1: an attempt of a call with this history, and why it goes where it goes.
    #[inline]
    fn start(&mut self, history: History) -> Attempt {
        let reason = match history.bound() {
            None => self.state.choose(&self.config, self.now),
            Some(reason) => reason,
        };
        self.attempt(history, reason)
    }

    /// An attempt that begins now.
    #[inline(always)]
    const fn attempt(&self, mut history: History, reason: Reason) -> Attempt {
        history.begin(self.now);
        // R17.
        let divert_at = add(self.now, self.config.head_start);
        Attempt { history, reason, epoch: self.state.epoch(), divert_at }
    }

    #[cfg(test)]
    pub(crate) const fn state(&self) -> &State {
        &self.state
    }

    /// As [`handle_timeout`](Self::handle_timeout), but inlined into the methods that are called for each
    /// event or call. The others call that, so that there is one copy of it.
    #[inline]
    fn advance(&mut self, now: Timestamp) {
        self.now = self.now.latest(now);
        self.state.advance(&self.config, self.seed, self.now);
    }

    /// R9: whether what began in this epoch may still change the mode.
    const fn is_current(&self, epoch: u32) -> bool {
        self.state.epoch() == epoch
    }

    const fn holds_probe(&self, attempt: &Attempt) -> bool {
        attempt.is_probe() && self.is_current(attempt.epoch) && self.state.is_probing()
    }

    /// What the policy knows at `now`.
    #[must_use]
    pub fn snapshot(&self, now: Timestamp) -> Snapshot {
        let mut policy = self.clone();
        policy.handle_timeout(now);
        policy.state.snapshot(policy.now)
    }

    /// The policy of which `snapshot` was made, `elapsed` later.
    ///
    /// Cooldowns went on meanwhile. A process that cannot tell how long it was away passes zero, and waits
    /// longer than it has to. Handles that the earlier policy had given out are stale to this one
    /// ([R9](crate::rules#r9)).
    #[must_use]
    pub fn restore(
        config: Config,
        seed: u64,
        snapshot: &Snapshot,
        elapsed: Duration,
        now: Timestamp,
    ) -> Self {
        Self::with_state(config, seed, now, State::restore(&config, snapshot, elapsed, now))
    }

    /// Goes on from what another policy for the same endpoint knew `elapsed` ago: that of a process beside
    /// this one ([R20](crate::rules#r20)). Says whether it has learned anything.
    ///
    /// Calls, attempts and dials of this policy stay valid, and so does its budget; what they report of the
    /// time before is stale ([R9](crate::rules#r9)). In [`Mode::Suspected`] and [`Mode::Probing`] nothing is
    /// learned: this policy is about to know better. Nor does it learn of [`Mode::Preferred`] in that mode.
    ///
    /// Which of the two is newer is for the driver to know.
    pub fn learn(&mut self, snapshot: &Snapshot, elapsed: Duration, now: Timestamp) -> bool {
        self.handle_timeout(now);
        self.state.learn(&self.config, snapshot, elapsed, self.now)
    }

    /// In [`Mode::FailedOver`], probes no earlier than so long from now, because another process probes:
    /// `retry_at` becomes that, unless it is later already ([R20](crate::rules#r20)). More than the
    /// [lease](Config::probe_lease) counts as the lease. Changes nothing in other modes.
    pub fn hold_probe(&mut self, by: Duration, now: Timestamp) {
        self.handle_timeout(now);
        self.state.hold_probe(&self.config, by, self.now);
    }

    fn handle_failure(&mut self, mut attempt: Attempt, failure: &Failure, exhausted: bool) -> Verdict {
        let transport = attempt.transport();
        attempt.history.end(transport);
        let blame = attempt.history.judge(transport, failure.blame(), exhausted);
        let committed = self.is_committed(failure, blame);
        // What it says about WebSocket, whatever becomes of the call.
        let stays = match transport {
            Transport::WebSocket => {
                self.weigh_websocket(&mut attempt, failure.stage(), blame, exhausted || committed)
            }
            Transport::Sse => {
                self.weigh_sse(failure.stage(), blame);
                None
            }
        };
        let history = attempt.history;
        let used_up = |policy: &Self| exhausted || policy.has_used_up(&history, transport);
        match blame {
            Blame::Request => Verdict::GiveUp(GiveUp::NotRetryable),
            // R11.
            Blame::Payload if transport == Transport::Sse => Verdict::GiveUp(GiveUp::NotRetryable),
            // R15, after R11 and R14, which no replay would help.
            _ if committed => Verdict::GiveUp(GiveUp::Committed),
            // R10.
            Blame::Connection => self.retry_at_once(history),
            // R12: the failure of a last resort ends the call.
            _ if attempt.reason == Reason::LastResort => Verdict::GiveUp(GiveUp::AttemptsExhausted),
            Blame::Payload => self.move_to_sse(history, Reason::TooLarge),
            Blame::Server => {
                let retry_after = failure.retry_after().unwrap_or_default();
                let used_up = used_up(self);
                self.retry_server(history, transport, retry_after, used_up)
            }
            Blame::Transport | Blame::Network => match (transport, stays) {
                (Transport::WebSocket, Some(wait)) if self.take_token() => self.retry_later(history, wait),
                (Transport::WebSocket, _) => self.move_to_sse(history, Reason::CallMoved),
                (Transport::Sse, _) if used_up(self) => {
                    self.try_last_resort(history, GiveUp::AttemptsExhausted)
                }
                (Transport::Sse, _) if self.take_token() => {
                    self.retry_after_backoff(history, transport, Duration::ZERO)
                }
                (Transport::Sse, _) => self.try_last_resort(history, GiveUp::BudgetExhausted),
            },
        }
    }

    /// R16: whether the call has had as many attempts on this transport as it is allowed.
    fn has_used_up(&self, history: &History, transport: Transport) -> bool {
        history.counted(transport) > u16::from(self.config.stream_max_retries)
    }

    /// R15: whether sending the call again is ruled out.
    fn is_committed(&self, failure: &Failure, blame: Blame) -> bool {
        match self.config.replay {
            Replay::Restart => false,
            Replay::BeforeOutput => failure.is_committed(),
            // A request that the server refused in so many words was not processed: only evidence counts
            // here.
            Replay::BeforeSend => {
                failure.is_committed() || (is_evidence(blame) && failure.stage() != Stage::Connecting)
            }
        }
    }

    /// R2, R3, R7, R9: what a failed WebSocket attempt says about WebSocket. How long the call waits to be
    /// retried there, if it may stay; `over` says that it may not.
    fn weigh_websocket(
        &mut self,
        attempt: &mut Attempt,
        stage: Stage,
        blame: Blame,
        over: bool,
    ) -> Option<u64> {
        if attempt.reason == Reason::LastResort || !self.is_current(attempt.epoch) {
            return None;
        }
        if attempt.is_probe() {
            if is_evidence(blame) {
                self.state.probe_failed(&self.config, self.seed, self.now);
            } else {
                self.state.return_probe(&self.config, self.now);
            }
            return None;
        }
        if !is_evidence(blame) {
            return None;
        }
        let forgiven = self.state.count_failure(&self.config)
            && stage != Stage::Connecting
            && !over
            && !self.has_used_up(&attempt.history, Transport::WebSocket);
        if forgiven {
            let wait = self.wait_in_grace(&mut attempt.history, stage);
            if wait.is_some() {
                return wait;
            }
        }
        self.state.websocket_failed(&self.config, self.seed, self.now);
        None
    }

    /// R3: how long the call waits before its next attempt on WebSocket; `None` if that would begin too late.
    #[inline(always)]
    fn wait_in_grace(&mut self, history: &mut History, stage: Stage) -> Option<u64> {
        let from = history.begin_grace(stage, self.now);
        let leave_at = add(from, self.config.fallback_within);
        let wait = self.backoff(history, Transport::WebSocket);
        (add(self.now, wait) < leave_at).then_some(wait)
    }

    /// R5: what a failed SSE attempt says about WebSocket. One that had progress has spoken already
    /// ([R4](crate::rules#r4)).
    fn weigh_sse(&mut self, stage: Stage, blame: Blame) {
        match blame {
            _ if stage == Stage::Streaming => {}
            Blame::Transport | Blame::Network | Blame::Request => {
                self.state.sse_failed(&self.config, self.now);
            }
            Blame::Server => self.state.sse_busy(&self.config),
            Blame::Connection | Blame::Payload => {}
        }
    }

    /// Without backoff and without a token ([R10](crate::rules#r10), [R12](crate::rules#r12)).
    const fn retry_at_once(&self, history: History) -> Verdict {
        Verdict::Retry(Call { history, ready_at: self.now })
    }

    const fn move_to_sse(&self, mut history: History, reason: Reason) -> Verdict {
        history.bind(reason);
        self.retry_at_once(history)
    }

    /// R12: no call fails with an untried transport.
    const fn try_last_resort(&self, mut history: History, otherwise: GiveUp) -> Verdict {
        if history.is_done_with_websocket() {
            return Verdict::GiveUp(otherwise);
        }
        history.bind(Reason::LastResort);
        self.retry_at_once(history)
    }

    /// R13: the server is asked again, from the second time on over SSE.
    fn retry_server(
        &mut self,
        mut history: History,
        transport: Transport,
        retry_after: Duration,
        used_up: bool,
    ) -> Verdict {
        if retry_after > self.config.max_server_wait() {
            return Verdict::GiveUp(GiveUp::ServerBusy { retry_after });
        }
        match transport {
            Transport::Sse if used_up => return Verdict::GiveUp(GiveUp::AttemptsExhausted),
            Transport::WebSocket if history.busy_again() || used_up => {
                history.bind(Reason::CallMoved);
            }
            _ => {}
        }
        if self.take_token() {
            self.retry_after_backoff(history, transport, retry_after)
        } else {
            Verdict::GiveUp(GiveUp::BudgetExhausted)
        }
    }

    fn retry_after_backoff(
        &mut self,
        mut history: History,
        transport: Transport,
        at_least: Duration,
    ) -> Verdict {
        let wait = self.backoff(&mut history, transport).max(nanos(at_least));
        self.retry_later(history, wait)
    }

    const fn retry_later(&self, history: History, wait: u64) -> Verdict {
        Verdict::Retry(Call { history, ready_at: add(self.now, wait) })
    }

    /// R16: what a retry that waits for backoff costs. False when there is no whole token left.
    fn take_token(&mut self) -> bool {
        if self.config.retry_budget.is_none() {
            return true;
        }
        let left = self.budget.checked_sub(TOKEN);
        self.budget = left.unwrap_or(self.budget);
        left.is_some()
    }

    /// R16: the n-th retry of a call on one transport waits min(backoff * 2^(n-1), backoff_max), +-10 %.
    fn backoff(&mut self, history: &mut History, transport: Transport) -> u64 {
        let earlier = history.counted(transport).saturating_sub(1);
        let wait = double(self.config.backoff, earlier.into()).min(self.config.backoff_max);
        if self.config.jitter_permille == 0 {
            return wait;
        }
        let call = history.name(&mut self.calls);
        let draw = Draw::Backoff { call, attempt: history.ended() };
        let u = random::fraction(self.seed, draw);
        wait.saturating_sub(wait / 10).saturating_add(random::scale(wait / 5, u))
    }

    /// R16: every completion puts a fifth of a token back.
    #[inline]
    fn refill(&mut self) {
        self.budget = self.budget.saturating_add(REFILL).min(full_budget(&self.config));
    }
}

const fn full_budget(config: &Config) -> u32 {
    match config.retry_budget {
        Some(tokens) => (tokens as u32).saturating_mul(TOKEN),
        None => 0,
    }
}

/// Whether a failure with this blame may be WebSocket's own fault.
const fn is_evidence(blame: Blame) -> bool {
    matches!(blame, Blame::Transport | Blame::Network)
}
