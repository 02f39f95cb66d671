use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::SystemTime;

use failback::{Timestamp, Transport};
use failback_client::{Collector, Connection, Error, Item, LeftDial, Lost, Progress, Response, Step, Turn};
use failback_wire::{Event, Seen};
use futures_core::Stream;
use futures_core::future::BoxFuture;
use futures_core::stream::{BoxStream, FusedStream};
use futures_util::future::{Either, select};
use futures_util::stream::{Fuse, StreamExt};

use crate::Runtime;
use crate::http::HttpConn;
use crate::shared::Shared;
use crate::sse::{self, SseStream};
use crate::timer::Deadline;
use crate::websocket::{WsConn, WsStream};

/// The items of one turn: the events of its response, and notices about its transport.
///
/// It ends after the event that ends the response, or after an error. A slow reader slows the server.
/// Dropping the stream cancels the turn.
#[must_use = "a stream does nothing until it is polled"]
pub struct ResponseStream {
    items: Fuse<BoxStream<'static, Result<Item, Error>>>,
    progress: Arc<Progress>,
}

impl ResponseStream {
    pub(crate) fn new<R: Runtime>(shared: Arc<Shared<R>>, turn: Turn) -> Self {
        let progress = Arc::clone(turn.progress());
        let driver = Driver { turn, conn: None, shared };
        let items = futures_util::stream::unfold(driver, |mut driver| async {
            let item = driver.next().await?;
            Some((item, driver))
        });
        Self { items: items.boxed().fuse(), progress }
    }

    /// The next item, for callers that do not import [`StreamExt`].
    pub async fn next(&mut self) -> Option<Result<Item, Error>> {
        poll_fn(|cx| self.items.poll_next_unpin(cx)).await
    }

    /// Reads the stream to its end, and gives the response as a whole: one that completed, or that the server
    /// ended without completing it. What was read before is not part of it.
    ///
    /// # Errors
    ///
    /// The turn failed.
    pub async fn into_response(mut self) -> Result<Response, Error> {
        let mut collector = Collector::new();
        while let Some(item) = self.next().await {
            collector.handle_item(item?);
        }
        Ok(collector.finish(&self.progress))
    }

    /// The transport of the attempt that began last. `None` before the first.
    #[must_use]
    pub fn transport(&self) -> Option<Transport> {
        self.progress.transport()
    }

    /// How many attempts have begun.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.progress.attempts()
    }
}

impl Stream for ResponseStream {
    type Item = Result<Item, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.items.poll_next_unpin(cx)
    }
}

impl FusedStream for ResponseStream {
    fn is_terminated(&self) -> bool {
        self.items.is_done()
    }
}

impl fmt::Debug for ResponseStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseStream").field("done", &self.items.is_done()).finish()
    }
}

/// Carries out the steps of one turn.
struct Driver<R: Runtime> {
    // Dropped before the connection, so that the policy hears first that the turn was cancelled.
    turn: Turn,
    conn: Option<Conn<R>>,
    shared: Arc<Shared<R>>,
}

/// The connection that the turn has.
enum Conn<R: Runtime> {
    WebSocket(Box<WsConn<R>>),
    WebSocketResponse(Box<WsStream<R>>),
    Http(Box<HttpConn>),
    SseResponse(Box<SseStream<R>>),
}

/// A handshake under way.
type Dialling<R> = BoxFuture<'static, Result<WsConn<R>, Lost>>;

impl<R: Runtime> Driver<R> {
    async fn next(&mut self) -> Option<Result<Item, Error>> {
        loop {
            match self.turn.step() {
                Step::Wait(until) => {
                    let network = &self.shared.network;
                    network.runtime.sleep(network.policy.time_until(until)).await;
                }
                Step::Connect { transport, divert_at } => {
                    let connected = match transport {
                        Transport::WebSocket => self.connect_websocket(divert_at).await,
                        Transport::Sse => self.connect_sse().await,
                    };
                    if let Err(lost) = connected {
                        self.fail(&lost);
                    }
                }
                Step::Send(message) => match self.send(message).await {
                    Ok(()) => self.turn.handle_sent(),
                    Err(lost) => self.fail(&lost),
                },
                Step::Read => match self.read().await {
                    Ok(event) => self.turn.handle_event(event, SystemTime::now()),
                    Err(lost) => self.fail(&lost),
                },
                Step::Keep { completed } => self.keep(completed),
                Step::Close => self.conn = None,
                Step::Yield(item) => return Some(Ok(item)),
                Step::Fail(error) => return Some(Err(error)),
                Step::Done => return None,
            }
        }
    }

