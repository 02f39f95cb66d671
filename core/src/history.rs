use crate::{Blame, Reason, Stage, Timestamp, Transport};

/// What a call has behind it, and where that leads: what goes from each of its attempts to the next.
// The checker that tries every continuation has to copy it; calls and attempts are linear.
#[cfg_attr(test, derive(Clone))]
#[derive(Debug)]
pub(crate) struct History {
    /// Names its draws; zero before the first one, which most calls never come to.
    pub(crate) id: u32,
    /// From when its grace on WebSocket counts ([R3](crate::rules#r3)). Before its first failure there: when
    /// its attempt began.
    pub(crate) grace_from: Timestamp,
    /// Attempts ended that do not count ([R10](crate::rules#r10), [R12](crate::rules#r12)).
    // Next to `id`: both are zero in a new call, and written in one go.
    excused: PerTransport,
    /// Attempts ended on each transport, those included. The one under way is not among them.
    ended: PerTransport,
    /// Why the next attempt goes where it goes, when the mode has no say ([R1](crate::rules#r1)): the call
    /// has moved to SSE, where it stays, was opened to go there alone, or has failed there and gets one
    /// attempt on WebSocket ([R12](crate::rules#r12)).
    pub(crate) bound: Option<Reason>,
    /// What has happened to it, in one byte: handles are moved around a lot.
    pub(crate) past: Past,
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

/// A set of things that have happened to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Past(u8);

impl Past {
    pub(crate) const NOTHING: Self = Self(0);
    /// An attempt on WebSocket failed, for a cause that may be WebSocket's own: its grace there has begun
    /// ([R3](crate::rules#r3)).
    pub(crate) const IN_GRACE: Self = Self(1);
    /// The server was busy on WebSocket ([R13](crate::rules#r13)).
    pub(crate) const BUSY: Self = Self(2);
    /// Its last failure on WebSocket had blame Connection ([R10](crate::rules#r10)).
    pub(crate) const WEBSOCKET_WORN_OUT: Self = Self(4);
    /// Its last failure on SSE had blame Connection ([R10](crate::rules#r10)).
    pub(crate) const SSE_WORN_OUT: Self = Self(8);

    #[inline]
    pub(crate) const fn has(self, what: Self) -> bool {
        self.0 & what.0 != 0
    }

    /// It has happened. Says whether it had before.
    #[inline]
    const fn note(&mut self, what: Self) -> bool {
        let had = self.has(what);
        self.0 |= what.0;
        had
    }

    #[inline]
    const fn forget(&mut self, what: Self) {
        self.0 &= !what.0;
    }
}

impl History {
    #[inline]
    pub(crate) const fn new() -> Self {
        Self {
            id: 0,
            grace_from: Timestamp::ZERO,
            ended: PerTransport::NONE,
            excused: PerTransport::NONE,
            bound: None,
            past: Past::NOTHING,
        }
    }

    /// An attempt begins.
    #[inline]
    pub(crate) const fn begin(&mut self, now: Timestamp) {
        if !self.past.has(Past::IN_GRACE) {
            self.grace_from = now;
        }
    }

    /// The attempt under way, on this transport, has ended.
    pub(crate) const fn end(&mut self, transport: Transport) {
        self.ended.add_one(transport);
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

    /// How many attempts have ended, those that do not count included.
    pub(crate) const fn ended(&self) -> u32 {
        (self.ended.websocket as u32).saturating_add(self.ended.sse as u32)
    }

    /// How many of the attempts that have ended on this transport count ([R16](crate::rules#r16)).
    pub(crate) const fn counted(&self, transport: Transport) -> u16 {
        self.ended.on(transport).saturating_sub(self.excused.on(transport))
    }

    /// R10, R12: the attempt that ended last, on this transport, counts for nothing.
    pub(crate) const fn excuse(&mut self, transport: Transport) {
        self.excused.add_one(transport);
    }

    /// R12: whether WebSocket has been tried, or is not to be: the call is too large for it, or was opened to
    /// do without.
    pub(crate) const fn is_done_with_websocket(&self) -> bool {
        self.counted(Transport::WebSocket) > 0
            || matches!(self.bound, Some(Reason::TooLarge | Reason::SseOnly))
    }

    /// R3: an attempt failed on WebSocket. Says from when the call's grace there counts: from its first
    /// failure, or, if no event had come, from when that attempt began, as the caller has waited since then.
    pub(crate) const fn begin_grace(&mut self, stage: Stage, now: Timestamp) -> Timestamp {
        let began = self.past.note(Past::IN_GRACE);
        if !began && matches!(stage, Stage::Streaming) {
            self.grace_from = now;
        }
        self.grace_from
    }

    /// R13: the server was busy on WebSocket. Says whether it had been before, in this call.
    pub(crate) const fn busy_again(&mut self) -> bool {
        self.past.note(Past::BUSY)
    }

    /// R10: a failure of the connection alone does not count, but a second one in a row on the same
    /// transport, or one that was retried already below the policy, is the transport's.
    pub(crate) const fn judge(&mut self, transport: Transport, blame: Blame, exhausted: bool) -> Blame {
        let worn_out = match transport {
            Transport::WebSocket => Past::WEBSOCKET_WORN_OUT,
            Transport::Sse => Past::SSE_WORN_OUT,
        };
        if !matches!(blame, Blame::Connection) {
            self.past.forget(worn_out);
            return blame;
        }
        if self.past.note(worn_out) || exhausted {
            return Blame::Transport;
        }
        self.excuse(transport);
        blame
    }
}
