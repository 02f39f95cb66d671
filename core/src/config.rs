use core::time::Duration;

use crate::time::nanos;

/// What rules out that a call is sent again ([R15](crate::rules#r15)).
///
/// Exhaustive on purpose: these are the three answers there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Replay {
    /// A call that has delivered output is never sent again: a failure ends it with
    /// [`GiveUp::Committed`](crate::GiveUp::Committed). The default, because a replay generates, and is
    /// billed, again.
    #[default]
    BeforeOutput,
    /// As [`BeforeOutput`](Self::BeforeOutput), and a request that has been sent is not sent again either,
    /// unless the server refused it in so many words: a failure with blame
    /// [`Transport`](crate::Blame::Transport) or [`Network`](crate::Blame::Network) once the handshake is
    /// done ends the call with [`GiveUp::Committed`](crate::GiveUp::Committed). For callers who must not pay
    /// twice.
    BeforeSend,
    /// A call that has delivered output is retried like any other, and the driver tells the caller to discard
    /// what it has.
    Restart,
}

/// What it takes to leave WebSocket ([R4](crate::rules#r4), [R5](crate::rules#r5)).
///
/// Exhaustive on purpose: these are the two answers there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum VerdictStyle {
    /// SSE has to work where WebSocket did not. The default: being offline is never blamed on WebSocket.
    /// Chromium judges alternative services the same way: broken only once the plain connection has
    /// succeeded.
    #[default]
    OnEvidence,
    /// The failure of WebSocket is enough. For callers that cannot report progress.
    Immediate,
}

/// What may serve as a probe once the cooldown is over.
///
/// Exhaustive on purpose: these are the two answers there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ProbeStyle {
    /// The next call probes with its own request. The default: no traffic that nobody asked for, and
    /// `head_start` bounds what the call pays.
    #[default]
    InBand,
    /// The driver may also dial ahead of the next call, with
    /// [`Policy::poll_probe`](crate::Policy::poll_probe). A call that comes first still probes in band, so a
    /// driver that never polls, as those of this workspace's clients, loses nothing.
    Background,
}

/// The settings of a [`Policy`](crate::Policy). Every value is valid.
///
/// ```
/// use core::time::Duration;
/// use failback::Config;
///
/// const PATIENT: Config = Config::new().with_cooldown(Duration::from_secs(300)).with_max_recoveries(5);
/// assert_eq!(PATIENT.stream_max_retries(), 5);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Config {
    // Nanoseconds rather than `Duration`: half the size, and integer arithmetic throughout (R21).
    pub(crate) fallback_within: u64,
    pub(crate) head_start: u64,
    pub(crate) cooldown: u64,
    pub(crate) cooldown_max: u64,
    pub(crate) probe_lease: u64,
    pub(crate) backoff: u64,
    pub(crate) backoff_max: u64,
    pub(crate) max_server_wait: u64,
    pub(crate) jitter_permille: u16,
    pub(crate) retry_budget: Option<u16>,
    pub(crate) stream_max_retries: u8,
    pub(crate) max_recoveries: u8,
    pub(crate) replay: Replay,
    pub(crate) verdict: VerdictStyle,
    pub(crate) probe: ProbeStyle,
}

/// `jitter` of 1: the most that can be set.
const FULL_JITTER_PERMILLE: u16 = 1000;

