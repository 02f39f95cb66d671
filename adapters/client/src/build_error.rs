use std::fmt;

use failback_wire::{HeaderError, PlaintextError, UrlError};

use crate::{ProxyError, StateFileError, TlsError};

/// Why a client could not be built.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildError {
    /// A URL cannot be parsed or cannot be used.
    Url(UrlError),
    /// A header is not valid, or the caller may not set it.
    Header(HeaderError),
    /// Credentials would be sent in plain text.
    Plaintext(PlaintextError),
    /// The header `authorization` is set, and so is a provider of credentials.
    CredentialsTwice,
    /// The deadline of every turn is zero.
    ZeroDeadline,
    /// A proxy is set that cannot be used.
    Proxy(ProxyError),
    /// No state file can have the path that is set.
    StateFile(StateFileError),
    /// TLS could not be set up: a certificate or a key that is set cannot be used, or there is none to trust.
    Tls(TlsError),
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(error) => error.fmt(f),
            Self::Header(error) => error.fmt(f),
            Self::Plaintext(error) => error.fmt(f),
            Self::CredentialsTwice => f.write_str(
                "the header `authorization` is set, and a provider of credentials too: expected one of them",
            ),
            Self::ZeroDeadline => f.write_str(
                "the deadline is zero, and every turn would end before it began: expected some time, or no \
                 deadline",
            ),
            Self::Proxy(error) => error.fmt(f),
            Self::StateFile(error) => error.fmt(f),
            Self::Tls(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for BuildError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Url(error) => Some(error),
            Self::Header(error) => Some(error),
            Self::Plaintext(error) => Some(error),
            Self::CredentialsTwice | Self::ZeroDeadline => None,
            Self::Proxy(error) => Some(error),
            Self::StateFile(error) => Some(error),
            Self::Tls(error) => Some(error),
        }
    }
}
