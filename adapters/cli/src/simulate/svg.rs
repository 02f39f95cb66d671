//! A plot: the share of turns on WebSocket, and below it the handshakes a second of each strategy. It is
//! black on white, strategies are told apart by their lines, and each line bears its name.

mod axis;

use axis::{round_step, time_step};

use super::kind::Kind;
use super::period::{BUCKET, Part};
use super::plan::Plan;
use super::report::{Rate, Report, Turns};
use super::span::Span;
use super::words::{rate, scene};
use crate::canvas::{Anchor, Canvas};

const WIDTH: f64 = 970.0;
const LEFT: f64 = 64.0;
/// Where the plots end, and the names of the lines begin.
const RIGHT: f64 = 826.0;
const SHARE_HEIGHT: f64 = 230.0;
const HANDSHAKES_HEIGHT: f64 = 110.0;
/// Between two plots: room for the title of the lower one.
const BETWEEN: f64 = 46.0;
const LINE: f64 = 17.0;
/// At most so many points a line: fewer, where each is a mean.
const MEANS: usize = 200;
const PEAKS: usize = 360;
/// How long the piece of its line is that stands before a name.
const SAMPLE: f64 = 26.0;

const fn dashes(kind: Kind) -> &'static str {
    match kind {
        Kind::Failback => "none",
        Kind::Sticky => "1.5 4",
        Kind::FixedCooldown => "8 4",
        Kind::AlwaysRetry => "12 3 2 3",
    }
}

/// One plot: where it is, and how much its full height stands for.
#[derive(Clone, Copy)]
struct Panel {
    top: f64,
    height: f64,
    full: f64,
    /// In buckets.
    width: f64,
}

impl Panel {
    fn x(&self, bucket: f64) -> f64 {
        LEFT + (RIGHT - LEFT) * bucket / self.width
    }

    fn y(&self, value: f64) -> f64 {
        self.bottom() - self.height * (value / self.full).clamp(0.0, 1.0)
    }

    fn bottom(&self) -> f64 {
        self.top + self.height
    }
}

/// The whole plot as SVG.
pub(super) fn draw(plan: &Plan, reports: &[Report]) -> String {
    let buckets = reports.iter().map(|report| report.buckets.len()).max().unwrap_or(1).max(1);
    let (each, peaks_each) = (buckets.div_ceil(MEANS), buckets.div_ceil(PEAKS));
    let width = buckets as f64;
    let scene = scene(plan);
    let top = 40.0 + LINE * scene.len() as f64 + 34.0 + LINE;
    let share = Panel { top, height: SHARE_HEIGHT, full: 1.0, width };
    let highest = reports.iter().map(|report| Rate::of(&report.buckets).peak).fold(0.1, f64::max);
    let handshakes = |number: usize| {
        let above = number as f64 * (HANDSHAKES_HEIGHT + BETWEEN);
        let top = share.bottom() + BETWEEN + above;
        Panel { top, height: HANDSHAKES_HEIGHT, full: highest * 1.08, width }
    };
    let bottom = reports.len().checked_sub(1).map_or(share.bottom(), |last| handshakes(last).bottom());
    let mut canvas = Canvas::new(WIDTH, bottom + 46.0);

    canvas.heading(LEFT, 26.0, "Turns on WebSocket, and handshakes at the server");
    for (line, number) in scene.iter().zip(0_u8..) {
        canvas.text(LEFT, 46.0 + LINE * f64::from(number), Anchor::Start, line);
    }

    outages(&mut canvas, plan, &share, true);
    canvas.title(LEFT, share.top - 8.0 - LINE, "share of turns on WebSocket");
    for percent in [0_u8, 25, 50, 75, 100] {
        canvas.level(LEFT, RIGHT, share.y(f64::from(percent) / 100.0), &format!("{percent} %"));
    }
    let mut ends = Vec::new();
    // The most important one on top.
    for report in reports.iter().rev() {
        let points: Vec<(f64, f64)> = report
            .rows(each)
            .zip(0_u32..)
            .filter_map(|(row, number)| {
                let on_websocket = Turns::of(row).on_websocket()?;
                let middle = f64::from(number) * each as f64 + row.len() as f64 / 2.0;
                Some((share.x(middle), share.y(on_websocket)))
            })
            .collect();
        canvas.line(&points, report.kind.as_str(), "share", dashes(report.kind));
        if let Some((_, y)) = points.last() {
            ends.push((*y, report.kind));
        }
    }
    ends.reverse();
    for (y, kind) in apart(ends, LINE, share.bottom()) {
        let from = RIGHT + 8.0;
        canvas.sample(from, from + SAMPLE, y, dashes(kind));
        canvas.text(from + SAMPLE + 6.0, y + 4.0, Anchor::Start, kind.title());
    }

    for (number, report) in reports.iter().enumerate() {
        let panel = handshakes(number);
        outages(&mut canvas, plan, &panel, false);
        let title = format!("{}: handshakes a second", report.kind.title());
        canvas.title(LEFT, panel.top - 8.0, &title);
        let step = round_step(panel.full, 3.0);
        let mut level = 0.0;
        while level <= panel.full {
            canvas.level(LEFT, RIGHT, panel.y(level), &mark(level));
            level += step;
        }
        bars(&mut canvas, &panel, report, peaks_each);
        if let Some(line) = peaks(report) {
            canvas.text(RIGHT, panel.top - 8.0, Anchor::End, &line);
        }
        times(&mut canvas, &panel, plan.world.length, number + 1 == reports.len());
    }
    times(&mut canvas, &share, plan.world.length, false);
    canvas.finish()
}

