use core::fmt;
use std::borrow::Cow;

use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};

use crate::credential::is_credential;
use crate::header_error::{HeaderError, Problem};
use crate::header_text::{HeaderText, parse};
use crate::secrets::Secrets;

/// Headers that a caller adds to the requests of both transports: credentials, organisation, tracing.
///
/// Names and values are text, or those of the crate `http`, of which a whole [`HeaderMap`] can be converted.
///
/// Values are marked sensitive, and `Debug` shows names only.
/// [`Endpoint::check_credentials`](crate::Endpoint::check_credentials) makes sure that credentials among them
/// are not sent in plain text.
///
/// ```
/// use failback_wire::Headers;
///
/// let mut headers = Headers::new();
/// headers.bearer("secret")?;
/// headers.insert("X-Trace", "7")?;
/// assert!(headers.has_credentials());
/// assert_eq!(format!("{headers:?}"), r#"["authorization", "x-trace"]"#);
/// # Ok::<(), failback_wire::HeaderError>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers {
    entries: Vec<Entry>,
    /// Other secrets: values in the query of a URL, and credentials that these took the place of.
    concealed: Secrets,
}

#[derive(Clone, PartialEq, Eq)]
struct Entry {
    name: HeaderName,
    value: HeaderValue,
    credential: bool,
}

impl Headers {
    /// No headers.
    #[must_use]
    pub const fn new() -> Self {
        Self { entries: Vec::new(), concealed: Secrets::new() }
    }

