//! A runtime of one's own, in one file: an executor of one thread over mio, and what failback needs of it.
//!
//! `docs/PORTING.md` explains it part by part. Run it with `cargo run -p failback-async --example
//! own_runtime`: it streams from a server of its own, over WebSocket, and over SSE where that is refused.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::error::Error;
use std::future::{Future, poll_fn};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, ToSocketAddrs};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};
use std::{fmt, mem};

use failback_async::{Client, Item, Runtime};
use failback_peer::{Handshake, Peer};
use failback_wire::Request;
use futures_channel::oneshot;
use futures_io::{AsyncRead, AsyncWrite};
use mio::net::TcpStream;
use mio::{Events, Interest, Registry, Token};

// ANCHOR: executor
/// Runs futures in the thread that calls [`block_on`](Self::block_on), and nowhere else.
struct Executor {
    poll: mio::Poll,
    shared: Arc<Shared>,
}

/// What the executor, its tasks, sockets and timers have in common.
struct Shared {
    registry: Registry,
    /// Interrupts the wait for sockets, from any thread.
    bell: mio::Waker,
    ready: Mutex<VecDeque<Arc<Task>>>,
    /// By token: who waits to read and who waits to write.
    sockets: Mutex<HashMap<Token, [Option<Waker>; 2]>>,
    timers: Mutex<BTreeMap<(Instant, u64), Waker>>,
    /// Numbers sockets and timers.
    next: AtomicU64,
}

const BELL: Token = Token(usize::MAX);

impl Executor {
    fn new() -> io::Result<Self> {
        let poll = mio::Poll::new()?;
        let registry = poll.registry().try_clone()?;
        let bell = mio::Waker::new(&registry, BELL)?;
        let shared = Shared {
            registry,
            bell,
            ready: Mutex::default(),
            sockets: Mutex::default(),
            timers: Mutex::default(),
            next: AtomicU64::new(0),
        };
        Ok(Self { poll, shared: Arc::new(shared) })
    }

    /// Runs this future to its end, and spawned ones meanwhile.
    fn block_on<T>(&mut self, future: impl Future<Output = T>) -> io::Result<T> {
        let mut future = pin!(future);
        let woken = Arc::new(Main { woken: AtomicBool::new(true), shared: Arc::clone(&self.shared) });
        let waker = Waker::from(Arc::clone(&woken));
        let mut events = Events::with_capacity(64);
        loop {
            if woken.woken.swap(false, Ordering::AcqRel) {
                if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                    return Ok(output);
                }
            }
            // Those that are ready now. One that wakes itself comes in the next round, after the sockets.
            for task in mem::take(&mut *lock(&self.shared.ready)) {
                task.run();
            }
            let is_busy = woken.woken.load(Ordering::Acquire) || !lock(&self.shared.ready).is_empty();
            let timeout = if is_busy { Some(Duration::ZERO) } else { self.shared.time_until_timer() };
            match self.poll.poll(&mut events, timeout) {
                Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
                _ => self.shared.wake(&events),
            }
        }
    }
}

/// The tasks end with their executor: they are dropped, and with them what they hold of it.
impl Drop for Executor {
    fn drop(&mut self) {
        loop {
            // Taken out first: what is dropped locks them again, and may wake others.
            let sockets = mem::take(&mut *lock(&self.shared.sockets));
            let timers = mem::take(&mut *lock(&self.shared.timers));
            let ready = mem::take(&mut *lock(&self.shared.ready));
            if sockets.is_empty() && timers.is_empty() && ready.is_empty() {
                break;
            }
        }
    }
}

impl Shared {
    fn time_until_timer(&self) -> Option<Duration> {
        let timers = lock(&self.timers);
        timers.keys().next().map(|(at, _)| at.saturating_duration_since(Instant::now()))
    }

