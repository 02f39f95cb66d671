//! What happens between turns, and to them: while WebSocket works, and while it does not.

use std::time::Duration;

use failback::Mode;
use failback::Transport::{self, Sse, WebSocket};
use failback_peer::{Handshake, Turn};

use crate::{PHASE, Soak};

impl Soak<'_> {
    /// Nothing that happens here is evidence against WebSocket.
    pub(crate) fn while_it_works(&mut self) {
        self.peer.clear_pushed();
        self.change_network();
        self.convicted.lock().expect("no panic").clear();
        let end = self.turn + PHASE;
        while self.turn < end {
            match self.dice.below(40) {
                0..=3 => self.cancelled_turn(),
                4 => self.peer.close_connections(1001),
                5 => self.peer.close_connections(1012),
                6 => self.peer.drop_connections(),
                7 => self.change_network(),
                8 => self.jump(Duration::from_secs(90)),
                9 if self.dice.one_in(4) => self.jump(Duration::from_secs(2 * 3_600)),
                10 => self.peer.push_turn(WebSocket, Turn::connection_limit_after(0)),
                11 if !self.stands_still => self.turns_at_once(),
                12 => self.slow_turn(),
                13 if self.dice.one_in(8) => {
                    self.peer.stop_listening();
                    self.peer.drop_connections();
                    // Neither transport works. The turn may find the socket before it ends, and fail on it.
                    self.turn();
                    self.peer.listen_again();
                }
                14 => self.client().close_idle(),
                15 if self.dice.one_in(16) => self.turn_that_is_blocked(),
                16 if self.dice.one_in(4) => self.restart_client(),
                _ => self.good_turn(),
            }
            let convicted = self.convicted.lock().expect("no panic");
            assert!(convicted.is_empty(), "turn {}: {convicted:?}\n{}", self.turn, self.peer.journal());
        }
    }

    /// Either transport fails in many ways. Afterwards WebSocket works, and is used again.
    pub(crate) fn while_it_is_broken(&mut self) {
        let end = self.turn + PHASE;
        while self.turn < end {
            let peer = self.peer.clone();
            match self.dice.below(24) {
                0 => peer.push_handshake(Handshake::status(403)),
                1 => peer.push_handshake(Handshake::status(503).header("retry-after", "0")),
                2 => peer.push_handshake(Handshake::Reset),
                3 => peer.push_handshake(Handshake::AcceptThenClose { code: 1011 }),
                4 => peer.push_handshake(Handshake::BadAccept),
                5..=14 => {
                    let transport = if self.dice.one_in(3) { Sse } else { WebSocket };
                    let fault = self.fault(transport);
                    peer.push_turn(transport, fault);
                }
                15 => self.client().advance(Duration::from_secs(30)),
                16 => peer.drop_connections(),
                17 => self.cancelled_turn(),
                18 => self.slow_turn(),
                19 if !self.stands_still => self.turns_at_once(),
                20 if self.dice.one_in(4) => self.restart_client(),
                21 if self.dice.one_in(4) => self.change_network(),
                _ => drop(self.turn()),
            }
        }
        self.peer.clear_pushed();
        self.counts.convictions += self.convicted.lock().expect("no panic").len();
        if self.client().policy().mode() == Mode::Pinned {
            self.change_network();
        }
        // It comes back by itself: at the latest with the first turns after the longest cooldown.
        self.client().advance(Duration::from_secs(30 * 60));
        self.good_turns_until_preferred();
    }

    fn change_network(&mut self) {
        self.counts.network_changes += 1;
        self.client().handle_network_change();
    }

    fn good_turns_until_preferred(&mut self) {
        for _ in 0..8 {
            self.good_turn();
            if self.client().policy().mode() == Mode::Preferred {
                self.counts.returns += 1;
                return;
            }
        }
        panic!("turn {}: it does not come back: {:?}", self.turn, self.client().policy().status());
    }

    fn fault(&mut self, transport: Transport) -> Turn {
        let count = usize::try_from(self.dice.below(8)).expect("a small number");
        match self.dice.below(14) {
            0 | 1 => Turn::drop_after(count),
            2 | 3 => Turn::reset_after(count),
            4 => Turn::close_after(count, 1011),
            5 => Turn::close_after(count, 1009),
            6 => Turn::connection_limit_after(count),
            7 => Turn::error(429, "rate_limit_exceeded", "too fast"),
            8 => Turn::error(400, "invalid_prompt", "no"),
            9 => Turn::failed("server_error"),
            10 if transport == WebSocket => Turn::after(count).then_payload("this is no event"),
            10 => Turn::after(count).then_payload("data: this is no event\n\n"),
            11 if transport == WebSocket => Turn::after(count).then_binary(b"bytes".to_vec()),
            12 => Turn::after(count).then_pause(Duration::from_millis(20)).then_keep_alive().then_complete(),
            _ => Turn::incomplete(),
        }
    }
}
