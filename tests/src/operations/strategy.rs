use failback::Config;
use proptest::collection::vec;
use proptest::prelude::{Strategy, any};

use super::{Operation, decode};

/// What a run needs.
#[derive(Clone, Debug)]
pub struct Trace {
    /// The settings.
    pub config: Config,
    /// Of the policy.
    pub seed: u64,
    /// One after another.
    pub operations: Vec<Operation>,
}

/// Traces of up to `longest` operations. A failing one shrinks to the operations that matter, since each keeps its
/// meaning when another is taken away.
pub fn traces(longest: usize) -> impl Strategy<Value = Trace> {
    // Two settings out of three are those that make most happen, so that few odd ones meet at a time.
    let setting = proptest::prop_oneof![2 => proptest::strategy::Just(0), 1 => any::<u8>()];
    let config = vec(setting, 13).prop_map(|bytes| decode::decode(&bytes).0);
    let operation = any::<[u8; 3]>().prop_map(decode::operation);
    (config, any::<u64>(), vec(operation, 0..=longest)).prop_map(|(config, seed, operations)| Trace {
        config,
        seed,
        operations,
    })
}
