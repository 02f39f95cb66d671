//! Many turns through one client, with faults drawn from a seed that is printed: every turn ends, each that
//! completes has its own text, WebSocket is not left while it works, and nothing is held that was not held
//! after the first turns.
//!
//! `FAILBACK_SOAK_TURNS` is how many turns each adapter makes, by default 1,500; `FAILBACK_SOAK_SEED` repeats
//! a run, and `FAILBACK_SOAK_ADAPTER` chooses one adapter. One test, as it counts what the whole process has.
#![cfg(target_os = "linux")]

#[path = "../held.rs"]
mod held;
mod holds;
mod phases;
mod turns;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use failback::{Change, Config, Mode, Snapshot};
use failback_peer::Peer;
use failback_tests::{Adapter, Dice, Settings, TestClient, adapters, until};
use failback_wire::Limits;

use crate::holds::Holds;

/// How many turns are made between two restarts of the server.
const PHASE: u64 = 100;
/// Until when what is held may still grow.
const WARM_TURNS: u64 = 1_000;
/// No turn may take longer: none of the faults does.
const DEADLINE: Duration = Duration::from_secs(60);
/// When an unanswered ping ends a response, from the last sign of life: a ping, and as long for its answer.
/// Longer than a busy machine takes, and shorter than the runtime stands still now and then.
const PING_INTERVAL: Duration = Duration::from_millis(400);
const PONG_TIMEOUT: Duration = Duration::from_millis(1_600);

#[test]
fn a_client_lives_through_anything() {
    let turns = variable("FAILBACK_SOAK_TURNS").unwrap_or(1_500);
    let seed = variable("FAILBACK_SOAK_SEED").unwrap_or_else(failback::random_seed);
    let only = std::env::var("FAILBACK_SOAK_ADAPTER").ok();
    println!("FAILBACK_SOAK_SEED={seed}");
    let chosen = |adapter: &&dyn Adapter| only.as_deref().is_none_or(|name| name == adapter.name());
    for adapter in adapters().into_iter().filter(chosen) {
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

/// How turns ended, and what has happened to them.
#[derive(Default, Debug)]
struct Counts {
    completed: u64,
    ended: u64,
    failed: u64,
    cancelled: u64,
    convictions: usize,
    returns: u64,
    server_restarts: u64,
    client_restarts: u64,
    network_changes: u64,
    clock_jumps: u64,
    blocked: u64,
    blocked_beyond_limits: u64,
}

struct Soak<'a> {
    adapter: &'a dyn Adapter,
    stands_still: bool,
    seed: u64,
    peer: Peer,
    /// Absent only while it is restarted.
    client: Option<Box<dyn TestClient>>,
    dice: Dice,
    turn: u64,
    counts: Counts,
    /// Every time that WebSocket was convicted.
    convicted: Arc<Mutex<Vec<Change>>>,
}

impl<'a> Soak<'a> {
    fn new(adapter: &'a dyn Adapter, seed: u64, stands_still: bool) -> Self {
        let mut soak = Self {
            adapter,
            stands_still,
            seed,
            peer: Peer::start(),
            client: None,
            dice: Dice::new(seed),
            turn: 0,
            counts: Counts::default(),
            convicted: Arc::default(),
        };
        soak.client = Some(soak.new_client(None));
        soak
    }

    fn new_client(&self, snapshot: Option<(Snapshot, Duration)>) -> Box<dyn TestClient> {
        let config = Config::new()
            .with_backoff(Duration::from_millis(1))
            .with_backoff_max(Duration::from_millis(4))
            // No handshake is left because the machine is busy.
            .with_head_start(Duration::from_secs(20));
        let limits = Limits::new()
            .with_first_event_timeout(Duration::from_secs(20))
            .with_ping_interval(PING_INTERVAL)
            .with_pong_timeout(PONG_TIMEOUT);
        let settings = Settings::new(&self.peer).config(config).limits(limits).deadline(DEADLINE);
        let mut settings = settings.seed(self.seed);
        if let Some((snapshot, elapsed)) = snapshot {
            settings = settings.snapshot(snapshot, elapsed);
        }
        let client = match self.stands_still {
            true => self.adapter.client_that_stands_still(settings),
            false => self.adapter.client(settings),
        };
        let list = Arc::clone(&self.convicted);
        client.policy().on_change(move |change| {
            if matches!(change.to, Mode::FailedOver { .. } | Mode::Pinned) {
                list.lock().expect("no panic").push(change);
            }
        });
        client
    }

    fn run(mut self, turns: u64) {
        let mut first: Option<(u64, Holds)> = None;
        while self.turn < turns {
            self.while_it_works();
            self.while_it_is_broken();
            self.restart_server();
            if first.is_none() && self.turn >= WARM_TURNS.min(turns / 2) {
                first = Some((self.turn, self.holds()));
            }
        }
        let (at, first) = first.expect("more turns than the first ones");
        let (last, waited) = self.holds_no_more_than(&first);
        let kind = if self.stands_still { "stands still" } else { "goes on" };
        println!("\n{} {kind}, {} turns: {:?}", self.adapter.name(), self.turn, self.counts);
        println!("  after {at:>6} turns: {first}");
        println!("  after {:>6} turns: {last}, {waited:.1?} later", self.turn);
        assert!(!first.is_exceeded_by(&last), "it holds more than after the first turns");
    }

    /// What it holds in the end. A connection whose peer is gone may take some seconds to be closed.
    fn holds_no_more_than(&mut self, first: &Holds) -> (Holds, Duration) {
        let begun = Instant::now();
        loop {
            let last = self.holds();
            if !first.is_exceeded_by(&last) || begun.elapsed() > DEADLINE {
                return (last, begun.elapsed());
            }
        }
    }

    fn client(&self) -> &dyn TestClient {
        self.client.as_deref().expect("a client that runs")
    }

    /// What the process holds when no turn is under way, and the server has no journal.
    fn holds(&mut self) -> Holds {
        self.restart_server();
        let mut least: Option<Holds> = None;
        for _ in 0..20 {
            // A runtime that stands still does what is left only while a turn is read.
            self.good_turn();
            self.client().close_idle();
            std::thread::sleep(Duration::from_millis(20));
            let now = Holds::now(self.client());
            least = Some(least.map_or(now, |least| least.min(now)));
        }
        least.expect("some rounds")
    }

    /// The server goes away and comes back, and with it its journal.
    fn restart_server(&mut self) {
        self.counts.server_restarts += 1;
        let port = self.peer.addr().port();
        self.peer.shut_down();
        self.peer = Peer::builder().port(port).start();
    }

    /// The client goes away, leaves nothing running, and another one goes on from what it knew.
    fn restart_client(&mut self) {
        self.counts.client_restarts += 1;
        let elapsed = self.dice.millis(90_000);
        let client = self.client.take().expect("a client that runs");
        let snapshot = client.snapshot();
        let left = client.leave();
        if !self.stands_still {
            until("the tasks of a client that is gone to end", || left() == 0);
        }
        drop(left);
        self.client = Some(self.new_client(Some((snapshot, elapsed))));
    }
}
