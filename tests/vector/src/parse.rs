use failback::Config;
use serde::Deserialize;
use serde_json::Value;
use serde_json::error::Category;

use super::step::parse_step;
use super::trace;
use super::vector::{ParseError, Place, Vector};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outline {
    name: String,
    source: String,
    #[serde(default)]
    config: Value,
    #[serde(default)]
    seed: u64,
    steps: Vec<Value>,
}

impl Vector {
    /// Parses one vector, or one trace. Steps, and the lines of a trace, are counted from 1 in errors.
    ///
    /// A trace that ends in the middle of a line is no error, unless that line is its first one: what comes
    /// before is parsed, and [`cut_off`](Self::cut_off) says where it ends.
    ///
    /// # Errors
    /// What is wrong, and where: a key that is missing, unknown or of the wrong type, a word that is none; a
    /// trace of another version.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let whole = |problem: String| ParseError::new(Place::Whole, problem);
        // As a mail program or an editor may leave it.
        let text = text.trim_start_matches('\u{feff}');
        if text.trim().is_empty() {
            return Err(whole("not a vector: the file is empty".to_owned()));
        }
        // A list of the values would do for a struct.
        if text.trim_start().starts_with('[') {
            return Err(whole("not a vector: expected an object, found an array".to_owned()));
        }
        if trace::is_trace(text) {
            return trace::parse(text);
        }
        let outline: Outline = serde_json::from_str(text).map_err(|error| match error.classify() {
            Category::Syntax | Category::Eof => whole(format!("not JSON: {error}")),
            Category::Data | Category::Io => whole(format!("not a vector: {error}")),
        })?;
        let config = match outline.config {
            Value::Null => Config::new(),
            config => serde_json::from_value(config).map_err(|e| whole(format!("config: {e}")))?,
        };
        let steps = outline
            .steps
            .into_iter()
            .zip(1..)
            .map(|(step, n)| parse_step(step).map_err(|problem| ParseError::new(Place::Step(n), problem)))
            .collect::<Result<_, _>>()?;
        let Outline { name, source, seed, .. } = outline;
        Ok(Self { name, source, config, seed, trace: None, steps })
    }
}
