//! A WebSocket handshake that was begun ahead of any turn.

use std::convert::Infallible;

use failback_client::{LeftDial, Lost, Warmed};
use futures_channel::oneshot;
use futures_core::future::BoxFuture;
use futures_util::future::{Shared, select};
use futures_util::{FutureExt, future::Either};

use crate::Runtime;
use crate::network::Network;
use crate::timer::Deadline;
use crate::websocket::WsConn;

/// A handshake under way.
pub(crate) type Dialling<R> = BoxFuture<'static, Result<WsConn<R>, Lost>>;

/// Resolves when a warm-up has ended.
pub(crate) type Warming = Shared<oneshot::Receiver<Warmed>>;

/// A handshake that goes on in a task of its own until a turn adopts it. Dropping it ends the handshake.
pub(crate) struct Ahead<R: Runtime> {
    pub(crate) left: LeftDial,
    pub(crate) handshake: Handshake<R>,
    pub(crate) warming: Warming,
}

/// The end of the handshake that gets its result. Dropping it ends the handshake.
pub(crate) struct Handshake<R: Runtime> {
    dialled: oneshot::Receiver<Result<WsConn<R>, Lost>>,
    /// When it is dropped, the task ends.
    _held: oneshot::Sender<Infallible>,
}

/// The end of the handshake that its task has.
pub(crate) struct Task<R: Runtime> {
    gives: oneshot::Sender<Result<WsConn<R>, Lost>>,
    ended: oneshot::Receiver<Infallible>,
    tells: oneshot::Sender<Warmed>,
}

impl<R: Runtime> Ahead<R> {
    pub(crate) fn new(left: LeftDial) -> (Self, Task<R>) {
        let (gives, dialled) = oneshot::channel();
        let (held, ended) = oneshot::channel();
        let (tells, warming) = oneshot::channel();
        let handshake = Handshake { dialled, _held: held };
        (Self { left, handshake, warming: warming.shared() }, Task { gives, ended, tells })
    }

    /// Whether this is the handshake of that task.
    pub(crate) fn is_of(&self, task: &Task<R>) -> bool {
        task.gives.is_connected_to(&self.handshake.dialled)
    }
}

impl<R: Runtime> Handshake<R> {
    /// The handshake as if it had been begun by whoever awaits it: dropping the future ends it.
    pub(crate) fn into_dialling(self) -> Dialling<R> {
        Box::pin(async move {
            let Self { dialled, _held } = self;
            dialled.await.unwrap_or_else(|_| Err(Lost::internal("a handshake ended without a result")))
        })
    }
}

impl<R: Runtime> Task<R> {
    /// Awaits the handshake. `None` if it is to end before that.
    pub(crate) async fn carry_out(&mut self, dial: Dialling<R>) -> Option<Result<WsConn<R>, Lost>> {
        match select(dial, &mut self.ended).await {
            Either::Left((dialled, _)) => Some(dialled),
            Either::Right(_) => None,
        }
    }

    /// Gives the result to the turn that has adopted the handshake.
    pub(crate) fn give(self, dialled: Result<WsConn<R>, Lost>, warmed: Warmed) {
        // If the turn has just gone, so does the connection.
        let was_taken = self.gives.send(dialled).is_ok();
        if was_taken {
            let _nobody_asks = self.tells.send(warmed);
        }
    }

    /// Tells those who wait for the end of the warm-up.
    pub(crate) fn tell(self, warmed: Warmed) {
        let _nobody_asks = self.tells.send(warmed);
    }
}

impl<R: Runtime> Network<R> {
    /// Makes another handshake if this one, which no turn waits for, was refused for its credentials. `None`
    /// if there are no others.
    pub(crate) async fn renew(
        &self,
        dialled: Result<WsConn<R>, Lost>,
        left: &mut LeftDial,
    ) -> Option<Result<WsConn<R>, Lost>> {
        let Some(request) = dialled.as_ref().err().and_then(|lost| left.renew(lost)) else {
            return Some(dialled);
        };
        let mut deadline = Deadline::after(&self.runtime, self.limits.connect_timeout());
        let answer = deadline.limit(self.ask(request)).await?;
        let headers = left.handle_credentials(answer)?;
        Some(WsConn::connect(self, &headers).await)
    }
}
