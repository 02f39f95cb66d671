//! One client after another.

use std::time::Duration;

use failback::{Config, Mode, Transport};
use failback_peer::{Gate, Handshake, Peer};
use failback_tests::{Adapter, Settings, until};

use crate::common::{COOLDOWN, convict, edit, folder, is_failed_over, make_older, now_ms, read, turn};

with_every_adapter!(
    a_conviction_outlives_the_client,
    a_handshake_that_did_not_end_before_its_client_is_not_waited_for_again,
    a_handshake_that_is_only_slow_leaves_no_doubt,
    a_response_over_websocket_ends_the_doubt,
    a_recovery_outlives_the_client,
    a_cooldown_goes_on_while_there_is_no_client,
    a_verdict_is_forgotten_after_an_hour,
    a_clock_that_was_set_back_counts_as_no_time,
    a_change_of_network_is_kept,
    the_file_is_its_owners_alone_and_holds_no_secret,
);

fn a_conviction_outlives_the_client(adapter: &dyn Adapter) {
    let (peer, path) = (Peer::start(), folder("conviction", adapter.name()).join("state.json"));
    let settings = Settings::new(&peer).default_head_start().state_file(&path);
    let first = adapter.client(settings.clone());
    convict(&peer, &*first);
    drop(first.leave());

    let second = adapter.client(settings);
    assert!(is_failed_over(&*second));
    assert_eq!(turn(&*second).moves(), [Transport::Sse]);
    let journal = peer.journal();
    assert_eq!(journal.handshakes(), 1, "{journal}");
    assert_eq!(second.state_file_problem(), None);
}

fn a_handshake_that_did_not_end_before_its_client_is_not_waited_for_again(adapter: &dyn Adapter) {
    let (peer, path) = (Peer::start(), folder("black-hole", adapter.name()).join("state.json"));
    peer.set_handshake(Handshake::BlackHole);
    let settings = Settings::new(&peer).default_head_start().state_file(&path);
    let first = adapter.client(settings.clone());
    assert_eq!(turn(&*first).moves(), [Transport::Sse]);
    assert_eq!(first.policy().mode(), Mode::Preferred, "the handshake is still under way");
    drop(first.leave());

    for _ in 0..4 {
        let next = adapter.client(settings.clone());
        assert!(is_failed_over(&*next));
        turn(&*next);
        drop(next.leave());
    }
    let journal = peer.journal();
    assert_eq!(journal.handshakes(), 1, "{journal}");
    assert_eq!(journal.transports(), [Transport::Sse; 5], "{journal}");
}

fn a_handshake_that_is_only_slow_leaves_no_doubt(adapter: &dyn Adapter) {
    let (peer, path) = (Peer::start(), folder("slow", adapter.name()).join("state.json"));
    let gate = Gate::new();
    peer.push_handshake(Handshake::hold(&gate));
    let settings = Settings::new(&peer).default_head_start().state_file(&path);
    let first = adapter.client(settings.clone());
    assert_eq!(turn(&*first).moves(), [Transport::Sse]);
    assert!(is_failed_over(&*adapter.client(settings.clone())));

    gate.open();
    until("the file to say that it opened", || read(&path)["snapshot"]["mode"] == "preferred");
    let second = adapter.client(settings);
    assert_eq!(second.policy().mode(), Mode::Preferred);
    assert_eq!(turn(&*second).moves(), []);
    assert_eq!(peer.journal().handshakes(), 2);
}

fn a_response_over_websocket_ends_the_doubt(adapter: &dyn Adapter) {
    let (peer, path) = (Peer::start(), folder("doubt", adapter.name()).join("state.json"));
    peer.push_handshake(Handshake::BlackHole);
    let settings = Settings::new(&peer).default_head_start().state_file(&path);
    let client = adapter.client(settings);
    turn(&*client);
    // Nobody waits for the handshake any more, so nothing more is heard of it.
    client.close_idle();
    until("the handshake to be given up", || client.policy().poll_timeout().is_none());
    assert_eq!(read(&path)["snapshot"]["mode"], "failed_over");
    assert_eq!(turn(&*client).moves(), [Transport::WebSocket]);
    assert_eq!(read(&path)["snapshot"]["mode"], "preferred");
}

fn a_recovery_outlives_the_client(adapter: &dyn Adapter) {
    let (peer, path) = (Peer::start(), folder("recovery", adapter.name()).join("state.json"));
    let settings = Settings::new(&peer).default_head_start().state_file(&path);
    let first = adapter.client(settings.clone());
    convict(&peer, &*first);
    first.advance(COOLDOWN);
    assert_eq!(turn(&*first).moves(), [Transport::WebSocket]);
    drop(first.leave());

    let second = adapter.client(settings);
    assert_eq!((second.policy().mode(), second.policy().recoveries_left()), (Mode::Preferred, 3));
    turn(&*second);
    assert_eq!(peer.journal().requests(Transport::WebSocket), 2);
}

