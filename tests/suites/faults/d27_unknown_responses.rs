//! The request itself builds on a response that the server does not know: there is no fuller input that could
//! be sent instead, and the same was sent seven times.

use failback::Transport;
use failback_peer::Turn;
use failback_tests::{Adapter, Settings, collect};
use failback_wire::Request;

use crate::common::{expect_refused, peer_on};

with_every_adapter!(a_response_that_the_request_names_itself_is_asked_for_once);

fn a_response_that_the_request_names_itself_is_asked_for_once(adapter: &dyn Adapter) {
    let message = "Previous response with id 'mine' not found.";
    for transport in [Transport::WebSocket, Transport::Sse] {
        let peer = peer_on(transport);
        peer.set_turn(transport, Turn::error(400, "previous_response_not_found", message));
        let client = adapter.client(Settings::new(&peer));
        let body = r#"{"model":"m","input":"hello","previous_response_id":"mine"}"#;
        let outcome = collect(client.stream(Request::from_json(body).expect("a body")));
        expect_refused(&outcome, &peer, transport, message);
    }
}
