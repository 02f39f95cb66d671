//! HTTP/1.1 as far as a Responses client needs it: heads, bodies, plain answers.

use serde_json::Value;

use crate::conn::{Conn, Gone};
use crate::journal::What;
use crate::script;
use crate::state::BOUND;

pub(crate) const PATH: &str = "/v1/responses";
pub(crate) const MAX_HEAD: usize = 64 * 1024;
const SECRET: [&str; 5] = ["authorization", "proxy-authorization", "cookie", "api-key", "x-api-key"];

#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    /// It knows no chunks, and its answer ends with the connection.
    pub(crate) is_http_1_0: bool,
}

impl Head {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// Whether a comma-separated header lists this word.
    pub(crate) fn lists(&self, name: &str, word: &str) -> bool {
        let mut values = self.headers.iter().filter(|(n, _)| n == name);
        values.any(|(_, value)| value.split(',').any(|item| item.trim().eq_ignore_ascii_case(word)))
    }

    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The headers as the journal may show them.
    pub(crate) fn redacted(&self) -> Vec<(String, String)> {
        let redact = |(name, value): &(String, String)| {
            let value = if SECRET.contains(&name.as_str()) { "(present)" } else { value };
            (name.clone(), value.to_owned())
        };
        self.headers.iter().map(redact).collect()
    }

    pub(crate) fn is_upgrade(&self) -> bool {
        self.lists("upgrade", "websocket")
    }
}

pub(crate) async fn read_head(conn: &mut Conn) -> Result<Head, Gone> {
    loop {
        match parse_head(&conn.buf) {
            Ok(Some((head, len))) => {
                conn.buf.drain(..len);
                return Ok(head);
            }
            Ok(None) if conn.buf.len() > MAX_HEAD => {
                return Err(reject(conn, 431, "the head is too large").await);
            }
            Ok(None) => conn.fill().await?,
            Err(error) => return Err(reject(conn, 400, &format!("not HTTP: {error}")).await),
        }
    }
}

pub(crate) fn parse_head(buf: &[u8]) -> Result<Option<(Head, usize)>, httparse::Error> {
    let mut headers = [httparse::EMPTY_HEADER; 100];
    let mut request = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(len) = request.parse(buf)? else { return Ok(None) };
    let headers = request.headers.iter().map(|header| {
        (header.name.to_ascii_lowercase(), String::from_utf8_lossy(header.value).trim().to_owned())
    });
    let head = Head {
        headers: headers.collect(),
        method: request.method.unwrap_or_default().to_owned(),
        target: request.path.unwrap_or_default().to_owned(),
        is_http_1_0: request.version == Some(0),
    };
    Ok(Some((head, len)))
}

pub(crate) async fn read_body(conn: &mut Conn, head: &Head) -> Result<Vec<u8>, Gone> {
    if head.lists("transfer-encoding", "chunked") {
        return read_chunks(conn).await;
    }
    let len = match head.get("content-length").map(str::parse::<usize>) {
        None => 0,
        Some(Ok(len)) if len <= conn.state.plan().max_body => len,
        Some(Ok(len)) if len <= BOUND => {
            refuse(conn, 413, &script::error_body(413), &[("connection", "close")]).await?;
            return Err(Gone);
        }
        Some(Ok(_)) => return Err(reject(conn, 413, "the body is too large").await),
        Some(Err(_)) => return Err(reject(conn, 400, "bad content-length").await),
    };
    take(conn, len).await
}

async fn read_chunks(conn: &mut Conn) -> Result<Vec<u8>, Gone> {
    let mut body = Vec::new();
    loop {
        let (start, len) = loop {
            match httparse::parse_chunk_size(&conn.buf) {
                Ok(httparse::Status::Complete(size)) => break size,
                Ok(httparse::Status::Partial) if conn.buf.len() < MAX_HEAD => conn.fill().await?,
                _ => return Err(reject(conn, 400, "bad chunk").await),
            }
        };
        conn.buf.drain(..start);
        if len as usize > BOUND - body.len() {
            return Err(reject(conn, 413, "the body is too large").await);
        }
        body.extend(take(conn, len as usize).await?);
        // No client of ours sends trailers: what follows either a chunk or the last chunk is an empty line.
        if take(conn, 2).await? != b"\r\n" {
            return Err(reject(conn, 400, "bad chunk").await);
        }
        if len == 0 {
            return Ok(body);
        }
    }
}

async fn take(conn: &mut Conn, len: usize) -> Result<Vec<u8>, Gone> {
    while conn.buf.len() < len {
        conn.fill().await?;
    }
    Ok(conn.buf.drain(..len).collect())
}

/// Refuses what cannot even be read, and closes.
async fn reject(conn: &mut Conn, status: u16, why: &str) -> Gone {
    conn.record(What::BadRequest { why: why.to_owned() });
    match refuse(conn, status, &script::error_body(status), &[("connection", "close")]).await {
        Ok(()) => conn.end().await,
        Err(gone) => gone,
    }
}

/// Answers with an error in JSON.
pub(crate) async fn refuse(
    conn: &mut Conn,
    status: u16,
    body: &Value,
    headers: &[(&str, &str)],
) -> Result<(), Gone> {
    let mut all = vec![("content-type", "application/json")];
    all.extend_from_slice(headers);
    respond(conn, status, &all, &body.to_string()).await
}

/// Answers with anything but a stream.
pub(crate) async fn respond(
    conn: &mut Conn,
    status: u16,
    headers: &[(&str, &str)],
    body: &str,
) -> Result<(), Gone> {
    let mut out = format!("HTTP/1.1 {status} {}\r\n", reason(status));
    for (name, value) in headers {
        out.push_str(&format!("{name}: {value}\r\n"));
    }
    // These have no body, and a client must not be led to wait for one.
    if matches!(status, 100..=199 | 204 | 304) {
        out.push_str("\r\n");
    } else {
        out.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
    }
    conn.record(What::Refused { status });
    conn.write(out.as_bytes()).await
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        301 => "Moved Permanently",
        302 => "Found",
        307 => "Temporary Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        407 => "Proxy Authentication Required",
        413 => "Content Too Large",
        422 => "Unprocessable Content",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Status",
    }
}
