//! Any bytes as what a proxy says: the way through it is open or not, however they are cut, and nothing
//! beyond its own answers is taken.
#![no_main]

use failback::Transport;
use failback_client::{Lost, Proxy, Tunnel, TunnelStep};
use failback_wire::{Endpoint, MAX_HEADER_BYTES};
use libfuzzer_sys::fuzz_target;

const PROXIES: [&str; 4] =
    ["http://p", "https://aladdin:hunter2@p", "socks5h://p", "socks5://aladdin:hunter2@p"];
const SERVERS: [&str; 3] = ["https://api.example.com", "http://192.0.2.1", "https://[::1]:9"];

fuzz_target!(|bytes: &[u8]| {
    let [choice, chunk, answers @ ..] = bytes else { return };
    let proxy = PROXIES[usize::from(choice % 4)];
    let server = SERVERS[usize::from(choice / 4 % 3)];
    let whole = talk(proxy, server, answers, usize::MAX);
    let cut = talk(proxy, server, answers, usize::from(*chunk).max(1));
    // What comes after the head of an answer over HTTP is noticed only if it comes with it.
    if whole.is_ok() || proxy.starts_with("socks") {
        assert_eq!(whole, cut);
    } else if cut.is_err() {
        assert_eq!(whole, cut);
    }
    if let Err(lost) = whole {
        let Lost::Seen(_, Some(detail)) = lost else { panic!("{lost:?} says nothing of the proxy") };
        assert!(!detail.contains("hunter2") && detail.len() < 200, "{detail}");
    }
});

fn talk(proxy: &str, server: &str, mut answers: &[u8], chunk: usize) -> Result<(), Lost> {
    let proxy = Proxy::parse("a proxy", proxy).expect("the URL of a proxy");
    let endpoint = Endpoint::new(server).expect("the URL of a server");
    let mut tunnel = Tunnel::by_name(&proxy, endpoint.target(Transport::Sse));
    let mut read = 0;
    loop {
        match tunnel.step() {
            TunnelStep::Write(bytes) => assert!((3..1024).contains(&bytes.len())),
            TunnelStep::Read { at_most } => {
                assert!(at_most > 0);
                let (now, later) = answers.split_at(at_most.min(chunk).min(answers.len()));
                read += now.len();
                assert!(read <= MAX_HEADER_BYTES);
                answers = later;
                tunnel.handle_bytes(now);
            }
            TunnelStep::Open => return Ok(()),
            TunnelStep::Fail(error) => return Err(error),
        }
    }
}
