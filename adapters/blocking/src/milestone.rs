use std::net::SocketAddr;

/// One step on the way to a server, in the order in which they are taken. Not every way has each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// The name is looked up: that of the proxy, or of the server.
    LookUp,
    /// TCP.
    Connect,
    /// TLS with the proxy.
    ProxyTls,
    /// The proxy is asked for a way to the server.
    Tunnel,
    /// TLS with the server.
    Tls,
    /// The WebSocket upgrade.
    Upgrade,
}

/// What is told of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Milestone<'a> {
    /// It begins.
    Begun(Step),
    /// The look-up has found these.
    Found(&'a [SocketAddr]),
    /// This address has answered.
    Connected(SocketAddr),
    /// TLS is spoken in this version, as rustls names it.
    Encrypted(Step, &'a str),
    /// It has succeeded, and there is no more to say of it.
    Done(Step),
}

/// Is told how far a connection has come.
pub(crate) type Told<'a> = &'a dyn Fn(Milestone<'_>);

/// Nobody wants to know.
pub(crate) fn nobody(_: Milestone<'_>) {}
