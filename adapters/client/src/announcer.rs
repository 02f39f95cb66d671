use std::sync::atomic::{AtomicBool, Ordering};

use failback::{Mode, Reason, Status, Transport};

use crate::duration::seconds;
use crate::item::Notice;

/// Remembers which transport delivered last, across attempts and turns, to announce when that changes.
#[derive(Debug)]
pub(crate) struct Announcer {
    on_sse: AtomicBool,
}

impl Announcer {
    /// An announcer for a new client. The first response over WebSocket is not announced.
    pub(crate) const fn new() -> Self {
        Self { on_sse: AtomicBool::new(false) }
    }

    /// An attempt is about to deliver its first event. Returns the notice for the caller if the transport has
    /// changed.
    ///
    /// `status` is the policy's, after it has heard of the event. `cause` is why this turn left WebSocket, if
    /// it did.
    pub(crate) fn announce(
        &self,
        transport: Transport,
        reason: Reason,
        status: &Status,
        cause: Option<&str>,
    ) -> Option<Notice> {
        let on_sse = transport == Transport::Sse;
        if self.on_sse.swap(on_sse, Ordering::SeqCst) == on_sse {
            return None;
        }
        let text = if on_sse {
            let cause = cause.unwrap_or_else(|| reason.explanation()).trim_end_matches('.');
            let next = match (status.mode, status.retry_in) {
                // It does not matter to a call like this one.
                _ if reason == Reason::SseOnly => String::new(),
                (_, Some(wait)) => format!("; next WebSocket attempt in {}", seconds(wait)),
                (Mode::Pinned, None) => "; staying on SSE".to_owned(),
                _ => String::new(),
            };
            format!("moved to SSE: {cause}{next}")
        } else if reason == Reason::LastResort {
            "back on WebSocket: SSE failed".to_owned()
        } else {
            "back on WebSocket".to_owned()
        };
        Some(Notice::new(transport, reason, status.retry_in, text))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use failback::Timestamp;

    use super::*;

    fn status(mode: Mode, retry_in: Option<Duration>) -> Status {
        Status { mode, retry_in, recoveries_left: 3 }
    }

    #[test]
    fn only_a_change_of_transport_is_announced() {
        let announcer = Announcer::new();
        let preferred = &status(Mode::Preferred, None);
        assert!(announcer.announce(Transport::WebSocket, Reason::Healthy, preferred, None).is_none());

        let wait = Duration::from_millis(60_000);
        let cooling = &status(Mode::FailedOver { retry_at: Timestamp::MAX }, Some(wait));
        let notice = announcer
            .announce(Transport::Sse, Reason::CallMoved, cooling, Some("it broke"))
            .expect("a notice");
        assert_eq!((notice.transport(), notice.reason()), (Transport::Sse, Reason::CallMoved));
        assert_eq!(notice.retry_in(), Some(wait));
        assert_eq!(notice.text(), "moved to SSE: it broke; next WebSocket attempt in 60 s");
        assert!(announcer.announce(Transport::Sse, Reason::CoolingDown, cooling, None).is_none());

        let notice =
            announcer.announce(Transport::WebSocket, Reason::Probe, preferred, None).expect("a notice");
        assert_eq!(notice.to_string(), "back on WebSocket");
    }

    #[test]
    fn a_notice_says_why_even_when_the_turn_itself_saw_nothing() {
        for (reason, mode, text) in [
            (Reason::Pinned, Mode::Pinned, "moved to SSE: WebSocket failed too often; staying on SSE"),
            (
                Reason::DialPending,
                Mode::Preferred,
                "moved to SSE: an earlier WebSocket handshake is still not answered",
            ),
            (Reason::SseOnly, Mode::Pinned, "moved to SSE: SSE alone was asked for"),
            (Reason::TooLarge, Mode::Preferred, "moved to SSE: the message is too large for WebSocket"),
        ] {
            let notice = Announcer::new()
                .announce(Transport::Sse, reason, &status(mode, None), None)
                .expect("a notice");
            assert_eq!(notice.text(), text);
        }
    }
}
