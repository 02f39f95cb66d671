//! What was found, in one sentence.

use failback::Transport;

use super::judge::named_status;
use super::kind::Kind;
use super::screen::duration;
use super::way::Way;

/// The sentence, and the kinds of which it speaks.
pub(super) struct Verdict {
    pub(super) text: String,
    pub(super) kinds: Vec<Kind>,
}

impl Verdict {
    pub(super) fn new(websocket: &Way, sse: &Way) -> Self {
        let mut kinds = vec![websocket.finding.kind, sse.finding.kind];
        let mut text = match (websocket.finding.kind, sse.finding.kind) {
            (Kind::WebSocketWorks, Kind::SseWorks) => "both transports work".to_owned(),
            (one, other) if one == other => {
                kinds = vec![one];
                both(websocket, sse)
            }
            // What answers so to an upgrade is no surprise then.
            (one, Kind::NoEndpoint) if is_refused(one) => {
                kinds = vec![Kind::NoEndpoint];
                format!("neither transport works: {}", clause(sse, None))
            }
            _ => format!("{}; {}", clause(websocket, Some(sse)), clause(sse, None)),
        };
        let seals = [websocket.seal.as_ref(), sse.seal.as_ref()];
        // Where nobody trusts it, that is the first thing to be said.
        let is_open = [websocket, sse].iter().any(|way| way.works() == Some(true));
        if let Some(seal) = seals.into_iter().flatten().find(|seal| is_open && seal.seems_private()) {
            kinds.push(Kind::PrivateAuthority);
            let sure = if seal.is_private() == Some(true) { "is" } else { "seems to be" };
            text.push_str(&format!(
                "; who vouches for the server, {}, {sure} a private authority",
                seal.chain_end
            ));
        }
        let mut letters = text.chars();
        let first = letters.next().map(|letter| letter.to_ascii_uppercase());
        Self { text: first.into_iter().chain(letters).chain(['.']).collect(), kinds }
    }
}

const fn is_refused(kind: Kind) -> bool {
    matches!(kind, Kind::WebSocketNotOffered | Kind::WebSocketStripped | Kind::WebSocketRefused)
}

/// Both ways end alike.
fn both(websocket: &Way, sse: &Way) -> String {
    match websocket.finding.kind {
        Kind::Credentials => {
            let wants = clause(sse, None);
            format!(
                "{wants}, and answers an upgrade the same: whether it opens a WebSocket shows only with a key"
            )
        }
        Kind::OutOfTime => "the time was over before either transport was examined to its end".to_owned(),
        _ => format!("neither transport gets through: {}", clause(sse, None)),
    }
}