    /// Wakes whoever waits for these sockets, or for a time that has come.
    fn wake(&self, events: &Events) {
        let mut woken = Vec::new();
        for event in events {
            if let Some([reader, writer]) = lock(&self.sockets).get_mut(&event.token()) {
                // An error is for both to find.
                if event.is_readable() || event.is_error() {
                    woken.extend(reader.take());
                }
                if event.is_writable() || event.is_error() {
                    woken.extend(writer.take());
                }
            }
        }
        let now = (Instant::now(), u64::MAX);
        let mut timers = lock(&self.timers);
        let later = timers.split_off(&now);
        woken.extend(mem::replace(&mut *timers, later).into_values());
        drop(timers);
        // Without a lock: a waker may be anybody's.
        woken.into_iter().for_each(Waker::wake);
    }

    fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    fn ring(&self) {
        // Fails only where the system has no memory left, and then the next event wakes the executor.
        let _rung = self.bell.wake();
    }
}

/// The future that `block_on` was given.
struct Main {
    woken: AtomicBool,
    shared: Arc<Shared>,
}

impl Wake for Main {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        self.shared.ring();
    }
}

/// A spawned future. Whoever is to wake it holds it; when nobody is, it is dropped.
struct Task {
    future: Mutex<Option<Pin<Box<dyn Future<Output = ()> + Send>>>>,
    is_queued: AtomicBool,
    shared: Weak<Shared>,
}

impl Task {
    fn run(self: Arc<Self>) {
        self.is_queued.store(false, Ordering::Release);
        let waker = Waker::from(Arc::clone(&self));
        let mut future = lock(&self.future);
        let is_over = match future.as_mut() {
            Some(task) => task.as_mut().poll(&mut Context::from_waker(&waker)).is_ready(),
            None => true,
        };
        if is_over {
            *future = None;
        }
    }
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        if self.is_queued.swap(true, Ordering::AcqRel) {
            return;
        }
        if let Some(shared) = self.shared.upgrade() {
            lock(&shared.ready).push_back(self);
            shared.ring();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
// ANCHOR_END: executor

// ANCHOR: runtime
/// The executor, as failback sees it.
#[derive(Clone)]
struct Own(Arc<Shared>);

impl Runtime for Own {
    type Stream = Socket;
    type Sleep = Sleep;

    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        // The system's look-up blocks, so it has a thread of its own. Whoever stops waiting stops waiting.
        let (answer, answered) = oneshot::channel();
        let host = host.to_owned();
        thread::spawn(move || {
            let found = (host.as_str(), port).to_socket_addrs().map(Iterator::collect);
            let _nobody_waits = answer.send(found);
        });
        answered.await.map_err(io::Error::other)?
    }

    async fn connect(&self, addr: SocketAddr) -> io::Result<Socket> {
        let socket = Socket::new(TcpStream::connect(addr)?, &self.0)?;
        poll_fn(|cx| socket.poll_connected(cx)).await?;
        socket.stream.set_nodelay(true)?;
        Ok(socket)
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        // One that is too long to add up never ends.
        let until = Instant::now().checked_add(duration).map(|at| (at, self.0.number()));
        Sleep { until, shared: Arc::clone(&self.0) }
    }

    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        let task = Task {
            future: Mutex::new(Some(Box::pin(future))),
            is_queued: AtomicBool::new(false),
            shared: Arc::downgrade(&self.0),
        };
        Arc::new(task).wake();
    }

    fn now(&self) -> Instant {
        Instant::now()
    }
}

impl fmt::Debug for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Own")
    }
}
// ANCHOR_END: runtime

// ANCHOR: sleep
struct Sleep {
    until: Option<(Instant, u64)>,
    shared: Arc<Shared>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(until) = self.until else { return Poll::Pending };
        if until.0 <= Instant::now() {
            return Poll::Ready(());
        }
        let mut timers = lock(&self.shared.timers);
        let former = timers.insert(until, cx.waker().clone());
        let is_first = timers.keys().next() == Some(&until);
        drop(timers);
        drop(former);
        if is_first {
            // The executor may be waiting for a later one, if this is polled in another thread.
            self.shared.ring();
        }
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(until) = &self.until {
            let waker = lock(&self.shared.timers).remove(until);
            drop(waker);
        }
    }
}
// ANCHOR_END: sleep

