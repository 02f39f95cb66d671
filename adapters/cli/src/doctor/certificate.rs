//! What was shown in a TLS handshake, in words.

use failback_client::{Shown, Vouched};

use super::der::Certificate;

/// The certificate of a server or of a proxy.
#[derive(Clone, Debug)]
pub(super) struct Seal {
    pub(super) issuer: String,
    pub(super) subject: String,
    /// Who has issued the last certificate that was shown: the root, by its name.
    pub(super) chain_end: String,
    pub(super) vouched: Vouched,
    pub(super) is_stamped: bool,
}

impl Seal {
    /// `None` if what was shown is no certificate.
    pub(super) fn of(shown: &Shown) -> Option<Self> {
        let first = Certificate::read(shown.certificates.first()?)?;
        let last = Certificate::read(shown.certificates.last()?)?;
        Some(Self {
            chain_end: last.issuer,
            issuer: first.issuer,
            subject: first.subject,
            vouched: shown.vouched,
            is_stamped: first.is_stamped,
        })
    }

    /// Whether a private authority has issued it. `None` if that cannot be told: there is no list of public
    /// authorities here, and a root of the platform may have been added by whoever runs the machine.
    pub(super) fn is_private(&self) -> Option<bool> {
        match self.vouched {
            Vouched::Added => Some(true),
            Vouched::Platform if self.is_stamped => Some(false),
            _ => None,
        }
    }

    /// Whether it may well be a private authority's.
    pub(super) fn seems_private(&self) -> bool {
        self.is_private() != Some(false) && !self.is_stamped
    }

    /// Who vouches for it, as the word for it in JSON.
    pub(super) const fn vouched(&self) -> &'static str {
        match self.vouched {
            Vouched::Platform => "platform",
            Vouched::Added => "added",
            Vouched::Nobody => "nobody",
            Vouched::Expired => "expired",
            Vouched::NotYetValid => "not_yet_valid",
            Vouched::WrongName => "wrong_name",
            Vouched::Refused => "refused",
        }
    }

    /// Who has issued it, and who trusts that.
    pub(super) fn told(&self) -> String {
        let mut told = format!("certificate issued by {}", self.issuer);
        if self.chain_end != self.issuer {
            told.push_str(&format!("; its chain ends in {}", self.chain_end));
        }
        told.push_str(match self.vouched {
            Vouched::Platform => "; this machine trusts it",
            Vouched::Added => "; only --ca makes it trusted: a private authority",
            _ => "",
        });
        if !self.is_stamped && self.vouched != Vouched::Added {
            told.push_str(
                "; no stamp of Certificate Transparency, as public ones have: probably a private authority's",
            );
        }
        told
    }
}
