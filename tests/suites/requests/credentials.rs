//! A provider is asked for credentials, and what it does befalls nobody else.

use std::error::Error as _;
use std::time::{Duration, Instant};

use failback::{Config, GiveUp, Mode, Transport};
use failback_client::{BuildError, Credentials, Error, ErrorKind, ProviderPanicked};
use failback_peer::{Handshake, Peer, What};
use failback_tests::{Adapter, Failed, Says, Settings, TestProvider, collect, until};
use failback_wire::{HeaderError, Request};

with_every_adapter!(
    it_is_asked_before_each_attempt_but_for_an_open_websocket,
    any_header_is_a_credential_and_takes_the_place_of_the_clients,
    one_that_fails_ends_its_turn_with_its_own_error,
    one_that_fails_costs_no_probe,
    credentials_that_are_not_valid_are_its_error_and_are_not_shown,
    one_that_panics_ends_no_other_turn,
    a_slow_one_ends_with_the_deadline,
    a_slow_one_ends_when_its_turn_is_dropped,
    a_slow_one_holds_nothing_against_websocket,
);

const TOKEN: &str = "token-first-7f3a";

pub(crate) fn hi() -> Request {
    Request::text("m", "hi")
}

/// A client whose attempts are not repeated, so that one that is counted too often ends its turn.
pub(crate) fn settings(peer: &Peer, provider: &TestProvider) -> Settings {
    Settings::new(peer).provider(provider).config(Config::new().with_stream_max_retries(0))
}

/// How a turn ended that its provider has failed.
#[track_caller]
fn expect_failed(error: &Error) {
    assert!(matches!(error.kind(), ErrorKind::Credentials(_)), "{error:?}");
    assert_eq!(error.give_up(), GiveUp::AttemptsExhausted);
    assert!(error.is_retryable() && !error.is_deadline());
    assert!(error.to_string().starts_with("the provider of credentials failed"), "{error}");
}

fn it_is_asked_before_each_attempt_but_for_an_open_websocket(adapter: &dyn Adapter) {
    let (peer, provider) = (Peer::start(), TestProvider::new(&[TOKEN]));
    peer.require_bearer(TOKEN);
    let client = adapter.client(settings(&peer, &provider));
    assert_eq!(provider.asked().len(), 0, "nobody is asked before there is a turn");
    for _ in 0..3 {
        assert!(collect(client.stream(hi())).is_complete());
    }
    assert_eq!((provider.asked().len(), peer.journal().handshakes()), (1, 1), "{}", peer.journal());

    client.close_idle();
    peer.push_handshake(Handshake::status(403));
    let outcome = collect(client.stream(hi()));
    assert!(outcome.is_complete() && outcome.moves() == [Transport::Sse], "{outcome:?}");
    assert_eq!(provider.asked().len(), 3, "for the handshake, and for the POST");
    // Its connection is used again, and its credentials are not.
    assert!(collect(client.stream(hi())).is_complete());
    assert_eq!(provider.asked(), [None, None, None, None], "none was rejected");
    assert_eq!(peer.journal().refusals(), [403], "a 403 is no matter of credentials");
}

fn any_header_is_a_credential_and_takes_the_place_of_the_clients(adapter: &dyn Adapter) {
    let (peer, provider) = (Peer::start(), TestProvider::new(&[TOKEN]));
    let mut settings = settings(&peer, &provider);
    settings.headers.insert("x-tenant", "theirs").expect("a header");
    settings.headers.insert("x-trace", "theirs").expect("a header");
    let client = adapter.client(settings);
    let given = Credentials::header("x-tenant", "mine").and_then(|given| given.and_header("x-more", "too"));
    for handshake in [Handshake::Accept, Handshake::status(403)] {
        client.close_idle();
        peer.push_handshake(handshake);
        provider.push(Says::Credentials(given.clone().expect("headers")));
        provider.push(Says::Credentials(given.clone().expect("headers")));
        let request = hi().with_header("x-more", "the request's").expect("a header");
        assert!(collect(client.stream(request)).is_complete());
        // What this turn had no use for.
        provider.clear();
    }
    let mut heads = 0;
    for entry in peer.journal().entries() {
        let (What::Handshake { headers } | What::Post { headers }) = &entry.what else { continue };
        heads += 1;
        let sent: Vec<_> = headers.iter().filter(|(name, _)| name.starts_with("x-")).collect();
        let value = |name: &str| sent.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
        let values = [value("x-tenant"), value("x-more"), value("x-trace")];
        assert_eq!(values, [Some("mine"), Some("too"), Some("theirs")], "{sent:?}");
        assert_eq!(sent.len(), 3, "{sent:?}");
    }
    assert_eq!(heads, 3);
}

