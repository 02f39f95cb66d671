//! R20: what outlives a restart.

use std::time::Duration;

use failback::{Config, Trigger};

use super::{Broken, Model, ModelMode, Span, nanos, saturate};

/// What a `Snapshot` of the policy should hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its word.
    pub mode: &'static str,
    /// How long no WebSocket attempt is made yet.
    pub retry_in: Span,
    /// Of the last conviction.
    pub cooldown: Span,
    /// Stream failures in a row.
    pub failures: u128,
    /// As `Policy::recoveries_left`.
    pub recoveries: u128,
    /// Since the last completion on WebSocket.
    pub convictions: u128,
}

impl Model {
    /// As `Policy::snapshot`, once the time has been told: what is drawn at that moment would be drawn twice.
    #[must_use]
    pub fn snapshot(&self) -> Kept {
        let (mode, retry_in) = match self.mode {
            ModelMode::Preferred => ("preferred", Span::exactly(0)),
            ModelMode::Pinned => ("pinned", Span::exactly(0)),
            ModelMode::FailedOver { retry_at, .. } => {
                let least = retry_at.least.saturating_sub(self.now);
                let most = retry_at.most.saturating_sub(self.now);
                ("failed_over", Span { least, most })
            }
            ModelMode::Suspected { by_probe: false, .. }
                if self.is_broken(Broken::R20SuspicionsAreForgotten) =>
            {
                ("preferred", Span::exactly(0))
            }
            ModelMode::Suspected { .. } | ModelMode::Probing { .. } if self.recoveries == 0 => {
                ("pinned", Span::exactly(0))
            }
            ModelMode::Suspected { .. } | ModelMode::Probing { .. } => ("failed_over", self.cooldown),
        };
        Kept {
            mode,
            retry_in,
            cooldown: self.cooldown,
            failures: self.failures.min(u16::MAX.into()),
            recoveries: self.recoveries,
            convictions: self.convictions.min(u8::MAX.into()),
        }
    }

    /// As `Policy::restore`.
    #[must_use]
    pub fn restore(
        config: Config,
        broken: Option<Broken>,
        kept: &Kept,
        elapsed: Duration,
        now: u128,
    ) -> Self {
        let mut model = Self::new(config, broken, now);
        model.failures = kept.failures;
        model.trigger = Some(Trigger::Restored);
        if kept.mode == "preferred" {
            // Nothing is held against WebSocket in this mode, whatever that came to with other settings.
            return model;
        }
        let base = nanos(config.cooldown());
        let longest = nanos(config.cooldown_max()).max(base);
        let longest = saturate(longest + longest * u128::from(config.jitter_permille()) / 1000);
        model.convictions = kept.convictions;
        model.cooldown = Span {
            least: kept.cooldown.least.clamp(base, longest),
            most: kept.cooldown.most.clamp(base, longest),
        };
        model.recoveries = match kept.mode {
            "pinned" => 0,
            _ => kept.recoveries.min(config.max_recoveries().into()),
        };
        let elapsed = match broken {
            Some(Broken::R20RestartsTakeNoTime) => 0,
            _ => nanos(elapsed),
        };
        let left = |kept: u128| kept.min(longest).saturating_sub(elapsed);
        let retry_in = Span { least: left(kept.retry_in.least), most: left(kept.retry_in.most) };
        model.mode = match model.recoveries {
            0 => ModelMode::Pinned,
            _ => ModelMode::FailedOver { retry_at: retry_in.after(now), cooling_since: None },
        };
        model
    }

    /// As `Policy::learn`.
    pub fn learn(&mut self, kept: &Kept, elapsed: Duration, now: u128) -> bool {
        self.advance(now);
        let knows_better = match self.mode {
            ModelMode::Suspected { .. } => true,
            ModelMode::Probing { .. } => !self.is_broken(Broken::R20LearnsOverProbes),
            ModelMode::Preferred => kept.mode == "preferred",
            ModelMode::FailedOver { .. } | ModelMode::Pinned => false,
        };
        if knows_better {
            return false;
        }
        let mut model = Self::restore(self.config, self.broken, kept, elapsed, self.now);
        model.budget = self.budget;
        model.sse_progress = self.sse_progress;
        let before = std::mem::replace(self, model);
        self.inherit(before);
        true
    }

    /// As `Policy::hold_probe`.
    pub fn hold_probe(&mut self, by: Duration, now: u128) {
        self.advance(now);
        let lease = match self.broken {
            Some(Broken::R20ProbesAreHeldForLong) => u128::MAX,
            _ => nanos(self.config.probe_lease()),
        };
        let until = saturate(self.now + nanos(by).min(lease));
        if let ModelMode::FailedOver { retry_at, cooling_since } = &mut self.mode {
            *retry_at = Span { least: retry_at.least.max(until), most: retry_at.most.max(until) };
            // Its end no longer tells how long the cooldown is.
            *cooling_since = None;
        }
    }

    /// The handles of the model before a restart are still around, and stale (R9, R20).
    pub fn inherit(&mut self, before: Self) {
        self.epoch = before.epoch + 1;
        self.next_id = before.next_id;
        self.calls = before.calls;
        self.attempts = before.attempts;
        self.dials = before.dials;
    }
}

impl Kept {
    /// What is left of it in a file: whole milliseconds, rounded up so that nothing becomes shorter.
    #[must_use]
    pub fn in_whole_millis(mut self) -> Self {
        for span in [&mut self.retry_in, &mut self.cooldown] {
            for nanos in [&mut span.least, &mut span.most] {
                *nanos = saturate(nanos.div_ceil(1_000_000) * 1_000_000);
            }
        }
        self
    }
}
