use std::sync::Arc;

use failback_client::Context;

use crate::Runtime;
use crate::network::Network;
use crate::pool::Pool;

/// What the turns of one client share.
pub(crate) struct Shared<R: Runtime> {
    pub(crate) context: Arc<Context>,
    pub(crate) network: Network<R>,
    pub(crate) pool: Pool<R>,
}
