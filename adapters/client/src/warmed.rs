use failback::{Reason, Stage, Transport};
use failback_wire::Headers;

use crate::{AttemptReport, Credentials, ProviderAnswer};

/// What became of a warm-up: a WebSocket that was asked for ahead of any turn.
///
/// Exhaustive on purpose: a caller who asks gets to know which of these it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warmed {
    /// A WebSocket has opened. It waits for the next turn, unless a turn that began meanwhile has it already.
    Opened,
    /// A WebSocket was waiting for the next turn, so nothing was done.
    AlreadyOpen,
    /// Nothing was done, because no handshake is wanted now: the client goes over SSE alone, WebSocket is at
    /// fault or under suspicion, another turn, warm-up or process is finding out whether it works, or a
    /// handshake is under way that no turn waits for ([R17](failback::rules#r17)).
    NotWanted,
    /// The handshake failed, as told here. The policy has heard of it, so the next turns go over SSE if it is
    /// WebSocket's fault. Or the provider of credentials failed, so that there was no handshake, and the
    /// policy hears nothing.
    Failed(Box<AttemptReport>),
    /// It was given up before it had ended: the client was dropped or closed its idle connections, the
    /// network changed, SSE alone was switched on, a turn that waited for this handshake was dropped, or a
    /// provider of credentials took longer than the connect time-out.
    Abandoned,
}

impl Warmed {
    /// What the provider has given for the handshake, or what became of the warm-up without: nothing was
    /// opened. `headers` are those of the client, which tell what must not be shown.
    ///
    /// # Errors
    ///
    /// [`Failed`](Self::Failed), when the provider has failed.
    pub fn credentials(answer: ProviderAnswer, headers: &Headers) -> Result<Credentials, Self> {
        answer.map_err(|error| {
            let text = headers.redact(&format!("stopped for want of credentials: {error}")).into_owned();
            let report =
                AttemptReport::stopped(Transport::WebSocket, Reason::Healthy, Stage::Connecting, text);
            Self::Failed(Box::new(report))
        })
    }
}
