//! Server-Sent Events: one POST, and the events of its answer.

use std::time::SystemTime;

use bytes::{Buf, Bytes};
use failback::{Stage, Transport};
use failback_wire::{Body, Event, Fault, Liveness, Said, Seen};
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE};
use http::{HeaderValue, Method, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;

use crate::Runtime;
use crate::client::Network;
use crate::dial::{DialError, dial};
use crate::http::{self as http1, HttpConn, encoding_of, error_of};
use crate::timer::Deadline;
use crate::watch::{Alarm, Watch};

const TRANSPORT: Transport = Transport::Sse;

/// How much is read after the last event to see the end of an answer, so that its connection can be used again. A new
/// connection costs no more.
const DRAIN_BYTES: usize = 64 * 1024;

/// An HTTP connection whose last answer is over but for its end.
pub(crate) struct UsedConn {
    conn: HttpConn,
    rest: Incoming,
}

impl UsedConn {
    /// Reads to the end of the last answer.
    pub(crate) async fn recover(mut self) -> Option<HttpConn> {
        let mut read = 0_usize;
        while let Some(frame) = self.rest.frame().await {
            read = read.saturating_add(frame.ok()?.data_ref().map_or(0, Bytes::len));
            if read > DRAIN_BYTES {
                return None;
            }
        }
        self.conn.ready().await.ok()?;
        Some(self.conn)
    }
}

/// One response over SSE.
pub(crate) struct SseStream<R: Runtime> {
    conn: HttpConn,
    body: Incoming,
    said: Body,
    chunk: Bytes,
    watch: Watch<R>,
    stage: Stage,
    reused: bool,
}

/// Dials within the connect time-out.
pub(crate) async fn connect<R: Runtime>(network: &Network<R>) -> Result<HttpConn, Fault> {
    let fault = |seen: &Seen<'_>, detail: Option<&str>| {
        Fault::new(seen, TRANSPORT, Stage::Connecting, false, detail, SystemTime::now())
    };
    let attempt = async {
        let io = dial(network, TRANSPORT).await;
        let io = io.map_err(|DialError { seen, detail }| fault(&seen, Some(&detail)))?;
        let conn = HttpConn::handshake(&network.runtime, io).await;
        conn.map_err(|error| fault(&http1::seen(&error), Some(&http1::detail(&error))))
    };
    let mut deadline = Deadline::after(&network.runtime, network.limits.connect_timeout());
    let late = || fault(&Seen::ConnectTimeout, network.proxies.told_of(TRANSPORT).as_deref());
    deadline.limit(attempt).await.ok_or_else(late)?
}

impl<R: Runtime> SseStream<R> {
    /// Sends a request, and reads the head of its answer.
    pub(crate) async fn request(
        network: &Network<R>,
        mut conn: HttpConn,
        reused: bool,
        body: String,
    ) -> Result<Self, Fault> {
        let fault = |seen: &Seen<'_>, detail: Option<&str>| {
            Fault::new(seen, TRANSPORT, Stage::Open, reused, detail, SystemTime::now())
        };
        let own = [
            (ACCEPT, HeaderValue::from_static("text/event-stream")),
            (ACCEPT_ENCODING, HeaderValue::from_static("identity")),
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        ];
        let target = network.endpoint.target(TRANSPORT);
        let request = http1::request(Method::POST, target, &network.headers, &own, body)
            .map_err(|error| fault(&Seen::ProtocolViolation, Some(&error.to_string())))?;

        let (limits, activity) = (network.limits, conn.activity());
        let liveness = |now| Liveness::new(limits, TRANSPORT, now);
        let mut watch = Watch::new(&network.runtime, &network.clock, limits, liveness, activity);
        let response = match watch.over(conn.send(request)).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(fault(&http1::seen(&error), Some(&http1::detail(&error)))),
            // SSE is never pinged.
            Err(Alarm::Ping) => return Err(fault(&Seen::IdleTimeout, None)),
            Err(Alarm::Dead(seen)) => return Err(fault(&seen, None)),
        };
        if response.status() != StatusCode::OK {
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            let error = error_of(&network.runtime, TRANSPORT, response).await;
            return Err(fault(&Seen::Answer { status, headers: &headers, error: Some(&error) }, None));
        }
        let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if let Some(encoding) = encoding_of(response.headers()) {
            return Err(fault(&Seen::Encoded { encoding }, None));
        }
        let said = Body::new(content_type, network.limits.max_message_bytes());
        let said = said.map_err(|error| fault(&error.seen(), error.detail()))?;
        Ok(Self {
            conn,
            body: response.into_body(),
            said,
            chunk: Bytes::new(),
            watch,
            stage: Stage::Open,
            reused,
        })
    }

    /// The next event. After an error there is none.
    pub(crate) async fn next(&mut self) -> Result<Event, Fault> {
        loop {
            let mut input = &self.chunk[..];
            let said = self.said.decode(&mut input);
            let used = self.chunk.len().saturating_sub(input.len());
            self.chunk.advance(used);
            let event = match said {
                Ok(Some(Said::Event(event))) => event,
                Ok(Some(Said::SignOfLife)) => {
                    self.watch.handle_sign_of_life();
                    continue;
                }
                Ok(Some(Said::Done)) => return Err(self.fault(&Seen::EndOfStream, Some("it sent [DONE]"))),
                Ok(None) => match self.read().await? {
                    Some(chunk) => {
                        self.chunk = chunk;
                        continue;
                    }
                    None => match self.said.end() {
                        Ok(Some(event)) => event,
                        Ok(None) => return Err(self.fault(&Seen::EndOfStream, None)),
                        Err(error) => return Err(self.fault(&error.seen(), error.detail())),
                    },
                },
                Err(error) => return Err(self.fault(&error.seen(), error.detail())),
            };
            self.watch.handle_event();
            return Ok(event);
        }
    }

    /// The next piece of the body; none when it has ended.
    async fn read(&mut self) -> Result<Option<Bytes>, Fault> {
        loop {
            match self.watch.over(self.body.frame()).await {
                Ok(Some(Ok(frame))) => {
                    self.watch.handle_sign_of_life();
                    if let Ok(data) = frame.into_data() {
                        return Ok(Some(data));
                    }
                }
                Ok(Some(Err(error))) => {
                    return Err(self.fault(&http1::seen(&error), Some(&http1::detail(&error))));
                }
                Ok(None) => return Ok(None),
                // SSE is never pinged.
                Err(Alarm::Ping) => {}
                Err(Alarm::Dead(seen)) => return Err(self.fault(&seen, None)),
            }
        }
    }

    /// Whether an event has come.
    pub(crate) fn stage(&self) -> Stage {
        self.stage
    }

    /// An event has come that is not an error.
    pub(crate) fn handle_progress(&mut self) {
        self.stage = Stage::Streaming;
    }

    /// The response is over.
    pub(crate) fn finish(self) -> UsedConn {
        UsedConn { conn: self.conn, rest: self.body }
    }

    fn fault(&self, seen: &Seen<'_>, detail: Option<&str>) -> Fault {
        let fault = Fault::new(seen, TRANSPORT, self.stage, self.reused, detail, SystemTime::now());
        if self.watch.was_left_alone() { fault.left_alone(seen) } else { fault }
    }
}
