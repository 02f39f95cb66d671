use failback::{Timestamp, Transport};

use crate::credentials::{Credentials, CredentialsRequest};
use crate::error::Error;
use crate::item::Item;

/// What an adapter does next for a turn.
///
/// Exhaustive on purpose: an adapter must obey each of them. If an adapter asks again before it has told the
/// [`Turn`](crate::Turn) anything, it gets the same step again. Only the steps that hand something over come
/// once: [`Keep`](Self::Keep), [`Close`](Self::Close), [`Yield`](Self::Yield) and [`Fail`](Self::Fail).
#[derive(Debug)]
#[must_use = "a step must be carried out"]
pub enum Step {
    /// Wait until this time by the policy's clock, and ask again. Asking earlier does no harm.
    Wait(Timestamp),
    /// Ask the provider of credentials, and call
    /// [`handle_credentials`](crate::Turn::handle_credentials) with its answer. Comes only if the client has
    /// one ([`Context::with_provider`](crate::Context::with_provider)).
    Ask {
        /// What to ask for.
        request: CredentialsRequest,
        /// If there is an idle WebSocket, do not ask, but call
        /// [`handle_idle_websocket`](crate::Turn::handle_idle_websocket).
        unless_idle: bool,
    },
    /// Take an idle connection for this transport, or make one: a WebSocket handshake has the
    /// [`headers`](crate::Turn::headers) of the turn, and so has a POST. Then call
    /// [`handle_connected`](crate::Turn::handle_connected), or
    /// [`handle_failure`](crate::Turn::handle_failure) within the connect time-out.
    ///
    /// An idle WebSocket must be one that the turn [`can_use`](crate::Turn::can_use). Where there is none,
    /// call [`handle_none_idle`](crate::Turn::handle_none_idle) before making one.
    Connect {
        /// The transport that the connection is for.
        transport: Transport,
        /// When the head start of the handshake ends (R17). If the WebSocket is not open by then, call
        /// [`divert`](crate::Turn::divert) and let the handshake go on without the turn. `None` if the turn
        /// waits for the handshake to end.
        divert_at: Option<Timestamp>,
    },
    /// Send this on the connection, and call [`handle_sent`](crate::Turn::handle_sent): over WebSocket the
    /// text of one frame, over SSE the body of the POST.
    Send(String),
    /// Read from the connection, and call [`handle_event`](crate::Turn::handle_event) with what comes.
    Read,
    /// The response is over, and the connection can carry another one.
    Keep {
        /// The id of the response if it completed: a continuation may build on it.
        completed: Option<String>,
    },
    /// The connection can carry no other response: close it.
    Close,
    /// Give this to the caller.
    Yield(Item),
    /// Give this error to the caller. [`Done`](Self::Done) follows.
    Fail(Error),
    /// The turn is over.
    Done,
}

/// What a turn has to know about its connection.
///
/// The default is a new connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Connection {
    /// Whether it carried a response before, or waited in the pool. It may have died meanwhile, which R10
    /// excuses.
    pub reused: bool,
    /// The id of the response that completed on it last, which a continuation may build on.
    pub last_completed: Option<String>,
    /// The credentials with which a WebSocket was opened, if a provider gave them
    /// ([`Turn::credentials`](crate::Turn::credentials)).
    pub credentials: Option<Credentials>,
}
