//! Many turns through one client, with faults drawn from a seed that is printed: every turn ends, each that
//! completes has its own text, WebSocket is not left while it works, nothing is held that was not held after
//! the first turns, and what the client has recorded is decided again.
//!
//! `FAILBACK_SOAK_TURNS` is how many turns each adapter makes, by default 1,500; `FAILBACK_SOAK_SEED` repeats
//! a run. One test, as it counts what the whole process has.
#![cfg(target_os = "linux")]

mod held;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use failback::Transport::{Sse, WebSocket};
use failback::{Change, Config, Mode, Transport};
use failback_client::Error;
use failback_peer::{Handshake, Peer, Turn};
use failback_tests::{Adapter, Dice, Outcome, Settings, TestClient, Trace, adapters, collect, until};
use failback_vector::Vector;
use failback_wire::{Limits, Request};

use crate::held::Held;

/// How many turns are made between two restarts of the server.
const PHASE: u64 = 100;
/// Until when what is held may still grow.
const WARM_TURNS: u64 = 600;
/// No turn may take longer: none of the faults does.
const DEADLINE: Duration = Duration::from_secs(60);
/// How much more memory the process may have in the end: what allocators keep, and what the journal of the
/// peer may take.
const MEMORY_SLACK: u64 = 24 * 1024 * 1024;

/// How many sockets may wait to be closed: a runtime that stands still closes them while a turn is read.
const SOCKETS_SLACK: usize = 8;

#[test]
fn a_client_lives_through_anything() {
    let turns = variable("FAILBACK_SOAK_TURNS").unwrap_or(1_500);
    let seed = variable("FAILBACK_SOAK_SEED").unwrap_or_else(failback::random_seed);
    for adapter in adapters() {
        // One whose background work goes on, and one whose runtime stands still between two items.
        for stands_still in [false, true] {
            let _told = Told(format!("FAILBACK_SOAK_SEED={seed}, {} {stands_still}", adapter.name()));
            Soak::new(adapter, seed, stands_still).run(turns / 2);
        }
    }
}

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().expect("a number"))
}

/// Says how to repeat the run if it fails.
struct Told(String);

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("to repeat it: {}", self.0);
        }
    }
}

#[derive(Default, Debug)]
struct Counts {
    completed: u64,
    ended: u64,
    failed: u64,
    cancelled: u64,
    convictions: usize,
    returns: u64,
}

struct Soak<'a> {
    adapter: &'a dyn Adapter,
    stands_still: bool,
    peer: Peer,
    client: Box<dyn TestClient>,
    /// What it records.
    trace: PathBuf,
    dice: Dice,
    turn: u64,
    counts: Counts,
    /// Every time that WebSocket was convicted.
    convicted: Arc<Mutex<Vec<Change>>>,
}

impl<'a> Soak<'a> {
    fn new(adapter: &'a dyn Adapter, seed: u64, stands_still: bool) -> Self {
        let peer = Peer::start();
        let config = Config::new()
            .with_backoff(Duration::from_millis(1))
            .with_backoff_max(Duration::from_millis(4))
            // No handshake is left because the machine is busy.
            .with_head_start(Duration::from_secs(20));
        let limits = Limits::new().with_first_event_timeout(Duration::from_secs(20));
        let trace = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("soak-{}.trace", adapter.name()));
        let file = File::create(&trace).expect("a file");
        let settings = Settings::new(&peer).config(config).limits(limits).deadline(DEADLINE).seed(seed);
        let settings = settings.record(&Trace::in_file(file));
        let client = match stands_still {
            true => adapter.client_that_stands_still(settings),
            false => adapter.client(settings),
        };
        let convicted: Arc<Mutex<Vec<Change>>> = Arc::default();
        let list = Arc::clone(&convicted);
        client.policy().on_change(move |change| {
            if matches!(change.to, Mode::FailedOver { .. } | Mode::Pinned) {
                list.lock().expect("no panic").push(change);
            }
        });
        let dice = Dice::new(seed);
        let counts = Counts::default();
        Self { adapter, stands_still, peer, client, trace, dice, turn: 0, counts, convicted }
    }

    fn run(mut self, turns: u64) {
        let mut first: Option<(Held, u64)> = None;
        while self.turn < turns {
            self.while_it_works();
            self.while_it_is_broken();
            self.restart();
            if first.is_none() && self.turn >= WARM_TURNS.min(turns / 2) {
                first = Some(self.holds());
            }
        }
        let (held, memory) = first.expect("more turns than the first ones");
        let (then_held, then_memory) = self.holds();
        let kind = if self.stands_still { "stands still" } else { "goes on" };
        println!(
            "{} {kind}: {} turns, {:?}; sockets {} then {}, threads {} then {}, other files {} then {}, \
             memory {} then {} KiB",
            self.adapter.name(),
            self.turn,
            self.counts,
            held.sockets.len(),
            then_held.sockets.len(),
            held.threads.len(),
            then_held.threads.len(),
            held.others,
            then_held.others,
            memory / 1024,
            then_memory / 1024,
        );
        self.wait_for_sockets(held.sockets.len() + SOCKETS_SLACK);
        until("no more threads than after the first turns", || {
            Held::now().threads.len() <= held.threads.len()
        });
        until("no more files than after the first turns", || Held::now().others <= held.others);
        assert!(then_memory <= memory + MEMORY_SLACK, "{memory} bytes, then {then_memory}");
        self.decide_again();
    }

    /// Whatever happened, from what was recorded the same follows.
    fn decide_again(&self) {
        let text = fs::read_to_string(&self.trace).expect("a trace");
        let vector = Vector::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", self.trace.display()));
        let ran = vector.run(|report| {
            assert!(report.mismatches.is_empty(), "{}: {report:?}", self.trace.display());
        });
        ran.unwrap_or_else(|error| panic!("{}: {error}", self.trace.display()));
        assert!(vector.len() as u64 > 2 * self.turn && vector.cut_off().is_none());
    }

    /// What the process holds when no turn is under way.
    fn holds(&self) -> (Held, u64) {
        self.client.close_idle();
        until("connections to close", || self.peer.journal().open_connections() == 0);
        let pages = std::fs::read_to_string("/proc/self/statm").expect("what Linux tells");
        let pages: u64 = pages.split_whitespace().nth(1).expect("a number").parse().expect("a number");
        (Held::now(), pages * 4096)
    }

    /// Waits until the process has no more sockets than this.
    fn wait_for_sockets(&mut self, count: usize) {
        for _ in 0..20 {
            if Held::now().sockets.len() <= count {
                return;
            }
            self.good_turn();
            self.client.close_idle();
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("{} sockets instead of {count}", Held::now().sockets.len());
    }

    /// The server goes away and comes back, and with it its journal.
    fn restart(&mut self) {
        let port = self.peer.addr().port();
        self.peer.shut_down();
        self.peer = Peer::builder().port(port).start();
    }
}