fn a_cooldown_goes_on_while_there_is_no_client(adapter: &dyn Adapter) {
    let (peer, path) = (Peer::start(), folder("cooldown", adapter.name()).join("state.json"));
    let config = Config::new().with_jitter_permille(0);
    let settings = Settings::new(&peer).default_head_start().config(config).state_file(&path);
    let first = adapter.client(settings.clone());
    convict(&peer, &*first);
    drop(first.leave());

    make_older(&path, Duration::from_secs(40));
    let retry_in = adapter.client(settings.clone()).policy().status().retry_in.expect("a cooldown");
    assert!(retry_in <= Duration::from_secs(20) && !retry_in.is_zero(), "{retry_in:?}");

    make_older(&path, Duration::from_secs(60));
    let second = adapter.client(settings);
    assert_eq!(second.policy().recoveries_left(), 3);
    turn(&*second);
    assert_eq!(peer.journal().requests(Transport::WebSocket), 1, "it has probed");
    assert_eq!(second.policy().mode(), Mode::Preferred);
}

fn a_verdict_is_forgotten_after_an_hour(adapter: &dyn Adapter) {
    let (peer, path) = (Peer::start(), folder("hour", adapter.name()).join("state.json"));
    let config = Config::new().with_max_recoveries(0);
    let settings = Settings::new(&peer).default_head_start().config(config).state_file(&path);
    let first = adapter.client(settings.clone());
    peer.push_handshake(Handshake::status(403));
    turn(&*first);
    assert_eq!(first.policy().mode(), Mode::Pinned);
    drop(first.leave());

    make_older(&path, Duration::from_secs(59 * 60));
    assert_eq!(adapter.client(settings.clone()).policy().mode(), Mode::Pinned);
    make_older(&path, Duration::from_secs(60 * 60));
    let second = adapter.client(settings);
    assert_eq!((second.policy().mode(), second.state_file_problem()), (Mode::Preferred, None));
}

fn a_clock_that_was_set_back_counts_as_no_time(adapter: &dyn Adapter) {
    let (peer, path) = (Peer::start(), folder("clock", adapter.name()).join("state.json"));
    let config = Config::new().with_jitter_permille(0);
    let settings = Settings::new(&peer).default_head_start().config(config).state_file(&path);
    let first = adapter.client(settings.clone());
    convict(&peer, &*first);
    drop(first.leave());

    let later = now_ms() + 1_000_000_000;
    edit(&path, |file| {
        file["written_ms"] = later.into();
        file["decided_ms"] = later.into();
    });
    let second = adapter.client(settings.clone());
    let retry_in = second.policy().status().retry_in.expect("a cooldown");
    assert!(retry_in > Duration::from_secs(30) && retry_in <= Duration::from_secs(60), "{retry_in:?}");
    // What is decided now is newer than what was decided in the future.
    second.handle_network_change();
    assert_eq!(second.policy().mode(), Mode::Preferred);
    assert_eq!(read(&path)["snapshot"]["mode"], "preferred");
    assert!(read(&path)["written_ms"].as_u64() < Some(later));
}

fn a_change_of_network_is_kept(adapter: &dyn Adapter) {
    let (peer, path) = (Peer::start(), folder("network", adapter.name()).join("state.json"));
    let settings = Settings::new(&peer).default_head_start().state_file(&path);
    let first = adapter.client(settings.clone());
    convict(&peer, &*first);
    first.handle_network_change();
    drop(first.leave());
    assert_eq!(adapter.client(settings).policy().mode(), Mode::Preferred);
}

fn the_file_is_its_owners_alone_and_holds_no_secret(adapter: &dyn Adapter) {
    let (peer, folder) = (Peer::start(), folder("secret", adapter.name()));
    let path = folder.join("state.json");
    let mut settings = Settings::new(&peer).default_head_start().state_file(&path);
    settings.url.push_str("?api-key=hunter2");
    settings.headers.bearer("open-sesame").expect("a header");
    let client = adapter.client(settings);
    peer.push_handshake(Handshake::status(403));
    turn(&*client);

    let text = std::fs::read_to_string(&path).expect("text");
    assert!(!text.contains("hunter2") && !text.contains("open-sesame") && !text.contains('?'), "{text}");
    let port = peer.url().rsplit(':').next().map(str::to_owned).expect("a port");
    let both = format!("ws://127.0.0.1:{port}/responses http://127.0.0.1:{port}/responses");
    assert_eq!(read(&path)["endpoint"], both);
    let mut names: Vec<_> = std::fs::read_dir(&folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry"))
        .map(|entry| {
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt;
                let mode = entry.metadata().expect("metadata").permissions().mode();
                assert_eq!(mode & 0o777, 0o600, "{entry:?}");
            }
            entry.file_name()
        })
        .collect();
    names.sort();
    assert_eq!(names, ["state.json", "state.json.lock"]);
}
