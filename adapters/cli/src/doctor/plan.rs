//! What the command line says, read and checked, and how the time is divided.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use failback::{Config, Transport};
use failback_blocking::Client;
use failback_client::{BuildError, Shown, Witness};
use failback_wire::{Endpoint, Limits, Request};

use crate::args::DoctorArgs;
use crate::error::Error;
use crate::server::Server;
use crate::settings::Settings;
use crate::setup::MODEL;

/// How long the WebSocket is left alone, unless it is said or there is less time.
const IDLE: Duration = Duration::from_secs(5);

/// What a turn asks: enough for more than one event, and for little money.
const QUESTION: &str = "Count from 1 to 20.";

/// What to examine, and for how long.
pub(super) struct Plan {
    server: Server,
    /// Without its query.
    pub(super) shown_url: String,
    pub(super) config: Config,
    pub(super) limits: Limits,
    /// The file, and what is in it.
    ca: Option<(PathBuf, Vec<u8>)>,
    pub(super) idle: Duration,
    /// A turn over each transport, if one is wanted.
    pub(super) turn: Option<Request>,
    begun: Instant,
    time: Duration,
    /// Which certificates were shown since the last that were taken.
    shown: Arc<Mutex<Vec<Shown>>>,
}

impl Plan {
    pub(super) fn new(args: &DoctorArgs) -> Result<Self, Error> {
        let begun = Instant::now();
        let settings = Settings::read(args.settings.config.as_deref(), &args.settings.set)?;
        let (server, endpoint) = Server::new("URL", &args.url, &args.server)?;
        let time = Duration::from_secs(args.timeout);
        let idle = args.idle.map(Duration::from_secs);
        if idle.is_some_and(|idle| idle > time / 3) {
            let problem = format!("expected at most a third of --timeout, which is {} s", time.as_secs());
            return Err(Error::usage("--idle", problem));
        }
        let ca = match &args.ca {
            None => None,
            Some(path) => {
                let pem = fs::read(path).map_err(|error| Error::usage(ca_place(path), error))?;
                Some((path.clone(), pem))
            }
        };
        Ok(Self {
            server,
            shown_url: shown(&endpoint),
            config: settings.config,
            limits: limits(settings.limits, time, args.turn),
            ca,
            idle: idle.unwrap_or_else(|| IDLE.min(time / 4)),
            turn: args.turn.then(|| Request::text(args.model.as_deref().unwrap_or(MODEL), QUESTION)),
            begun,
            time,
            shown: Arc::default(),
        })
    }

    /// The client whose connections are examined.
    pub(super) fn client(&self) -> Result<Client, Error> {
        let shown = Arc::clone(&self.shown);
        let witness = Witness::new(move |one| {
            shown.lock().unwrap_or_else(PoisonError::into_inner).push(one);
        });
        let builder = self.server.set(Client::builder(&self.server.url));
        let mut builder = builder.config(self.config).limits(self.limits).witness(witness);
        if let Some((_, pem)) = &self.ca {
            builder = builder.add_root_certificates(pem);
        }
        builder.build().map_err(|error| match (&error, &self.ca) {
            (BuildError::Tls(problem), Some((path, _))) if problem.setting().is_some() => {
                Error::usage(ca_place(path), problem.problem())
            }
            _ => self.server.usage(&error),
        })
    }

    pub(super) fn has_credentials(&self) -> bool {
        self.server.headers.has_credentials()
    }

    /// How much time a transport has. WebSocket is examined first. What it leaves is for SSE, and that is
    /// never little.
    pub(super) fn time_for(&self, transport: Transport) -> Duration {
        let until = match transport {
            Transport::WebSocket => self.time * 3 / 5,
            // To say at the end what was found takes some time too.
            Transport::Sse => self.time - self.time / 50,
        };
        until.saturating_sub(self.begun.elapsed())
    }

    pub(super) fn took(&self) -> Duration {
        self.begun.elapsed()
    }

    pub(super) const fn time(&self) -> Duration {
        self.time
    }

    /// The certificates that were shown since the last call.
    pub(super) fn take_shown(&self) -> Vec<Shown> {
        std::mem::take(&mut *self.shown.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// So that no step takes the time of all: those of the settings, but at most a part of the whole.
fn limits(given: Limits, time: Duration, is_turn: bool) -> Limits {
    let silence = if is_turn { given.idle_timeout().min(time) } else { time / 4 };
    given
        .with_connect_timeout(given.connect_timeout().min(time / 4))
        .with_pong_timeout(given.pong_timeout().min(time / 6))
        .with_first_event_timeout(given.first_event_timeout().min(time / 3))
        .with_idle_timeout(silence)
}

fn ca_place(path: &Path) -> String {
    format!("--ca {}", path.display())
}

fn shown(endpoint: &Endpoint) -> String {
    endpoint.target(Transport::Sse).to_string()
}
