//! Many streams at once, which meet in the middle.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use failback::SharedPolicy;
use smol::lock::{Semaphore, SemaphoreGuardArc};

use crate::load::Tally;
use crate::memory::Memory;
use crate::server::Server;

/// How many streams are being opened at a time, so that no connection waits for a full backlog.
const OPENING: usize = 100;

/// What the streams tell the measurement.
pub(crate) struct Crowd {
    opening: Arc<Semaphore>,
    held: AtomicUsize,
    ends: Mutex<Sender<Tally>>,
}

impl Crowd {
    /// Waits for its turn to open a stream.
    pub(crate) async fn enter(&self) -> SemaphoreGuardArc {
        self.opening.acquire_arc().await
    }

    /// The same for a thread.
    pub(crate) fn enter_blocking(&self) -> SemaphoreGuardArc {
        smol::block_on(self.enter())
    }

    /// A stream has its first event, and is held.
    pub(crate) fn is_held(&self, entered: SemaphoreGuardArc) {
        self.held.fetch_add(1, Ordering::SeqCst);
        drop(entered);
    }

    pub(crate) fn is_over(&self, tally: Tally) {
        let _ = self.ends.lock().expect("nobody panics").send(tally);
    }
}

/// What was measured of a crowd.
pub(crate) struct Measured {
    /// While all streams are held, above what there was before any.
    pub(crate) memory: Memory,
    /// Until all streams were held.
    pub(crate) opened: Duration,
    /// From when the server went on until all streams were over.
    pub(crate) finished: Duration,
    pub(crate) waits: Option<Waits>,
}

/// Starts `count` streams by `start`, and measures them. With a policy, also how long its lock is waited for
/// while the streams finish.
pub(crate) fn measure(
    server: &Server,
    count: usize,
    expected: Tally,
    policy: Option<SharedPolicy>,
    start: impl FnOnce(&Arc<Crowd>),
) -> Measured {
    let (ends, over): (_, Receiver<Tally>) = channel();
    let opening = Arc::new(Semaphore::new(OPENING));
    let crowd = Arc::new(Crowd { opening, held: AtomicUsize::new(0), ends: ends.into() });
    let (before, begun) = (Memory::now(), Instant::now());
    start(&crowd);
    while crowd.held.load(Ordering::SeqCst) < count {
        assert!(begun.elapsed() < Duration::from_secs(120), "not all streams were opened");
        std::thread::sleep(Duration::from_millis(1));
    }
    let opened = begun.elapsed();
    // Whatever is still on its way to an end, such as a buffer that is freed.
    std::thread::sleep(Duration::from_millis(200));
    let memory = Memory::now() - before;
    let sampler = policy.map(Sampler::start);
    let begun = Instant::now();
    server.go_on();
    for _ in 0..count {
        let tally = over.recv_timeout(Duration::from_secs(120)).expect("every stream ends");
        assert_eq!(tally, expected);
    }
    let finished = begun.elapsed();
    Measured { memory, opened, finished, waits: sampler.map(Sampler::end) }
}

/// The longest waits, of many, for the lock of the policy, and for a lock that nobody else wants: the second
/// shows how long the machine has let the thread wait.
pub(crate) struct Waits {
    pub(crate) samples: usize,
    /// 999 of a thousand took no longer.
    pub(crate) policy: Duration,
    pub(crate) policy_longest: Duration,
    pub(crate) nobodys: Duration,
    pub(crate) nobodys_longest: Duration,
}

struct Sampler {
    stop: Sender<()>,
    thread: std::thread::JoinHandle<Waits>,
}

impl Sampler {
    fn start(policy: SharedPolicy) -> Self {
        let (stop, stopped) = channel::<()>();
        let thread = std::thread::spawn(move || {
            let nobodys = Mutex::new(0_u64);
            let (mut waits, mut others) = (Vec::new(), Vec::new());
            while stopped.recv_timeout(Duration::from_micros(50)).is_err() {
                for _ in 0..20 {
                    let begun = Instant::now();
                    std::hint::black_box(policy.mode());
                    waits.push(begun.elapsed());
                    let begun = Instant::now();
                    *nobodys.lock().expect("nobody panics") += std::hint::black_box(1);
                    others.push(begun.elapsed());
                }
            }
            let (policy, policy_longest) = highest(&mut waits);
            let (nobodys, nobodys_longest) = highest(&mut others);
            Waits { samples: waits.len(), policy, policy_longest, nobodys, nobodys_longest }
        });
        Self { stop, thread }
    }

    fn end(self) -> Waits {
        let _ = self.stop.send(());
        self.thread.join().expect("a thread that counts")
    }
}

fn highest(times: &mut [Duration]) -> (Duration, Duration) {
    times.sort_unstable();
    let at = times.len() * 999 / 1000;
    let of = |at: usize| times.get(at).copied().unwrap_or_default();
    (of(at), of(times.len().saturating_sub(1)))
}
