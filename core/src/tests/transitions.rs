//! What each event does in each mode, as a document that is generated from the policy and kept next to it.

extern crate std;

use self::std::fmt::Write as _;
use self::std::string::{String, ToString as _};
use self::std::vec::Vec;
use self::std::{env, format, fs};

use super::*;

const KEPT: &str = include_str!("../../docs/transitions.md");
const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/transitions.md");

/// With dials ahead of calls, which change nothing for a driver that does not ask for them.
const CONFIG: Config = EXACT.with_probe(ProbeStyle::Background);

#[test]
fn the_table_in_the_repository_is_what_the_policy_does() {
    let text = document();
    if env::var_os("FAILBACK_UPDATE_SNAPSHOTS").is_some() {
        fs::write(PATH, &text).unwrap();
        return;
    }
    let differing = text.lines().zip(KEPT.lines()).find(|(now, kept)| now != kept);
    assert!(
        text == KEPT,
        "core/docs/transitions.md says otherwise, first here: {differing:?}\n\
         If that is meant, run this test with FAILBACK_UPDATE_SNAPSHOTS=1, and look at the difference."
    );
}

/// A mode with something under way in it.
struct Scene {
    d: Driver,
    /// The attempt that the mode is about: a healthy one, or the probe.
    websocket: Option<Attempt>,
    /// Its handshake is done: there is nothing to divert.
    open: bool,
    dial: Option<Dial>,
    stale: Option<Attempt>,
    last_resort: Option<Attempt>,
    on_sse: Option<Attempt>,
}

impl Scene {
    /// In `Preferred`, with a past from which some attempts are left over.
    fn new(config: Config) -> Self {
        let mut d = Driver::new(config);
        d.suspect();
        let on_sse = d.call();
        let other = d.call();
        let again = d.retried_after(other, Outcome::RetriesExhausted(CUT));
        let last_resort = d.begin(again);
        assert_eq!(went(&last_resort), LAST_RESORT);
        d.policy.handle_network_change(d.now);
        let stale = d.call();
        d.policy.handle_network_change(d.now);
        assert_eq!((went(&stale), d.mode()), (HEALTHY, Mode::Preferred));
        let websocket = Some(d.call());
        Self {
            d,
            websocket,
            open: false,
            dial: None,
            stale: Some(stale),
            last_resort: Some(last_resort),
            on_sse: Some(on_sse),
        }
    }

    fn dial_pending() -> Self {
        let mut scene = Self::new(CONFIG);
        let attempt = scene.d.call();
        scene.dial = Some(scene.d.divert(attempt).1);
        scene
    }

    fn suspected(config: Config) -> Self {
        let mut scene = Self { websocket: None, ..Self::new(config) };
        scene.d.suspect();
        scene
    }

    fn suspected_by_probe(recoveries: u8) -> Self {
        let mut scene = Self::probing(recoveries);
        let probe = scene.websocket.take().unwrap();
        scene.d.retried(probe, REFUSED);
        scene
    }

    fn failed_over(config: Config) -> Self {
        let mut scene = Self { websocket: None, ..Self::new(config) };
        scene.d.convict();
        scene
    }

    fn due(recoveries: u8) -> Self {
        let mut scene = Self::failed_over(CONFIG.with_max_recoveries(recoveries));
        scene.d.at(60_000);
        scene
    }

    fn probing(recoveries: u8) -> Self {
        let mut scene = Self::due(recoveries);
        let probe = scene.d.call();
        assert!(probe.is_probe());
        scene.websocket = Some(probe);
        scene
    }

    fn probing_with_progress() -> Self {
        let mut scene = Self::probing(3);
        scene.d.progress(scene.websocket.as_ref().unwrap());
        scene.open = true;
        scene
    }

    fn probing_ahead() -> Self {
        let mut scene = Self::due(3);
        scene.dial = scene.d.policy.poll_probe(scene.d.now);
        scene
    }

    /// In `Preferred`, with a dial that no call has waited for.
    fn warming_up() -> Self {
        let mut scene = Self::new(CONFIG);
        scene.dial = scene.d.policy.warm_up(scene.d.now);
        scene
    }

    fn divert(&mut self) -> Option<Dial> {
        let attempt = self.websocket.take().filter(|_| !self.open)?;
        Some(self.d.divert(attempt).1)
    }

    /// The dial there is, or the one that diverting the attempt leaves.
    fn take_dial(&mut self) -> Option<Dial> {
        self.dial.take().or_else(|| self.divert())
    }

