use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use failback_peer::Peer;

use super::*;
use crate::Client;

const LONG: Duration = Duration::from_secs(10);

fn network(peer: &Peer) -> Arc<Network> {
    let client = Client::builder(peer.url()).no_proxy().build().unwrap();
    Arc::clone(client.network())
}

fn http(network: &Arc<Network>) -> HttpConn {
    HttpConn::connect(network, &Bell::new(Ringer::default()).unwrap()).unwrap()
}

fn websocket(network: &Arc<Network>) -> WsConn {
    WsConn::connect(network, network.context.headers(), &Bell::new(Ringer::default()).unwrap()).unwrap()
}

/// Nothing is kept any more, and the thread has ended.
fn ends(pool: &Pool) {
    let begun = Instant::now();
    while pool.network.threads.alive() > 0 {
        assert!(begun.elapsed() < LONG, "the thread goes on");
        thread::yield_now();
    }
    assert!(pool.lock().keeper.is_none());
}

#[test]
fn while_a_connection_is_read_nobody_waits_who_wants_another() {
    let peer = Peer::start();
    let network = network(&peer);
    let pool = Pool::new(Arc::clone(&network));
    assert!(pool.put_websocket(websocket(&network)));
    let slot = pool.lock().websocket.clone().unwrap();
    let reads = slot.lock();

    let (sender, done) = channel();
    let of_others = Arc::clone(&pool);
    thread::spawn(move || {
        for _ in 0..20 {
            // Wakes the thread of the pool, which waits for the WebSocket from then on.
            of_others.put_http(http(&network));
            of_others.hold_dial(Ringer::default());
            assert!(of_others.take_http().is_some());
            thread::sleep(Duration::from_millis(1));
        }
        sender.send(()).unwrap();
    });
    done.recv_timeout(LONG).expect("nobody waits");
    drop(reads);
    assert!(pool.take_websocket().is_some());
    ends(&pool);
}

#[test]
fn whatever_is_kept_has_a_thread_that_looks_after_it_until_it_is_taken() {
    let peer = Peer::start();
    let network = network(&peer);
    let pool = Pool::new(Arc::clone(&network));
    let mut conns: Vec<_> = (0..3).map(|_| http(&network)).collect();
    for _ in 0..50 {
        thread::scope(|scope| {
            for conn in conns.drain(..) {
                scope.spawn(|| pool.put_http(conn));
            }
        });
        assert!(pool.lock().keeper.is_some());
        assert_eq!(pool.network.threads.alive(), 1, "one thread is enough");
        thread::scope(|scope| {
            let takes: Vec<_> = (0..3).map(|_| scope.spawn(|| pool.take_http())).collect();
            conns.extend(takes.into_iter().filter_map(|take| take.join().unwrap()));
        });
        assert_eq!(conns.len(), 3, "each is taken once");
        ends(&pool);
    }
    assert!(pool.put_websocket(websocket(&network)));
    pool.close();
    ends(&pool);
    assert!(!pool.put_websocket(websocket(&network)), "the client is gone");
    ends(&pool);
}

#[test]
fn handshakes_that_are_over_are_let_go_a_few_at_a_time() {
    let mut dials = Dials::default();
    let heard: Vec<Ringer> = (0..10).map(|_| Ringer::default()).collect();
    for (number, dial) in (0_usize..).zip(heard.iter().cycle().take(1_000)) {
        let dial = if number < heard.len() { dial.clone() } else { Ringer::default() };
        drop(dials.hold(dial));
        assert!(dials.held.len() <= 2 * heard.len(), "{} after {number}", dials.held.len());
    }
    for dial in dials.held {
        dial.stop();
    }
    assert!(heard.iter().all(Ringer::is_stopped), "those under way are held");
}
