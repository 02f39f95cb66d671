//! URLs: where they lead, and what their errors do not show.

use failback::Transport::{Sse, WebSocket};
use failback_wire::{Endpoint, Headers};

#[test]
fn one_url_gives_both() {
    for (base, websocket, sse) in [
        ("https://h/v1", "wss://h/v1/responses", "https://h/v1/responses"),
        ("wss://h/v1/", "wss://h/v1/responses", "https://h/v1/responses"),
        ("http://h:8080", "ws://h:8080/responses", "http://h:8080/responses"),
        ("ws://h///", "ws://h/responses", "http://h/responses"),
        ("https://h/v1/responses", "wss://h/v1/responses", "https://h/v1/responses"),
        ("https://h/v1/responses/", "wss://h/v1/responses", "https://h/v1/responses"),
        ("https://h/my-responses", "wss://h/my-responses/responses", "https://h/my-responses/responses"),
        ("https://h/v1?a=b&c=d", "wss://h/v1/responses?a=b&c=d", "https://h/v1/responses?a=b&c=d"),
        ("https://h?a=/", "wss://h/responses?a=/", "https://h/responses?a=/"),
        ("https://h/v1?", "wss://h/v1/responses", "https://h/v1/responses"),
        (
            " HTTPS://API.Example.com:443/V1 ",
            "wss://api.example.com/V1/responses",
            "https://api.example.com/V1/responses",
        ),
        (
            "https://[2001:DB8::1]:8443/v1",
            "wss://[2001:db8::1]:8443/v1/responses",
            "https://[2001:db8::1]:8443/v1/responses",
        ),
        ("http://h:80", "ws://h/responses", "http://h/responses"),
        ("http://h:", "ws://h/responses", "http://h/responses"),
        ("http://h:443", "ws://h:443/responses", "http://h:443/responses"),
        ("http://a_b.c-d.:1/%20~", "ws://a_b.c-d.:1/%20~/responses", "http://a_b.c-d.:1/%20~/responses"),
    ] {
        let endpoint = Endpoint::new(base).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(endpoint.target(WebSocket).request_uri(), websocket, "{base}");
        assert_eq!(endpoint.target(Sse).request_uri(), sse, "{base}");
    }
}

#[test]
fn what_a_driver_needs() {
    let endpoint = Endpoint::new("https://[::1]:8443/v1?k=v").expect("valid");
    let target = endpoint.target(Sse);
    assert_eq!((target.host(), target.port(), target.is_tls()), ("::1", 8443, true));
    assert_eq!(target.host_header(), "[::1]:8443");
    assert_eq!(target.path_and_query(), "/v1/responses?k=v");

    let endpoint = Endpoint::new("ws://example.com").expect("valid");
    let target = endpoint.target(WebSocket);
    assert_eq!((target.host(), target.port(), target.is_tls()), ("example.com", 80, false));
    assert_eq!((target.host_header(), target.path_and_query()), ("example.com", "/responses"));
}

#[test]
fn the_websocket_can_be_set_apart() {
    let endpoint =
        Endpoint::new("https://a/v1").and_then(|both| both.with_websocket("http://b:1/ws")).expect("valid");
    assert_eq!(endpoint.target(WebSocket).request_uri(), "ws://b:1/ws/responses");
    assert_eq!(endpoint.target(Sse).request_uri(), "https://a/v1/responses");
}

#[test]
fn bad_urls_are_refused_by_name() {
    for (url, said) in [
        ("", "no scheme"),
        ("localhost:8080/v1", "no scheme in URL `localhost:8080/v1`"),
        ("/v1", "no scheme"),
        ("ftp://h/v1", "unknown scheme in URL `ftp://h/v1`"),
        ("://h", "unknown scheme"),
        ("https:///v1", "no host in URL `https:///v1`: expected e.g. https://host/v1"),
        ("https://", "no host"),
        ("https://:80", "no host"),
        ("https://?a", "no host"),
        ("https://h:0", "bad port"),
        ("https://h:65536", "bad port"),
        ("https://h:+1", "bad port"),
        ("https://h:8o", "bad port"),
        ("https://h:2:3", "bad port"),
        ("https://::1/", "no host"),
        ("https://[::1", "bad host"),
        ("https://[::1]x", "bad port"),
        ("https://[nope]", "bad host"),
        ("https://[fe80::1%eth0]", "bad host"),
        ("https://1.2.3", "bad host"),
        ("https://127.1", "bad host"),
        ("https://256.1.1.1", "bad host"),
        ("https://.h", "bad host"),
        ("https://.", "bad host"),
        ("https://h ost", "bad host"),
        ("https://häus.de", "bad host"),
        ("https://h\\@x", "user name"),
        ("https://h/ä", "character"),
        ("https://h/a b", "character"),
        ("https://h/a\r\nHost: x", "character"),
        ("https://h/v1#top", "fragment"),
        ("https://user@h/v1", "user name or password in URL `https://…@h/v1`"),
    ] {
        let error = Endpoint::new(url).expect_err(url).to_string();
        assert!(error.contains(said), "{url}: {error}");
        assert!(Endpoint::new("https://h").expect("valid").with_websocket(url).is_err());
    }
}