    fn describe(&mut self) -> String {
        self.d.policy.handle_timeout(self.d.now);
        let for_s = |until: Timestamp| match until.saturating_duration_since(self.d.now).as_secs() {
            0 => String::from(", due"),
            s => format!(" for {s} s"),
        };
        match self.d.policy.mode() {
            Mode::Preferred if self.d.wakes_at().is_some() => "Preferred, dial pending".to_string(),
            Mode::FailedOver { retry_at } => format!("FailedOver{}", for_s(retry_at)),
            Mode::Probing { lease_until } => format!("Probing{}", for_s(lease_until)),
            other => format!("{other:?}"),
        }
    }
}

/// Something that can happen, with ways to report it between which the policy makes no difference. Where it
/// does after all, the table says one or the other.
struct Event {
    name: &'static str,
    ways: Vec<Way>,
}

/// `None` when there is nothing to report on.
type Way = fn(&mut Scene) -> Option<()>;

/// The attempt in a field of the scene ends, in one of several ways.
macro_rules! ends {
    ($field:ident: $($outcome:expr),+ $(,)?) => {
        Vec::from([$((|scene: &mut Scene| {
            let attempt = scene.$field.take()?;
            let _verdict = scene.d.policy.handle_outcome(attempt, $outcome, scene.d.now);
            Some(())
        }) as Way),+])
    };
}

/// The dial ends, in one of several ways.
macro_rules! dial_ends {
    ($($outcome:expr),+ $(,)?) => {
        Vec::from([$((|scene: &mut Scene| {
            let dial = scene.take_dial()?;
            scene.d.dial(dial, $outcome);
            Some(())
        }) as Way),+])
    };
}

fn websocket_events() -> Vec<Event> {
    let progress: Way = |scene| {
        scene.d.progress(scene.websocket.as_ref()?);
        Some(())
    };
    let divert: Way = |scene| scene.divert().map(drop);
    let convict: Way = |scene| {
        let dial = scene.take_dial()?;
        scene.d.progress(scene.on_sse.as_ref()?);
        scene.d.dial(dial, DialOutcome::Failed(REFUSED));
        Some(())
    };
    Vec::from([
        Event { name: "WebSocket makes progress", ways: Vec::from([progress]) },
        Event { name: "WebSocket completes", ways: ends![websocket: Outcome::Completed] },
        Event {
            name: "WebSocket fails while connecting",
            ways: ends![websocket: Outcome::Failed(REFUSED), Outcome::Failed(OFFLINE)],
        },
        Event {
            name: "WebSocket breaks, retries left",
            ways: ends![websocket: Outcome::Failed(DROPPED), Outcome::Failed(CUT)],
        },
        Event {
            name: "WebSocket breaks after output",
            ways: ends![websocket: Outcome::Failed(CUT.with_committed())],
        },
        Event {
            name: "WebSocket breaks, retries used up",
            ways: ends![websocket:
                Outcome::RetriesExhausted(DROPPED),
                Outcome::RetriesExhausted(CUT),
                Outcome::RetriesExhausted(WORN_OUT),
            ],
        },
        Event {
            name: "WebSocket fails, blame connection, payload, server or request",
            ways: ends![websocket:
                Outcome::Failed(WORN_OUT),
                Outcome::Failed(TOO_LARGE),
                Outcome::Failed(BUSY),
                Outcome::Failed(INVALID),
            ],
        },
        Event {
            name: "WebSocket is cancelled or ended",
            ways: ends![websocket: Outcome::Cancelled, Outcome::Ended],
        },
        Event { name: "the attempt is diverted", ways: Vec::from([divert]) },
        Event { name: "the dial opens", ways: dial_ends![DialOutcome::Opened] },
        Event {
            name: "the dial fails",
            ways: dial_ends![DialOutcome::Failed(REFUSED), DialOutcome::Failed(OFFLINE)],
        },
        Event { name: "the dial fails, SSE made progress meanwhile", ways: Vec::from([convict]) },
        Event {
            name: "the dial fails, another blame",
            ways: dial_ends![
                DialOutcome::Failed(WORN_OUT),
                DialOutcome::Failed(TOO_LARGE),
                DialOutcome::Failed(BUSY),
                DialOutcome::Failed(INVALID),
            ],
        },
        Event { name: "the dial is abandoned", ways: dial_ends![DialOutcome::Abandoned] },
        Event { name: "a stale WebSocket attempt completes", ways: ends![stale: Outcome::Completed] },
        Event {
            name: "a stale WebSocket attempt ends otherwise",
            ways: ends![stale:
                Outcome::Failed(REFUSED),
                Outcome::RetriesExhausted(CUT),
                Outcome::Failed(WORN_OUT),
                Outcome::Failed(TOO_LARGE),
                Outcome::Failed(BUSY),
                Outcome::Failed(INVALID),
                Outcome::Cancelled,
                Outcome::Ended,
            ],
        },
        Event { name: "a last resort completes", ways: ends![last_resort: Outcome::Completed] },
        Event {
            name: "a last resort ends otherwise",
            ways: ends![last_resort:
                Outcome::Failed(REFUSED),
                Outcome::Failed(CUT),
                Outcome::Failed(WORN_OUT),
                Outcome::Failed(TOO_LARGE),
                Outcome::Failed(BUSY),
                Outcome::Failed(INVALID),
                Outcome::Cancelled,
                Outcome::Ended,
            ],
        },
    ])
}

