//! What both ways to ask a proxy have in common.

use failback_wire::Seen;

use crate::lost::Lost;

/// What is to be done for it next.
pub(super) enum Next {
    Write(Vec<u8>),
    Read { at_most: usize },
    Open,
}

/// What is there does not speak as a proxy does.
pub(super) fn not_a_proxy(detail: impl ToString) -> Lost {
    Lost::new(Seen::NotAProxy, detail)
}