    /// Gives the turn a WebSocket, or goes on without one when the head start is over (R17).
    async fn connect_websocket(&mut self, divert_at: Option<Timestamp>) -> Result<(), Lost> {
        let network = &self.shared.network;
        if let Some(conn) = self.shared.pool.take_websocket(network.policy.now()) {
            self.use_websocket(conn);
            return Ok(());
        }
        let dialled = network.clone();
        let mut dial: Dialling<R> = Box::pin(async move { WsConn::connect(&dialled).await });
        let mut in_time = None;
        if let Some(divert_at) = divert_at {
            let head_start = network.policy.time_until(divert_at);
            in_time = Deadline::after(&network.runtime, head_start).limit(dial.as_mut()).await;
            if in_time.is_none() {
                if let Some(left) = self.turn.divert() {
                    self.leave(dial, left);
                    return Ok(());
                }
            }
        }
        let conn = match in_time {
            Some(dialled) => dialled?,
            None => dial.await?,
        };
        self.use_websocket(conn);
        Ok(())
    }

    /// R17: the handshake goes on without its turn, for as long as the client lives.
    fn leave(&self, dial: Dialling<R>, left: LeftDial) {
        let ended = self.shared.pool.hold_dial();
        let shared = Arc::downgrade(&self.shared);
        self.shared.network.runtime.spawn(async move {
            // If the client stops the handshake, `left` is dropped, and the policy hears that it was
            // abandoned.
            let Either::Left((dialled, _)) = select(dial, ended).await else { return };
            let Some(shared) = shared.upgrade() else { return };
            match dialled {
                Ok(conn) => {
                    // Kept before the policy hears of it: from then on the policy sends turns to WebSocket.
                    shared.pool.put_websocket(conn, &shared.network);
                    left.handle_opened();
                }
                Err(lost) => left.handle_failure(&lost, SystemTime::now()),
            }
        });
    }

    fn use_websocket(&mut self, conn: WsConn<R>) {
        self.turn.handle_connected(conn.describe());
        self.conn = Some(Conn::WebSocket(Box::new(conn)));
    }

    /// Gives the turn an HTTP connection.
    async fn connect_sse(&mut self) -> Result<(), Lost> {
        let network = &self.shared.network;
        let kept = self.shared.pool.take_http(network.policy.now());
        let connection = Connection { reused: kept.is_some(), last_completed: None };
        let conn = match kept {
            Some(conn) => conn,
            None => sse::connect(network).await?,
        };
        self.turn.handle_connected(connection);
        self.conn = Some(Conn::Http(Box::new(conn)));
        Ok(())
    }

    async fn send(&mut self, message: String) -> Result<(), Lost> {
        let network = &self.shared.network;
        self.conn = Some(match self.conn.take() {
            Some(Conn::WebSocket(conn)) => Conn::WebSocketResponse(Box::new(conn.request(network, message)?)),
            Some(Conn::Http(conn)) => {
                Conn::SseResponse(Box::new(SseStream::request(network, *conn, message).await?))
            }
            _ => return Err(Seen::EndOfStream.into()),
        });
        Ok(())
    }

    async fn read(&mut self) -> Result<Event, Lost> {
        let turn = &self.turn;
        let tell = || turn.handle_sign_of_life();
        match &mut self.conn {
            Some(Conn::WebSocketResponse(stream)) => {
                let on_life: Option<&(dyn Fn() + Sync)> =
                    if turn.wants_signs_of_life() { Some(&tell) } else { None };
                poll_fn(|cx| stream.poll_next(on_life, cx)).await
            }
            Some(Conn::SseResponse(stream)) => poll_fn(|cx| stream.poll_next(cx)).await,
            _ => Err(Seen::EndOfStream.into()),
        }
    }

    fn fail(&mut self, lost: &Lost) {
        let was_left_alone = match &self.conn {
            Some(Conn::WebSocketResponse(stream)) => stream.was_left_alone(),
            Some(Conn::SseResponse(stream)) => stream.was_left_alone(),
            _ => false,
        };
        if was_left_alone {
            self.turn.handle_left_alone();
        }
        self.turn.handle_failure(lost, SystemTime::now());
    }

    /// The response is over. Its connection goes back to the pool.
    fn keep(&mut self, completed: Option<String>) {
        let Shared { network, pool, .. } = &*self.shared;
        match self.conn.take() {
            Some(Conn::WebSocketResponse(stream)) => {
                let conn = stream.finish(completed);
                // It cannot be used again if the server answered before the whole request had left.
                if conn.is_reusable() {
                    pool.put_websocket(conn, network);
                }
            }
            Some(Conn::SseResponse(stream)) => pool.put_http(stream.finish(), network),
            _ => {}
        }
    }
}
