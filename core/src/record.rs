//! What is asked of a shared policy and what it answers, for whoever writes that down.

use core::fmt;
use core::time::Duration;

use crate::{Attempt, Call, Decision, DialOutcome, Outcome, OverSse, Policy, Snapshot, Timestamp, Verdict};

/// The version of what a [`Record`] is written as (feature `serde`): the first line of a trace names it.
pub const TRACE_VERSION: u32 = 1;

/// One thing that was asked of a policy, and what it answered:
/// [`SharedPolicy::record`](crate::SharedPolicy::record) tells of it.
///
/// With the feature `serde` it is written as one step of a trace, from which the same answers follow again.
#[derive(Debug)]
#[non_exhaustive]
pub struct Record<'a> {
    /// Of which call or dial. `None` where it is about the policy as a whole.
    pub name: Option<Name>,
    /// What was asked.
    pub asked: Asked<'a>,
    /// What was answered, and when. The time is the one by which the policy went: that which it was told, or
    /// the latest that it had seen, if that is later ([R18](crate::rules#r18)).
    pub answered: Answered<'a>,
}

/// What a call or a dial is called in a record.
///
/// Exhaustive on purpose: nothing else has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Name {
    /// A call, by its [number](Policy::number_call), and a dial that one of its attempts has left: `c7`.
    Call(u32),
    /// A dial ahead of calls, counted from 1 as they are asked for: `d7`. One that was begun before anybody
    /// recorded is `d0`.
    Dial(u32),
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(number) => write!(f, "c{number}"),
            Self::Dial(number) => write!(f, "d{number}"),
        }
    }
}

/// What a policy was asked, as the method is called.
///
/// Exhaustive on purpose: who writes it down has to write down all of it.
#[derive(Clone, Copy, Debug)]
pub enum Asked<'a> {
    /// [`Policy::begin_call`].
    BeginCall,
    /// [`Policy::open_call`], or [`Policy::open_call_over_sse`] with a reason.
    OpenCall(Option<OverSse>),
    /// [`Policy::begin_attempt`].
    BeginAttempt,
    /// [`Policy::begin_attempt_now`].
    BeginAttemptNow,
    /// [`Policy::handle_progress`], of this attempt.
    Progress(&'a Attempt),
    /// [`Policy::handle_outcome`].
    Outcome(&'a Outcome),
    /// [`Policy::divert`].
    Divert,
    /// [`Policy::warm_up`].
    WarmUp,
    /// [`Policy::poll_probe`].
    PollProbe,
    /// [`Policy::adopt`], of the dial with this name. The record has the name of the call, or of the dial if
    /// no call may wait for it.
    Adopt(Name),
    /// [`Policy::handle_dial`].
    Dial(&'a DialOutcome),
    /// [`Policy::handle_timeout`].
    Timeout,
    /// [`Policy::handle_network_change`].
    NetworkChange,
    /// [`Policy::learn`].
    Learn(&'a Snapshot, Duration),
    /// [`Policy::hold_probe`].
    HoldProbe(Duration),
}

/// What a policy answered, and how it stood then.
#[derive(Clone, Copy, Debug)]
pub struct Answered<'a> {
    /// The answer.
    pub answer: Answer<'a>,
    /// The policy, after it had answered.
    pub policy: &'a Policy,
    /// When.
    pub at: Timestamp,
}

/// What a policy answered.
///
/// Exhaustive on purpose: who writes it down has to write down all of it.
#[derive(Clone, Copy, Debug)]
pub enum Answer<'a> {
    /// Nothing: it was told something.
    Nothing,
    /// This attempt begins.
    Attempt(&'a Attempt),
    /// The call is open, and waits for nothing.
    Call(&'a Call),
    /// What to do with the call.
    Decision(&'a Decision),
    /// What an outcome means for its call.
    Verdict(&'a Verdict),
    /// The call moves to SSE, and its dial goes on.
    Diverted(&'a Call),
    /// Whether a dial begins.
    Dial(bool),
    /// The attempt that waits for the dial; `None` where none may.
    Adopted(Option<&'a Attempt>),
    /// Whether anything was learned.
    Learned(bool),
}
