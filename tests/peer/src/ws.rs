//! Responses over WebSocket.

use std::collections::HashSet;
use std::future::{Future, pending};
use std::pin::pin;
use std::time::Duration;

use failback::Transport;
use serde_json::{Map, Value};
use tokio::time::{Instant, sleep_until};
use tungstenite::handshake::derive_accept_key;

use crate::between::Between;
use crate::conn::{Conn, Gone};
use crate::frame::{self, Frame, ParseError};
use crate::handshake::Handshake;
use crate::http::{Head, PATH, refuse, respond};
use crate::journal::What;
use crate::run::{Endless, Lane, run};
use crate::script::{self, Script};
use crate::turn::Late;

/// How many bytes a flood has between two requests.
const FLOOD: u64 = 1024 * 1024;

/// Answers an upgrade, and serves turns if it was granted.
pub(crate) async fn serve(conn: &mut Conn, head: &Head) -> Gone {
    if let Err(gone) = upgrade(conn, head).await {
        return gone;
    }
    let authorized = head.get("authorization").is_some();
    let mut socket = Ws {
        conn,
        authorized,
        partial: None,
        known: HashSet::new(),
        answered: false,
        beat_at: None,
        pong_due: None,
    };
    loop {
        if let Err(gone) = socket.turn().await {
            return gone;
        }
    }
}

async fn upgrade(conn: &mut Conn, head: &Head) -> Result<(), Gone> {
    conn.record(What::Handshake { headers: head.redacted() });
    let key = match check(head) {
        Ok(key) => key,
        Err((status, why)) => {
            conn.record(What::BadRequest { why });
            return Err(turn_away(conn, status).await);
        }
    };
    if !conn.state.admits(head.get("authorization")) {
        return Err(turn_away(conn, 401).await);
    }
    let mut handshake = conn.state.next_handshake();
    loop {
        handshake = match handshake {
            Handshake::Accept => return accept(conn, key, &[]).await,
            Handshake::AcceptWithEarlyBytes(bytes) => return accept(conn, key, &bytes).await,
            Handshake::Hold(gate) => {
                conn.gate(&gate).await?;
                Handshake::Accept
            }
            Handshake::HoldThen(gate, then) => {
                conn.gate(&gate).await?;
                *then
            }
            Handshake::AcceptThenClose { code } => {
                accept(conn, key, &[]).await?;
                return Err(conn.close(code, "").await);
            }
            Handshake::AcceptThenReset => {
                accept(conn, key, &[]).await?;
                return Err(conn.reset());
            }
            Handshake::BadAccept => {
                conn.write(switching(&derive_accept_key(b"some other key"), "").as_bytes()).await?;
                return Err(conn.swallow().await);
            }
            Handshake::Garbage(bytes) => {
                conn.write(&bytes).await?;
                return Err(conn.swallow().await);
            }
            Handshake::BlackHole => return Err(conn.swallow().await),
            Handshake::Reset => return Err(conn.reset()),
            Handshake::Close => return Err(conn.fin().await),
            Handshake::Status { code, headers, body } => {
                let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
                let headers: Vec<_> = headers.chain([("connection", "close")]).collect();
                respond(conn, code, &headers, &body).await?;
                return Err(conn.end().await);
            }
        }
    }
}

fn check(head: &Head) -> Result<&str, (u16, String)> {
    if head.path() != PATH {
        return Err((404, format!("no such path: {}", head.path())));
    }
    if head.method != "GET" || !head.lists("connection", "upgrade") {
        return Err((400, "not a proper upgrade".to_owned()));
    }
    if head.get("sec-websocket-version") != Some("13") {
        return Err((426, "not WebSocket version 13".to_owned()));
    }
    head.get("sec-websocket-key").ok_or_else(|| (400, "no Sec-WebSocket-Key".to_owned()))
}

async fn turn_away(conn: &mut Conn, status: u16) -> Gone {
    match refuse(conn, status, &script::error_body(status), &[("connection", "close")]).await {
        Ok(()) => conn.end().await,
        Err(gone) => gone,
    }
}

fn switching(accept: &str, more: &str) -> String {
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n{more}\
         sec-websocket-accept: {accept}\r\n\r\n"
    )
}

async fn accept(conn: &mut Conn, key: &str, early: &[u8]) -> Result<(), Gone> {
    let more = conn.state.plan().headers.clone();
    let mut out = switching(&derive_accept_key(key.as_bytes()), &more).into_bytes();
    out.extend_from_slice(early);
    conn.upgraded = true;
    conn.record(What::Upgraded);
    conn.write(&out).await
}

