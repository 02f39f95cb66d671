//! Server-Sent Events: one POST, and the events of its answer.

use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use failback::Transport;
use failback_client::{Lost, encoding_of};
use failback_wire::{Body, Event, Headers, Liveness, ResponseHeaders, Said, Seen};
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE};
use http::{HeaderValue, Method, StatusCode};
use hyper::body::Incoming;

use crate::Runtime;
use crate::dial::dial;
use crate::http::{self as http1, HttpConn, refusal_of};
use crate::network::Network;
use crate::timer::Deadline;
use crate::watch::{Watch, Watched};

const TRANSPORT: Transport = Transport::Sse;

/// One response over SSE.
pub(crate) struct SseStream<R: Runtime> {
    // Dropped before the connection, which then knows that nobody reads the rest.
    body: Incoming,
    conn: HttpConn,
    said: Body,
    chunk: Bytes,
    watch: Watch<R>,
}

/// Dials within the connect time-out.
pub(crate) async fn connect<R: Runtime>(network: &Network<R>) -> Result<HttpConn, Lost> {
    let attempt = async {
        let io = dial(network, TRANSPORT).await?;
        HttpConn::handshake(io).await
    };
    let mut deadline = Deadline::after(&network.runtime, network.limits.connect_timeout());
    let late = || Lost::Seen(Seen::ConnectTimeout, network.proxies.told_of(TRANSPORT));
    deadline.limit(attempt).await.ok_or_else(late)?
}

impl<R: Runtime> SseStream<R> {
    /// Sends a request, and reads the head of its answer.
    pub(crate) async fn request(
        network: &Network<R>,
        mut conn: HttpConn,
        headers: &Headers,
        body: String,
    ) -> Result<(Self, ResponseHeaders), Lost> {
        let own = [
            (ACCEPT, HeaderValue::from_static("text/event-stream")),
            (ACCEPT_ENCODING, HeaderValue::from_static("identity")),
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        ];
        let target = network.endpoint.target(TRANSPORT);
        let request = http1::request(Method::POST, target, headers, &own, body).map_err(Lost::internal)?;

        let (limits, activity) = (network.limits, conn.activity());
        let liveness = |now| Liveness::new(limits, TRANSPORT, now);
        let mut watch = Watch::new(&network.runtime, &network.policy, limits, liveness, activity);
        let response = match watch.over(conn.send(request)).await {
            Watched::Got(response) => response?,
            Watched::PingDue => return Err(Lost::internal("a ping is due over SSE")),
            Watched::Dead(seen) => return Err(seen.into()),
        };
        if response.status() != StatusCode::OK {
            return Err(Lost::Answer(refusal_of(&network.runtime, TRANSPORT, &mut conn, response).await));
        }
        let (head, body) = response.into_parts();
        if let Some(encoding) = encoding_of(&head.headers) {
            return Err(Lost::Encoded(encoding.to_owned()));
        }
        let content_type = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let said = Body::new(content_type, network.limits.max_message_bytes())?;
        Ok((Self { body, conn, said, chunk: Bytes::new(), watch }, head.headers.into()))
    }

    /// The next event. After an error there is none.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Event, Lost>> {
        loop {
            let mut input = &self.chunk[..];
            let said = self.said.decode(&mut input);
            let used = self.chunk.len().saturating_sub(input.len());
            self.chunk.advance(used);
            let event = match said? {
                Some(Said::Event(event)) => event,
                Some(Said::SignOfLife) => {
                    self.watch.handle_sign_of_life();
                    continue;
                }
                Some(Said::Done) => {
                    return Poll::Ready(Err(Lost::new(Seen::EndOfStream, "it sent [DONE]")));
                }
                None => match ready!(self.poll_chunk(cx))? {
                    Some(chunk) => {
                        self.chunk = chunk;
                        continue;
                    }
                    None => self.said.end()?.ok_or(Seen::EndOfStream)?,
                },
            };
            self.watch.handle_event();
            return Poll::Ready(Ok(event));
        }
    }

    /// The next piece of the body. `None` when it has ended.
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Lost>> {
        loop {
            let Self { body, conn, .. } = self;
            let chunk = match ready!(self.watch.poll_over(cx, |cx| conn.poll_frame(body, cx))) {
                Watched::Got(Some(Ok(frame))) => {
                    self.watch.handle_sign_of_life();
                    match frame.into_data() {
                        Ok(data) => Some(data),
                        Err(_) => continue,
                    }
                }
                Watched::Got(Some(Err(lost))) => return Poll::Ready(Err(lost)),
                Watched::Got(None) => None,
                // SSE is never pinged.
                Watched::PingDue => continue,
                Watched::Dead(seen) => return Poll::Ready(Err(seen.into())),
            };
            return Poll::Ready(Ok(chunk));
        }
    }

    /// The response is over. What is left of its answer may have to be read before the connection is used
    /// again.
    pub(crate) fn finish(self) -> (HttpConn, Incoming) {
        (self.conn, self.body)
    }

    /// Whether the peer may have ended it because the caller had not read for long.
    pub(crate) fn was_left_alone(&self) -> bool {
        self.watch.was_left_alone()
    }
}
