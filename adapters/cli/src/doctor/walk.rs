//! One way, while it is walked: makes a record of each step, and shows it.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use failback::{Stage, Transport};
use failback_blocking::inspect::{Inspector, Milestone, Step};
use failback_client::{Lost, Proxy, ProxyProtocol, ProxyReason, Vouched};

use failback_wire::Seen;

use super::certificate::Seal;
use super::judge::{Finding, Reached};
use super::kind::Kind;
use super::plan::Plan;
use super::record::{Record, State, tame};
use super::screen::Screen;
use super::way::{Answered, Way};

/// How many addresses are shown.
const ADDRESSES: usize = 3;

pub(super) struct Walk<'a> {
    plan: &'a Plan,
    inspector: &'a Inspector,
    transport: Transport,
    screen: RefCell<&'a mut Screen>,
    records: RefCell<Vec<Record>>,
    /// The step under way, and when it has begun.
    step: Cell<(&'static str, Instant)>,
    begun: Instant,
    /// The certificate that was shown last, and that of the server.
    vouched: Cell<Option<Vouched>>,
    seal: RefCell<Option<Seal>>,
    /// The first error of the output.
    output: RefCell<io::Result<()>>,
    pub(super) reached: Reached,
    pub(super) answered: Answered,
    pub(super) took: Option<Duration>,
    pub(super) is_live: Option<bool>,
    pub(super) idle: Option<Duration>,
}

impl<'a> Walk<'a> {
    /// Sets out. Which proxy is on the way is the first thing to be told.
    pub(super) fn begin(
        plan: &'a Plan,
        inspector: &'a Inspector,
        transport: Transport,
        screen: &'a mut Screen,
    ) -> Self {
        let url = inspector.endpoint().target(transport).to_string();
        let output = RefCell::new(screen.heading(name(transport), &url));
        let now = Instant::now();
        let walk = Self {
            plan,
            inspector,
            transport,
            screen: RefCell::new(screen),
            records: RefCell::default(),
            step: Cell::new(("", now)),
            begun: now,
            vouched: Cell::new(None),
            seal: RefCell::new(None),
            output,
            reached: Reached::stage(Stage::Connecting),
            answered: Answered::default(),
            took: None,
            is_live: None,
            idle: None,
        };
        let why = walk.proxy_reason();
        let told = match walk.proxy() {
            Some(proxy) => format!("{}{proxy}: {why}", scheme(proxy.protocol())),
            None => format!("none: {why}"),
        };
        walk.tell("proxy", State::Told, None, told);
        walk
    }