fn other_events() -> Vec<Event> {
    let progress: Way = |scene| {
        scene.d.progress(scene.on_sse.as_ref()?);
        Some(())
    };
    let call: Way = |scene| {
        scene.d.call();
        Some(())
    };
    let over_sse: Way = |scene| {
        scene.d.call_over_sse(OverSse::SseOnly);
        Some(())
    };
    let poll: Way = |scene| scene.d.policy.poll_probe(scene.d.now).map(drop);
    let warm_up: Way = |scene| scene.d.policy.warm_up(scene.d.now).map(drop);
    let adopt: Way = |scene| {
        let dial = scene.dial.take()?;
        scene.d.policy.adopt(dial, scene.d.now).ok().map(drop)
    };
    let deadline: Way = |scene| {
        scene.d.now = scene.d.wakes_at()?;
        Some(())
    };
    let network: Way = |scene| {
        scene.d.policy.handle_network_change(scene.d.now);
        Some(())
    };
    let restart: Way = |scene| {
        let snapshot = scene.d.policy.snapshot(scene.d.now);
        let config = *scene.d.policy.config();
        scene.d.policy = Policy::restore(config, 0, &snapshot, Duration::ZERO, scene.d.now);
        Some(())
    };
    Vec::from([
        Event { name: "SSE makes progress", ways: Vec::from([progress]) },
        Event { name: "SSE completes", ways: ends![on_sse: Outcome::Completed] },
        Event {
            name: "SSE fails without progress",
            ways: ends![on_sse:
                Outcome::Failed(REFUSED),
                Outcome::Failed(OFFLINE),
                Outcome::RetriesExhausted(DROPPED),
                Outcome::RetriesExhausted(WORN_OUT),
                Outcome::Failed(INVALID),
            ],
        },
        Event {
            name: "SSE fails without progress, blame server",
            ways: ends![on_sse: Outcome::Failed(BUSY), Outcome::RetriesExhausted(BUSY)],
        },
        Event {
            name: "SSE loses its connection, refuses the payload, is cancelled or ended",
            ways: ends![on_sse:
                Outcome::Failed(WORN_OUT),
                Outcome::Failed(TOO_LARGE),
                Outcome::Failed(Failure::new(Blame::Connection, Stage::Connecting)),
                Outcome::Cancelled,
                Outcome::Ended,
            ],
        },
        Event { name: "another call begins", ways: Vec::from([call]) },
        Event { name: "a call adopts the dial", ways: Vec::from([adopt]) },
        Event { name: "a call begins that was opened over SSE", ways: Vec::from([over_sse]) },
        Event { name: "a dial ahead of calls begins", ways: Vec::from([poll]) },
        Event { name: "a warm-up begins", ways: Vec::from([warm_up]) },
        Event { name: "the deadline passes", ways: Vec::from([deadline]) },
        Event { name: "the network changes", ways: Vec::from([network]) },
        Event { name: "restored from a snapshot", ways: Vec::from([restart]) },
    ])
}

