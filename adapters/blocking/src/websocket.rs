//! A WebSocket: one response at a time, and the pings between responses.

use std::sync::Arc;

use failback::{Timestamp, Transport};
use failback_client::{Connection, Credentials, Lost};
use failback_wire::{Carried, Event, Headers, Limits, Owner, ResponseHeaders, Said, Seen};
use tungstenite::error::ProtocolError;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::protocol::{CloseFrame, Role};
use tungstenite::{Bytes, Error, Message, WebSocket};

use crate::bell::Bell;
use crate::deadline::Deadline;
use crate::dial::dial;
use crate::frames::{CONTROL_BYTES, FRAMES, Frames, config, is_blocked, queue, room_for};
use crate::halt::Halt;
use crate::handshake::upgrade;
use crate::idle::Idle;
use crate::io::Io;
use crate::milestone::{Milestone, Step, Told, nobody};
use crate::network::Network;
use crate::watch::{Wake, Watch};

const TRANSPORT: Transport = Transport::WebSocket;

/// An open WebSocket.
pub(crate) struct WsConn {
    socket: WebSocket<Frames>,
    limits: Limits,
    opened_at: Timestamp,
    /// Those of the answer that opened it.
    headers: ResponseHeaders,
    /// Those of the request that opened it, if a provider has given them.
    pub(crate) credentials: Option<Credentials>,
    /// The id of the response that completed on it last, which a continuation may build on.
    last_completed: Option<String>,
    /// Tells the events of the current response from those of earlier ones.
    carried: Carried,
    /// Whether a part of the last request has not left yet.
    is_sending: bool,
    idle: Idle,
}

/// What a read gives.
pub(crate) enum Got {
    Event(Event),
    SignOfLife,
}

impl WsConn {
    /// Dials, and shakes hands with these headers, within the connect time-out.
    pub(crate) fn connect(network: &Arc<Network>, headers: &Headers, bell: &Arc<Bell>) -> Result<Self, Halt> {
        Self::connect_telling(network, headers, bell, &nobody)
    }

    /// The same, and `told` hears how far it has come.
    pub(crate) fn connect_telling(
        network: &Arc<Network>,
        headers: &Headers,
        bell: &Arc<Bell>,
        told: Told<'_>,
    ) -> Result<Self, Halt> {
        let deadline = Deadline::after(network.limits.connect_timeout());
        let io = dial(network, TRANSPORT, bell, &deadline, told)?;
        told(Milestone::Begun(Step::Upgrade));
        let (io, headers, early) = upgrade(network, io, headers, bell, &deadline)?;
        told(Milestone::Done(Step::Upgrade));
        let (limits, now) = (network.limits, network.policy().now());
        let config = config(limits.max_message_bytes());
        Ok(Self {
            socket: WebSocket::from_partially_read(Frames::new(io), early, Role::Client, Some(config)),
            limits,
            opened_at: now,
            headers,
            credentials: None,
            last_completed: None,
            carried: Carried::new(),
            is_sending: false,
            idle: Idle::new(limits, now),
        })
    }

    pub(crate) fn io(&mut self) -> &mut Io {
        self.socket.get_mut().io()
    }

    /// The WebSocket itself.
    pub(crate) const fn socket(&mut self) -> &mut WebSocket<Frames> {
        &mut self.socket
    }

    /// The headers of the answer that opened it.
    pub(crate) const fn headers(&self) -> &ResponseHeaders {
        &self.headers
    }

    /// What a turn has to know about it.
    pub(crate) fn describe(&self, reused: bool) -> Connection {
        Connection {
            reused,
            last_completed: self.last_completed.clone(),
            credentials: self.credentials.clone(),
        }
    }

    /// Begins to send a request. The rest is sent while the answer is read, as a server may answer in the
    /// middle of it.
    pub(crate) fn request(&mut self, frame: String) -> Result<(), Halt> {
        self.carried.begin();
        self.is_sending = true;
        let room = room_for(frame.len());
        self.socket.set_config(|config| config.max_write_buffer_size = room);
        self.queue(Message::text(frame))
    }

