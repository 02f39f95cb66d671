//! What is to be simulated, made of what the command line says, and checked.

use std::num::NonZero;
use std::thread;

use super::kind::Kind;
use super::outage::{Given, Outage, Schedule};
use super::span::{HOUR, MINUTE, Span};
use super::world::World;
use crate::args::SimulateArgs;
use crate::error::Error;
use crate::settings::Settings;

const SHORTEST: u64 = MINUTE;
const LONGEST: u64 = 31 * 24 * HOUR;
const LONGEST_STREAM: u64 = HOUR;
const MOST_OUTAGES: usize = 100;
/// More than that takes hours.
const MOST_TURNS: f64 = 1e10;

/// The world, the strategies to be tried in it, and the threads to do it.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) world: World,
    pub(super) kinds: Vec<Kind>,
    pub(super) threads: usize,
    pub(super) turns_per_hour: f64,
}

impl Plan {
    pub(super) fn new(args: &SimulateArgs) -> Result<Self, Error> {
        let settings = Settings::read(args.settings.config.as_deref(), &args.settings.set)?;
        between("--length", args.length, SHORTEST, LONGEST)?;
        between("--stream", args.stream, 1, LONGEST_STREAM)?;
        let schedule = Schedule::new(outages(&args.outages, args.length)?);
        let kinds = if args.compare { Kind::ALL.to_vec() } else { vec![Kind::Failback] };
        let hours = args.length.nanos() as f64 / HOUR as f64;
        let turns = args.clients as f64 * args.turns_per_hour * hours * kinds.len() as f64;
        if turns > MOST_TURNS {
            let problem = format_args!(
                "about {turns:.0} turns in all are too many (--clients times --turns-per-hour times the \
                 hours of --length, for each strategy); at most {MOST_TURNS:.0} are simulated"
            );
            return Err(Error::usage("--clients", problem));
        }
        let world = World {
            clients: args.clients,
            length: args.length.nanos(),
            gap: (HOUR as f64 / args.turns_per_hour) as u64,
            stream: args.stream.nanos(),
            schedule,
            black_hole: args.black_hole,
            broken_share: args.broken_share,
            config: settings.config,
            connect_timeout: nanos(settings.limits.connect_timeout()),
            socket_life: nanos(settings.limits.websocket_lifetime()),
            seed: args.seed,
        };
        let cores = || thread::available_parallelism().map_or(1, NonZero::get);
        let threads = args.threads.and_then(|threads| usize::try_from(threads).ok()).unwrap_or_else(cores);
        Ok(Self { world, kinds, threads, turns_per_hour: args.turns_per_hour })
    }
}

fn nanos(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn between(place: &str, span: Span, least: u64, most: u64) -> Result<(), Error> {
    if (least..=most).contains(&span.nanos()) {
        return Ok(());
    }
    let most = Span::from_nanos(most);
    let problem = match least {
        1 => format!("expected more than 0s and at most {most}, got {span}"),
        _ => format!("expected from {} to {most}, got {span}", Span::from_nanos(least)),
    };
    Err(Error::usage(place, problem))
}

fn outages(given: &[Given], length: Span) -> Result<Vec<Outage>, Error> {
    let outages: Vec<Outage> = given.iter().filter_map(|given| given.0).collect();
    if outages.len() < given.len() && given.len() > 1 {
        return Err(Error::usage("--outage", "none stands alone: there are others beside it"));
    }
    if outages.len() > MOST_OUTAGES {
        let problem = format_args!("at most {MOST_OUTAGES} are simulated, got {}", outages.len());
        return Err(Error::usage("--outage", problem));
    }
    if let Some(late) = outages.iter().find(|outage| outage.begin >= length) {
        let problem = format_args!("begins at {}, when all is over (--length {length})", late.begin);
        return Err(Error::usage(format_args!("--outage {late}"), problem));
    }
    Ok(outages)
}
