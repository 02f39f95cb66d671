//! What can be found on the way of a transport. Each kind has a section of its own in
//! `docs/TROUBLESHOOTING.md`, and a test sees to that.

/// Declares each kind with the anchor of its section, and whether the transport works then, as far as that
/// shows.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $anchor:literal, $works:expr;)*) => {
        /// What was found. Exhaustive on purpose: each is explained to people.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Kind { $($(#[$doc])* $kind,)* }

        impl Kind {
            pub(super) const ALL: &[Self] = &[$(Self::$kind,)*];

            /// The anchor of its section.
            pub(super) const fn anchor(self) -> &'static str {
                match self { $(Self::$kind => $anchor,)* }
            }

            /// Whether the transport works. `None` if that does not show.
            pub(super) const fn works(self) -> Option<bool> {
                match self { $(Self::$kind => $works,)* }
            }
        }
    };
}

kinds! {
    /// It opens, and pings are answered.
    WebSocketWorks = "websocket-works", Some(true);
    /// It works, and is cut when nothing moves.
    WebSocketIdleCut = "websocket-idle-cut", Some(true);
    /// The upgrade was answered as if nobody had asked for one.
    WebSocketStripped = "websocket-stripped", Some(false);
    /// There is nothing for WebSocket at this path, or it looks so because the upgrade is stripped.
    WebSocketNotOffered = "websocket-not-offered", Some(false);
    /// The upgrade was refused.
    WebSocketRefused = "websocket-refused", Some(false);
    /// The upgrade was not answered.
    WebSocketBlackHoled = "websocket-black-holed", Some(false);
    /// It breaks in the handshake, or soon after.
    WebSocketBroken = "websocket-broken", Some(false);
    /// The server has no room for it now.
    WebSocketBusy = "websocket-busy", None;
    /// The API answers a POST.
    SseWorks = "sse-works", Some(true);
    /// It works, and its events are held back.
    SseBuffered = "sse-buffered", Some(true);
    /// What answers is no Responses endpoint.
    NoEndpoint = "not-a-responses-endpoint", Some(false);
    /// Something that does not look like the API refuses the POST.
    SseRefused = "sse-refused", Some(false);
    /// The POST was not answered.
    SseBlackHoled = "sse-black-holed", Some(false);
    /// The answer breaks.
    SseBroken = "sse-broken", Some(false);
    /// The server, or the gateway before it, fails.
    ServerFailed = "server-failed", None;
    /// The API wants credentials, or other ones.
    Credentials = "credentials-wanted", Some(true);
    /// The API answers, and forbids the request.
    Forbidden = "api-forbids", Some(true);
    /// The name does not resolve.
    NoName = "name-not-resolved", Some(false);
    /// No TCP connection.
    NotConnected = "not-connected", Some(false);
    /// No connection in time.
    ConnectTimeout = "connect-timeout", Some(false);
    /// Nobody who is trusted has issued the certificate.
    UnknownAuthority = "unknown-authority", Some(false);
    /// The certificate is not valid now.
    Expired = "certificate-expired", Some(false);
    /// The certificate is for another name.
    WrongName = "certificate-wrong-name", Some(false);
    /// One side refuses the certificate of the other for another reason.
    CertificateRefused = "certificate-refused", Some(false);
    /// No TLS.
    TlsFailed = "tls-failed", Some(false);
    /// The proxy wants credentials, or other ones.
    ProxyCredentials = "proxy-wants-credentials", Some(false);
    /// The proxy does not go there.
    ProxyRefused = "proxy-refused", Some(false);
    /// What is at the address of the proxy is none.
    NotAProxy = "not-a-proxy", Some(false);
    /// A private authority has issued the certificate, or it seems so.
    PrivateAuthority = "private-authority", None;
    /// `--timeout` came first.
    OutOfTime = "out-of-time", None;
}
