//! How a [`Record`] is written: as one step of a trace, whose `expect` is what the policy answered.

use core::time::Duration;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::record::{Answer, Answered, Asked, Name, Record};
use crate::time::{nanos, whole_millis};
use crate::{
    Attempt, Call, Decision, DialOutcome, Failure, GiveUp, Mode, Outcome, Reason, Timestamp, Verdict,
};

impl Serialize for Record<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("at_ns", &self.answered.at.as_nanos())?;
        map.serialize_entry("do", self.asked.word())?;
        if let Some(name) = self.name {
            map.serialize_entry("call", &name)?;
        }
        put(&self.asked, &mut map)?;
        map.serialize_entry("expect", &self.answered)?;
        map.end()
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Asked<'_> {
    /// What it is called where steps are written.
    const fn word(&self) -> &'static str {
        match self {
            Self::BeginCall => "call",
            Self::OpenCall(_) => "open",
            Self::BeginAttempt => "begin",
            Self::BeginAttemptNow => "begin_now",
            Self::Progress(_) => "progress",
            Self::Outcome(Outcome::Completed) => "complete",
            Self::Outcome(Outcome::Ended) => "end",
            Self::Outcome(Outcome::Cancelled) => "cancel",
            Self::Outcome(Outcome::Failed(_)) => "fail",
            Self::Outcome(Outcome::RetriesExhausted(_)) => "exhausted",
            Self::Divert => "divert",
            Self::WarmUp => "warm_up",
            Self::PollProbe => "poll_probe",
            Self::Adopt(_) => "adopt",
            Self::Dial(DialOutcome::Opened) => "dial_opened",
            Self::Dial(DialOutcome::Failed(_)) => "dial_failed",
            Self::Dial(DialOutcome::Abandoned) => "dial_abandoned",
            Self::Timeout => "tick",
            Self::NetworkChange => "network_changed",
            Self::Learn(..) => "learn",
            Self::HoldProbe(_) => "hold_probe",
        }
    }
}

fn put<M: SerializeMap>(asked: &Asked<'_>, map: &mut M) -> Result<(), M::Error> {
    match asked {
        Asked::OpenCall(Some(over)) => map.serialize_entry("over", Reason::from(*over).as_str()),
        Asked::Outcome(Outcome::Failed(failure) | Outcome::RetriesExhausted(failure)) => {
            put_failure(failure, map)
        }
        Asked::Dial(DialOutcome::Failed(failure)) => map.serialize_entry("blame", failure.blame().as_str()),
        Asked::Adopt(dial) => map.serialize_entry("dial", dial),
        Asked::Learn(snapshot, elapsed) => {
            map.serialize_entry("snapshot", snapshot)?;
            map.serialize_entry("elapsed_ns", &nanos(*elapsed))
        }
        Asked::HoldProbe(by) => map.serialize_entry("by_ns", &nanos(*by)),
        _ => Ok(()),
    }
}

fn put_failure<M: SerializeMap>(failure: &Failure, map: &mut M) -> Result<(), M::Error> {
    map.serialize_entry("stage", failure.stage().as_str())?;
    map.serialize_entry("blame", failure.blame().as_str())?;
    if failure.is_committed() {
        map.serialize_entry("committed", &true)?;
    }
    match failure.retry_after() {
        None => Ok(()),
        // A server's word, which may be longer than nanoseconds can tell.
        Some(after) if after.subsec_nanos() % 1_000_000 == 0 || nanos(after) == u64::MAX => {
            map.serialize_entry("retry_after_ms", &millis(after))
        }
        Some(after) => map.serialize_entry("retry_after_ns", &nanos(after)),
    }
}

/// Rounded down.
fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl Serialize for Answered<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        put_answer(&self.answer, &mut map)?;
        let until = |at: Timestamp| whole_millis(at.saturating_duration_since(self.at));
        let mode = self.policy.mode();
        let retry_in = match mode {
            Mode::FailedOver { retry_at } => Some(until(retry_at)),
            _ => None,
        };
        map.serialize_entry("mode", mode.as_str())?;
        map.serialize_entry("retry_in_ms", &retry_in)?;
        map.serialize_entry("recoveries_left", &self.policy.recoveries_left())?;
        map.serialize_entry("wake_in_ms", &self.policy.poll_timeout().map(until))?;
        map.end()
    }
}

fn put_answer<M: SerializeMap>(answer: &Answer<'_>, map: &mut M) -> Result<(), M::Error> {
    match answer {
        Answer::Nothing => Ok(()),
        Answer::Attempt(attempt) => put_attempt(attempt, map),
        Answer::Decision(Decision::Start(attempt)) => put_attempt(attempt, map),
        Answer::Decision(Decision::Wait(call)) => map.serialize_entry("wait_until_ms", &ready_at(call)),
        Answer::Call(call) => put_moved(call, map),
        Answer::Verdict(verdict) => put_verdict(verdict, map),
        Answer::Diverted(call) => put_retry(call, map),
        Answer::Dial(begins) => map.serialize_entry("dial", begins),
        Answer::Adopted(adopted) => {
            map.serialize_entry("dial", &adopted.is_none())?;
            adopted.map_or(Ok(()), |attempt| put_attempt(attempt, map))
        }
        Answer::Learned(learned) => map.serialize_entry("learned", learned),
    }
}

fn put_attempt<M: SerializeMap>(attempt: &Attempt, map: &mut M) -> Result<(), M::Error> {
    map.serialize_entry("start", attempt.transport().as_str())?;
    map.serialize_entry("reason", attempt.reason().as_str())?;
    map.serialize_entry("probe", &attempt.is_probe())?;
    map.serialize_entry("number", &attempt.number())?;
    map.serialize_entry("divert_at_ms", &attempt.divert_at().map(since_zero))
}

fn put_verdict<M: SerializeMap>(verdict: &Verdict, map: &mut M) -> Result<(), M::Error> {
    match verdict {
        Verdict::Done => map.serialize_entry("verdict", "done"),
        Verdict::Retry(call) => {
            map.serialize_entry("verdict", "retry")?;
            put_retry(call, map)
        }
        Verdict::GiveUp(give_up) => {
            map.serialize_entry("verdict", "give_up")?;
            map.serialize_entry("give_up", give_up.as_str())?;
            match give_up {
                GiveUp::ServerBusy { retry_after } => {
                    map.serialize_entry("retry_after_ms", &millis(*retry_after))
                }
                _ => Ok(()),
            }
        }
    }
}

fn put_retry<M: SerializeMap>(call: &Call, map: &mut M) -> Result<(), M::Error> {
    map.serialize_entry("retry_at_ms", &ready_at(call))?;
    put_moved(call, map)
}

fn put_moved<M: SerializeMap>(call: &Call, map: &mut M) -> Result<(), M::Error> {
    map.serialize_entry("moved", &call.moved().map(Reason::as_str))
}

fn ready_at(call: &Call) -> u64 {
    since_zero(call.ready_at())
}

fn since_zero(at: Timestamp) -> u64 {
    whole_millis(at.saturating_duration_since(Timestamp::ZERO))
}
