//! A turn that begins with a handshake which was begun ahead of it.

use std::time::{Duration, SystemTime};

use failback::{Mode, Transport};
use failback_client::{LeftDial, Lost, Step};
use failback_wire::Seen;

use crate::{Client, connect};

fn ahead(client: &Client) -> LeftDial {
    LeftDial::ahead(&client.context, None).expect("nothing speaks against WebSocket")
}

#[test]
fn it_connects_with_a_head_start_of_its_own() {
    let client = Client::new(None);
    let dial = ahead(&client);
    assert!(LeftDial::ahead(&client.context, None).is_none(), "one at a time");
    client.advance(Duration::from_secs(5));
    let mut turn = client.turn();
    assert!(turn.is_new());
    turn.adopt(dial).expect("nobody has waited for it");
    assert!(!turn.is_new());
    let Step::Connect { transport: Transport::WebSocket, divert_at: Some(at) } = turn.step() else {
        panic!("it waits for the handshake")
    };
    assert_eq!(client.context.policy().time_until(at), Duration::from_secs(1));
    connect(&mut turn, Transport::WebSocket);
}

#[test]
fn a_handshake_that_fails_moves_it_to_sse() {
    let client = Client::new(None);
    let mut turn = client.turn();
    turn.adopt(ahead(&client)).expect("nobody has waited for it");
    turn.handle_failure(&Lost::new(Seen::Reset, "reset"), SystemTime::now());
    connect(&mut turn, Transport::Sse);
    assert_eq!(client.mode(), Mode::Suspected);
}

#[test]
fn it_leaves_a_late_one_for_good() {
    let client = Client::new(None);
    let mut turn = client.turn();
    turn.adopt(ahead(&client)).expect("nobody has waited for it");
    let left = turn.divert().expect("it has a head start");
    connect(&mut turn, Transport::Sse);
    let mut other = client.turn();
    let left = other.adopt(left).expect_err("somebody has waited for it");
    connect(&mut other, Transport::Sse);
    left.handle_opened();
    connect(&mut client.turn(), Transport::WebSocket);
}

#[test]
fn one_that_has_begun_adopts_none() {
    let client = Client::new(None);
    let mut turn = client.reading();
    let dial = ahead(&client);
    assert!(turn.adopt(dial).is_err());
    assert!(matches!(turn.step(), Step::Read));
}

#[test]
fn a_stale_one_goes_on_without_it() {
    let client = Client::new(None);
    let dial = ahead(&client);
    client.context.handle_network_change();
    let mut turn = client.turn();
    let dial = turn.adopt(dial).expect_err("it is of the network before");
    assert!(turn.is_new());
    connect(&mut turn, Transport::WebSocket);
    dial.handle_failure(&Lost::new(Seen::Reset, "reset"), SystemTime::now());
    assert_eq!(client.mode(), Mode::Preferred);
}

#[test]
fn those_who_wait_are_told_how_it_failed() {
    let client = Client::new(None);
    let report = ahead(&client).reporter();
    let report = report(&Lost::new(Seen::Reset, "it was reset"), SystemTime::now());
    assert_eq!(report.transport(), Transport::WebSocket);
    assert!(report.text().contains("it was reset"), "{report:?}");
    let report = ahead(&client).reporter();
    let report = report(&Lost::internal("a state that cannot be"), SystemTime::now());
    assert_eq!((report.blame(), report.text()), (None, "a state that cannot be"));
}
