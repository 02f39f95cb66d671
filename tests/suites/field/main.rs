//! What happened to users of clients that switch transports, and must not happen here.
//!
//! One file a failure, named after its id. Each test runs with every adapter, against a peer on loopback,
//! with default settings unless it says why not.

#[macro_use]
extern crate failback_tests;

mod f01_transient_failure_is_not_for_ever;
mod f02_black_holed_handshake;
mod f03_refused_handshake;
mod f04_reset_handshake;
mod f05_drops_after_output;
mod f06_drops_before_any_event;
mod f07_flapping;
mod f08_frames_swallowed;
mod f09_silent_in_mid_stream;
mod f10_long_thinking;
mod f11_offline;
mod f12_fallback_that_never_worked;
mod f13_too_large_for_websocket;
mod f14_connection_lifetime;
mod f15_dead_pooled_socket;
mod f16_continuation;
mod f17_request_errors;
mod f18_overload;
mod f19_handshake_server_error;
mod f20_partial_output;
mod f21_lost_probe;
mod f22_one_probe_for_all;
mod f23_spread_cooldowns;
mod f24_dropped_streams;
mod f25_concurrent_turns;
mod f26_sse_that_never_answers;
mod f27_keep_alive_comments;
mod f28_network_change;
mod f29_secrets;
mod f30_endless_input;
mod f31_refused_fallback;

use failback::Mode;
use failback_tests::TestClient;

#[track_caller]
fn assert_nothing_is_held_against_websocket(client: &dyn TestClient) {
    assert_eq!(client.policy().mode(), Mode::Preferred);
    assert_eq!(client.policy().recoveries_left(), 3);
}
