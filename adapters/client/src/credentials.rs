use std::fmt;
use std::sync::Arc;

use failback_wire::{HeaderError, HeaderText, Headers};

/// The headers that say who a client is, such as `Authorization`, as a provider gives them
/// ([`Builder::credentials`](crate::Builder::credentials)).
///
/// Every one of them counts as a secret, whatever its name, and `Debug` shows names only. Two are equal if
/// their headers are.
///
/// ```
/// use failback_client::Credentials;
///
/// let bearer = Credentials::bearer("secret")?;
/// let key = Credentials::header("api-key", "secret")?.and_header("x-tenant", "mine")?;
/// assert_eq!(format!("{bearer:?} {key:?}"), r#"["authorization"] ["api-key", "x-tenant"]"#);
/// # Ok::<(), failback_wire::HeaderError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials(Arc<Headers>);

impl Credentials {
    /// `Authorization: Bearer` with this token. White space around it, such as the line end of a file, is
    /// dropped.
    ///
    /// # Errors
    ///
    /// [`HeaderError`] when the token is empty, or has white space or a character that a header cannot have.
    /// It does not show the token.
    pub fn bearer(token: &str) -> Result<Self, HeaderError> {
        let mut headers = Headers::new();
        headers.bearer(token)?;
        Ok(Self(Arc::new(headers)))
    }

    /// One header, such as `api-key`.
    ///
    /// # Errors
    ///
    /// [`HeaderError`] when the name is not a header name or belongs to the transport, or when the value is
    /// empty or has a character that a header cannot have. It does not show the value.
    pub fn header<'v>(name: impl AsRef<str>, value: impl Into<HeaderText<'v>>) -> Result<Self, HeaderError> {
        Self(Arc::default()).and_header(name, value)
    }

    /// One more header. It replaces an earlier one of its name.
    ///
    /// # Errors
    ///
    /// As [`header`](Self::header).
    pub fn and_header<'v>(
        mut self,
        name: impl AsRef<str>,
        value: impl Into<HeaderText<'v>>,
    ) -> Result<Self, HeaderError> {
        Arc::make_mut(&mut self.0).insert_credential(name, value)?;
        Ok(self)
    }

    pub(crate) fn headers(&self) -> &Headers {
        &self.0
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a provider of credentials is asked for ([`Builder::credentials`](crate::Builder::credentials)).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CredentialsRequest {
    rejected: Option<Credentials>,
}

impl CredentialsRequest {
    pub(crate) const fn new(rejected: Option<Credentials>) -> Self {
        Self { rejected }
    }

    /// The credentials that the server has just refused with 401, if it has: get others. `None` if there is
    /// no such doubt, and those that the provider has will do.
    ///
    /// Where several turns are refused at the same time, each asks. A provider that keeps its credentials
    /// compares them with these: if they differ, another turn has had them renewed already.
    #[must_use]
    pub const fn rejected(&self) -> Option<&Credentials> {
        self.rejected.as_ref()
    }
}
