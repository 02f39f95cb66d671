//! A WebSocket: its handshake, and one response at a time over it.

use std::task::{Context, Poll, ready};

use failback::{Timestamp, Transport};
use failback_client::{Connection, Credentials, Lost};
use failback_wire::{
    Carried, Event, Headers, Liveness, Owner, ResponseHeaders, Said, Seen, is_upgrade_accepted,
};
use futures_util::{SinkExt, StreamExt};
use http::header::{CONNECTION, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use http::{HeaderValue, Method, Response, StatusCode};
use hyper::body::Incoming;
use tungstenite::handshake::client::generate_key;
use tungstenite::handshake::derive_accept_key;
use tungstenite::{Bytes, Error, Message};

use crate::Runtime;
use crate::dial::dial;
use crate::http::{self as http1, HttpConn, refusal_of};
use crate::io::{Activity, Io};
use crate::network::Network;
use crate::socket::Socket;
use crate::timer::Deadline;
use crate::watch::{Watch, Watched};

const TRANSPORT: Transport = Transport::WebSocket;

/// An open WebSocket between responses.
pub(crate) struct WsConn<R: Runtime> {
    pub(crate) socket: Socket<R::Stream>,
    activity: Activity,
    pub(crate) opened_at: Timestamp,
    /// Whether it carried a response before, or waited in the pool.
    pub(crate) reused: bool,
    /// Those of the answer that opened it.
    pub(crate) headers: ResponseHeaders,
    /// Those of the request that opened it, if a provider has given them.
    pub(crate) credentials: Option<Credentials>,
    /// The id of the response that completed on it last, which a continuation may build on.
    last_completed: Option<String>,
    /// Tells the events of the current response from those of earlier ones.
    carried: Carried,
}

impl<R: Runtime> WsConn<R> {
    /// Dials, and shakes hands with these headers, within the connect time-out.
    pub(crate) async fn connect(network: &Network<R>, headers: &Headers) -> Result<Self, Lost> {
        let late = |seen| Lost::Seen(seen, network.proxies.told_of(TRANSPORT));
        let mut deadline = Deadline::after(&network.runtime, network.limits.connect_timeout());
        let dialled = deadline.limit(dial(network, TRANSPORT)).await;
        let io = dialled.ok_or_else(|| late(Seen::ConnectTimeout))??;
        let upgraded = deadline.limit(upgrade(network, io, headers)).await;
        match upgraded.ok_or_else(|| late(Seen::HandshakeTimeout))?? {
            Upgraded::Open(conn) => Ok(*conn),
            // The handshake was answered in time. How long the rest of the answer may take is known there.
            Upgraded::Refused(mut conn, response) => {
                Err(Lost::Upgrade(refusal_of(&network.runtime, TRANSPORT, &mut conn, *response).await))
            }
        }
    }

    /// Whether another request can follow. It cannot while the last one is not sent to its end.
    pub(crate) fn is_reusable(&self) -> bool {
        self.socket.is_flushed()
    }

    /// What a turn has to know about it.
    pub(crate) fn describe(&self) -> Connection {
        Connection {
            reused: self.reused,
            last_completed: self.last_completed.clone(),
            credentials: self.credentials.clone(),
        }
    }

    /// Begins to send a request. The rest is sent while the stream is read, as a server may answer in the
    /// middle of it.
    pub(crate) fn request(mut self, network: &Network<R>, frame: String) -> Result<WsStream<R>, Lost> {
        self.carried.begin();
        let (limits, activity) = (network.limits, self.activity.clone());
        let liveness = |now| Liveness::before_request(limits, TRANSPORT, now);
        let watch = Watch::new(&network.runtime, &network.policy, limits, liveness, activity);
        let mut stream = WsStream { conn: self, watch, is_sent: false };
        match stream.conn.socket.queue(Message::text(frame)) {
            Ok(()) => Ok(stream),
            Err(error) => Err(broken(&error)),
        }
    }
}

/// How a request to upgrade was answered.
enum Upgraded<R: Runtime> {
    Open(Box<WsConn<R>>),
    /// Only the head of the answer was read.
    Refused(Box<HttpConn>, Box<Response<Incoming>>),
}

/// Makes a WebSocket of a connection (RFC 6455, section 4.1), with the HTTP that carries SSE too.
async fn upgrade<R: Runtime>(
    network: &Network<R>,
    io: Io<R::Stream>,
    headers: &Headers,
) -> Result<Upgraded<R>, Lost> {
    let mut conn = HttpConn::handshake(io).await?;

    let key = generate_key();
    let key_value = HeaderValue::from_str(&key).map_err(Lost::internal)?;
    let own = [
        (CONNECTION, HeaderValue::from_static("Upgrade")),
        (UPGRADE, HeaderValue::from_static("websocket")),
        (SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13")),
        (SEC_WEBSOCKET_KEY, key_value),
    ];
    let target = network.endpoint.target(TRANSPORT);
    let request =
        http1::request(Method::GET, target, headers, &own, String::new()).map_err(Lost::internal)?;

    let mut response = conn.send(request).await?;
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Ok(Upgraded::Refused(Box::new(conn), Box::new(response)));
    }
    if !is_upgrade_accepted(response.headers(), &derive_accept_key(key.as_bytes())) {
        return Err(Seen::BadAccept.into());
    }
    let headers = std::mem::take(response.headers_mut()).into();
    let activity = conn.activity();
    let (io, early) = conn.upgraded::<R::Stream>(response).await?;
    let socket = Socket::new(io, early.into(), network.limits.max_message_bytes());
    Ok(Upgraded::Open(Box::new(WsConn {
        socket,
        activity,
        opened_at: network.policy.now(),
        reused: false,
        headers,
        credentials: None,
        last_completed: None,
        carried: Carried::new(),
    })))
}

/// One response over a WebSocket.
pub(crate) struct WsStream<R: Runtime> {
    conn: WsConn<R>,
    watch: Watch<R>,
    /// Whether the whole request has left.
    is_sent: bool,
}

impl<R: Runtime> WsStream<R> {
    /// The next event. After an error there is none. `on_life` is called at every sign of life.
    pub(crate) fn poll_next(
        &mut self,
        on_life: Option<&(dyn Fn() + Sync)>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Event, Lost>> {
        loop {
            match ready!(self.poll_message(on_life, cx)) {
                Watched::Got(Ok(Message::Text(text))) => {
                    if let Some(event) = self.read(text.as_str())? {
                        return Poll::Ready(Ok(event));
                    }
                    self.watch.handle_sign_of_life();
                }
                Watched::Got(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {
                    self.watch.handle_sign_of_life();
                }
                Watched::Got(Ok(Message::Binary(_))) => return Poll::Ready(Err(Seen::BinaryFrame.into())),
                Watched::Got(Ok(Message::Close(frame))) => {
                    // The answer to it (RFC 6455, section 5.5.1), as far as the socket takes it at once.
                    let _ = self.conn.socket.poll_flush_unpin(cx);
                    let reason = frame.as_ref().map(|frame| frame.reason.to_string());
                    let code = frame.as_ref().map(|frame| frame.code.into());
                    return Poll::Ready(Err(Lost::Closed(code, reason.unwrap_or_default())));
                }
                Watched::Got(Err(lost)) => return Poll::Ready(Err(lost)),
                Watched::PingDue => match self.conn.socket.queue(Message::Ping(Bytes::new())) {
                    // If the peer takes nothing, the ping is not sent, and counts as unanswered.
                    Ok(()) | Err(Error::WriteBufferFull(_)) => {}
                    Err(error) => return Poll::Ready(Err(broken(&error))),
                },
                Watched::Dead(seen) => return Poll::Ready(Err(seen.into())),
            }
        }
    }

    /// What a text brings: an event of this response, or nothing but a sign of life.
    fn read(&mut self, text: &str) -> Result<Option<Event>, Lost> {
        match Said::read(text, None) {
            Ok(Said::Event(event)) => match self.conn.carried.sort(&event) {
                Owner::Current => {
                    self.watch.handle_event();
                    Ok(Some(event))
                }
                Owner::Earlier => Ok(None),
                Owner::LeftOver => Err(Lost::new(Seen::LeftOver, event.kind())),
            },
            Ok(Said::SignOfLife) => Ok(None),
            Ok(Said::Done) => Err(Lost::new(Seen::EndOfStream, "it sent [DONE]")),
            Err(error) => Err(Lost::new(Seen::BadEvent, error)),
        }
    }

    /// The response is over. `completed` is its id if a continuation may build on it. Gives the connection
    /// back.
    pub(crate) fn finish(mut self, completed: Option<String>) -> WsConn<R> {
        self.conn.last_completed = completed;
        self.conn
    }

    fn poll_message(
        &mut self,
        on_life: Option<&(dyn Fn() + Sync)>,
        cx: &mut Context<'_>,
    ) -> Poll<Watched<Result<Message, Lost>>> {
        let (socket, watch) = (&mut self.conn.socket, &mut self.watch);
        if !self.is_sent {
            // An error is ignored here: reading finds it again, after what had arrived before it.
            let has_left = socket.poll_flush_unpin(cx).is_ready();
            if has_left {
                self.is_sent = true;
                watch.handle_request_sent();
            }
        }
        let polled = watch.poll_over(cx, |cx| match socket.poll_next_unpin(cx) {
            Poll::Ready(Some(Ok(message))) => Poll::Ready(Ok(message)),
            Poll::Ready(Some(Err(error))) => Poll::Ready(Err(broken(&error))),
            Poll::Ready(None) => Poll::Ready(Err(Seen::EndOfStream.into())),
            Poll::Pending => Poll::Pending,
        });
        if let Some(on_life) = on_life {
            if watch.take_life() {
                on_life();
            }
        }
        polled
    }

    /// Whether the peer may have ended it because the caller had not read for long.
    pub(crate) fn was_left_alone(&self) -> bool {
        self.watch.was_left_alone()
    }
}

fn broken(error: &Error) -> Lost {
    let seen = match error {
        Error::ConnectionClosed | Error::AlreadyClosed => Seen::EndOfStream,
        Error::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake) => Seen::EndOfStream,
        Error::Io(_) | Error::Tls(_) => Seen::Reset,
        Error::Capacity(_) => Seen::TooLarge,
        // Room was made for what is sent, and the upgrade is not made by tungstenite.
        Error::WriteBufferFull(_) | Error::Url(_) | Error::Http(_) | Error::HttpFormat(_) => {
            return Lost::internal(error);
        }
        _ => Seen::ProtocolViolation,
    };
    Lost::new(seen, error)
}