fn one_that_fails_ends_its_turn_with_its_own_error(adapter: &dyn Adapter) {
    let (peer, provider) = (Peer::start(), TestProvider::new(&[TOKEN]));
    peer.require_bearer(TOKEN);
    let client = adapter.client(settings(&peer, &provider));
    provider.push(Says::Fails(Failed("the token server is away".to_owned())));
    let error = collect(client.stream(hi())).error.expect("an error");
    expect_failed(&error);
    let source = error.source().and_then(|source| source.downcast_ref::<Failed>());
    assert_eq!(source, Some(&Failed("the token server is away".to_owned())));
    assert!(error.attempts().is_empty() && peer.journal().connections() == 0, "{error}");
    assert_eq!((client.policy().mode(), client.policy().recoveries_left()), (Mode::Preferred, 3));

    let outcome = collect(client.stream(hi()));
    assert!(outcome.is_complete() && outcome.notices().is_empty(), "{outcome:?}");
}

fn one_that_fails_costs_no_probe(adapter: &dyn Adapter) {
    let (peer, provider) = (Peer::start(), TestProvider::new(&[TOKEN]));
    let client = adapter.client(settings(&peer, &provider));
    peer.push_handshake(Handshake::status(403));
    assert!(collect(client.stream(hi())).is_complete());
    client.advance(Duration::from_secs(3600));
    let before = client.policy().mode();
    for _ in 0..10 {
        provider.push(Says::Fails(Failed("the token server is away".to_owned())));
        expect_failed(&collect(client.stream(hi())).error.expect("an error"));
    }
    assert_eq!((client.policy().mode(), client.policy().recoveries_left()), (before, 3));
    let outcome = collect(client.stream(hi()));
    assert!(outcome.is_complete() && outcome.moves() == [Transport::WebSocket], "{outcome:?}");
}

fn credentials_that_are_not_valid_are_its_error_and_are_not_shown(adapter: &dyn Adapter) {
    let peer = Peer::start();
    for token in ["two secret-words", "", "line\nsecret-break"] {
        let client = adapter.client(settings(&peer, &TestProvider::new(&[token])));
        let error = collect(client.stream(hi())).error.expect("an error");
        expect_failed(&error);
        let source = error.source().expect("the provider's");
        assert!(source.is::<HeaderError>(), "{source}");
        let shown = format!("{error} {error:?} {source} {source:?}");
        assert!(shown.contains("authorization") && !shown.contains("secret-"), "{shown}");
    }
    assert_eq!(peer.journal().connections(), 0);
    let empty = Credentials::header("api-key", "  ").expect_err("nothing in it");
    assert!(empty.to_string().contains("`api-key`, a credential, is empty"), "{empty}");
    assert!(Credentials::header("host", "elsewhere").is_err());
}

fn one_that_panics_ends_no_other_turn(adapter: &dyn Adapter) {
    let (peer, provider) = (Peer::start(), TestProvider::new(&[TOKEN]));
    peer.require_bearer(TOKEN);
    let client = adapter.client(settings(&peer, &provider));
    provider.push(Says::Panics);
    let mut turn = client.stream(hi());
    let error = turn.next().expect("an error").expect_err("an error");
    expect_failed(&error);
    assert!(error.source().is_some_and(|source| source.is::<ProviderPanicked>()), "{error:?}");
    assert!(turn.next().is_none());
    assert!(collect(client.stream(hi())).is_complete());
    assert_eq!(client.policy().mode(), Mode::Preferred);
}

fn a_slow_one_ends_with_the_deadline(adapter: &dyn Adapter) {
    let (peer, provider) = (Peer::start(), TestProvider::new(&[TOKEN]));
    let client = adapter.client(settings(&peer, &provider));
    provider.push(Says::Waits);
    let begun = Instant::now();
    let request = hi().with_deadline(Duration::from_millis(300)).expect("some time");
    let error = collect(client.stream(request)).error.expect("an error");
    assert!(error.is_deadline() && error.attempts().is_empty(), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(12), "{:?}", begun.elapsed());
    assert_eq!((client.policy().mode(), peer.journal().connections()), (Mode::Preferred, 0));
    assert!(collect(client.stream(hi())).is_complete(), "the next turn is not held up");
    provider.release();
    client.close_idle();
    until("the tasks to end", || client.background_tasks() == 0);
}

