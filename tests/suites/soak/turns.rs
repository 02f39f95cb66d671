//! One turn, or some: how each goes, and that it ends as it should.

use std::thread;
use std::time::Duration;

use failback::Transport;
use failback_client::Error;
use failback_peer::{Gate, Turn};
use failback_tests::{Outcome, collect, read};
use failback_wire::Request;

use crate::{DEADLINE, PING_INTERVAL, PONG_TIMEOUT, Soak};

/// How long the runtime stands still now and then: longer than it takes to miss a pong.
const BEYOND_LIMITS: Duration = PING_INTERVAL.saturating_add(PONG_TIMEOUT).saturating_add(PING_INTERVAL);

impl Soak<'_> {
    fn request(&mut self) -> (String, Request) {
        self.turn += 1;
        let size = if self.dice.below(10) == 0 { self.dice.below(300_000) } else { self.dice.below(100) };
        let text = format!("{} {}", self.turn, "x".repeat(usize::try_from(size).expect("a small number")));
        let request = Request::text("m", &text);
        (text, request)
    }

    /// A turn to its end. Its text, if it completes, is its own.
    pub(crate) fn turn(&mut self) -> Outcome {
        let (text, request) = self.request();
        let outcome = collect(self.client().stream(request));
        self.judge(&text, &outcome);
        outcome
    }

    fn judge(&mut self, text: &str, outcome: &Outcome) {
        match &outcome.error {
            None if outcome.is_complete() => {
                assert_eq!(outcome.text(), format!("echo: {text}"));
                self.counts.completed += 1;
            }
            None => {
                let last = outcome.events().last().map(|event| event.kind().to_owned());
                let ends = ["response.incomplete", "response.failed"];
                assert!(last.as_deref().is_some_and(|last| ends.contains(&last)), "{outcome:?}");
                assert!(format!("echo: {text}").starts_with(&outcome.text()), "{outcome:?}");
                self.counts.ended += 1;
            }
            Some(error) => self.lost(error),
        }
    }

    /// A turn that must complete.
    pub(crate) fn good_turn(&mut self) {
        let outcome = self.turn();
        assert!(outcome.error.is_none(), "turn {}: {outcome:?}\n{}", self.turn, self.peer.journal());
    }

    /// A turn that is dropped after some items, or before the first.
    pub(crate) fn cancelled_turn(&mut self) {
        let (_, request) = self.request();
        let items = self.dice.below(6);
        let mut turn = self.client().stream(request);
        for _ in 0..items {
            match turn.next() {
                Some(Ok(_)) => {}
                Some(Err(error)) => return self.lost(&error),
                None => break,
            }
        }
        self.counts.cancelled += 1;
    }

    fn lost(&mut self, error: &Error) {
        // Some turns run at once: the journal says which one this is.
        assert!(!error.is_deadline(), "up to turn {}: {error}\n{}", self.turn, self.peer.journal());
        self.counts.failed += 1;
    }

    /// A turn in the middle of which something happens: its caller stops for a while, the runtime is blocked,
    /// or the clock jumps.
    pub(crate) fn slow_turn(&mut self) {
        let (text, request) = self.request();
        let mut turn = self.client().stream(request);
        let before = self.dice.below(4);
        let mut outcome = Outcome { items: Vec::new(), error: None };
        while let Some(item) = turn.next() {
            match item {
                Ok(item) => outcome.items.push((Duration::ZERO, item)),
                Err(error) => outcome.error = Some(error),
            }
            if outcome.items.len() as u64 == before {
                self.interfere();
            }
        }
        drop(turn);
        self.judge(&text, &outcome);
    }

    fn interfere(&mut self) {
        match self.dice.below(4) {
            // The deadline counts by the same clock.
            0 => self.jump(DEADLINE / 2),
            1 => {
                self.counts.blocked += 1;
                let time = self.dice.millis(30);
                self.client().block(time);
            }
            _ => thread::sleep(self.dice.millis(30)),
        }
    }

    /// The clock jumps: forward by up to this, as when the machine has slept, or a little back.
    pub(crate) fn jump(&mut self, at_most: Duration) {
        self.counts.clock_jumps += 1;
        let at_most = u64::try_from(at_most.as_millis()).expect("a test's worth of time");
        if self.dice.one_in(4) {
            let by = self.dice.millis(50);
            self.client().set_back(by);
        } else {
            let by = self.dice.millis(at_most);
            self.client().advance(by);
        }
    }

    /// The runtime, or the caller's thread if there is none, is blocked for longer than it takes to miss a
    /// pong, while a response is in its middle. The rest has come by the time that it goes on.
    pub(crate) fn turn_that_is_blocked(&mut self) {
        self.counts.blocked_beyond_limits += 1;
        let gate = Gate::new();
        self.peer.push_turn(Transport::WebSocket, Turn::complete().gate_before(3, &gate));
        let (text, request) = self.request();
        let mut turn = self.client().stream(request);
        let first = read(&mut *turn, 3);
        gate.open();
        self.client().block(BEYOND_LIMITS);
        let outcome = first.then(collect(turn));
        assert!(outcome.error.is_none(), "turn {}: {outcome:?}\n{}", self.turn, self.peer.journal());
        self.judge(&text, &outcome);
    }

    /// Some turns at once.
    pub(crate) fn turns_at_once(&mut self) {
        let requests: Vec<_> = (0..3).map(|_| self.request()).collect();
        let client = self.client();
        let outcomes: Vec<_> = thread::scope(|scope| {
            let running = requests
                .into_iter()
                .map(|(text, request)| scope.spawn(move || (text, collect(client.stream(request)))));
            let running: Vec<_> = running.collect();
            running.into_iter().map(|turn| turn.join().expect("a turn")).collect()
        });
        for (text, outcome) in outcomes {
            self.judge(&text, &outcome);
        }
    }
}
