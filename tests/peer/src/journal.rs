use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use failback::Transport;
use serde_json::Value;
use tokio::sync::watch;

/// Something the peer saw or did.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum What {
    /// A TCP connection was accepted.
    Connected,
    /// The TLS handshake failed or was abandoned.
    TlsFailed,
    /// A WebSocket upgrade was asked for, with these headers; names are in lower case and credentials left
    /// out.
    Handshake {
        /// Name and value, in order.
        headers: Vec<(String, String)>,
    },
    /// A plain HTTP request arrived, with these headers; names are in lower case and credentials left out.
    Post {
        /// Name and value, in order.
        headers: Vec<(String, String)>,
    },
    /// The upgrade was granted.
    Upgraded,
    /// An upgrade or a request was answered with this HTTP status.
    Refused {
        /// The status.
        status: u16,
    },
    /// A request for a response, good or bad.
    Request {
        /// How it came.
        transport: Transport,
        /// Counts all requests to this peer, from 1; the response is `resp_{turn}`.
        turn: u64,
        /// The JSON as received.
        body: Value,
        /// An `Authorization` header came with it, and it was the right one if one is required.
        authorized: bool,
    },
    /// Events sent so far in this turn.
    Sent {
        /// From 1, for each event.
        count: usize,
    },
    /// The turn ended with a terminal event or an `error` event.
    TurnDone,
    /// A late event left, after the one that ended its turn.
    LateSent,
    /// The connection came to a [`Gate`](crate::Gate).
    AtGate,
    /// The end of a body was sent after its last event, over SSE.
    BodyEnd,
    /// The client sent a ping that the peer answered.
    Ping,
    /// The client sent a pong.
    Pong,
    /// The client sent a close frame; 1005 stands for none given.
    CloseReceived {
        /// The close code.
        code: u16,
    },
    /// The peer sent a close frame of its own accord.
    CloseSent {
        /// The close code.
        code: u16,
    },
    /// How much of an endless line, event or frame went out before the client closed or the bound was
    /// reached.
    Streamed {
        /// Bytes that the socket took.
        bytes: u64,
    },
    /// A part of what the client sent was read slowly.
    Taken {
        /// Bytes of this connection so far.
        bytes: usize,
    },
    /// The connection has ended, whoever ended it.
    Disconnected,
    /// A second `response.create` while a response was running on the same connection.
    Busy,
    /// The client broke the protocol.
    BadRequest {
        /// In which way.
        why: String,
    },
}

/// One line of a [`Journal`].
#[derive(Clone, Debug)]
pub struct Entry {
    /// Since the peer started.
    pub at: Duration,
    /// Which connection, from 1.
    pub conn: u64,
    /// What happened.
    pub what: What,
}

/// What happened so far, in order. `Display` prints it for a failing test.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    entries: Vec<Arc<Entry>>,
}

impl Journal {
    /// All entries in order.
    #[must_use]
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = &Entry> + ExactSizeIterator {
        self.entries.iter().map(|entry| &**entry)
    }

    /// How many entries are of this kind.
    #[must_use]
    pub fn count(&self, pred: impl Fn(&What) -> bool) -> usize {
        self.entries().filter(|entry| pred(&entry.what)).count()
    }

    /// Whether any entry is of this kind.
    #[must_use]
    pub fn any(&self, pred: impl Fn(&What) -> bool) -> bool {
        self.entries().any(|entry| pred(&entry.what))
    }

    /// When entries of this kind were made.
    #[must_use]
    pub fn times(&self, pred: impl Fn(&What) -> bool) -> Vec<Duration> {
        self.entries().filter(|entry| pred(&entry.what)).map(|entry| entry.at).collect()
    }

    /// How many WebSocket upgrades were asked for.
    #[must_use]
    pub fn handshakes(&self) -> usize {
        self.count(|what| matches!(what, What::Handshake { .. }))
    }

    /// When each WebSocket upgrade was asked for.
    #[must_use]
    pub fn handshake_times(&self) -> Vec<Duration> {
        self.times(|what| matches!(what, What::Handshake { .. }))
    }

