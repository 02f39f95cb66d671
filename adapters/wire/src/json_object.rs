use serde_json::Value;

/// What takes the members of a JSON object, one after another.
pub(crate) trait Members {
    fn push(&mut self, name: &str, json: &str);
}

/// A JSON object that is being written.
pub(crate) struct JsonObject(String);

/// How many bytes a [`JsonObject`] would have.
pub(crate) struct JsonLength(usize);

impl JsonLength {
    pub(crate) const fn new() -> Self {
        Self(1)
    }

    pub(crate) const fn finish(self) -> usize {
        self.0.saturating_add(1)
    }
}

impl Members for JsonLength {
    fn push(&mut self, name: &str, json: &str) {
        let comma = usize::from(self.0 > 1);
        let member = quoted(name).len().saturating_add(1).saturating_add(json.len());
        self.0 = self.0.saturating_add(comma).saturating_add(member);
    }
}

impl JsonObject {
    pub(crate) fn new() -> Self {
        Self("{".to_owned())
    }

    pub(crate) fn finish(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

impl Members for JsonObject {
    fn push(&mut self, name: &str, json: &str) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.0.push_str(&quoted(name));
        self.0.push(':');
        self.0.push_str(json);
    }
}

/// This text as a JSON string.
pub(crate) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
