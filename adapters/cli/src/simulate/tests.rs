//! Small fleets, and what becomes of them.

use clap::Parser;

use super::kind::Kind;
use super::report::Turns;
use super::*;
use crate::args::{Args, Command};

fn plan(args: &str) -> Plan {
    let words = ["failback", "simulate"].into_iter().chain(args.split_whitespace());
    match Args::parse_from(words).command {
        Command::Simulate(args) => Plan::new(&args).unwrap(),
        _ => unreachable!("simulate was asked for"),
    }
}

fn fleet(args: &str) -> Vec<Report> {
    simulate(&plan(args))
}

/// The reports of all strategies, in the order of `Kind::ALL`.
fn all(args: &str) -> [Report; 4] {
    fleet(&format!("{args} --compare")).try_into().unwrap()
}

fn one(args: &str) -> Report {
    fleet(args).remove(0)
}

/// What became of the turns that arrived in these minutes.
fn minutes(report: &Report, from: usize, until: usize) -> Turns {
    Turns::of(&report.buckets[from * 6..until * 6])
}

fn handshakes(report: &Report, from: usize, until: usize) -> u32 {
    report.buckets[from * 6..until * 6].iter().map(|bucket| bucket.handshakes).sum()
}

#[test]
fn a_healthy_fleet_is_all_on_websocket() {
    for report in all("--clients 200 --outage none --length 2h") {
        let Turns { websocket, sse, failed } = Turns::of(&report.buckets);
        assert_eq!((sse, failed), (0, 0), "{:?}", report.kind);
        // 200 clients, 6 turns an hour, 2 hours: 2400, give or take what chance does.
        assert!((2200..2600).contains(&websocket), "{websocket}");
        assert_eq!(report.sound.pinned, 0);
        assert!(report.periods.iter().all(|period| period.waiting.max_ms == Some(0)));
    }
}

#[test]
fn a_socket_serves_many_turns_and_is_retired() {
    let report = one("--clients 500 --outage none --length 4h --turns-per-hour 30 --stream 1s");
    let turns = Turns::of(&report.buckets).all();
    // Every 57 minutes one for each client, and a few for turns that overlap.
    let fair = 500.0 * 4.0 * 60.0 / 57.0;
    let made = f64::from(handshakes(&report, 0, 240));
    assert!(made > fair * 0.8 && made < fair * 1.4, "{made} handshakes for {turns} turns");
    // As many at the start as later: the fleet has been running.
    assert!(f64::from(handshakes(&report, 0, 60)) < fair / 4.0 * 1.5);
}

#[test]
fn a_broken_share_is_pinned_and_the_others_are_unaffected() {
    let args = "--clients 300 --outage none --length 6h --turns-per-hour 20 --seed 5";
    let (sound, mixed) = (one(args), one(&format!("{args} --broken-share 0.1")));
    assert_eq!((mixed.broken.clients, mixed.broken.pinned), (30, 30));
    assert_eq!((mixed.sound.clients, mixed.sound.pinned), (270, 0));
    // One that fails and three probes each, which the server never hears of.
    assert_eq!(mixed.broken.handshakes, 30 * 4);
    assert_eq!((mixed.broken.websocket, mixed.broken.failed), (0, 0));
    assert_eq!((mixed.sound.sse, mixed.sound.failed), (0, 0));
    assert_eq!(mixed.sound.turns() + mixed.broken.turns(), sound.sound.turns());
    assert!(mixed.sound.handshakes <= sound.sound.handshakes);
}

#[test]
fn after_an_outage_the_fleet_returns() {
    for flags in ["", "--black-hole"] {
        // Cooldowns that no client has used up when the outage ends.
        let args = "--clients 300 --length 3h --turns-per-hour 20 --outage 5m@1h";
        let report = one(&format!("{args} {flags}"));
        assert_eq!(minutes(&report, 0, 59).on_websocket(), Some(1.0), "{flags}");
        assert_eq!(minutes(&report, 60, 65).websocket, 0, "{flags}");
        assert_eq!(minutes(&report, 60, 65).failed, 0, "{flags}");
        let later = minutes(&report, 90, 180).on_websocket().unwrap();
        assert!(later > 0.99, "{flags}: {later}");
        assert_eq!(report.sound.pinned, 0, "{flags}");
        // Only the turns that were streaming when it began are lost: 300 clients, 20 s of each 180 s.
        let lost = report.sound.failed;
        assert!((10..70).contains(&lost), "{flags}: {lost}");
    }
}