impl Config {
    /// The defaults.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            fallback_within: nanos(Duration::from_secs(5)),
            head_start: nanos(Duration::from_secs(1)),
            cooldown: nanos(Duration::from_secs(60)),
            cooldown_max: nanos(Duration::from_secs(15 * 60)),
            probe_lease: nanos(Duration::from_secs(30)),
            backoff: nanos(Duration::from_millis(200)),
            backoff_max: nanos(Duration::from_secs(10)),
            max_server_wait: nanos(Duration::from_secs(60)),
            jitter_permille: 500,
            retry_budget: Some(10),
            stream_max_retries: 5,
            max_recoveries: 3,
            replay: Replay::BeforeOutput,
            verdict: VerdictStyle::OnEvidence,
            probe: ProbeStyle::InBand,
        }
    }

    /// How many stream failures in a row WebSocket is forgiven, and how often one call is retried on one
    /// transport ([R3](crate::rules#r3), [R16](crate::rules#r16)). A call makes at most one attempt more than
    /// this on each, those not counted that fail with blame [`Connection`](crate::Blame::Connection)
    /// ([R10](crate::rules#r10)). Default 5, as in Codex CLI.
    #[must_use]
    pub const fn with_stream_max_retries(mut self, retries: u8) -> Self {
        self.stream_max_retries = retries;
        self
    }

    /// How long after its first WebSocket failure a retry of a call may begin there, its backoff included
    /// ([R3](crate::rules#r3)). A first failure without an event counts from when its attempt began. Default
    /// 5 s: about as long as a person waits before thinking that nothing happens.
    #[must_use]
    pub const fn with_fallback_within(mut self, duration: Duration) -> Self {
        self.fallback_within = nanos(duration);
        self
    }

    /// How long a WebSocket handshake may keep a call waiting before the call moves to SSE and the handshake
    /// goes on without it ([R17](crate::rules#r17)). Default 1 s: several round trips on a bad link.
    /// `Duration::MAX` waits for ever.
    #[must_use]
    pub const fn with_head_start(mut self, duration: Duration) -> Self {
        self.head_start = nanos(duration);
        self
    }

    /// How long no WebSocket attempt is made after the first conviction ([R4](crate::rules#r4)). Default 60
    /// s: long enough not to be a nuisance to a broken proxy, short enough to outlive few transient faults.
    /// Doubles with each further conviction before a WebSocket attempt completes, up to
    /// [`cooldown_max`](Self::with_cooldown_max).
    ///
    /// Also how long a suspicion lasts that SSE neither confirms nor refutes ([R5](crate::rules#r5)), so it
    /// should be longer than SSE takes to answer. With zero nothing is ever suspected for long enough to be
    /// convicted on evidence.
    #[must_use]
    pub const fn with_cooldown(mut self, duration: Duration) -> Self {
        self.cooldown = nanos(duration);
        self
    }

    /// The longest that doubling makes the cooldown, before jitter ([R4](crate::rules#r4)). Default 15 min. A
    /// maximum below the cooldown itself counts as the cooldown, which is never shorter than configured.
    #[must_use]
    pub const fn with_cooldown_max(mut self, duration: Duration) -> Self {
        self.cooldown_max = nanos(duration);
        self
    }

    /// How much longer than configured a cooldown may be, in thousandths of it, drawn evenly
    /// ([R4](crate::rules#r4)). Default 500: up to half as long again, so that clients which failed together
    /// do not come back together. More than 1000 counts as 1000. Zero makes the policy deterministic whatever
    /// the seed: it also takes away the ±10 % of the [backoff](Self::with_backoff).
    #[must_use]
    pub const fn with_jitter_permille(mut self, permille: u16) -> Self {
        self.jitter_permille = if permille > FULL_JITTER_PERMILLE { FULL_JITTER_PERMILLE } else { permille };
        self
    }

    /// How many probes may be spent between two WebSocket completions ([R1](crate::rules#r1),
    /// [R6](crate::rules#r6)). Default 3. Zero never comes back by itself once failed over.
    #[must_use]
    pub const fn with_max_recoveries(mut self, recoveries: u8) -> Self {
        self.max_recoveries = recoveries;
        self
    }

    /// How long a probe may report nothing before it counts as failed ([R8](crate::rules#r8)), and the
    /// longest that a dial keeps calls on SSE ([R17](crate::rules#r17)). Default 30 s: more than a handshake
    /// and a first event take.
    #[must_use]
    pub const fn with_probe_lease(mut self, duration: Duration) -> Self {
        self.probe_lease = nanos(duration);
        self
    }

    /// How long the first retry of a call on a transport waits, give or take 10 % ([R16](crate::rules#r16)).
    /// Default 200 ms. Doubles with each further one, up to [`backoff_max`](Self::with_backoff_max).
    #[must_use]
    pub const fn with_backoff(mut self, duration: Duration) -> Self {
        self.backoff = nanos(duration);
        self
    }

    /// The longest backoff, before the ±10 % ([R16](crate::rules#r16)). Default 10 s. A maximum below the
    /// [backoff](Self::with_backoff) itself takes its place.
    #[must_use]
    pub const fn with_backoff_max(mut self, duration: Duration) -> Self {
        self.backoff_max = nanos(duration);
        self
    }

    /// The longest wait that a server may ask for ([R13](crate::rules#r13)); a call told to wait longer ends
    /// with [`GiveUp::ServerBusy`](crate::GiveUp::ServerBusy). Default 60 s.
    #[must_use]
    pub const fn with_max_server_wait(mut self, duration: Duration) -> Self {
        self.max_server_wait = nanos(duration);
        self
    }

    /// How many retries that wait for backoff are allowed beyond one for every five completions
    /// ([R16](crate::rules#r16)). Default 10 tokens; `None` sets no limit. Completions fill the budget up to
    /// this and no further, so zero allows no such retry at all. The idea is that of gRPC's retry throttling:
    /// when most calls fail, retries only add to the load. An empty budget keeps no call from the transport
    /// that it has not tried.
    #[must_use]
    pub const fn with_retry_budget(mut self, tokens: Option<u16>) -> Self {
        self.retry_budget = tokens;
        self
    }

    /// What rules out that a call is sent again ([R15](crate::rules#r15)). Default
    /// [`Replay::BeforeOutput`].
    #[must_use]
    pub const fn with_replay(mut self, replay: Replay) -> Self {
        self.replay = replay;
        self
    }

    /// What it takes to leave WebSocket ([R4](crate::rules#r4), [R5](crate::rules#r5)). Default
    /// [`VerdictStyle::OnEvidence`].
    #[must_use]
    pub const fn with_verdict(mut self, verdict: VerdictStyle) -> Self {
        self.verdict = verdict;
        self
    }

    /// What may serve as a probe. Default [`ProbeStyle::InBand`].
    #[must_use]
    pub const fn with_probe(mut self, probe: ProbeStyle) -> Self {
        self.probe = probe;
        self
    }

    /// See [`with_stream_max_retries`](Self::with_stream_max_retries).
    #[must_use]
    pub const fn stream_max_retries(&self) -> u8 {
        self.stream_max_retries
    }

    /// See [`with_fallback_within`](Self::with_fallback_within).
    #[must_use]
    pub const fn fallback_within(&self) -> Duration {
        Duration::from_nanos(self.fallback_within)
    }

    /// See [`with_head_start`](Self::with_head_start).
    #[must_use]
    pub const fn head_start(&self) -> Duration {
        Duration::from_nanos(self.head_start)
    }

    /// See [`with_cooldown`](Self::with_cooldown).
    #[must_use]
    pub const fn cooldown(&self) -> Duration {
        Duration::from_nanos(self.cooldown)
    }

    /// See [`with_cooldown_max`](Self::with_cooldown_max).
    #[must_use]
    pub const fn cooldown_max(&self) -> Duration {
        Duration::from_nanos(self.cooldown_max)
    }

    /// See [`with_jitter_permille`](Self::with_jitter_permille).
    #[must_use]
    pub const fn jitter_permille(&self) -> u16 {
        self.jitter_permille
    }

    /// See [`with_max_recoveries`](Self::with_max_recoveries).
    #[must_use]
    pub const fn max_recoveries(&self) -> u8 {
        self.max_recoveries
    }

    /// See [`with_probe_lease`](Self::with_probe_lease).
    #[must_use]
    pub const fn probe_lease(&self) -> Duration {
        Duration::from_nanos(self.probe_lease)
    }

    /// See [`with_backoff`](Self::with_backoff).
    #[must_use]
    pub const fn backoff(&self) -> Duration {
        Duration::from_nanos(self.backoff)
    }

    /// See [`with_backoff_max`](Self::with_backoff_max).
    #[must_use]
    pub const fn backoff_max(&self) -> Duration {
        Duration::from_nanos(self.backoff_max)
    }

    /// See [`with_max_server_wait`](Self::with_max_server_wait).
    #[must_use]
    pub const fn max_server_wait(&self) -> Duration {
        Duration::from_nanos(self.max_server_wait)
    }

    /// See [`with_retry_budget`](Self::with_retry_budget).
    #[must_use]
    pub const fn retry_budget(&self) -> Option<u16> {
        self.retry_budget
    }

    /// See [`with_replay`](Self::with_replay).
    #[must_use]
    pub const fn replay(&self) -> Replay {
        self.replay
    }

    /// See [`with_verdict`](Self::with_verdict).
    #[must_use]
    pub const fn verdict(&self) -> VerdictStyle {
        self.verdict
    }

    /// See [`with_probe`](Self::with_probe).
    #[must_use]
    pub const fn probe(&self) -> ProbeStyle {
        self.probe
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_of_more_than_one_counts_as_one() {
        assert_eq!(Config::new().with_jitter_permille(u16::MAX).jitter_permille(), 1000);
    }

    #[test]
    fn durations_come_back_as_they_were_set() {
        let config = Config::new()
            .with_fallback_within(Duration::from_millis(1))
            .with_head_start(Duration::from_millis(2))
            .with_cooldown(Duration::from_millis(3))
            .with_cooldown_max(Duration::from_millis(4))
            .with_probe_lease(Duration::from_millis(5))
            .with_backoff(Duration::from_millis(6))
            .with_backoff_max(Duration::from_millis(7))
            .with_max_server_wait(Duration::from_millis(8));
        let back = [
            config.fallback_within(),
            config.head_start(),
            config.cooldown(),
            config.cooldown_max(),
            config.probe_lease(),
            config.backoff(),
            config.backoff_max(),
            config.max_server_wait(),
        ];
        for (millis, duration) in (1..).zip(back) {
            assert_eq!(duration, Duration::from_millis(millis));
        }
    }
}
