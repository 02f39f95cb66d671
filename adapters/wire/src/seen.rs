use core::fmt;

use http::HeaderMap;

use crate::ServerError;
use crate::response_headers::request_id;
use crate::text::excerpt;

/// The most bytes of a request id that are kept.
const MAX_REQUEST_ID: usize = 128;

/// What a driver saw go wrong with one attempt. It does not judge yet.
///
/// [`classify`](crate::classify) says what it is evidence against, and [`Cause`](crate::Cause) describes it
/// for people. `Debug` shows neither headers nor texts of the server.
#[derive(Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Seen<'a> {
    /// The name of the host, or of the proxy, did not resolve.
    Resolve,
    /// No TCP connection: refused, no route, reset while connecting.
    Connect,
    /// The TLS handshake failed: no common protocol, cut off.
    Tls,
    /// One side does not trust the certificate of the other: unknown authority, expired, for another name.
    Certificate,
    /// Name, TCP, proxy or TLS were not done in time.
    ConnectTimeout,
    /// The proxy answered CONNECT with this status instead of 200.
    ProxyRefused {
        /// The status of the proxy's answer.
        status: u16,
    },
    /// The peer at the proxy's address does not speak the protocol of a proxy.
    NotAProxy,
    /// The SOCKS5 proxy answered the request with this reply instead of 0 (RFC 1928, section 6).
    SocksRefused {
        /// The reply.
        reply: u8,
    },
    /// The SOCKS5 proxy wants credentials, or other ones, as status 407 does in HTTP.
    ProxyAuthentication,
    /// Connected, but the WebSocket upgrade was not answered in time.
    HandshakeTimeout,
    /// The WebSocket upgrade was answered with a status that is not 101.
    Upgrade {
        /// The status of the answer.
        status: u16,
        /// The headers of the answer.
        headers: &'a HeaderMap,
        /// What the body of the answer said, if it was read.
        error: Option<&'a ServerError>,
    },
    /// The upgrade was answered 101, but not by a WebSocket server: a wrong `Sec-WebSocket-Accept`, no
    /// `Upgrade` header, a protocol or extension nobody asked for.
    BadAccept,
    /// The POST was answered with a status that is not 200.
    Answer {
        /// The status of the answer.
        status: u16,
        /// The headers of the answer.
        headers: &'a HeaderMap,
        /// What the body of the answer said, if it was read.
        error: Option<&'a ServerError>,
    },
    /// The POST was answered 200, but not with an event stream.
    WrongContentType {
        /// The `Content-Type` of the answer, if there was a readable one.
        content_type: Option<&'a str>,
    },
    /// The POST was answered 200 with a body in an encoding that was not asked for, such as gzip.
    Encoded {
        /// The `Content-Encoding` of the answer.
        encoding: &'a str,
    },
    /// The connection was reset or a write failed.
    Reset,
    /// The connection ended without a close frame (WebSocket), or the body ended (SSE), before a terminal
    /// event.
    EndOfStream,
    /// A close frame came before a terminal event.
    Closed {
        /// Its code, if it had one.
        code: Option<u16>,
        /// Its reason, which may be empty.
        reason: &'a str,
    },
    /// What arrived breaks the rules of WebSocket or HTTP.
    ProtocolViolation,
    /// A binary WebSocket frame, where only text is spoken.
    BinaryFrame,
    /// The request was sent, and no event came in time.
    FirstEventTimeout,
    /// No byte came, and none of the request was taken, for too long.
    IdleTimeout,
    /// No event came for longer than the caller was willing to wait, although other bytes may have come.
    EventTimeout,
    /// A ping was not answered in time.
    MissedPong,
    /// A message, event, line or head was larger than our own limit.
    TooLarge,
    /// The request is larger than what may be sent over WebSocket, and was not sent.
    RequestTooLarge,
    /// An `error` event, or an error in another shape.
    ErrorEvent(&'a ServerError),
    /// An `error` event that says that the server does not know the response which the request itself names.
    /// No fuller input can be sent instead.
    UnknownResponse(&'a ServerError),
    /// A `response.failed` event.
    FailedEvent(&'a ServerError),
    /// Text that is not an event: not JSON, or without a type.
    BadEvent,
    /// A reused WebSocket sent an event of an earlier response before anything of the current one.
    LeftOver,
}

impl Seen<'_> {
    /// Whether the server itself stated the error. If not, something on the way broke.
    pub(crate) fn is_stated(&self) -> bool {
        matches!(
            self,
            Self::Upgrade { .. }
                | Self::Answer { .. }
                | Self::WrongContentType { .. }
                | Self::Encoded { .. }
                | Self::ErrorEvent(_)
                | Self::UnknownResponse(_)
                | Self::FailedEvent(_)
        )
    }

    /// The status of the answer, or the one that an error names.
    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            Self::ProxyRefused { status } | Self::Upgrade { status, .. } | Self::Answer { status, .. } => {
                Some(*status)
            }
            _ => self.server_error()?.status,
        }
    }

    /// What the server said was wrong, if it said anything.
    pub(crate) fn server_error(&self) -> Option<&ServerError> {
        match self {
            Self::Upgrade { error, .. } | Self::Answer { error, .. } => *error,
            Self::ErrorEvent(error) | Self::UnknownResponse(error) | Self::FailedEvent(error) => Some(error),
            _ => None,
        }
    }

    /// The id that the server gave to the request.
    pub(crate) fn request_id(&self) -> Option<String> {
        let (Self::Upgrade { headers, .. } | Self::Answer { headers, .. }) = self else { return None };
        request_id(headers).map(|id| excerpt(id, MAX_REQUEST_ID))
    }

    const fn name(&self) -> &'static str {
        match self {
            Self::Resolve => "Resolve",
            Self::Connect => "Connect",
            Self::Tls => "Tls",
            Self::Certificate => "Certificate",
            Self::ConnectTimeout => "ConnectTimeout",
            Self::ProxyRefused { .. } => "ProxyRefused",
            Self::NotAProxy => "NotAProxy",
            Self::SocksRefused { .. } => "SocksRefused",
            Self::ProxyAuthentication => "ProxyAuthentication",
            Self::HandshakeTimeout => "HandshakeTimeout",
            Self::Upgrade { .. } => "Upgrade",
            Self::BadAccept => "BadAccept",
            Self::Answer { .. } => "Answer",
            Self::WrongContentType { .. } => "WrongContentType",
            Self::Encoded { .. } => "Encoded",
            Self::Reset => "Reset",
            Self::EndOfStream => "EndOfStream",
            Self::Closed { .. } => "Closed",
            Self::ProtocolViolation => "ProtocolViolation",
            Self::BinaryFrame => "BinaryFrame",
            Self::FirstEventTimeout => "FirstEventTimeout",
            Self::IdleTimeout => "IdleTimeout",
            Self::EventTimeout => "EventTimeout",
            Self::MissedPong => "MissedPong",
            Self::TooLarge => "TooLarge",
            Self::RequestTooLarge => "RequestTooLarge",
            Self::ErrorEvent(_) => "ErrorEvent",
            Self::UnknownResponse(_) => "UnknownResponse",
            Self::FailedEvent(_) => "FailedEvent",
            Self::BadEvent => "BadEvent",
            Self::LeftOver => "LeftOver",
        }
    }
}

impl fmt::Debug for Seen<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct(self.name());
        match self {
            Self::ProxyRefused { status } | Self::Upgrade { status, .. } | Self::Answer { status, .. } => {
                shown.field("status", status).finish()
            }
            Self::SocksRefused { reply } => shown.field("reply", reply).finish(),
            Self::Closed { code, .. } => shown.field("code", code).finish(),
            Self::ErrorEvent(error) | Self::UnknownResponse(error) | Self::FailedEvent(error) => {
                shown.field("status", &error.status).finish()
            }
            _ => shown.finish(),
        }
    }
}
