//! The adapters do the same: each scenario is run with every one of them, against a peer of its own, and what
//! the caller and the peer have seen is compared, line by line.

mod allowed;
mod compare;
mod lines;
mod scene;

mod answers;
mod handshakes;
mod limits;
mod roads;
mod streams;
mod turns;

use failback_tests::{Adapter, adapters};

use crate::scene::Seen;

/// Makes a test of each of these scenarios.
#[macro_export]
macro_rules! alike {
    ($($(#[$how:meta])* $name:ident),+ $(,)?) => {
        $(
            mod $name {
                #[test]
                $(#[$how])*
                fn with_every_adapter() {
                    $crate::expect_alike(super::$name);
                }
            }
        )+
    };
}

fn expect_alike(scenario: fn(&dyn Adapter) -> Seen) {
    let seen = std::thread::scope(|scope| {
        let runs = adapters().map(|adapter| (adapter.name(), scope.spawn(move || scenario(adapter))));
        runs.map(|(name, run)| (name, run.join().expect("a scenario that runs to its end")))
    });
    let [(first, one), others @ ..] = &seen;
    assert!(!one.is_empty(), "nothing was seen");
    for (other, another) in others {
        compare::expect_equal((first, one.clone()), (other, another.clone()));
    }
}
