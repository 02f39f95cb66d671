//! Who gets which request.

use crate::conn::{Conn, Gone};
use crate::http::{read_body, read_head};
use crate::journal::What;
use crate::{sse, ws};

/// Serves one request after another until the connection is over.
pub(crate) async fn serve(conn: &mut Conn) -> Gone {
    loop {
        if let Err(gone) = serve_one(conn).await {
            return gone;
        }
    }
}

async fn serve_one(conn: &mut Conn) -> Result<(), Gone> {
    let head = read_head(conn).await?;
    if head.is_upgrade() {
        return Err(ws::serve(conn, &head).await);
    }
    conn.record(What::Post { headers: head.redacted() });
    if head.lists("expect", "100-continue") {
        conn.write(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    let body = read_body(conn, &head).await?;
    sse::serve(conn, &head, &body).await?;
    if head.is_http_1_0 || head.lists("connection", "close") {
        return Err(conn.end().await);
    }
    Ok(())
}
