use std::sync::Arc;
use std::time::{Duration, SystemTime};

use failback::{Timestamp, Transport};
use failback_client::{Connection, CredentialsRequest, Error, Item, Lost, Step, Turn};
use failback_wire::{Event, Seen};

use crate::bell::{Bell, Ringer, Stopped};
use crate::deadline::Deadline;
use crate::dialling::Dialling;
use crate::halt::Halt;
use crate::shared::Shared;
use crate::sse::HttpConn;
use crate::watch::Watch;
use crate::websocket::{Got, WsConn};

/// How often a turn that cannot be woken checks whether it was cancelled.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Carries out the steps of one turn.
pub(crate) struct Driver {
    // Dropped before the connection, so that the policy hears first that the turn was cancelled.
    turn: Turn,
    conn: Option<Conn>,
    /// A handshake that was begun ahead of the turn, which the turn waits for (R17).
    adopted: Option<Dialling>,
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
        Self { turn, conn: None, adopted: None, bell: None, ringer, shared }
    }

    /// The next item. `None` when the turn is over.
    pub(crate) fn next(&mut self) -> Result<Option<Result<Item, Error>>, Stopped> {
        if self.ringer.is_stopped() {
            return Err(Stopped);
        }
        if self.turn.is_new() {
            self.adopt();
        }
        loop {
            let done = match self.turn.step() {
                Step::Wait(until) => self.wait(until).map_err(Halt::from),
                Step::Ask { request, unless_idle } => self.ask(request, unless_idle),
                Step::Connect { transport, divert_at } => self.connect(transport, divert_at),
                Step::Send(message) => self.send(message),
                Step::Read => match self.read() {
                    Ok(Some(event)) => return Ok(Some(Ok(Item::Event(event)))),
                    read => read.map(|_| ()),
                },
                Step::Keep { completed } => {
                    self.keep(completed);
                    Ok(())
                }
                Step::Close => {
                    self.conn = None;
                    Ok(())
                }
                Step::Yield(item) => return Ok(Some(Ok(item))),
                Step::Fail(error) => return Ok(Some(Err(error))),
                Step::Done => return Ok(None),
            };
            match done {
                Ok(()) => {}
                Err(Halt::Lost(lost)) => self.fail(&lost),
                Err(Halt::Stopped) if self.ringer.is_stopped() => return Err(Stopped),
                Err(Halt::Stopped) if self.turn.deadline().is_some() => self.turn.handle_deadline(),
                Err(Halt::Stopped) => self.fail(&Lost::internal("a wait ended, and nothing had ended it")),
            }
        }
    }

    fn fail(&mut self, lost: &Lost) {
        let was_left_alone = match &self.conn {
            Some(Conn::WebSocket(_, watch)) => watch.as_ref().is_some_and(|watch| watch.was_left_alone()),
            Some(Conn::Sse(conn)) => conn.was_left_alone(),
            None => false,
        };
        if was_left_alone {
            self.turn.handle_left_alone();
        }
        self.turn.handle_failure(lost, SystemTime::now());
    }

    fn bell(&mut self) -> Result<Arc<Bell>, Halt> {
        if let Some(bell) = &self.bell {
            return Ok(Arc::clone(bell));
        }
        let (end, clock) = (self.turn.deadline(), self.shared.network.policy());
        let bell = Bell::until(end, clock, self.ringer.clone());
        let bell = bell.map_err(|error| Halt::new(Seen::Connect, error))?;
        Ok(Arc::clone(self.bell.insert(bell)))
    }

    fn wait(&mut self, until: Timestamp) -> Result<(), Stopped> {
        let left = self.shared.network.policy().time_until(until);
        match self.bell() {
            Ok(bell) => bell.wait(Some(left)),
            // The turn itself looks for its deadline.
            Err(_) => {
                std::thread::sleep(left.min(LOOK_EVERY));
                if self.ringer.is_stopped() { Err(Stopped) } else { Ok(()) }
            }
        }
    }

    /// Gives the turn credentials, or says that it needs none.
    fn ask(&mut self, request: CredentialsRequest, unless_idle: bool) -> Result<(), Halt> {
        if unless_idle && self.shared.pool.has_websocket() {
            self.turn.handle_idle_websocket();
            return Ok(());
        }
        let answer = match self.bell() {
            // It has no limit but the turn's deadline.
            Ok(bell) => self.shared.network.ask(request, &bell, &Deadline::after(Duration::MAX))?,
            Err(_) => Err("the system has nothing left to wait for the provider of credentials with".into()),
        };
        self.turn.handle_credentials(answer);
        Ok(())
    }

    /// Gives the turn a connection, or goes on without one when the head start is over (R17).
    fn connect(&mut self, transport: Transport, divert_at: Option<Timestamp>) -> Result<(), Halt> {
        let bell = self.bell()?;
        match transport {
            Transport::WebSocket => self.connect_websocket(&bell, divert_at),
            Transport::Sse => self.connect_sse(&bell),
        }
    }

    /// Begins the turn with a handshake that was begun ahead of it, if there is one.
    fn adopt(&mut self) {
        // Without a bell the turn fails when it connects, and the handshake goes on without it.
        let Ok(bell) = self.bell() else { return };
        let Some(dialling) = self.shared.take_ahead() else { return };
        let Some(left) = dialling.adopt(&bell) else { return };
        match self.turn.adopt(left) {
            Ok(()) => self.adopted = Some(dialling),
            Err(left) => dialling.leave(left, &self.shared.network, &self.shared.pool),
        }
    }

    fn connect_sse(&mut self, bell: &Arc<Bell>) -> Result<(), Halt> {
        let kept = self.shared.pool.take_http();
        let connection = Connection { reused: kept.is_some(), ..Connection::default() };
        let conn = match kept {
            Some(conn) => conn,
            None => HttpConn::connect(&self.shared.network, bell)?,
        };
        self.conn = Some(Conn::Sse(Box::new(conn)));
        self.turn.handle_connected(connection);
        Ok(())
    }

    fn connect_websocket(&mut self, bell: &Arc<Bell>, mut divert_at: Option<Timestamp>) -> Result<(), Halt> {
        let idle = self.shared.pool.take_websocket();
        if let Some(conn) = idle.filter(|conn| self.turn.can_use(conn.credentials.as_ref())) {
            return self.use_websocket(Box::new(conn), true, bell);
        }
        let dialling = match self.adopted.take() {
            Some(dialling) => dialling,
            None if !self.turn.handle_none_idle() => return Ok(()),
            None => Dialling::begin(&self.shared.network, self.turn.headers(), bell)?,
        };
        loop {
            if let Some(dialled) = dialling.take() {
                let mut conn = dialled?;
                conn.credentials = self.turn.credentials().cloned();
                return self.use_websocket(conn, false, bell);
            }
            let left = divert_at.map(|at| self.shared.network.policy().time_until(at));
            if left == Some(Duration::ZERO) {
                // R17.
                if let Some(dial) = self.turn.divert() {
                    dialling.leave(dial, &self.shared.network, &self.shared.pool);
                    return Ok(());
                }
                divert_at = None;
                continue;
            }
            bell.wait(left)?;
        }
    }

    fn use_websocket(&mut self, mut conn: Box<WsConn>, reused: bool, bell: &Arc<Bell>) -> Result<(), Halt> {
        conn.io().attach(bell).map_err(|error| Halt::new(Seen::Connect, error))?;
        self.turn.handle_connected(conn.describe(reused));
        self.turn.handle_response_headers(conn.headers().clone());
        self.conn = Some(Conn::WebSocket(conn, None));
        Ok(())
    }

    fn send(&mut self, message: String) -> Result<(), Halt> {
        let bell = self.bell()?;
        let network = &self.shared.network;
        match &mut self.conn {
            Some(Conn::WebSocket(conn, watch)) => {
                let (policy, limits) = (network.policy(), network.limits);
                let begun = Watch::new(&bell, policy, limits, Transport::WebSocket, conn.io());
                *watch = Some(Box::new(begun));
                conn.request(message)?;
            }
            Some(Conn::Sse(conn)) => {
                let headers = conn.request(network, self.turn.headers(), message, &bell)?;
                self.turn.handle_response_headers(headers);
            }
            None => return Err(Halt::internal("there is no connection to send on")),
        }
        self.turn.handle_sent();
        Ok(())
    }

    /// Reads one event of the response. It is returned if it does nothing but go to the caller.
    fn read(&mut self) -> Result<Option<Event>, Halt> {
        let got = match &mut self.conn {
            Some(Conn::WebSocket(conn, Some(watch))) => conn.read(watch)?,
            Some(Conn::Sse(conn)) => conn.read()?,
            _ => return Err(Halt::internal("there is no response to read")),
        };
        match got {
            Got::Event(event) if self.turn.passes(&event) => return Ok(Some(event)),
            Got::Event(event) => self.turn.handle_event(event, SystemTime::now),
            Got::SignOfLife => self.turn.handle_sign_of_life(),
        }
        Ok(None)
    }

    fn keep(&mut self, completed: Option<String>) {
        let pool = &self.shared.pool;
        match self.conn.take() {
            Some(Conn::WebSocket(mut conn, _)) => {
                let can_follow = conn.finish(completed);
                if can_follow {
                    pool.put_websocket(*conn);
                }
            }
            Some(Conn::Sse(conn)) => pool.put_http(*conn),
            None => {}
        }
    }
}
