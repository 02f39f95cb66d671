//! A SOCKS5 server on the way out.

use failback::Transport::WebSocket;
use failback::{GiveUp, Mode};
use failback_peer::Peer;
use failback_tests::{Adapter, Settings};

use crate::case::Case;
use crate::program::{Program, Start};

with_every_adapter!(microsocks_that_lets_it_through, microsocks_that_wants_a_password);

pub(crate) fn microsocks(arguments: &[&str]) -> Option<Program> {
    Start {
        name: "microsocks",
        arguments: &[&["-i", "127.0.0.1", "-p", "@PORT@"], arguments].concat(),
        configuration: "",
        words: &[],
        files: &[],
    }
    .start()
}

fn through(peer: &Peer, proxy: &Program, scheme: &str, credentials: &str) -> Settings {
    let mut settings = Settings::new(peer);
    settings.proxy = Some(format!("{scheme}://{credentials}127.0.0.1:{}", proxy.port()));
    settings
}

/// Both transports go through it.
fn lets_through(proxy: &Program, adapter: &dyn Adapter, scheme: &str, credentials: &str, name: &str) {
    let peer = Peer::start();
    let name = format!("{scheme}, {name}");
    let case = Case::new(proxy, &peer, adapter, &name, through(&peer, proxy, scheme, credentials));
    case.note(&case.expect(WebSocket));
    case.expect_handshakes(1);
    case.expect_sse_too();
}

fn microsocks_that_lets_it_through(adapter: &dyn Adapter) {
    let Some(microsocks) = microsocks(&[]) else { return };
    for scheme in ["socks5", "socks5h"] {
        lets_through(&microsocks, adapter, scheme, "", "no password wanted");
    }
}

fn microsocks_that_wants_a_password(adapter: &dyn Adapter) {
    let Some(microsocks) = microsocks(&["-u", "aladdin", "-P", "sesame"]) else { return };
    for scheme in ["socks5", "socks5h"] {
        lets_through(&microsocks, adapter, scheme, "aladdin:sesame@", "right password");
        for (credentials, name) in [("", "no password"), ("aladdin:wrongwrong@", "wrong password")] {
            let peer = Peer::start();
            let name = format!("{scheme}, {name}");
            let settings = through(&peer, &microsocks, scheme, credentials);
            let case = Case::new(&microsocks, &peer, adapter, &name, settings);
            let error = case.expect_failure(GiveUp::NotRetryable, &["the proxy"]);
            assert_eq!(error.attempts().len(), 1, "{error}");
            assert!(!error.to_string().contains("wrongwrong"), "{error}");
            assert_eq!(case.client.policy().mode(), Mode::Preferred);
            assert_eq!(peer.journal().connections(), 0, "{}", peer.journal());
        }
    }
}
