//! Vectors as bytes.
//!
//! A script is one vector after another, each after its length (four bytes, little endian): the config, the
//! seed and the steps. Numbers are LEB128, times are nanoseconds, a call is the number of its slot.

use core::time::Duration;

use failback::{
    Blame, Config, DialOutcome, Failure, Outcome, OverSse, Replay, Stage, Timestamp, VerdictStyle,
};

/// One step of a vector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// When.
    pub at: Timestamp,
    /// What happens.
    pub action: Action,
}

/// What happens, to the call in which slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    Call(u8),
    CallOverSse(u8, OverSse),
    Begin(u8),
    Progress(u8),
    End(u8, Outcome),
    Divert(u8),
    WarmUp(u8),
    Adopt(u8),
    EndDial(u8, DialOutcome),
    Tick,
    NetworkChanged,
    Restart { down: Duration },
}

mod code {
    pub(super) const CALL: u8 = 0;
    pub(super) const BEGIN: u8 = 1;
    pub(super) const PROGRESS: u8 = 2;
    pub(super) const COMPLETE: u8 = 3;
    pub(super) const END: u8 = 4;
    pub(super) const CANCEL: u8 = 5;
    pub(super) const FAIL: u8 = 6;
    pub(super) const EXHAUSTED: u8 = 7;
    pub(super) const DIVERT: u8 = 8;
    pub(super) const DIAL_OPENED: u8 = 9;
    pub(super) const DIAL_FAILED: u8 = 10;
    pub(super) const DIAL_ABANDONED: u8 = 11;
    pub(super) const TICK: u8 = 12;
    pub(super) const NETWORK_CHANGED: u8 = 13;
    pub(super) const RESTART: u8 = 14;
    pub(super) const WARM_UP: u8 = 15;
    pub(super) const ADOPT: u8 = 16;
    pub(super) const CALL_SSE_ONLY: u8 = 17;
    pub(super) const CALL_TOO_LARGE: u8 = 18;
}

/// The vectors of a script.
pub fn vectors(script: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = script;
    core::iter::from_fn(move || {
        let (length, after) = rest.split_first_chunk()?;
        let (vector, after) = after.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        rest = after;
        Some(vector)
    })
}

/// Reads one vector.
pub struct Reader<'a> {
    rest: &'a [u8],
    stretch: u64,
}

impl<'a> Reader<'a> {
    /// Every time and duration is read as `stretch` times what is written.
    pub fn new(vector: &'a [u8], stretch: u64) -> Self {
        Self { rest: vector, stretch }
    }

    /// The config and the seed. `None` if the vector ends too early.
    pub fn head(&mut self) -> Option<(Config, u64)> {
        let config = Config::new()
            .with_fallback_within(self.duration()?)
            .with_head_start(self.duration()?)
            .with_cooldown(self.duration()?)
            .with_cooldown_max(self.duration()?)
            .with_probe_lease(self.duration()?)
            .with_backoff(self.duration()?)
            .with_backoff_max(self.duration()?)
            .with_max_server_wait(self.duration()?)
            .with_jitter_permille(u16::try_from(self.number()?).ok()?)
            .with_retry_budget(match self.number()? {
                0 => None,
                above => Some(u16::try_from(above - 1).ok()?),
            })
            .with_stream_max_retries(self.byte()?)
            .with_max_recoveries(self.byte()?)
            .with_replay(match self.byte()? {
                0 => Replay::BeforeOutput,
                1 => Replay::Restart,
                _ => Replay::BeforeSend,
            })
            .with_verdict(if self.byte()? == 0 { VerdictStyle::OnEvidence } else { VerdictStyle::Immediate });
        Some((config, self.number()?))
    }

    /// The next step. `None` after the last.
    pub fn step(&mut self) -> Option<Step> {
        let code = self.byte()?;
        let at = Timestamp::from_elapsed(self.duration()?);
        let action = match code {
            code::CALL => Action::Call(self.byte()?),
            code::CALL_SSE_ONLY => Action::CallOverSse(self.byte()?, OverSse::SseOnly),
            code::CALL_TOO_LARGE => Action::CallOverSse(self.byte()?, OverSse::TooLarge),
            code::BEGIN => Action::Begin(self.byte()?),
            code::PROGRESS => Action::Progress(self.byte()?),
            code::COMPLETE => Action::End(self.byte()?, Outcome::Completed),
            code::END => Action::End(self.byte()?, Outcome::Ended),
            code::CANCEL => Action::End(self.byte()?, Outcome::Cancelled),
            code::FAIL => Action::End(self.byte()?, Outcome::Failed(self.failure()?)),
            code::EXHAUSTED => Action::End(self.byte()?, Outcome::RetriesExhausted(self.failure()?)),
            code::DIVERT => Action::Divert(self.byte()?),
            code::WARM_UP => Action::WarmUp(self.byte()?),
            code::ADOPT => Action::Adopt(self.byte()?),
            code::DIAL_OPENED => Action::EndDial(self.byte()?, DialOutcome::Opened),
            code::DIAL_FAILED => Action::EndDial(self.byte()?, DialOutcome::Failed(self.failure()?)),
            code::DIAL_ABANDONED => Action::EndDial(self.byte()?, DialOutcome::Abandoned),
            code::TICK => Action::Tick,
            code::NETWORK_CHANGED => Action::NetworkChanged,
            code::RESTART => Action::Restart { down: self.duration()? },
            _ => return None,
        };
        Some(Step { at, action })
    }

