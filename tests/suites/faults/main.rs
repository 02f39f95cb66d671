//! Faults that a hostile peer, a real server or a blocked runtime showed in these clients. One file a fault.

#[macro_use]
extern crate failback_tests;

mod d03_late_events;
mod d21_addresses;
