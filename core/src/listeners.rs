use std::boxed::Box;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::vec::Vec;

use crate::{Change, Mode, Policy, Status, Timestamp};

pub(crate) type Listener = Box<dyn FnMut(Change) + Send>;

/// How many changes may wait for listeners that are slower than the policy.
const MOST_UNTOLD: usize = 16;

/// Who hears of changes of mode, and what they have not been told yet.
///
/// Changes are noted while the policy is locked, and told while nothing is. One thread at a time takes the
/// listeners, tells them one change after the other, and gives them back when there is none left. So changes
/// are told in the order in which they were noted, whoever noted them.
pub(crate) struct Listeners(Mutex<Noted>);

struct Noted {
    untold: VecDeque<Change>,
    /// Those who joined while the others were taken; until then all.
    here: Vec<Listener>,
    taken: bool,
    /// How many want nobody to begin to tell.
    held: usize,
}

impl Listeners {
    /// Allocates all that telling takes later.
    pub(crate) fn new() -> Self {
        let untold = VecDeque::with_capacity(MOST_UNTOLD);
        Self(Mutex::new(Noted { untold, here: Vec::new(), taken: false, held: 0 }))
    }

    pub(crate) fn add(&self, listener: Listener) {
        self.lock().here.push(listener);
    }

    /// The policy was just asked something, and that changed its mode, which was `from` before.
    pub(crate) fn note(&self, from: Mode, policy: &Policy, now: Timestamp) {
        let Status { mode: to, retry_in, recoveries_left } = Status::of(policy, now);
        if let Some(why) = policy.trigger() {
            self.lock().push(Change { from, to, why, retry_in, recoveries_left });
        }
    }

    /// Tells the listeners what they have not been told, unless that is what somebody does already.
    pub(crate) fn tell(&self) {
        // Whoever notes a change while they are taken leaves it to this thread, which looks again after it
        // has given them back.
        while let Some(mut telling) = self.take() {
            while let Some(change) = telling.next() {
                for listener in &mut telling.taken {
                    listener(change);
                }
            }
        }
    }

    /// Nobody begins to tell until what is returned is dropped, which then tells.
    pub(crate) fn hold(&self) -> Held<'_> {
        let mut noted = self.lock();
        noted.held = noted.held.saturating_add(1);
        Held(self)
    }

    fn take(&self) -> Option<Telling<'_>> {
        let mut noted = self.lock();
        if noted.taken || noted.held > 0 || noted.untold.is_empty() {
            return None;
        }
        noted.taken = true;
        Some(Telling { of: self, taken: core::mem::take(&mut noted.here) })
    }

    fn lock(&self) -> MutexGuard<'_, Noted> {
        // Nothing that is done with it panics.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Noted {
    /// When there is no room, the newest becomes one with this: what is told goes on where it stopped.
    fn push(&mut self, change: Change) {
        let newest = if self.untold.len() < MOST_UNTOLD { None } else { self.untold.pop_back() };
        let change = Change { from: newest.map_or(change.from, |newest| newest.from), ..change };
        if change.from != change.to {
            self.untold.push_back(change);
        }
    }
}

/// The listeners, while they are told; also when one of them panics.
struct Telling<'a> {
    of: &'a Listeners,
    taken: Vec<Listener>,
}

impl Telling<'_> {
    /// The next change, for those who have joined meanwhile too.
    fn next(&mut self) -> Option<Change> {
        let mut noted = self.of.lock();
        self.taken.append(&mut noted.here);
        noted.untold.pop_front()
    }
}

impl Drop for Telling<'_> {
    fn drop(&mut self) {
        let mut noted = self.of.lock();
        self.taken.append(&mut noted.here);
        noted.here = core::mem::take(&mut self.taken);
        noted.taken = false;
    }
}

/// Keeps changes from being told.
pub(crate) struct Held<'a>(&'a Listeners);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let mut noted = self.0.lock();
        noted.held = noted.held.saturating_sub(1);
        drop(noted);
        self.0.tell();
    }
}
