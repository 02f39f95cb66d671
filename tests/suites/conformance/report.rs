//! What came of the cases.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

use serde_json::Value;

/// Results by agent, and by case: `1.2.3`.
pub(crate) struct Report(BTreeMap<String, BTreeMap<Vec<u32>, Verdict>>);

/// What is said of one case, from the best down. The words are Autobahn's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Ok,
    Informational,
    NonStrict,
    Unimplemented,
    Failed,
}

impl Verdict {
    fn of(case: &Value) -> Self {
        let read = |key: &str| match case[key].as_str().expect("a verdict") {
            "OK" => Self::Ok,
            "INFORMATIONAL" => Self::Informational,
            "NON-STRICT" => Self::NonStrict,
            "UNIMPLEMENTED" => Self::Unimplemented,
            _ => Self::Failed,
        };
        let (behavior, close) = (read("behavior"), read("behaviorClose"));
        // A case of what is not implemented says nothing of the end.
        if behavior == Self::Unimplemented { behavior } else { behavior.max(close) }
    }
}

impl Report {
    pub(crate) fn read(path: &Path) -> Self {
        let index = fs::read_to_string(path).expect("a report");
        let index: BTreeMap<String, BTreeMap<String, Value>> =
            serde_json::from_str(&index).expect("a report");
        let number = |part: &str| part.parse().expect("a number");
        let number = |id: &str| id.split('.').map(number).collect::<Vec<u32>>();
        let cases = |cases: BTreeMap<String, Value>| {
            cases.iter().map(|(id, case)| (number(id), Verdict::of(case))).collect()
        };
        Self(index.into_iter().map(|(agent, found)| (agent, cases(found))).collect())
    }

    /// How many cases have a result.
    pub(crate) fn count(&self, agent: &str) -> usize {
        self.0.get(agent).map_or(0, BTreeMap::len)
    }

    /// In which cases one agent does worse than another, and how.
    pub(crate) fn worse(&self, agent: &str, than: &str) -> Vec<String> {
        let cases = self.0[agent].iter().filter(|(case, verdict)| **verdict > self.0[than][*case]);
        cases.map(|(case, verdict)| format!("{}: {verdict:?}", id(case))).collect()
    }

    /// Appends to the file that `FAILBACK_CONFORMANCE_TABLE` names, if it names one: for each section how
    /// many cases came out how, and which are not OK.
    pub(crate) fn note(&self, agent: &str) {
        let Some(path) = std::env::var_os("FAILBACK_CONFORMANCE_TABLE") else { return };
        let mut file = OpenOptions::new().create(true).append(true).open(path).expect("the table");
        let mut sections: BTreeMap<u32, BTreeMap<Verdict, Vec<String>>> = BTreeMap::new();
        for (case, verdict) in &self.0[agent] {
            sections.entry(case[0]).or_default().entry(*verdict).or_default().push(id(case));
        }
        for (section, verdicts) in sections {
            let ok = verdicts.get(&Verdict::Ok).map_or(0, Vec::len);
            let count: usize = verdicts.values().map(Vec::len).sum();
            let others = verdicts.iter().filter(|(verdict, _)| **verdict != Verdict::Ok);
            let others = others.map(|(verdict, cases)| match cases.len() {
                // All of compression, for which no client of ours asks.
                many if many == count => format!("{verdict:?}: all"),
                _ => format!("{verdict:?}: {}", cases.join(" ")),
            });
            let others = others.collect::<Vec<_>>().join("; ");
            let others = if others.is_empty() { "-" } else { &others };
            writeln!(file, "| {section} | {agent} | {ok} of {count} | {others} |").expect("the table");
        }
    }
}

fn id(case: &[u32]) -> String {
    case.iter().map(u32::to_string).collect::<Vec<_>>().join(".")
}
