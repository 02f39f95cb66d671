//! All that was found, and what follows from it.

use std::time::Duration;

use super::advice::advice;
use super::course::Course;
use super::kind::Kind;
use super::plan::Plan;
use super::verdict::Verdict;
use super::way::Way;

pub(super) struct Report {
    pub(super) url: String,
    pub(super) websocket: Way,
    pub(super) sse: Way,
    pub(super) verdict: Verdict,
    /// What the policy does here. `None` if that depends on what is not known.
    pub(super) course: Option<Course>,
    pub(super) advice: Vec<String>,
    pub(super) took: Duration,
}

impl Report {
    pub(super) fn new(plan: &Plan, mut websocket: Way, sse: Way) -> Self {
        let is_accepted = sse.works() == Some(true) && sse.finding.kind != Kind::Credentials;
        if websocket.finding.kind == Kind::Credentials && is_accepted && plan.has_credentials() {
            // They are good enough for SSE. Some gateways say 401 to every upgrade.
            websocket.finding.kind = Kind::WebSocketRefused;
        }
        let verdict = Verdict::new(&websocket, &sse);
        let course = Course::new(plan.config, &websocket, &sse);
        let advice = verdict.kinds.iter().filter_map(|kind| advice(*kind, plan.has_credentials())).collect();
        Self { url: plan.shown_url.clone(), websocket, sse, verdict, course, advice, took: plan.took() }
    }

    /// 0 if both work, 3 if SSE alone does, 4 if WebSocket alone does, 5 if neither does. What does not show
    /// does not count as working.
    pub(super) fn exit_code(&self) -> u8 {
        let sse = self.sse.works() == Some(true);
        match self.websocket.finding.kind {
            // Whether it opens shows only with credentials. It got as far as SSE did.
            Kind::Credentials if sse => 0,
            kind => match (kind.works() == Some(true) && kind != Kind::Credentials, sse) {
                (true, true) => 0,
                (false, true) => 3,
                (true, false) => 4,
                (false, false) => 5,
            },
        }
    }
}
