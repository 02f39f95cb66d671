//! One HTTP/1.1 for both transports, by hyper: the POST of SSE, and the upgrade of WebSocket.

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use failback_wire::{Headers, MAX_ERROR_BODY_BYTES, MAX_HEADER_BYTES, Seen, ServerError};
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

/// How long the body of an error answer may take. Its status says what to do, and that has arrived.
const ERROR_BODY_TIME: Duration = Duration::from_secs(1);

/// What the client calls itself.
pub(crate) const AGENT: &str = concat!("failback/", env!("CARGO_PKG_VERSION"));

/// An HTTP connection.
pub(crate) struct HttpConn {
    sender: SendRequest<Full<Bytes>>,
    activity: Activity,
}

impl HttpConn {
    /// Speaks HTTP over a dialled connection. The connection's task ends with it.
    pub(crate) async fn handshake<R: Runtime>(runtime: &R, io: Io<R::Stream>) -> hyper::Result<Self> {
        let activity = io.activity();
        let (sender, connection) =
            Builder::new().max_buf_size(MAX_HEADER_BYTES).handshake(FuturesIo::new(io)).await?;
        // An error of the connection reaches whoever waits for the answer.
        runtime.spawn(connection.with_upgrades().map(|_| ()));
        Ok(Self { sender, activity })
    }

    /// Whether another request can be sent: the last answer was read to its end, and the peer keeps the connection.
    pub(crate) fn is_ready(&mut self) -> bool {
        self.sender.is_ready()
    }

    /// Waits until another request can be sent.
    pub(crate) async fn ready(&mut self) -> hyper::Result<()> {
        self.sender.ready().await
    }

    pub(crate) async fn send(&mut self, request: Request<Full<Bytes>>) -> hyper::Result<Response<Incoming>> {
        self.sender.send_request(request).await
    }

    pub(crate) fn activity(&self) -> Activity {
        self.activity.clone()
    }
}

/// A request with what both transports have in common.
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
    map.extend(headers.iter().map(|(name, value)| (name.clone(), value.clone())));
    map.extend(own.iter().cloned());
    Ok(request)
}

/// What the body of an error answer says, as far as anyone reads and as much as comes soon.
pub(crate) async fn error_of<R: Runtime>(runtime: &R, response: Response<Incoming>) -> ServerError {
    let status = response.status().as_u16();
    let mut body = response.into_body();
    let mut limit = pin!(runtime.sleep(ERROR_BODY_TIME));
    let mut read = Vec::new();
    while let Either::Left((Some(Ok(frame)), _)) = select(body.frame(), limit.as_mut()).await {
        let data = frame.data_ref().map_or(&[][..], |data| data);
        let room = MAX_ERROR_BODY_BYTES.saturating_sub(read.len());
        read.extend_from_slice(data.get(..room).unwrap_or(data));
        if read.len() >= MAX_ERROR_BODY_BYTES {
            break;
        }
    }
    ServerError::from_body(status, &read)
}

/// What an HTTP error shows.
pub(crate) fn seen(error: &hyper::Error) -> Seen<'static> {
    if error.is_parse() {
        Seen::ProtocolViolation
    } else if error.is_incomplete_message() || error.is_closed() {
        Seen::EndOfStream
    } else {
        Seen::Reset
    }
}

/// What an HTTP error says, down to its cause.
pub(crate) fn detail(error: &hyper::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