/// What became of one way. `other` is the way of SSE, to compare with.
fn clause(way: &Way, other: Option<&Way>) -> String {
    let finding = &way.finding;
    let name = match way.transport {
        Transport::WebSocket => "WebSocket",
        Transport::Sse => "SSE",
    };
    let status = finding.status.map(named_status).unwrap_or_default();
    let who = who(way, other);
    match finding.kind {
        Kind::WebSocketWorks => "WebSocket works".to_owned(),
        Kind::WebSocketIdleCut => "WebSocket works, but is cut when nothing moves in it".to_owned(),
        Kind::WebSocketStripped => format!("WebSocket is stripped{} ({status} to an upgrade)", by(&who)),
        Kind::WebSocketNotOffered => {
            format!(
                "there is no WebSocket at this URL, or it is stripped on the way ({status}{})",
                from(&who)
            )
        }
        Kind::WebSocketRefused => format!("WebSocket is refused{} ({status})", by(&who)),
        Kind::WebSocketBlackHoled => {
            format!("WebSocket is black-holed: the upgrade got no answer in {}", duration(way.took))
        }
        Kind::WebSocketBroken => format!("WebSocket breaks: {}", finding.text),
        Kind::WebSocketBusy => format!("the server has no room for a WebSocket now ({status})"),
        Kind::SseWorks => "SSE works".to_owned(),
        Kind::SseBuffered => "SSE works but is buffered".to_owned(),
        Kind::NoEndpoint => {
            let status = if status.is_empty() { "200 OK, and no event stream".to_owned() } else { status };
            format!("what answers is no Responses endpoint ({status}{})", from(&who))
        }
        Kind::SseRefused => format!("SSE is refused{} ({status})", by(&who)),
        Kind::SseBlackHoled => "the POST of SSE got no answer".to_owned(),
        Kind::SseBroken => format!("SSE breaks: {}", finding.text),
        Kind::ServerFailed => format!("the server, or a gateway before it, fails ({status}{})", from(&who)),
        Kind::Credentials => match way.transport {
            Transport::WebSocket => {
                format!("whether a WebSocket opens shows only with a key that is accepted ({status})")
            }
            Transport::Sse => format!("SSE reaches the API, which wants credentials ({status})"),
        },
        Kind::Forbidden => format!("SSE reaches the API, which forbids the request ({status})"),
        Kind::OutOfTime => format!("the time was over before {name} was examined to its end"),
        Kind::PrivateAuthority => String::new(),
        Kind::NoName
        | Kind::NotConnected
        | Kind::ConnectTimeout
        | Kind::UnknownAuthority
        | Kind::Expired
        | Kind::WrongName
        | Kind::CertificateRefused
        | Kind::TlsFailed
        | Kind::ProxyCredentials
        | Kind::ProxyRefused
        | Kind::NotAProxy => road(way),
    }
}

/// What is wrong with the road, which both transports share.
fn road(way: &Way) -> String {
    let proxy = way.proxy.as_deref().unwrap_or("the proxy");
    let issuer = way.seal.as_ref().map(|seal| seal.chain_end.as_str()).unwrap_or("an unknown authority");
    match way.finding.kind {
        Kind::NoName => "the name of the host does not resolve".to_owned(),
        Kind::NotConnected => "there is no TCP connection".to_owned(),
        Kind::ConnectTimeout => "there is no connection in time".to_owned(),
        Kind::UnknownAuthority => {
            format!("nobody trusted here vouches for the certificate, which comes from {issuer}")
        }
        Kind::Expired => "the certificate is not valid today".to_owned(),
        Kind::WrongName => "the certificate is for another name".to_owned(),
        Kind::CertificateRefused => "a certificate is refused".to_owned(),
        Kind::TlsFailed => "TLS fails".to_owned(),
        Kind::ProxyCredentials => format!("the proxy {proxy} wants credentials, or other ones"),
        Kind::ProxyRefused => format!("the proxy {proxy} does not connect to the server"),
        _ => format!("what is at {proxy} is no proxy of this kind"),
    }
}

/// Who has answered, as far as that shows: `a proxy that calls itself nginx`.
fn who(way: &Way, other: Option<&Way>) -> Option<String> {
    let answered = &way.answered;
    if let Some(via) = &answered.via {
        // `1.1 name (software)`: the last one is the nearest.
        let last = via.rsplit(',').next().unwrap_or(via).trim();
        let name = last.split_once(' ').map_or(last, |(_, name)| name);
        return Some(format!("a proxy that calls itself {name}"));
    }
    let server = answered.server.as_ref()?;
    // Where the API calls itself otherwise, this was not the API.
    let is_other = other.is_some_and(|other| {
        other.works() == Some(true) && other.answered.server.as_ref().is_some_and(|name| name != server)
    });
    Some(if is_other {
        format!("a proxy that calls itself {server}")
    } else {
        format!("what calls itself {server}")
    })
}

fn by(who: &Option<String>) -> String {
    who.as_ref().map(|who| format!(" by {who}")).unwrap_or_default()
}

fn from(who: &Option<String>) -> String {
    who.as_ref().map(|who| format!(" from {who}")).unwrap_or_default()
}
