//! How long a policy takes, beside the circuit breakers in use today; and how much room it takes.
//!
//! First each piece on its own, then each side by side with its peers, then memory. On a machine that does
//! other things as well, read the comparison: its rounds take turns.

mod breakers;
mod contest;
mod memory;
#[path = "../scenario/mod.rs"]
mod scenario;

fn main() {
    divan::main();
    // Not for `cargo test`, and not when only some benchmarks or their names are asked for.
    if std::env::args().skip(1).eq(["--bench"]) {
        contest::print();
        memory::print();
    }
}

mod call {
    use divan::Bencher;

    use super::{breakers, scenario};

    #[divan::bench]
    fn policy(bencher: Bencher<'_, '_>) {
        bencher.bench_local(scenario::call());
    }

    #[divan::bench]
    fn reliakit_circuit(bencher: Bencher<'_, '_>) {
        bencher.bench_local(breakers::reliakit::call());
    }

    #[divan::bench]
    fn failsafe(bencher: Bencher<'_, '_>) {
        bencher.bench_local(breakers::failsafe::call());
    }

    #[divan::bench]
    fn recloser(bencher: Bencher<'_, '_>) {
        bencher.bench_local(breakers::recloser::call());
    }
}

mod event {
    use divan::Bencher;
    use failback::{Config, SharedPolicy};

    use super::scenario;

    #[divan::bench]
    fn on_websocket(bencher: Bencher<'_, '_>) {
        bencher.bench_local(scenario::event(scenario::preferred()));
    }

    #[divan::bench]
    fn on_sse(bencher: Bencher<'_, '_>) {
        bencher.bench_local(scenario::event(scenario::failed_over()));
    }

    #[divan::bench(threads = [1, 2])]
    fn shared(bencher: Bencher<'_, '_>) {
        bencher.bench(scenario::shared_event(SharedPolicy::new(Config::new())));
    }
}

mod failing_until_sse {
    use divan::Bencher;

    use super::{breakers, scenario};

    #[divan::bench]
    fn policy_stream_failures(bencher: Bencher<'_, '_>) {
        bencher.bench_local(scenario::stream_failures_until_sse());
    }

    #[divan::bench]
    fn policy_refused_handshake(bencher: Bencher<'_, '_>) {
        bencher.bench_local(scenario::refused_until_sse());
    }

    #[divan::bench]
    fn reliakit_circuit(bencher: Bencher<'_, '_>) {
        bencher.bench_local(breakers::reliakit::failures_until_open());
    }

    #[divan::bench]
    fn failsafe(bencher: Bencher<'_, '_>) {
        bencher.bench_local(breakers::failsafe::failures_until_open());
    }

    #[divan::bench]
    fn recloser(bencher: Bencher<'_, '_>) {
        bencher.bench_local(breakers::recloser::failures_until_open());
    }
}

mod decision {
    use divan::Bencher;

    use super::{breakers, scenario};

    #[divan::bench]
    fn preferred(bencher: Bencher<'_, '_>) {
        bencher.bench_local(scenario::decision(scenario::preferred()));
    }

    #[divan::bench]
    fn preferred_in_two_steps(bencher: Bencher<'_, '_>) {
        bencher.bench_local(scenario::decision_in_two_steps(scenario::preferred()));
    }

    #[divan::bench]
    fn preferred_answer(bencher: Bencher<'_, '_>) {
        bencher.bench_local(scenario::answer(scenario::preferred()));
    }

    #[divan::bench]
    fn failed_over_answer(bencher: Bencher<'_, '_>) {
        bencher.bench_local(scenario::answer(scenario::failed_over()));
    }

    #[divan::bench]
    fn preferred_dial_pending(bencher: Bencher<'_, '_>) {
        bencher.bench_local(scenario::decision(scenario::dial_pending()));
    }

    #[divan::bench]
    fn suspected(bencher: Bencher<'_, '_>) {
        bencher.bench_local(scenario::decision(scenario::suspected()));
    }

    #[divan::bench]
    fn failed_over_cooling_down(bencher: Bencher<'_, '_>) {
        bencher.bench_local(scenario::decision(scenario::failed_over()));
    }

    #[divan::bench]
    fn failed_over_probe_due(bencher: Bencher<'_, '_>) {
        bencher.bench_local(scenario::decision_to_probe());
    }

    #[divan::bench]
    fn probing(bencher: Bencher<'_, '_>) {
        bencher.bench_local(scenario::decision(scenario::probing()));
    }

    #[divan::bench]
    fn pinned(bencher: Bencher<'_, '_>) {
        bencher.bench_local(scenario::decision(scenario::pinned()));
    }

    #[divan::bench]
    fn not_ready(bencher: Bencher<'_, '_>) {
        bencher.bench_local(scenario::decision_to_wait());
    }

    #[divan::bench]
    fn reliakit_circuit_closed(bencher: Bencher<'_, '_>) {
        bencher.bench_local(breakers::reliakit::decision(breakers::reliakit::new()));
    }

    #[divan::bench]
    fn reliakit_circuit_open(bencher: Bencher<'_, '_>) {
        bencher.bench_local(breakers::reliakit::decision(breakers::reliakit::open()));
    }

    #[divan::bench]
    fn failsafe_closed(bencher: Bencher<'_, '_>) {
        bencher.bench_local(breakers::failsafe::decision(breakers::failsafe::new()));
    }

    #[divan::bench]
    fn failsafe_open(bencher: Bencher<'_, '_>) {
        bencher.bench_local(breakers::failsafe::decision(breakers::failsafe::open()));
    }

    #[divan::bench]
    fn recloser_open(bencher: Bencher<'_, '_>) {
        bencher.bench_local(breakers::recloser::decision(breakers::recloser::open()));
    }
}

/// What runs on several threads at once. A call that fails until SSE is not here: what one thread does to the
/// policy would change how much the other has to do.
mod shared_call {
    use divan::Bencher;
    use failback::{Config, SharedPolicy};

    use super::{breakers, scenario};

    #[divan::bench(threads = [1, 2])]
    fn policy(bencher: Bencher<'_, '_>) {
        bencher.bench(scenario::shared_call(SharedPolicy::new(Config::new())));
    }

    #[divan::bench(threads = [1, 2])]
    fn policy_with_a_clock_that_costs_nothing(bencher: Bencher<'_, '_>) {
        bencher.bench(scenario::shared_call(scenario::shared_with_still_clock()));
    }

    #[divan::bench(threads = [1, 2])]
    fn reliakit_circuit(bencher: Bencher<'_, '_>) {
        bencher.bench(breakers::reliakit::shared_call());
    }

    #[divan::bench(threads = [1, 2])]
    fn failsafe(bencher: Bencher<'_, '_>) {
        bencher.bench(breakers::failsafe::call());
    }

    #[divan::bench(threads = [1, 2])]
    fn recloser(bencher: Bencher<'_, '_>) {
        bencher.bench(breakers::recloser::call());
    }
}
