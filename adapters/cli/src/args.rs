use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

use crate::number::{share, turns_per_hour, whole};
use crate::settings;
use crate::simulate::outage::Given;
use crate::simulate::span::Span;

/// Prefer WebSocket. Survive on SSE. Come back on your own.
///
/// Streams from a Responses API over WebSocket, falls back to Server-Sent Events when WebSocket is really at
/// fault, and comes back when it works again.
// No `Debug`: a header may be a secret.
#[derive(Parser)]
#[command(name = "failback", version, arg_required_else_help = true, max_term_width = 100)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Show what failback does in an outage: 11 seconds, no network, no key
    ///
    /// Starts a misbehaving server on loopback and streams from it with a real client, while WebSocket is
    /// black-holed, works again, and is refused for good. Each decision is printed as it happens, with its
    /// reason. Exits with 1 if anything goes otherwise than it should.
    ///
    /// At the end, all of it is shown once more as a timeline.
    ///
    /// Colours are used on a terminal, unless the environment variable NO_COLOR is set.
    Demo(DemoArgs),

    /// Stream turns from a Responses API
    ///
    /// Output text goes to stdout as it arrives, everything else to stderr. Exits with 0 if every turn
    /// completed or was ended by the server, with 1 if one failed, and with 2 for wrong usage.
    Stream(Box<StreamArgs>),

    /// Run vectors, and traces of `stream --record`, through the policy
    ///
    /// A vector is a sequence of events, and what the policy is to decide at each; a trace is the same, written
    /// down while it happened. Prints each decision with its reason, or with --timeline a picture.
    ///
    /// Exits with 1 if, with --check, anything differs or a file cannot be run to its end, and with 2 for a
    /// file that cannot be read.
    Replay(ReplayArgs),

    /// Simulate a fleet of clients in an outage, on paper
    ///
    /// Runs the policy in virtual time, one for each client, and tells how many turns WebSocket carries, what
    /// the server sees of handshakes, and how long turns wait: before, in and after each outage. There are no
    /// sockets, and a million clients for a day take about a minute. The same seed gives the same numbers.
    ///
    /// Turns arrive at random (Poisson). A handshake takes 0.1 s on average, and a first event 0.5 s. A
    /// WebSocket stays open between turns, for 55 minutes at most. When an outage begins, connections break.
    /// While it lasts, what connects is refused. The server takes any number of handshakes at once. Of the
    /// limits among the settings, connect_timeout_ms alone matters.
    Simulate(Box<SimulateArgs>),

    /// Find out what this network does to WebSocket and to SSE
    ///
    /// Takes the way of each transport step by step, as a client would: proxy, name, TCP, TLS, tunnel,
    /// upgrade, ping, idle, frame; POST. Says what was found in one sentence, what failback does then, and
    /// what you can do. Works without a key, and costs nothing without --turn.
    ///
    /// Exits with 0 if both work, with 3 if only SSE does, with 4 if only WebSocket does, with 5 if neither
    /// does, and with 2 for wrong usage. What could not be found out does not count as working; that the API
    /// wants a key (401) counts as far as it shows.
    Doctor(Box<DoctorArgs>),
}

/// What the policy and the connections are set to.
#[derive(Debug, clap::Args)]
pub(crate) struct SettingsArgs {
    /// Settings: a JSON object of the keys that --help lists
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// One setting, over those of --config; may be repeated
    ///
    /// The value is JSON, or a bare word: cooldown_ms=30000, replay=restart
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
}

/// How to reach the server, and as whom, beside its URL.
// No `Debug`: a header may be a secret.
#[derive(clap::Args)]
pub(crate) struct ServerArgs {
    /// Base URL of the WebSocket, if it is another one
    #[arg(long, value_name = "URL")]
    pub(crate) ws_url: Option<String>,

    /// A header to send with every request and handshake; may be repeated
    #[arg(long = "header", value_name = "K: V")]
    pub(crate) headers: Vec<String>,

    /// Send the API key in this environment variable as a bearer token [default: no key]
    ///
    /// A key is never sent in plain text (http or ws) to another host than this one.
    #[arg(long, value_name = "VAR")]
    pub(crate) api_key_env: Option<String>,

