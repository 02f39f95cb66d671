use std::sync::Arc;
use std::time::{Duration, SystemTime};

use failback::{Timestamp, Transport};
use failback_client::{Connection, Error, Item, Step, Turn};
use failback_wire::Seen;

use crate::bell::{Bell, Ringer, Stopped};
use crate::dialling::Dialling;
use crate::halt::Halt;
use crate::shared::Shared;
use crate::sse::HttpConn;
use crate::watch::Watch;
use crate::websocket::{Got, WsConn};

/// How often a turn that cannot be woken looks whether it was cancelled.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Carries out the steps of one turn.
pub(crate) struct Driver {
    // Dropped before the connection: the policy hears first that the turn was cancelled.
    turn: Turn,
    conn: Option<Conn>,
    bell: Option<Arc<Bell>>,
    ringer: Ringer,
    shared: Arc<Shared>,
}

/// The connection that the turn has.
enum Conn {
    /// The watch begins with the request.
    WebSocket(Box<WsConn>, Option<Box<Watch>>),
    Sse(Box<HttpConn>),
}

impl Driver {
    pub(crate) fn new(shared: Arc<Shared>, turn: Turn, ringer: Ringer) -> Self {
        Self { turn, conn: None, bell: None, ringer, shared }
    }

    /// The next item; `None` when there is none any more.
    pub(crate) fn next(&mut self) -> Result<Option<Result<Item, Error>>, Stopped> {
        if self.ringer.is_stopped() {
            return Err(Stopped);
        }
        loop {
            match self.turn.step() {
                Step::Wait(until) => self.wait(until)?,
                Step::Connect { transport, divert_at } => self.connect(transport, divert_at)?,
                Step::Send(message) => {
                    let sent = self.send(message);
                    self.carry_on(sent, |turn, ()| turn.handle_sent())?;
                }
                Step::Read => {
                    let got = match &mut self.conn {
                        Some(Conn::WebSocket(conn, Some(watch))) => conn.read(watch),
                        Some(Conn::Sse(conn)) => conn.read(),
                        _ => Err(Seen::Reset.into()),
                    };
                    self.carry_on(got, |turn, got| match got {
                        Got::Event(event) => turn.handle_event(event, SystemTime::now()),
                        Got::SignOfLife => turn.handle_sign_of_life(),
                    })?;
                }
                Step::Keep { completed } => self.keep(completed),
                Step::Close => self.conn = None,
                Step::Yield(item) => return Ok(Some(Ok(item))),
                Step::Fail(error) => return Ok(Some(Err(error))),
                Step::Done => return Ok(None),
            }
        }
    }

    /// Tells the turn what has come of a step.
    fn carry_on<T>(
        &mut self,
        result: Result<T, Halt>,
        then: impl FnOnce(&mut Turn, T),
    ) -> Result<(), Stopped> {
        match result {
            Ok(done) => then(&mut self.turn, done),
            Err(Halt::Stopped) => return Err(Stopped),
            Err(Halt::Lost(lost)) => {
                let was_left_alone = match &self.conn {
                    Some(Conn::WebSocket(_, watch)) => {
                        watch.as_ref().is_some_and(|watch| watch.was_left_alone())
                    }
                    Some(Conn::Sse(conn)) => conn.was_left_alone(),
                    None => false,
                };
                let turn = &mut self.turn;
                if was_left_alone {
                    turn.handle_left_alone();
                }
                lost.tell(|seen, detail| turn.handle_failure(seen, detail, SystemTime::now()));
            }
        }
        Ok(())
    }

    fn bell(&mut self) -> Result<Arc<Bell>, Halt> {
        if let Some(bell) = &self.bell {
            return Ok(Arc::clone(bell));
        }
        let bell = Bell::new(self.ringer.clone()).map_err(|error| Halt::new(Seen::Connect, error))?;
        Ok(Arc::clone(self.bell.insert(bell)))
    }

