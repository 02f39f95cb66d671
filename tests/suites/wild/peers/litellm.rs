//! litellm, from PyPI: a gateway that speaks WebSocket to its clients, here in front of aimock.

use std::time::Duration;

use failback::{Config, Mode};
use failback_tests::{Settings, adapters};
use failback_wire::Headers;

use super::aimock::aimock;
use super::guest::Guest;
use crate::program::Start;

const KEY: &str = "sk-7c1d0a5f9be24e36a8d2f4b07e9163c5d8a4f1b2";

/// All adapters share one.
#[test]
#[ignore = "it takes some 20 seconds to start"]
fn turns_through_the_gateway() {
    let Some(aimock) = aimock(&[]) else { return };
    let litellm = Start {
        name: "litellm",
        arguments: &["--config", "@CONF@.yaml", "--host", "127.0.0.1", "--port", "@PORT@"],
        configuration: "",
        words: &[],
        files: &[(
            "conf.yaml",
            &include_str!("../../../wild/peers/litellm.yaml")
                .replace("@AIMOCK@", &aimock.port().to_string())
                .replace("@KEY@", KEY),
        )],
    };
    let Some(litellm) = litellm.start() else { return };
    let mut headers = Headers::new();
    headers.bearer(KEY).expect("a token");
    let settings =
        || Settings::default().headers(headers.clone()).config(Config::new().with_head_start(Duration::MAX));
    for adapter in adapters() {
        let guest = Guest::new(&litellm, adapter, settings());
        guest.expect("managed", "hello", "echo: hello");
        let outcome = guest.expect("managed", "hello", "echo: hello");
        assert_eq!((guest.connections(), outcome.moves()), (1, vec![]));
        guest.note("answers WebSocket itself, two turns", &outcome);

        // This version gives its own client TLS settings for a URL without TLS, fails, and says so with 1011.
        let guest = Guest::new(&litellm, adapter, settings());
        let outcome = guest.expect_sse("native", "hello", "echo: hello");
        guest.expect("native", "hello", "echo: hello");
        let mode = guest.client.policy().mode();
        assert!(matches!(mode, Mode::FailedOver { .. }), "{mode:?}");
        // One connection is for SSE.
        guest.note_handshakes("closes each WebSocket with 1011", &outcome, guest.connections() - 1);
    }
}
