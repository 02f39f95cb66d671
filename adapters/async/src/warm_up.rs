//! Opening a WebSocket ahead of any turn.

use std::sync::Arc;
use std::time::SystemTime;

use failback_client::{LeftDial, Warmed};

use crate::Runtime;
use crate::ahead::{Ahead, Warming};
use crate::shared::Shared;
use crate::websocket::WsConn;

/// A warm-up: over at once, or under way in a task of its own.
pub(crate) enum WarmUp {
    Over(Warmed),
    UnderWay(Warming),
}

impl WarmUp {
    /// Begins one, if there is anything to do.
    pub(crate) fn begin<R: Runtime>(shared: &Arc<Shared<R>>) -> Self {
        let Shared { context, network, pool } = &**shared;
        if pool.has_websocket(network.policy.now()) {
            return Self::Over(Warmed::AlreadyOpen);
        }
        if let Some(warming) = pool.warming() {
            return Self::UnderWay(warming);
        }
        let Some(left) = LeftDial::ahead(context) else {
            return Self::Over(Warmed::NotWanted);
        };
        let report = left.reporter();
        let (ahead, mut task) = Ahead::new(left);
        let warming = ahead.warming.clone();
        pool.hold_ahead(ahead);

        let (dialled, headers) = (network.clone(), Arc::clone(context.headers()));
        let dial = Box::pin(async move { WsConn::connect(&dialled, &headers).await });
        let shared = Arc::downgrade(shared);
        network.runtime.spawn(async move {
            let Some(dialled) = task.carry_out(dial).await else { return };
            let Some(shared) = shared.upgrade() else { return };
            let warmed = match &dialled {
                Ok(_) => Warmed::Opened,
                Err(lost) => Warmed::Failed(Box::new(report(lost, SystemTime::now()))),
            };
            match shared.pool.take_ahead_of(&task) {
                Some(ahead) => {
                    shared.settle(ahead.left, dialled);
                    task.tell(warmed);
                }
                None => task.give(dialled, warmed),
            }
        });
        Self::UnderWay(warming)
    }

    /// Waits until it is over.
    pub(crate) async fn ended(self) -> Warmed {
        match self {
            Self::Over(warmed) => warmed,
            Self::UnderWay(warming) => warming.await.unwrap_or(Warmed::Abandoned),
        }
    }
}
