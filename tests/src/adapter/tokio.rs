use std::future::Future;

use failback_tokio::Tokio;
use tokio::runtime::{Builder, Runtime};

use super::asynchronous::{self, Ground};
use super::{Adapter, TestClient};
use crate::Settings;

pub(super) struct TokioAdapter;

impl Adapter for TokioAdapter {
    fn name(&self) -> &'static str {
        "tokio"
    }

    fn client(&self, settings: Settings) -> Box<dyn TestClient> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        asynchronous::client(runtime.expect("a runtime for the test"), settings)
    }

    fn client_that_stands_still(&self, settings: Settings) -> Box<dyn TestClient> {
        let runtime = Builder::new_current_thread().enable_all().build();
        asynchronous::client(runtime.expect("a runtime for the test"), settings)
    }
}

impl Ground for Runtime {
    type Runtime = Tokio;

    fn runtime(&self) -> Tokio {
        Tokio::default()
    }

    fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        Self::block_on(self, future)
    }

    fn tasks(&self) -> usize {
        self.metrics().num_alive_tasks()
    }

    fn inside<T>(&self, act: impl FnOnce() -> T) -> T {
        let _inside = self.enter();
        act()
    }
}
