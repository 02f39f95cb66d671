//! Carries out a turn, on whichever transport.

use std::collections::VecDeque;
use std::future::{Future, pending};

use serde_json::Value;

use crate::conn::{Conn, Gone};
use crate::journal::What;
use crate::script::Script;
use crate::turn::{Step, Turn};

/// The part of a transport that differs.
pub(crate) trait Lane {
    fn conn(&mut self) -> &mut Conn;

    /// Whatever comes before the first event, once.
    async fn headers(&mut self) -> Result<(), Gone>;

    /// From now on [`headers`](Self::headers) does nothing.
    fn no_headers(&mut self);

    async fn event(&mut self, event: &Value) -> Result<(), Gone>;

    /// The last event, and the proper end of the response.
    async fn last_event(&mut self, event: &Value) -> Result<(), Gone>;

    async fn payload(&mut self, text: &str) -> Result<(), Gone>;

    async fn binary(&mut self, bytes: &[u8]) -> Result<(), Gone>;

    async fn keep_alive(&mut self) -> Result<(), Gone>;

    /// Ends the response without a last event.
    async fn close(&mut self, code: u16, reason: &str) -> Result<(), Gone>;

    async fn status(
        &mut self,
        code: u16,
        headers: &[(String, String)],
        body: Option<&str>,
    ) -> Result<(), Gone>;

    async fn endless(&mut self, endless: Endless) -> Result<(), Gone>;

    /// Waits, and deals with what the client sends meanwhile.
    async fn idle<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Gone>;

    /// Deals with what the client has sent already.
    async fn catch_up(&mut self) -> Result<(), Gone>;
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Endless {
    Line,
    Event,
    Frame(u64),
}

/// How much of a flood is written at once.
const FLOOD: usize = 32 * 1024;

/// Whether the next step is reached.
#[derive(PartialEq)]
enum Flow {
    On,
    Over,
}

pub(crate) async fn run<L: Lane>(lane: &mut L, turn: Turn, script: Script) -> Result<(), Gone> {
    let mut run = Run { lane, script, gates: turn.gates, sent: 0 };
    let mut steps = VecDeque::from(turn.steps);
    while let Some(step) = steps.pop_front() {
        if run.step(step).await? == Flow::Over {
            return Ok(());
        }
    }
    run.step(Step::Mute(None)).await.map(drop)
}

struct Run<'a, L> {
    lane: &'a mut L,
    script: Script,
    gates: Vec<(usize, crate::Gate)>,
    sent: usize,
}

impl<L: Lane> Run<'_, L> {
    async fn step(&mut self, step: Step) -> Result<Flow, Gone> {
        match step {
            Step::Headers => self.lane.headers().await?,
            Step::NoHeaders => self.lane.no_headers(),
            Step::Script(count) => self.play(count).await?,
            Step::Gate(gate) => {
                self.lane.conn().record(What::AtGate);
                self.lane.idle(gate.pass()).await?;
            }
            Step::Pause(pause) => self.lane.idle(tokio::time::sleep(pause)).await?,
            Step::Send(event) => self.send(&event).await?,
            Step::Payload(text) => {
                self.lane.headers().await?;
                self.lane.payload(&text).await?;
            }
            Step::Raw(bytes) => {
                self.lane.headers().await?;
                self.lane.conn().write(&bytes).await?;
            }
            Step::Binary(bytes) => {
                self.lane.headers().await?;
                self.lane.binary(&bytes).await?;
            }
            Step::KeepAlive => {
                self.lane.headers().await?;
                self.lane.keep_alive().await?;
            }
            last => return self.last(last).await,
        }
        Ok(Flow::On)
    }

    async fn last(&mut self, step: Step) -> Result<Flow, Gone> {
        match step {
            Step::Complete => {
                self.play(usize::MAX).await?;
                let event = self.script.completed();
                return self.finish(&event).await;
            }
            Step::Incomplete(reason) => {
                self.play(usize::MAX).await?;
                let event = self.script.incomplete(&reason);
                return self.finish(&event).await;
            }
            Step::Failed { code, message } => {
                let event = self.script.failed(&code, &message);
                return self.finish(&event).await;
            }
            Step::Error(event) => return self.finish(&event).await,
            Step::Status { code, headers, body } => {
                self.lane.status(code, &headers, body.as_deref()).await?;
                return Ok(Flow::Over);
            }
            _ => {}
        }
        self.lane.headers().await?;
        match step {
            Step::Close { code, reason } => {
                self.lane.close(code, &reason).await?;
                return Ok(Flow::Over);
            }
            Step::Reset => return Err(self.lane.conn().reset()),
            Step::Fin => return Err(self.lane.conn().fin().await),
            Step::Stall => return Err(self.lane.conn().swallow().await),
            Step::Mute(Some(interval)) => loop {
                self.lane.keep_alive().await?;
                self.lane.idle(tokio::time::sleep(interval)).await?;
            },
            Step::EndlessLine => self.lane.endless(Endless::Line).await?,
            Step::EndlessEvent => self.lane.endless(Endless::Event).await?,
            Step::Flood(bytes) => {
                let filler = bytes.repeat((FLOOD / bytes.len().max(1)).max(1));
                self.lane.conn().stream(&filler, u64::MAX).await?;
                // What the client answered takes no memory here.
                return Err(self.lane.conn().swallow().await);
            }
            Step::EndlessFrame(bytes) => self.lane.endless(Endless::Frame(bytes)).await?,
            _ => {}
        }
        self.lane.idle(pending::<()>()).await?;
        Ok(Flow::Over)
    }

    /// The next `count` events of the script, or as many as there are before the last.
    async fn play(&mut self, count: usize) -> Result<(), Gone> {
        for _ in 0..count {
            if self.script.is_over() {
                break;
            }
            self.gates().await?;
            if let Some(event) = self.script.next() {
                self.send(&event).await?;
            }
        }
        Ok(())
    }

    async fn gates(&mut self) -> Result<(), Gone> {
        let position = self.script.position();
        for (_, gate) in self.gates.iter().filter(|(index, _)| *index == position) {
            self.lane.conn().record(What::AtGate);
            self.lane.idle(gate.pass()).await?;
        }
        Ok(())
    }

    async fn send(&mut self, event: &Value) -> Result<(), Gone> {
        self.lane.headers().await?;
        self.lane.catch_up().await?;
        self.count();
        self.lane.event(event).await
    }

    async fn finish(&mut self, event: &Value) -> Result<Flow, Gone> {
        self.gates().await?;
        self.lane.headers().await?;
        self.lane.catch_up().await?;
        self.count();
        self.lane.conn().record(What::TurnDone);
        self.lane.last_event(event).await?;
        Ok(Flow::Over)
    }

    fn count(&mut self) {
        self.sent += 1;
        self.lane.conn().record(What::Sent { count: self.sent });
    }
}
