//! squid and tinyproxy on the way out.

use failback::Transport::WebSocket;
use failback::{GiveUp, Mode};
use failback_peer::Peer;
use failback_tests::{Adapter, Settings};
use std::process::Command;

use crate::case::Case;
use crate::program::{Program, Start};

with_every_adapter!(
    squid_that_lets_it_through,
    squid_that_does_not_allow_the_port,
    squid_that_wants_a_password,
    tinyproxy_that_lets_it_through,
    tinyproxy_that_does_not_allow_the_port,
    tinyproxy_that_wants_a_password,
);

/// Where Debian has the program that checks passwords for squid.
const CHECKER: &str = "/usr/lib/squid/basic_ncsa_auth";
/// `open sesame`, as `openssl passwd -apr1` hashes it.
const USERS: &str = "aladdin:@HASH@\n";

pub(crate) fn squid(allowed_port: u16, is_password_wanted: bool) -> Option<Program> {
    let auth = format!(
        "auth_param basic program {CHECKER} @DIR@/users\nauth_param basic realm squid\n\
         acl known proxy_auth REQUIRED"
    );
    let hash = if is_password_wanted { hash("open sesame")? } else { String::new() };
    Start {
        name: "squid",
        arguments: &["-N", "-f", "@CONF@"],
        configuration: include_str!("../../wild/squid.conf"),
        words: &[
            ("@PEER_PORT@", &allowed_port.to_string()),
            ("@AUTH@", if is_password_wanted { &auth } else { "" }),
            ("@WHO@", if is_password_wanted { "known" } else { "" }),
        ],
        files: &[("users", &USERS.replace("@HASH@", &hash))],
    }
    .start()
}

/// A password, hashed as squid's program wants it.
fn hash(password: &str) -> Option<String> {
    let hashed = Command::new("openssl").args(["passwd", "-apr1", password]).output();
    match hashed {
        Ok(hashed) => Some(String::from_utf8_lossy(&hashed.stdout).trim().to_owned()),
        Err(error) => {
            eprintln!("SKIPPED: openssl does not run: {error}");
            None
        }
    }
}

pub(crate) fn tinyproxy(allowed_port: u16, is_password_wanted: bool) -> Option<Program> {
    Start {
        name: "tinyproxy",
        arguments: &["-d", "-c", "@CONF@"],
        configuration: include_str!("../../wild/tinyproxy.conf"),
        words: &[
            ("@ALLOWED_PORT@", &allowed_port.to_string()),
            ("@AUTH@", if is_password_wanted { "BasicAuth aladdin sesame" } else { "" }),
        ],
        files: &[],
    }
    .start()
}

/// Settings for the peer, by way of the proxy.
fn through(peer: &Peer, proxy: &Program, credentials: &str) -> Settings {
    let mut settings = Settings::new(peer);
    settings.proxy = Some(format!("http://{credentials}127.0.0.1:{}", proxy.port()));
    settings
}

/// Both transports go through it.
fn lets_through(proxy: &Program, peer: &Peer, adapter: &dyn Adapter, name: &str, credentials: &str) {
    let case = Case::new(proxy, peer, adapter, name, through(peer, proxy, credentials));
    case.note(&case.expect(WebSocket));
    case.expect_handshakes(1);
    case.expect_sse_too();
}

/// It is asked once for each transport, as it would say the same again.
fn refuses(proxy: &Program, peer: &Peer, adapter: &dyn Adapter) {
    let case = Case::new(proxy, peer, adapter, "CONNECT answered 403", through(peer, proxy, ""));
    let parts = ["the proxy refused to connect", "403", "have it allow this host"];
    let error = case.expect_failure(GiveUp::NotRetryable, &parts);
    assert_eq!(error.attempts().len(), 2, "{error}");
    assert_eq!(case.client.policy().mode(), Mode::Preferred);
    assert_eq!(peer.journal().connections(), 0, "{}", peer.journal());
}

/// It is asked once: the other transport would need the same password.
fn wants_a_password(proxy: &Program, peer: &Peer, adapter: &dyn Adapter, name: &str, credentials: &str) {
    let case = Case::new(proxy, peer, adapter, name, through(peer, proxy, credentials));
    let error =
        case.expect_failure(GiveUp::NotRetryable, &["the proxy", "give its URL a user name and a password"]);
    assert_eq!(error.attempts().len(), 1, "{error}");
    assert!(!error.to_string().contains("wrongwrong"), "{error}");
    assert_eq!(case.client.policy().mode(), Mode::Preferred);
    assert_eq!(peer.journal().connections(), 0, "{}", peer.journal());
}

fn squid_that_lets_it_through(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let Some(squid) = squid(peer.addr().port(), false) else { return };
    lets_through(&squid, &peer, adapter, "CONNECT allowed", "");
}

fn squid_that_does_not_allow_the_port(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let Some(squid) = squid(1, false) else { return };
    refuses(&squid, &peer, adapter);
}

fn squid_that_wants_a_password(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let Some(squid) = squid(peer.addr().port(), true) else { return };
    wants_a_password(&squid, &peer, adapter, "no password", "");
    wants_a_password(&squid, &peer, adapter, "wrong password", "aladdin:wrongwrong@");
    lets_through(&squid, &peer, adapter, "right password", "aladdin:open%20sesame@");
}

fn tinyproxy_that_lets_it_through(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let Some(tinyproxy) = tinyproxy(peer.addr().port(), false) else { return };
    lets_through(&tinyproxy, &peer, adapter, "CONNECT allowed", "");
}

fn tinyproxy_that_does_not_allow_the_port(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let Some(tinyproxy) = tinyproxy(1, false) else { return };
    refuses(&tinyproxy, &peer, adapter);
}

fn tinyproxy_that_wants_a_password(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let Some(tinyproxy) = tinyproxy(peer.addr().port(), true) else { return };
    wants_a_password(&tinyproxy, &peer, adapter, "no password", "");
    wants_a_password(&tinyproxy, &peer, adapter, "wrong password", "aladdin:wrongwrong@");
    lets_through(&tinyproxy, &peer, adapter, "right password", "aladdin:sesame@");
}
