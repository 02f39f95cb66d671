//! The policy against its peers, round by round, so that whatever else the machine does meets all of them
//! alike.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use std::{hint, thread};

use failback::{Config, SharedPolicy};

use crate::breakers::{failsafe, recloser, reliakit};
use crate::scenario;

const ROUNDS: usize = 51;
const ROUND: Duration = Duration::from_millis(2);

/// Does a piece so many times, and says how long it took.
type Run = Box<dyn FnMut(u64) -> Duration>;

struct Contestant {
    name: &'static str,
    ours: bool,
    run: Run,
}

/// Prints every comparison.
pub(crate) fn print() {
    println!("\nSide by side: nanoseconds, and how many times as long as the fastest peer.");
    println!("With 2 threads read the median: the fastest round may be one in which they hardly met.");
    compare(
        "a call",
        vec![
            ours("failback, 4 steps", alone(scenario::call())),
            peer("reliakit-circuit, 2 steps", alone(reliakit::call())),
            peer("failsafe, 2 steps", alone(failsafe::call())),
            peer("recloser, 2 steps", alone(recloser::call())),
        ],
    );
    compare(
        "failing until told to go elsewhere",
        vec![
            ours("failback, 6 stream failures", alone(scenario::stream_failures_until_sse())),
            ours("failback, 1 refused handshake", alone(scenario::refused_until_sse())),
            peer("reliakit-circuit, 6 failures", alone(reliakit::failures_until_open())),
            peer("failsafe, 6 failures", alone(failsafe::failures_until_open())),
            peer("recloser, 6 failures", alone(recloser::failures_until_open())),
        ],
    );
    // Ours makes an attempt; a breaker says yes or no. So first the attempts, then the answers.
    compare(
        "a decision and its attempt, while all is well",
        vec![
            ours("failback, preferred", alone(scenario::decision(scenario::preferred()))),
            ours(
                "failback, preferred, in two steps",
                alone(scenario::decision_in_two_steps(scenario::preferred())),
            ),
            peer(
                "reliakit-circuit, closed, attempt by hand",
                alone(reliakit::decision_by_hand(reliakit::new())),
            ),
        ],
    );
    compare(
        "a decision and its attempt, while something is wrong",
        vec![
            ours("failback, dial pending", alone(scenario::decision(scenario::dial_pending()))),
            ours("failback, suspected", alone(scenario::decision(scenario::suspected()))),
            ours("failback, cooling down", alone(scenario::decision(scenario::failed_over()))),
            ours("failback, probe due (and a copy)", alone(scenario::decision_to_probe())),
            ours("failback, probing", alone(scenario::decision(scenario::probing()))),
            ours("failback, pinned", alone(scenario::decision(scenario::pinned()))),
            ours("failback, not ready", alone(scenario::decision_to_wait())),
            peer(
                "reliakit-circuit, open, attempt by hand",
                alone(reliakit::decision_by_hand(reliakit::open())),
            ),
        ],
    );
    compare(
        "an answer alone, while all is well",
        vec![
            ours("failback, preferred", alone(scenario::answer(scenario::preferred()))),
            peer("reliakit-circuit, closed", alone(reliakit::decision(reliakit::new()))),
            peer("failsafe, closed", alone(failsafe::decision(failsafe::new()))),
        ],
    );
    compare(
        "an answer alone, while something is wrong",
        vec![
            ours("failback, cooling down", alone(scenario::answer(scenario::failed_over()))),
            ours("failback, pinned", alone(scenario::answer(scenario::pinned()))),
            peer("reliakit-circuit, open", alone(reliakit::decision(reliakit::open()))),
            peer("failsafe, open", alone(failsafe::decision(failsafe::open()))),
            peer("recloser, open", alone(recloser::decision(recloser::open()))),
        ],
    );
    compare(
        "a shared call, 1 thread",
        vec![
            ours("failback", alone(scenario::shared_call(SharedPolicy::new(Config::new())))),
            ours("failback, free clock", alone(scenario::shared_call(scenario::shared_with_still_clock()))),
            peer("reliakit-circuit in a Mutex", alone(reliakit::shared_call())),
            peer("failsafe", alone(failsafe::call())),
            peer("recloser", alone(recloser::call())),
        ],
    );
    compare(
        "a shared call, 2 threads",
        vec![
            ours("failback", in_two(scenario::shared_call(SharedPolicy::new(Config::new())))),
            ours("failback, free clock", in_two(scenario::shared_call(scenario::shared_with_still_clock()))),
            peer("reliakit-circuit in a Mutex", in_two(reliakit::shared_call())),
            peer("failsafe", in_two(failsafe::call())),
            peer("recloser", in_two(recloser::call())),
        ],
    );
    compare(
        "a shared decision (ours is then cancelled), 1 thread",
        vec![
            ours("failback", alone(scenario::shared_decision(SharedPolicy::new(Config::new())))),
            peer("reliakit-circuit in a Mutex", alone(reliakit::shared_decision())),
            peer("failsafe", alone(failsafe::decision(failsafe::new()))),
        ],
    );
    compare(
        "a shared decision (ours is then cancelled), 2 threads",
        vec![
            ours("failback", in_two(scenario::shared_decision(SharedPolicy::new(Config::new())))),
            peer("reliakit-circuit in a Mutex", in_two(reliakit::shared_decision())),
            peer("failsafe", in_two(failsafe::decision(failsafe::new()))),
        ],
    );
}

