//! A WebSocket: its handshake, and one response at a time over it.

use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::SystemTime;

use failback::{Stage, Timestamp, Transport};
use failback_wire::{Carried, Event, Fault, Liveness, Owner, Said, Seen};
use futures_util::{SinkExt, StreamExt};
use http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use smol_hyper::rt::FuturesIo;
use tungstenite::handshake::client::generate_key;
use tungstenite::handshake::derive_accept_key;
use tungstenite::{Bytes, Error, Message};

use crate::Runtime;
use crate::client::Network;
use crate::dial::{DialError, dial};
use crate::http::{self as http1, HttpConn, error_of};
use crate::io::{Activity, Io};
use crate::socket::Socket;
use crate::timer::Deadline;
use crate::watch::{Alarm, Watch};

const TRANSPORT: Transport = Transport::WebSocket;

/// An open WebSocket between responses.
pub(crate) struct WsConn<R: Runtime> {
    pub(crate) socket: Socket<R::Stream>,
    activity: Activity,
    pub(crate) opened_at: Timestamp,
    /// It has carried a response before, or waited for one.
    pub(crate) reused: bool,
    /// The response that it completed last, and that a continuation may build on.
    last_completed: Option<String>,
    /// Tells the events of one response from those of the next.
    carried: Carried,
}

impl<R: Runtime> WsConn<R> {
    /// Dials, and shakes hands, within the connect time-out.
    pub(crate) async fn connect(network: &Network<R>) -> Result<Self, Fault> {
        let late = |seen| fault(&seen, network.proxies.told_of(TRANSPORT).as_deref());
        let mut deadline = Deadline::after(&network.runtime, network.limits.connect_timeout());
        let dialled = deadline.limit(dial(network, TRANSPORT)).await;
        let io = match dialled.ok_or_else(|| late(Seen::ConnectTimeout))? {
            Ok(io) => io,
            Err(DialError { seen, detail }) => return Err(fault(&seen, Some(&detail))),
        };
        let upgraded = deadline.limit(upgrade(network, io)).await;
        upgraded.ok_or_else(|| late(Seen::HandshakeTimeout))?
    }

    /// Whether another request can follow: the last one was sent to its end.
    pub(crate) fn is_reusable(&self) -> bool {
        self.socket.is_flushed()
    }

    pub(crate) fn last_completed(&self) -> Option<&str> {
        self.last_completed.as_deref()
    }

    /// Begins to send a request, which leaves while the stream is read: a server may answer in the middle of it.
    pub(crate) fn request(mut self, network: &Network<R>, frame: String) -> Result<WsStream<R>, Fault> {
        self.carried.begin();
        let (limits, activity) = (network.limits, self.activity.clone());
        let liveness = |now| Liveness::before_request(limits, TRANSPORT, now);
        let watch = Watch::new(&network.runtime, &network.clock, limits, liveness, activity);
        let mut stream = WsStream { conn: self, watch, stage: Stage::Open, is_sent: false };
        match stream.conn.socket.queue(Message::text(frame)) {
            Ok(()) => Ok(stream),
            Err(error) => Err(stream.broken(&error)),
        }
    }
}

fn fault(seen: &Seen<'_>, detail: Option<&str>) -> Fault {
    Fault::new(seen, TRANSPORT, Stage::Connecting, false, detail, SystemTime::now())
}

/// RFC 6455, section 4.1, by the same HTTP that carries SSE.
async fn upgrade<R: Runtime>(network: &Network<R>, io: Io<R::Stream>) -> Result<WsConn<R>, Fault> {
    let failed = |error: hyper::Error| fault(&http1::seen(&error), Some(&http1::detail(&error)));
    let activity = io.activity();
    let mut conn = HttpConn::handshake(&network.runtime, io).await.map_err(failed)?;

    let key = generate_key();
    let key_value = HeaderValue::from_str(&key).map_err(|_| fault(&Seen::BadAccept, None))?;
    let own = [
        (CONNECTION, HeaderValue::from_static("Upgrade")),
        (UPGRADE, HeaderValue::from_static("websocket")),
        (SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13")),
        (SEC_WEBSOCKET_KEY, key_value),
    ];
    let target = network.endpoint.target(TRANSPORT);
    let request = http1::request(Method::GET, target, &network.headers, &own, String::new())
        .map_err(|error| fault(&Seen::BadAccept, Some(&error.to_string())))?;

    let response = conn.send(request).await.map_err(failed)?;
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let error = error_of(&network.runtime, TRANSPORT, response).await;
        return Err(fault(&Seen::Upgrade { status, headers: &headers, error: Some(&error) }, None));
    }
    if !is_accepted(response.headers(), &key) {
        return Err(fault(&Seen::BadAccept, None));
    }
    let upgraded = hyper::upgrade::on(response).await.map_err(failed)?;
    let parts = upgraded
        .downcast::<FuturesIo<Io<R::Stream>>>()
        .map_err(|_| fault(&Seen::BadAccept, Some("the connection was not handed back")))?;

    let (io, early) = (parts.io.into_inner(), parts.read_buf.to_vec());
    let socket = Socket::new(io, early, network.limits.max_message_bytes());
    Ok(WsConn {
        socket,
        activity,
        opened_at: network.clock.now(),
        reused: false,
        last_completed: None,
        carried: Carried::new(),
    })
}

