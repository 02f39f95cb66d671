//! HTTP/1.1 for both transports, by hyper: the POST of SSE, and the upgrade of WebSocket.

use std::future::{Future, poll_fn};
use std::io::{self, ErrorKind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use failback::Transport;
use failback_client::{AGENT, Lost, Refusal};
use failback_wire::{Headers, MAX_ERROR_BODY_BYTES, MAX_HEADER_BYTES, Seen};
use futures_core::future::BoxFuture;
use futures_io::{AsyncRead, AsyncWrite};
use http::header::{HOST, USER_AGENT};
use http::{HeaderValue, Method, Request, Response};
use http_body_util::Full;
use hyper::body::{Body, Frame, Incoming};
use hyper::client::conn::http1::{Builder, SendRequest};
use smol_hyper::rt::FuturesIo;

use crate::Runtime;
use crate::io::{Activity, Io};
use crate::relay::Relay;
use crate::timer::Deadline;

/// The most headers that an answer may have, as gateways add to those of servers. The limit in bytes holds
/// too.
const MAX_HEADERS: usize = 256;

/// What HTTP runs on.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for S {}

/// An HTTP connection. It has no task: whoever awaits something from it drives it meanwhile.
pub(crate) struct HttpConn {
    // Dropped before the connection, which then knows that no request follows.
    sender: SendRequest<Full<Bytes>>,
    wire: Wire,
    relay: Relay,
    activity: Activity,
}

/// What a connection reads and writes. `None` once it has ended.
struct Wire(Option<BoxFuture<'static, hyper::Result<()>>>);

impl HttpConn {
    /// Begins to speak HTTP over a dialled connection.
    pub(crate) async fn handshake<S: Stream>(io: Io<S>) -> Result<Self, Lost> {
        let activity = io.activity();
        let (sender, connection) = Builder::new()
            .max_buf_size(MAX_HEADER_BYTES)
            .max_headers(MAX_HEADERS)
            .handshake(FuturesIo::new(io))
            .await
            .map_err(|error| lost(&error))?;
        Ok(Self {
            sender,
            wire: Wire(Some(Box::pin(connection.with_upgrades()))),
            relay: Relay::new(),
            activity,
        })
    }

    /// Whether another request can be sent: the last answer was read to its end, and the peer keeps the
    /// connection.
    pub(crate) fn is_ready(&self) -> bool {
        self.sender.is_ready()
    }

    /// Sends a request, and waits for the head of its answer.
    pub(crate) async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Lost> {
        let Self { sender, wire, relay, .. } = self;
        let answered = wire.drive_for(relay, sender.send_request(request)).await;
        answered
            .ok_or_else(|| Lost::new(Seen::EndOfStream, "the connection ended before it took the request"))?
    }

    /// Reads a frame of the body of an answer to the last request. `None` if the body has ended.
    pub(crate) fn poll_frame(
        &mut self,
        body: &mut Incoming,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Lost>>> {
        let Self { wire, relay, .. } = self;
        let mut body = Pin::new(body);
        let polled = relay.poll(cx, |cx| match body.as_mut().poll_frame(cx) {
            Poll::Pending => {
                // The end of the connection ends the body too.
                let _has_ended = wire.drive(cx);
                body.poll_frame(cx)
            }
            ready => ready,
        });
        polled.map(|frame| frame.map(|frame| frame.map_err(|error| lost(&error))))
    }

    /// Ready when the connection has ended. It drives the connection between two requests.
    pub(crate) fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.relay.poll(cx, |cx| self.wire.drive(cx))
    }

    /// Hands the connection of an accepted upgrade back, with what was read from it after the answer.
    pub(crate) async fn upgraded<S: Stream>(
        mut self,
        response: Response<Incoming>,
    ) -> Result<(Io<S>, Bytes), Lost> {
        let Self { wire, relay, .. } = &mut self;
        let upgraded = wire.drive_for(relay, hyper::upgrade::on(response)).await;
        let not_handed_back = || Lost::internal("the connection of an upgrade was not handed back");
        let parts = upgraded.ok_or_else(not_handed_back)??.downcast::<FuturesIo<Io<S>>>();
        let parts = parts.map_err(|_| not_handed_back())?;
        Ok((parts.io.into_inner(), parts.read_buf))
    }

    pub(crate) fn activity(&self) -> Activity {
        self.activity.clone()
    }
}

impl Wire {
    /// Reads and writes what can be read and written. Ready when the connection has ended.
    fn drive(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(connection) = &mut self.0 {
            // Whoever waits for an answer or its body is told of an error too.
            let _told = ready!(connection.as_mut().poll(cx));
            self.0 = None;
        }
        Poll::Ready(())
    }

    /// Drives the connection until it has brought this. `None` if it has ended without that.
    async fn drive_for<T>(
        &mut self,
        relay: &mut Relay,
        what: impl Future<Output = hyper::Result<T>>,
    ) -> Option<Result<T, Lost>> {
        let mut what = pin!(what);
        poll_fn(|cx| {
            relay.poll(cx, |cx| {
                let has_ended = self.drive(cx).is_ready();
                match what.as_mut().poll(cx) {
                    Poll::Ready(done) => Poll::Ready(Some(done.map_err(|error| lost(&error)))),
                    Poll::Pending if has_ended => Poll::Ready(None),
                    Poll::Pending => Poll::Pending,
                }
            })
        })
        .await
    }
}

impl Drop for Wire {
    /// Closes the connection, as far as that needs no waiting: TLS has a last word.
    fn drop(&mut self) {
        let _closed = self.drive(&mut Context::from_waker(Waker::noop()));
    }
}

/// Makes a request with the headers that both transports have in common, and `own` ones that win over those.
pub(crate) fn request(
    method: Method,
    target: &failback_wire::Target,
    headers: &Headers,
    own: &[(http::HeaderName, HeaderValue)],
    body: String,
) -> Result<Request<Full<Bytes>>, http::Error> {
    let mut request = Request::builder()
        .method(method)
        .uri(target.path_and_query())
        .header(HOST, target.host_header())
        .body(Full::from(body))?;
    let map = request.headers_mut();
    map.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    let given = headers.iter().map(|(name, value)| (name.clone(), value.clone()));
    for (name, value) in given.chain(own.iter().cloned()) {
        map.insert(name, value);
    }
    Ok(request)
}

/// Reads an error answer, or a refused upgrade. Reads as much of the body as is looked at and arrives soon.
pub(crate) async fn refusal_of<R: Runtime>(
    runtime: &R,
    transport: Transport,
    conn: &mut HttpConn,
    response: Response<Incoming>,
) -> Box<Refusal> {
    let (head, mut body) = response.into_parts();
    let status = head.status.as_u16();
    let Some(time) = Refusal::body_time(transport, status, &head.headers) else {
        return Box::new(Refusal::new(status, head.headers, Vec::new(), true));
    };
    let mut read = Vec::new();
    let reading = async {
        while let Some(frame) = poll_fn(|cx| conn.poll_frame(&mut body, cx)).await {
            let Ok(frame) = frame else { return false };
            let data = frame.data_ref().map_or(&[][..], |data| data);
            let room = MAX_ERROR_BODY_BYTES.saturating_sub(read.len());
            read.extend_from_slice(data.get(..room).unwrap_or(data));
            if data.len() > room {
                return false;
            }
        }
        true
    };
    let is_whole = Deadline::after(runtime, time).limit(reading).await.unwrap_or(false);
    Box::new(Refusal::new(status, head.headers, read, is_whole))
}

/// Why an exchange over HTTP failed.
pub(crate) fn lost(error: &hyper::Error) -> Lost {
    if error.is_user() {
        // hyper was used wrongly.
        return Lost::internal(detail(error));
    }
    Lost::new(seen(error), detail(error))
}

/// What an HTTP error shows.
fn seen(error: &hyper::Error) -> Seen<'static> {
    if error.is_parse() {
        return Seen::ProtocolViolation;
    }
    if error.is_incomplete_message() || error.is_closed() {
        return Seen::EndOfStream;
    }
    // hyper reports a body that breaks off, and one whose chunks cannot be read, as an error of I/O.
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<io::Error>());
    match source.map(io::Error::kind) {
        Some(ErrorKind::UnexpectedEof) => Seen::EndOfStream,
        Some(ErrorKind::InvalidData | ErrorKind::InvalidInput) => Seen::ProtocolViolation,
        _ => Seen::Reset,
    }
}