/// A round number, without what is not needed of it.
fn mark(level: f64) -> String {
    let text = rate(level);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// How much more than usual comes after the outages, of the first few.
fn peaks(report: &Report) -> Option<String> {
    let after = report.periods.iter().filter(|period| period.period.part == Part::After);
    let rates = after.map(|period| period.handshakes).take(2);
    let peaks: Vec<String> = rates
        .filter_map(|handshakes| Some(format!("{} ({:.2})", rate(handshakes.peak), handshakes.ratio()?)))
        .collect();
    (!peaks.is_empty()).then(|| format!("peak after the outage (times the mean): {}", peaks.join(", ")))
}

/// The highest of the buckets at each point, so that no peak is lost.
fn bars(canvas: &mut Canvas, panel: &Panel, report: &Report, each: usize) {
    let mut points = vec![(panel.x(0.0), panel.bottom())];
    let mut at = 0;
    for row in report.rows(each) {
        let y = panel.y(Rate::of(row).peak);
        points.push((panel.x(at as f64), y));
        at += row.len();
        points.push((panel.x(at as f64), y));
    }
    points.push((panel.x(at as f64), panel.bottom()));
    canvas.area(&points, report.kind.as_str(), "handshakes");
}

fn outages(canvas: &mut Canvas, plan: &Plan, panel: &Panel, named: bool) {
    for (begin, end) in plan.world.schedule.spells() {
        let x = |at: u64| panel.x((at as f64 / BUCKET as f64).min(panel.width));
        let (from, until) = (x(begin), x(end));
        canvas.shade(from, panel.top, (until - from).max(1.0), panel.height);
        if named {
            canvas.text((from + until) / 2.0, panel.top - 8.0, Anchor::Middle, "outage");
        }
    }
}

fn times(canvas: &mut Canvas, panel: &Panel, length: u64, named: bool) {
    let step = time_step(length);
    let mut at = 0;
    while at <= length {
        let x = panel.x(at as f64 / BUCKET as f64);
        canvas.tick(x, panel.bottom());
        if named {
            canvas.text(x, panel.bottom() + 20.0, Anchor::Middle, &Span::from_nanos(at).to_string());
        }
        at += step;
    }
    if named {
        canvas.text((LEFT + RIGHT) / 2.0, panel.bottom() + 38.0, Anchor::Middle, "time since the start");
    }
}

/// Moves names that would overlap apart, in their order, none below the bottom.
fn apart<T>(mut names: Vec<(f64, T)>, least: f64, bottom: f64) -> Vec<(f64, T)> {
    names.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let mut free = f64::NEG_INFINITY;
    for (y, _) in &mut names {
        *y = y.max(free);
        free = *y + least;
    }
    let mut free = bottom;
    for (y, _) in names.iter_mut().rev() {
        *y = y.min(free);
        free = *y - least;
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_short() {
        for (level, text) in [(0.0, "0"), (0.5, "0.5"), (20.0, "20"), (100.0, "100"), (2000.0, "2,000")] {
            assert_eq!(mark(level), text);
        }
    }

    #[test]
    fn names_do_not_overlap() {
        let moved = |ys: &[f64]| -> Vec<f64> {
            apart(ys.iter().map(|y| (*y, ())).collect(), 10.0, 100.0).into_iter().map(|(y, ())| y).collect()
        };
        assert_eq!(moved(&[50.0, 20.0]), [20.0, 50.0]);
        assert_eq!(moved(&[20.0, 20.0, 25.0]), [20.0, 30.0, 40.0]);
        assert_eq!(moved(&[100.0, 99.0, 98.0]), [80.0, 90.0, 100.0]);
    }
}
