use std::future::{Future, pending};
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use failback_async::Runtime;

/// A runtime whose clock can be moved forward, so that no test waits for a cooldown; which counts its tasks;
/// and whose names can be made to resolve to anything, or not at all.
///
/// Timers run in real time: what is moved is what the policy, and the age of connections, are measured by.
#[derive(Clone, Debug, Default)]
pub struct Shifted<R> {
    inner: R,
    ahead: Arc<AtomicU64>,
    tasks: Arc<AtomicUsize>,
    nameless: Arc<AtomicBool>,
    map: Arc<Mutex<Map>>,
}

/// Where addresses lead.
#[derive(Debug, Default)]
struct Map {
    resolved: Option<Vec<SocketAddr>>,
    black_holes: Vec<SocketAddr>,
    dialled: Vec<SocketAddr>,
}

impl<R> Shifted<R> {
    /// This runtime, with the time as it is.
    pub fn new(inner: R) -> Self {
        Self {
            inner,
            ahead: Arc::default(),
            tasks: Arc::default(),
            nameless: Arc::default(),
            map: Arc::default(),
        }
    }

    /// Whether names resolve, addresses included.
    pub fn resolves(&self, names: bool) {
        self.nameless.store(!names, Ordering::SeqCst);
    }

    /// What every name resolves to, addresses included.
    pub fn resolves_to(&self, addresses: &[SocketAddr]) {
        self.map().resolved = Some(addresses.to_vec());
    }

    /// Connections to this address are not answered.
    pub fn black_hole(&self, address: SocketAddr) {
        self.map().black_holes.push(address);
    }

    /// The addresses that connections were opened to, whether they answered or not, in order.
    #[must_use]
    pub fn dialled(&self) -> Vec<SocketAddr> {
        self.map().dialled.clone()
    }

    fn map(&self) -> MutexGuard<'_, Map> {
        self.map.lock().expect("no test panics while it looks at the map")
    }

    /// How many of the tasks that were spawned are alive.
    #[must_use]
    pub fn tasks(&self) -> usize {
        self.tasks.load(Ordering::SeqCst)
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        self.ahead.fetch_add(u64::try_from(by.as_nanos()).expect("a test's worth of time"), Ordering::SeqCst);
    }

    /// Moves the clock back, at most to the time that it really is.
    pub fn set_back(&self, by: Duration) {
        set_back(&self.ahead, by);
    }
}

/// Takes this from a lead in nanoseconds, of which none may be left.
pub(crate) fn set_back(ahead: &AtomicU64, by: Duration) {
    let by = u64::try_from(by.as_nanos()).expect("a test's worth of time");
    let less = |ahead: u64| Some(ahead.saturating_sub(by));
    ahead.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).expect("always a new value");
}

impl<R: Runtime> Runtime for Shifted<R> {
    type Stream = R::Stream;
    type Sleep = R::Sleep;

    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        if self.nameless.load(Ordering::SeqCst) {
            return Err(io::Error::other("no name server answers"));
        }
        let resolved = self.map().resolved.clone();
        match resolved {
            Some(resolved) => Ok(resolved),
            None => self.inner.resolve(host, port).await,
        }
    }

    async fn connect(&self, addr: SocketAddr) -> io::Result<Self::Stream> {
        let answers = {
            let mut map = self.map();
            map.dialled.push(addr);
            !map.black_holes.contains(&addr)
        };
        if answers { self.inner.connect(addr).await } else { pending().await }
    }

    fn sleep(&self, duration: Duration) -> Self::Sleep {
        self.inner.sleep(duration)
    }

    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        let alive = Alive::new(&self.tasks);
        self.inner.spawn(async move {
            let _alive = alive;
            future.await;
        });
    }

    fn now(&self) -> Instant {
        self.inner.now() + Duration::from_nanos(self.ahead.load(Ordering::SeqCst))
    }
}

/// Counts as a task until it is dropped, with its future or by it.
struct Alive(Arc<AtomicUsize>);

impl Alive {
    fn new(tasks: &Arc<AtomicUsize>) -> Self {
        tasks.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(tasks))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