fn compare(title: &str, mut contestants: Vec<Contestant>) {
    let times: Vec<u64> =
        contestants.iter_mut().map(|contestant| times_in_a_round(&mut contestant.run)).collect();
    let mut rounds = vec![Vec::with_capacity(ROUNDS); contestants.len()];
    for _ in 0..ROUNDS {
        for ((contestant, &times), rounds) in contestants.iter_mut().zip(&times).zip(&mut rounds) {
            rounds.push((contestant.run)(times).as_nanos() as f64 / times as f64);
        }
    }
    for rounds in &mut rounds {
        rounds.sort_by(f64::total_cmp);
    }
    let best_peer = |column: usize| {
        let peers = contestants.iter().zip(&rounds).filter(|(contestant, _)| !contestant.ours);
        peers.map(|(_, rounds)| rounds[column]).fold(f64::INFINITY, f64::min)
    };
    let (least, middle) = (best_peer(0), best_peer(ROUNDS / 2));
    println!("\n{title:<54} {:>9} {:>7} {:>9} {:>7}", "fastest", "times", "median", "times");
    for (contestant, rounds) in contestants.iter().zip(&rounds) {
        let (fastest, median) = (rounds[0], rounds[ROUNDS / 2]);
        println!(
            "  {:<52} {fastest:>9.1} {:>7.2} {median:>9.1} {:>7.2}",
            contestant.name,
            fastest / least,
            median / middle,
        );
    }
}

/// How often a piece has to be done for a round to last.
fn times_in_a_round(run: &mut Run) -> u64 {
    let mut times = 64;
    loop {
        let took = run(times);
        if took > ROUND / 4 {
            return ((times as u128 * ROUND.as_nanos()) / took.as_nanos()).max(1) as u64;
        }
        times *= 2;
    }
}

fn ours(name: &'static str, run: Run) -> Contestant {
    Contestant { name, ours: true, run }
}

fn peer(name: &'static str, run: Run) -> Contestant {
    Contestant { name, ours: false, run }
}

fn alone(mut piece: impl FnMut() + 'static) -> Run {
    Box::new(move |times| {
        let start = Instant::now();
        scenario::repeat(&mut piece, times);
        start.elapsed()
    })
}

/// Each of two threads does the piece so many times. The slower one counts.
fn in_two(piece: impl Fn() + Sync + 'static) -> Run {
    Box::new(move |times| {
        let running = AtomicU32::new(0);
        let work = || {
            running.fetch_add(1, Ordering::Relaxed);
            // Not a `Barrier`: the thread that it wakes may have to wait for a core until the other has
            // finished.
            while running.load(Ordering::Relaxed) < 2 {
                hint::spin_loop();
            }
            let start = Instant::now();
            scenario::repeat(&piece, times);
            start.elapsed()
        };
        thread::scope(|scope| {
            let other = scope.spawn(work);
            let mine = work();
            mine.max(other.join().unwrap())
        })
    })
}
