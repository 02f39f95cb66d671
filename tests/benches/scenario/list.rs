//! Every piece, for those who go through all of them.

use crate::scenario::*;

/// A piece by name, to be done a number of times.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) run: fn(u64),
}

pub(crate) const ALL: &[Scenario] = &[
    Scenario { name: "call", run: |times| repeat(call(), times) },
    Scenario { name: "event, on WebSocket", run: |times| repeat(event(preferred()), times) },
    Scenario { name: "event, on SSE", run: |times| repeat(event(failed_over()), times) },
    Scenario { name: "stream failures until SSE", run: |times| repeat(stream_failures_until_sse(), times) },
    Scenario { name: "refused handshake until SSE", run: |times| repeat(refused_until_sse(), times) },
    Scenario { name: "decision, preferred", run: |times| repeat(decision(preferred()), times) },
    Scenario {
        name: "decision, preferred, in two steps",
        run: |times| repeat(decision_in_two_steps(preferred()), times),
    },
    Scenario { name: "decision, dial pending", run: |times| repeat(decision(dial_pending()), times) },
    Scenario { name: "decision, suspected", run: |times| repeat(decision(suspected()), times) },
    Scenario { name: "decision, cooling down", run: |times| repeat(decision(failed_over()), times) },
    Scenario { name: "decision, probe due", run: |times| repeat(decision_to_probe(), times) },
    Scenario { name: "decision, probing", run: |times| repeat(decision(probing()), times) },
    Scenario { name: "decision, pinned", run: |times| repeat(decision(pinned()), times) },
    Scenario { name: "decision, not ready", run: |times| repeat(decision_to_wait(), times) },
    Scenario { name: "answer, preferred", run: |times| repeat(answer(preferred()), times) },
    Scenario { name: "answer, cooling down", run: |times| repeat(answer(failed_over()), times) },
    Scenario { name: "shared call", run: |times| repeat(shared_call(shared_with_still_clock()), times) },
    Scenario { name: "shared event", run: |times| repeat(shared_event(shared_with_still_clock()), times) },
    Scenario {
        name: "shared decision, cancelled",
        run: |times| repeat(shared_decision(shared_with_still_clock()), times),
    },
];
