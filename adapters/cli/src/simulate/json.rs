//! One object for programs.

use std::io::{self, Write};

use serde::Serialize;

use super::period::BUCKET;
use super::plan::Plan;
use super::report::{PeriodReport, Report, Waiting};
use super::span::SECOND;
use super::tally::{Bucket, Group};

#[derive(Serialize)]
struct Whole {
    clients: u64,
    length_s: f64,
    turns_per_hour: f64,
    stream_s: f64,
    broken_share: f64,
    black_hole: bool,
    seed: u64,
    bucket_s: u64,
    outages: Vec<OutageObject>,
    strategies: Vec<StrategyObject>,
}

#[derive(Serialize)]
struct OutageObject {
    begin_s: f64,
    length_s: f64,
    scope: &'static str,
}

#[derive(Serialize)]
struct StrategyObject {
    name: &'static str,
    periods: Vec<PeriodObject>,
    clients: Clients,
    series: Series,
}

#[derive(Serialize)]
struct PeriodObject {
    period: &'static str,
    begin_s: f64,
    end_s: f64,
    turns: u64,
    websocket: u64,
    sse: u64,
    failed: u64,
    handshakes_per_s: RateObject,
    waiting: Waiting,
}

#[derive(Serialize)]
struct RateObject {
    mean: f64,
    peak: f64,
    peak_to_mean: Option<f64>,
}

#[derive(Serialize)]
struct Clients {
    sound: GroupObject,
    broken: GroupObject,
}

#[derive(Serialize)]
struct GroupObject {
    clients: u64,
    pinned: u64,
    turns: u64,
    websocket: u64,
    sse: u64,
    failed: u64,
    handshakes: u64,
}

/// One number a bucket.
#[derive(Serialize)]
struct Series {
    websocket: Vec<u32>,
    sse: Vec<u32>,
    failed: Vec<u32>,
    handshakes: Vec<u32>,
}

/// Writes the object, and ends the line.
pub(super) fn write(out: &mut impl Write, plan: &Plan, reports: &[Report]) -> io::Result<()> {
    let world = &plan.world;
    let outages = world.schedule.outages().iter().map(|outage| OutageObject {
        begin_s: seconds(outage.begin.nanos()),
        length_s: seconds(outage.lasts.nanos()),
        scope: outage.scope.as_str(),
    });
    let whole = Whole {
        clients: world.clients,
        length_s: seconds(world.length),
        turns_per_hour: plan.turns_per_hour,
        stream_s: seconds(world.stream),
        broken_share: world.broken_share,
        black_hole: world.black_hole,
        seed: world.seed,
        bucket_s: BUCKET / SECOND,
        outages: outages.collect(),
        strategies: reports.iter().map(strategy).collect(),
    };
    serde_json::to_writer(&mut *out, &whole)?;
    writeln!(out)
}

fn seconds(nanos: u64) -> f64 {
    nanos as f64 / SECOND as f64
}

fn strategy(report: &Report) -> StrategyObject {
    let series = |what: fn(&Bucket) -> u32| report.buckets.iter().map(what).collect();
    StrategyObject {
        name: report.kind.as_str(),
        periods: report.periods.iter().map(period).collect(),
        clients: Clients { sound: group(&report.sound), broken: group(&report.broken) },
        series: Series {
            websocket: series(|bucket| bucket.websocket),
            sse: series(|bucket| bucket.sse),
            failed: series(|bucket| bucket.failed),
            handshakes: series(|bucket| bucket.handshakes),
        },
    }
}

fn period(report: &PeriodReport) -> PeriodObject {
    let PeriodReport { period, turns, handshakes, waiting } = *report;
    PeriodObject {
        period: period.part.as_str(),
        begin_s: seconds(period.begin().nanos()),
        end_s: seconds(period.end().nanos()),
        turns: turns.all(),
        websocket: turns.websocket,
        sse: turns.sse,
        failed: turns.failed,
        handshakes_per_s: RateObject {
            mean: handshakes.mean,
            peak: handshakes.peak,
            peak_to_mean: handshakes.ratio(),
        },
        waiting,
    }
}

fn group(group: &Group) -> GroupObject {
    GroupObject {
        clients: group.clients,
        pinned: group.pinned,
        turns: group.turns(),
        websocket: group.websocket,
        sse: group.sse,
        failed: group.failed,
        handshakes: group.handshakes,
    }
}
