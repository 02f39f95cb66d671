//! Runs the cases of the Autobahn test suite. The server is kosoku, a runner of Autobahn's own case files
//! that needs no Python 2; `tests/wild/peers/install` gets it.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::plain;
use crate::report::Report;

/// The largest message of a case has 16 MiB.
pub(crate) const MAX_MESSAGE: usize = 16 * 1024 * 1024;

/// What is quick. The others are more of UTF-8, messages of megabytes, and compression, which no client of
/// ours offers.
pub(crate) const QUICK: [&str; 10] =
    ["1.*", "2.*", "3.*", "4.*", "5.*", "6.1.*", "6.2.*", "6.3.*", "7.*", "10.*"];

/// Runs one case: connects to this server, asks for this path, and echoes until the end.
pub(crate) type Echo = fn(SocketAddr, &str);

/// What the others are compared with: tungstenite as it comes.
const PLAIN: (&str, Echo) = ("tungstenite", plain::echo);

/// No adapter does worse than tungstenite in any of these cases.
pub(crate) fn judge(agents: &[(&str, Echo)], cases: &[&str]) {
    let Some(server) = Server::start(cases) else { return };
    let count = server.count();
    assert!(count > 0, "no cases");
    for (agent, echo) in [&PLAIN].into_iter().chain(agents) {
        for case in 1..=count {
            echo(server.address, &format!("/runCase?case={case}&agent={agent}"));
        }
    }
    let report = server.finish();
    for (agent, _) in [&PLAIN].into_iter().chain(agents) {
        report.note(agent);
    }
    assert_eq!(report.count(PLAIN.0), count, "cases with a result");
    for (agent, _) in agents {
        assert_eq!(report.count(agent), count, "{agent}: cases with a result");
        let worse = report.worse(agent, PLAIN.0);
        assert!(worse.is_empty(), "{agent} does worse than tungstenite: {worse:#?}");
    }
}

/// The server of the cases.
struct Server {
    child: Child,
    address: SocketAddr,
    folder: PathBuf,
}

impl Server {
    fn start(cases: &[&str]) -> Option<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let peers = std::env::var_os("FAILBACK_PEERS").unwrap_or_else(|| "target/peers".into());
        let program = root.join(peers).join("bin/kosoku");
        if !program.is_file() {
            eprintln!("SKIPPED: this machine has no kosoku");
            return None;
        }
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|any| any.local_addr())
            .expect("a port")
            .port();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let folder = std::env::temp_dir().join(format!("failback-conformance-{}-{port}", std::process::id()));
        let include = cases.iter().flat_map(|case| ["-i", *case]);
        let child = Command::new(program)
            .args(["-m", "fuzzingserver", &address.to_string(), "-o"])
            .arg(&folder)
            .args(include)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let mut server = Self { child, address, folder };
        let begun = Instant::now();
        while TcpStream::connect(address).is_err() {
            let ended = server.child.try_wait().expect("its state");
            assert!(
                ended.is_none() && begun.elapsed() < Duration::from_secs(60),
                "kosoku does not listen: {ended:?}"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        Some(server)
    }

    /// How many cases there are. It says so in a text frame.
    fn count(&self) -> usize {
        let mut stream = TcpStream::connect(self.address).expect("it listens");
        shake_hands(&mut stream, self.address, "/getCaseCount");
        let mut head = [0; 2];
        stream.read_exact(&mut head).expect("a frame");
        let mut text = vec![0; usize::from(head[1])];
        stream.read_exact(&mut text).expect("a text");
        String::from_utf8(text).expect("a text").parse().expect("a number")
    }

    /// Ends it, which makes it write its report.
    fn finish(mut self) -> Report {
        let mut stream = TcpStream::connect(self.address).expect("it listens");
        shake_hands(&mut stream, self.address, "/updateReports?agent=tungstenite");
        let begun = Instant::now();
        while self.child.try_wait().expect("its state").is_none() {
            assert!(begun.elapsed() < Duration::from_secs(60), "kosoku does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
        Report::read(&self.folder.join("index.json"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Opens a WebSocket on this connection, and reads nothing beyond the head of the answer.
pub(crate) fn shake_hands(stream: &mut (impl Read + Write), address: SocketAddr, path: &str) {
    stream.write_all(upgrade(address, path).as_bytes()).expect("a request");
    let mut head = Vec::new();
    while !is_whole(&head) {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("an answer");
        head.extend(byte);
    }
}

/// The request that opens one.
pub(crate) fn upgrade(address: SocketAddr, path: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
}

/// Whether the head of an answer has come to its end.
pub(crate) fn is_whole(head: &[u8]) -> bool {
    let is_whole = head.ends_with(b"\r\n\r\n");
    assert!(!is_whole || head.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(head));
    is_whole
}
