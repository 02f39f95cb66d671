//! Server-Sent Events: one POST, and the events of its answer.

use std::io::{self, ErrorKind, Read};
use std::sync::Arc;

use failback::Transport;
use failback_client::common::DRAIN_BYTES;
use failback_client::{Lost, encoding_of};
use failback_wire::{Body, Event, Headers, MAX_HEADER_BYTES, ResponseHeaders, Said, Seen};
use ureq::http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use ureq::http::{Request, StatusCode};
use ureq::{Agent, BodyReader};

use crate::bell::Bell;
use crate::deadline::Deadline;
use crate::dial::dial;
use crate::halt::Halt;
use crate::head::request;
use crate::link::Link;
use crate::milestone::{Told, nobody};
use crate::network::Network;
use crate::no_stream::{broken, read_refusal};
use crate::transport::NoResolver;
use crate::watch::Watch;
use crate::websocket::Got;

const TRANSPORT: Transport = Transport::Sse;

const CHUNK_BYTES: usize = 16 * 1024;

/// The URL that ureq is given. Its one connection leads to the server whatever the URL says.
const NOWHERE: &str = "http://server/";

/// An HTTP connection, and the answer that it carries.
pub(crate) struct HttpConn {
    /// It has this connection and no other.
    agent: Agent,
    link: Link,
    body: Option<BodyReader<'static>>,
    /// Decodes the body.
    said: Option<Body>,
    chunk: Vec<u8>,
    /// How many bytes of the chunk are decoded. After the response: how many bytes were read since.
    used: usize,
}

/// Whether another request can be sent.
pub(crate) enum Recovered {
    Now,
    /// Not yet: the end of the last answer has not come.
    NotYet,
    Never,
}

impl HttpConn {
    /// Dials within the connect time-out.
    pub(crate) fn connect(network: &Arc<Network>, bell: &Arc<Bell>) -> Result<Self, Halt> {
        Self::connect_telling(network, bell, &nobody)
    }

    /// The same, and `told` hears how far it has come.
    pub(crate) fn connect_telling(
        network: &Arc<Network>,
        bell: &Arc<Bell>,
        told: Told<'_>,
    ) -> Result<Self, Halt> {
        let deadline = Deadline::after(network.limits.connect_timeout());
        let link = Link::new(dial(network, TRANSPORT, bell, &deadline, told)?);
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .max_response_header_size(MAX_HEADER_BYTES)
            .max_idle_connections(1)
            // The pool decides how long it is kept.
            .max_idle_age(std::time::Duration::from_secs(24 * 60 * 60))
            .build();
        Ok(Self {
            agent: Agent::with_parts(config, link.clone(), NoResolver),
            link,
            body: None,
            said: None,
            chunk: Vec::new(),
            used: 0,
        })
    }

    /// Sends a request with these headers, and reads the head of its answer, of which it returns the headers.
    pub(crate) fn request(
        &mut self,
        network: &Network,
        headers: &Headers,
        body: String,
        bell: &Arc<Bell>,
    ) -> Result<ResponseHeaders, Halt> {
        let (policy, limits) = (network.policy(), network.limits);
        let length = body.len().to_string();
        let own = [
            (ACCEPT, "text/event-stream"),
            (ACCEPT_ENCODING, "identity"),
            (CONTENT_TYPE, "application/json"),
            (CONTENT_LENGTH, length.as_str()),
        ];
        let head = request("POST", network.endpoint.target(TRANSPORT), &own, headers);
        let watched = self.link.watch(head, |io| {
            io.attach(bell)?;
            Ok(Watch::new(bell, policy, limits, TRANSPORT, io))
        });
        watched.map_err(|error| Halt::new(Seen::Reset, error))?;
        self.chunk.clear();
        self.used = 0;

        // ureq writes another head, which [`Link`] replaces.
        let request = Request::post(NOWHERE).body(body);
        let request = request.map_err(Halt::internal)?;
        let response = self.agent.run(request).map_err(|error| broken(&self.link, error))?;

        let (head, body) = response.into_parts();
        let body = body.into_reader();
        // ureq may have been shown only some of them.
        let headers = self.link.take_answer().unwrap_or(head.headers);
        if head.status != StatusCode::OK {
            let refusal = read_refusal(&self.link, head.status.as_u16(), headers, body)?;
            return Err(Lost::Answer(Box::new(refusal)).into());
        }
        if let Some(encoding) = encoding_of(&headers) {
            return Err(Lost::Encoded(encoding.to_owned()).into());
        }
        let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        self.said = Some(Body::new(content_type, limits.max_message_bytes()).map_err(Halt::from)?);
        self.body = Some(body);
        Ok(headers.into())
    }

