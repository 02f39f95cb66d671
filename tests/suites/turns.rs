//! Turns of the client machine: whatever the network does, and in whatever order, each ends, and its caller
//! is told every event once.

use failback_tests::turns::drive;
use proptest::collection::vec;
use proptest::prelude::any;
use proptest::test_runner::{Config, TestRunner};

#[test]
fn every_turn_ends_and_tells_each_event_once() {
    let config = Config { cases: 20_000, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&vec(any::<u8>(), 0..400), |bytes| {
        drive(&bytes);
        Ok(())
    });
    outcome.expect("a consistent turn");
}