    /// Sets a header. It replaces an earlier one of that name. White space around the value is dropped.
    ///
    /// It counts as a credential if its name says so: names with `auth`, `cookie`, `token`, `secret`,
    /// `password`, `credential`, `apikey` or `api_key` in them, and those that end in `-key`, but for
    /// `Idempotency-Key`. So does a [`HeaderValue`] that is marked as sensitive. `Proxy-Authorization` is
    /// refused, as it would go to the server: put the credentials for a proxy into the proxy's URL.
    ///
    /// # Errors
    ///
    /// [`HeaderError`] when the name is not a header name or belongs to the transport, such as `Host`,
    /// `Accept`, `Content-Type` and `Sec-WebSocket-Key`, or when the value has another character than visible
    /// ASCII ones and spaces.
    pub fn insert<'v>(
        &mut self,
        name: impl AsRef<str>,
        value: impl Into<HeaderText<'v>>,
    ) -> Result<(), HeaderError> {
        self.set(Entry::new(name.as_ref(), &value.into())?);
        Ok(())
    }

    /// Sets a header that counts as a credential whatever its name.
    ///
    /// # Errors
    ///
    /// As [`insert`](Self::insert), and when the value is empty.
    pub fn insert_credential<'v>(
        &mut self,
        name: impl AsRef<str>,
        value: impl Into<HeaderText<'v>>,
    ) -> Result<(), HeaderError> {
        let entry = Entry { credential: true, ..Entry::new(name.as_ref(), &value.into())? };
        if entry.value.is_empty() {
            return Err(HeaderError::new(entry.name.as_str(), Problem::Empty));
        }
        self.set(entry);
        Ok(())
    }

    /// Sets `Authorization: Bearer` with this token. White space around it, such as the line end of a file,
    /// is dropped.
    ///
    /// # Errors
    ///
    /// [`HeaderError`] when the token is empty, or has white space or a character that a header cannot have.
    pub fn bearer(&mut self, token: &str) -> Result<(), HeaderError> {
        let token = token.trim();
        if token.is_empty() || token.contains(char::is_whitespace) {
            return Err(HeaderError::new("authorization", Problem::Token));
        }
        self.insert("authorization", format!("Bearer {token}"))
    }

    /// Reads one header from a line `Name: value`, as a command line has it.
    ///
    /// # Errors
    ///
    /// [`HeaderError`] when there is no colon, and as [`insert`](Self::insert).
    pub fn parse_line(line: &str) -> Result<(HeaderName, HeaderValue), HeaderError> {
        // The line may be a secret without its name, so the error does not show it.
        let (name, value) = line.split_once(':').ok_or(HeaderError::new("", Problem::NoColon))?;
        parse(name.trim(), &value.into())
    }

    /// Sets all of these headers too. Each replaces an earlier one of its name.
    pub fn extend(&mut self, headers: Self) {
        for entry in headers.entries {
            self.set(entry);
        }
        self.concealed.extend(&headers.concealed);
    }

    /// Makes [`redact`](Self::redact) cut this value of a URL's query out too.
    pub(crate) fn conceal(&mut self, secret: &str) {
        self.concealed.add_query_value(secret);
    }

    /// Makes [`redact`](Self::redact) cut out too what it cuts out for `others`. They are not sent.
    pub fn conceal_credentials(&mut self, others: &Self) {
        others.add_credentials(&mut self.concealed);
        self.concealed.extend(&others.concealed);
    }

    /// The headers, in the order they were first set.
    pub fn iter(&self) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
        self.entries.iter().map(|entry| (&entry.name, &entry.value))
    }

    /// Whether one of them is a credential.
    #[must_use]
    pub fn has_credentials(&self) -> bool {
        self.entries.iter().any(|entry| entry.credential)
    }

    /// Cuts the credentials out of a text, as some servers repeat a key that they refuse.
    ///
    /// Basic credentials are cut out both encoded and decoded. Where the text was shortened with `…`, the
    /// beginning of a credential before the mark is cut out too. Words of a header with fewer than seven
    /// bytes, and passwords and values in a query with fewer than four, stay: they would match other words.
    ///
    /// ```
    /// # use failback_wire::Headers;
    /// let mut headers = Headers::new();
    /// headers.bearer("sk-12345678")?;
    /// assert_eq!(headers.redact("no such key: sk-12345678."), "no such key: [redacted].");
    /// assert_eq!(headers.redact("no such key: sk-123…"), "no such key: [redacted]…");
    /// # Ok::<(), failback_wire::HeaderError>(())
    /// ```
    #[must_use]
    pub fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut secrets = self.concealed.clone();
        self.add_credentials(&mut secrets);
        secrets.redact(text)
    }

    fn add_credentials(&self, secrets: &mut Secrets) {
        let credentials = self.entries.iter().filter(|entry| entry.credential);
        for value in credentials.filter_map(|entry| entry.value.to_str().ok()) {
            secrets.add_header(value);
        }
    }

    /// Checks that none of them is a credential, as those of one request may not be. `others` are the
    /// client's: what is a credential there is one here too.
    ///
    /// # Errors
    ///
    /// [`HeaderError`] names the first that is one.
    pub fn check_for_one_request(&self, others: &Self) -> Result<(), HeaderError> {
        let is_theirs = |name: &HeaderName| others.credentials().any(|theirs| theirs == name);
        match self.entries.iter().find(|entry| entry.credential || is_theirs(&entry.name)) {
            Some(entry) => Err(HeaderError::new(entry.name.as_str(), Problem::Credential)),
            None => Ok(()),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The names of those that are credentials.
    pub(crate) fn credentials(&self) -> impl Iterator<Item = &HeaderName> {
        self.entries.iter().filter(|entry| entry.credential).map(|entry| &entry.name)
    }

    fn set(&mut self, entry: Entry) {
        match self.entries.iter_mut().find(|earlier| earlier.name == entry.name) {
            Some(earlier) => *earlier = entry,
            None => self.entries.push(entry),
        }
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.entries.iter().map(|entry| entry.name.as_str())).finish()
    }
}

impl Entry {
    fn new(name: &str, value: &HeaderText<'_>) -> Result<Self, HeaderError> {
        let (name, parsed) = parse(name, value)?;
        let credential = value.is_sensitive() || is_credential(name.as_str());
        Ok(Self { name, value: parsed, credential })
    }
}

/// Fails where [`Headers::insert`] does, and for a name with several values, of which only one could be sent.
impl TryFrom<HeaderMap> for Headers {
    type Error = HeaderError;

    fn try_from(map: HeaderMap) -> Result<Self, HeaderError> {
        let mut headers = Self::new();
        for name in map.keys() {
            let mut values = map.get_all(name).iter();
            if let (Some(value), None) = (values.next(), values.next()) {
                headers.insert(name, value)?;
            } else {
                return Err(HeaderError::new(name.as_str(), Problem::Several));
            }
        }
        Ok(headers)
    }
}
