//! The headers of a caller: what is a credential, what is refused, and that no value is shown.

use failback_wire::Headers;
use http::{HeaderMap, HeaderName, HeaderValue};

fn credentials(name: &str) -> bool {
    let mut headers = Headers::new();
    headers.insert(name, "x").expect(name);
    headers.has_credentials()
}

#[test]
fn names_say_what_is_a_credential() {
    for name in [
        "Authorization",
        "authorization",
        "Cookie",
        "X-Api-Key",
        "api-key",
        "x-goog-api-key",
        "Ocp-Apim-Subscription-Key",
        "X-Amz-Security-Token",
        "cf-access-client-secret",
    ] {
        assert!(credentials(name), "{name}");
    }
    for name in ["user-agent", "OpenAI-Organization", "x-trace", "traceparent", "Idempotency-Key"] {
        assert!(!credentials(name), "{name}");
    }
    let mut headers = Headers::new();
    headers.insert_credential("x-mine", "x").expect("valid");
    assert!(headers.has_credentials());
}

#[test]
fn what_the_transports_own_is_refused() {
    for name in [
        "Host",
        "connection",
        "Upgrade",
        "Proxy-Authorization",
        "sec-websocket-key",
        "Sec-WebSocket-Protocol",
        "content-length",
        "Transfer-Encoding",
        "content-type",
        "accept",
        "Accept-Encoding",
    ] {
        let error = Headers::new().insert(name, "x").expect_err(name);
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[test]
fn a_later_value_replaces_an_earlier_one() {
    let mut headers = Headers::new();
    headers.insert("a", "1").expect("valid");
    headers.insert("b", "2").expect("valid");
    headers.insert("A", " 3 ").expect("valid");
    let all: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    assert_eq!(all, [("a", &b"3"[..]), ("b", &b"2"[..])]);
    assert!(headers.iter().all(|(_, value)| value.is_sensitive()));
}

#[test]
fn names_and_values_of_http() {
    let mut headers = Headers::new();
    let name = HeaderName::from_static("x-signature");
    headers.insert(&name, HeaderValue::from_static("a b")).expect("valid");
    assert!(!headers.has_credentials());
    let mut sensitive = HeaderValue::from_static("a b");
    sensitive.set_sensitive(true);
    headers.insert(name, &sensitive).expect("valid");
    assert!(headers.has_credentials(), "it is marked as one");

    let mut map = HeaderMap::new();
    map.insert("x-trace", HeaderValue::from_static("7"));
    map.insert("x-signature", sensitive);
    let converted = Headers::try_from(map.clone()).expect("valid");
    assert_eq!(format!("{converted:?}"), r#"["x-trace", "x-signature"]"#);
    assert!(converted.has_credentials());
    map.append("x-trace", HeaderValue::from_static("8"));
    let error = Headers::try_from(map).expect_err("two values");
    assert!(error.to_string().contains("`x-trace`"), "{error}");
    let mut map = HeaderMap::new();
    map.insert("host", HeaderValue::from_static("x"));
    assert!(Headers::try_from(map).expect_err("owned").to_string().contains("`host`"));
    let binary = HeaderValue::from_bytes(b"\xff").expect("valid in http");
    assert!(headers.insert("x", binary).is_err(), "not sent by every stack");
}

#[test]
fn what_one_request_may_have() {
    let mut client = Headers::new();
    client.insert_credential("x-mine", "x").expect("valid");
    client.insert("x-trace", "x").expect("valid");
    let check = |name| {
        let mut headers = Headers::new();
        headers.insert(name, "s3cret").expect("valid");
        headers.check_for_one_request(&client)
    };
    for name in ["traceparent", "Idempotency-Key", "x-trace", "User-Agent"] {
        assert_eq!(check(name), Ok(()), "{name}");
    }
    for name in ["authorization", "cookie", "x-api-key", "x-mine"] {
        let error = check(name).expect_err(name).to_string();
        assert!(error.contains(&format!("`{name}`")) && error.contains("on the client"), "{error}");
        assert!(!error.contains("s3cret"), "{error}");
    }
}

#[test]
fn no_error_and_no_debug_shows_a_value() {
    let mut headers = Headers::new();
    let secret = "s3cret";
    for error in [
        headers.insert("a", format!("{secret}\n{secret}")).expect_err("line break"),
        headers.insert("a", format!("{secret}é")).expect_err("not ASCII"),
        headers.insert("a b", secret).expect_err("not a name"),
        headers.insert("host", secret).expect_err("owned"),
        headers.bearer(&format!("{secret} {secret}")).expect_err("two words"),
        headers.bearer(&format!("{secret}\u{7f}")).expect_err("control"),
        headers.bearer(" \n").expect_err("empty"),
        Headers::parse_line(secret).expect_err("no colon"),
        Headers::parse_line(&format!("a: {secret}\0")).expect_err("control"),
    ] {
        assert!(!error.to_string().contains(secret) && !format!("{error:?}").contains(secret), "{error}");
    }
    headers.bearer(&format!(" {secret}\n")).expect("valid");
    assert!(!format!("{headers:?}").contains(secret));
    assert_eq!(headers.iter().next().map(|(_, value)| value.as_bytes()), Some(&b"Bearer s3cret"[..]));
}

#[test]
fn lines() {
    let (name, value) = Headers::parse_line("X-Url:  http://x:1/ ").expect("valid");
    assert_eq!((name.as_str(), value.as_bytes()), ("x-url", &b"http://x:1/"[..]));
    assert!(value.is_sensitive());
    assert!(Headers::parse_line("").is_err());
    assert!(Headers::parse_line(": x").is_err());
    assert!(Headers::parse_line("accept: x").is_err());
    assert_eq!(Headers::parse_line("empty:").expect("an empty value is valid").1, "");
}

#[test]
fn credentials_that_others_took_the_place_of_are_cut_out_too() {
    let mut old = Headers::new();
    old.bearer("sk-0123456789").expect("valid");
    old.insert("x-trace", "trace-value-55d0").expect("valid");
    let mut new = Headers::new();
    new.bearer("sk-0123456789-and-more").expect("valid");
    new.conceal_credentials(&old);
    let mut newest = Headers::new();
    newest.insert_credential("x-mine", "mine-0123456").expect("valid");
    newest.conceal_credentials(&new);
    newest.extend(Headers::new());
    let said = "sk-0123456789-and-more, sk-0123456789, mine-0123456, trace-value-55d0, sk-0123…";
    let shown = "[redacted], [redacted], [redacted], trace-value-55d0, [redacted]…";
    assert_eq!(newest.redact(said), shown);
    let sent: Vec<_> = newest.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(sent, ["x-mine"], "they are not sent");
}
