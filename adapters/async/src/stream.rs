use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use failback::Transport;
use failback_client::{Collector, Error, Item, Progress, Response, Turn};
use failback_wire::ResponseHeaders;
use futures_core::Stream;
use futures_core::stream::FusedStream;

use crate::Runtime;
use crate::driver::Driver;
use crate::items::Items;
use crate::shared::Shared;

/// The items of one turn: the events of its response, and notices about its transport.
///
/// It ends after the event that ends the response, or after an error. A slow reader slows the server.
/// Dropping the stream cancels the turn.
///
/// ```
/// use failback_async::{Client, Error, Item, Runtime};
/// use failback_wire::Request;
///
/// async fn print<R: Runtime>(client: &Client<R>, request: Request) -> Result<(), Error> {
///     let mut turn = client.stream(request);
///     while let Some(item) = turn.next().await {
///         match item? {
///             Item::Event(event) => print!("{}", event.text_delta().unwrap_or_default()),
///             Item::Restarted { discard } => println!("[forget the last {discard} events]"),
///             Item::Notice(notice) => eprintln!("[{notice}]"),
///         }
///     }
///     Ok(())
/// }
/// ```
#[must_use = "a stream does nothing until it is polled"]
pub struct ResponseStream {
    /// `None` when the turn is over.
    items: Option<Box<dyn Items>>,
    progress: Arc<Progress>,
    /// How many bytes of output [`into_response`](Self::into_response) takes.
    limit: usize,
}

impl ResponseStream {
    pub(crate) fn new<R: Runtime>(shared: Arc<Shared<R>>, turn: Turn) -> Self {
        let (progress, limit) = (Arc::clone(turn.progress()), shared.network.limits.max_message_bytes());
        Self { items: Some(Box::new(Driver::new(shared, turn))), progress, limit }
    }

    /// The next item, for callers that do not import `StreamExt`.
    pub async fn next(&mut self) -> Option<Result<Item, Error>> {
        poll_fn(|cx| self.poll_item(cx)).await
    }

    fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Item, Error>>> {
        let Some(items) = &mut self.items else { return Poll::Ready(None) };
        let polled = items.poll_next(cx);
        if let Poll::Ready(None) = polled {
            self.items = None;
        }
        polled
    }

    /// Reads the stream to its end, and gives the response as a whole: one that completed, or that the server
    /// ended without completing it. What was read before is not part of it.
    ///
    /// # Errors
    ///
    /// The turn failed, or the response has more than
    /// [`max_message_bytes`](failback_wire::Limits::max_message_bytes) of output.
    pub async fn into_response(mut self) -> Result<Response, Error> {
        let mut collector = Collector::with_limit(self.limit);
        while let Some(item) = self.next().await {
            collector.handle_item(item?)?;
        }
        Ok(collector.finish(&self.progress))
    }

    /// The transport of the attempt that began last. `None` before the first.
    #[must_use]
    pub fn transport(&self) -> Option<Transport> {
        self.progress.transport()
    }

    /// How many attempts have begun.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.progress.attempts()
    }

    /// The headers of the answer to the attempt that began last, such as rate limits and the id of the
    /// request; also of an answer that refused. `None` while there is no answer.
    ///
    /// Over SSE they are those of the answer to the POST. Over WebSocket they are those of the answer to the
    /// handshake: on a WebSocket that is used again they have come with an earlier turn.
    #[must_use]
    pub fn response_headers(&self) -> Option<ResponseHeaders> {
        self.progress.response_headers()
    }
}

impl Stream for ResponseStream {
    type Item = Result<Item, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_item(cx)
    }
}

impl FusedStream for ResponseStream {
    fn is_terminated(&self) -> bool {
        self.items.is_none()
    }
}

impl fmt::Debug for ResponseStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseStream").field("done", &self.items.is_none()).finish()
    }
}
