//! A provider of credentials, and the connections that are made with them.

use failback_client::{Connection, Credentials, CredentialsRequest};

use super::Drive;

/// Who gives a turn its credentials.
#[derive(Default)]
pub(super) struct Provider {
    /// What it gave last, and how many attempts had begun then.
    given: Option<(Credentials, u32)>,
    /// How many it has given.
    count: u32,
    /// With which credentials the connection of the turn was opened, or its request sent.
    used: Option<Credentials>,
    /// It was told that these were rejected.
    rejected: Option<Credentials>,
    pub(super) failed: bool,
}

impl Drive<'_, '_> {
    /// The provider of credentials is asked.
    pub(super) fn ask(&mut self, request: &CredentialsRequest, unless_idle: bool) {
        let provider = self.provider.as_mut().expect("nobody else is asked");
        if let Some(rejected) = request.rejected() {
            assert!(!unless_idle, "others are to be had, and not done without");
            assert_eq!(Some(rejected), provider.used.as_ref(), "they were refused that were sent");
            assert!(provider.rejected.replace(rejected.clone()).is_none(), "renews them twice");
        }
        match self.choices.next() % 8 {
            0 => {
                provider.failed = true;
                let before = self.policy.mode();
                self.turn.handle_credentials(Err("there are none".into()));
                self.expect_cancelled(before);
            }
            1..=3 if unless_idle => self.turn.handle_idle_websocket(),
            _ => {
                let begun = self.turn.progress().attempts();
                let credentials = token(provider.count);
                provider.count += 1;
                provider.given = Some((credentials.clone(), begun));
                self.turn.handle_credentials(Ok(credentials));
            }
        }
    }

    /// An idle WebSocket, if the turn can use the one that there is.
    pub(super) fn take_idle(&mut self) -> Option<Connection> {
        let provider = self.provider.as_mut()?;
        let credentials = match self.choices.next() % 4 {
            0 => Some(token(99)),
            1 => Some(provider.rejected.clone()?),
            _ => return None,
        };
        if !self.turn.can_use(credentials.as_ref()) {
            assert_eq!(credentials, provider.rejected);
            return None;
        }
        provider.used.clone_from(&credentials);
        Some(Connection { reused: true, last_completed: None, credentials })
    }

    /// A new connection is made with credentials that were given for this attempt.
    pub(super) fn use_given(&mut self) -> Option<Credentials> {
        let begun = self.turn.progress().attempts();
        let provider = self.provider.as_mut()?;
        let (given, when) = provider.given.clone().expect("credentials");
        assert!(when + 1 >= begun, "asked nobody for attempt {begun}");
        assert_eq!(self.turn.credentials(), Some(&given));
        provider.used = Some(given.clone());
        Some(given)
    }
}

pub(super) fn token(number: u32) -> Credentials {
    Credentials::bearer(&format!("token-{number}")).expect("a token")
}