    /// Reach the server through this proxy [default: the environment's]
    ///
    /// It is http://host:port, https://, socks5:// or socks5h://, perhaps with user:password@ before the
    /// host. The environment names one in https_proxy, http_proxy or all_proxy.
    #[arg(long, value_name = "URL")]
    pub(crate) proxy: Option<String>,

    /// Hosts to reach without a proxy, separated by commas; `*` is every host [default: the environment's
    /// no_proxy, and none with --proxy]
    #[arg(long, value_name = "LIST")]
    pub(crate) no_proxy: Option<String>,
}

#[derive(clap::Args)]
#[command(after_long_help = settings::help(), allow_negative_numbers = true)]
pub(crate) struct StreamArgs {
    /// Base URL of the API, e.g. https://api.openai.com/v1; gives both transports
    #[arg(long, value_name = "URL")]
    pub(crate) url: String,

    #[command(flatten)]
    pub(crate) server: ServerArgs,

    /// Which client to stream with
    #[arg(long, value_enum, default_value_t = Adapter::Tokio)]
    pub(crate) adapter: Adapter,

    /// How many turns to stream, one after another, through one client
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = whole(1..=u64::MAX))]
    pub(crate) turns: u64,

    /// How long to wait between two turns, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0, value_parser = whole(0..=u64::MAX))]
    pub(crate) pause_ms: u64,

    /// Open the WebSocket before the first turn, and wait until that has succeeded or failed
    #[arg(long, conflicts_with = "sse_only")]
    pub(crate) warm_up: bool,

    /// What to ask in each turn
    #[arg(long, value_name = "TEXT", default_value = "Say hello.", conflicts_with = "body")]
    pub(crate) input: String,

    /// A JSON object to send as the body of each turn, as it is; `-` reads stdin
    #[arg(long, value_name = "FILE")]
    pub(crate) body: Option<PathBuf>,

    /// Which model to ask [default: gpt-5, or what --body says]
    #[arg(long, value_name = "M")]
    pub(crate) model: Option<String>,

    /// How long each turn may take in all, in milliseconds; then it fails [default: no limit]
    #[arg(long, value_name = "MS", value_parser = whole(1..=u64::MAX))]
    pub(crate) deadline_ms: Option<u64>,

    /// Stream over SSE alone: open no WebSocket, not even when SSE fails
    #[arg(long)]
    pub(crate) sse_only: bool,

    /// Keep what is learned of WebSocket in this file, for the next run and for those at the same time
    ///
    /// A run then begins where the last one ended: behind a network that blocks WebSocket it does not try
    /// that again before its time. Use one file for each URL. What is wrong with it is said on stderr.
    #[arg(long, value_name = "PATH")]
    pub(crate) state_file: Option<PathBuf>,

    /// Write down what happens to the policy, as it happens: a trace, for a bug report
    ///
    /// Times, decisions and their reasons, without URL, headers and bodies. `failback replay FILE` shows it,
    /// with --timeline as a picture. A file that exists is replaced.
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) settings: SettingsArgs,

    /// Print one JSON object a line for everything that happens, as it happens
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(clap::Args)]
#[command(after_long_help = settings::help(), allow_negative_numbers = true)]
pub(crate) struct DoctorArgs {
    /// Base URL of the API, e.g. https://api.openai.com/v1; gives both transports
    #[arg(value_name = "URL")]
    pub(crate) url: String,

    #[command(flatten)]
    pub(crate) server: ServerArgs,

    /// Also stream one short turn over each transport, which costs a little
    ///
    /// Without, nothing is asked that an API answers for money: whether SSE is live or buffered stays unknown.
    #[arg(long)]
    pub(crate) turn: bool,

    /// Which model to ask with --turn [default: gpt-5]
    #[arg(long, value_name = "M", requires = "turn")]
    pub(crate) model: Option<String>,

    /// Also trust the certificates in this PEM file
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,

    /// How many seconds the WebSocket is left idle, at most a third of --timeout [default: 5, or a quarter
    /// of --timeout if that is less]
    #[arg(long, value_name = "SECONDS", value_parser = whole(0..=u64::MAX))]
    pub(crate) idle: Option<u64>,

    /// After how many seconds it is over, whatever has been found
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    #[arg(value_parser = whole(1..=3600))]
    pub(crate) timeout: u64,

