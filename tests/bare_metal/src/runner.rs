//! Puts a vector through the policy.

use core::mem::size_of;

use failback::{
    Attempt, Blame, Call, Config, Decision, Dial, DialOutcome, Failure, GiveUp, Mode, Outcome, Policy,
    ProbeStyle, Reason, Stage, Timestamp, Transport, Verdict,
};

use crate::digest::Digest;
use crate::script::{Action, Reader, Step, vectors};

/// How many calls one vector may name.
pub const SLOTS: usize = 32;

/// How a vector is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// As it is, so that what it expects can be compared.
    AsWritten,
    /// With jitter: the draws and their arithmetic are part of the decisions.
    Jittered,
    /// With full jitter and times two million times as long, up to centuries: products that need 128 bits,
    /// and sums that saturate. Background probes, too.
    Stretched,
}

impl Variant {
    /// Every one, in the order of the answers.
    pub const ALL: [Self; 3] = [Self::AsWritten, Self::Jittered, Self::Stretched];

    /// Its name in the answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AsWritten => "as-written",
            Self::Jittered => "jittered",
            Self::Stretched => "stretched",
        }
    }

    const fn stretch(self) -> u64 {
        match self {
            Self::AsWritten | Self::Jittered => 1,
            // Prime, so that little is round.
            Self::Stretched => 1_999_993,
        }
    }

    const fn adjust(self, config: Config, seed: u64) -> (Config, u64) {
        let other_seed = seed ^ 0x5851_f42d_4c95_7f2d;
        match self {
            Self::AsWritten => (config, seed),
            Self::Jittered => (config.with_jitter_permille(500), other_seed),
            Self::Stretched => {
                (config.with_jitter_permille(1000).with_probe(ProbeStyle::Background), !other_seed)
            }
        }
    }
}

/// Everything that one step lets a driver see.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    pub at: Timestamp,
    pub said: Said,
    pub mode: Mode,
    pub recoveries_left: u8,
    pub wake_at: Option<Timestamp>,
}

/// What the policy answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    Nothing,
    /// There is no such call, or it is not at this point.
    Misplaced,
    Start {
        transport: Transport,
        reason: Reason,
        number: u32,
        probe: bool,
        divert_at: Option<Timestamp>,
    },
    Wait(Timestamp),
    Done,
    Retry(Timestamp),
    GiveUp(GiveUp),
    Diverted(Timestamp),
    /// A dial ahead of the next call.
    Dial,
}

/// The digests of a script, run by run: for each vector, each variant.
pub fn digests(script: &[u8]) -> impl Iterator<Item = u64> {
    vectors(script).flat_map(|vector| {
        Variant::ALL.into_iter().map(move |variant| {
            let mut digest = Digest::default();
            run(vector, variant, |seen| digest.see(seen));
            digest.value()
        })
    })
}

