//! The client's tracing events: each decision and each transition, as it happens.

use std::fmt;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// What the events of the client begin with.
const PREFIX: &str = "failback::";

/// One decision or transition.
#[derive(Debug)]
pub(crate) struct Decision {
    /// What it is about: the event's target without its prefix.
    pub(crate) kind: &'static str,
    fields: Map<String, Value>,
}

impl Decision {
    pub(crate) fn number(&self, field: &str) -> Option<u64> {
        self.fields.get(field)?.as_u64()
    }

    pub(crate) fn word(&self, field: &str) -> &str {
        self.fields.get(field).and_then(Value::as_str).unwrap_or_default()
    }

    pub(crate) fn is(&self, field: &str) -> bool {
        self.fields.get(field) == Some(&Value::Bool(true))
    }
}

impl Visit for Decision {
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.fields.insert(field.name().to_owned(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.fields.insert(field.name().to_owned(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.fields.insert(field.name().to_owned(), value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.insert(field.name().to_owned(), value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.fields.insert(field.name().to_owned(), format!("{value:?}").into());
    }
}

/// Hands every decision to `observe`, in the thread and at the moment in which it is made. For the whole
/// process, since an adapter may use threads of its own; only the first observer is heard.
pub(crate) fn observe(observe: impl Fn(&Decision) + Send + Sync + 'static) {
    // Fails only for the second.
    let _ = tracing::subscriber::set_global_default(Observer(observe));
}

struct Observer<F>(F);

impl<F: Fn(&Decision) + Send + Sync + 'static> Subscriber for Observer<F> {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && metadata.target().starts_with(PREFIX)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::DEBUG)
    }

    fn event(&self, event: &Event<'_>) {
        let target: &'static str = event.metadata().target();
        let Some(kind) = target.strip_prefix(PREFIX) else { return };
        let mut decision = Decision { kind, fields: Map::new() };
        event.record(&mut decision);
        (self.0)(&decision);
    }

    // Spans are never enabled.
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
