//! What both ways to ask a proxy have in common.

use failback_wire::Seen;

/// What is to be done for it next.
pub(super) enum Next {
    Write(Vec<u8>),
    Read { at_most: usize },
    Open,
}

/// Why there is no way through the proxy.
pub(super) struct NoWay {
    pub(super) seen: Seen<'static>,
    /// Empty if what was seen says it all.
    pub(super) detail: String,
}

impl NoWay {
    /// What is there does not speak as a proxy does.
    pub(super) fn not_a_proxy(detail: impl Into<String>) -> Self {
        Self { seen: Seen::NotAProxy, detail: detail.into() }
    }
}
