//! A writer that fails stops the recording, and nothing else.

use failback_peer::{Handshake, Peer};
use failback_tests::{Adapter, Settings, Trace};
use failback_vector::Vector;

use crate::common::turn;

with_every_adapter!(
    a_full_disk_stops_the_recording_alone,
    a_writer_that_panics_stops_the_recording_alone,
    a_writer_that_takes_nothing_at_all,
    each_step_is_written_before_the_next,
);

fn a_full_disk_stops_the_recording_alone(adapter: &dyn Adapter) {
    stops(adapter, &Trace::with_room_for(1500));
}

fn a_writer_that_panics_stops_the_recording_alone(adapter: &dyn Adapter) {
    stops(adapter, &Trace::that_panics_after(1500));
}

fn stops(adapter: &dyn Adapter, trace: &Trace) {
    let peer = Peer::start();
    let client = adapter.client(Settings::new(&peer).record(trace));
    for _ in 0..5 {
        turn(&*client);
    }
    peer.push_handshake(Handshake::status(403));
    client.close_idle();
    for _ in 0..2 {
        turn(&*client);
    }
    drop(client);
    // Once, and then no more.
    assert_eq!((trace.text().len(), trace.refused()), (1500, 1));
    let vector = Vector::parse(&trace.text()).expect("a trace that is cut off");
    assert_eq!(vector.cut_off(), Some(vector.len() + 2));
    vector.run(|report| assert!(report.mismatches.is_empty(), "{report:?}")).expect("up to there");
}

fn a_writer_that_takes_nothing_at_all(adapter: &dyn Adapter) {
    let (peer, trace) = (Peer::start(), Trace::with_room_for(0));
    let client = adapter.client(Settings::new(&peer).record(&trace));
    turn(&*client);
    turn(&*client);
    drop(client);
    assert_eq!((trace.text().as_str(), trace.refused()), ("", 1));
}

/// A process may be killed at any time.
fn each_step_is_written_before_the_next(adapter: &dyn Adapter) {
    let (peer, trace) = (Peer::start(), Trace::default());
    let client = adapter.client(Settings::new(&peer).record(&trace));
    trace.check();
    assert_eq!(trace.steps().len(), 0);
    turn(&*client);
    trace.check();
    assert_eq!(trace.steps().len(), 2);
    assert_eq!((trace.count("call"), trace.count("complete")), (1, 1));
}
