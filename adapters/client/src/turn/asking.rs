//! When a turn asks for credentials, and what comes of it.

use std::error::Error;

use failback::{Stage, Transport};
use failback_wire::Fault;

use super::{Connecting, Release, State, Turn};
use crate::error::ErrorKind;
use crate::observation::Observation;
use crate::provider::ProviderError;
use crate::{Credentials, ProviderAnswer, Step};

impl Turn {
    /// The credentials with which this turn opens a connection, if a provider has given them.
    #[must_use]
    pub const fn credentials(&self) -> Option<&Credentials> {
        self.access.credentials()
    }

    /// Whether the turn can use a WebSocket that was opened with these credentials: not if the server has
    /// refused them.
    #[must_use]
    pub fn can_use(&self, credentials: Option<&Credentials>) -> bool {
        !credentials.is_some_and(|theirs| self.access.has_rejected(theirs))
    }

    /// There is an idle WebSocket. The provider is not asked unless it turns out that the attempt cannot use
    /// that.
    pub fn handle_idle_websocket(&mut self) {
        if matches!(self.state, State::Opening | State::Waiting(_)) {
            self.access.handle_idle();
        }
    }

    /// There is no idle connection for [`Step::Connect`]. Returns whether one is to be made. Otherwise
    /// credentials are needed for it first, and the next step asks for them.
    #[must_use = "without credentials there is nothing to open a connection with"]
    pub fn handle_none_idle(&mut self) -> bool {
        !(matches!(self.state, State::Connecting(_)) && self.access.handle_none_idle())
    }

    /// The provider has answered. An error ends the turn.
    pub fn handle_credentials(&mut self, answer: ProviderAnswer) {
        if self.ask().is_none() {
            return;
        }
        match answer {
            Ok(credentials) => {
                self.access.give(credentials);
                let now = self.context.policy().now();
                if let State::Connecting(connecting) = &mut self.state {
                    // R17: it was not a handshake that held up the call.
                    let head_start = self.context.policy().config().head_start();
                    connecting.divert_at = connecting.divert_at.map(|_| now.saturating_add(head_start));
                }
            }
            Err(error) => self.fail_for_want_of_credentials(error),
        }
    }

    /// The step that asks the provider, if the turn has come to where it does.
    pub(super) fn ask(&mut self) -> Option<Step> {
        let unless_idle = match &self.state {
            State::Opening => true,
            // Not before it may begin again: they might expire meanwhile.
            State::Waiting(call) if self.context.policy().time_until(call.ready_at()).is_zero() => true,
            State::Connecting(Connecting { guard, .. }) => {
                if guard.transport() == Transport::Sse {
                    self.access.handle_none_idle();
                }
                false
            }
            _ => return None,
        };
        let request = self.access.request()?.clone();
        Some(Step::Ask { request, unless_idle })
    }

    /// The server refuses the credentials of the attempt. Returns whether others are asked for. After the
    /// first event they are not: the server knew them well enough to begin.
    pub(super) fn renews(&mut self) -> bool {
        let sent = match &self.state {
            State::Connecting(_) => self.access.credentials(),
            State::Connected(attempt) if attempt.stage == Stage::Streaming => None,
            State::Connected(attempt) => match attempt.guard.transport() {
                Transport::WebSocket => attempt.connection.credentials.as_ref(),
                Transport::Sse => self.access.credentials(),
            },
            _ => None,
        };
        match sent.cloned() {
            Some(sent) => self.access.renew(sent),
            None => false,
        }
    }

    /// The server has refused the credentials of an attempt, which begins again when others are there. The
    /// policy does not hear of that.
    pub(super) fn renew(&mut self, fault: Fault) {
        let guard = match std::mem::replace(&mut self.state, State::Over) {
            State::Connecting(Connecting { guard, .. }) => guard,
            State::Connected(attempt) => {
                self.release = Some(Release::Close);
                attempt.guard
            }
            other => return self.state = other,
        };
        let fault = fault.redacted(self.headers());
        let text = fault.text().to_owned();
        let _entered = self.enter();
        self.tell(&Observation::Renewing {
            turn: self.number,
            number: guard.number(),
            transport: guard.transport(),
            text: text.clone(),
        });
        let (divert_at, refused) = (guard.divert_at(), Some(text));
        self.state = State::Connecting(Connecting { guard, divert_at, refused });
    }

    fn fail_for_want_of_credentials(&mut self, error: Box<dyn Error + Send + Sync>) {
        let why = match &self.state {
            State::Connecting(Connecting { refused: Some(text), .. }) => {
                format!("stopped for want of other credentials: {text}")
            }
            _ => "stopped for want of credentials".to_owned(),
        };
        let error = ProviderError::new(error, self.headers());
        self.stop(ErrorKind::Credentials(error), &why);
    }
}
