use failback::{Timestamp, Transport};

use crate::error::Error;
use crate::item::Item;

/// What an adapter does next for a turn.
///
/// Exhaustive on purpose: an adapter must obey each of them. Asking again without having told the
/// [`Turn`](crate::Turn) anything gives the same step again, but for those that hand something over: [`Keep`](Self::Keep),
/// [`Close`](Self::Close), [`Yield`](Self::Yield) and [`Fail`](Self::Fail) come once.
#[derive(Debug)]
#[must_use = "a step must be carried out"]
pub enum Step {
    /// Wait until this time by the policy's clock, and ask again. Asking earlier does no harm.
    Wait(Timestamp),
    /// Take an idle connection for this transport, or make one. Then call
    /// [`handle_connected`](crate::Turn::handle_connected), or [`handle_failure`](crate::Turn::handle_failure) within the
    /// connect time-out.
    Connect {
        /// The transport that the connection is for.
        transport: Transport,
        /// When the handshake stops holding the turn up (R17): if it is not open by then, call
        /// [`divert`](crate::Turn::divert), and let it go on by itself. `None` to wait for as long as it takes.
        divert_at: Option<Timestamp>,
    },
    /// Send this on the connection, and call [`handle_sent`](crate::Turn::handle_sent): over WebSocket the text of one
    /// frame, over SSE the body of the POST.
    Send(String),
    /// Read from the connection, and call [`handle_event`](crate::Turn::handle_event) with what comes.
    Read,
    /// The response is over, and the connection can carry another one.
    Keep {
        /// The response that a continuation may build on, if this one completed.
        completed: Option<String>,
    },
    /// The connection can carry no other response: close it.
    Close,
    /// Give this to the caller.
    Yield(Item),
    /// Give this to the caller. It is the last thing that the turn has to say.
    Fail(Error),
    /// The turn is over.
    Done,
}

/// What a turn has to know of the connection that it was given.
///
/// The default is a new connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Connection {
    /// It carried a response before, or waited for one since it was made: it may have died meanwhile, which is nobody's
    /// fault (R10).
    pub reused: bool,
    /// The response that completed on it last, which a continuation may build on.
    pub last_completed: Option<String>,
}
