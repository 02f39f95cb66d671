//! The connections of a client, one step at a time and each of them told, for a diagnosis such as `failback
//! doctor`. They are opened and read by the code that turns use, so what is found is what a turn meets.
//!
//! Not for applications: it may change in any version.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use failback::Transport;
use failback_client::{Lost, Proxies};
use failback_wire::{Endpoint, Event, Headers, Limits, ResponseHeaders, Seen};
use tungstenite::{Bytes, Error, Message};

use crate::bell::{Bell, Ringer};
use crate::client::Client;
use crate::deadline::Deadline;
use crate::frames::queue;
pub use crate::halt::Halt;
use crate::heard::{Heard, PING, is_our_pong};
pub use crate::milestone::{Milestone, Step};
use crate::network::Network;
use crate::sse::HttpConn;
use crate::watch::Watch;
use crate::websocket::{Got, WsConn, broken};

/// Opens connections as the client does, and none after its time. Whatever is not over then ends with
/// [`Halt::Stopped`].
pub struct Inspector {
    network: Arc<Network>,
    bell: Arc<Bell>,
}

impl Inspector {
    /// Opens connections of this client for `time`, from now.
    ///
    /// # Errors
    ///
    /// When the system has no place to wait at.
    pub fn new(client: &Client, time: Duration) -> io::Result<Self> {
        let network = Arc::clone(client.network());
        let end = network.policy().now().saturating_add(time);
        let bell = Bell::until(Some(end), network.policy(), Ringer::default())?;
        Ok(Self { network, bell })
    }

    /// Where each transport goes.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.network.endpoint
    }

    /// The proxies on the way.
    #[must_use]
    pub fn proxies(&self) -> &Proxies {
        &self.network.proxies
    }

    /// The time limits of the client.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.network.limits
    }

    /// The headers of the client, which cut its secrets out of texts.
    #[must_use]
    pub fn headers(&self) -> &Headers {
        self.network.context.headers()
    }

    /// Opens a WebSocket within the connect time-out.
    ///
    /// # Errors
    ///
    /// Why there is none.
    pub fn websocket(&self, told: &dyn Fn(Milestone<'_>)) -> Result<Socket<'_>, Halt> {
        let conn = WsConn::connect_telling(&self.network, self.headers(), &self.bell, told)?;
        Ok(Socket { conn, of: self })
    }

    /// Opens a connection for a POST within the connect time-out.
    ///
    /// # Errors
    ///
    /// Why there is none.
    pub fn http(&self, told: &dyn Fn(Milestone<'_>)) -> Result<Http<'_>, Halt> {
        let conn = HttpConn::connect_telling(&self.network, &self.bell, told)?;
        Ok(Http { conn, of: self })
    }
}

/// An open WebSocket.
pub struct Socket<'a> {
    conn: WsConn,
    of: &'a Inspector,
}

impl Socket<'_> {
    /// The headers of the answer that opened it.
    #[must_use]
    pub const fn headers(&self) -> &ResponseHeaders {
        self.conn.headers()
    }

    /// Sends a ping, and waits for its pong: for as long as a turn does. Returns how long that took.
    ///
    /// # Errors
    ///
    /// [`Seen::MissedPong`] when none came, or why the socket is of no use.
    pub fn ping(&mut self) -> Result<Duration, Halt> {
        let begun = Instant::now();
        let limit = Deadline::after(self.of.network.limits.pong_timeout());
        self.send(Message::Ping(Bytes::from_static(PING)))?;
        match self.receive(&limit, is_our_pong)? {
            Some(_) => Ok(begun.elapsed()),
            None => Err(Seen::MissedPong.into()),
        }
    }

    /// Sends this text, and waits for any text that comes back, at most for `time`. `None` when none came.
    ///
    /// # Errors
    ///
    /// Why the socket is of no use.
    pub fn exchange(&mut self, text: &str, time: Duration) -> Result<Option<String>, Halt> {
        self.send(Message::text(text.to_owned()))?;
        let message = self.receive(&Deadline::after(time), |message| matches!(message, Message::Text(_)))?;
        Ok(message.and_then(|message| message.into_text().ok()).map(|text| text.as_str().to_owned()))
    }

    /// Sends nothing for `time`, and reads: a close is noticed when it comes.
    ///
    /// # Errors
    ///
    /// Why the socket is of no use any more.
    pub fn idle(&mut self, time: Duration) -> Result<(), Halt> {
        self.receive(&Deadline::after(time), |_| false).map(drop)
    }

    /// Sends a request, and reads its response to the end. Each event is told as it comes.
    ///
    /// # Errors
    ///
    /// Why the response has no end.
    pub fn turn(&mut self, frame: String, event: &mut dyn FnMut(&Event)) -> Result<(), Halt> {
        let Inspector { network, bell } = self.of;
        let io = self.conn.io();
        let mut watch = Watch::new(bell, network.policy(), network.limits, Transport::WebSocket, io);
        self.conn.request(frame)?;
        read(event, || self.conn.read(&mut watch))
    }

    fn send(&mut self, message: Message) -> Result<(), Halt> {
        queue(self.conn.socket(), message).map_err(|error| broken(&error))
    }

    /// Reads until such a message has come. `None` when none came in time.
    fn receive(
        &mut self,
        limit: &Deadline,
        is_it: impl Fn(&Message) -> bool,
    ) -> Result<Option<Message>, Halt> {
        let late = Seen::IdleTimeout;
        loop {
            let socket = self.conn.socket();
            let read = || {
                // What is read counts against this.
                socket.get_mut().io().take_interrupted();
                match socket.read() {
                    Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                        // An answer to a ping may wait for room.
                        let _ = socket.flush();
                        Err(error)
                    }
                    read => Ok(read),
                }
            };
            // Only the limit of this wait ends it so; its own end stops it.
            let read = match limit.limit(&self.of.bell, &late, read) {
                Ok(read) => read.map_err(|error| Halt::new(Seen::Reset, error))?,
                Err(Halt::Lost(Lost::Seen(Seen::IdleTimeout, None))) => return Ok(None),
                Err(halt) => return Err(halt),
            };
            match Heard::judge(read, &is_it)? {
                Heard::It(message) => return Ok(Some(message)),
                // A peer that never stops sending must not put the limit off.
                Heard::Other if limit.is_over() => return Ok(None),
                Heard::Other => self.of.bell.check()?,
            }
        }
    }
}

