use proptest::collection::vec;
use proptest::prelude::{Strategy, any};
use proptest::strategy::Just;

use super::{Operation, Trace, decode};
use crate::{Config, Failure, Outcome};

/// Any settings. Two values out of three are those that make most happen, so that few odd ones meet at a
/// time.
pub fn configs() -> impl Strategy<Value = Config> {
    let setting = proptest::prop_oneof![2 => Just(0), 1 => any::<u8>()];
    vec(setting, decode::CONFIG_BYTES).prop_map(|bytes| decode::decode(&bytes).0)
}

/// Any failure, mostly of the kinds that say something about WebSocket.
pub fn failures() -> impl Strategy<Value = Failure> {
    any::<u8>().prop_map(decode::failure)
}

/// Any outcome of an attempt, mostly failures.
pub fn outcomes() -> impl Strategy<Value = Outcome> {
    (13_u8..19, any::<u8>()).prop_map(|(kind, how)| decode::outcome(kind, how))
}

/// Any operation, as often as it makes something happen.
pub fn operations() -> impl Strategy<Value = Operation> {
    any::<[u8; decode::OPERATION_BYTES]>().prop_map(decode::operation)
}

/// Traces of up to `longest` operations.
pub fn traces(longest: usize) -> impl Strategy<Value = Trace> {
    let parts = (configs(), any::<u64>(), vec(operations(), 0..=longest));
    parts.prop_map(|(config, seed, operations)| Trace { config, seed, operations })
}