// ANCHOR: socket
struct Socket {
    stream: TcpStream,
    token: Token,
    shared: Arc<Shared>,
}

const READER: usize = 0;
const WRITER: usize = 1;

impl Socket {
    fn new(mut stream: TcpStream, shared: &Arc<Shared>) -> io::Result<Self> {
        let number = usize::try_from(shared.number()).map_err(io::Error::other)?;
        let token = Token(number);
        lock(&shared.sockets).insert(token, [None, None]);
        shared.registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        Ok(Self { stream, token, shared: Arc::clone(shared) })
    }

    /// Tries `act` and, where that would block, leaves word whom to wake.
    fn attempt<T>(
        &self,
        side: usize,
        cx: &Context<'_>,
        act: impl FnOnce(&TcpStream) -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        // First, as mio tells of each change once: what changes after the attempt would be missed.
        let waker = cx.waker().clone();
        let former = lock(&self.shared.sockets).get_mut(&self.token).and_then(|two| two[side].replace(waker));
        // Without the lock: it may be the last to hold a task, which may hold a socket.
        drop(former);
        match act(&self.stream) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Poll::Pending,
            Err(error) if error.kind() == ErrorKind::Interrupted => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            done => Poll::Ready(done),
        }
    }

    fn poll_connected(&self, cx: &Context<'_>) -> Poll<io::Result<()>> {
        self.attempt(WRITER, cx, |stream| match stream.take_error()? {
            Some(error) => Err(error),
            None => match stream.peer_addr() {
                Err(error) if error.kind() == ErrorKind::NotConnected => Err(ErrorKind::WouldBlock.into()),
                answer => answer.map(drop),
            },
        })
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        self.attempt(READER, cx, |mut stream| stream.read(buf))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.attempt(WRITER, cx, |mut stream| stream.write(buf))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.stream.shutdown(Shutdown::Write))
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _closed_anyway = self.shared.registry.deregister(&mut self.stream);
        let wakers = lock(&self.shared.sockets).remove(&self.token);
        drop(wakers);
    }
}
// ANCHOR_END: socket

// ANCHOR: main
fn main() -> Result<(), Box<dyn Error>> {
    let peer = Peer::start();
    let mut executor = Executor::new()?;
    let client = Client::with_runtime(Own(Arc::clone(&executor.shared)), peer.url()).no_proxy().build()?;

    // The second turn goes on on the WebSocket of the first. Then something in between refuses it.
    println!("{}", executor.block_on(turn(&client))??);
    println!("{}", executor.block_on(turn(&client))??);
    peer.set_handshake(Handshake::status(403));
    client.handle_network_change();
    println!("{}", executor.block_on(turn(&client))??);

    // The keepers of idle connections were spawned. They hold nothing of the executor that outlives it.
    let shared = Arc::downgrade(&executor.shared);
    drop((client, executor));
    assert!(shared.upgrade().is_none(), "a task has outlived its executor");
    Ok(())
}

async fn turn(client: &Client<Own>) -> Result<String, Box<dyn Error>> {
    let mut turn = client.stream(Request::text("gpt-5.2", "Say hello."));
    let mut text = String::new();
    while let Some(item) = turn.next().await {
        match item? {
            Item::Event(event) => text += &event.text_delta().unwrap_or_default(),
            Item::Restarted { .. } => text.clear(),
            Item::Notice(notice) => eprintln!("[{notice}]"),
        }
    }
    let transport = turn.transport().ok_or("no attempt was made")?;
    Ok(format!("{text} (over {transport})"))
}
// ANCHOR_END: main
