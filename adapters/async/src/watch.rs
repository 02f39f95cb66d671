use std::future::Future;
use std::pin::pin;
use std::task::Poll;

use failback::{SharedPolicy, Transport};
use failback_wire::{Limits, Liveness, LivenessAction, Seen};
use futures_util::future::poll_fn;

use crate::Runtime;
use crate::io::Activity;
use crate::timer::Timer;

/// Keeps watch over one stream while something of it is awaited.
pub(crate) struct Watch<R: Runtime> {
    liveness: Liveness,
    activity: Activity,
    timer: Timer<R>,
}

/// Why what was awaited is not to be awaited any longer.
pub(crate) enum Alarm {
    /// A ping is to be sent. It counts as sent.
    Ping,
    /// The stream is dead.
    Dead(Seen<'static>),
}

impl<R: Runtime> Watch<R> {
    /// Begins to watch a stream whose request is about to be sent.
    pub(crate) fn new(
        runtime: &R,
        clock: &SharedPolicy,
        limits: Limits,
        transport: Transport,
        activity: Activity,
    ) -> Self {
        activity.take();
        let liveness = Liveness::new(limits, transport, clock.now());
        Self { liveness, activity, timer: Timer::new(runtime.clone(), clock.clone()) }
    }

    pub(crate) fn handle_event(&mut self) {
        self.liveness.handle_event(self.timer.now());
    }

    pub(crate) fn handle_sign_of_life(&mut self) {
        self.liveness.handle_sign_of_life(self.timer.now());
    }

    /// Awaits `what` for as long as the stream lives. Must be safe to drop halfway, or not be awaited again.
    pub(crate) async fn over<T>(&mut self, what: impl Future<Output = T>) -> Result<T, Alarm> {
        let mut what = pin!(what);
        poll_fn(|cx| {
            // What has arrived counts before the time that has passed: a caller may have been away for long.
            if let Poll::Ready(done) = what.as_mut().poll(cx) {
                return Poll::Ready(Ok(done));
            }
            loop {
                let now = self.timer.now();
                if self.activity.take() {
                    self.liveness.handle_sign_of_life(now);
                }
                match self.liveness.poll(now) {
                    LivenessAction::Wait(until) => match self.timer.poll_until(until, cx) {
                        Poll::Ready(()) => {}
                        Poll::Pending => return Poll::Pending,
                    },
                    LivenessAction::SendPing => {
                        self.liveness.handle_ping_sent(now);
                        return Poll::Ready(Err(Alarm::Ping));
                    }
                    LivenessAction::Dead(seen) => return Poll::Ready(Err(Alarm::Dead(seen))),
                }
            }
        })
        .await
    }
}
