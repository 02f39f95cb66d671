//! Responses over Server-Sent Events.

use std::future::Future;

use failback::Transport;
use serde_json::Value;

use crate::Gate;
use crate::conn::{Conn, Gone};
use crate::http::{Head, PATH, refuse, respond};
use crate::journal::What;
use crate::run::{Endless, Lane, run};
use crate::script::{self, Script};
use crate::state::BOUND;

/// A request that is refused by itself, without using up a turn.
struct Refusal {
    status: u16,
    code: &'static str,
    why: String,
}

pub(crate) async fn serve(conn: &mut Conn, head: &Head, body: &[u8]) -> Result<(), Gone> {
    let asked = check_route(head).and_then(|()| parse(body));
    let body: Value = match asked {
        Ok(body) => body,
        Err(refusal) => return answer(conn, refusal).await,
    };
    let turn = conn.state.number_turn();
    let admitted = conn.state.admits(head.get("authorization"));
    let authorized = admitted && head.get("authorization").is_some();
    conn.record(What::Request { transport: Transport::Sse, turn, body: body.clone(), authorized });
    if !admitted {
        return refuse(conn, 401, &script::error_body(401), &[]).await;
    }
    if let Err(refusal) = check_body(head, &body) {
        return answer(conn, refusal).await;
    }
    let next = conn.state.next_turn(Transport::Sse);
    let script = Script::new(turn, &body, next.text.as_deref());
    let late_end = next.late_end.clone();
    let mut lane = Sse { conn, headers_due: true, is_chunked: !head.is_http_1_0, late_end };
    run(&mut lane, next, script).await
}

fn check_route(head: &Head) -> Result<(), Refusal> {
    if head.path() != PATH {
        return Err(Refusal {
            status: 404,
            code: "not_found",
            why: format!("no such path: {}", head.path()),
        });
    }
    if head.method != "POST" {
        let why = format!("{} is not POST", head.method);
        return Err(Refusal { status: 405, code: "method_not_allowed", why });
    }
    Ok(())
}

fn parse(body: &[u8]) -> Result<Value, Refusal> {
    match serde_json::from_slice::<Value>(body) {
        Ok(body) if body.is_object() => Ok(body),
        Ok(_) => Err(invalid("the body is not a JSON object")),
        Err(error) => Err(invalid(format!("the body is not JSON: {error}"))),
    }
}

fn check_body(head: &Head, body: &Value) -> Result<(), Refusal> {
    let media_types = head.get("accept").unwrap_or_default();
    if !media_types.contains("text/event-stream") {
        return Err(invalid("Accept does not say text/event-stream"));
    }
    if body["stream"] != true {
        return Err(invalid("stream is not true"));
    }
    if !body["type"].is_null() {
        return Err(invalid("type belongs to WebSocket messages"));
    }
    if let Some(id) = body["previous_response_id"].as_str() {
        let why = format!("Previous response with id '{id}' not found.");
        return Err(Refusal { status: 400, code: "previous_response_not_found", why });
    }
    Ok(())
}

fn invalid(why: impl Into<String>) -> Refusal {
    Refusal { status: 400, code: "invalid_request", why: why.into() }
}

async fn answer(conn: &mut Conn, refusal: Refusal) -> Result<(), Gone> {
    let Refusal { status, code, why } = refusal;
    let body = script::error_json("invalid_request_error", code, &why);
    conn.record(What::BadRequest { why });
    refuse(conn, status, &body, &[]).await
}

struct Sse<'a> {
    conn: &'a mut Conn,
    headers_due: bool,
    /// If not, the body ends with the connection.
    is_chunked: bool,
    late_end: Option<Gate>,
}

impl Sse<'_> {
    async fn chunk(&mut self, bytes: &[u8]) -> Result<(), Gone> {
        if bytes.is_empty() {
            // An empty chunk would end the body.
            return Ok(());
        }
        if !self.is_chunked {
            return self.conn.write(bytes).await;
        }
        let mut out = format!("{:x}\r\n", bytes.len()).into_bytes();
        out.extend_from_slice(bytes);
        out.extend_from_slice(b"\r\n");
        self.conn.write(&out).await
    }

    /// The end of the body.
    async fn end(&mut self) -> Result<(), Gone> {
        if self.is_chunked { self.conn.write(b"0\r\n\r\n").await } else { Ok(()) }
    }
}

fn framed(event: &Value) -> String {
    let name = event["type"].as_str().unwrap_or("message");
    format!("event: {name}\ndata: {event}\n\n")
}

impl Lane for Sse<'_> {
    fn conn(&mut self) -> &mut Conn {
        self.conn
    }

    async fn headers(&mut self) -> Result<(), Gone> {
        if !std::mem::take(&mut self.headers_due) {
            return Ok(());
        }
        let more = self.conn.state.plan().headers.clone();
        let framing = if self.is_chunked { "transfer-encoding: chunked" } else { "connection: close" };
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n\
             cache-control: no-store\r\n{more}{framing}\r\n\r\n"
        );
        self.conn.write(head.as_bytes()).await
    }

    fn no_headers(&mut self) {
        self.headers_due = false;
    }

    async fn event(&mut self, event: &Value) -> Result<(), Gone> {
        self.chunk(framed(event).as_bytes()).await
    }

    async fn last_event(&mut self, event: &Value) -> Result<(), Gone> {
        self.chunk(framed(event).as_bytes()).await?;
        if let Some(gate) = self.late_end.take() {
            self.conn.gate(&gate).await?;
        }
        self.end().await?;
        self.conn.record(What::BodyEnd);
        Ok(())
    }

    async fn payload(&mut self, text: &str) -> Result<(), Gone> {
        self.chunk(text.as_bytes()).await
    }

    async fn binary(&mut self, bytes: &[u8]) -> Result<(), Gone> {
        self.chunk(bytes).await
    }

    async fn keep_alive(&mut self) -> Result<(), Gone> {
        self.chunk(b": keep-alive\n\n").await
    }

    async fn close(&mut self, _code: u16, _reason: &str) -> Result<(), Gone> {
        self.end().await
    }

    async fn status(
        &mut self,
        code: u16,
        headers: &[(String, String)],
        body: Option<&str>,
    ) -> Result<(), Gone> {
        let mut all: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        if !all.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
            all.push(("content-type", "application/json"));
        }
        let default = script::error_body(code).to_string();
        respond(self.conn, code, &all, body.unwrap_or(&default)).await
    }

    async fn endless(&mut self, endless: Endless) -> Result<(), Gone> {
        let line = format!("data: {}\n", "x".repeat(8 * 1024));
        let filler = vec![b'x'; 16 * 1024];
        let (promised, filler) = match endless {
            Endless::Line => (u64::MAX >> 4, filler.as_slice()),
            Endless::Event => (u64::MAX >> 4, line.as_bytes()),
            Endless::Frame(bytes) => (bytes, filler.as_slice()),
        };
        self.conn.write(format!("{promised:x}\r\n").as_bytes()).await?;
        self.conn.stream(b"data: ", promised.min(6)).await?;
        self.conn.stream(filler, promised.saturating_sub(6).min(BOUND as u64)).await
    }

    async fn idle<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Gone> {
        self.conn.idle(work).await
    }

    async fn catch_up(&mut self) -> Result<(), Gone> {
        self.conn.fill_now().await
    }
}
