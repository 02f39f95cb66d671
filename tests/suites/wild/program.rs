//! A program that this machine has, or has not: it is started for one test, on a port of its own.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a program may take to listen.
const START_TIME: Duration = Duration::from_secs(60);

/// A program that listens, until it is dropped.
pub(crate) struct Program {
    name: &'static str,
    child: Child,
    port: u16,
    dir: PathBuf,
}

/// How one is started.
pub(crate) struct Start<'a> {
    pub(crate) name: &'static str,
    /// Its arguments. In these and in the configuration, `@DIR@`, `@PORT@` and `@CONF@` stand for its folder,
    /// its port and the path of its configuration.
    pub(crate) arguments: &'a [&'a str],
    pub(crate) configuration: &'a str,
    /// What else stands for what in the configuration.
    pub(crate) words: &'a [(&'a str, &'a str)],
    /// More files of its folder: name and content.
    pub(crate) files: &'a [(&'a str, &'a str)],
}

impl Start<'_> {
    /// Starts it, and waits until it listens. `None`, with a word about it, if this machine has not got it.
    pub(crate) fn start(&self) -> Option<Program> {
        let Some(path) = find(self.name) else {
            eprintln!("SKIPPED: this machine has no {}", self.name);
            return None;
        };
        let (port, dir) = claim_port();
        // Some run as a user of their own.
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o777)).expect("a folder for everyone");
        for (name, content) in self.files {
            fs::write(dir.join(name), content).expect("a file for it");
        }
        let conf = dir.join("conf");
        let fill = |text: &str| {
            let text = self.words.iter().fold(text.to_owned(), |text, (word, with)| text.replace(word, with));
            let text = text.replace("@DIR@", &dir.to_string_lossy()).replace("@PORT@", &port.to_string());
            text.replace("@CONF@", &conf.to_string_lossy())
        };
        fs::write(&conf, fill(self.configuration)).expect("its configuration");
        let log = File::create(dir.join("output")).expect("a log");
        let child = Command::new(path)
            .args(self.arguments.iter().map(|argument| fill(argument)))
            .stdin(Stdio::null())
            .stderr(log.try_clone().expect("a log"))
            .stdout(log)
            .spawn()
            .expect("it starts");
        let mut program = Program { name: self.name, child, port, dir };
        program.wait_until_it_listens();
        Some(program)
    }
}

impl Program {
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Its name, and the version that it gives, if it gives one.
    pub(crate) fn version(&self) -> String {
        let said = Command::new(find(self.name).expect("it was started")).arg("-v").output();
        let said = said.map(|said| [said.stdout, said.stderr].concat()).unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        let is_version =
            |word: &&str| word.contains('.') && word.chars().all(|c| c.is_ascii_digit() || c == '.');
        let mut words = said.split(|c: char| c.is_whitespace() || c == '/' || c == '-');
        // An address is no version.
        let version = words.find(is_version).filter(|word| *word != "0.0.0.0").unwrap_or_default();
        format!("{} {version}", self.name).trim_end().to_owned()
    }

    /// What it wrote so far.
    pub(crate) fn output(&self) -> String {
        fs::read_to_string(self.dir.join("output")).unwrap_or_default()
    }

    /// How many requests of this method it has answered.
    pub(crate) fn answered(&self, method: &str) -> usize {
        self.output().lines().filter(|line| line.split_whitespace().any(|word| word == method)).count()
    }

    fn wait_until_it_listens(&mut self) {
        let begun = Instant::now();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        while TcpStream::connect(address).is_err() {
            let ended = self.child.try_wait().expect("its state");
            assert!(
                ended.is_none() && begun.elapsed() < START_TIME,
                "{} does not listen ({ended:?}): {}",
                self.name,
                self.output()
            );
            sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// Where this machine has it: where `tests/wild/peers/install` puts programs, or on the path. Servers are
/// often not on the path of a user.
fn find(name: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let peers = std::env::var_os("FAILBACK_PEERS").unwrap_or_else(|| "target/peers".into());
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = [root.join(peers).join("bin")].into_iter().chain(std::env::split_paths(&path));
    let folders = folders.chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    folders.map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// A port that nobody listens on, and that the system gives to nobody who asks for any port; and a folder
/// that says that it is taken, as another suite may look for one at the same time.
fn claim_port() -> (u16, PathBuf) {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = u16::try_from(std::process::id() % 10_000).expect("a small number");
    loop {
        let port = 20_000 + (first + NEXT.fetch_add(1, Ordering::Relaxed)) % 10_000;
        let dir = std::env::temp_dir().join(format!("failback-wild-{port}"));
        match fs::create_dir(&dir) {
            Ok(()) if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() => return (port, dir),
            Ok(()) => fs::remove_dir(&dir).expect("an empty folder"),
            Err(error) => assert_eq!(error.kind(), ErrorKind::AlreadyExists, "a folder for it: {error}"),
        }
    }
}