struct Ws<'a> {
    conn: &'a mut Conn,
    authorized: bool,
    /// The fragments of a text message so far.
    partial: Option<Vec<u8>>,
    /// The responses that this connection may continue.
    known: HashSet<String>,
    /// It has carried a response.
    answered: bool,
    /// When the next ping is due, if there is a heartbeat.
    beat_at: Option<Instant>,
    /// When the answer to the last one is.
    pong_due: Option<Instant>,
}

impl Ws<'_> {
    /// One message of the client, and the answer to it.
    async fn turn(&mut self) -> Result<(), Gone> {
        let message = loop {
            if let Some(message) = self.take().await? {
                break message;
            }
            self.wait().await?;
        };
        let Some(body) = self.request(&message).await? else { return Ok(()) };
        let turn = self.conn.state.number_turn();
        let request = What::Request {
            transport: Transport::WebSocket,
            turn,
            body: body.clone(),
            authorized: self.authorized,
        };
        self.conn.record(request);
        if let Some(id) = body["previous_response_id"].as_str().filter(|id| !self.known.contains(*id)) {
            let why = format!("Previous response with id '{id}' not found.");
            return self.complain("previous_response_not_found", why).await;
        }
        let next = self.conn.state.next_turn(Transport::WebSocket);
        let script = Script::new(turn, &body, next.text.as_deref());
        let late = next.late.clone();
        run(self, next, script).await?;
        self.answered = true;
        for Late { event, pause } in late {
            // The client may send its next request meanwhile; it waits.
            tokio::time::sleep(pause).await;
            self.event(&event).await?;
            self.conn.record(What::LateSent);
        }
        Ok(())
    }

    /// Waits for what the client sends next.
    async fn wait(&mut self) -> Result<(), Gone> {
        let between = self.conn.state.plan().between;
        match if self.answered { between } else { Between::Wait } {
            Between::Wait => self.conn.fill().await,
            Between::Heartbeat { every, limit } => self.beat(every, limit).await,
            Between::Deaf => Err(self.conn.swallow().await),
            Between::Frozen => pending().await,
            Between::Flood => {
                self.conn.stream(&frame::ping_frame(b"").repeat(1024), FLOOD).await?;
                Err(self.conn.swallow().await)
            }
        }
    }

    async fn beat(&mut self, every: Duration, limit: Duration) -> Result<(), Gone> {
        let beat_at = *self.beat_at.get_or_insert_with(|| Instant::now() + every);
        let wake_at = self.pong_due.map_or(beat_at, |due| due.min(beat_at));
        tokio::select! {
            biased;
            filled = self.conn.fill() => return filled,
            () = sleep_until(wake_at) => {}
        }
        let now = Instant::now();
        if self.pong_due.is_some_and(|due| due <= now) {
            return Err(self.conn.close(1011, "keepalive ping timeout").await);
        }
        if beat_at <= now {
            self.beat_at = Some(now + every);
            self.pong_due.get_or_insert(now + limit);
            self.conn.write(&frame::ping_frame(b"beat")).await?;
        }
        Ok(())
    }

    /// The JSON of a `response.create`, unless there is something to complain about.
    async fn request(&mut self, message: &[u8]) -> Result<Option<Value>, Gone> {
        let body = match serde_json::from_slice::<Value>(message) {
            Ok(body) => body,
            Err(error) => {
                return self.complain("invalid_request", format!("not JSON: {error}")).await.map(|()| None);
            }
        };
        let why = if body["type"] != "response.create" {
            "type is not response.create"
        } else if !body["stream"].is_null() || !body["background"].is_null() {
            "stream and background are not for WebSocket"
        } else {
            return Ok(Some(body));
        };
        self.complain("invalid_request", why.to_owned()).await.map(|()| None)
    }

    async fn complain(&mut self, code: &str, why: String) -> Result<(), Gone> {
        let event = script::error_event(400, code, &why);
        self.conn.record(What::BadRequest { why });
        self.event(&event).await
    }

    /// The next whole message that is in the buffer, once all control frames before it are dealt with.
    async fn take(&mut self) -> Result<Option<Vec<u8>>, Gone> {
        loop {
            let max = self.conn.state.plan().max_ws_message;
            let room = max.saturating_sub(self.partial.as_ref().map_or(0, Vec::len));
            let frame = match frame::take(&mut self.conn.buf, room) {
                Ok(Some(frame)) => frame,
                Ok(None) => return Ok(None),
                Err(ParseError::TooLong) => return Err(self.conn.close_on_large().await),
                Err(ParseError::Broken(why)) => return Err(self.break_off(1002, why).await),
            };
            if let Some(message) = self.absorb(frame).await? {
                return Ok(Some(message));
            }
        }
    }

    async fn absorb(&mut self, frame: Frame) -> Result<Option<Vec<u8>>, Gone> {
        let code = frame.code();
        let Frame { fin, opcode, payload } = frame;
        match opcode {
            frame::PING => {
                self.conn.record(What::Ping);
                self.conn.write(&frame::frame(frame::PONG, &payload)).await?;
                return Ok(None);
            }
            frame::PONG => {
                self.pong_due = None;
                self.conn.record(What::Pong);
                return Ok(None);
            }
            frame::CLOSE => {
                self.conn.record(What::CloseReceived { code });
                self.conn.write(&frame::close_frame(code, "")).await?;
                return Err(self.conn.end().await);
            }
            frame::BINARY => return Err(self.break_off(1003, "a binary message").await),
            frame::TEXT | frame::CONTINUATION
                if self.partial.is_some() != (opcode == frame::CONTINUATION) =>
            {
                return Err(self.break_off(1002, "fragments out of order").await);
            }
            frame::TEXT | frame::CONTINUATION => {}
            _ => return Err(self.break_off(1002, "an unknown opcode").await),
        }
        let mut message = self.partial.take().unwrap_or_default();
        message.extend_from_slice(&payload);
        if fin {
            return Ok(Some(message));
        }
        self.partial = Some(message);
        Ok(None)
    }

    async fn break_off(&mut self, code: u16, why: &str) -> Gone {
        self.conn.record(What::BadRequest { why: why.to_owned() });
        self.conn.close(code, why).await
    }

    /// Deals with the buffer while a response is running: a message now is one too many.
    async fn mind(&mut self) -> Result<(), Gone> {
        while self.take().await?.is_some() {
            self.conn.record(What::Busy);
            let event =
                script::error_event(400, "response_in_progress", "A response is already in progress.");
            self.event(&event).await?;
        }
        Ok(())
    }
}

