//! When WebSocket, SSE or both are down.

use std::fmt;
use std::str::FromStr;

use failback::Transport;

use super::span::Span;

/// What an outage takes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    WebSocket,
    Sse,
    Both,
}

impl Scope {
    const ALL: [Self; 3] = [Self::WebSocket, Self::Sse, Self::Both];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::WebSocket => "websocket",
            Self::Sse => "sse",
            Self::Both => "both",
        }
    }

    const fn covers(self, transport: Transport) -> bool {
        match self {
            Self::WebSocket => matches!(transport, Transport::WebSocket),
            Self::Sse => matches!(transport, Transport::Sse),
            Self::Both => true,
        }
    }
}

/// One outage: `10m@1h:both` begins after an hour, and lasts ten minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Outage {
    pub(super) begin: Span,
    pub(super) lasts: Span,
    pub(super) scope: Scope,
}

impl Outage {
    pub(super) const fn end(&self) -> u64 {
        self.begin.nanos().saturating_add(self.lasts.nanos())
    }
}

impl fmt::Display for Outage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}:{}", self.lasts, self.begin, self.scope.as_str())
    }
}

/// What `--outage` says: an outage, or that there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Given(pub(super) Option<Outage>);

impl FromStr for Given {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self(None));
        }
        let (lasts, rest) = text
            .split_once('@')
            .ok_or("expected LENGTH@BEGIN, such as 10m@1h or 10m@1h:both, or none".to_owned())?;
        let (begin, scope) = match rest.split_once(':') {
            None => (rest, Scope::WebSocket),
            Some((begin, word)) => {
                let scope = Scope::ALL.into_iter().find(|scope| scope.as_str() == word);
                (begin, scope.ok_or_else(|| format!("expected websocket, sse or both, got `{word}`"))?)
            }
        };
        let outage = Outage { begin: begin.parse()?, lasts: lasts.parse()?, scope };
        if outage.lasts.nanos() == 0 {
            return Err("an outage lasts longer than nothing".to_owned());
        }
        Ok(Self(Some(outage)))
    }
}

/// All outages, asked for by transport.
#[derive(Clone, Debug, Default)]
pub(super) struct Schedule {
    /// By when they begin.
    outages: Vec<Outage>,
}

impl Schedule {
    pub(super) fn new(mut outages: Vec<Outage>) -> Self {
        outages.sort_by_key(|outage| (outage.begin, outage.lasts));
        Self { outages }
    }

    pub(super) fn outages(&self) -> &[Outage] {
        &self.outages
    }

    fn of(&self, transport: Transport) -> impl Iterator<Item = &Outage> {
        self.outages.iter().filter(move |outage| outage.scope.covers(transport))
    }

    /// Whether the transport is down at this time.
    pub(super) fn is_down(&self, transport: Transport, at: u64) -> bool {
        self.of(transport).any(|outage| (outage.begin.nanos()..outage.end()).contains(&at))
    }

    /// When the next outage of the transport after this time begins; `u64::MAX` when none does.
    pub(super) fn next_begin(&self, transport: Transport, after: u64) -> u64 {
        let begins = self.of(transport).map(|outage| outage.begin.nanos());
        begins.filter(|begin| *begin > after).min().unwrap_or(u64::MAX)
    }

    /// When anything is down: from, until. Outages that overlap or touch are one.
    pub(super) fn spells(&self) -> Vec<(u64, u64)> {
        let mut spells: Vec<(u64, u64)> = Vec::new();
        for outage in &self.outages {
            let (begin, end) = (outage.begin.nanos(), outage.end());
            match spells.last_mut() {
                Some((_, last)) if begin <= *last => *last = end.max(*last),
                _ => spells.push((begin, end)),
            }
        }
        spells
    }
}

#[cfg(test)]
mod tests {
    use super::super::span::{HOUR, MINUTE};
    use super::*;

    fn outage(text: &str) -> Outage {
        text.parse::<Given>().unwrap().0.unwrap()
    }

    #[test]
    fn an_outage_has_a_length_a_begin_and_perhaps_a_scope() {
        for (text, scope) in [
            ("10m@1h", Scope::WebSocket),
            ("10m@1h:websocket", Scope::WebSocket),
            ("10m@1h:sse", Scope::Sse),
            ("10m@1h:both", Scope::Both),
        ] {
            let outage = outage(text);
            assert_eq!(
                (outage.lasts.nanos(), outage.begin.nanos(), outage.scope),
                (10 * MINUTE, HOUR, scope)
            );
        }
        assert_eq!("none".parse(), Ok(Given(None)));
        assert_eq!(outage("10m@1h").to_string(), "10m@1h:websocket");
    }

    #[test]
    fn what_is_wrong_with_an_outage_is_named() {
        for (text, part) in [
            ("", "LENGTH@BEGIN"),
            ("10m", "LENGTH@BEGIN"),
            ("10x@1h", "got `10x`"),
            ("10m@", "got ``"),
            ("10m@1h@2h", "got `1h@2h`"),
            ("10m@1h:", "got ``"),
            ("10m@1h:smtp", "got `smtp`"),
            ("0s@1h", "longer than nothing"),
        ] {
            let error = text.parse::<Given>().unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn each_transport_has_its_own_outages() {
        use Transport::{Sse, WebSocket};
        let schedule = Schedule::new(vec![outage("10m@1h:both"), outage("5m@30m")]);
        assert!(schedule.is_down(WebSocket, 30 * MINUTE) && !schedule.is_down(Sse, 30 * MINUTE));
        assert!(!schedule.is_down(WebSocket, 35 * MINUTE));
        assert!(schedule.is_down(WebSocket, 65 * MINUTE) && schedule.is_down(Sse, 65 * MINUTE));
        assert_eq!(schedule.next_begin(WebSocket, 0), 30 * MINUTE);
        assert_eq!(schedule.next_begin(WebSocket, 30 * MINUTE), HOUR);
        assert_eq!(schedule.next_begin(Sse, 0), HOUR);
        assert_eq!(schedule.next_begin(Sse, HOUR), u64::MAX);
    }

    #[test]
    fn outages_that_overlap_are_one_spell() {
        let schedule =
            Schedule::new(vec![outage("10m@1h"), outage("2m@1h5m:sse"), outage("5m@1h10m"), outage("1m@2h")]);
        assert_eq!(schedule.spells(), [(HOUR, HOUR + 15 * MINUTE), (2 * HOUR, 2 * HOUR + MINUTE)]);
    }
}
