//! What a well-behaved server says.

use serde_json::{Value, json};

/// The events of one response.
#[derive(Debug)]
pub(crate) struct Script {
    events: Vec<Value>,
    next: usize,
    response: Value,
    output: Value,
    usage: Value,
}

impl Script {
    pub(crate) fn new(turn: u64, body: &Value, text: Option<&str>) -> Self {
        let answer = text.map_or_else(|| format!("echo: {}", input_text(&body["input"])), str::to_owned);
        let response = json!({
            "id": format!("resp_{turn}"),
            "object": "response",
            "created_at": 1_700_000_000 + turn,
            "status": "in_progress",
            "model": body["model"].as_str().unwrap_or("peer-1"),
            "previous_response_id": body["previous_response_id"],
            "output": [],
            "usage": null,
            "error": null,
            "incomplete_details": null,
        });
        let mut script =
            Self { events: Vec::new(), next: 0, response, output: json!([]), usage: Value::Null };
        let begun = script.response.clone();
        if body["generate"] == false {
            script.push(json!({ "type": "response.created", "response": begun }));
            script.usage = usage(0);
        } else {
            script.push(json!({ "type": "response.created", "response": begun }));
            script.push(json!({ "type": "response.in_progress", "response": begun }));
            script.speak(turn, &answer);
        }
        script
    }

    fn speak(&mut self, turn: u64, answer: &str) {
        let item_id = format!("msg_{turn}");
        let item = |status: &str, content: Value| json!({ "id": item_id, "type": "message", "role": "assistant", "status": status, "content": content });
        let part = |text: &str| json!({ "type": "output_text", "text": text, "annotations": [] });
        let words = words(answer);
        let done = item("completed", json!([part(answer)]));

        let added = item("in_progress", json!([]));
        self.push(json!({ "type": "response.output_item.added", "output_index": 0, "item": added }));
        let at = json!({ "item_id": item_id, "output_index": 0, "content_index": 0 });
        let mut push_part = |name: &str, key: &str, value: Value| {
            let mut event = at.clone();
            event["type"] = name.into();
            event[key] = value;
            self.push(event);
        };
        push_part("response.content_part.added", "part", part(""));
        for word in &words {
            push_part("response.output_text.delta", "delta", (*word).into());
        }
        push_part("response.output_text.done", "text", answer.into());
        push_part("response.content_part.done", "part", part(answer));
        self.push(json!({ "type": "response.output_item.done", "output_index": 0, "item": done }));

        self.output = json!([done]);
        self.usage = usage(words.len());
    }

    fn push(&mut self, mut event: Value) {
        event["sequence_number"] = self.events.len().into();
        self.events.push(event);
    }

    /// The index of the event that comes next.
    pub(crate) fn position(&self) -> usize {
        self.next
    }

    /// Only the terminal event is left.
    pub(crate) fn is_over(&self) -> bool {
        self.next == self.events.len()
    }

    /// The next event that is not terminal.
    pub(crate) fn next(&mut self) -> Option<Value> {
        let event = self.events.get(self.next).cloned()?;
        self.next += 1;
        Some(event)
    }

    pub(crate) fn completed(&self) -> Value {
        self.terminal("completed", &[("output", self.output.clone()), ("usage", self.usage.clone())])
    }

    pub(crate) fn incomplete(&self, reason: &str) -> Value {
        let details = json!({ "reason": reason });
        let output = ("output", self.output.clone());
        self.terminal("incomplete", &[output, ("usage", self.usage.clone()), ("incomplete_details", details)])
    }

    pub(crate) fn failed(&self, code: &str, message: &str) -> Value {
        self.terminal("failed", &[("error", json!({ "code": code, "message": message }))])
    }

    fn terminal(&self, status: &str, changes: &[(&str, Value)]) -> Value {
        let mut response = self.response.clone();
        response["status"] = status.into();
        for (key, value) in changes {
            response[*key] = value.clone();
        }
        json!({ "type": format!("response.{status}"), "sequence_number": self.next, "response": response })
    }
}

