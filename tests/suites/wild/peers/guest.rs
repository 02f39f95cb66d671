//! A client of a server that nobody here wrote.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};

use failback::{GiveUp, Transport};
use failback_client::Error;
use failback_peer::{Handshake, Peer};
use failback_tests::{Adapter, Outcome, Settings, TestClient, adapters, collect};
use failback_wire::{Request, Terminal};

use crate::program::Program;
use crate::table;

/// A client of a program, and what it is called in the table.
pub(super) struct Guest<'a> {
    program: &'a Program,
    adapter: &'a dyn Adapter,
    /// Who refuses its WebSocket, so that it uses SSE.
    refuser: Option<Peer>,
    pub(super) client: Box<dyn TestClient>,
}

impl<'a> Guest<'a> {
    /// With these settings, but for the URLs.
    pub(super) fn new(program: &'a Program, adapter: &'a dyn Adapter, settings: Settings) -> Self {
        let url = format!("http://127.0.0.1:{}/v1", program.port());
        Self { program, adapter, refuser: None, client: adapter.client(Settings { url, ..settings }) }
    }

    /// The same, whose WebSocket is refused by a peer of ours, as this server would accept it anywhere. So it
    /// uses SSE.
    pub(super) fn refused(program: &'a Program, adapter: &'a dyn Adapter, settings: Settings) -> Self {
        let refuser = Peer::start();
        refuser.set_handshake(Handshake::status(404));
        let guest = Self::new(program, adapter, Settings { websocket_url: Some(refuser.url()), ..settings });
        Self { refuser: Some(refuser), ..guest }
    }

    /// One turn.
    pub(super) fn turn(&self, model: &str, input: &str) -> Outcome {
        collect(self.client.stream(Request::text(model, input)))
    }

    /// One turn that completes with this text.
    #[track_caller]
    pub(super) fn expect(&self, model: &str, input: &str, text: &str) -> Outcome {
        let outcome = self.turn(model, input);
        assert!(is_whole(&outcome), "{model} {input}: {outcome:?}\n{}", self.program.output());
        assert_eq!(outcome.text(), text);
        outcome
    }

    /// One turn that completes and had to go over SSE.
    #[track_caller]
    pub(super) fn expect_sse(&self, model: &str, input: &str, text: &str) -> Outcome {
        let outcome = self.expect(model, input, text);
        assert_eq!(outcome.moves().last(), Some(&Transport::Sse), "{outcome:?}");
        outcome
    }

    /// One turn that fails like this.
    #[track_caller]
    pub(super) fn expect_failure(&self, name: &str, model: &str, input: &str, give_up: GiveUp) -> Error {
        let outcome = self.turn(model, input);
        self.note(name, &outcome);
        let error = outcome.error.expect("an error");
        assert_eq!(error.give_up(), give_up, "{name}: {error}");
        error
    }

    /// How many connections it opened, for either transport.
    pub(super) fn connections(&self) -> usize {
        self.client.dialled().len()
    }

    /// Writes a row of the table, where each WebSocket was opened by a handshake that was accepted.
    pub(super) fn note(&self, name: &str, outcome: &Outcome) {
        let (transport, handshakes) = match &self.refuser {
            Some(refuser) => (Transport::Sse, refuser.journal().handshakes()),
            None => (Transport::WebSocket, self.connections()),
        };
        table::note_over(transport, self.program, name, self.adapter, outcome, handshakes);
    }

    /// Writes a row of the table. This many handshakes were seen.
    pub(super) fn note_handshakes(&self, name: &str, outcome: &Outcome, handshakes: usize) {
        table::note(self.program, name, self.adapter, outcome, handshakes);
    }
}

/// Runs what waits much and does little with every adapter at once.
pub(super) fn with_all_at_once(test: fn(&dyn Adapter)) {
    std::thread::scope(|scope| {
        for adapter in adapters() {
            scope.spawn(move || test(adapter));
        }
    });
}

/// Whether the response is complete, begins with its beginning, and has each event once and in order. Not
/// every server numbers its events, and a gateway may number one that it has made itself.
pub(super) fn is_whole(outcome: &Outcome) -> bool {
    let events = outcome.events();
    let numbers: Vec<_> = events.iter().filter_map(|event| event.sequence_number()).collect();
    outcome.error.is_none()
        && events.first().is_some_and(|event| event.kind() == "response.created")
        && events.last().is_some_and(|event| event.terminal() == Some(Terminal::Completed))
        && events.iter().filter(|event| event.terminal().is_some()).count() == 1
        && (numbers.len() < events.len() || numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]))
}

/// Asks a program over HTTP/1.0, without a client. Returns the body of its answer.
pub(super) fn ask(program: &Program, method: &str, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, program.port())).expect("it listens");
    let length = body.len();
    let head = "Host: 127.0.0.1\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length:"
        .to_owned();
    write!(stream, "{method} {path} HTTP/1.0\r\n{head} {length}\r\n\r\n{body}").expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    assert!(head.lines().next().is_some_and(|line| line.contains(" 20")), "{method} {path}: {answer}");
    body.to_owned()
}