#[test]
fn a_black_hole_costs_a_turn_its_head_start_and_no_more() {
    let [failback, _, _, always] =
        all("--clients 100 --length 2h --turns-per-hour 120 --outage 10m@1h --black-hole");
    let outage = |report: &Report| report.periods[1];
    assert_eq!(outage(&failback).period.part, period::Part::Outage);
    // A turn whose socket broke under its request has waited for its first event, 0.5 s, too.
    let longest = outage(&failback).waiting.max_ms.unwrap();
    assert!((1000..=1500).contains(&longest), "{longest}");
    assert_eq!(outage(&failback).waiting.median_ms, Some(0), "{:?}", outage(&failback).waiting);
    let longest = outage(&always).waiting.median_ms.unwrap();
    assert!((15_000..=15_600).contains(&longest), "{longest}");
}

#[test]
fn a_probe_that_streams_for_long_is_the_only_one() {
    // A probe takes five minutes at least, and its lease is 30 s.
    let settings = "--set cooldown_ms=1000 --set cooldown_max_ms=1000 --set max_recoveries=255";
    let report =
        one(&format!("--clients 50 --length 1h --turns-per-hour 60 --stream 10m --outage 5m@30m {settings}"));
    let probes = minutes(&report, 35, 39).websocket;
    assert!((40..=55).contains(&probes), "{probes}");
}

#[test]
fn an_outage_of_both_is_not_held_against_websocket() {
    let report = one("--clients 300 --length 3h --turns-per-hour 20 --outage 5m@1h:both");
    assert!(minutes(&report, 60, 64).failed > 0);
    assert_eq!(minutes(&report, 60, 64).websocket + minutes(&report, 60, 64).sse, 0);
    let after = minutes(&report, 66, 180);
    assert_eq!((after.failed, report.sound.pinned), (0, 0));
    assert!(after.on_websocket().unwrap() > 0.99, "{after:?}");
}

#[test]
fn an_outage_of_sse_is_nothing_to_those_on_websocket() {
    let report = one("--clients 100 --length 2h --outage 30m@30m:sse");
    let Turns { sse, failed, .. } = Turns::of(&report.buckets);
    assert_eq!((sse, failed), (0, 0));
}

#[test]
fn numbers_depend_on_the_seed_and_not_on_the_threads() {
    let told = |args: &str| {
        let plan = plan(args);
        let mut out = Vec::new();
        json::write(&mut out, &plan, &simulate(&plan)).unwrap();
        String::from_utf8(out).unwrap()
    };
    let args = "--clients 500 --compare --broken-share 0.02 --seed 3 --threads";
    let first = told(&format!("{args} 1"));
    assert!(first == told(&format!("{args} 2")) && first == told(&format!("{args} 7")));
    assert_ne!(first, told("--clients 500 --compare --broken-share 0.02 --seed 4"));
}

#[test]
fn the_sticky_stay_on_sse_and_the_others_come_back() {
    let args = "--clients 300 --length 3h --turns-per-hour 20 --outage 5m@1h";
    let [failback, sticky, fixed, always] = all(args);
    // Every client had a turn in the outage, but for one in five or so.
    assert!(minutes(&sticky, 90, 180).on_websocket().unwrap() < 0.25);
    assert!(sticky.sound.pinned > 200, "{}", sticky.sound.pinned);
    for report in [failback, fixed, always] {
        assert!(minutes(&report, 90, 180).on_websocket().unwrap() > 0.99, "{:?}", report.kind);
    }
}

