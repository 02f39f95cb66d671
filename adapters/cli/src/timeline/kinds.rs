//! The kinds of what is drawn, and what they are called.

/// What a policy thought at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thought {
    Preferred,
    Suspected,
    FailedOver,
    Probing,
    Pinned,
}

impl Thought {
    pub(super) const ALL: [Self; 5] =
        [Self::Preferred, Self::Suspected, Self::FailedOver, Self::Probing, Self::Pinned];

    pub(super) fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|thought| thought.name().replace(' ', "_") == word)
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Preferred => "preferred",
            Self::Suspected => "suspected",
            Self::FailedOver => "failed over",
            Self::Probing => "probing",
            Self::Pinned => "pinned",
        }
    }
}

/// What a call did for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doing {
    WebSocket,
    Probe,
    Sse,
    Wait,
}

impl Doing {
    pub(super) const ALL: [Self; 4] = [Self::WebSocket, Self::Probe, Self::Sse, Self::Wait];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::WebSocket => "WebSocket",
            Self::Probe => "WebSocket, as the probe",
            Self::Sse => "SSE",
            Self::Wait => "waits",
        }
    }
}

/// How an attempt, a call or a dial ended. Where there is room for one alone, the last of these is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum End {
    Completed,
    Opened,
    Adopted,
    Ended,
    Cancelled,
    Abandoned,
    Diverted,
    Failed,
    GivenUp,
}

impl End {
    pub(super) const ALL: [Self; 9] = [
        Self::Completed,
        Self::Opened,
        Self::Adopted,
        Self::Ended,
        Self::Cancelled,
        Self::Abandoned,
        Self::Diverted,
        Self::Failed,
        Self::GivenUp,
    ];

    pub(super) const fn letter(self) -> char {
        match self {
            Self::Completed => 'o',
            Self::Opened => 'O',
            Self::Adopted => '^',
            Self::Ended => 'e',
            Self::Cancelled => 'c',
            Self::Abandoned => 'a',
            Self::Diverted => 'd',
            Self::Failed => 'x',
            Self::GivenUp => '!',
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Opened => "handshake succeeded",
            Self::Adopted => "a call waits for it",
            Self::Ended => "ended by the server",
            Self::Cancelled => "cancelled",
            Self::Abandoned => "handshake abandoned",
            Self::Diverted => "head start over",
            Self::Failed => "failed",
            Self::GivenUp => "call given up",
        }
    }
}

/// What happened to the policy from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    NetworkChanged,
    Restarted,
    Learned,
}

impl Event {
    pub(super) const ALL: [Self; 3] = [Self::NetworkChanged, Self::Restarted, Self::Learned];

    pub(super) const fn letter(self) -> char {
        match self {
            Self::NetworkChanged => 'N',
            Self::Restarted => 'R',
            Self::Learned => 'L',
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::NetworkChanged => "network changed",
            Self::Restarted => "restarted",
            Self::Learned => "learned from another process",
        }
    }
}
