use failback_tests::{Outcome, TestClient, collect};
use failback_wire::Request;

/// A turn that completes.
#[track_caller]
pub(crate) fn turn(client: &dyn TestClient) -> Outcome {
    let outcome = collect(client.stream(Request::text("m", "hello")));
    assert!(outcome.is_complete(), "{outcome:?}");
    outcome
}
