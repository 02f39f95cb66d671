/// One rule misread, to show that a comparison with the model notices it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// A call that has moved to SSE is chosen by mode again.
    R1MovedCallsComeBack,
    /// A call that was opened over SSE is chosen by mode all the same.
    R1OverSseIsChosenByMode,
    /// A failed handshake is a stream failure like any other.
    R2HandshakesAreForgiven,
    /// A failed handshake is no stream failure.
    R2HandshakesCountNothing,
    /// A call stays on WebSocket however long ago it first failed there.
    R3NoGrace,
    /// The retry may begin too late, if only the failure came in time.
    R3BackoffDoesNotCount,
    /// The time that a call waited for a first event does not count.
    R3OpenCountsFromTheFailure,
    /// A failure that ends its call for its output counts like one that is retried.
    R3LostTurnsAreForgiven,
    /// When the driver's own retries are used up, its call moves, and nothing is suspected.
    R3ExhaustedIsForgiven,
    /// Cooldowns are all as long as the first.
    R4CooldownsNeverDouble,
    /// What succeeds over SSE because its caller wants it there convicts nobody.
    R4OverSseIsNoEvidence,
    /// A failure of SSE never acquits.
    R5NeverAcquits,
    /// What fails over SSE because its caller wants it there acquits nobody.
    R5OverSseIsNoEvidence,
    /// A busy server acquits after any number of failures.
    R5ServerAlwaysAcquits,
    /// A busy server acquits a probe.
    R5ServerAcquitsProbes,
    /// A busy server makes the failures forgotten.
    R5ServerForgetsFailures,
    /// A message too large for SSE acquits.
    R5PayloadAcquits,
    /// A suspicion lasts until something decides it.
    R5NeverLapses,
    /// Nobody is told when a suspicion lapses.
    R5LapsesUnannounced,
    /// A suspicion that lapses gives the recovery of its probe back.
    R5LapsesRefund,
    /// The first event of a WebSocket attempt refills the recoveries.
    R6RefilledByProgress,
    /// A completion on WebSocket counts only in the mode in which it began.
    R6StaleCompletionsSayNothing,
    /// A probe that is cancelled costs nothing.
    R7CancelledProbesAreFree,
    /// A probe that is acquitted costs a recovery.
    R7AcquittedProbesStaySpent,
    /// Nothing renews the lease of a probe.
    R8ProgressRenewsNothing,
    /// An outcome counts whenever its attempt began.
    R9StaleFailuresCount,
    /// A connection may fail any number of times in a row.
    R10ConnectionsFailForEver,
    /// A connection that fails after one of the other transport is the second in a row.
    R10InARowAcrossTransports,
    /// A last resort ends its call even where the connection alone is to blame.
    R10LastResortsAreNotExcused,
    /// A message too large for WebSocket is a failure of WebSocket.
    R11TooLargeIsTransport,
    /// No last resort.
    R12NoLastResort,
    /// A call that was opened over SSE goes to WebSocket as its last resort.
    R12OverSseHasALastResort,
    /// WebSocket has been tried by an attempt that failed for its connection alone.
    R12ExcusedIsATry,
    /// WebSocket has been tried by an attempt that was diverted.
    R12DivertedIsATry,
    /// However long the server asks to wait, it is waited for.
    R13WaitsForEver,
    /// However often the server says on WebSocket that it is busy, it is asked again there.
    R13StaysOnWebSocket,
    /// A busy server is asked on SSE without the wait.
    R13MovesAtOnce,
    /// A bad request is sent again.
    R14BadRequestsAreRepeated,
    /// Output may reach the caller twice.
    R15CommittedIsRetried,
    /// Until there is output, a request may be sent twice, whatever the setting.
    R15SentIsSentAgain,
    /// Moving to SSE takes a token.
    R16MovesCostTokens,
    /// Without a token, a failing WebSocket ends its call.
    R16NoTokenEndsCalls,
    /// Without a token, a failing SSE ends its call.
    R16NoTokenIsNoLastResort,
    /// Every call waits for a handshake itself.
    R17EveryCallWaits,
    /// A warm-up begins a handshake although one is under way.
    R17WarmsUpTwice,
    /// Calls that begin during a warm-up make handshakes of their own.
    R17WarmUpsDivertNobody,
    /// A warm-up that probes costs no recovery.
    R17WarmUpsAreFree,
    /// A second call may wait for a handshake that a first one did not wait for any longer.
    R17WaitsTwice,
    /// Time runs backwards with the clock.
    R18TimeRunsBackwards,
    /// The recoveries outlive a change of network.
    R19RecoveriesStaySpent,
    /// A restart takes no time.
    R20RestartsTakeNoTime,
    /// What was suspected before a restart is forgotten.
    R20SuspicionsAreForgotten,
    /// What another process knows ends a probe.
    R20LearnsOverProbes,
    /// A probe is held for as long as is asked.
    R20ProbesAreHeldForLong,
}

impl Broken {
    /// All of them.
    pub const ALL: [Self; 54] = [
        Self::R1MovedCallsComeBack,
        Self::R1OverSseIsChosenByMode,
        Self::R2HandshakesAreForgiven,
        Self::R2HandshakesCountNothing,
        Self::R3NoGrace,
        Self::R3BackoffDoesNotCount,
        Self::R3OpenCountsFromTheFailure,
        Self::R3LostTurnsAreForgiven,
        Self::R3ExhaustedIsForgiven,
        Self::R4CooldownsNeverDouble,
        Self::R4OverSseIsNoEvidence,
        Self::R5NeverAcquits,
        Self::R5OverSseIsNoEvidence,
        Self::R5ServerAlwaysAcquits,
        Self::R5ServerAcquitsProbes,
        Self::R5ServerForgetsFailures,
        Self::R5PayloadAcquits,
        Self::R5NeverLapses,
        Self::R5LapsesUnannounced,
        Self::R5LapsesRefund,
        Self::R6RefilledByProgress,
        Self::R6StaleCompletionsSayNothing,
        Self::R7CancelledProbesAreFree,
        Self::R7AcquittedProbesStaySpent,
        Self::R8ProgressRenewsNothing,
        Self::R9StaleFailuresCount,
        Self::R10ConnectionsFailForEver,
        Self::R10InARowAcrossTransports,
        Self::R10LastResortsAreNotExcused,
        Self::R11TooLargeIsTransport,
        Self::R12NoLastResort,
        Self::R12OverSseHasALastResort,
        Self::R12ExcusedIsATry,
        Self::R12DivertedIsATry,
        Self::R13WaitsForEver,
        Self::R13StaysOnWebSocket,
        Self::R13MovesAtOnce,
        Self::R14BadRequestsAreRepeated,
        Self::R15CommittedIsRetried,
        Self::R15SentIsSentAgain,
        Self::R16MovesCostTokens,
        Self::R16NoTokenEndsCalls,
        Self::R16NoTokenIsNoLastResort,
        Self::R17EveryCallWaits,
        Self::R17WarmsUpTwice,
        Self::R17WarmUpsDivertNobody,
        Self::R17WarmUpsAreFree,
        Self::R17WaitsTwice,
        Self::R18TimeRunsBackwards,
        Self::R19RecoveriesStaySpent,
        Self::R20RestartsTakeNoTime,
        Self::R20SuspicionsAreForgotten,
        Self::R20LearnsOverProbes,
        Self::R20ProbesAreHeldForLong,
    ];
}