/// An open connection for a POST.
pub struct Http<'a> {
    conn: HttpConn,
    of: &'a Inspector,
}

impl Http<'_> {
    /// Posts this, and reads the head of the answer, if it is the beginning of a stream.
    ///
    /// # Errors
    ///
    /// [`Lost::Answer`] for any other answer, or why there is none.
    pub fn post(&mut self, body: String) -> Result<ResponseHeaders, Halt> {
        let Inspector { network, bell } = self.of;
        self.conn.request(network, self.of.headers(), body, bell)
    }

    /// Reads the stream to the end of its response. Each event is told as it comes.
    ///
    /// # Errors
    ///
    /// Why the response has no end.
    pub fn read(&mut self, event: &mut dyn FnMut(&Event)) -> Result<(), Halt> {
        read(event, || self.conn.read())
    }
}

/// Reads to the end of a response.
fn read(event: &mut dyn FnMut(&Event), mut next: impl FnMut() -> Result<Got, Halt>) -> Result<(), Halt> {
    loop {
        if let Got::Event(got) = next()? {
            event(&got);
            if got.terminal().is_some() || got.kind() == "error" {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    /// The types of the events that are told of what comes, how it ends, and how much of it was not read.
    fn told(coming: Vec<Result<Got, Halt>>) -> (Vec<String>, Result<(), Halt>, usize) {
        let (mut coming, mut told) = (VecDeque::from(coming), Vec::new());
        let end = read(&mut |event| told.push(event.kind().to_owned()), || {
            coming.pop_front().unwrap_or(Err(Halt::Stopped))
        });
        (told, end, coming.len())
    }

    fn event(kind: &str) -> Result<Got, Halt> {
        Ok(Got::Event(Event::parse(format!(r#"{{"type":"{kind}"}}"#)).unwrap()))
    }

    #[test]
    fn it_reads_to_the_event_that_ends_the_response_and_no_further() {
        for last in ["response.completed", "response.incomplete", "response.failed", "error"] {
            let coming = vec![event("response.created"), Ok(Got::SignOfLife), event(last), event("late")];
            let (told, end, left) = told(coming);
            assert_eq!(told, ["response.created", last]);
            assert!(end.is_ok() && left == 1, "{last}: {end:?}, {left} left");
        }
    }

    #[test]
    fn it_ends_with_the_connection() {
        let (told, end, left) = told(vec![event("response.created"), Err(Seen::Reset.into()), event("late")]);
        assert_eq!((told.as_slice(), left), (["response.created".to_owned()].as_slice(), 1));
        assert!(matches!(end, Err(Halt::Lost(Lost::Seen(Seen::Reset, None)))), "{end:?}");
    }
}
