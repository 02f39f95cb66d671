//! An error comes in another shape than the API's: without a type, under another content type, without
//! framing. Taken for a failure of the transport, it was met again and again, and its message was lost.

use failback::{Mode, Transport};
use failback_peer::Turn;
use failback_tests::{Adapter, Settings};

use crate::common::{expect_echo, expect_refused, peer_on, turn};

with_every_adapter!(
    an_error_without_a_type_ends_the_turn_over_websocket,
    an_error_without_a_type_ends_the_turn_over_sse,
    an_sse_event_named_error_is_one,
    an_error_that_is_no_event_ends_the_turn,
    an_error_in_the_middle_of_a_stream_is_told,
    an_error_that_says_that_it_may_pass_is_tried_again,
);

const MESSAGE: &str = "Your account was closed. Write to {us} about it.";

fn shapes() -> [String; 8] {
    [
        format!(r#"{{"error":{{"code":"account_deactivated","message":"{MESSAGE}"}}}}"#),
        format!(r#"{{"error":{{"message":"{MESSAGE}"}}}}"#),
        format!(r#"{{"error":"{MESSAGE}"}}"#),
        format!(r#"{{"detail":"{MESSAGE}"}}"#),
        format!(r#"{{"detail":[{{"loc":["body","model"],"msg":"{MESSAGE}"}}]}}"#),
        format!(r#"{{"detail":{{"code":"deactivated_workspace","message":"{MESSAGE}"}}}}"#),
        format!(r#"{{"message":"{MESSAGE}","connectionId":"a","requestId":"b"}}"#),
        format!(r#"{{"object":"error","type":"BadRequestError","code":400,"message":"{MESSAGE}"}}"#),
    ]
}

fn an_error_without_a_type_ends_the_turn_over_websocket(adapter: &dyn Adapter) {
    for shape in shapes() {
        let peer = peer_on(Transport::WebSocket);
        peer.set_turn(Transport::WebSocket, Turn::new().then_payload(&shape));
        let client = adapter.client(Settings::new(&peer));
        expect_refused(&turn(&*client), &peer, Transport::WebSocket, MESSAGE);
        assert_eq!((client.policy().mode(), peer.journal().handshakes()), (Mode::Preferred, 1), "{shape}");
    }
}

fn an_error_without_a_type_ends_the_turn_over_sse(adapter: &dyn Adapter) {
    for shape in shapes() {
        let peer = peer_on(Transport::Sse);
        peer.set_turn(Transport::Sse, Turn::new().then_payload(format!("data: {shape}\n\n")));
        let client = adapter.client(Settings::new(&peer));
        expect_refused(&turn(&*client), &peer, Transport::Sse, MESSAGE);
    }
}

fn an_sse_event_named_error_is_one(adapter: &dyn Adapter) {
    for data in [
        format!(r#"{{"code":"account_deactivated","message":"{MESSAGE}"}}"#),
        format!(r#"{{"type":"permission","message":"{MESSAGE}"}}"#),
        format!(r#"{{"type":"invalid_request_error","message":"{MESSAGE}"}}"#),
        MESSAGE.to_owned(),
        shapes()[0].clone(),
    ] {
        let peer = peer_on(Transport::Sse);
        let event = format!("event: error\ndata: {data}\n\n");
        // The end of the body is not waited for.
        peer.set_turn(Transport::Sse, Turn::new().then_payload(event).then_mute());
        let client = adapter.client(Settings::new(&peer));
        let outcome = turn(&*client);
        if data == MESSAGE {
            // Of plain text nothing can be told but what it says.
            assert!(outcome.error.is_some_and(|error| error.to_string().contains(MESSAGE)));
        } else {
            expect_refused(&outcome, &peer, Transport::Sse, MESSAGE);
        }
    }
}

fn an_error_that_is_no_event_ends_the_turn(adapter: &dyn Adapter) {
    for shape in shapes() {
        let peer = peer_on(Transport::Sse);
        peer.set_turn(Transport::Sse, Turn::status(200).body(&shape));
        let client = adapter.client(Settings::new(&peer));
        expect_refused(&turn(&*client), &peer, Transport::Sse, MESSAGE);

        // Under the content type of a stream, on one line or on many, and with the body left open.
        for json in [shape.clone(), shape.replace(',', ",\n\n  ").replace('{', "{\n").replace("{\nus", "{us")]
        {
            let peer = peer_on(Transport::Sse);
            peer.set_turn(Transport::Sse, Turn::new().then_payload(json).then_mute());
            let client = adapter.client(Settings::new(&peer));
            expect_refused(&turn(&*client), &peer, Transport::Sse, MESSAGE);
        }
    }
}

fn an_error_in_the_middle_of_a_stream_is_told(adapter: &dyn Adapter) {
    for shape in shapes() {
        let peer = peer_on(Transport::Sse);
        peer.set_turn(
            Transport::Sse,
            Turn::after(2).then_payload(format!("{shape}\n\n")).then_close(1000, ""),
        );
        let client = adapter.client(Settings::new(&peer));
        let error = turn(&*client).error.expect("an error");
        assert!(error.to_string().contains(MESSAGE), "{error}");
        assert_eq!(peer.journal().requests(Transport::Sse), 1, "{error}");
    }
}

fn an_error_that_says_that_it_may_pass_is_tried_again(adapter: &dyn Adapter) {
    for shape in [
        r#"{"error":{"code":"server_is_overloaded"}}"#,
        r#"{"error":{"code":503}}"#,
        r#"{"message":"Internal server error"}"#,
        r#"{"detail":"Please try again."}"#,
    ] {
        for transport in [Transport::WebSocket, Transport::Sse] {
            let peer = peer_on(transport);
            let error = serde_json::from_str(shape).expect("JSON");
            peer.push_turn(transport, Turn::new().then_error_event(error));
            let client = adapter.client(Settings::new(&peer));
            expect_echo(&turn(&*client), &peer, transport, 2);
        }
    }
}
