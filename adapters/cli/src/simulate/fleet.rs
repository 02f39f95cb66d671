//! All clients, on all cores.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use failback::Policy;

use super::client::{Event, live};
use super::kind::Kind;
use super::period::Period;
use super::plain::Plain;
use super::queue::Queue;
use super::strategy::Strategy;
use super::tally::Tally;
use super::world::World;

/// How many clients a thread takes at a time.
const SHARD: u64 = 64;
/// How often the progress is told.
const BLINK: Duration = Duration::from_millis(200);

/// Simulates the whole fleet with so many threads. `watch` is told now and then how many clients are done.
pub(super) fn simulate(
    world: &World,
    kind: Kind,
    periods: &[Period],
    threads: usize,
    watch: &mut dyn FnMut(u64),
) -> Tally {
    let begun = AtomicU64::new(0);
    let done = AtomicU64::new(0);
    let (results, tallies) = mpsc::channel();
    let mut total = Tally::new(world.length, periods);
    thread::scope(|scope| {
        for _ in 0..threads {
            let (results, begun, done) = (results.clone(), &begun, &done);
            scope.spawn(move || {
                let mut tally = Tally::new(world.length, periods);
                match kind {
                    Kind::Failback => work::<Policy>(world, kind, begun, done, &mut tally),
                    _ => work::<Plain>(world, kind, begun, done, &mut tally),
                }
                // Nobody to take it: nobody wants it.
                let _ = results.send(tally);
            });
        }
        drop(results);
        loop {
            match tallies.recv_timeout(BLINK) {
                Ok(tally) => total.merge(&tally),
                Err(RecvTimeoutError::Timeout) => watch(done.load(Ordering::Relaxed)),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
    });
    total
}

/// Takes clients, shard by shard, until none are left.
fn work<S: Strategy>(world: &World, kind: Kind, begun: &AtomicU64, done: &AtomicU64, tally: &mut Tally) {
    let mut queue: Queue<Event<S>> = Queue::new();
    loop {
        let first = begun.fetch_add(SHARD, Ordering::Relaxed);
        let last = first.saturating_add(SHARD).min(world.clients);
        if first >= last {
            return;
        }
        for client in first..last {
            live(world, kind, client, &mut queue, tally);
        }
        done.fetch_add(last - first, Ordering::Relaxed);
    }
}