    /// Reads on, and waits if nothing has arrived.
    pub(crate) fn read(&mut self, watch: &mut Watch) -> Result<Got, Halt> {
        let mut frames = 0_u32;
        loop {
            if self.is_sending {
                // An error is ignored here: reading finds it again, after what had arrived before it.
                let has_left = self.socket.flush().is_ok();
                if has_left {
                    self.socket.set_config(|config| config.max_write_buffer_size = CONTROL_BYTES);
                    self.is_sending = false;
                    watch.handle_request_sent();
                }
            }
            let text = match self.socket.read() {
                Ok(Message::Text(text)) => text,
                Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => {
                    frames = frames.saturating_add(1);
                    if frames % FRAMES == 0 {
                        self.io().interrupt();
                    }
                    continue;
                }
                Ok(Message::Binary(_)) => return Err(Seen::BinaryFrame.into()),
                Ok(Message::Close(frame)) => {
                    // Sends the answer to the Close frame.
                    let _ = self.socket.flush();
                    return Err(closed(frame));
                }
                Err(error) if is_blocked(&error) => {
                    self.wait(watch)?;
                    if watch.take_life(self.io()) {
                        return Ok(Got::SignOfLife);
                    }
                    continue;
                }
                Err(error) => return Err(broken(&error)),
            };
            let event = match Said::read(text.as_str(), None) {
                Ok(Said::Event(event)) => event,
                Ok(Said::SignOfLife) => continue,
                Ok(Said::Done) => return Err(Halt::new(Seen::EndOfStream, "it sent [DONE]")),
                Err(error) => return Err(Halt::new(Seen::BadEvent, error)),
            };
            match self.carried.sort(&event) {
                Owner::Current => {
                    watch.handle_event(self.io());
                    return Ok(Got::Event(event));
                }
                Owner::Earlier => {}
                Owner::LeftOver => return Err(Halt::new(Seen::LeftOver, event.kind())),
            }
        }
    }

    fn wait(&mut self, watch: &mut Watch) -> Result<(), Halt> {
        if let Some(error) = self.io().write_error() {
            // Everything that had arrived before was read.
            return Err(Halt::new(Seen::Reset, error));
        }
        match watch.wait(self.io())? {
            Wake::Look => Ok(()),
            Wake::Ping => self.queue(Message::Ping(Bytes::new())),
        }
    }

    /// Queues a message, which is sent as soon as there is room.
    fn queue(&mut self, message: Message) -> Result<(), Halt> {
        queue(&mut self.socket, message).map_err(|error| broken(&error))
    }

    /// The response is over. `completed` is its id if a continuation may build on it. Returns whether another
    /// request can follow.
    pub(crate) fn finish(&mut self, completed: Option<String>) -> bool {
        self.last_completed = completed;
        !self.is_sending
    }

    /// From now on nothing but pings and pongs is expected.
    pub(crate) fn rest(&mut self, now: Timestamp) {
        self.idle = Idle::new(self.limits, now);
    }

    /// Looks after it between responses. Returns when to do so again, or `None` if it is of no use any more.
    pub(crate) fn attend(&mut self, now: Timestamp) -> Option<Timestamp> {
        let retire_at = self.opened_at.saturating_add(self.limits.websocket_lifetime());
        if retire_at <= now || self.is_sending {
            return None;
        }
        self.idle.attend(&mut self.socket, now).map(|next| next.min(retire_at))
    }

    /// Sends a Close frame, and does not wait for the answer. Dropping the connection then ends it.
    pub(crate) fn close(mut self) {
        let _ = self.socket.close(Some(CloseFrame { code: CloseCode::Normal, reason: "".into() }));
        let _ = self.socket.flush();
    }
}

/// The peer has sent a Close frame.
pub(crate) fn closed(frame: Option<CloseFrame>) -> Halt {
    let (code, reason) = frame.map(|frame| (frame.code.into(), frame.reason.as_str().to_owned())).unzip();
    Lost::Closed(code, reason.unwrap_or_default()).into()
}

pub(crate) fn broken(error: &Error) -> Halt {
    let seen = match error {
        Error::ConnectionClosed | Error::AlreadyClosed => Seen::EndOfStream,
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Seen::EndOfStream,
        Error::Io(_) | Error::Tls(_) => Seen::Reset,
        Error::Capacity(_) => Seen::TooLarge,
        // Room was made for what is sent, and the upgrade is not made by tungstenite.
        Error::WriteBufferFull(_) | Error::Url(_) | Error::Http(_) | Error::HttpFormat(_) => {
            return Halt::internal(error);
        }
        _ => Seen::ProtocolViolation,
    };
    Halt::new(seen, error)
}