    /// Reads on, and waits if nothing has arrived.
    pub(crate) fn read(&mut self) -> Result<Got, Halt> {
        loop {
            let Some(said) = &mut self.said else { return Err(Seen::EndOfStream.into()) };
            let mut input = self.chunk.get(self.used..).unwrap_or_default();
            let before = input.len();
            let decoded = said.decode(&mut input);
            self.used = self.used.saturating_add(before.saturating_sub(input.len()));
            let event = match decoded.map_err(Halt::from)? {
                Some(Said::Event(event)) => event,
                Some(Said::SignOfLife) => return Ok(Got::SignOfLife),
                Some(Said::Done) => return Err(Halt::new(Seen::EndOfStream, "it sent [DONE]")),
                None => {
                    if self.fill()? {
                        continue;
                    }
                    self.end()?
                }
            };
            self.link.handle_event();
            return Ok(Got::Event(event));
        }
    }

    /// Reads the next piece of the body. False when it has ended.
    fn fill(&mut self) -> Result<bool, Halt> {
        // After an error the body is not read again: ureq would report a clean end.
        let Some(body) = &mut self.body else { return Ok(false) };
        self.chunk.resize(CHUNK_BYTES, 0);
        self.used = 0;
        let read = body.read(&mut self.chunk);
        self.chunk.truncate(*read.as_ref().unwrap_or(&0));
        match read {
            Ok(1..) => Ok(true),
            Ok(0) => {
                self.body = None;
                Ok(false)
            }
            Err(error) => {
                (self.body, self.said) = (None, None);
                Err(broken(&self.link, error.into()))
            }
        }
    }

    /// The body has ended. Returns the event that its end completes.
    fn end(&mut self) -> Result<Event, Halt> {
        let Some(mut said) = self.said.take() else { return Err(Seen::EndOfStream.into()) };
        said.end().map_err(Halt::from)?.ok_or_else(|| Seen::EndOfStream.into())
    }

    /// Whether the peer may have ended the response because the caller had not read for long.
    pub(crate) fn was_left_alone(&self) -> bool {
        self.link.with_watch(|watch| watch.was_left_alone()).unwrap_or_default()
    }

    /// The response is over, and the connection waits for another one. The pool's thread waits at `bell`.
    pub(crate) fn finish(&mut self, bell: &Arc<Bell>) -> io::Result<()> {
        self.used = 0;
        self.link.rest(bell)
    }

    /// Reads on to the end of the last answer, if that has arrived. Never waits.
    pub(crate) fn recover(&mut self) -> Recovered {
        if let Some(body) = &mut self.body {
            self.chunk.resize(CHUNK_BYTES, 0);
            loop {
                match body.read(&mut self.chunk) {
                    Ok(0) => break,
                    Ok(read) => {
                        self.used = self.used.saturating_add(read);
                        if self.used > DRAIN_BYTES {
                            return Recovered::Never;
                        }
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => return Recovered::NotYet,
                    Err(_) => return Recovered::Never,
                }
            }
            self.body = None;
        }
        if self.link.is_quiet() { Recovered::Now } else { Recovered::Never }
    }
}
