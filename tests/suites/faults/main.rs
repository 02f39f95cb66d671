//! Faults that a hostile peer, a real server or a blocked runtime showed in these clients. One file a fault.

#[macro_use]
extern crate failback_tests;

mod d03_late_events;
mod d08_dead_while_idle;
mod d09_idle_websocket;
mod d16_waiting_dial;
mod d17_late_end_of_body;
mod d20_close_frames;
mod d21_addresses;
