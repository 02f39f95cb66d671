//! What a stream needs, made of what the command line says.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use failback_client::{BuildError, Builder, World};
use failback_wire::Request;
use serde_json::value::{RawValue, to_raw_value};

use crate::args::StreamArgs;
use crate::error::Error;
use crate::server::Server;
use crate::settings::Settings;
use crate::trace_file::TraceWriter;

/// The model that is asked unless another one is named.
pub(crate) const MODEL: &str = "gpt-5";

/// What to connect to, how, and what to ask.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) server: Server,
    pub(crate) settings: Settings,
    pub(crate) deadline: Option<Duration>,
    pub(crate) sse_only: bool,
    pub(crate) state_file: Option<PathBuf>,
    pub(crate) request: Request,
    /// Where to write down what happens to the policy.
    pub(crate) trace: Option<TraceWriter>,
}

impl Setup {
    pub(crate) fn new(args: &StreamArgs) -> Result<Self, Error> {
        let settings = Settings::read(args.settings.config.as_deref(), &args.settings.set)?;
        let (server, _) = Server::new("--url", &args.url, &args.server)?;
        let request = request(args)?;
        Ok(Self {
            server,
            settings,
            deadline: args.deadline_ms.map(Duration::from_millis),
            sse_only: args.sse_only,
            state_file: args.state_file.clone(),
            request,
            trace: None,
        })
    }

    /// Builds a client with all of this but the URL, which the builder has, and the request.
    pub(crate) fn build<W: World>(&self, builder: Builder<W>) -> Result<W::Client, Error> {
        let mut builder = self.server.set(builder).config(self.settings.config).limits(self.settings.limits);
        if let Some(deadline) = self.deadline {
            builder = builder.deadline(deadline);
        }
        if self.sse_only {
            builder = builder.sse_only();
        }
        if let Some(path) = &self.state_file {
            builder = builder.state_file(path);
        }
        if let Some(trace) = &self.trace {
            builder = builder.record(trace.clone());
        }
        builder.build().map_err(|error| match &error {
            BuildError::StateFile(problem) => Error::usage("--state-file", problem),
            _ => self.server.usage(&error),
        })
    }
}

fn request(args: &StreamArgs) -> Result<Request, Error> {
    let Some(path) = &args.body else {
        return Ok(Request::text(args.model.as_deref().unwrap_or(MODEL), &args.input));
    };
    let place = if path == Path::new("-") {
        "--body, stdin".to_owned()
    } else {
        format!("--body {}", path.display())
    };
    let bad = |error: &dyn std::fmt::Display| Error::usage(&place, error);
    let body = read(path).map_err(|error| bad(&error))?;
    let request = Request::from_json(&body).map_err(|error| bad(&error))?;
    match &args.model {
        Some(model) => {
            // Values stay as they are written; the order of the keys means nothing.
            let mut body: BTreeMap<String, Box<RawValue>> =
                serde_json::from_str(&body).map_err(|error| bad(&error))?;
            body.insert("model".to_owned(), to_raw_value(model).map_err(|error| bad(&error))?);
            let body = serde_json::to_string(&body).map_err(|error| bad(&error))?;
            Request::from_json(&body).map_err(|error| bad(&error))
        }
        None => Ok(request),
    }
}

fn read(path: &Path) -> io::Result<String> {
    if path == Path::new("-") {
        let mut text = String::new();
        io::stdin().lock().read_to_string(&mut text)?;
        return Ok(text);
    }
    fs::read_to_string(path)
}