    #[command(flatten)]
    pub(crate) settings: SettingsArgs,

    /// Print one JSON object instead of text
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Adapter {
    Tokio,
    Smol,
    Blocking,
}

#[derive(Debug, clap::Args)]
pub(crate) struct DemoArgs {
    /// Draw the timeline into this file too
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ReplayArgs {
    /// Compare with what each step expects, and print only what differs
    #[arg(long)]
    pub(crate) check: bool,

    /// Print one JSON object a line for each step, and one for all of them
    #[arg(long)]
    pub(crate) json: bool,

    /// Print a timeline of each file instead of its steps, as wide as the terminal, or 80 columns
    #[arg(long, conflicts_with = "json")]
    pub(crate) timeline: bool,

    /// Draw the timeline into this file; for one FILE alone
    #[arg(long, value_name = "SVG")]
    pub(crate) svg: Option<PathBuf>,

    /// Vectors or traces to run
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
}

#[derive(Debug, clap::Args)]
#[command(after_long_help = settings::help(), allow_negative_numbers = true)]
pub(crate) struct SimulateArgs {
    /// How many clients there are
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    #[arg(value_parser = whole(1..=100_000_000))]
    pub(crate) clients: u64,

    /// How long is simulated, from 1m to 31d
    #[arg(long, value_name = "TIME", default_value = "3h")]
    pub(crate) length: Span,

    /// How many turns an hour a client makes, on average
    #[arg(long, value_name = "N", default_value = "6", value_parser = turns_per_hour)]
    pub(crate) turns_per_hour: f64,

    /// How long a turn streams, on average; at most 1h
    #[arg(long, value_name = "TIME", default_value = "20s")]
    pub(crate) stream: Span,

    /// An outage that lasts LENGTH and begins at BEGIN, of websocket, sse or both; may be repeated
    ///
    /// 10m@1h, 10m@1h:websocket, 90s@30m:both. `none` is none at all.
    #[arg(long = "outage", value_name = "LENGTH@BEGIN[:OF]", default_value = "10m@1h")]
    pub(crate) outages: Vec<Given>,

    /// The share of clients behind a proxy that lets no WebSocket through, for good
    #[arg(long, value_name = "SHARE", default_value = "0", value_parser = share)]
    pub(crate) broken_share: f64,

    /// What cannot connect is not answered, until its time-out, instead of refused
    #[arg(long)]
    pub(crate) black_hole: bool,

    /// Simulate three other strategies too: SSE for ever after a failure, a cooldown of 60 s without jitter,
    /// and WebSocket first in each turn
    #[arg(long)]
    pub(crate) compare: bool,

    /// Where chance begins
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = whole(0..=u64::MAX))]
    pub(crate) seed: u64,

    /// How many threads to use; makes no difference to the numbers [default: one for each core]
    #[arg(long, value_name = "N", value_parser = whole(1..=256))]
    pub(crate) threads: Option<u64>,

    #[command(flatten)]
    pub(crate) settings: SettingsArgs,

    /// Print one JSON object, with a series for each 10 s, instead of tables
    #[arg(long)]
    pub(crate) json: bool,

    /// Draw a plot into this file
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_makes_sense() {
        Args::command().debug_assert();
    }

    /// The help of each command, for a terminal as wide as this.
    fn helps(width: usize) -> impl Iterator<Item = (String, String)> {
        let mut all = Args::command().term_width(width);
        all.build();
        let mut commands: Vec<_> = all.get_subcommands().cloned().collect();
        commands.push(all);
        commands
            .into_iter()
            .map(|mut command| (command.get_name().to_owned(), command.render_long_help().to_string()))
    }

    #[test]
    fn help_fits_into_the_terminal() {
        for width in [60, 80, 100] {
            for (name, help) in helps(width) {
                let longest = help.lines().map(|line| line.chars().count()).max();
                assert!(longest <= Some(width), "{name}, {longest:?} of {width}:\n{help}");
            }
        }
    }

    #[test]
    fn the_table_of_settings_fits_into_80_columns() {
        for (name, help) in helps(80).filter(|(_, help)| help.contains("--set")) {
            assert!(help.contains(&settings::help()), "{name}:\n{help}");
        }
    }
}
