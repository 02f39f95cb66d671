//! FNV-1a, 64 bits.

use failback::{GiveUp, Mode, Timestamp};

use crate::runner::{Said, Seen};

/// What is left of everything that was observed.
pub struct Digest(u64);

impl Default for Digest {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Digest {
    /// The digest so far.
    pub fn value(&self) -> u64 {
        self.0
    }

    /// Takes in everything there is to see.
    pub fn see(&mut self, seen: &Seen) {
        match seen.said {
            Said::Nothing => self.word("nothing"),
            Said::Misplaced => self.word("misplaced"),
            Said::Start { transport, reason, number, probe, divert_at } => {
                self.word(transport.as_str());
                self.word(reason.as_str());
                self.number(number.into());
                self.number(probe.into());
                self.time(divert_at);
            }
            Said::Wait(until) => {
                self.word("wait");
                self.time(Some(until));
            }
            Said::Done => self.word("done"),
            Said::Retry(at) => {
                self.word("retry");
                self.time(Some(at));
            }
            Said::GiveUp(why) => {
                self.word(why.as_str());
                if let GiveUp::ServerBusy { retry_after } = why {
                    self.number(retry_after.as_secs());
                    self.number(retry_after.subsec_nanos().into());
                }
            }
            Said::Diverted(ready_at) => {
                self.word("diverted");
                self.time(Some(ready_at));
            }
            Said::Dial => self.word("dial"),
        }
        self.word(seen.mode.as_str());
        match seen.mode {
            Mode::FailedOver { retry_at: at } | Mode::Probing { lease_until: at } => self.time(Some(at)),
            Mode::Preferred | Mode::Suspected | Mode::Pinned => {}
        }
        self.number(seen.recoveries_left.into());
        self.time(seen.wake_at);
    }

    fn word(&mut self, word: &str) {
        for &byte in word.as_bytes() {
            self.byte(byte);
        }
        // No word is the beginning of two.
        self.byte(0);
    }

    fn time(&mut self, at: Option<Timestamp>) {
        self.byte(at.is_some().into());
        self.number(at.unwrap_or_default().as_nanos());
    }

    fn number(&mut self, number: u64) {
        for byte in number.to_le_bytes() {
            self.byte(byte);
        }
    }

    fn byte(&mut self, byte: u8) {
        self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
}