impl Lane for Ws<'_> {
    fn conn(&mut self) -> &mut Conn {
        self.conn
    }

    async fn headers(&mut self) -> Result<(), Gone> {
        Ok(())
    }

    fn no_headers(&mut self) {}

    async fn event(&mut self, event: &Value) -> Result<(), Gone> {
        self.payload(&event.to_string()).await
    }

    async fn last_event(&mut self, event: &Value) -> Result<(), Gone> {
        if matches!(event["type"].as_str(), Some("response.completed" | "response.incomplete")) {
            self.known.extend(event["response"]["id"].as_str().map(str::to_owned));
        }
        self.event(event).await
    }

    async fn payload(&mut self, text: &str) -> Result<(), Gone> {
        self.conn.write(&frame::text_frame(text)).await
    }

    async fn binary(&mut self, bytes: &[u8]) -> Result<(), Gone> {
        self.conn.write(&frame::binary_frame(bytes)).await
    }

    async fn keep_alive(&mut self) -> Result<(), Gone> {
        self.conn.write(&frame::ping_frame(b"alive")).await
    }

    async fn close(&mut self, code: u16, reason: &str) -> Result<(), Gone> {
        Err(self.conn.close(code, reason).await)
    }

    async fn status(
        &mut self,
        code: u16,
        headers: &[(String, String)],
        body: Option<&str>,
    ) -> Result<(), Gone> {
        let error = match body.map(serde_json::from_str::<Value>) {
            None => script::error_body(code),
            Some(Ok(json)) => json,
            Some(Err(_)) => return self.payload(body.unwrap_or_default()).await,
        };
        let headers: Map<_, _> =
            headers.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
        let mut event = script::error_event(code, "", "");
        event["error"] = error["error"].clone();
        event["headers"] = headers.into();
        self.conn.record(What::TurnDone);
        self.last_event(&event).await
    }

    async fn endless(&mut self, endless: Endless) -> Result<(), Gone> {
        let filler = vec![b'x'; 16 * 1024];
        if let Endless::Frame(bytes) = endless {
            self.conn.write(&frame::frame_header(frame::TEXT, bytes)).await?;
            return self.conn.stream(&filler, bytes).await;
        }
        self.conn.write(&frame::fragment(frame::TEXT, b"{\"delta\":\"")).await?;
        let fragment = frame::fragment(frame::CONTINUATION, &filler);
        self.conn.stream(&fragment, u64::MAX).await
    }

    async fn idle<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Gone> {
        let mut work = pin!(work);
        loop {
            self.mind().await?;
            tokio::select! {
                biased;
                out = &mut work => return Ok(out),
                filled = self.conn.fill() => filled?,
            }
        }
    }

    async fn catch_up(&mut self) -> Result<(), Gone> {
        self.conn.fill_now().await?;
        self.mind().await
    }
}
