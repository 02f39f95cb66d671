//! A WebSocket between two responses: its pings, and whether it is of use any more.

use std::time::Duration;

use failback::{Timestamp, Transport};
use failback_client::common::SECOND_LOOK;
use failback_wire::{Limits, Liveness, LivenessAction};
use tungstenite::{Bytes, Message, WebSocket};

use crate::frames::{FRAMES, Frames, is_blocked, queue};

/// Looks after a WebSocket that no turn uses.
pub(crate) struct Idle {
    /// Says when to ping, and when the peer is dead.
    liveness: Liveness,
    /// When the answer to a ping was first found missing.
    doubted_at: Option<Timestamp>,
}

impl Idle {
    pub(crate) fn new(limits: Limits, now: Timestamp) -> Self {
        // No event is awaited, so only a missing pong can show that it is dead.
        let limits = limits.with_first_event_timeout(Duration::MAX).with_idle_timeout(Duration::MAX);
        let liveness = Liveness::new(limits.with_event_timeout(None), Transport::WebSocket, now);
        Self { liveness, doubted_at: None }
    }

    /// Reads what has arrived, and pings. Returns when to do so again, or `None` if the socket is of no use
    /// any more.
    pub(crate) fn attend(&mut self, socket: &mut WebSocket<Frames>, now: Timestamp) -> Option<Timestamp> {
        let mut frames = 0_u32;
        // A peer that does not take the answer to its last ping gets no other: nothing is read before that
        // has left.
        while socket.flush().is_ok() {
            match socket.read() {
                Ok(Message::Ping(_) | Message::Pong(_)) => {
                    frames = frames.saturating_add(1);
                    if frames >= FRAMES {
                        return Some(now);
                    }
                }
                Err(error) if is_blocked(&error) => break,
                _ => return None,
            }
        }
        let io = socket.get_mut().io();
        if io.take_interrupted() {
            return Some(now);
        } else if io.socket().take_read() {
            self.liveness.handle_sign_of_life(now);
            self.doubted_at = None;
        }
        if io.write_error().is_some() {
            return None;
        }
        loop {
            match self.liveness.poll(now) {
                LivenessAction::Wait(until) => return Some(until),
                LivenessAction::SendPing => {
                    queue(socket, Message::Ping(Bytes::new())).ok()?;
                    self.liveness.handle_ping_sent(now);
                }
                LivenessAction::Dead(_) => {
                    let until = self.doubted_at.get_or_insert(now).saturating_add(SECOND_LOOK);
                    return (until > now).then_some(until);
                }
            }
        }
    }
}
