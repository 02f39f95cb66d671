//! Runs the doctor, and checks the form of what it reports.

use serde_json::Value;

/// Short enough for tests, and long enough for a machine that is busy.
const TIMES: [&str; 4] = ["--timeout", "30", "--idle", "1"];

pub(crate) struct Report(pub(crate) Value);

/// What the doctor says of this URL.
#[track_caller]
pub(crate) fn doctor(url: &str, args: &[&str]) -> Report {
    let times = if args.contains(&"--timeout") { &[][..] } else { &TIMES[..] };
    let args: Vec<_> = [url].iter().chain(args).chain(times).copied().collect();
    let (code, json) = failback_cli::doctor_report(&args).expect("right usage");
    let report = Report(serde_json::from_str(&json).expect("JSON"));
    check(&report.0);
    assert_eq!(report.0["verdict"]["exit_code"], code, "{}", report.0);
    report
}

impl Report {
    #[track_caller]
    pub(crate) fn expect(self, code: u8, kinds: &[&str]) -> Self {
        assert_eq!(self.0["verdict"]["exit_code"], code, "{:#}", self.0);
        let found: Vec<_> = self.0["verdict"]["kinds"].as_array().expect("kinds").iter().collect();
        assert_eq!(found, kinds, "{:#}", self.0);
        self
    }

    /// Parts of the verdict.
    #[track_caller]
    pub(crate) fn says(self, parts: &[&str]) -> Self {
        let text = self.0["verdict"]["text"].as_str().expect("a text");
        for part in parts {
            assert!(text.contains(part), "no `{part}` in: {text}");
        }
        self
    }

    /// The steps of a transport, and what came of each.
    pub(crate) fn steps(&self, transport: &str) -> Vec<(&str, &str)> {
        let steps = self.0[transport]["steps"].as_array().expect("steps");
        steps
            .iter()
            .map(|step| (step["step"].as_str().expect("a word"), step["state"].as_str().expect("a word")))
            .collect()
    }

    /// What a step says.
    #[track_caller]
    pub(crate) fn text(&self, transport: &str, step: &str) -> &str {
        let steps = self.0[transport]["steps"].as_array().expect("steps");
        let found = steps.iter().find(|found| found["step"] == step);
        found.unwrap_or_else(|| panic!("no step {step} in {:#}", self.0))["text"].as_str().expect("a text")
    }
}

/// Exactly these keys, and values of these types: other programs read them.
#[track_caller]
fn check(report: &Value) {
    keys(report, &["url", "websocket", "sse", "verdict", "policy", "advice", "took_ms"]);
    for transport in ["websocket", "sse"] {
        let way = &report[transport];
        let all = [
            "url",
            "proxy",
            "proxy_reason",
            "works",
            "kind",
            "status",
            "text",
            "server",
            "via",
            "certificate",
            "is_live",
            "idle_ms",
            "steps",
        ];
        keys(way, &all);
        assert!(way["works"].is_boolean() || way["works"].is_null(), "{way}");
        assert!(
            way["proxy_reason"].is_string() && way["kind"].is_string() && way["text"].is_string(),
            "{way}"
        );
        if !way["certificate"].is_null() {
            let all = ["subject", "issuer", "chain_end", "trusted_by", "is_stamped", "is_private"];
            keys(&way["certificate"], &all);
        }
        for step in way["steps"].as_array().expect("steps") {
            keys(step, &["step", "state", "ms", "text"]);
            assert!(
                ["ok", "failed", "unknown", "told"].iter().any(|state| step["state"] == *state),
                "{step}"
            );
            assert!(step["ms"].is_number() || step["ms"].is_null(), "{step}");
        }
    }
    keys(&report["verdict"], &["text", "kinds", "exit_code"]);
    keys(&report["policy"], &["text", "first_turn", "mode", "retry_in_ms", "pinned"]);
    if !report["policy"]["first_turn"].is_null() {
        let all = ["transport", "give_up", "waits_ms", "websocket_attempts"];
        keys(&report["policy"]["first_turn"], &all);
    }
    assert!(report["took_ms"].is_u64() && report["advice"].is_array(), "{report}");
}

#[track_caller]
fn keys(object: &Value, expected: &[&str]) {
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    let found: Vec<_> = object.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(found, expected);
}
