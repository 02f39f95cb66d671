use std::borrow::Cow;

/// What one event adds to a part of the response, for programs that show it as it comes.
///
/// A string with half a surrogate pair has U+FFFD in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Delta<'a> {
    /// Text of the answer (`response.output_text.delta`).
    Text(Cow<'a, str>),
    /// The model's reasoning itself (`response.reasoning_text.delta`).
    Reasoning(Cow<'a, str>),
    /// A summary of the reasoning (`response.reasoning_summary_text.delta`).
    ReasoningSummary(Cow<'a, str>),
    /// Why the model does not answer (`response.refusal.delta`).
    Refusal(Cow<'a, str>),
    /// What a tool is called with: the arguments of a function, of an MCP tool or of a custom tool, in pieces
    /// of JSON or of text.
    Arguments(Cow<'a, str>),
}

impl<'a> Delta<'a> {
    /// The string itself, whatever it adds to.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Text(text)
            | Self::Reasoning(text)
            | Self::ReasoningSummary(text)
            | Self::Refusal(text)
            | Self::Arguments(text) => text,
        }
    }

    /// What an event of this kind adds; none if it adds nothing that is known.
    pub(crate) fn of(kind: &str, text: impl FnOnce() -> Option<Cow<'a, str>>) -> Option<Self> {
        let part = kind.strip_prefix("response.")?.strip_suffix(".delta")?;
        let delta = match part {
            "output_text" => Self::Text,
            "reasoning_text" => Self::Reasoning,
            "reasoning_summary_text" => Self::ReasoningSummary,
            "refusal" => Self::Refusal,
            "function_call_arguments" | "mcp_call_arguments" | "custom_tool_call_input" => Self::Arguments,
            _ => return None,
        };
        text().map(delta)
    }
}
