//! The [`Pair`] that applies random operations to the policy and to its model, and compares what can be
//! observed.

mod pair;

use failback::Config;
pub use failback::testing::{Clock, Edge, MadeUp, Operation, Restart, Trace, decode, traces};

pub use pair::{Disagreement, Line, Pair, Seen};

use crate::model::Broken;

/// Runs operations through a new policy and its model.
///
/// # Errors
/// The first thing that the two see differently.
pub fn run(
    config: Config,
    seed: u64,
    operations: &[Operation],
    broken: Option<Broken>,
) -> Result<Vec<Line>, Box<Disagreement>> {
    let mut pair = Pair::new(config, seed, broken);
    for operation in operations {
        pair.apply(*operation)?;
    }
    Ok(pair.into_lines())
}
