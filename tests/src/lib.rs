//! What the suites share: any adapter as a blocking client with a clock that can be moved forward, and what a
//! turn has come to.
//!
//! A suite is written once, against `Adapter`, and runs with each.

#[cfg(feature = "clients")]
mod adapter;
#[cfg(feature = "clients")]
mod clock;
mod dice;
#[cfg(feature = "clients")]
mod heard;
pub mod model;
pub mod operations;
#[cfg(feature = "clients")]
mod outcome;
#[cfg(feature = "clients")]
mod provider;
#[cfg(feature = "clients")]
mod settings;
#[cfg(feature = "clients")]
mod trace;
pub mod turns;
#[cfg(feature = "clients")]
mod wait;

#[cfg(feature = "clients")]
pub use adapter::{Adapter, TestClient, TestTurn, adapter, adapters};
#[cfg(feature = "clients")]
pub use clock::Shifted;
pub use dice::Dice;
#[cfg(feature = "clients")]
pub use heard::{Heard, Observer};
#[cfg(feature = "clients")]
pub use outcome::{Outcome, collect, complete, hello, read};
#[cfg(feature = "clients")]
pub use provider::{Failed, Says, TestProvider};
#[cfg(feature = "clients")]
pub use settings::{Settings, strict};
#[cfg(feature = "clients")]
pub use trace::Trace;
#[cfg(feature = "clients")]
pub use wait::until;

/// Makes a test for each adapter of functions that take one.
#[cfg(feature = "clients")]
#[macro_export]
macro_rules! with_every_adapter {
    ($($name:ident),+ $(,)?) => {
        $crate::with_adapters!([blocking, tokio, smol] $($name)+);
    };
}

/// The same, for adapters whose caller may do something else while they wait.
#[macro_export]
macro_rules! with_async_adapters {
    ($($name:ident),+ $(,)?) => {
        $crate::with_adapters!([tokio, smol] $($name)+);
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! with_adapters {
    ($adapters:tt $($name:ident)+) => {
        $($crate::with_adapters!(@one $name $adapters);)+
    };
    (@one $name:ident [$($adapter:ident),+]) => {
        mod $name {
            $(
                #[test]
                fn $adapter() {
                    super::$name($crate::adapter(stringify!($adapter)));
                }
            )+
        }
    };
}

/// The examples of the README, which are to work as printed.
#[cfg(all(doctest, feature = "clients"))]
#[doc = include_str!("../../README.md")]
pub struct Readme;

/// Those of the guide for embedders.
#[cfg(doctest)]
#[doc = include_str!("../../docs/EMBEDDING.md")]
pub struct Embedding;
