use crate::{Blame, Reason, Stage, Timestamp, Transport};

/// What a call has behind it, and where that leads: what goes from each of its attempts to the next.
// The checker that tries every continuation has to copy it; calls and attempts are linear.
#[cfg_attr(test, derive(Clone))]
#[derive(Debug)]
pub(crate) struct History {
    /// Names its draws; zero before the first one, which most calls never come to.
    pub(crate) id: u32,
    /// When its grace on WebSocket ends (R3). Before its first failure there: when it would end if that came now, and
    /// without an event.
    pub(crate) leave_websocket_at: Timestamp,
    /// Attempts begun.
    begun: u16,
    /// Attempts begun on each transport that count (R16), and are tries (R12).
    counted: PerTransport<u16>,
    /// Why the next attempt goes where it goes, when the mode has no say (R1): the call has moved to SSE, where it stays,
    /// or has failed there and gets one attempt on WebSocket (R12).
    pub(crate) bound: Option<Reason>,
    /// Its grace on WebSocket has begun (R3).
    pub(crate) in_grace: bool,
    /// The server was busy once on WebSocket (R13).
    pub(crate) was_busy: bool,
    /// Its last failure there had blame Connection (R10).
    pub(crate) connection_failed: PerTransport<bool>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct PerTransport<T> {
    websocket: T,
    sse: T,
}

impl<T: Copy> PerTransport<T> {
    pub(crate) const fn both(value: T) -> Self {
        Self { websocket: value, sse: value }
    }

    #[inline]
    pub(crate) const fn on(&self, transport: Transport) -> &T {
        match transport {
            Transport::WebSocket => &self.websocket,
            Transport::Sse => &self.sse,
        }
    }

    #[inline]
    const fn on_mut(&mut self, transport: Transport) -> &mut T {
        match transport {
            Transport::WebSocket => &mut self.websocket,
            Transport::Sse => &mut self.sse,
        }
    }
}

impl History {
    #[inline]
    pub(crate) const fn new() -> Self {
        Self {
            id: 0,
            leave_websocket_at: Timestamp::MAX,
            begun: 0,
            counted: PerTransport::both(0),
            bound: None,
            in_grace: false,
            was_busy: false,
            connection_failed: PerTransport::both(false),
        }
    }

    /// One more attempt. If it fails without an event, and no attempt on WebSocket has failed before, `grace_ends` is when
    /// the call leaves WebSocket.
    #[inline]
    pub(crate) const fn begin(&mut self, transport: Transport, grace_ends: Timestamp) {
        self.begun = self.begun.saturating_add(1);
        let counted = self.counted.on_mut(transport);
        *counted = counted.saturating_add(1);
        if !self.in_grace {
            self.leave_websocket_at = grace_ends;
        }
    }

    /// The number that names its draws. It takes the one after the last, the first time that it draws.
    pub(crate) const fn name(&mut self, last: &mut u32) -> u32 {
        if self.id == 0 {
            *last = last.wrapping_add(1);
            self.id = *last;
        }
        self.id
    }

    /// From now on the call goes where this reason leads, whatever the mode.
    pub(crate) const fn bind(&mut self, reason: Reason) {
        self.bound = Some(reason);
    }

    /// Why the next attempt goes where it goes, if the mode has no say.
    #[inline]
    pub(crate) const fn bound(&self) -> Option<Reason> {
        self.bound
    }

    /// Attempts begun, those that do not count included.
    pub(crate) const fn number(&self) -> u32 {
        self.begun as u32
    }

    /// How many attempts on this transport count (R16).
    pub(crate) const fn counted(&self, transport: Transport) -> u16 {
        *self.counted.on(transport)
    }

    /// R10, R12: the attempt under way on this transport counts for nothing.
    pub(crate) const fn excuse(&mut self, transport: Transport) {
        let counted = self.counted.on_mut(transport);
        *counted = counted.saturating_sub(1);
    }

    /// Whether WebSocket has been tried (R12).
    pub(crate) const fn tried_websocket(&self) -> bool {
        self.counted(Transport::WebSocket) > 0
    }

    /// R3: an attempt failed on WebSocket. Says when the call's grace there ends, which counts from its first failure: from
    /// when that attempt began if no event had come, as the caller has waited since then, and from now otherwise.
    pub(crate) const fn grace_ends(&mut self, stage: Stage, from_now: Timestamp) -> Timestamp {
        if !self.in_grace && matches!(stage, Stage::Streaming) {
            self.leave_websocket_at = from_now;
        }
        self.in_grace = true;
        self.leave_websocket_at
    }

    /// R13: the server was busy on WebSocket. Says whether it had been before, in this call.
    pub(crate) const fn busy_again(&mut self) -> bool {
        core::mem::replace(&mut self.was_busy, true)
    }

    /// R10: a failure of the connection alone does not count, but a second one in a row on the same transport, or one that
    /// was retried already below the policy, is the transport's.
    pub(crate) const fn judge(&mut self, transport: Transport, blame: Blame, exhausted: bool) -> Blame {
        let failed = self.connection_failed.on_mut(transport);
        let again = core::mem::replace(failed, matches!(blame, Blame::Connection));
        match blame {
            Blame::Connection if again || exhausted => Blame::Transport,
            Blame::Connection => {
                self.excuse(transport);
                blame
            }
            _ => blame,
        }
    }
}
