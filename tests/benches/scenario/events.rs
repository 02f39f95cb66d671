//! What each event of a stream goes through above its socket: read, sorted, written down, handed to the caller.

use std::hint::black_box;
use std::sync::Arc;
use std::time::SystemTime;

use failback::{Config, Failure, Blame, Stage, Transport};
use failback_client::{Connection, Context, Step, Turn};
use failback_wire::{Carried, Event, Headers, Item, Owner, Request, SseDecoder, SseItem};

use crate::delta::delta;
use crate::list::Scenario;
use crate::scenario::repeat;