    /// How many upgrades were granted.
    #[must_use]
    pub fn upgrades(&self) -> usize {
        self.count(|what| matches!(what, What::Upgraded))
    }

    /// How many requests came over `transport`, bad ones included.
    #[must_use]
    pub fn requests(&self, transport: Transport) -> usize {
        self.request_bodies(transport).len()
    }

    /// The bodies of the requests that came over `transport`.
    #[must_use]
    pub fn request_bodies(&self, transport: Transport) -> Vec<&Value> {
        let body = |entry| match entry {
            &Entry { what: What::Request { transport: t, ref body, .. }, .. } if t == transport => Some(body),
            _ => None,
        };
        self.entries().filter_map(body).collect()
    }

    /// The transport of each request, in order of arrival.
    #[must_use]
    pub fn transports(&self) -> Vec<Transport> {
        let transport = |entry: &Entry| match entry.what {
            What::Request { transport, .. } => Some(transport),
            _ => None,
        };
        self.entries().filter_map(transport).collect()
    }

    /// The connection that carried each request, in order of arrival.
    #[must_use]
    pub fn request_connections(&self) -> Vec<u64> {
        self.entries().filter(|e| matches!(e.what, What::Request { .. })).map(|e| e.conn).collect()
    }

    /// The statuses of all refusals.
    #[must_use]
    pub fn refusals(&self) -> Vec<u16> {
        let status = |entry: &Entry| match entry.what {
            What::Refused { status } => Some(status),
            _ => None,
        };
        self.entries().filter_map(status).collect()
    }

    /// In which ways clients broke the protocol; [`What::Busy`] is counted apart.
    #[must_use]
    pub fn bad_requests(&self) -> Vec<&str> {
        let why = |entry| match entry {
            &Entry { what: What::BadRequest { ref why }, .. } => Some(why.as_str()),
            _ => None,
        };
        self.entries().filter_map(why).collect()
    }

    /// How many requests came to a connection that was still busy with another.
    #[must_use]
    pub fn busy(&self) -> usize {
        self.count(|what| matches!(what, What::Busy))
    }

    /// How many TCP connections were accepted.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.count(|what| matches!(what, What::Connected))
    }

    /// How many of them have not ended yet.
    #[must_use]
    pub fn open_connections(&self) -> usize {
        self.connections() - self.count(|what| matches!(what, What::Disconnected))
    }
}

impl fmt::Display for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "journal of the peer, {} entries:", self.entries.len())?;
        for (i, entry) in self.entries.iter().enumerate() {
            let counts_on = self.entries.get(i + 1).is_some_and(|next| {
                next.conn == entry.conn
                    && matches!((&entry.what, &next.what), (What::Sent { .. }, What::Sent { count }) if *count > 1)
            });
            if !counts_on {
                writeln!(f, "{:>9.3} ms  #{:<3} {:?}", entry.at.as_secs_f64() * 1e3, entry.conn, entry.what)?;
            }
        }
        Ok(())
    }
}

/// Where entries are made, and where those who wait for them listen.
#[derive(Debug)]
pub(crate) struct Recorder {
    start: Instant,
    journal: Mutex<Journal>,
    changed: watch::Sender<()>,
}

impl Recorder {
    pub(crate) fn new() -> Self {
        Self { start: Instant::now(), journal: Mutex::default(), changed: watch::Sender::new(()) }
    }

    pub(crate) fn record(&self, conn: u64, what: What) {
        {
            let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
            journal.entries.push(Arc::new(Entry { at: self.start.elapsed(), conn, what }));
        }
        self.changed.send_replace(());
    }

    pub(crate) fn snapshot(&self) -> Journal {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) async fn until(&self, pred: impl Fn(&Journal) -> bool) -> Journal {
        let mut changed = self.changed.subscribe();
        loop {
            let journal = self.snapshot();
            if pred(&journal) {
                return journal;
            }
            // The sender lives in `self`: this cannot fail.
            let _ = changed.changed().await;
        }
    }
}
