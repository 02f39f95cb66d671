use crate::AttemptReport;

/// What became of a warm-up: a WebSocket that was asked for ahead of any turn.
///
/// Exhaustive on purpose: a caller who asks gets to know which of these it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warmed {
    /// A WebSocket has opened. It waits for the next turn, unless a turn that began meanwhile has it already.
    Opened,
    /// A WebSocket was waiting for the next turn, so nothing was done.
    AlreadyOpen,
    /// Nothing was done, because the policy wants no handshake now: WebSocket is at fault or under suspicion,
    /// another turn or warm-up is finding out whether it works, or a handshake is under way that no turn waits
    /// for ([R17](failback::rules#r17)).
    NotWanted,
    /// The handshake failed, as told here. The policy has heard of it, so the next turns go over SSE if it is
    /// WebSocket's fault.
    Failed(Box<AttemptReport>),
    /// The handshake was given up before it had ended: the client was dropped or closed its idle connections,
    /// the network changed, or a turn that waited for this handshake was dropped.
    Abandoned,
}
