//! Many streams through one client, and many clients in one process: memory, times, and how long the lock
//! that all turns share is waited for, beside what a user would write without a client.
//!
//! Each row is measured in a process of its own, and its server in another one. What counts as memory is what
//! is allocated (heap), and what the process has of the machine's memory (resident), each for one stream or
//! one client. Options after `--`: words that must all be in the name of a row, `--streams` and `--clients`
//! with a number.

mod clients;
mod crowd;
#[path = "../scenario/delta.rs"]
mod delta;
mod limits;
#[path = "../throughput/load.rs"]
#[allow(dead_code, reason = "another benchmark wants the length of an answer too")]
mod load;
mod memory;
mod server;
mod streams;

use std::process::Command;

use failback_peer::Transport::{Sse, WebSocket};

use crate::crowd::Measured;

/// A stream of the adapter without a runtime has a thread of its own.
const THREADS: usize = 1_000;
/// Files that are no connection: of a runtime, and those that every process has.
const OTHER_FILES: usize = 64;

/// The name of a row, and how so many are measured.
type Row<M> = (&'static str, fn(usize) -> M);

const STREAMS: [Row<Measured>; 8] = [
    ("WebSocket, ours on tokio", |count| streams::tokio(WebSocket, count)),
    ("WebSocket, ours on smol", |count| streams::smol(WebSocket, count)),
    ("WebSocket, ours, blocking", |count| streams::blocking(WebSocket, count)),
    ("WebSocket, tokio-tungstenite", streams::frames),
    ("SSE, ours on tokio", |count| streams::tokio(Sse, count)),
    ("SSE, ours on smol", |count| streams::smol(Sse, count)),
    ("SSE, ours, blocking", |count| streams::blocking(Sse, count)),
    ("SSE, reqwest, eventsource-stream", streams::reqwest),
];

const CLIENTS: [Row<clients::Measured>; 8] = [
    ("client, WebSocket, ours on tokio", |count| clients::tokio(WebSocket, count)),
    ("client, WebSocket, ours on smol", |count| clients::smol(WebSocket, count)),
    ("client, WebSocket, ours, blocking", |count| clients::blocking(WebSocket, count)),
    ("client, SSE, ours on tokio", |count| clients::tokio(Sse, count)),
    ("client, SSE, ours on smol", |count| clients::smol(Sse, count)),
    ("client, SSE, ours, blocking", |count| clients::blocking(Sse, count)),
    ("client, SSE, reqwest", clients::reqwest),
    ("client, https, ours on tokio", clients::with_tls),
];

fn main() {
    let Some(options) = Options::parse() else {
        eprintln!("usage: many [--streams N] [--clients N] [word...]");
        std::process::exit(2);
    };
    if options.server {
        return server::run();
    }
    if let Some(row) = &options.row {
        limits::raise();
        return print_row(row, &options);
    }
    let files = usize::try_from(limits::raise()).unwrap_or(usize::MAX);
    let connections = files.saturating_sub(OTHER_FILES);
    let (streams, clients) = (options.streams.min(connections), options.clients.min(connections / 2));
    if (streams, clients) != (options.streams, options.clients) {
        println!("This process may open {files} files: {streams} streams, and {clients} clients.");
    }
    print_all("streams at once through one client; a stream:", &STREAMS.map(|row| row.0), streams, &options);
    print_all("clients in one process; a client:", &CLIENTS.map(|row| row.0), clients, &options);
}

fn print_all(title: &str, names: &[&str], count: usize, options: &Options) {
    let names: Vec<&&str> = names.iter().filter(|name| options.names(name)).collect();
    if names.is_empty() {
        return;
    }
    println!("\n{count} {title}");
    for name in names {
        let program = std::env::current_exe().expect("a program");
        let counts = [format!("--streams={count}"), format!("--clients={count}")];
        let status = Command::new(program).arg("--row").arg(name).args(counts).status();
        assert!(status.expect("another process").success(), "{name} failed");
    }
}

fn print_row(name: &str, options: &Options) {
    if let Some((_, measure)) = STREAMS.iter().find(|row| row.0 == name) {
        let count = options.streams.min(if name.contains("blocking") { THREADS } else { usize::MAX });
        let Measured { memory, opened, finished, waits } = measure(count);
        print!("  {name:<33}{}", kib("heap", memory.heap, count));
        print!("{}", kib("resident", memory.resident, count));
        print!("  opened {:>5.2} s, finished {:>4.0} ms", opened.as_secs_f64(), finished.as_secs_f64() * 1e3);
        println!("{}", if count < options.streams { format!(", of {count}") } else { String::new() });
        if let Some(waits) = waits {
            println!(
                "      the policy's lock was waited for {:?} at most in 99.9 % of {} samples, {:?} in all; \
                 nobody's {:?}, {:?}",
                waits.policy, waits.samples, waits.policy_longest, waits.nobodys, waits.nobodys_longest,
            );
        }
    } else if let Some((_, measure)) = CLIENTS.iter().find(|row| row.0 == name) {
        let count = options.clients;
        let clients::Measured { built, idle, connected } = measure(count);
        print!("  {name:<33} built in {:>7.1} us;", built.as_secs_f64() * 1e6 / count as f64);
        print!(" idle{}{}", kib("heap", idle.heap, count), kib("resident", idle.resident, count));
        if let Some(memory) = connected {
            print!("; connected{}", kib("heap", memory.heap, count));
            print!("{}", kib("resident", memory.resident, count));
        }
        println!();
    }
}

fn kib(what: &str, bytes: usize, count: usize) -> String {
    format!("  {what} {:>6.1} KiB", bytes as f64 / 1024.0 / count as f64)
}

struct Options {
    streams: usize,
    clients: usize,
    server: bool,
    row: Option<String>,
    words: Vec<String>,
}

impl Options {
    fn parse() -> Option<Self> {
        // Without `--bench`, which `cargo bench` passes, it is a test of whether everything can be measured.
        let is_bench = std::env::args().any(|arg| arg == "--bench");
        let (streams, clients) = if is_bench { (5_000, 1_000) } else { (20, 5) };
        let mut options = Self { streams, clients, server: false, row: None, words: Vec::new() };
        let mut args = std::env::args().skip(1).filter(|arg| arg != "--bench");
        while let Some(arg) = args.next() {
            let (name, mut value) = match arg.split_once('=') {
                Some((name, value)) if arg.starts_with("--") => (name, Some(value.to_owned())),
                _ => (arg.as_str(), None),
            };
            let mut value = || value.take().or_else(|| args.next());
            let number = |value: Option<String>| value?.parse().ok().filter(|number: &usize| *number > 0);
            match name {
                "--streams" => options.streams = number(value())?,
                "--clients" => options.clients = number(value())?,
                "--row" => options.row = Some(value()?),
                "--server" => options.server = true,
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
