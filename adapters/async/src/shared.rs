use std::sync::Arc;
use std::time::SystemTime;

use failback_client::{Context, LeftDial, Lost};

use crate::Runtime;
use crate::network::Network;
use crate::pool::Pool;
use crate::websocket::WsConn;

/// What the turns of one client share.
pub(crate) struct Shared<R: Runtime> {
    pub(crate) context: Arc<Context>,
    pub(crate) network: Network<R>,
    pub(crate) pool: Pool<R>,
}

impl<R: Runtime> Shared<R> {
    /// A handshake that no turn waited for has ended.
    pub(crate) fn settle(&self, left: LeftDial, dialled: Result<WsConn<R>, Lost>) {
        match dialled {
            Ok(mut conn) => {
                conn.credentials = left.credentials().cloned();
                // Kept before the policy hears of it: from then on the policy sends turns to WebSocket.
                self.pool.put_websocket(conn, &self.network);
                left.handle_opened();
            }
            Err(lost) => left.handle_failure(&lost, SystemTime::now()),
        }
    }
}