/// The text of an HTTP error, with its cause.
pub(crate) fn detail(error: &hyper::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use failback::{Config, SharedPolicy};

    /// Takes a request, and says what it has to say to it.
    struct Server {
        says: &'static [u8],
        was_asked: bool,
        /// Whether it ends the connection after what it says.
        ends: bool,
        is_closed: Arc<AtomicBool>,
    }

    impl AsyncRead for Server {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buf: &mut [u8],
        ) -> Poll<io::Result<usize>> {
            if !self.was_asked {
                return Poll::Pending;
            }
            match io::Read::read(&mut self.says, buf) {
                Ok(0) if !self.ends => Poll::Pending,
                read => Poll::Ready(read),
            }
        }
    }

    impl AsyncWrite for Server {
        fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
            self.was_asked = true;
            Poll::Ready(Ok(buf.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.is_closed.store(true, Ordering::Relaxed);
            Poll::Ready(Ok(()))
        }
    }

    const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n";
    const HALF: &str = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc";
    const WHOLE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabcdef";

    fn connect(says: &'static str, ends: bool) -> (HttpConn, Arc<AtomicBool>) {
        let is_closed = Arc::default();
        let says = says.as_bytes();
        let server = Server { says, was_asked: false, ends, is_closed: Arc::clone(&is_closed) };
        let io = Io::plain(server, &SharedPolicy::new(Config::new()));
        (soon(HttpConn::handshake(io)).unwrap().unwrap(), is_closed)
    }

    /// What comes within a few polls.
    fn soon<T>(what: impl Future<Output = T>) -> Option<T> {
        let mut what = pin!(what);
        let mut cx = Context::from_waker(Waker::noop());
        (0..4).find_map(|_| match what.as_mut().poll(&mut cx) {
            Poll::Ready(came) => Some(came),
            Poll::Pending => None,
        })
    }

    fn send(conn: &mut HttpConn) -> Option<Result<Incoming, Lost>> {
        let answer = soon(conn.send(Request::new(Full::from("hello"))))?;
        Some(answer.map(Response::into_body))
    }

    /// The next frame, if it has come.
    fn frame(conn: &mut HttpConn, body: &mut Incoming) -> Option<Option<Result<Bytes, Lost>>> {
        let frame = soon(poll_fn(|cx| conn.poll_frame(body, cx)))?;
        Some(frame.map(|frame| frame.map(|frame| frame.into_data().unwrap_or_default())))
    }

    fn is_end<T>(got: &Result<T, Lost>) -> bool {
        matches!(got, Err(Lost::Seen(Seen::EndOfStream, Some(_))))
    }

    #[test]
    fn a_connection_that_has_read_its_answer_takes_another_request() {
        let (mut conn, _) = connect(WHOLE, false);
        let mut body = send(&mut conn).unwrap().unwrap();
        assert_eq!(frame(&mut conn, &mut body).unwrap().unwrap().unwrap(), "abcdef");
        assert!(frame(&mut conn, &mut body).unwrap().is_none());
        assert!(soon(poll_fn(|cx| conn.poll_end(cx))).is_none());
        assert!(conn.is_ready());

        let (mut conn, _) = connect(HALF, false);
        let _body = send(&mut conn).unwrap().unwrap();
        assert!(soon(poll_fn(|cx| conn.poll_end(cx))).is_none());
        assert!(!conn.is_ready());
    }

    #[test]
    fn the_end_of_a_connection_ends_whatever_is_awaited_from_it() {
        let (mut conn, _) = connect("", true);
        assert!(is_end(&send(&mut conn).unwrap()), "in place of an answer");
        assert!(send(&mut conn).unwrap().is_err(), "before the request was taken");

        let (mut conn, _) = connect(HALF, true);
        let mut body = send(&mut conn).unwrap().unwrap();
        assert_eq!(frame(&mut conn, &mut body).unwrap().unwrap().unwrap(), "abc");
        assert!(is_end(&frame(&mut conn, &mut body).unwrap().unwrap()), "in the middle of a body");

        let (mut conn, _) = connect(WHOLE, true);
        let mut body = send(&mut conn).unwrap().unwrap();
        while frame(&mut conn, &mut body).unwrap().is_some() {}
        assert!(soon(poll_fn(|cx| conn.poll_end(cx))).is_some(), "between requests");
        assert!(!conn.is_ready());
    }

    #[test]
    fn a_connection_is_closed_when_it_is_dropped() {
        let closed = |is_closed: &AtomicBool| is_closed.load(Ordering::Relaxed);
        let (conn, is_closed) = connect("", false);
        assert!(!closed(&is_closed));
        drop(conn);
        assert!(closed(&is_closed), "before any request");

        let (mut conn, is_closed) = connect("", false);
        assert!(send(&mut conn).is_none());
        drop(conn);
        assert!(closed(&is_closed), "while an answer is awaited");

        for says in [HEAD, HALF, WHOLE] {
            let (mut conn, is_closed) = connect(says, false);
            let body = send(&mut conn).unwrap().unwrap();
            assert!(!closed(&is_closed));
            drop((body, conn));
            assert!(closed(&is_closed), "with an unread answer: {says:?}");
        }
    }
}