    fn failure(&mut self) -> Option<Failure> {
        let blame = *Blame::ALL.get(usize::from(self.byte()?))?;
        let stage = *Stage::ALL.get(usize::from(self.byte()?))?;
        let flags = self.byte()?;
        let mut failure = Failure::new(blame, stage);
        if flags & 1 != 0 {
            failure = failure.with_committed();
        }
        if flags & 2 != 0 {
            failure = failure.with_retry_after(self.duration()?);
        }
        Some(failure)
    }

    fn duration(&mut self) -> Option<Duration> {
        Some(Duration::from_nanos(self.number()?.saturating_mul(self.stretch)))
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(byte)
    }
}

/// Writes one vector.
#[cfg(feature = "host")]
#[derive(Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

#[cfg(feature = "host")]
impl Writer {
    /// What [`Reader::head`] reads.
    pub fn head(&mut self, config: &Config, seed: u64) {
        self.duration(config.fallback_within());
        self.duration(config.head_start());
        self.duration(config.cooldown());
        self.duration(config.cooldown_max());
        self.duration(config.probe_lease());
        self.duration(config.backoff());
        self.duration(config.backoff_max());
        self.duration(config.max_server_wait());
        self.number(config.jitter_permille().into());
        self.number(config.retry_budget().map_or(0, |tokens| u64::from(tokens) + 1));
        self.bytes.push(config.stream_max_retries());
        self.bytes.push(config.max_recoveries());
        self.bytes.push(match config.replay() {
            Replay::BeforeOutput => 0,
            Replay::Restart => 1,
            Replay::BeforeSend => 2,
        });
        self.bytes.push((config.verdict() == VerdictStyle::Immediate).into());
        self.number(seed);
    }

    /// What [`Reader::step`] reads.
    pub fn step(&mut self, step: &Step) {
        let (code, slot, failure) = match &step.action {
            Action::Call(slot) => (code::CALL, Some(slot), None),
            Action::CallOverSse(slot, OverSse::SseOnly) => (code::CALL_SSE_ONLY, Some(slot), None),
            Action::CallOverSse(slot, OverSse::TooLarge) => (code::CALL_TOO_LARGE, Some(slot), None),
            Action::Begin(slot) => (code::BEGIN, Some(slot), None),
            Action::Progress(slot) => (code::PROGRESS, Some(slot), None),
            Action::End(slot, Outcome::Completed) => (code::COMPLETE, Some(slot), None),
            Action::End(slot, Outcome::Ended) => (code::END, Some(slot), None),
            Action::End(slot, Outcome::Cancelled) => (code::CANCEL, Some(slot), None),
            Action::End(slot, Outcome::Failed(failure)) => (code::FAIL, Some(slot), Some(failure)),
            Action::End(slot, Outcome::RetriesExhausted(failure)) => {
                (code::EXHAUSTED, Some(slot), Some(failure))
            }
            Action::Divert(slot) => (code::DIVERT, Some(slot), None),
            Action::WarmUp(slot) => (code::WARM_UP, Some(slot), None),
            Action::Adopt(slot) => (code::ADOPT, Some(slot), None),
            Action::EndDial(slot, DialOutcome::Opened) => (code::DIAL_OPENED, Some(slot), None),
            Action::EndDial(slot, DialOutcome::Failed(failure)) => {
                (code::DIAL_FAILED, Some(slot), Some(failure))
            }
            Action::EndDial(slot, DialOutcome::Abandoned) => (code::DIAL_ABANDONED, Some(slot), None),
            Action::Tick => (code::TICK, None, None),
            Action::NetworkChanged => (code::NETWORK_CHANGED, None, None),
            Action::Restart { .. } => (code::RESTART, None, None),
        };
        self.bytes.push(code);
        self.number(step.at.as_nanos());
        self.bytes.extend(slot);
        if let Some(failure) = failure {
            self.failure(failure);
        }
        if let Action::Restart { down } = step.action {
            self.duration(down);
        }
    }

    /// The vector, after its length.
    pub fn finish(self) -> Vec<u8> {
        let length = u32::try_from(self.bytes.len()).expect("vectors are small");
        [&length.to_le_bytes(), self.bytes.as_slice()].concat()
    }

    fn failure(&mut self, failure: &Failure) {
        let blame = Blame::ALL.iter().position(|&blame| blame == failure.blame()).expect("ALL has all");
        let stage = Stage::ALL.iter().position(|&stage| stage == failure.stage()).expect("ALL has all");
        let committed = u8::from(failure.is_committed());
        let told = u8::from(failure.retry_after().is_some());
        self.bytes.extend([blame as u8, stage as u8, committed | told << 1]);
        if let Some(retry_after) = failure.retry_after() {
            self.duration(retry_after);
        }
    }

    fn duration(&mut self, duration: Duration) {
        self.number(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX));
    }

    fn number(&mut self, mut number: u64) {
        while number > 0x7f {
            self.bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }
}