#[test]
fn nothing_shows_a_secret() {
    for url in [
        "https://user:s3cret@h/v1",
        "https://s3cret@h/v1",
        "https://user:s3cret/@h/v1",
        "https://user:p?s3cret@h/v1",
        "https://user:p#s3cret@h/v1",
        "https://user:p@s3cret@h/v1",
        "https://user:s3cret@",
        "user:s3cret@h",
        "s3cret@h://x",
        "https://h:x/?key=s3cret",
        "https://h/v1?key=s3cret#x",
        "https://h/v1#s3cret",
        "ftp://h/v1?s3cret",
        "h?s3cret://x",
    ] {
        let error = Endpoint::new(url).expect_err(url);
        assert!(!error.to_string().contains("s3cret") && !format!("{error:?}").contains("s3cret"), "{error}");
    }
    let endpoint = Endpoint::new("https://h:1/v1?key=s3cret").expect("valid");
    assert_eq!(endpoint.target(Sse).to_string(), "https://h:1/v1/responses?…");
    assert!(!format!("{endpoint:?}").contains("s3cret"));
    let long = Endpoint::new(&format!("https://{}", "ä".repeat(100_000))).expect_err("bad host");
    assert!(long.to_string().len() < 400);
}

#[test]
fn loopback() {
    for (host, expected) in [
        ("localhost", true),
        ("LOCALHOST.", true),
        ("127.0.0.1", true),
        ("127.255.0.9", true),
        ("[::1]", true),
        ("[0:0:0:0:0:0:0:1]", true),
        ("localhost.example.com", false),
        ("127.0.0.1.example.com", false),
        ("128.0.0.1", false),
        ("0.0.0.0", false),
        ("[::2]", false),
        ("10.0.0.1", false),
    ] {
        let endpoint = Endpoint::new(&format!("http://{host}:9/")).expect(host);
        assert_eq!(endpoint.target(Sse).is_loopback(), expected, "{host}");
    }
}

#[test]
fn credentials_do_not_go_over_plain_text() {
    let mut secret = Headers::new();
    secret.bearer("s3cret").expect("valid");
    let mut harmless = Headers::new();
    harmless.insert("x-trace", "1").expect("valid");
    let at = |url: &str| Endpoint::new(url).expect(url);

    for fine in ["https://h", "http://localhost:1", "ws://127.0.0.1", "http://[::1]"] {
        assert_eq!(at(fine).check_credentials(&secret, false), Ok(()), "{fine}");
    }
    assert_eq!(at("http://h").check_credentials(&secret, true), Ok(()));
    assert_eq!(at("http://h").check_credentials(&harmless, false), Ok(()));
    assert_eq!(at("http://h").check_credentials(&Headers::new(), false), Ok(()));

    let error =
        at("http://h?k=s3cret").check_credentials(&secret, false).expect_err("plain text").to_string();
    assert!(error.contains("`authorization`") && error.contains("ws://h/responses?…"), "{error}");
    assert!(!error.contains("s3cret"), "{error}");
    for named in ["api-key", "key", "sig", "Access_Token", "subscription-key"] {
        let error = at(&format!("http://h?api-version=3&{named}=s3cret"))
            .check_credentials(&harmless, false)
            .expect_err("plain text")
            .to_string();
        assert!(error.contains(&format!("query parameter `{}`", named.to_lowercase())), "{error}");
        assert!(!error.contains("s3cret"), "{error}");
    }
    for fine in ["http://h?api-version=3&model=m&key", "https://h?key=s3cret", "http://localhost?key=s3cret"]
    {
        assert_eq!(at(fine).check_credentials(&Headers::new(), false), Ok(()), "{fine}");
    }
    // Either of the two is enough.
    let mixed = at("https://h").with_websocket("ws://h").expect("valid");
    assert!(mixed.check_credentials(&secret, false).is_err());
    let mixed = at("http://h").with_websocket("wss://h").expect("valid");
    assert!(mixed.check_credentials(&secret, false).is_err());
}

#[test]
fn nor_do_those_that_a_provider_will_give() {
    let at = |url: &str| Endpoint::new(url).expect(url);
    for fine in ["https://h", "http://localhost:1", "ws://127.0.0.1", "http://[::1]"] {
        assert_eq!(at(fine).check_provider(false), Ok(()), "{fine}");
    }
    assert_eq!(at("http://h").check_provider(true), Ok(()));
    let error = at("http://h?k=v").check_provider(false).expect_err("plain text").to_string();
    let said =
        "the credentials of the provider would be sent to ws://h/responses?… in plain text: use https or wss";
    assert_eq!(error, said);
    let mixed = at("https://h").with_websocket("ws://h").expect("valid");
    assert!(mixed.check_provider(false).is_err());
}
