//! The server that the command line names: where it is, the way there, and what is sent with every request.

use std::env::{self, VarError};

use failback_client::{BuildError, Builder, World};
use failback_wire::{Endpoint, HeaderError, Headers};

use crate::args::ServerArgs;
use crate::error::Error;

/// What to connect to, and how.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) url: String,
    ws_url: Option<String>,
    pub(crate) headers: Headers,
    proxy: Option<String>,
    no_proxy: Option<String>,
}

impl Server {
    /// The server at this URL, which stands at `place`, and where it leads.
    pub(crate) fn new(place: &str, url: &str, args: &ServerArgs) -> Result<(Self, Endpoint), Error> {
        let headers = headers(&args.headers, args.api_key_env.as_deref())?;
        // The client would find the same, but not say which option it came from.
        let mut endpoint = Endpoint::new(url).map_err(|error| Error::usage(place, error))?;
        if let Some(ws_url) = &args.ws_url {
            endpoint = endpoint.with_websocket(ws_url).map_err(|error| Error::usage("--ws-url", error))?;
        }
        endpoint.check_credentials(&headers, false).map_err(|error| Error::Usage(error.to_string()))?;
        let server = Self {
            url: url.to_owned(),
            ws_url: args.ws_url.clone(),
            headers,
            proxy: args.proxy.clone(),
            no_proxy: args.no_proxy.clone(),
        };
        Ok((server, endpoint))
    }

    /// Sets all of this but the URL, which the builder has.
    pub(crate) fn set<W: World>(&self, builder: Builder<W>) -> Builder<W> {
        let mut builder = builder.headers(self.headers.clone());
        if let Some(url) = &self.ws_url {
            builder = builder.websocket_url(url);
        }
        if let Some(url) = &self.proxy {
            builder = builder.proxy(url);
        }
        if let Some(hosts) = &self.no_proxy {
            builder = builder.no_proxy_for(hosts);
        }
        builder
    }

    /// Why no client could be built, with the option that it came from.
    pub(crate) fn usage(&self, error: &BuildError) -> Error {
        match error {
            BuildError::Proxy(problem) if self.proxy.is_some() => Error::usage("--proxy", problem),
            _ => Error::Usage(error.to_string()),
        }
    }
}

fn headers(lines: &[String], api_key_env: Option<&str>) -> Result<Headers, Error> {
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
