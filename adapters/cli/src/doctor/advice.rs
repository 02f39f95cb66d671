//! What people can do. `docs/TROUBLESHOOTING.md` says more.

use super::kind::Kind;

/// One sentence, or nothing where nothing has to be done.
pub(super) fn advice(kind: Kind, has_credentials: bool) -> Option<String> {
    let text = match kind {
        Kind::WebSocketWorks | Kind::SseWorks => return None,
        Kind::WebSocketIdleCut => {
            "Nothing, for turns: they are pinged. Between turns set ping_interval_ms below the time after \
             which it is cut, or have the proxy keep idle connections for longer."
        }
        Kind::WebSocketStripped => {
            "Have the proxy pass the headers Upgrade and Connection on, over HTTP/1.1 (nginx: \
             proxy_http_version 1.1 and two lines of proxy_set_header), or take a road around it \
             (--no-proxy)."
        }
        Kind::WebSocketNotOffered => {
            "Ask the server's documentation whether it has a WebSocket, and at which URL (--ws-url). If it \
             has one here, a proxy strips the upgrade. If it has none, build the client with sse_only."
        }
        Kind::WebSocketRefused => {
            "Have whoever refused it allow WebSocket to this host, or take a road around it (--no-proxy). \
             Turns work over SSE."
        }
        Kind::WebSocketBlackHoled => {
            "Have the firewall or proxy pass WebSocket, or at least refuse it at once. A state file \
             (--state-file) keeps short programs from finding this out each time."
        }
        Kind::WebSocketBroken => {
            "Look for a proxy or a firewall that inspects connections, and have it pass WebSocket through. \
             Turns work as far as SSE does."
        }
        Kind::WebSocketBusy => "Try again later: it is the server that is busy.",
        Kind::SseBuffered => {
            "Have the proxy pass answers on as they come (nginx: proxy_buffering off; off too: \
             compression). Until then text over SSE comes all at once, at the end."
        }
        Kind::NoEndpoint => {
            "Check the URL: it is the base of the API, as in https://api.openai.com/v1, and `/responses` is \
             added to it. If it is right, a portal or a proxy has answered instead: open it in a browser."
        }
        Kind::SseRefused => {
            "Something on the way refuses the request itself: a portal that wants a login, or a proxy with \
             a rule. Open the URL in a browser, and see who answers."
        }
        Kind::SseBlackHoled => {
            "The connection stands, but nobody answers: look for a firewall that swallows requests, or ask \
             who runs the server."
        }
        Kind::SseBroken => "Look for a proxy that changes answers, and have it pass them on as they are.",
        Kind::ServerFailed => "Try again later, or ask who runs the server.",
        Kind::Credentials if has_credentials => "Check the key: the server does not accept it.",
        Kind::Credentials => {
            "Nothing is wrong so far. Name the variable that holds the key (--api-key-env OPENAI_API_KEY) \
             to see whether the upgrade gets through."
        }
        Kind::Forbidden => "Check what the key, the account and the country are allowed.",
        Kind::NoName => {
            "Check the name in the URL, and whether this machine can look names up. Behind a proxy that \
             looks names up itself, set it (HTTPS_PROXY, --proxy)."
        }
        Kind::NotConnected => {
            "Check host and port, and whether the server runs. If direct connections are blocked here, set \
             a proxy (HTTPS_PROXY, --proxy)."
        }
        Kind::ConnectTimeout => {
            "A firewall may drop packets. If this network wants a proxy, set it (HTTPS_PROXY, --proxy)."
        }
        Kind::UnknownAuthority => {
            "If it is the authority of your company, trust it: --ca FILE here, add_root_certificates in the \
             client, or SSL_CERT_FILE for both. If not, somebody reads along."
        }
        Kind::Expired => "Check the clock of this machine; else whoever runs the server has to renew it.",
        Kind::WrongName => "Check the host in the URL, and whether the name leads to the right machine.",
        Kind::CertificateRefused => {
            "If the server wants a certificate of the client, give it one (client_identity); else see what \
             the TLS step says."
        }
        Kind::TlsFailed => {
            "Check that the port speaks TLS (https and not http), and that nothing cuts it off."
        }
        Kind::ProxyCredentials => "Put user:password@ before the host in the URL of the proxy.",
        Kind::ProxyRefused => {
            "Have the proxy allow this host and port, or list the host in NO_PROXY if there is a direct \
             way."
        }
        Kind::NotAProxy => {
            "Check scheme and port of the proxy's URL: http, https, socks5 or socks5h is what it speaks."
        }
        Kind::PrivateAuthority => {
            "If you do not expect a private authority there, look for a proxy that decrypts. It may change \
             what it passes on."
        }
        Kind::OutOfTime => "Give it more time (--timeout).",
    };
    Some(text.to_owned())
}
