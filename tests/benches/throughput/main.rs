//! What an event costs on its way from the socket to the caller, beside the loops that a user would write instead.
//!
//! Every reader gets the same bytes of the same kind of server, on one thread of its own: that thread's processor time
//! is what counts. Options after `--`: words that a row and its column must have in their names, such as `SSE tokio`, and
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
use crate::measure::Reader;

/// So many rounds, unless the machine is so busy that they would take longer than this.
const ROUNDS: usize = 15;
const AT_MOST: Duration = Duration::from_secs(40);

/// A size of the text that an event brings, and so many events that one response takes some tens of milliseconds.
const SIZES: [(&str, usize, usize); 2] = [("200 bytes", 200, 30_000), ("4 KB", 4096, 6_000)];

/// A kind of stream, and those who read it.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) transport: Transport,
    events: usize,
    pub(crate) readers: Vec<Reader>,
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

    rows.iter_mut().flat_map(|row| &mut row.readers).for_each(Reader::warm_up);
    let begun = Instant::now();
    for round in 0..options.rounds {
        if begun.elapsed() > AT_MOST {
            println!("Stopped after {round} rounds of {}: this machine is busy.", options.rounds);
            break;
        }
        for row in &mut rows {
            // Nobody always comes after the same one.
            let first = round % row.readers.len();
            let (after, before) = row.readers.split_at_mut(first);
            before.iter_mut().chain(after).for_each(|reader| reader.measure(row.events));
        }
    }
    report::print(&rows);
}

fn rows() -> Vec<Row> {
    let streams = [Transport::WebSocket, Transport::Sse].into_iter();
    streams.flat_map(|transport| SIZES.map(|size| row(transport, size))).collect()
}

fn row(transport: Transport, (size, bytes, deltas): (&str, usize, usize)) -> Row {
    let load = load(transport, deltas, bytes);
    let server = server::start(transport, &load);
    let (all, events) = (load.tally, load.tally.events);
    let reader = Reader::new;
    let mut readers = vec![
        reader("ours on tokio", ours::tokio(server), all),
        reader("ours on smol", ours::smol(server), all),
    ];
    readers.extend(match transport {
        Transport::WebSocket => vec![
            reader(report::BARE, bare::frames(server, events), Tally { events, text: 0 }),
            reader(report::BARE_AND_SERDE, bare::frames_and_serde(server, events), all),
        ],
        Transport::Sse => vec![
            reader(report::BARE, bare::body(server), Tally { events: 0, text: load.body }),
            reader(report::BARE_AND_SERDE, bare::body_and_serde(server), all),
            reader(report::REQWEST, bare::reqwest_and_serde(server), all),
        ],
    });
    let name = match transport {
        Transport::WebSocket => format!("WebSocket, {size}"),
        Transport::Sse => format!("SSE, {size}"),
    };
    Row { name, transport, events, readers }
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
