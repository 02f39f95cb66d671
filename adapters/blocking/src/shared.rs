use std::sync::Arc;

use crate::network::Network;
use crate::pool::Pool;

/// What a client and its turns share. When the last of them is gone, all threads end.
pub(crate) struct Shared {
    pub(crate) network: Arc<Network>,
    pub(crate) pool: Arc<Pool>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.pool.close();
    }
}
