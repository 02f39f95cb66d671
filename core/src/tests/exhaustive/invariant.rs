//! What must hold whatever happens, and what has to be remembered to tell.

use core::fmt;

use crate::{Config, Mode, Timestamp};

/// A promise of the policy. Each is checked by itself, so that a report names what is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Invariant {
    /// Between two WebSocket completions, without a change of network, at most `max_recoveries` stay spent.
    RecoveriesAreBounded,
    /// No WebSocket attempt or dial before `retry_at`, nor in `Pinned`, except a last resort.
    CooldownIsKept,
    /// Never two probes at once.
    OneProbe,
    /// WebSocket healthy and a recovery left: `Preferred` is reached again after finitely many calls.
    ComesBack,
    /// WebSocket healthy and SSE failing: a last resort leads from `Pinned` to `Preferred`.
    LastResortComesBack,
    /// A call makes finitely many attempts.
    CallsEnd,
    /// A call that fails has tried both transports, unless R11, R13, R14 or R15 ended it, or it was opened
    /// over SSE.
    BothAreTried,
    /// A call that was opened over SSE makes no attempt on WebSocket.
    OverSseIsKept,
    /// After a tick, the next wake-up is the one that matters, and not past.
    WakeUpsAreAhead,
    /// Failed over without a recovery left is `Pinned`, and nothing else is.
    PinnedWhenSpent,
    /// In `Preferred` all recoveries are left.
    PreferredIsFull,
    /// `Suspected` ends within `cooldown`.
    SuspicionsEnd,
    /// No warm-up begins while an earlier one is under way, within a lease.
    OneWarmUp,
    /// No call waits for a handshake that another one has waited for.
    NobodyWaitsTwice,
}

impl Invariant {
    pub(super) const ALL: [Self; 14] = [
        Self::RecoveriesAreBounded,
        Self::CooldownIsKept,
        Self::OneProbe,
        Self::ComesBack,
        Self::LastResortComesBack,
        Self::CallsEnd,
        Self::BothAreTried,
        Self::OverSseIsKept,
        Self::WakeUpsAreAhead,
        Self::PinnedWhenSpent,
        Self::PreferredIsFull,
        Self::SuspicionsEnd,
        Self::OneWarmUp,
        Self::NobodyWaitsTwice,
    ];
}

/// A set of broken invariants.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Broken(u16);

impl Broken {
    pub(super) fn add_if(&mut self, broken: bool, invariant: Invariant) {
        self.0 |= u16::from(broken) << invariant as u16;
    }

    pub(super) fn union(&mut self, other: Self) {
        self.0 |= other.0;
    }

    pub(super) fn iter(self) -> impl Iterator<Item = Invariant> {
        Invariant::ALL.into_iter().filter(move |&invariant| self.0 >> invariant as u16 & 1 == 1)
    }
}

impl fmt::Debug for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// The most attempts of a call: `stream_max_retries` + 1 that count on each transport, and before each of
/// them one that does not (R10, R16). Or, on WebSocket, one that does not, one that is diverted, and a last
/// resort.
pub(super) fn most_attempts(config: &Config) -> u32 {
    let most = 2 * (u32::from(config.stream_max_retries()) + 1);
    most + most.max(3)
}

/// What an observer without insight into the policy has to remember.
#[derive(Clone, Debug, Default)]
pub(super) struct Ghost {
    /// Probes since the last WebSocket completion, but those that were given back.
    pub(super) spent: u8,
    /// The latest probe may still be given back: nothing is decided about it.
    pub(super) undecided: bool,
    /// No WebSocket attempt before this. The origin, when nothing forbids one.
    pub(super) not_before: Timestamp,
    /// The probe slot is taken until then. The origin, when it is free.
    pub(super) taken_until: Timestamp,
    /// From when on nothing is suspected any more. The origin, when nothing is.
    pub(super) suspected_until: Timestamp,
    /// A warm-up is under way until then. The origin, when none is.
    pub(super) dialling_until: Timestamp,
}

/// What an operation was, as far as the ghost cares.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The probe that holds the slot ended, or its dial did, and showed that WebSocket can carry data.
    ProbeEnded,
    /// An SSE attempt failed.
    SseFailed,
    /// A WebSocket attempt completed, or the network changed.
    Forgiven,
    Other,
}

impl Ghost {
    pub(super) fn probe_began(&mut self, config: &Config, now: Timestamp, broken: &mut Broken) {
        broken.add_if(now < self.taken_until, Invariant::OneProbe);
        self.taken_until = now.saturating_add(config.probe_lease());
        self.spent = self.spent.saturating_add(1).min(config.max_recoveries().saturating_add(1));
        self.undecided = true;
        broken.add_if(self.spent > config.max_recoveries(), Invariant::RecoveriesAreBounded);
    }

    /// After an operation that found the policy in `before`, with so many recoveries left.
    pub(super) fn observe(
        &mut self,
        config: &Config,
        now: Timestamp,
        kind: Kind,
        before: (Mode, u8),
        after: (Mode, u8),
    ) {
        let given_back = match kind {
            // One more than all shows as none.
            Kind::ProbeEnded => after.1 > before.1 || after.1 == config.max_recoveries(),
            Kind::SseFailed => after.1 > before.1,
            _ => false,
        };
        match kind {
            Kind::Forgiven => *self = Self::default(),
            _ if given_back && self.undecided => {
                self.spent = self.spent.saturating_sub(1);
                self.undecided = false;
            }
            _ => {}
        }
        match after.0 {
            Mode::Preferred => (self.not_before, self.taken_until) = Default::default(),
            Mode::Pinned => self.not_before = Timestamp::MAX,
            Mode::FailedOver { retry_at } if !matches!(before.0, Mode::FailedOver { .. }) => {
                // R7: a probe that is given back costs nothing, unless it is for want of evidence.
                let shortest =
                    if kind == Kind::ProbeEnded { now } else { now.saturating_add(config.cooldown()) };
                self.not_before = shortest.latest(retry_at);
            }
            _ => {}
        }
        self.undecided &= matches!(after.0, Mode::Probing { .. } | Mode::Suspected);
        if core::mem::discriminant(&before.0) != core::mem::discriminant(&after.0) {
            // What is to come of it is decided anew.
            self.dialling_until = Timestamp::ZERO;
        }
        self.suspected_until = match (before.0, after.0) {
            (Mode::Suspected, Mode::Suspected) => self.suspected_until,
            (_, Mode::Suspected) => now.saturating_add(config.cooldown()),
            _ => Timestamp::ZERO,
        };
    }

    /// The policy goes on from a snapshot (R20), made at `now`, when nothing was due.
    pub(super) fn restart(&mut self, config: &Config, now: Timestamp, before: Mode) {
        if matches!(before, Mode::Suspected | Mode::Probing { .. }) {
            self.not_before = now.saturating_add(config.cooldown());
        }
        self.undecided = false;
        self.taken_until = Timestamp::ZERO;
        self.dialling_until = Timestamp::ZERO;
    }
}
