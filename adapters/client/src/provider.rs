use std::error::Error;
use std::fmt;
use std::sync::Arc;

use failback_wire::Headers;

use crate::{Credentials, CredentialsRequest};

/// What a provider of credentials says: some, or why it has none. `?` makes such an error of any other.
pub type ProviderAnswer = Result<Credentials, Box<dyn Error + Send + Sync>>;

/// Who is asked for credentials, in a [`World`](crate::World) where an answer is an `A`.
pub struct Provider<A>(Arc<dyn Fn(CredentialsRequest) -> A + Send + Sync>);

impl<A> Provider<A> {
    pub(crate) fn new(ask: impl Fn(CredentialsRequest) -> A + Send + Sync + 'static) -> Self {
        Self(Arc::new(ask))
    }

    /// Asks it. Whatever it does, it does here: it may panic, and where an answer is no future it may block.
    #[must_use]
    pub fn ask(&self, request: CredentialsRequest) -> A {
        (self.0)(request)
    }
}

impl<A> Clone for Provider<A> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<A> fmt::Debug for Provider<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Provider")
    }
}

/// Why a provider of credentials gave none: its own error.
///
/// `Debug` shows its text without the credentials that the turn knew. It is the
/// [`source`](std::error::Error::source) of the turn's [`Error`](crate::Error).
#[derive(Clone)]
pub struct ProviderError {
    error: Arc<dyn Error + Send + Sync>,
    text: Box<str>,
}

impl ProviderError {
    pub(crate) fn new(error: Box<dyn Error + Send + Sync>, secrets: &Headers) -> Self {
        let text = secrets.redact(&error.to_string()).into();
        Self { error: Arc::from(error), text }
    }

    /// The provider's error.
    #[must_use]
    pub fn get(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.error
    }
}

impl fmt::Debug for ProviderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ProviderError").field(&self.text).finish()
    }
}

/// Equal are only clones.
impl PartialEq for ProviderError {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.error, &other.error)
    }
}

impl Eq for ProviderError {}

/// The provider of credentials panicked. Its message has been printed where it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProviderPanicked;

impl fmt::Display for ProviderPanicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the provider of credentials panicked")
    }
}

impl Error for ProviderPanicked {}