    fn proxy(&self) -> Option<&'a Proxy> {
        self.inspector.proxies().on_the_way_to(self.transport)
    }

    fn proxy_reason(&self) -> String {
        match self.inspector.proxies().reason(self.transport) {
            ProxyReason::Given => "--proxy names it".to_owned(),
            ProxyReason::Listed => "--no-proxy lists this host".to_owned(),
            reason => reason.to_string(),
        }
    }

    /// A connection has come so far.
    pub(super) fn hear(&self, milestone: Milestone<'_>) {
        match milestone {
            Milestone::Begun(step) => self.set_out(self.word(step)),
            Milestone::Found(addresses) => match self.found(addresses) {
                Some(found) => self.end(State::Ok, found),
                None => self.tell("name", State::Told, None, "none: the URL has an address"),
            },
            Milestone::Connected(address) => self.end(State::Ok, format!("connected to {address}")),
            Milestone::Encrypted(step, version) => {
                let told = self.take_seal(step == Step::Tls);
                // No certificate is shown where a session goes on.
                let told = told.or_else(|| Some("as before, so no certificate is shown again".to_owned()));
                let version = version.replace("TLSv1_", "TLS 1.");
                self.end(
                    State::Ok,
                    [Some(version), told].into_iter().flatten().collect::<Vec<_>>().join("; "),
                );
            }
            Milestone::Done(Step::Tunnel) => {
                let target = self.inspector.endpoint().target(self.transport);
                self.end(
                    State::Ok,
                    format!("the proxy opened a tunnel to {}:{}", target.host(), target.port()),
                );
            }
            _ => {}
        }
    }

    fn word(&self, step: Step) -> &'static str {
        match step {
            Step::LookUp => "name",
            Step::Connect => "tcp",
            Step::ProxyTls => "proxy_tls",
            Step::Tunnel => match self.proxy().map(Proxy::protocol) {
                Some(ProxyProtocol::Socks5 | ProxyProtocol::Socks5h) => "socks",
                _ => "connect",
            },
            Step::Tls => "tls",
            _ => "upgrade",
        }
    }

    /// `None` if there was nothing to look up.
    fn found(&self, addresses: &[SocketAddr]) -> Option<String> {
        // Of the proxy's name or of the server's: only the former is looked up where the proxy looks up the
        // other.
        let host = match self.proxy() {
            Some(proxy) if proxy.looks_names_up() => proxy.host(),
            _ => self.inspector.endpoint().target(self.transport).host(),
        };
        if host.parse::<IpAddr>().is_ok() {
            return None;
        }
        let mut shown: Vec<_> =
            addresses.iter().take(ADDRESSES).map(|address| address.ip().to_string()).collect();
        if addresses.len() > ADDRESSES {
            shown.push(format!("and {} more", addresses.len() - ADDRESSES));
        }
        Some(format!("{host} is {}", shown.join(", ")))
    }

    /// Reads the certificate that was shown in the handshake that has just ended.
    fn take_seal(&self, is_servers: bool) -> Option<String> {
        let shown = self.plan.take_shown();
        let last = shown.last()?;
        self.vouched.set(Some(last.vouched));
        let seal = Seal::of(last)?;
        let told = seal.told();
        if is_servers {
            *self.seal.borrow_mut() = Some(seal);
        }
        Some(told)
    }

    /// Begins a step.
    pub(super) fn set_out(&self, step: &'static str) {
        self.step.set((step, Instant::now()));
        self.screen.borrow_mut().begin(name(self.transport), step);
    }

    /// Ends the step under way.
    pub(super) fn end(&self, state: State, text: impl Into<String>) {
        let (step, begun) = self.step.get();
        self.tell(step, state, Some(begun.elapsed()), text);
    }

    /// Makes a record.
    pub(super) fn tell(
        &self,
        step: &'static str,
        state: State,
        took: Option<Duration>,
        text: impl Into<String>,
    ) {
        let text = tame(&self.inspector.headers().redact(&text.into()));
        let record = Record { step, state, took, text };
        let shown = self.screen.borrow_mut().record(&record);
        let mut output = self.output.borrow_mut();
        if output.is_ok() {
            *output = shown;
        }
        self.records.borrow_mut().push(record);
    }

    /// The way ends here, as something was lost. Tells that as the end of the step under way.
    pub(super) fn lose(&mut self, lost: &Lost) -> Finding {
        let (step, _) = self.step.get();
        let told = self.take_seal(step == "tls");
        if let Lost::Upgrade(refusal) | Lost::Answer(refusal) = lost {
            self.answered = Answered::by(refusal.headers(), self.inspector.headers());
        }
        let headers = self.inspector.headers();
        let finding = Finding::of_lost(lost, self.transport, self.reached, self.vouched.get(), headers);
        let who = self.answered.told();
        let mut text = match lost {
            // Which step it is stands beside it.
            Lost::Seen(Seen::Resolve | Seen::Connect | Seen::Tls | Seen::Certificate, Some(detail)) => {
                detail.clone()
            }
            _ => finding.text.clone(),
        };
        for more in [told.unwrap_or_default(), who] {
            if !more.is_empty() {
                text = format!("{}; {more}", text.trim_end_matches('.'));
            }
        }
        let state = match finding.kind.works() {
            Some(true) => State::Ok,
            Some(false) => State::Failed,
            None => State::Unknown,
        };
        // An upgrade that was refused for want of credentials shows nothing of what is behind.
        let is_unknown = finding.kind == Kind::Credentials && self.transport == Transport::WebSocket;
        self.end(if is_unknown { State::Unknown } else { state }, text);
        finding
    }

    /// There is a connection, on which the request can be sent.
    pub(super) fn open(&mut self) {
        self.took = Some(self.elapsed());
        self.reached = Reached::stage(Stage::Open);
    }

    /// The way ends here, as its time is over.
    pub(super) fn stop(&self) -> Finding {
        let text = format!("not over when the time was: --timeout {} is for all", self.plan.time().as_secs());
        self.end(State::Unknown, text.clone());
        Finding::new(Kind::OutOfTime, text)
    }

    /// How long it took since the way began.
    pub(super) fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// What was found, all in all.
    pub(super) fn finish(self, finding: Finding) -> io::Result<Way> {
        let (proxy, proxy_reason) = (self.proxy().map(ToString::to_string), self.proxy_reason());
        self.output.into_inner()?;
        Ok(Way {
            transport: self.transport,
            url: self.inspector.endpoint().target(self.transport).to_string(),
            proxy,
            proxy_reason,
            records: self.records.into_inner(),
            seal: self.seal.into_inner(),
            answered: self.answered,
            finding,
            took: self.took.unwrap_or_else(|| self.begun.elapsed()),
            is_live: self.is_live,
            idle: self.idle,
        })
    }
}

fn name(transport: Transport) -> &'static str {
    match transport {
        Transport::WebSocket => "WebSocket",
        Transport::Sse => "SSE",
    }
}

const fn scheme(protocol: ProxyProtocol) -> &'static str {
    match protocol {
        ProxyProtocol::Http => "http://",
        ProxyProtocol::Https => "https://",
        ProxyProtocol::Socks5 => "socks5://",
        ProxyProtocol::Socks5h => "socks5h://",
    }
}