/// One way to be in a mode.
type Variant = (&'static str, fn() -> Scene);

fn modes() -> Vec<(&'static str, Vec<Variant>)> {
    let pinned = || Scene::failed_over(CONFIG.with_max_recoveries(0));
    Vec::from([
        (
            "Preferred",
            Vec::from([
                ("", (|| Scene::new(CONFIG)) as _),
                ("a dial is pending", Scene::dial_pending as _),
                ("warming up", Scene::warming_up as _),
            ]),
        ),
        (
            "Suspected",
            Vec::from([
                ("", (|| Scene::suspected(CONFIG)) as _),
                ("too many failures", (|| Scene::suspected(CONFIG.with_stream_max_retries(0))) as _),
                ("by a probe", (|| Scene::suspected_by_probe(3)) as _),
                ("by the last probe", (|| Scene::suspected_by_probe(1)) as _),
            ]),
        ),
        (
            "FailedOver",
            Vec::from([("", (|| Scene::failed_over(CONFIG)) as _), ("due", (|| Scene::due(3)) as _)]),
        ),
        (
            "Probing",
            Vec::from([
                ("", (|| Scene::probing(3)) as _),
                ("after progress", Scene::probing_with_progress as _),
                ("the last time", (|| Scene::probing(1)) as _),
                ("ahead of calls", Scene::probing_ahead as _),
            ]),
        ),
        ("Pinned", Vec::from([("", pinned as _)])),
    ])
}

/// What an event does in one way to be in a mode.
struct Cell {
    /// What it leads to, or a dash when it cannot happen there.
    text: String,
    /// Each other mode that it leads to, and why.
    arrows: Vec<(String, Trigger)>,
}

fn cell(scene: fn() -> Scene, event: &Event) -> Cell {
    let name = |description: &str| description.split([' ', ',']).next().unwrap_or_default().to_string();
    let mut results: Vec<String> = Vec::new();
    let mut arrows = Vec::new();
    for way in &event.ways {
        let mut scene = scene();
        let (before, left) = (scene.describe(), scene.d.recoveries());
        if way(&mut scene).is_none() {
            // Nothing to report on.
            continue;
        }
        let after = scene.describe();
        if name(&after) != name(&before) {
            arrows.push((name(&after), scene.d.policy.trigger().unwrap()));
        }
        let result = match (i16::from(scene.d.recoveries()) - i16::from(left), after == before) {
            (0, true) => "·".to_string(),
            (0, false) => after,
            _ if scene.d.policy.mode() == Mode::Preferred => after,
            (change, _) => format!("{after}, {change:+}"),
        };
        if !results.contains(&result) {
            results.push(result);
        }
    }
    let text = if results.is_empty() { "–".to_string() } else { results.join(" or ") };
    Cell { text, arrows }
}

fn document() -> String {
    let events: Vec<Event> = websocket_events().into_iter().chain(other_events()).collect();
    let mut tables = String::new();
    let mut graph = String::new();
    for (mode, variants) in modes() {
        // Where to, by what, and the word for it.
        let mut edges: Vec<(String, Vec<(&str, Trigger)>)> = Vec::new();
        let _ = write!(tables, "\n## From {mode}\n\n| |");
        for (variant, _) in &variants {
            let comma = if variant.is_empty() { "" } else { ", " };
            let _ = write!(tables, " {mode}{comma}{variant} |");
        }
        let _ = writeln!(tables, "\n| --- |{}", " --- |".repeat(variants.len()));
        for event in &events {
            let cells: Vec<Cell> = variants.iter().map(|(_, scene)| cell(*scene, event)).collect();
            if cells.iter().all(|cell| cell.text == "–") {
                continue;
            }
            let texts: Vec<&str> = cells.iter().map(|cell| cell.text.as_str()).collect();
            let _ = writeln!(tables, "| {} | {} |", event.name, texts.join(" | "));
            for (to, why) in cells.into_iter().flat_map(|cell| cell.arrows) {
                let edge = edges.iter().position(|(known, _)| *known == to).unwrap_or_else(|| {
                    edges.push((to, Vec::new()));
                    edges.len() - 1
                });
                if !edges[edge].1.contains(&(event.name, why)) {
                    edges[edge].1.push((event.name, why));
                }
            }
        }
        let _ = writeln!(graph, "{mode}");
        for (to, causes) in edges {
            for (n, (cause, why)) in causes.iter().enumerate() {
                let arrow = if n == 0 { format!("-> {to}") } else { String::new() };
                let _ = writeln!(graph, "  {arrow:<14} {cause:<62} {}", why.as_str());
            }
        }
    }
    format!("{INTRODUCTION}\n```text\n{graph}```\n\n{LEGEND}{tables}")
}

const INTRODUCTION: &str = "\
# Transitions

Every arrow of the graph with all that leads along it, and the word of the [`Trigger`] that is told with it.
This chapter is written by a test, from what the policy does.
";

const LEGEND: &str = "\
The same with times, for the default settings without jitter. A dot means that nothing changes, a dash that it
cannot happen there, and a number that so many recoveries are given back or spent. A failure has blame
transport or network unless another one is named. More failures than `stream_max_retries` are too many.
";
