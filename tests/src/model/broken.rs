/// One rule misread, to show that a comparison with the model notices it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// A call that has moved to SSE is chosen by mode again.
    R1MovedCallsComeBack,
    /// A failed handshake is a stream failure like any other.
    R2HandshakesAreForgiven,
    /// A call stays on WebSocket however long ago it first failed there.
    R3NoGrace,
    /// Cooldowns are all as long as the first.
    R4CooldownsNeverDouble,
    /// A failure of SSE never acquits.
    R5NeverAcquits,
    /// The first event of a WebSocket attempt refills the recoveries.
    R6RefilledByProgress,
    /// A probe that is cancelled costs nothing.
    R7CancelledProbesAreFree,
    /// Nothing renews the lease of a probe.
    R8ProgressRenewsNothing,
    /// An outcome counts whenever its attempt began.
    R9StaleFailuresCount,
    /// A connection may fail any number of times in a row.
    R10ConnectionsFailForEver,
    /// A message too large for WebSocket is a failure of WebSocket.
    R11TooLargeIsTransport,
    /// No last resort.
    R12NoLastResort,
    /// However long the server asks to wait, it is waited for.
    R13WaitsForEver,
    /// A bad request is sent again.
    R14BadRequestsAreRepeated,
    /// Output may reach the caller twice.
    R15CommittedIsRetried,
    /// Moving to SSE takes a token.
    R16MovesCostTokens,
    /// Every call waits for a handshake itself.
    R17EveryCallWaits,
    /// Time runs backwards with the clock.
    R18TimeRunsBackwards,
    /// The recoveries outlive a change of network.
    R19RecoveriesStaySpent,
    /// A restart takes no time.
    R20RestartsTakeNoTime,
}

impl Broken {
    /// All of them.
    pub const ALL: [Self; 20] = [
        Self::R1MovedCallsComeBack,
        Self::R2HandshakesAreForgiven,
        Self::R3NoGrace,
        Self::R4CooldownsNeverDouble,
        Self::R5NeverAcquits,
        Self::R6RefilledByProgress,
        Self::R7CancelledProbesAreFree,
        Self::R8ProgressRenewsNothing,
        Self::R9StaleFailuresCount,
        Self::R10ConnectionsFailForEver,
        Self::R11TooLargeIsTransport,
        Self::R12NoLastResort,
        Self::R13WaitsForEver,
        Self::R14BadRequestsAreRepeated,
        Self::R15CommittedIsRetried,
        Self::R16MovesCostTokens,
        Self::R17EveryCallWaits,
        Self::R18TimeRunsBackwards,
        Self::R19RecoveriesStaySpent,
        Self::R20RestartsTakeNoTime,
    ];
}