fn a_slow_one_ends_when_its_turn_is_dropped(adapter: &dyn Adapter) {
    let (peer, provider) = (Peer::start(), TestProvider::new(&[TOKEN]));
    let client = adapter.client(settings(&peer, &provider));
    provider.push(Says::Waits);
    let mut turn = client.stream(hi());
    assert!(turn.next_unless(&|| provider.asked().len() == 1).is_none());
    // Without a runtime, that waits for the thread that reads the turn.
    drop(turn);
    assert_eq!((client.policy().mode(), peer.journal().connections()), (Mode::Preferred, 0));
    assert!(collect(client.stream(hi())).is_complete());
    provider.release();
    let left = client.leave();
    until("the tasks to end", || left() == 0);
}

/// Its time is neither the handshake's nor the probe's.
fn a_slow_one_holds_nothing_against_websocket(adapter: &dyn Adapter) {
    let (peer, provider) = (Peer::start(), TestProvider::new(&[TOKEN]));
    let client = adapter.client(settings(&peer, &provider));
    for handshake in [Handshake::Accept, Handshake::status(403), Handshake::Accept] {
        client.close_idle();
        peer.push_handshake(handshake.clone());
        let before = peer.journal().handshakes();
        provider.push(Says::Waits);
        let waiting = TestProvider::clone(&provider);
        let asked = provider.asked().len();
        let mut turn = client.stream(hi());
        assert!(turn.next_unless(&|| waiting.asked().len() > asked).is_none());
        // More than the head start and the lease of a probe.
        client.advance(Duration::from_secs(120));
        provider.release();
        let outcome = collect(turn);
        assert!(outcome.error.is_none(), "{outcome:?}");
        assert_eq!(peer.journal().handshakes(), before + 1, "{}", peer.journal());
        let is_refused = matches!(handshake, Handshake::Status { .. });
        assert_eq!(client.policy().mode() == Mode::Preferred, !is_refused);
    }
}

#[test]
fn a_client_has_them_from_one_of_both_and_not_over_plain_text() {
    let provide = |_| async { Ok(Credentials::bearer(TOKEN)?) };
    let build = |url: &str| failback_tokio::Client::builder(url).no_proxy();
    let local = "http://127.0.0.1:9/v1";
    let error = build(local).bearer(TOKEN).credentials(provide).build().expect_err("two of them");
    assert!(matches!(error, BuildError::CredentialsTwice), "{error}");
    assert!(error.to_string().contains("`authorization`") && error.source().is_none(), "{error}");
    let error = build(local).header("Authorization", "Basic x").credentials(provide).build();
    assert!(matches!(error, Err(BuildError::CredentialsTwice)));
    // An other key beside it is not the same.
    assert!(build(local).header("x-gateway-key", "other").credentials(provide).build().is_ok());

    let error = build("http://api.test/v1").credentials(provide).build().expect_err("in plain text");
    assert!(matches!(error, BuildError::Plaintext(_)), "{error}");
    let allowed = build("http://api.test/v1").credentials(provide).allow_plaintext_credentials();
    assert!(allowed.build().is_ok());
    let builder = build(local).credentials(provide);
    assert!(format!("{builder:?}").contains("Some(Provider)"), "{builder:?}");
}

/// What `?` makes of other errors, and closures that need no types named.
#[test]
fn closures_and_functions_provide() {
    async fn fetch(request: failback_tokio::CredentialsRequest) -> Result<Credentials, HeaderError> {
        assert!(request.rejected().is_none());
        Credentials::bearer(TOKEN)
    }
    let local = "http://127.0.0.1:9/v1";
    assert!(
        failback_tokio::Client::builder(local)
            .credentials(|r| async move { Ok(fetch(r).await?) })
            .build()
            .is_ok()
    );
    assert!(
        failback_smol::Client::builder(local)
            .credentials(|r| async move { Ok(fetch(r).await?) })
            .build()
            .is_ok()
    );
    let builder = failback_blocking::Client::builder(local).credentials(|request| {
        let name = if request.rejected().is_some() { "NEW_KEY" } else { "KEY" };
        Ok(Credentials::header("api-key", std::env::var(name)?)?)
    });
    assert!(builder.build().is_ok());
}