/// What a response of so many words costs.
fn usage(words: usize) -> Value {
    json!({
        "input_tokens": 1,
        "input_tokens_details": { "cached_tokens": 0 },
        "output_tokens": words,
        "output_tokens_details": { "reasoning_tokens": 0 },
        "total_tokens": 1 + words,
    })
}

/// The text of a string input, or of the last user item.
fn input_text(input: &Value) -> String {
    if let Some(text) = input.as_str() {
        return text.to_owned();
    }
    let items = input.as_array().map(Vec::as_slice).unwrap_or_default();
    let Some(item) = items.iter().rev().find(|item| item["role"] == "user") else { return String::new() };
    match &item["content"] {
        Value::String(text) => text.clone(),
        parts => parts.as_array().into_iter().flatten().filter_map(|part| part["text"].as_str()).collect(),
    }
}

/// Words with the space after them; at least two pieces unless the text is too short for that.
fn words(text: &str) -> Vec<&str> {
    let words: Vec<&str> = text.split_inclusive(' ').collect();
    if words.len() != 1 {
        return words;
    }
    let middle = text.char_indices().nth(text.chars().count() / 2).map_or(0, |(at, _)| at);
    let (left, right) = text.split_at(middle);
    if left.is_empty() { vec![right] } else { vec![left, right] }
}

/// An `error` event as WebSockets carry it.
pub(crate) fn error_event(status: u16, code: &str, message: &str) -> Value {
    let mut event = error_json(kind(status), code, message);
    event["type"] = "error".into();
    event["status"] = status.into();
    event
}

/// The JSON body of an HTTP error.
pub(crate) fn error_body(status: u16) -> Value {
    let (code, message) = match status {
        401 => ("invalid_api_key", "Incorrect API key provided."),
        404 => ("not_found", "There is nothing here."),
        429 => ("rate_limit_exceeded", "Rate limit reached."),
        503 | 529 => ("server_is_overloaded", "The server is overloaded."),
        500..=599 => ("server_error", "The server had an error."),
        _ => ("refused", "The peer was told to refuse this."),
    };
    error_json(kind(status), code, message)
}

pub(crate) fn error_json(kind: &str, code: &str, message: &str) -> Value {
    json!({ "error": { "type": kind, "code": code, "message": message, "param": null } })
}

fn kind(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        403 => "permission_error",
        429 => "rate_limit_error",
        500.. => "server_error",
        _ => "invalid_request_error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deltas_add_up_to_the_answer() {
        for text in ["", "a", "ab", "äö", "echo: hi", "one two  three ", " "] {
            assert_eq!(words(text).concat(), text);
        }
        assert_eq!(words("echo: hi"), ["echo: ", "hi"]);
        assert_eq!(words("äö"), ["ä", "ö"]);
    }

    #[test]
    fn the_last_user_item_is_echoed() {
        let input = json!([
            { "role": "user", "content": "first" },
            { "role": "user", "content": [{ "type": "input_text", "text": "sec" }, { "text": "ond" }] },
            { "role": "assistant", "content": "not this" },
        ]);
        assert_eq!(input_text(&input), "second");
        assert_eq!(input_text(&json!("plain")), "plain");
        assert_eq!(input_text(&Value::Null), "");
    }

    #[test]
    fn events_are_numbered_and_the_terminal_one_is_last() {
        let mut script = Script::new(7, &json!({ "input": "hello there" }), None);
        let mut count = 0;
        while let Some(event) = script.next() {
            assert_eq!(event["sequence_number"], count);
            count += 1;
        }
        assert_eq!(count, 10);
        let last = script.completed();
        assert_eq!(last["sequence_number"], 10);
        assert_eq!(last["response"]["id"], "resp_7");
        assert_eq!(last["response"]["output"][0]["content"][0]["text"], "echo: hello there");
        assert_eq!(last["response"]["usage"]["output_tokens"], 3);
    }

    #[test]
    fn a_warm_up_has_no_output() {
        let mut script = Script::new(1, &json!({ "generate": false, "input": "x" }), None);
        assert_eq!(script.next().unwrap()["type"], "response.created");
        assert!(script.next().is_none());
        assert_eq!(script.completed()["response"]["output"], json!([]));
    }
}
