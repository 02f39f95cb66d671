//! Opening a WebSocket ahead of any turn.

use std::sync::{Arc, Weak};
use std::time::SystemTime;

use failback_client::{AttemptReport, Credentials, CredentialsRequest, LeftDial, Lost, Warmed};
use futures_util::future::{Either, select};

use crate::Runtime;
use crate::ahead::{Ahead, Warming};
use crate::shared::Shared;
use crate::timer::Deadline;
use crate::websocket::WsConn;

/// A warm-up: over at once, or under way in a task of its own.
pub(crate) enum WarmUp {
    Over(Warmed),
    UnderWay(Warming),
}

impl WarmUp {
    /// Asks for credentials if there is a provider of them, and opens a WebSocket if there is anything to do.
    pub(crate) async fn carry_out<R: Runtime>(shared: Weak<Shared<R>>) -> Warmed {
        let Some(strong) = shared.upgrade() else { return Warmed::Abandoned };
        let mut credentials = None;
        let strong = if strong.context.has_provider() {
            if let Some(warm_up) = Self::under_way(&strong) {
                drop(strong);
                return warm_up.ended().await;
            }
            // Whoever waits for the provider keeps no connection open.
            let (network, context) = (strong.network.clone(), Arc::clone(&strong.context));
            let stopped = strong.pool.hold_dial();
            drop(strong);
            let mut deadline = Deadline::after(&network.runtime, network.limits.connect_timeout());
            let asked = Box::pin(deadline.limit(network.ask(CredentialsRequest::default())));
            let Either::Left((Some(answer), _)) = select(asked, stopped).await else {
                return Warmed::Abandoned;
            };
            match Warmed::credentials(answer, context.headers()) {
                Ok(given) => credentials = Some(given),
                Err(failed) => return failed,
            }
            match shared.upgrade() {
                Some(strong) => strong,
                None => return Warmed::Abandoned,
            }
        } else {
            strong
        };
        let warm_up = Self::begin(&strong, credentials);
        drop(strong);
        warm_up.ended().await
    }

    /// What there is already: a WebSocket, or a warm-up.
    fn under_way<R: Runtime>(Shared { network, pool, .. }: &Shared<R>) -> Option<Self> {
        if pool.has_websocket(network.policy.now()) {
            return Some(Self::Over(Warmed::AlreadyOpen));
        }
        pool.warming().map(Self::UnderWay)
    }

    /// Begins one, if there is anything to do.
    fn begin<R: Runtime>(shared: &Arc<Shared<R>>, credentials: Option<Credentials>) -> Self {
        if let Some(warm_up) = Self::under_way(shared) {
            return warm_up;
        }
        let Shared { context, network, pool } = &**shared;
        let Some(left) = LeftDial::ahead(context, credentials) else {
            return Self::Over(Warmed::NotWanted);
        };
        let headers = Arc::clone(left.headers());
        let report = left.reporter();
        let (ahead, mut task) = Ahead::new(left);
        let warming = ahead.warming.clone();
        pool.hold_ahead(ahead);

        let dialled = network.clone();
        let dial = Box::pin(async move { WsConn::connect(&dialled, &headers).await });
        let shared = Arc::downgrade(shared);
        network.runtime.spawn(async move {
            let Some(dialled) = task.carry_out(dial).await else { return };
            let Some(shared) = shared.upgrade() else { return };
            let Some(mut left) = shared.pool.take_ahead_of(&task).map(|ahead| ahead.left) else {
                // A turn has adopted it.
                let warmed = warmed(&dialled, report);
                return task.give(dialled, warmed);
            };
            let (network, stopped) = (shared.network.clone(), shared.pool.hold_dial());
            let weak = Arc::downgrade(&shared);
            drop(shared);
            let renewed = Box::pin(network.renew(dialled, &mut left));
            let Either::Left((Some(dialled), _)) = select(renewed, stopped).await else { return };
            let Some(shared) = weak.upgrade() else { return };
            let warmed = warmed(&dialled, left.reporter());
            shared.settle(left, dialled);
            task.tell(warmed);
        });
        Self::UnderWay(warming)
    }

    /// Waits until it is over.
    async fn ended(self) -> Warmed {
        match self {
            Self::Over(warmed) => warmed,
            Self::UnderWay(warming) => warming.await.unwrap_or(Warmed::Abandoned),
        }
    }
}

fn warmed<T>(dialled: &Result<T, Lost>, report: impl FnOnce(&Lost, SystemTime) -> AttemptReport) -> Warmed {
    match dialled {
        Ok(_) => Warmed::Opened,
        Err(lost) => Warmed::Failed(Box::new(report(lost, SystemTime::now()))),
    }
}
