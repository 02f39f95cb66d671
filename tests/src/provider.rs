use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use failback_client::{Credentials, CredentialsRequest, ProviderAnswer};
use smol::channel::{Receiver, Sender, bounded};

/// A provider of credentials as a real one is: it keeps a token, and gets the next one when it hears that
/// this one was rejected. Clones are the same.
#[derive(Clone)]
pub struct TestProvider {
    told: Arc<Mutex<Told>>,
    /// What it waits for.
    held: Receiver<()>,
    holds: Sender<()>,
}

struct Told {
    /// The first is the one that it keeps.
    tokens: VecDeque<String>,
    /// What it says instead, once each.
    once: VecDeque<Says>,
    asked: Vec<Option<Credentials>>,
}

/// What a [`TestProvider`] may say.
#[derive(Debug)]
pub enum Says {
    /// These.
    Credentials(Credentials),
    /// Nothing but an error.
    Fails(Failed),
    /// Nothing, as it panics.
    Panics,
    /// Its token, after the test has [released](TestProvider::release) it.
    Waits,
}

/// The error of a [`TestProvider`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed(pub String);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failed {}

impl TestProvider {
    /// One that has these bearer tokens, in order.
    #[must_use]
    pub fn new(tokens: &[&str]) -> Self {
        let tokens = tokens.iter().map(|token| (*token).to_owned()).collect();
        let (holds, held) = bounded(1);
        let told = Told { tokens, once: VecDeque::new(), asked: Vec::new() };
        Self { told: Arc::new(Mutex::new(told)), held, holds }
    }

    /// Says this once, when it is asked next.
    pub fn push(&self, says: Says) {
        self.told().once.push_back(says);
    }

    /// Forgets what was pushed and not yet said.
    pub fn clear(&self) {
        self.told().once.clear();
    }

    /// Lets it go on that waits, or will wait next.
    pub fn release(&self) {
        self.holds.try_send(()).expect("it waits");
    }

    /// What was rejected each time that it was asked, in order.
    #[must_use]
    pub fn asked(&self) -> Vec<Option<Credentials>> {
        self.told().asked.clone()
    }

    pub(crate) async fn answer(self, request: CredentialsRequest) -> ProviderAnswer {
        match self.say(request) {
            Some(answer) => answer,
            None => {
                self.held.recv().await.expect("it is released");
                self.token()
            }
        }
    }

    pub(crate) fn answer_blocking(&self, request: CredentialsRequest) -> ProviderAnswer {
        self.say(request).unwrap_or_else(|| {
            self.held.recv_blocking().expect("it is released");
            self.token()
        })
    }

    /// What it says at once, unless it waits.
    fn say(&self, request: CredentialsRequest) -> Option<ProviderAnswer> {
        let mut told = self.told();
        told.asked.push(request.rejected().cloned());
        match told.once.pop_front() {
            Some(Says::Credentials(credentials)) => Some(Ok(credentials)),
            Some(Says::Fails(error)) => Some(Err(error.into())),
            Some(Says::Panics) => panic!("this provider was told to panic"),
            Some(Says::Waits) => None,
            None => {
                let is_kept = request.rejected() == told.token().ok().as_ref();
                if is_kept && told.tokens.len() > 1 {
                    told.tokens.pop_front();
                }
                Some(told.token())
            }
        }
    }

    fn token(&self) -> ProviderAnswer {
        self.told().token()
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Told {
    fn token(&self) -> ProviderAnswer {
        Ok(Credentials::bearer(self.tokens.front().map_or("", String::as_str))?)
    }
}

impl fmt::Debug for TestProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TestProvider")
    }
}