fn is_accepted(headers: &HeaderMap, key: &str) -> bool {
    let has = |name, token: &str| {
        headers
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .any(|value| value.split(',').any(|part| part.trim().eq_ignore_ascii_case(token)))
    };
    let accept = headers.get(SEC_WEBSOCKET_ACCEPT).map(HeaderValue::as_bytes);
    accept == Some(derive_accept_key(key.as_bytes()).as_bytes())
        && has(UPGRADE, "websocket")
        && has(CONNECTION, "upgrade")
        // Neither was asked for.
        && !headers.contains_key(http::header::SEC_WEBSOCKET_EXTENSIONS)
        && !headers.contains_key(http::header::SEC_WEBSOCKET_PROTOCOL)
}

/// One response over a WebSocket.
pub(crate) struct WsStream<R: Runtime> {
    conn: WsConn<R>,
    watch: Watch<R>,
    stage: Stage,
    /// The request has left, to its last byte.
    is_sent: bool,
}

impl<R: Runtime> WsStream<R> {
    /// The next event. After an error there is none. R8: `on_life` hears of every sign of life once an event has come.
    pub(crate) async fn next(&mut self, on_life: impl Fn()) -> Result<Event, Fault> {
        loop {
            let message = match poll_fn(|cx| self.poll_message(&on_life, cx)).await {
                Ok(message) => message,
                Err(Alarm::Ping) => {
                    match self.conn.socket.queue(Message::Ping(Bytes::new())) {
                        // A peer that takes nothing gets no ping, and answers none.
                        Ok(()) | Err(Error::WriteBufferFull(_)) => continue,
                        Err(error) => return Err(self.broken(&error)),
                    }
                }
                Err(Alarm::Dead(seen)) => return Err(self.fault(&seen, None)),
            };
            match message {
                Some(Ok(Message::Text(text))) => {
                    let event = match Said::read(text.as_str(), None) {
                        Ok(Said::Event(event)) => event,
                        Ok(Said::SignOfLife) => {
                            self.watch.handle_sign_of_life();
                            continue;
                        }
                        Ok(Said::Done) => return Err(self.fault(&Seen::EndOfStream, Some("it sent [DONE]"))),
                        Err(error) => return Err(self.fault(&Seen::BadEvent, Some(&error.to_string()))),
                    };
                    match self.conn.carried.sort(&event) {
                        Owner::Current => {
                            self.watch.handle_event();
                            return Ok(event);
                        }
                        Owner::Earlier => self.watch.handle_sign_of_life(),
                        Owner::LeftOver => return Err(self.fault(&Seen::LeftOver, Some(event.kind()))),
                    }
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {
                    self.watch.handle_sign_of_life();
                }
                Some(Ok(Message::Binary(_))) => return Err(self.fault(&Seen::BinaryFrame, None)),
                Some(Ok(Message::Close(frame))) => {
                    let reason = frame.as_ref().map_or("", |frame| frame.reason.as_str());
                    let code = frame.as_ref().map(|frame| frame.code.into());
                    return Err(self.fault(&Seen::Closed { code, reason }, None));
                }
                Some(Err(error)) => return Err(self.broken(&error)),
                None => return Err(self.fault(&Seen::EndOfStream, None)),
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

    /// The response is over, and this is what a continuation may build on. The connection is as good as before.
    pub(crate) fn finish(mut self, completed: Option<String>) -> WsConn<R> {
        self.conn.last_completed = completed;
        self.conn
    }

    fn poll_message(
        &mut self,
        on_life: &impl Fn(),
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Result<Message, Error>>, Alarm>> {
        let (socket, watch) = (&mut self.conn.socket, &mut self.watch);
        // An error is found again by reading, after what had arrived.
        if !self.is_sent && socket.poll_flush_unpin(cx).is_ready() {
            self.is_sent = true;
            watch.handle_request_sent();
        }
        let polled = watch.poll_over(cx, |cx| socket.poll_next_unpin(cx));
        if self.stage == Stage::Streaming && watch.take_life() {
            on_life();
        }
        polled
    }

    fn broken(&self, error: &Error) -> Fault {
        let seen = match error {
            Error::ConnectionClosed | Error::AlreadyClosed => Seen::EndOfStream,
            Error::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake) => {
                Seen::EndOfStream
            }
            Error::Io(_) | Error::Tls(_) => Seen::Reset,
            Error::Capacity(_) => Seen::TooLarge,
            _ => Seen::ProtocolViolation,
        };
        self.fault(&seen, Some(&error.to_string()))
    }

    fn fault(&self, seen: &Seen<'_>, detail: Option<&str>) -> Fault {
        let fault = Fault::new(seen, TRANSPORT, self.stage, self.conn.reused, detail, SystemTime::now());
        if self.watch.was_left_alone() { fault.left_alone(seen) } else { fault }
    }
}
