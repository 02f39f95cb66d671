use std::borrow::Cow;

use crate::server_error::MAX_MESSAGE;
use crate::text::{excerpt, owned};
use crate::{Event, EventError};

/// What some servers send after the last event.
const DONE: &str = "[DONE]";

/// What a text frame of a WebSocket, or the data of an SSE event, says.
///
/// Exhaustive on purpose: a driver must know what each of them means for its stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// An event of the response, or an error in any shape.
    Event(Event),
    /// Nothing but that someone is there: no data, an empty object, a `ping`, a `keepalive` or a `heartbeat`.
    SignOfLife,
    /// Nothing more will come (`[DONE]`): the end of the stream, even if it is not closed.
    Done,
}

impl Said {
    /// Reads a text. If it is the data of an SSE event, `name` is the name of that event, which is used if
    /// the JSON has no `type`.
    ///
    /// ```
    /// use failback_wire::Said;
    ///
    /// let error = Said::read(r#"{"code":"account_deactivated","message":"No."}"#, Some("error"))?;
    /// let Said::Event(error) = error else { panic!("an error is an event") };
    /// assert_eq!(error.error().and_then(|error| error.code.as_deref()), Some("account_deactivated"));
    /// assert_eq!(Said::read("", Some("ping"))?, Said::SignOfLife);
    /// # Ok::<(), failback_wire::EventError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`EventError`] when the text is none of these.
    pub fn read<'a>(text: impl Into<Cow<'a, str>>, name: Option<&str>) -> Result<Self, EventError> {
        let text = owned(text.into());
        // An SSE event without a name is called `message`.
        let name = name.filter(|name| !matches!(*name, "" | "message"));
        let is_error = name == Some("error");
        // Most texts are objects that are not empty.
        if !text.starts_with("{\"") {
            let shown = text.trim();
            if shown == DONE {
                return Ok(Self::Done);
            }
            if (shown.is_empty() || is_empty_object(shown)) && !is_error {
                return Ok(Self::SignOfLife);
            }
        }
        // An error need not be JSON.
        let prose = is_error.then(|| excerpt(&text, MAX_MESSAGE));
        match Event::parse_named(text, name) {
            Ok(event) if is_ping(event.kind()) => Ok(Self::SignOfLife),
            Ok(event) => Ok(Self::Event(event)),
            Err(_) if name.is_some_and(is_ping) => Ok(Self::SignOfLife),
            Err(error) => prose.and_then(|prose| Event::of_error(&prose)).map(Self::Event).ok_or(error),
        }
    }
}

fn is_empty_object(text: &str) -> bool {
    text.strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
        .is_some_and(|inside| inside.trim().is_empty())
}

fn is_ping(kind: &str) -> bool {
    matches!(kind, "ping" | "keepalive" | "keep-alive" | "keep_alive" | "heartbeat")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Terminal;

    fn read(text: &str, name: Option<&str>) -> Said {
        Said::read(text, name).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn an_error_without_a_type_is_called_error_and_others_have_the_name_of_their_sse_event() {
        for (text, name, kind) in [
            (r#"{"message":"No."}"#, "problem", "error"),
            (r#"{"message":"No."}"#, "response.odd", "response.odd"),
            (r#"{"a":[1]}"#, "codex.limits", "codex.limits"),
        ] {
            let Said::Event(event) = read(text, Some(name)) else { panic!("{text} is an event") };
            assert_eq!(event.kind(), kind, "{text}, {name}");
        }
    }

    #[test]
    fn signs_of_life() {
        for (text, name) in [
            ("", None),
            (" \n", Some("message")),
            ("", Some("ping")),
            ("{}", None),
            ("{ }", Some("response.created")),
            (r#"{"type":"ping"}"#, None),
            (r#"{"type":"keepalive","sequence_number":4}"#, Some("keepalive")),
            (r#"{"cost":"0"}"#, Some("ping")),
            ("12:30", Some("heartbeat")),
        ] {
            assert_eq!(read(text, name), Said::SignOfLife, "{text} {name:?}");
        }
        assert_eq!(read(" [DONE]\n", None), Said::Done);
    }

    #[test]
    fn the_name_of_an_sse_event_counts_where_there_is_no_type() {
        for (text, name, kind, terminal) in [
            (r#"{"response":{}}"#, "response.created", "response.created", None),
            (r#"{"type":"response.created"}"#, "response.completed", "response.created", None),
            (r#"{"response":{}}"#, "response.completed", "response.completed", Some(Terminal::Completed)),
            (r#"{"error":{"code":"x"}}"#, "response.failed", "response.failed", Some(Terminal::Ended)),
            (r#"{"type":"server_error","message":"no"}"#, "error", "server_error", Some(Terminal::Error)),
            (r#"{"type":"odd","message":"no"}"#, "error", "odd", Some(Terminal::Error)),
            ("{}", "error", "error", Some(Terminal::Error)),
            ("", "error", "error", Some(Terminal::Error)),
            ("upstream is gone", "error", "error", Some(Terminal::Error)),
            ("{", "error", "error", Some(Terminal::Error)),
        ] {
            let Said::Event(event) = read(text, Some(name)) else { panic!("{text} {name}") };
            assert_eq!((event.kind(), event.terminal()), (kind, terminal), "{text} {name}");
        }
        let Said::Event(event) = read("upstream\nis gone", Some("error")) else { panic!("an error") };
        assert_eq!(event.error().map(|error| &*error.message), Some("upstream is gone"));
        assert!(Said::read(r#"{"a":1}"#, Some("message")).is_err());
    }
}
