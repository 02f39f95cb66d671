//! Every client came back in the same second, and took the server down again.

use std::collections::BTreeSet;
use std::time::Duration;

use failback::{
    Blame, Config, Decision, Failure, Mode, Outcome, Policy, Stage, Timestamp, Transport, Verdict,
    random_seed,
};
use failback_peer::{Handshake, Peer};
use failback_tests::{Adapter, Settings, collect};
use failback_wire::Request;

with_every_adapter!(two_clients_that_fail_together_come_back_apart);

const CLIENTS: u64 = 1000;

/// The first cooldown, and the one after the probe failed too.
fn cooldowns(seed: u64) -> [Duration; 2] {
    let mut now = Timestamp::ZERO;
    let mut policy = Policy::new(Config::new(), seed, now);
    [(); 2].map(|()| {
        let attempt = policy.begin_call(now);
        assert_eq!(attempt.transport(), Transport::WebSocket);
        let refused = Failure::new(Blame::Transport, Stage::Connecting);
        let Verdict::Retry(call) = policy.handle_outcome(attempt, Outcome::Failed(refused), now) else {
            panic!("the call moves to SSE");
        };
        let Decision::Start(attempt) = policy.begin_attempt(call, now) else { panic!("nothing to wait for") };
        assert!(matches!(policy.handle_outcome(attempt, Outcome::Completed, now), Verdict::Done));
        let Mode::FailedOver { retry_at } = policy.mode() else { panic!("{}", policy.mode()) };
        let cooldown = retry_at.saturating_duration_since(now);
        now = retry_at;
        cooldown
    })
}

#[test]
fn cooldowns_are_spread_over_half_as_long_again() {
    for (number, base) in [(0, 60), (1, 120)] {
        let mut buckets = [0_u64; 10];
        for seed in 0..CLIENTS {
            let cooldown = cooldowns(seed)[number];
            let base = Duration::from_secs(base);
            assert!(cooldown >= base && cooldown < base * 3 / 2, "{cooldown:?}");
            buckets
                [usize::try_from((cooldown - base).as_millis() * 20 / base.as_millis()).expect("small")] += 1;
        }
        // A tenth of the clients each, give or take what chance does to a thousand.
        assert!(buckets.iter().all(|count| (60..=140).contains(count)), "{buckets:?}");
    }
}

#[test]
fn a_client_comes_back_at_its_own_time_each_time() {
    // The second cooldown is not the first one doubled: those that met once do not meet again.
    let again = (0..CLIENTS).map(cooldowns).filter(|[first, second]| *second == *first * 2).count();
    assert_eq!(again, 0);
}

#[test]
fn seeds_differ_unless_they_are_set() {
    let seeds: BTreeSet<_> = (0..100).map(|_| random_seed()).collect();
    assert_eq!(seeds.len(), 100);
}

fn two_clients_that_fail_together_come_back_apart(adapter: &dyn Adapter) {
    let peer = Peer::start();
    peer.set_handshake(Handshake::status(403));
    let waits = [1, 2].map(|seed| {
        let client = adapter.client(Settings::new(&peer).seed(seed));
        let outcome = collect(client.stream(Request::text("m", "hi")));
        assert!(outcome.is_complete(), "{outcome:?}");
        let wait = outcome.notices()[0].retry_in().expect("a cooldown");
        assert!(wait > Duration::from_secs(59) && wait < Duration::from_secs(90), "{wait:?}");
        wait
    });
    assert!(waits[0].abs_diff(waits[1]) > Duration::from_secs(1), "{waits:?}");
    let journal = peer.journal();
    assert_eq!(journal.handshakes(), 2, "{journal}");
    assert_eq!(journal.transports(), [Transport::Sse, Transport::Sse], "{journal}");
}
