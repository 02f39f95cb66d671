//! Keys and tokens found in logs and error texts. What the log is told is looked at in a suite of its own,
//! because a log is for a whole process.

use failback::{Mode, Transport};
use failback_peer::{Handshake, Peer, Turn, What};
use failback_tests::{Adapter, Outcome, Settings, TestClient, collect};
use failback_wire::{Headers, Limits, Request};

with_every_adapter!(
    no_secret_is_shown_when_all_goes_well,
    no_secret_is_shown_when_all_goes_wrong,
    no_secret_is_shown_when_nobody_answers,
    a_key_that_the_server_repeats_is_not_passed_on,
);

const TOKEN: &str = "sk-token-7f3a";
const KEY: &str = "key-value-91c2";
const TRACE: &str = "trace-value-55d0";
const SIGNATURE: &str = "sig-value-e8b4";
const INPUT: &str = "what I have to say";

fn settings(peer: &Peer) -> Settings {
    let mut headers = Headers::new();
    headers.bearer(TOKEN).expect("a token");
    headers.insert("X-Api-Key", KEY).expect("a header");
    headers.insert("X-Trace", TRACE).expect("a header");
    let mut settings = Settings::new(peer).headers(headers);
    settings.url.push_str(&format!("?api-version=3&sig={SIGNATURE}"));
    settings
}

fn expect_no_secret(shown: &str) {
    for secret in [TOKEN, KEY, TRACE, SIGNATURE, INPUT, "api-version"] {
        assert!(!shown.contains(secret), "{secret} is in: {shown}");
    }
}

/// What a turn and its client show of themselves, but for what the server has said.
fn expect_shows_no_secret(client: &dyn TestClient, outcome: &Outcome) {
    expect_no_secret(&client.debug());
    expect_no_secret(&format!("{:?} {:?}", client.policy(), client.snapshot()));
    for notice in outcome.notices() {
        expect_no_secret(&format!("{notice} {notice:?}"));
    }
    let Some(error) = &outcome.error else { return };
    expect_no_secret(&format!("{error} {error:?} {error:#?}"));
    for attempt in error.attempts() {
        expect_no_secret(&format!("{attempt} {attempt:?}"));
    }
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        expect_no_secret(&format!("{error} {error:?}"));
        source = error.source();
    }
}

fn run(client: &dyn TestClient) -> Outcome {
    let request = Request::text("m", INPUT);
    expect_no_secret(&format!("{request:?}"));
    let outcome = collect(client.stream(request));
    expect_shows_no_secret(client, &outcome);
    outcome
}

fn no_secret_is_shown_when_all_goes_well(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.require_bearer(TOKEN);
    let settings = settings(&peer);
    expect_no_secret(&format!("{:?}", settings.headers));
    let client = adapter.client(settings);
    let outcome = run(&*client);
    assert!(outcome.is_complete(), "{outcome:?}");
    client.handle_network_change();
    peer.push_handshake(Handshake::status(403));
    let outcome = run(&*client);
    assert!(outcome.is_complete(), "{outcome:?}");
    assert_eq!(outcome.moves(), [Transport::Sse]);

    // They did arrive, on either transport.
    let journal = peer.journal();
    assert_eq!(journal.transports(), [Transport::WebSocket, Transport::Sse], "{journal}");
    let heads = journal.entries().filter_map(|entry| match &entry.what {
        What::Handshake { headers } | What::Post { headers } => Some(headers),
        _ => None,
    });
    for headers in heads {
        assert!(headers.contains(&("x-trace".to_owned(), TRACE.to_owned())), "{journal}");
    }
    assert!(journal.bad_requests().is_empty(), "{journal}");
}

fn no_secret_is_shown_when_all_goes_wrong(adapter: &dyn Adapter) {
    let handshakes = [
        Handshake::status(401),
        Handshake::status(403),
        Handshake::status(302).header("location", "/elsewhere"),
        Handshake::Reset,
        Handshake::BadAccept,
        Handshake::Garbage(b"not HTTP at all\r\n\r\n".to_vec()),
    ];
    let turns = [
        Turn::status(401),
        Turn::status(404),
        Turn::html(),
        Turn::error(400, "invalid_request", "No."),
        Turn::drop_after(5),
        Turn::after(5).then_payload("data: not JSON\n\n"),
    ];
    for (handshake, turn) in handshakes.into_iter().zip(turns) {
        let peer = Peer::start();
        peer.set_handshake(handshake);
        peer.set_turn(Transport::Sse, turn);
        let config = failback::Config::new().with_stream_max_retries(1);
        let client = adapter.client(settings(&peer).config(config));
        let outcome = run(&*client);
        assert!(outcome.error.is_some(), "{outcome:?}");
        assert_eq!(peer.journal().handshakes(), 1);
    }

    let peer = Peer::start();
    peer.set_turn(Transport::WebSocket, Turn::after(5).then_raw([0xff; 16]));
    let client = adapter.client(settings(&peer));
    let outcome = run(&*client);
    assert!(outcome.error.is_some(), "{outcome:?}");
    assert_eq!(peer.journal().transports(), [Transport::WebSocket]);
}

fn no_secret_is_shown_when_nobody_answers(adapter: &dyn Adapter) {
    let peer = Peer::builder().offline().start();
    let limits = Limits::new().with_connect_timeout(std::time::Duration::from_secs(1));
    let config = failback::Config::new().with_stream_max_retries(1);
    let client = adapter.client(settings(&peer).limits(limits).config(config));
    let outcome = run(&*client);
    let error = outcome.error.as_ref().expect("an error");
    // Where it is that nobody answers may be said.
    assert!(error.to_string().contains(&peer.addr().to_string()), "{error}");
    assert_eq!(client.policy().mode(), Mode::Preferred);
    assert_eq!(peer.journal().connections(), 0);

    // A name that cannot be resolved, and a certificate that nobody vouches for.
    let mut nowhere = settings(&peer);
    nowhere.url = nowhere.url.replace("127.0.0.1", "nobody.invalid").replace("http:", "https:");
    nowhere.config = config;
    assert!(run(&*adapter.client(nowhere)).error.is_some());
    let tls = Peer::builder().tls().start();
    let mut stranger = settings(&tls).config(config);
    stranger.ca_pem = Peer::builder().tls().start().ca_pem().map(str::to_owned);
    let outcome = run(&*adapter.client(stranger));
    let error = outcome.error.as_ref().expect("an error");
    assert!(error.to_string().contains("TLS"), "{error}");
    assert!(tls.journal().transports().is_empty());
}

fn a_key_that_the_server_repeats_is_not_passed_on(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let said = format!("no such key: {TOKEN}, nor {KEY}, nor sig={SIGNATURE}");
    let message = format!(r#"{{"error":{{"code":"invalid_api_key","message":"{said}"}}}}"#);
    let client = adapter.client(settings(&peer));
    peer.push_handshake(Handshake::Status { code: 401, headers: Vec::new(), body: message.clone() });
    peer.push_turn(Transport::Sse, Turn::status(401).body(&message));
    let outcome = run(&*client);
    let error = outcome.error.expect("a refusal");
    for attempt in error.attempts() {
        let shown = "no such key: [redacted], nor [redacted], nor sig=[redacted]";
        assert!(attempt.text().contains(shown), "{error}");
    }

    let journal = peer.journal();
    assert_eq!((journal.handshakes(), journal.requests(Transport::Sse)), (1, 1), "{journal}");
    assert_eq!(journal.refusals(), [401, 401], "{journal}");
}
