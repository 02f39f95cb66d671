//! HTTP/1.1 for both transports, by hyper: the POST of SSE, and the upgrade of WebSocket.

use std::convert::Infallible;
use std::io::{self, ErrorKind};
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use failback::Transport;
use failback_client::{AGENT, Lost, Refusal};
use failback_wire::{Headers, MAX_ERROR_BODY_BYTES, MAX_HEADER_BYTES, Seen};
use futures_channel::oneshot;
use futures_util::FutureExt;
use futures_util::future::{Either, select};
use http::header::{HOST, USER_AGENT};
use http::{HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, SendRequest};
use smol_hyper::rt::FuturesIo;

use crate::Runtime;
use crate::io::{Activity, Io};
use crate::timer::Deadline;

/// The most headers that an answer may have, as gateways add to those of servers. The limit in bytes holds
/// too.
const MAX_HEADERS: usize = 256;

/// How long a connection that nobody uses any more may take to end. One whose peer does not take the rest of
/// a request would never end by itself.
const END_TIME: Duration = Duration::from_secs(1);

/// An HTTP connection.
pub(crate) struct HttpConn {
    sender: SendRequest<Full<Bytes>>,
    activity: Activity,
    /// Tells the task of the connection when this is dropped.
    _in_use: oneshot::Sender<Infallible>,
    /// Resolves when that task has ended.
    ended: oneshot::Receiver<Infallible>,
}

impl HttpConn {
    /// Begins to speak HTTP over a dialled connection, in a task that ends with the connection, and soon
    /// after this is dropped.
    pub(crate) async fn handshake<R: Runtime>(runtime: &R, io: Io<R::Stream>) -> hyper::Result<Self> {
        let activity = io.activity();
        let (sender, connection) = Builder::new()
            .max_buf_size(MAX_HEADER_BYTES)
            .max_headers(MAX_HEADERS)
            .handshake(FuturesIo::new(io))
            .await?;
        let (in_use, unused) = oneshot::channel();
        let (ending, ended) = oneshot::channel();
        let waiting = runtime.clone();
        runtime.spawn(async move {
            let end = async {
                let _ = unused.await;
                waiting.sleep(END_TIME).await;
            };
            // An error of the connection is returned to the request that waits for the answer.
            select(pin!(connection.with_upgrades()), pin!(end)).await;
            drop(ending);
        });
        Ok(Self { sender, activity, _in_use: in_use, ended })
    }

    /// Whether another request can be sent: the last answer was read to its end, and the peer keeps the
    /// connection.
    pub(crate) fn is_ready(&mut self) -> bool {
        self.sender.is_ready()
    }

    /// Waits until another request can be sent.
    pub(crate) async fn ready(&mut self) -> hyper::Result<()> {
        self.sender.ready().await
    }

    /// Sends a request, and waits for the head of its answer.
    pub(crate) async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Lost> {
        let response = pin!(self.sender.send_request(request));
        let answered = match select(response, &mut self.ended).await {
            Either::Left((answered, _)) => Some(answered),
            // A request that is sent at the very moment when its connection ends may lie in hyper's channel
            // with nobody left to take it out. It would be waited for until the sender is dropped.
            Either::Right((_, response)) => response.now_or_never(),
        };
        match answered {
            Some(answered) => answered.map_err(|error| lost(&error)),
            None => Err(Lost::new(Seen::EndOfStream, "the connection ended before it took the request")),
        }
    }

    pub(crate) fn activity(&self) -> Activity {
        self.activity.clone()
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
    response: Response<Incoming>,
) -> Box<Refusal> {
    let (head, mut body) = response.into_parts();
    let status = head.status.as_u16();
    let Some(time) = Refusal::body_time(transport, status, &head.headers) else {
        return Box::new(Refusal::new(status, head.headers, Vec::new(), true));
    };
    let mut read = Vec::new();
    let reading = async {
        while let Some(frame) = body.frame().await {
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

    use failback::{Config, SharedPolicy};
    use futures_util::io::Cursor;

    #[test]
    fn a_request_that_its_connection_never_takes_is_not_waited_for() {
        let io = Io::plain(Cursor::new(Vec::new()), &SharedPolicy::new(Config::new()));
        let activity = io.activity();
        let handshake = Builder::new().handshake(FuturesIo::new(io)).now_or_never();
        // Kept and never polled: it takes no request, and does not say that it is gone.
        let (sender, _connection) = handshake.unwrap().unwrap();
        let (in_use, _unused) = oneshot::channel();
        let (ending, ended) = oneshot::channel();
        let mut conn = HttpConn { sender, activity, _in_use: in_use, ended };
        drop(ending);
        let sent = conn.send(Request::new(Full::default())).now_or_never();
        assert!(matches!(sent, Some(Err(Lost::Seen(Seen::EndOfStream, _)))));
    }
}
