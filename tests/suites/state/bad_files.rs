//! Files that cannot be used: the client goes on without, and says so.

use std::fs;
use std::path::{Path, PathBuf};

use failback::Mode;
use failback_blocking::{BuildError, Client, StateFileProblem as Problem};
use failback_peer::Peer;
use failback_tests::{Adapter, Settings};

use crate::common::{convict, edit, folder, is_failed_over, read, turn};

with_every_adapter!(
    what_cannot_be_used_is_ignored_told_and_replaced,
    a_file_that_breaks_while_the_client_runs_is_told_once_and_replaced,
    a_folder_that_takes_no_file_holds_nobody_up,
    a_folder_that_vanishes_holds_nobody_up,
);

/// A state file that says to stay away from WebSocket, and its path.
fn convicted(peer: &Peer, adapter: &dyn Adapter, test: &str) -> (PathBuf, Settings) {
    let path = folder(test, adapter.name()).join("state.json");
    let settings = Settings::new(peer).state_file(&path);
    let client = adapter.client(settings.clone());
    convict(peer, &*client);
    drop(client.leave());
    assert!(is_failed_over(&*adapter.client(settings.clone())));
    (path, settings)
}

fn what_cannot_be_used_is_ignored_told_and_replaced(adapter: &dyn Adapter) {
    type Spoil = fn(&Path);
    type Expected = fn(&Problem) -> bool;
    let cases: [(&str, Spoil, Expected); 8] = [
        ("empty", |path| fs::write(path, "").unwrap(), |problem| matches!(problem, Problem::Damaged(_))),
        ("no JSON", |path| fs::write(path, b"\xff\0").unwrap(), |p| matches!(p, Problem::Damaged(_))),
        (
            "cut off",
            |path| {
                let text = fs::read(path).unwrap();
                fs::write(path, &text[..text.len() - 7]).unwrap();
            },
            |problem| matches!(problem, Problem::Damaged(_)),
        ),
        (
            "no snapshot",
            |path| edit(path, |file| file["snapshot"]["mode"] = "suspected".into()),
            |problem| matches!(problem, Problem::Damaged(_)),
        ),
        (
            "a later version",
            |path| {
                edit(path, |file| {
                    file["version"] = 2.into();
                    file["snapshot"] = "in another form".into();
                });
            },
            |problem| *problem == Problem::Newer(2),
        ),
        (
            "other URLs",
            |path| {
                edit(path, |file| file["endpoint"] = "wss://a:443/responses https://a:443/responses".into());
            },
            |problem| matches!(problem, Problem::OtherEndpoint(other) if other.starts_with("wss://a:443/")),
        ),
        (
            "too large",
            |path| {
                let mut text = fs::read(path).unwrap();
                text.resize(64 * 1024 + 1, b' ');
                fs::write(path, text).unwrap();
            },
            |problem| *problem == Problem::TooLarge,
        ),
        ("foreign", give_away, |problem| *problem == Problem::Foreign),
    ];
    let peer = Peer::start();
    for (name, spoil, expected) in cases {
        let (path, settings) = convicted(&peer, adapter, "spoilt");
        spoil(&path);
        if name == "foreign" && !is_given_away(&path) {
            eprintln!("SKIPPED: only root can give a file away");
            continue;
        }
        let client = adapter.client(settings.clone());
        let error = client.state_file_problem().unwrap_or_else(|| panic!("{name} is told"));
        assert!(expected(error.problem()), "{name}: {error}");
        assert_eq!(error.path(), path);
        assert!(error.to_string().contains("state.json: ignored"), "{error}");
        assert_eq!(client.policy().mode(), Mode::Preferred, "{name}");

        convict(&peer, &*client);
        assert_eq!(client.state_file_problem(), None, "{name}");
        assert!(is_failed_over(&*adapter.client(settings)), "{name} is replaced");
    }
}

#[cfg(unix)]
const SOMEBODY: u32 = 12345;

#[cfg(unix)]
fn give_away(path: &Path) {
    let _only_root_can = std::os::unix::fs::chown(path, Some(SOMEBODY), None);
}

#[cfg(unix)]
fn is_given_away(path: &Path) -> bool {
    std::os::unix::fs::MetadataExt::uid(&fs::metadata(path).unwrap()) == SOMEBODY
}

#[cfg(not(unix))]
fn give_away(_: &Path) {}

#[cfg(not(unix))]
fn is_given_away(_: &Path) -> bool {
    false
}

fn a_file_that_breaks_while_the_client_runs_is_told_once_and_replaced(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let path = folder("breaks", adapter.name()).join("state.json");
    let client = adapter.client(Settings::new(&peer).state_file(&path));
    turn(&*client);
    fs::write(&path, "{").unwrap();
    turn(&*client);
    let error = client.state_file_problem().expect("it is told");
    assert!(matches!(error.problem(), Problem::Damaged(_)), "{error}");
    client.close_idle();
    convict(&peer, &*client);
    assert_eq!(client.state_file_problem(), None);
    assert_eq!(read(&path)["snapshot"]["mode"], "failed_over");
}

#[cfg(target_os = "linux")]
fn a_folder_that_takes_no_file_holds_nobody_up(adapter: &dyn Adapter) {
    let peer = Peer::start();
    // Not even root can create a file there.
    let client = adapter.client(Settings::new(&peer).state_file(Path::new("/proc/state.json")));
    assert_eq!(client.state_file_problem(), None);
    convict(&peer, &*client);
    let error = client.state_file_problem().expect("it is told");
    assert!(matches!(error.problem(), Problem::NotWritten(_)), "{error}");
    client.advance(crate::common::COOLDOWN);
    turn(&*client);
    assert_eq!(client.policy().mode(), Mode::Preferred);

    // A file is there, and whose it is cannot be told.
    let client = adapter.client(Settings::new(&peer).state_file(Path::new("/proc/version")));
    let error = client.state_file_problem().expect("it is told");
    assert!(matches!(error.problem(), Problem::Unreadable(_)), "{error}");
}

#[cfg(not(target_os = "linux"))]
fn a_folder_that_takes_no_file_holds_nobody_up(_: &dyn Adapter) {}

fn a_folder_that_vanishes_holds_nobody_up(adapter: &dyn Adapter) {
    let peer = Peer::start();
    let folder = folder("vanishes", adapter.name());
    let client = adapter.client(Settings::new(&peer).state_file(&folder.join("state.json")));
    turn(&*client);
    fs::remove_dir_all(&folder).unwrap();
    client.close_idle();
    convict(&peer, &*client);
    let error = client.state_file_problem().expect("it is told");
    assert!(matches!(error.problem(), Problem::NotWritten(_)), "{error}");
    turn(&*client);
    drop(client.leave());
}

#[test]
fn a_path_that_can_be_no_files_is_an_error_at_once() {
    let folder = folder("paths", "none");
    let cases: [(PathBuf, Problem, &str); 4] = [
        (PathBuf::new(), Problem::EmptyPath, "the path of the state file is empty"),
        (folder.clone(), Problem::NotAFile, "this is a folder"),
        (folder.join("missing/state.json"), Problem::NoFolder, "its folder does not exist"),
        (folder.join(".."), Problem::NotAFile, "this is a folder"),
    ];
    for (path, problem, text) in cases {
        let built = Client::builder("http://localhost/v1").state_file(&path).build();
        let Err(BuildError::StateFile(error)) = built else { panic!("{path:?}: {built:?}") };
        assert_eq!(*error.problem(), problem, "{path:?}");
        assert!(error.to_string().contains(text), "{error}");
    }
}
