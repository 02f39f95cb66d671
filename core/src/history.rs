use crate::{Blame, Reason, Timestamp, Transport};

/// What a call has behind it, and where that leads: what goes from each of its attempts to the next.
// The checker that tries every continuation has to copy it; calls and attempts are linear.
#[cfg_attr(test, derive(Clone))]
#[derive(Debug)]
pub(crate) struct History {
    /// Names its draws; zero before the first one, which most calls never come to.
    pub(crate) id: u32,
    /// When its grace on WebSocket ends (R3); never, before its first failure there.
    pub(crate) leave_websocket_at: Timestamp,
    /// Attempts begun on each transport.
    begun: PerTransport,
    /// Those of them that do not count (R10).
    excused: PerTransport,
    /// Why the next attempt goes where it goes, when the mode has no say (R1): the call has moved to SSE, where it stays,
    /// or has failed there and gets one attempt on WebSocket (R12).
    pub(crate) bound: Option<Reason>,
    /// Its last failure had blame Connection (R10).
    pub(crate) connection_failed: bool,
}

/// R16 keeps both far below what they can hold.
#[derive(Clone, Copy, Debug)]
struct PerTransport {
    websocket: u16,
    sse: u16,
}

impl PerTransport {
    const NONE: Self = Self { websocket: 0, sse: 0 };

    #[inline]
    const fn add_one(&mut self, transport: Transport) {
        match transport {
            Transport::WebSocket => self.websocket = self.websocket.saturating_add(1),
            Transport::Sse => self.sse = self.sse.saturating_add(1),
        }
    }

    const fn on(self, transport: Transport) -> u16 {
        match transport {
            Transport::WebSocket => self.websocket,
            Transport::Sse => self.sse,
        }
    }
}

impl History {
    #[inline]
    pub(crate) const fn new() -> Self {
        Self {
            id: 0,
            leave_websocket_at: Timestamp::MAX,
            begun: PerTransport::NONE,
            excused: PerTransport::NONE,
            bound: None,
            connection_failed: false,
        }
    }

    /// One more attempt.
    #[inline]
    pub(crate) const fn begin(&mut self, transport: Transport) {
        self.begun.add_one(transport);
    }

    /// Attempts begun, those that do not count included.
    pub(crate) const fn number(&self) -> u32 {
        (self.begun.websocket as u32).saturating_add(self.begun.sse as u32)
    }

    /// How many attempts on this transport count (R16).
    pub(crate) const fn counted(&self, transport: Transport) -> u16 {
        self.begun.on(transport).saturating_sub(self.excused.on(transport))
    }

    /// Whether any attempt was on WebSocket (R12).
    pub(crate) const fn tried_websocket(&self) -> bool {
        self.begun.websocket > 0
    }

    /// R10: a failure of the connection alone does not count, but a second one in a row, or one that was retried
    /// already below the policy, is the transport's.
    pub(crate) fn judge(&mut self, transport: Transport, blame: Blame, exhausted: bool) -> Blame {
        let again = core::mem::replace(&mut self.connection_failed, blame == Blame::Connection);
        match blame {
            Blame::Connection if again || exhausted => Blame::Transport,
            Blame::Connection => {
                self.excused.add_one(transport);
                blame
            }
            _ => blame,
        }
    }
}
