//! What a stream needs, made of what the command line says.

use std::collections::BTreeMap;
use std::env::{self, VarError};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use failback_client::{BuildError, Builder, ProxyChoice, World};
use failback_wire::{Endpoint, HeaderError, Headers, Request};
use serde_json::value::{RawValue, to_raw_value};

use crate::args::StreamArgs;
use crate::error::Error;
use crate::settings::Settings;
use crate::trace_file::TraceWriter;

/// The model that is asked unless another one is named.
pub(crate) const MODEL: &str = "gpt-5";

/// What to connect to, how, and what to ask.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) url: String,
    pub(crate) ws_url: Option<String>,
    pub(crate) headers: Headers,
    pub(crate) settings: Settings,
    pub(crate) deadline: Option<Duration>,
    pub(crate) sse_only: bool,
    pub(crate) proxy: ProxyChoice,
    pub(crate) no_proxy: Option<String>,
    pub(crate) state_file: Option<PathBuf>,
    pub(crate) request: Request,
    /// Where to write down what happens to the policy.
    pub(crate) trace: Option<TraceWriter>,
}

impl Setup {
    pub(crate) fn new(args: &StreamArgs) -> Result<Self, Error> {
        let settings = Settings::read(args.settings.config.as_deref(), &args.settings.set)?;
        let headers = headers(&args.headers, args.api_key_env.as_deref())?;
        // The client would find the same, but not say which option it came from.
        endpoint("--url", &args.url, args.ws_url.as_deref(), &headers)?;
        let request = request(args)?;
        Ok(Self {
            url: args.url.clone(),
            ws_url: args.ws_url.clone(),
            headers,
            settings,
            deadline: args.deadline_ms.map(Duration::from_millis),
            sse_only: args.sse_only,
            proxy: args.proxy.clone().map_or(ProxyChoice::Environment, ProxyChoice::Url),
            no_proxy: args.no_proxy.clone(),
            state_file: args.state_file.clone(),
            request,
            trace: None,
        })
    }

    /// Builds a client with all of this but the URL, which the builder has, and the request.
    pub(crate) fn build<W: World>(&self, builder: Builder<W>) -> Result<W::Client, Error> {
        let mut builder =
            builder.headers(self.headers.clone()).config(self.settings.config).limits(self.settings.limits);
        if let Some(url) = &self.ws_url {
            builder = builder.websocket_url(url);
        }
        if let Some(deadline) = self.deadline {
            builder = builder.deadline(deadline);
        }
        if self.sse_only {
            builder = builder.sse_only();
        }
        if let ProxyChoice::Url(url) = &self.proxy {
            builder = builder.proxy(url);
        }
        if let Some(hosts) = &self.no_proxy {
            builder = builder.no_proxy_for(hosts);
        }
        if let Some(path) = &self.state_file {
            builder = builder.state_file(path);
        }
        if let Some(trace) = &self.trace {
            builder = builder.record(trace.clone());
        }
        builder.build().map_err(|error| match (&error, &self.proxy) {
            (BuildError::StateFile(problem), _) => Error::usage("--state-file", problem),
            (BuildError::Proxy(problem), ProxyChoice::Url(_)) => Error::usage("--proxy", problem),
            _ => Error::Usage(error.to_string()),
        })
    }
}

/// Where these URLs lead, of which the first stands at `place`.
pub(crate) fn endpoint(
    place: &str,
    url: &str,
    ws_url: Option<&str>,
    headers: &Headers,
) -> Result<Endpoint, Error> {
    let mut endpoint = Endpoint::new(url).map_err(|error| Error::usage(place, error))?;
    if let Some(ws_url) = ws_url {
        endpoint = endpoint.with_websocket(ws_url).map_err(|error| Error::usage("--ws-url", error))?;
    }
    endpoint.check_credentials(headers, false).map_err(|error| Error::Usage(error.to_string()))?;
    Ok(endpoint)
}

pub(crate) fn headers(lines: &[String], api_key_env: Option<&str>) -> Result<Headers, Error> {
    let mut headers = Headers::new();
    let bad = |error: HeaderError| Error::usage("--header", error);
    for line in lines {
        let (name, value) = Headers::parse_line(line).map_err(bad)?;
        let value = value.to_str().unwrap_or_default();
        headers.insert(name.as_str(), value).map_err(bad)?;
    }
    if let Some(variable) = api_key_env {
        let place = format!("--api-key-env {variable}");
        let key = read_variable(variable).map_err(|problem| Error::usage(&place, problem))?;
        headers.bearer(&key).map_err(|error| Error::usage(&place, error))?;
    }
    Ok(headers)
}

fn read_variable(name: &str) -> Result<String, &'static str> {
    // Neither can be the name of a variable, and to ask for one such is not allowed everywhere.
    if name.is_empty() || name.contains(['=', '\0']) {
        return Err("expected the name of an environment variable");
    }
    env::var(name).map_err(|error| match error {
        VarError::NotPresent => "this environment variable is not set",
        VarError::NotUnicode(_) => "the value of this environment variable is not text",
    })
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