/// How much memory the types take that a driver keeps.
pub fn sizes() -> [(&'static str, usize); 4] {
    [
        ("Policy", size_of::<Policy>()),
        ("Call", size_of::<Call>()),
        ("Attempt", size_of::<Attempt>()),
        ("Dial", size_of::<Dial>()),
    ]
}

/// Runs one vector, and shows what each step lets a driver see.
pub fn run(vector: &[u8], variant: Variant, mut see: impl FnMut(&Seen)) {
    let mut reader = Reader::new(vector, variant.stretch());
    let Some((config, seed)) = reader.head() else { return };
    let (config, seed) = variant.adjust(config, seed);
    let mut machine = Machine {
        variant,
        config,
        seed,
        policy: Policy::new(config, seed, Timestamp::ZERO),
        slots: [const { Slot::EMPTY }; SLOTS],
    };
    while let Some(step) = reader.step() {
        machine.step(&step, &mut see);
    }
}

struct Machine {
    variant: Variant,
    config: Config,
    seed: u64,
    policy: Policy,
    slots: [Slot; SLOTS],
}

/// What a driver holds of one call.
struct Slot {
    waiting: Option<Call>,
    running: Option<Attempt>,
    dial: Option<Dial>,
}

impl Slot {
    const EMPTY: Self = Self { waiting: None, running: None, dial: None };
}

impl Machine {
    fn step(&mut self, step: &Step, see: &mut impl FnMut(&Seen)) {
        let mut at = step.at;
        let said = match step.action {
            Action::Tick => {
                self.policy.handle_timeout(at);
                Said::Nothing
            }
            Action::NetworkChanged => {
                self.policy.handle_network_change(at);
                Said::Nothing
            }
            Action::Restart { down } => {
                let snapshot = self.policy.snapshot(at);
                at = at.saturating_add(down);
                self.policy = Policy::restore(self.config, self.seed, &snapshot, down, at);
                self.slots.iter_mut().for_each(|slot| *slot = Slot::EMPTY);
                Said::Nothing
            }
            Action::Call(slot) => self.open(slot, |policy| policy.begin_call(at)),
            Action::CallOverSse(slot, why) => self.open(slot, |policy| {
                let call = policy.open_call_over_sse(at, why);
                policy.begin_attempt_now(call, at)
            }),
            Action::Begin(slot) => self.begin(slot, at),
            Action::Progress(slot) => self.progress(slot, at),
            Action::End(slot, outcome) => self.end(slot, outcome, at),
            Action::Divert(slot) => self.divert(slot, at),
            Action::WarmUp(slot) => self.warm_up(slot, at),
            Action::Adopt(slot) => self.adopt(slot, at),
            Action::EndDial(slot, outcome) => self.end_dial(slot, outcome, at),
        };
        see(&self.seen(at, said));
        if self.variant == Variant::Stretched && step.action == Action::Tick {
            self.probe_ahead(at, see);
        }
    }

    fn open(&mut self, slot: u8, begin: impl FnOnce(&mut Policy) -> Attempt) -> Said {
        match self.slots.get_mut(usize::from(slot)) {
            Some(Slot { waiting: None, running: running @ None, .. }) => {
                start(running, begin(&mut self.policy))
            }
            _ => Said::Misplaced,
        }
    }

    fn begin(&mut self, slot: u8, at: Timestamp) -> Said {
        let Some(slot) = self.slots.get_mut(usize::from(slot)) else { return Said::Misplaced };
        let Some(call) = slot.waiting.take() else { return Said::Misplaced };
        let mut decision = self.policy.begin_attempt(call, at);
        if self.variant != Variant::AsWritten {
            // Jitter has moved the time to begin; with an attempt, the rest of the vector still makes sense.
            if let Decision::Wait(call) = decision {
                let ready_at = call.ready_at();
                decision = self.policy.begin_attempt(call, ready_at);
            }
        }
        match decision {
            Decision::Start(attempt) => start(&mut slot.running, attempt),
            Decision::Wait(call) => {
                let said = Said::Wait(call.ready_at());
                slot.waiting = Some(call);
                said
            }
        }
    }

    fn progress(&mut self, slot: u8, at: Timestamp) -> Said {
        match self.slots.get(usize::from(slot)) {
            Some(Slot { running: Some(attempt), .. }) => {
                self.policy.handle_progress(attempt, at);
                Said::Nothing
            }
            _ => Said::Misplaced,
        }
    }

    fn end(&mut self, slot: u8, outcome: Outcome, at: Timestamp) -> Said {
        let Some(slot) = self.slots.get_mut(usize::from(slot)) else { return Said::Misplaced };
        let Some(attempt) = slot.running.take() else { return Said::Misplaced };
        match self.policy.handle_outcome(attempt, outcome, at) {
            Verdict::Done => Said::Done,
            Verdict::Retry(call) => {
                let said = Said::Retry(call.ready_at());
                slot.waiting = Some(call);
                said
            }
            Verdict::GiveUp(why) => Said::GiveUp(why),
        }
    }

    fn divert(&mut self, slot: u8, at: Timestamp) -> Said {
        let Some(slot) = self.slots.get_mut(usize::from(slot)) else { return Said::Misplaced };
        let Some(attempt) = slot.running.take() else { return Said::Misplaced };
        let (call, dial) = self.policy.divert(attempt, at);
        let said = Said::Diverted(call.ready_at());
        slot.waiting = Some(call);
        slot.dial = Some(dial);
        said
    }

    fn warm_up(&mut self, slot: u8, at: Timestamp) -> Said {
        let Some(slot) = self.slots.get_mut(usize::from(slot)) else { return Said::Misplaced };
        match self.policy.warm_up(at) {
            Some(dial) => {
                slot.dial = Some(dial);
                Said::Dial
            }
            None => Said::Nothing,
        }
    }

    fn adopt(&mut self, slot: u8, at: Timestamp) -> Said {
        let Some(slot) = self.slots.get_mut(usize::from(slot)) else { return Said::Misplaced };
        let Some(dial) = slot.dial.take() else { return Said::Misplaced };
        match self.policy.adopt(dial, at) {
            Ok(attempt) => start(&mut slot.running, attempt),
            Err(dial) => {
                slot.dial = Some(dial);
                Said::Dial
            }
        }
    }

    fn end_dial(&mut self, slot: u8, outcome: DialOutcome, at: Timestamp) -> Said {
        match self.slots.get_mut(usize::from(slot)).and_then(|slot| slot.dial.take()) {
            Some(dial) => {
                self.policy.handle_dial(dial, outcome, at);
                Said::Nothing
            }
            None => Said::Misplaced,
        }
    }

    /// A background probe, if one is due. Every other one opens.
    fn probe_ahead(&mut self, at: Timestamp, see: &mut impl FnMut(&Seen)) {
        let Some(dial) = self.policy.poll_probe(at) else { return };
        see(&self.seen(at, Said::Dial));
        let outcome = if self.policy.recoveries_left() & 1 == 0 {
            DialOutcome::Opened
        } else {
            DialOutcome::Failed(Failure::new(Blame::Network, Stage::Connecting))
        };
        self.policy.handle_dial(dial, outcome, at);
        see(&self.seen(at, Said::Nothing));
    }

    fn seen(&self, at: Timestamp, said: Said) -> Seen {
        Seen {
            at,
            said,
            mode: self.policy.mode(),
            recoveries_left: self.policy.recoveries_left(),
            wake_at: self.policy.poll_timeout(),
        }
    }
}

fn start(running: &mut Option<Attempt>, attempt: Attempt) -> Said {
    let said = Said::Start {
        transport: attempt.transport(),
        reason: attempt.reason(),
        number: attempt.number(),
        probe: attempt.is_probe(),
        divert_at: attempt.divert_at(),
    };
    *running = Some(attempt);
    said
}
