use crate::{Blame, Reason, Timestamp, Transport};

/// What a call has behind it, and where that leads: what goes from each of its attempts to the next.
#[derive(Debug)]
pub(crate) struct History {
    /// Names its draws.
    pub(crate) id: u32,
    /// Attempts begun, those that do not count included.
    pub(crate) number: u32,
    /// When its grace on WebSocket ends (R3); never, before its first failure there.
    pub(crate) leave_websocket_at: Timestamp,
    /// Attempts on each transport that count (R16).
    pub(crate) websocket: u16,
    pub(crate) sse: u16,
    /// Whether any attempt was on WebSocket, whether or not it counts (R12).
    pub(crate) tried_websocket: bool,
    /// Why the next attempt goes where it goes, when the mode has no say: the call has moved to SSE, where it stays, or
    /// has failed there and gets one attempt on WebSocket.
    pub(crate) bound: Option<Reason>,
    /// Its last failure had blame Connection (R10).
    pub(crate) connection_failed: bool,
}

impl History {
    #[inline]
    pub(crate) const fn new(id: u32) -> Self {
        Self {
            id,
            number: 0,
            leave_websocket_at: Timestamp::MAX,
            websocket: 0,
            sse: 0,
            tried_websocket: false,
            bound: None,
            connection_failed: false,
        }
    }

    /// One more attempt.
    #[inline]
    pub(crate) const fn count(&mut self, transport: Transport) {
        self.number = self.number.saturating_add(1);
        match transport {
            Transport::WebSocket => {
                self.websocket = self.websocket.saturating_add(1);
                self.tried_websocket = true;
            }
            Transport::Sse => self.sse = self.sse.saturating_add(1),
        }
    }

    /// R10: the attempt does not count.
    const fn uncount(&mut self, transport: Transport) {
        match transport {
            Transport::WebSocket => self.websocket = self.websocket.saturating_sub(1),
            Transport::Sse => self.sse = self.sse.saturating_sub(1),
        }
    }

    /// How many attempts on this transport count (R16).
    pub(crate) const fn counted(&self, transport: Transport) -> u16 {
        match transport {
            Transport::WebSocket => self.websocket,
            Transport::Sse => self.sse,
        }
    }

    /// R10: a failure of the connection alone does not count, but a second one in a row, or one that was retried
    /// already below the policy, is the transport's.
    pub(crate) fn judge(&mut self, transport: Transport, blame: Blame, exhausted: bool) -> Blame {
        let again = core::mem::replace(&mut self.connection_failed, blame == Blame::Connection);
        match blame {
            Blame::Connection if again || exhausted => Blame::Transport,
            Blame::Connection => {
                self.uncount(transport);
                blame
            }
            _ => blame,
        }
    }
}
