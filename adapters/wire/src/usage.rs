use crate::json::{fields, number};

/// How many tokens a response took, as the server counted them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Usage {
    /// Tokens of the input, those from a cache included.
    pub input_tokens: u64,
    /// Those of them that came from a cache.
    pub cached_tokens: u64,
    /// Tokens of the output, those of the reasoning included.
    pub output_tokens: u64,
    /// Those of them that were reasoning.
    pub reasoning_tokens: u64,
    /// Both together.
    pub total_tokens: u64,
}

impl Usage {
    /// Reads the `usage` of a response object. What is missing counts as none; a missing total is the sum.
    pub(crate) fn from_json(json: &str) -> Option<Self> {
        let [input, input_details, output, output_details, total] = fields(
            json,
            &[
                "input_tokens",
                "input_tokens_details",
                "output_tokens",
                "output_tokens_details",
                "total_tokens",
            ],
        )
        .ok()?;
        let within = |details: Option<&str>, name| {
            let [count] = fields(details?, &[name]).ok()?;
            number(count?)
        };
        let input_tokens = input.and_then(number).unwrap_or_default();
        let output_tokens = output.and_then(number).unwrap_or_default();
        let sum = input_tokens.saturating_add(output_tokens);
        Some(Self {
            input_tokens,
            cached_tokens: within(input_details, "cached_tokens").unwrap_or_default(),
            output_tokens,
            reasoning_tokens: within(output_details, "reasoning_tokens").unwrap_or_default(),
            total_tokens: total.and_then(number).unwrap_or(sum),
        })
    }
}
