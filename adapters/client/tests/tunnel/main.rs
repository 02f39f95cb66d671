//! The way through a proxy, without a proxy: what is asked of it, and what becomes of its answers.

mod any_bytes;
mod connect;
mod socks5;

use failback::Transport;
use failback_client::{Lost, Proxy, Tunnel, TunnelStep};
use failback_wire::{Endpoint, Seen};

fn proxy(url: &str) -> Proxy {
    Proxy::parse("the proxy URL", url).expect(url)
}

/// A tunnel through this proxy to this server.
fn tunnel(proxy_url: &str, url: &str) -> Tunnel {
    let endpoint = Endpoint::new(url).expect(url);
    Tunnel::by_name(&proxy(proxy_url), endpoint.target(Transport::Sse))
}

/// What came of a conversation.
#[derive(Debug)]
struct Told {
    /// What the proxy was sent.
    written: Vec<Vec<u8>>,
    /// How many bytes were read at once, at most, each time.
    asked: Vec<usize>,
    /// How many bytes of the answers were read.
    read: usize,
    result: Result<(), Lost>,
}

impl Told {
    /// What was seen instead of an open tunnel, and what is said of it.
    #[track_caller]
    fn failure(&self) -> (Seen<'static>, &str) {
        parts(self.result.as_ref().expect_err("no tunnel is open"))
    }

    #[track_caller]
    fn expect_failure(&self, seen: &Seen<'_>, parts: &[&str]) {
        let (found, detail) = self.failure();
        assert_eq!(&found, seen, "{detail}");
        for part in parts {
            assert!(detail.contains(part), "no `{part}` in {detail}");
        }
    }
}

#[track_caller]
fn parts(lost: &Lost) -> (Seen<'static>, &str) {
    match lost {
        Lost::Seen(seen, Some(detail)) => (*seen, detail),
        other => panic!("{other:?} is nothing that a tunnel ends in"),
    }
}

/// Carries a tunnel out with a proxy that says this, and then no more. Reads at most `chunk` bytes at once.
fn talk(mut tunnel: Tunnel, mut answers: &[u8], chunk: usize) -> Told {
    let (mut written, mut asked, mut read) = (Vec::new(), Vec::new(), 0);
    let result = loop {
        match tunnel.step() {
            TunnelStep::Write(bytes) => written.push(bytes),
            TunnelStep::Read { at_most } => {
                assert!(at_most > 0);
                asked.push(at_most);
                let (now, later) = answers.split_at(at_most.min(chunk).min(answers.len()));
                answers = later;
                read += now.len();
                tunnel.handle_bytes(now);
            }
            TunnelStep::Open => break Ok(()),
            TunnelStep::Fail(error) => break Err(error),
        }
    };
    // What is told too late changes nothing.
    tunnel.handle_bytes(b"late");
    tunnel.handle_bytes(b"");
    tunnel.handle_error("late");
    let again = match tunnel.step() {
        TunnelStep::Open => Ok(()),
        TunnelStep::Fail(error) => Err(error),
        step => panic!("{step:?} after {result:?}"),
    };
    assert_eq!(again, result);
    Told { written, asked, read, result }
}
