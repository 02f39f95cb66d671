//! `failback demo`: a scripted outage, and what a real client makes of it.

mod screen;
mod trace;
mod words;

use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use failback::{Config, Mode, Status, Transport};
use failback_peer::{Handshake, Peer, Turn};
use failback_tokio::{Client, Item, Limits, Request};

use crate::adapter;
use crate::args::DemoArgs;
use crate::error::Error;
use crate::output::paint::Ink;
use crate::output::plot::Plot;
use crate::timeline::Timeline;
use screen::Screen;
use trace::Trace;
use words::{list, measured, seconds, transport_name};

// Short enough that nobody goes away, long enough to be told apart.
const HEAD_START: Duration = Duration::from_millis(400);
const CONNECT_TIMEOUT: Duration = Duration::from_millis(1500);
const COOLDOWN: Duration = Duration::from_millis(1500);
const RECOVERIES: u8 = 2;
/// Between two turns.
const BREATH: Duration = Duration::from_millis(300);
/// Between two acts: time to read.
const INTERVAL: Duration = Duration::from_millis(900);
/// How long to wait for what should come in a second or two.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) fn run(args: &DemoArgs) -> Result<ExitCode, Error> {
    let plot = Plot::create(args.svg.as_deref())?;
    let screen = Arc::new(Mutex::new(Screen::new()));
    let runtime = adapter::runtime()?;
    let timeline = runtime.block_on(play(screen))?;
    if let Some(mut plot) = plot {
        plot.draw(&timeline.svg())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn lock(screen: &Mutex<Screen>) -> MutexGuard<'_, Screen> {
    screen.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn play(screen: Arc<Mutex<Screen>>) -> Result<Timeline, Error> {
    let peer = Peer::start();
    let answer = Turn::after(4).then_pause(Duration::from_millis(100)).then_complete();
    peer.set_turn(Transport::WebSocket, answer.clone());
    peer.set_turn(Transport::Sse, answer);
    let config = Config::new()
        .with_head_start(HEAD_START)
        .with_cooldown(COOLDOWN)
        .with_max_recoveries(RECOVERIES)
        // The same cooldowns in each run.
        .with_jitter_permille(0);
    let heard = Arc::clone(&screen);
    let trace = Trace::default();
    let client = Client::builder(peer.url())
        .observer(move |observation| lock(&heard).observation(observation))
        .record(trace.clone())
        .config(config)
        .limits(Limits::new().with_connect_timeout(CONNECT_TIMEOUT))
        .build()
        .map_err(|error| Error::Failed(error.to_string()))?;
    let mut demo = Demo { screen, peer, client, turns: Vec::new() };
    demo.introduce();
    demo.all_is_well().await?;
    demo.black_hole().await?;
    demo.recovery().await?;
    demo.refused_for_good().await?;
    let timeline = trace.timeline()?;
    demo.summary(&timeline)?;
    Ok(timeline)
}

/// How one turn went.
struct Told {
    transport: Transport,
    first_event: Duration,
}

struct Demo {
    screen: Arc<Mutex<Screen>>,
    peer: Peer,
    client: Client,
    turns: Vec<Told>,
}

impl Demo {
    fn introduce(&self) {
        let mut screen = lock(&self.screen);
        screen.heading("failback: prefer WebSocket, survive on SSE, come back");
        screen.paragraph(
            "A real client streams from a server on this machine that misbehaves on command. Each line is a \
             decision, made at that moment, and its reason.",
        );
        screen.blank();
        screen.paragraph("Times are much shorter than by default, so that it is over soon:");
        let default = Config::new();
        let row = |name: &str, here: String, usual: String, about: &str| {
            format!("{name:<11} {here:<6} default {usual:<5} {about}")
        };
        let (head_start, cooldown) = (seconds(HEAD_START), seconds(COOLDOWN));
        let usual = (seconds(default.head_start()), seconds(default.cooldown()));
        screen.line(&row("head start", head_start, usual.0, "how long a handshake may keep a turn waiting"));
        screen.line(&row("cooldown", cooldown, usual.1, "how long WebSocket is left alone; doubles"));
        let usual = default.max_recoveries().to_string();
        screen.line(&row("recoveries", RECOVERIES.to_string(), usual, "how often it is tried again in vain"));
    }

    async fn all_is_well(&mut self) -> Result<(), Error> {
        self.act(
            "All is well",
            "WebSocket is preferred. The second turn finds the connection of the first one still open, and needs \
             no handshake.",
        );
        self.turn(Transport::WebSocket).await?;
        self.pause(BREATH).await;
        self.turn(Transport::WebSocket).await
    }

    async fn black_hole(&mut self) -> Result<(), Error> {
        self.pause(INTERVAL).await;
        self.act(
            "The network black-holes WebSocket upgrades",
            "The connections break, and new handshakes are never answered: no refusal, no error, just silence. The \
             first turn gives the handshake its head start, then streams over SSE while the handshake goes on. \
             The next turn does not wait for it at all. That SSE works meanwhile is the evidence against WebSocket.",
        );
        self.peer.set_handshake(Handshake::BlackHole);
        self.cut_connections().await;
        self.turn(Transport::Sse).await?;
        self.pause(BREATH).await;
        self.turn(Transport::Sse).await?;
        self.until("the handshake to time out", |mode, _| matches!(mode, Mode::FailedOver { .. })).await?;
        self.pause(BREATH).await;
        self.turn(Transport::Sse).await
    }

    async fn recovery(&mut self) -> Result<(), Error> {
        self.pause(BREATH).await;
        self.act(
            "WebSocket works again",
            "Nobody tells the client. When the cooldown is over, one turn is the probe. It completes: WebSocket \
             is preferred again, and everything is forgiven.",
        );
        self.peer.set_handshake(Handshake::Accept);
        self.cooldown().await?;
        self.turn(Transport::WebSocket).await?;
        self.pause(BREATH).await;
        self.turn(Transport::WebSocket).await
    }

    async fn refused_for_good(&mut self) -> Result<(), Error> {
        self.pause(INTERVAL).await;
        self.act(
            "A proxy refuses WebSocket, and will for ever",
            "Each handshake is answered with 403. The turn goes on over SSE at once. Each probe that fails doubles \
             the cooldown and spends a recovery; with none left, the client stops knocking.",
        );
        self.peer.set_handshake(Handshake::status(403));
        self.cut_connections().await;
        self.turn(Transport::Sse).await?;
        self.pause(BREATH).await;
        self.turn(Transport::Sse).await?;
        for _ in 0..RECOVERIES {
            self.cooldown().await?;
            self.turn(Transport::Sse).await?;
        }
        self.until("the client to stay on SSE", |mode, _| mode == Mode::Pinned).await?;
        self.pause(BREATH).await;
        self.turn(Transport::Sse).await
    }

    fn act(&self, title: &str, story: &str) {
        lock(&self.screen).act(title, story);
    }

    async fn pause(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    /// Cuts all connections, and lets the client see it.
    async fn cut_connections(&self) {
        self.peer.drop_connections();
        self.pause(Duration::from_millis(100)).await;
    }

    /// Streams one turn, which is to be carried by this transport.
    async fn turn(&mut self, expected: Transport) -> Result<(), Error> {
        let number = self.turns.len() + 1;
        let begun = Instant::now();
        let mut first_event = None;
        let mut stream = self.client.stream(Request::text("demo", "How are you?"));
        while let Some(item) = stream.next().await {
            match item {
                Ok(Item::Event(_)) => first_event = first_event.or_else(|| Some(begun.elapsed())),
                Ok(Item::Notice(_) | Item::Restarted { .. }) => {}
                Err(error) => {
                    return Err(Error::Failed(format!("turn {number} of the demo failed: {error}")));
                }
            }
        }
        let mut screen = lock(&self.screen);
        let (Some(first_event), Some(transport)) = (first_event, screen.transport()) else {
            return Err(Error::Failed(format!("turn {number} of the demo ended without an event")));
        };
        screen.done(number, transport, first_event);
        if transport != expected {
            let (got, expected) = (transport_name(transport), transport_name(expected));
            let problem =
                format!("turn {number} of the demo was carried by {got}, and {expected} was expected");
            return Err(Error::Failed(problem));
        }
        self.turns.push(Told { transport, first_event });
        screen.check()
    }

    /// Waits until the cooldown is over.
    async fn cooldown(&self) -> Result<(), Error> {
        let Status { mode, retry_in, .. } = self.client.policy().status();
        let Some(wait) = retry_in else {
            let problem = format!("the demo expected the mode failed_over, and the client is {mode}");
            return Err(Error::Failed(problem));
        };
        lock(&self.screen).waiting(wait);
        // A little more, so that it is over and not about to be.
        self.pause(wait + Duration::from_millis(20)).await;
        Ok(())
    }

    /// Waits until the policy is as `is` says.
    async fn until(&self, what: &str, is: impl Fn(Mode, Option<Duration>) -> bool) -> Result<(), Error> {
        let begun = Instant::now();
        loop {
            let Status { mode, retry_in, .. } = self.client.policy().status();
            if is(mode, retry_in) {
                return Ok(());
            }
            if begun.elapsed() > PATIENCE {
                let problem = format!("the demo waited {} in vain for {what}", seconds(PATIENCE));
                return Err(Error::Failed(problem));
            }
            self.pause(Duration::from_millis(10)).await;
        }
    }

    fn summary(&self, timeline: &Timeline) -> Result<(), Error> {
        let over = |transport| {
            let turns = self.turns.iter().zip(1..).filter(|(told, _)| told.transport == transport);
            turns.map(|(_, number)| number).collect::<Vec<usize>>()
        };
        let (websocket, sse) = (over(Transport::WebSocket), over(Transport::Sse));
        let longest = self.turns.iter().map(|told| told.first_event).max().unwrap_or_default();
        let mode = self.client.policy().mode();
        let handshakes = self.peer.journal().handshakes();

        let mut screen = lock(&self.screen);
        screen.blank();
        screen.heading("Summary");
        let turns = self.turns.len();
        screen.fact("turns completed", &format!("{turns} of {turns}"), Ink::Plain);
        screen.fact(
            "  over WebSocket",
            &format!("{} (turns {})", websocket.len(), list(&websocket)),
            Ink::WebSocket,
        );
        screen.fact("  over SSE", &format!("{} (turns {})", sse.len(), list(&sse)), Ink::Sse);
        screen.fact("handshakes seen by the server", &handshakes.to_string(), Ink::Plain);
        screen.fact("longest wait for a first event", &measured(longest), Ink::Plain);
        screen.fact("mode at the end", mode.as_str(), Ink::Mode);
        screen.blank();
        screen.heading("The same as a timeline");
        for line in timeline.lines(screen::ROOM) {
            screen.line(&line);
        }
        screen.blank();
        screen.paragraph(
            "Pinned is not for ever: a change of network, a restart, or a turn for which SSE fails and WebSocket \
             does not, brings WebSocket back.",
        );
        screen.paragraph("To stream from an API of your own: failback stream --help");
        screen.check()
    }
}