#[test]
fn demand_is_the_same_for_each_strategy() {
    let reports = all("--clients 100 --length 2h --outage 20m@30m:both");
    let arrived = |report: &Report| -> Vec<u64> {
        report.buckets.iter().map(|bucket| Turns::of(&[*bucket]).all()).collect()
    };
    let first = arrived(&reports[0]);
    assert!(reports.iter().all(|report| arrived(report) == first));
}

#[test]
fn json_is_one_object_whose_parts_add_up() {
    let plan = plan("--clients 100 --compare --length 90m --broken-share 0.5");
    let mut out = Vec::new();
    json::write(&mut out, &plan, &simulate(&plan)).unwrap();
    let whole: serde_json::Value = serde_json::from_slice(&out).unwrap();
    assert_eq!((&whole["clients"], &whole["bucket_s"]), (&100.into(), &10.into()));
    let strategies = whole["strategies"].as_array().unwrap();
    assert_eq!(
        strategies.iter().map(|s| s["name"].as_str().unwrap()).collect::<Vec<_>>(),
        Kind::ALL.map(Kind::as_str)
    );
    for strategy in strategies {
        let sum = |values: &serde_json::Value| -> u64 {
            values.as_array().unwrap().iter().map(|value| value.as_u64().unwrap()).sum()
        };
        for (series, key) in [("websocket", "websocket"), ("sse", "sse"), ("failed", "failed")] {
            let counted = sum(&strategy["series"][series]);
            let periods = strategy["periods"].as_array().unwrap();
            assert_eq!(counted, periods.iter().map(|period| period[key].as_u64().unwrap()).sum::<u64>());
            let groups = ["sound", "broken"].map(|group| strategy["clients"][group][key].as_u64().unwrap());
            assert_eq!(counted, groups.iter().sum::<u64>());
        }
        assert_eq!(strategy["series"]["handshakes"].as_array().unwrap().len(), 540);
    }
}

#[test]
fn the_plot_is_well_formed_and_has_every_series() {
    for args in
        ["--compare --outage 5m@0s --outage 10m@1h:both", "--outage none", "--length 1m --outage none"]
    {
        let plan = plan(&format!("--clients 20 {args}"));
        let drawn = svg::draw(&plan, &simulate(&plan));
        assert_balanced(&drawn);
        assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "{drawn}");
        for kind in &plan.kinds {
            for series in ["share", "handshakes"] {
                let name = format!("data-strategy=\"{}\" data-series=\"{series}\"", kind.as_str());
                assert_eq!(drawn.matches(&name).count(), 1, "{name}");
            }
            assert!(drawn.contains(&format!(">{}</text>", kind.title())));
        }
    }
}

/// Every element that is opened is closed, in order, and every quote.
fn assert_balanced(svg: &str) {
    let mut open = Vec::new();
    let mut rest = svg;
    while let Some((text, after)) = rest.split_once('<') {
        assert!(!text.contains('>'), "{text}");
        let (tag, after) = after.split_once('>').expect("a tag ends");
        assert!(tag.matches('"').count() % 2 == 0 && !tag.contains('<'), "{tag}");
        let name = tag.trim_start_matches('/').split_whitespace().next().expect("a name");
        match (tag.starts_with('/'), tag.ends_with('/')) {
            (true, _) => assert_eq!(open.pop(), Some(name)),
            (false, false) => open.push(name),
            (false, true) => {}
        }
        rest = after;
    }
    assert!(open.is_empty() && rest.trim().is_empty(), "{open:?} {rest}");
    assert!(svg.starts_with("<svg xmlns="));
}

#[test]
fn no_line_of_the_tables_is_too_wide() {
    for args in ["", "--compare"] {
        let plan = plan(&format!(
            "--clients 200 --broken-share 0.02 --length 31d --outage 10m@1h --turns-per-hour 0.05 {args}"
        ));
        let mut out = Vec::new();
        text::write(&mut out, &plan, &simulate(&plan)).unwrap();
        let text = String::from_utf8(out).unwrap();
        for line in text.lines() {
            assert!(line.chars().count() <= 118 && line == line.trim_end(), "`{line}`");
        }
        assert_eq!(text.contains("always retry"), args == "--compare");
    }
}
