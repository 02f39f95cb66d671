//! What an event costs from the socket to the caller, beside the loops that a user would write.
//!
//! Every reader runs on the same thread and gets the same bytes from a server on another thread. What counts
//! is the processor time of the reader's thread, from its first event to the end of its turn.
//!
//! Options after `--`: words that must all be in the name of a row and its column, such as `SSE tokio`, and
//! `--rounds` with a number.

mod bare;
#[path = "../scenario/delta.rs"]
mod delta;
mod load;
mod measure;
mod ours;
mod report;
mod server;

use std::time::{Duration, Instant};

use failback_peer::Transport;

use crate::load::{Tally, load};
use crate::measure::{Reader, Round};
use crate::server::Server;

/// So many rounds, unless the machine is so busy that they would take longer than this.
const ROUNDS: usize = 101;
const WARM_UPS: usize = 3;
const AT_MOST: Duration = Duration::from_secs(40);

/// The text that an event brings, and so many events that a response is 2 MB long, which socket buffers hold.
const SIZES: [(&str, usize, usize); 2] = [("200 bytes of text", 200, 5000), ("4 KB of text", 4096, 450)];

/// A kind of stream, and those who read it.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) transport: Transport,
    server: Server,
    events: usize,
    pub(crate) readers: Vec<Reader>,
}

impl Row {
    /// Lets everybody read, beginning with the one of this number.
    fn read(&mut self, first: usize, done: impl Fn(&mut Reader, Round)) {
        let first = first % self.readers.len();
        self.readers.rotate_left(first);
        for reader in &mut self.readers {
            let time = reader.read(&self.server, self.events);
            done(reader, time);
        }
        self.readers.rotate_right(first);
    }
}

fn main() {
    let Some(options) = Options::parse() else {
        eprintln!("usage: throughput [--rounds N] [word...]");
        std::process::exit(2);
    };
    let mut rows = rows();
    for row in &mut rows {
        row.readers.retain(|reader| options.names(&format!("{}, {}", row.name, reader.column)));
    }
    rows.retain(|row| !row.readers.is_empty());

    // Connections are made, what does not work is found out, and socket buffers grow.
    for _ in 0..WARM_UPS {
        rows.iter_mut().for_each(|row| row.read(0, |_, _| {}));
    }
    let begun = Instant::now();
    for round in 0..options.rounds {
        if begun.elapsed() > AT_MOST {
            println!("Stopped after {round} rounds of {}: this machine is busy.", options.rounds);
            break;
        }
        // Nobody always comes first.
        rows.iter_mut().for_each(|row| row.read(round, |reader, time| reader.rounds.push(time)));
    }
    report::print(&rows);
}

fn rows() -> Vec<Row> {
    let streams = [Transport::WebSocket, Transport::Sse].into_iter();
    streams.flat_map(|transport| SIZES.map(|size| row(transport, size))).collect()
}

fn row(transport: Transport, (size, bytes, deltas): (&str, usize, usize)) -> Row {
    let load = |response| load(transport, response, deltas, bytes);
    let (first, second) = (load(1), load(2));
    let (all, events, body) = (first.tally, first.tally.events, first.body);
    let server = Server::start(transport, [first, second]);
    let reader = Reader::new;
    let mut readers = vec![
        reader("ours on tokio", ours::tokio(&server), all),
        reader("ours on smol", ours::smol(&server), all),
        reader("ours, blocking", ours::blocking(&server), all),
    ];
    readers.extend(match transport {
        Transport::WebSocket => vec![
            reader(report::BARE, bare::frames(&server, events), Tally { events, text: 0 }),
            reader(report::BARE_AND_SERDE, bare::frames_and_serde(&server, events), all),
        ],
        Transport::Sse => vec![
            reader(report::BARE, bare::body(&server), Tally { events: 0, text: body }),
            reader(report::BARE_AND_SERDE, bare::body_and_serde(&server), all),
            reader(report::REQWEST, bare::reqwest_and_serde(&server), all),
        ],
    });
    let name = match transport {
        Transport::WebSocket => format!("WebSocket, {size}"),
        Transport::Sse => format!("SSE, {size}"),
    };
    Row { name, transport, server, events, readers }
}

struct Options {
    rounds: usize,
    words: Vec<String>,
}

impl Options {
    fn parse() -> Option<Self> {
        // Without `--bench`, which `cargo bench` passes, it is a test of whether everything can be read.
        let is_bench = std::env::args().any(|arg| arg == "--bench");
        let mut options = Self { rounds: if is_bench { ROUNDS } else { 1 }, words: Vec::new() };
        let mut args = std::env::args().skip(1).filter(|arg| arg != "--bench");
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--rounds" => options.rounds = args.next()?.parse().ok().filter(|rounds| *rounds > 0)?,
                option if option.starts_with('-') => return None,
                _ => options.words.push(arg),
            }
        }
        Some(options)
    }

    fn names(&self, name: &str) -> bool {
        self.words.iter().all(|word| name.contains(word.as_str()))
    }
}
