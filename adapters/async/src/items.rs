use std::task::{Context, Poll};

use failback_client::{Error, Item};

/// Where the items of a turn come from, on whatever runtime.
pub(crate) trait Items: Send {
    /// The next item. `None` when the turn is over, and ever after.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Item, Error>>>;
}