/// Turns.
impl Soak<'_> {
    fn request(&mut self) -> (String, Request) {
        self.turn += 1;
        let size = if self.dice.below(10) == 0 { self.dice.below(300_000) } else { self.dice.below(100) };
        let text = format!("{} {}", self.turn, "x".repeat(usize::try_from(size).expect("a small number")));
        let request = Request::text("m", &text);
        (text, request)
    }

    /// A turn to its end. Its text, if it completes, is its own.
    fn turn(&mut self) -> Outcome {
        let (text, request) = self.request();
        let outcome = collect(self.client.stream(request));
        self.judge(&text, &outcome);
        outcome
    }

    fn judge(&mut self, text: &str, outcome: &Outcome) {
        match &outcome.error {
            None if outcome.is_complete() => {
                assert_eq!(outcome.text(), format!("echo: {text}"));
                self.counts.completed += 1;
            }
            None => {
                let last = outcome.events().last().map(|event| event.kind().to_owned());
                let ends = ["response.incomplete", "response.failed"];
                assert!(last.as_deref().is_some_and(|last| ends.contains(&last)), "{outcome:?}");
                assert!(format!("echo: {text}").starts_with(&outcome.text()), "{outcome:?}");
                self.counts.ended += 1;
            }
            Some(error) => {
                assert!(!error.is_deadline(), "it did not end by itself: {error}");
                self.counts.failed += 1;
            }
        }
    }

    /// A turn that must complete.
    fn good_turn(&mut self) {
        let outcome = self.turn();
        assert!(outcome.error.is_none(), "turn {}: {outcome:?}\n{}", self.turn, self.peer.journal());
    }

    /// A turn that is dropped after some items, or before the first.
    fn cancelled_turn(&mut self) {
        let (_, request) = self.request();
        let items = self.dice.below(6);
        let mut turn = self.client.stream(request);
        for _ in 0..items {
            match turn.next() {
                Some(Ok(_)) => {}
                Some(Err(error)) => return self.lost(&error),
                None => break,
            }
        }
        self.counts.cancelled += 1;
    }

    fn lost(&mut self, error: &Error) {
        assert!(!error.is_deadline(), "it did not end by itself: {error}");
        self.counts.failed += 1;
    }

    /// A turn whose caller stops for a while, and its runtime too if that is the caller's.
    fn slow_turn(&mut self) {
        let (text, request) = self.request();
        let mut turn = self.client.stream(request);
        let before = self.dice.below(4);
        let mut outcome = Outcome { items: Vec::new(), error: None };
        while let Some(item) = turn.next() {
            match item {
                Ok(item) => outcome.items.push((Duration::ZERO, item)),
                Err(error) => outcome.error = Some(error),
            }
            if outcome.items.len() as u64 == before {
                std::thread::sleep(self.dice.millis(30));
            }
        }
        drop(turn);
        self.judge(&text, &outcome);
    }

    /// Some turns at once.
    fn turns_at_once(&mut self) {
        let requests: Vec<_> = (0..3).map(|_| self.request()).collect();
        let client = &self.client;
        let outcomes: Vec<_> = std::thread::scope(|scope| {
            let running = requests
                .into_iter()
                .map(|(text, request)| scope.spawn(move || (text, collect(client.stream(request)))));
            let running: Vec<_> = running.collect();
            running.into_iter().map(|turn| turn.join().expect("a turn")).collect()
        });
        for (text, outcome) in outcomes {
            self.judge(&text, &outcome);
        }
    }
}

