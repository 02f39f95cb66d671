//! Faults that a hostile peer, a real server or a blocked runtime showed in these clients. One file a fault.

#[macro_use]
extern crate failback_tests;

mod absences;
mod common;
mod d02_floods;
mod d03_late_events;
mod d04_late_looks;
mod d05_uploads;
mod d06_secrets_cut_in_two;
mod d07_slow_callers;
mod d08_dead_while_idle;
mod d09_idle_websocket;
mod d11_errors_in_other_shapes;
mod d12_signs_of_life;
mod d13_quotas;
mod d14_announcements;
mod d15_lasting_refusals;
mod d16_waiting_dial;
mod d17_late_end_of_body;
mod d18_requests_and_answers;
mod d19_warm_ups;
mod d20_close_frames;
mod d21_addresses;
mod d22_streams_of_another_kind;
mod d25_answers_in_mid_upload;
mod d26_refused_upgrades;
mod d27_unknown_responses;
mod d29_asked_not_to_retry;
mod event_timeout;
mod idle_timeout;
mod r08_signs_of_life;
