//! What was found on the way of one transport.

use std::time::Duration;

use failback::Transport;
use failback_wire::Headers;
use failback_wire::http::HeaderMap;

use super::certificate::Seal;
use super::judge::Finding;
use super::record::Record;

/// The longest value of a header that is shown.
const MAX_VALUE: usize = 80;

/// One transport, examined.
#[derive(Debug)]
pub(super) struct Way {
    pub(super) transport: Transport,
    /// Without its query.
    pub(super) url: String,
    /// Host and port of the proxy, if there is one, and why there is or is not.
    pub(super) proxy: Option<String>,
    pub(super) proxy_reason: String,
    pub(super) records: Vec<Record>,
    /// The certificate of the server, if it has shown one.
    pub(super) seal: Option<Seal>,
    pub(super) answered: Answered,
    pub(super) finding: Finding,
    /// How long it took until there was a connection, or until there was to be none.
    pub(super) took: Duration,
    /// Whether events come as they are made. `None` if that does not show.
    pub(super) is_live: Option<bool>,
    /// How long the WebSocket stayed open with nothing in it. `None` if that does not show.
    pub(super) idle: Option<Duration>,
}

impl Way {
    pub(super) fn works(&self) -> Option<bool> {
        self.finding.kind.works()
    }
}

/// Who says to have answered.
#[derive(Clone, Debug, Default)]
pub(super) struct Answered {
    pub(super) server: Option<String>,
    pub(super) via: Option<String>,
}

impl Answered {
    pub(super) fn by(headers: &HeaderMap, secrets: &Headers) -> Self {
        let shown = |name: &str| {
            let all: Vec<_> = headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
            let text = secrets.redact(&all.join(", ")).into_owned();
            let short: String = text.chars().take(MAX_VALUE).collect();
            (!short.trim().is_empty()).then(|| short.trim().to_owned())
        };
        Self { server: shown("server"), via: shown("via") }
    }

    /// `server: nginx, via: 1.1 squid`, or nothing.
    pub(super) fn told(&self) -> String {
        let told = [("server", &self.server), ("via", &self.via)];
        let told: Vec<_> = told
            .into_iter()
            .filter_map(|(name, value)| value.as_ref().map(|value| format!("{name}: {value}")))
            .collect();
        told.join(", ")
    }
}