/// Phases.
impl Soak<'_> {
    /// Nothing that happens here is evidence against WebSocket.
    fn while_it_works(&mut self) {
        self.peer.clear_pushed();
        self.client.handle_network_change();
        self.convicted.lock().expect("no panic").clear();
        let end = self.turn + PHASE;
        while self.turn < end {
            match self.dice.below(40) {
                0..=3 => self.cancelled_turn(),
                4 => self.peer.close_connections(1001),
                5 => self.peer.close_connections(1012),
                6 => self.peer.drop_connections(),
                7 => self.client.handle_network_change(),
                8 => {
                    let by = self.dice.below(90_000);
                    self.client.advance(Duration::from_millis(by));
                }
                9 if self.dice.below(4) == 0 => self.client.advance(Duration::from_secs(3_600)),
                10 => self.peer.push_turn(WebSocket, Turn::connection_limit_after(0)),
                11 if !self.stands_still => self.turns_at_once(),
                12 => self.slow_turn(),
                13 if self.dice.below(8) == 0 => {
                    self.peer.stop_listening();
                    self.peer.drop_connections();
                    // Neither transport works. The turn may find the socket before it ends, and fail on it.
                    self.turn();
                    self.peer.listen_again();
                }
                14 => self.client.close_idle(),
                _ => self.good_turn(),
            }
            let convicted = self.convicted.lock().expect("no panic");
            assert!(convicted.is_empty(), "turn {}: {convicted:?}\n{}", self.turn, self.peer.journal());
        }
    }

    /// Either transport fails in many ways. Afterwards WebSocket works, and is used again.
    fn while_it_is_broken(&mut self) {
        let end = self.turn + PHASE;
        while self.turn < end {
            let peer = self.peer.clone();
            match self.dice.below(24) {
                0 => peer.push_handshake(Handshake::status(403)),
                1 => peer.push_handshake(Handshake::status(503).header("retry-after", "0")),
                2 => peer.push_handshake(Handshake::Reset),
                3 => peer.push_handshake(Handshake::AcceptThenClose { code: 1011 }),
                4 => peer.push_handshake(Handshake::BadAccept),
                5..=14 => {
                    let transport = if self.dice.below(3) == 0 { Sse } else { WebSocket };
                    let fault = self.fault(transport);
                    peer.push_turn(transport, fault);
                }
                15 => self.client.advance(Duration::from_secs(30)),
                16 => peer.drop_connections(),
                17 => self.cancelled_turn(),
                18 => self.slow_turn(),
                19 if !self.stands_still => self.turns_at_once(),
                _ => drop(self.turn()),
            }
        }
        self.peer.clear_pushed();
        self.counts.convictions += self.convicted.lock().expect("no panic").len();
        if self.client.policy().mode() == Mode::Pinned {
            self.client.handle_network_change();
        }
        // It comes back by itself: at the latest with the first turns after the longest cooldown.
        self.client.advance(Duration::from_secs(30 * 60));
        self.good_turns_until_preferred();
    }

    fn good_turns_until_preferred(&mut self) {
        for _ in 0..8 {
            self.good_turn();
            if self.client.policy().mode() == Mode::Preferred {
                self.counts.returns += 1;
                return;
            }
        }
        panic!("turn {}: it does not come back: {:?}", self.turn, self.client.policy().status());
    }

    fn fault(&mut self, transport: Transport) -> Turn {
        let count = usize::try_from(self.dice.below(8)).expect("a small number");
        match self.dice.below(14) {
            0 | 1 => Turn::drop_after(count),
            2 | 3 => Turn::reset_after(count),
            4 => Turn::close_after(count, 1011),
            5 => Turn::close_after(count, 1009),
            6 => Turn::connection_limit_after(count),
            7 => Turn::error(429, "rate_limit_exceeded", "too fast"),
            8 => Turn::error(400, "invalid_prompt", "no"),
            9 => Turn::failed("server_error"),
            10 if transport == WebSocket => Turn::after(count).then_payload("this is no event"),
            10 => Turn::after(count).then_payload("data: this is no event\n\n"),
            11 if transport == WebSocket => Turn::after(count).then_binary(b"bytes".to_vec()),
            12 => Turn::after(count).then_pause(Duration::from_millis(20)).then_keep_alive().then_complete(),
            _ => Turn::incomplete(),
        }
    }
}
