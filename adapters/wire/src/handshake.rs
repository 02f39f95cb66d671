use http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_PROTOCOL, UPGRADE,
};
use http::{HeaderMap, HeaderValue};

/// Whether an answer with status 101 opens the WebSocket that was asked for (RFC 6455, section 4.1).
///
/// `accept` is the `Sec-WebSocket-Accept` that belongs to the key of the request. An answer with an extension
/// or a protocol is refused, as the request asks for none.
#[must_use]
pub fn is_upgrade_accepted(headers: &HeaderMap, accept: &str) -> bool {
    let has = |name, token: &str| {
        headers
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .any(|value| value.split(',').any(|part| part.trim().eq_ignore_ascii_case(token)))
    };
    headers.get(SEC_WEBSOCKET_ACCEPT).map(HeaderValue::as_bytes) == Some(accept.as_bytes())
        && has(UPGRADE, "websocket")
        && has(CONNECTION, "upgrade")
        && !headers.contains_key(SEC_WEBSOCKET_EXTENSIONS)
        && !headers.contains_key(SEC_WEBSOCKET_PROTOCOL)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(changes: &[(&'static str, Option<&'static str>)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("sec-websocket-accept", HeaderValue::from_static("right"));
        headers.insert("upgrade", HeaderValue::from_static("WebSocket"));
        headers.insert("connection", HeaderValue::from_static("keep-alive, Upgrade"));
        for (name, value) in changes {
            headers.remove(*name);
            if let Some(value) = value {
                headers.insert(*name, HeaderValue::from_static(value));
            }
        }
        headers
    }

    #[test]
    fn what_opens_a_websocket_says_all_of_it_and_nothing_else() {
        assert!(is_upgrade_accepted(&answer(&[]), "right"));
        for change in [
            ("sec-websocket-accept", Some("wrong")),
            ("sec-websocket-accept", None),
            ("upgrade", Some("h2c")),
            ("upgrade", None),
            ("connection", Some("keep-alive")),
            ("connection", None),
            ("sec-websocket-extensions", Some("permessage-deflate")),
            ("sec-websocket-protocol", Some("chat")),
        ] {
            assert!(!is_upgrade_accepted(&answer(&[change]), "right"), "{change:?}");
        }
    }
}