    fn wait(&mut self, until: Timestamp) -> Result<(), Stopped> {
        let left = self.shared.network.policy().time_until(until);
        match self.bell() {
            Ok(bell) => bell.wait(Some(left)),
            Err(_) => {
                std::thread::sleep(left.min(LOOK_EVERY));
                if self.ringer.is_stopped() { Err(Stopped) } else { Ok(()) }
            }
        }
    }

    fn connect(&mut self, transport: Transport, divert_at: Option<Timestamp>) -> Result<(), Stopped> {
        let bell = match self.bell() {
            Ok(bell) => bell,
            Err(lost) => return self.carry_on(Err(lost), |_, ()| {}),
        };
        match transport {
            Transport::WebSocket => self.connect_websocket(&bell, divert_at),
            Transport::Sse => {
                let kept = self.shared.pool.take_http();
                let reused = kept.is_some();
                let conn = match kept {
                    Some(conn) => Ok(conn),
                    None => HttpConn::connect(&self.shared.network, &bell),
                };
                let conn = conn.map(|conn| Conn::Sse(Box::new(conn)));
                self.hand_over(conn, Connection { reused, last_completed: None })
            }
        }
    }

    fn connect_websocket(
        &mut self,
        bell: &Arc<Bell>,
        mut divert_at: Option<Timestamp>,
    ) -> Result<(), Stopped> {
        if let Some(conn) = self.shared.pool.take_websocket() {
            return self.open_websocket(Box::new(conn), true, bell);
        }
        let dialling = match Dialling::begin(&self.shared.network, bell) {
            Ok(dialling) => dialling,
            Err(lost) => return self.carry_on(Err(lost), |_, ()| {}),
        };
        loop {
            match dialling.take() {
                Some(Ok(conn)) => return self.open_websocket(conn, false, bell),
                Some(Err(lost)) => return self.carry_on(Err(lost), |_, ()| {}),
                None => {}
            }
            let left = divert_at.map(|at| self.shared.network.policy().time_until(at));
            if left == Some(Duration::ZERO) {
                // R17.
                if let Some(dial) = self.turn.divert() {
                    dialling.leave(dial, &self.shared.pool);
                    return Ok(());
                }
                divert_at = None;
                continue;
            }
            bell.wait(left)?;
        }
    }

    fn open_websocket(
        &mut self,
        mut conn: Box<WsConn>,
        reused: bool,
        bell: &Arc<Bell>,
    ) -> Result<(), Stopped> {
        let description = conn.describe(reused);
        let attached = conn.io().attach(bell).map_err(|error| Halt::new(Seen::Connect, error));
        let conn = attached.map(|()| Conn::WebSocket(conn, None));
        self.hand_over(conn, description)
    }

    fn hand_over(&mut self, conn: Result<Conn, Halt>, description: Connection) -> Result<(), Stopped> {
        let conn = conn.map(|conn| self.conn = Some(conn));
        self.carry_on(conn, |turn, ()| turn.handle_connected(description))
    }

    fn send(&mut self, message: String) -> Result<(), Halt> {
        let bell = self.bell()?;
        let network = &self.shared.network;
        match &mut self.conn {
            Some(Conn::WebSocket(conn, watch)) => {
                let (policy, limits) = (network.policy(), network.limits);
                let begun = Watch::new(&bell, policy, limits, Transport::WebSocket, conn.io());
                *watch = Some(Box::new(begun));
                conn.request(message)
            }
            Some(Conn::Sse(conn)) => conn.request(network, message, &bell),
            None => Err(Seen::Reset.into()),
        }
    }

    fn keep(&mut self, completed: Option<String>) {
        let pool = &self.shared.pool;
        match self.conn.take() {
            Some(Conn::WebSocket(mut conn, _)) => {
                let can_follow = conn.finish(completed);
                let _ = can_follow && pool.put_websocket(*conn);
            }
            Some(Conn::Sse(conn)) => pool.put_http(*conn),
            None => {}
        }
    }
}
