//! What every case does.

use std::time::Duration;

use failback::{GiveUp, Transport};
use failback_client::Error;
use failback_peer::{Handshake, Peer};
use failback_tests::{Adapter, Outcome, Settings, TestClient, collect, until};
use failback_wire::Request;

use crate::program::{Program, Start};
use crate::table;

/// How much longer than it should something may take on a machine that is busy.
pub(crate) const SLACK: Duration = Duration::from_secs(8);

/// Settings for this peer, whose port a configuration names as `@PEER@`, at another URL.
pub(crate) fn at(url: String) -> Settings {
    Settings { url, ..Settings::default() }
}

/// Starts a program before this peer.
pub(crate) fn before(peer: &Peer, start: &Start<'_>) -> Option<Program> {
    let peer = peer.addr().to_string();
    let words = [start.words, &[("@PEER@", peer.as_str())]].concat();
    Start { words: &words, ..*start }.start()
}

/// Starts nginx before this peer, with these files in its folder.
pub(crate) fn nginx(peer: &Peer, configuration: &str, files: &[(&str, &str)]) -> Option<Program> {
    let arguments = &["-p", "@DIR@", "-e", "stderr", "-c", "@CONF@"];
    before(peer, &Start { name: "nginx", arguments, configuration, words: &[], files })
}

/// A client of a program, and what it is called in the table.
pub(crate) struct Case<'a> {
    pub(crate) program: &'a Program,
    pub(crate) peer: &'a Peer,
    pub(crate) adapter: &'a dyn Adapter,
    pub(crate) name: &'a str,
    pub(crate) client: Box<dyn TestClient>,
}

impl<'a> Case<'a> {
    pub(crate) fn new(
        program: &'a Program,
        peer: &'a Peer,
        adapter: &'a dyn Adapter,
        name: &'a str,
        settings: Settings,
    ) -> Self {
        Self { program, peer, adapter, name, client: adapter.client(settings) }
    }

    /// One turn that asks for an echo of `hello`.
    pub(crate) fn turn(&self) -> Outcome {
        collect(self.client.stream(Request::text("m", "hello")))
    }

    /// Writes the row of the table.
    pub(crate) fn note(&self, outcome: &Outcome) {
        table::note(self.program, self.name, self.adapter, outcome, self.handshakes());
    }

    /// The server refuses WebSocket from now on: a turn goes the same way over SSE.
    pub(crate) fn expect_sse_too(&self) {
        self.peer.set_handshake(Handshake::status(403));
        self.client.handle_network_change();
        let outcome = self.expect(Transport::Sse);
        let name = format!("{}; the server refuses the upgrade", self.name);
        table::note(self.program, &name, self.adapter, &outcome, self.handshakes());
    }

    /// How many WebSocket handshakes were seen, by the peer or by the program in front of it.
    pub(crate) fn handshakes(&self) -> usize {
        self.program.answered("GET").max(self.peer.journal().handshakes())
    }

    /// One turn, which completes over this transport.
    #[track_caller]
    pub(crate) fn expect(&self, transport: Transport) -> Outcome {
        let outcome = self.turn();
        assert!(outcome.is_complete(), "{}: {outcome:?}\n{}", self.name, self.program.output());
        assert_eq!(outcome.text(), "echo: hello");
        assert_eq!(self.peer.journal().transports().last(), Some(&transport), "{}", self.peer.journal());
        outcome
    }

    /// One turn, which fails like this, and says these things.
    #[track_caller]
    pub(crate) fn expect_failure(&self, give_up: GiveUp, parts: &[&str]) -> Error {
        let outcome = self.turn();
        self.note(&outcome);
        let error = outcome.error.expect("an error");
        assert_eq!(error.give_up(), give_up, "{error}");
        for part in parts {
            assert!(error.to_string().contains(part), "no `{part}` in: {error}");
        }
        error
    }

    /// This many handshakes were seen, and no more.
    #[track_caller]
    pub(crate) fn expect_handshakes(&self, count: usize) {
        until("the proxy to note the handshakes", || self.handshakes() >= count);
        assert_eq!(self.handshakes(), count, "{}\n{}", self.peer.journal(), self.program.output());
    }
}
