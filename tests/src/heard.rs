use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use failback_client::{AttemptEnd, DialEnd, Observation, TurnEnd};

use crate::until;

/// A function that hears what a client decides.
#[derive(Clone)]
pub struct Observer(Arc<dyn Fn(&Observation) + Send + Sync>);

impl Observer {
    /// This function.
    #[must_use]
    pub fn new(hears: impl Fn(&Observation) + Send + Sync + 'static) -> Self {
        Self(Arc::new(hears))
    }

    pub(crate) fn into_fn(self) -> impl Fn(&Observation) + Send + Sync + 'static {
        move |observation| (self.0)(observation)
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}

/// What was heard, in order, and in which thread.
#[derive(Clone, Debug, Default)]
pub struct Heard(Arc<Mutex<Vec<(ThreadId, Observation)>>>);

impl Heard {
    /// An observer that keeps what it hears here.
    #[must_use]
    pub fn observer(&self) -> Observer {
        let heard = self.clone();
        Observer::new(move |observation| heard.add(observation))
    }

    /// Keeps this too.
    pub fn add(&self, observation: &Observation) {
        self.lock().push((thread::current().id(), observation.clone()));
    }

    /// All of it.
    #[must_use]
    pub fn all(&self) -> Vec<Observation> {
        self.lock().iter().map(|(_, observation)| observation.clone()).collect()
    }

    /// The threads in which it was heard.
    #[must_use]
    pub fn threads(&self) -> Vec<ThreadId> {
        self.lock().iter().map(|(thread, _)| *thread).collect()
    }

    /// All of it in a line each, without times and texts.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.all().iter().map(line).collect()
    }

    /// The lines of this turn.
    #[must_use]
    pub fn lines_of(&self, turn: u64) -> Vec<String> {
        self.all().iter().filter(|observation| observation.turn() == Some(turn)).map(line).collect()
    }

    /// Waits until this line has been heard.
    ///
    /// # Panics
    /// When it does not come.
    pub fn wait_for(&self, line: &str) {
        until(line, || self.lines().iter().any(|heard| heard == line));
    }

    /// Forgets what was heard.
    pub fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(ThreadId, Observation)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn line(observation: &Observation) -> String {
    match observation {
        Observation::Attempt { turn, number, transport, reason, probe, adopted, .. } => {
            let probe = if *probe { ", probe" } else { "" };
            let adopted = if *adopted { ", adopted" } else { "" };
            format!("{turn}: attempt {number}, {}, {}{probe}{adopted}", transport.as_str(), reason.as_str())
        }
        Observation::FirstEvent { turn, number, transport, .. } => {
            format!("{turn}: first event of {number}, {}", transport.as_str())
        }
        Observation::Moved { turn, notice, .. } => {
            format!("{turn}: moved to {}, {}", notice.transport().as_str(), notice.reason().as_str())
        }
        Observation::Diverted { turn, number, .. } => format!("{turn}: {number} diverted"),
        Observation::DialEnded { turn, end: DialEnd::Failed { failure, .. }, .. } => {
            format!("{turn}: dial failed, {}", failure.blame().as_str())
        }
        Observation::DialEnded { turn, end, .. } => format!("{turn}: dial {}", end.as_str()),
        Observation::AttemptEnded { turn, number, end: AttemptEnd::Failed { failure, .. }, .. } => {
            let (blame, stage) = (failure.blame().as_str(), failure.stage().as_str());
            format!("{turn}: {number} failed, {blame}, {stage}")
        }
        Observation::AttemptEnded { turn, number, end, .. } => format!("{turn}: {number} {}", end.as_str()),
        Observation::Renewing { turn, number, transport, .. } => {
            format!("{turn}: {number} asks for other credentials, {}", transport.as_str())
        }
        Observation::WarmUp { reason, .. } => format!("warm-up, {reason}"),
        Observation::Waiting { turn, .. } => format!("{turn}: waits"),
        Observation::Changed(change) => {
            format!("{} -> {}, {}", change.from.as_str(), change.to.as_str(), change.why)
        }
        Observation::TurnEnded { turn, attempts, end: TurnEnd::Failed(kind), .. } => {
            format!("{turn}: failed after {attempts}, {kind}")
        }
        Observation::TurnEnded { turn, attempts, end, .. } => {
            format!("{turn}: {} after {attempts}", end.as_str())
        }
        _ => format!("{observation:?}"),
    }
}
