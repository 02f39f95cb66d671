//! Of what kind the end of a way is.

use std::time::SystemTime;

use failback::{Blame, Failure, Stage, Transport};
use failback_client::{Lost, Refusal, Vouched};
use failback_wire::http::StatusCode;
use failback_wire::http::header::CONTENT_TYPE;
use failback_wire::{Fault, Headers, Seen};

use super::kind::Kind;

/// How far a way had come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reached {
    pub(super) stage: Stage,
    /// Output had come.
    pub(super) is_committed: bool,
}

impl Reached {
    pub(super) const fn stage(stage: Stage) -> Self {
        Self { stage, is_committed: false }
    }
}

/// The end of one way, for the policy and for people.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    pub(super) kind: Kind,
    /// The status of the answer, if there was one.
    pub(super) status: Option<u16>,
    /// What happened, without a full stop.
    pub(super) text: String,
    /// What the policy is told, if it is a failure. The clients tell it the same.
    pub(super) failure: Option<Failure>,
}

impl Finding {
    pub(super) fn new(kind: Kind, text: impl Into<String>) -> Self {
        Self { kind, status: None, text: text.into(), failure: None }
    }

    /// Why this transport was lost when it had come so far. `vouched` is what was said of the certificate
    /// that was shown last.
    pub(super) fn of_lost(
        lost: &Lost,
        transport: Transport,
        reached: Reached,
        vouched: Option<Vouched>,
        headers: &Headers,
    ) -> Self {
        let Some((seen, detail)) = lost.seen() else {
            return Self::new(Kind::OutOfTime, format!("the doctor itself is at fault: {lost:?}"));
        };
        let Reached { stage, is_committed } = reached;
        let fault = Fault::new(&seen, transport, stage, false, detail, SystemTime::now());
        let fault = fault.map(|fault| fault.redacted(headers));
        let failure = fault.as_ref().map(Fault::failure);
        let failure = failure.map(|failure| if is_committed { failure.with_committed() } else { failure });
        let kind = match (lost, transport) {
            (Lost::Upgrade(refusal), _) => of_upgrade(refusal, failure),
            (Lost::Answer(refusal), _) => of_answer(refusal),
            (Lost::Body(_), _) if matches!(seen, Seen::WrongContentType { .. }) => Kind::NoEndpoint,
            _ => of_seen(&seen, transport, stage, vouched),
        };
        let mut text = fault.as_ref().map(|fault| fault.text().to_owned()).unwrap_or_default();
        if let (Lost::Answer(refusal), Some(true)) = (lost, kind.works()) {
            // It is the answer that was expected.
            text = headers.redact(&expected(refusal)).into_owned();
        }
        Self { kind, status: fault.and_then(|fault| fault.status()), text, failure }
    }
}

/// What the API said to the request.
fn expected(refusal: &Refusal) -> String {
    let error = refusal.error();
    let named = error.code.as_deref().or(error.kind.as_deref()).unwrap_or_default();
    let said = if error.message.is_empty() { named } else { error.message.as_str() };
    let status = named_status(refusal.status());
    if said.is_empty() {
        format!("the API answers {status}")
    } else {
        format!("the API answers {status}: {said}")
    }
}

/// `404 Not Found`.
pub(super) fn named_status(status: u16) -> String {
    let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    reason.map_or_else(|| status.to_string(), |reason| format!("{status} {reason}"))
}

fn of_upgrade(refusal: &Refusal, failure: Option<Failure>) -> Kind {
    match refusal.status() {
        401 => Kind::Credentials,
        407 => Kind::ProxyCredentials,
        // It says that an upgrade is required, and one was asked for.
        200..=299 | 426 => Kind::WebSocketStripped,
        404 | 405 | 501 => Kind::WebSocketNotOffered,
        _ if failure.is_some_and(|failure| failure.blame() == Blame::Server) => Kind::WebSocketBusy,
        _ => Kind::WebSocketRefused,
    }
}

/// A body that had to be refused was posted, so a refusal in JSON is the API's word.
fn of_answer(refusal: &Refusal) -> Kind {
    let is_api = is_json(refusal);
    match refusal.status() {
        401 => Kind::Credentials,
        407 => Kind::ProxyCredentials,
        403 if is_api => Kind::Forbidden,
        404 | 405 | 410 => Kind::NoEndpoint,
        400..=499 if is_api => Kind::SseWorks,
        511 => Kind::SseRefused,
        500..=599 => Kind::ServerFailed,
        _ => Kind::SseRefused,
    }
}

fn is_json(refusal: &Refusal) -> bool {
    let content_type = refusal.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type.is_some_and(|content_type| content_type.to_ascii_lowercase().contains("json"))
}

fn of_seen(seen: &Seen<'_>, transport: Transport, stage: Stage, vouched: Option<Vouched>) -> Kind {
    match seen {
        Seen::Resolve => Kind::NoName,
        Seen::Connect => Kind::NotConnected,
        Seen::ConnectTimeout => Kind::ConnectTimeout,
        Seen::Tls => Kind::TlsFailed,
        Seen::Certificate => match vouched {
            Some(Vouched::Nobody) => Kind::UnknownAuthority,
            Some(Vouched::Expired | Vouched::NotYetValid) => Kind::Expired,
            Some(Vouched::WrongName) => Kind::WrongName,
            _ => Kind::CertificateRefused,
        },
        Seen::ProxyRefused { status: 401 | 407 } | Seen::ProxyAuthentication => Kind::ProxyCredentials,
        Seen::ProxyRefused { .. } | Seen::SocksRefused { .. } => Kind::ProxyRefused,
        Seen::NotAProxy => Kind::NotAProxy,
        Seen::HandshakeTimeout => Kind::WebSocketBlackHoled,
        Seen::IdleTimeout | Seen::FirstEventTimeout
            if transport == Transport::Sse && stage != Stage::Streaming =>
        {
            Kind::SseBlackHoled
        }
        _ => match transport {
            Transport::WebSocket => Kind::WebSocketBroken,
            Transport::Sse => Kind::SseBroken,
        },
    }
}
