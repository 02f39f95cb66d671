use crate::json::{elements, fields, text};

/// What a response consists of, read from its items.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    text: String,
    refusal: String,
    reasoning_summary: String,
    tool_calls: Vec<ToolCall>,
    items: usize,
}

/// A tool that the model wants to be called.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ToolCall {
    /// By which the answer to it names it.
    pub call_id: String,
    /// The name of the tool.
    pub name: String,
    /// What it is to be called with: JSON for a function, any text for a custom tool.
    pub arguments: String,
    /// It is a custom tool (`custom_tool_call`) and no function (`function_call`).
    pub is_custom: bool,
}

impl Output {
    /// The output of which nothing has come.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The output of which only the text is known.
    #[must_use]
    pub fn of_text(text: String) -> Self {
        Self { text, ..Self::default() }
    }

    /// Reads the `output` of a response object: an array of items. `None` if it is none, or empty.
    #[must_use]
    pub fn from_json(json: &str) -> Option<Self> {
        let mut output = Self::new();
        for item in elements(json)? {
            output.add_item(item);
        }
        (output.items > 0).then_some(output)
    }

    /// Adds an item, of which this is the JSON. What is not known of it is passed over.
    pub fn add_item(&mut self, json: &str) {
        let names = ["type", "content", "summary", "call_id", "name", "arguments", "input"];
        let Ok([kind, content, summary, call_id, name, arguments, input]) = fields(json, &names) else {
            return;
        };
        self.items = self.items.saturating_add(1);
        let owned = |json: Option<&str>| json.and_then(text).unwrap_or_default().into_owned();
        match kind.and_then(text).as_deref() {
            Some("message") => {
                for part in content.and_then(elements).unwrap_or_default() {
                    self.add_part(part);
                }
            }
            Some("reasoning") => {
                for part in summary.and_then(elements).unwrap_or_default() {
                    if let Ok([Some(part)]) = fields(part, &["text"]) {
                        if !self.reasoning_summary.is_empty() {
                            self.reasoning_summary.push_str("\n\n");
                        }
                        self.reasoning_summary.push_str(&text(part).unwrap_or_default());
                    }
                }
            }
            Some(kind @ ("function_call" | "custom_tool_call")) => {
                let is_custom = kind == "custom_tool_call";
                self.tool_calls.push(ToolCall {
                    call_id: owned(call_id),
                    name: owned(name),
                    arguments: owned(if is_custom { input } else { arguments }),
                    is_custom,
                });
            }
            _ => {}
        }
    }

    fn add_part(&mut self, json: &str) {
        let Ok([kind, shown, refusal]) = fields(json, &["type", "text", "refusal"]) else { return };
        match kind.and_then(text).as_deref() {
            Some("output_text") => self.text.push_str(&shown.and_then(text).unwrap_or_default()),
            Some("refusal") => self.refusal.push_str(&refusal.and_then(text).unwrap_or_default()),
            _ => {}
        }
    }

    /// Whether no item has been added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items == 0
    }

    /// The text of all messages, without anything between them.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Why the model does not answer; empty if it does.
    #[must_use]
    pub fn refusal(&self) -> &str {
        &self.refusal
    }

    /// The summary of the reasoning, its parts a blank line apart; empty if there is none.
    #[must_use]
    pub fn reasoning_summary(&self) -> &str {
        &self.reasoning_summary
    }

    /// The tools that the model wants to be called, in order.
    #[must_use]
    pub fn tool_calls(&self) -> &[ToolCall] {
        &self.tool_calls
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_of_every_kind() {
        let output = Output::from_json(
            r#"[
                {"type":"reasoning","summary":[{"type":"summary_text","text":"First."},{"type":"summary_text","text":"Then."}]},
                {"type":"message","content":[{"type":"output_text","text":"A\n"},{"type":"new","text":"?"}]},
                {"type":"function_call","call_id":"call_1","name":"look","arguments":"{\"at\":\"sky\"}"},
                {"type":"custom_tool_call","call_id":"call_2","name":"sh","input":"ls"},
                {"type":"message","content":[{"type":"output_text","text":"B \ud800"},{"type":"refusal","refusal":"No."}]},
                {"type":"unheard_of"}, 7
            ]"#,
        );
        let output = output.unwrap();
        assert_eq!(output.text(), "A\nB \u{fffd}");
        assert_eq!((output.refusal(), output.reasoning_summary()), ("No.", "First.\n\nThen."));
        let call = |call_id: &str, name: &str, arguments: &str, is_custom| ToolCall {
            call_id: call_id.into(),
            name: name.into(),
            arguments: arguments.into(),
            is_custom,
        };
        let calls = [call("call_1", "look", r#"{"at":"sky"}"#, false), call("call_2", "sh", "ls", true)];
        assert_eq!(output.tool_calls(), calls);
    }

    #[test]
    fn what_is_no_output() {
        for json in ["[]", "{}", "null", "[7]", "[1,", ""] {
            assert_eq!(Output::from_json(json), None, "{json}");
        }
    }
}
