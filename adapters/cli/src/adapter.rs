//! The clients that this build has, behind one face.

use std::ops::ControlFlow;
use std::time::Duration;

use failback::Mode;
use failback_tokio::{Client, Error as TurnError, Item};

use crate::args::Adapter;
use crate::error::Error;
use crate::setup::Setup;

/// The adapters in this build.
const BUILT: [Adapter; 1] = [Adapter::Tokio];

/// A client, whatever it runs on.
pub(crate) trait Turns {
    /// Streams one turn, and hands on what it yields until it is over, or is told to stop.
    fn turn(&mut self, each: &mut dyn FnMut(Result<Item, TurnError>) -> ControlFlow<()>);

    /// Does nothing for a while but what goes on in the background.
    fn pause(&mut self, duration: Duration);

    /// The mode of the policy, and how many recoveries are left.
    fn policy(&self) -> (Mode, u8);

    /// Ends the client, whatever goes on in the background.
    fn close(self: Box<Self>);
}

pub(crate) fn open(adapter: Adapter, setup: Setup) -> Result<Box<dyn Turns>, Error> {
    match adapter {
        Adapter::Tokio => Ok(Box::new(Tokio::new(setup)?)),
        other => {
            let built = BUILT.map(Adapter::as_str).join(", ");
            Err(Error::Usage(format!(
                "adapter `{}` is not part of this build; this build has: {built}",
                other.as_str()
            )))
        }
    }
}

struct Tokio {
    runtime: tokio::runtime::Runtime,
    client: Client,
    request: failback_wire::Request,
}

impl Tokio {
    fn new(setup: Setup) -> Result<Self, Error> {
        let runtime = runtime()?;
        let mut builder = Client::builder(setup.url)
            .headers(setup.headers)
            .config(setup.settings.config)
            .limits(setup.settings.limits);
        if let Some(url) = setup.ws_url {
            builder = builder.websocket_url(url);
        }
        let client = {
            let _inside = runtime.enter();
            builder.build().map_err(|error| Error::Usage(error.to_string()))?
        };
        Ok(Self { runtime, client, request: setup.request })
    }
}

/// One thread: turns come one after another.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Error> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::Failed(format!("could not start the runtime: {error}")))
}

impl Turns for Tokio {
    fn turn(&mut self, each: &mut dyn FnMut(Result<Item, TurnError>) -> ControlFlow<()>) {
        self.runtime.block_on(async {
            let mut stream = self.client.stream(self.request.clone());
            while let Some(item) = stream.next().await {
                if each(item).is_break() {
                    break;
                }
            }
        });
    }

    fn pause(&mut self, duration: Duration) {
        // Made inside: a timer belongs to the runtime in which it is made.
        self.runtime.block_on(async { tokio::time::sleep(duration).await });
    }

    fn policy(&self) -> (Mode, u8) {
        let policy = self.client.policy();
        (policy.mode().0, policy.recoveries_left())
    }

    fn close(self: Box<Self>) {
        // A name look-up that nobody waits for any more cannot be interrupted, and would be waited for.
        self.runtime.shutdown_background();
    }
}
