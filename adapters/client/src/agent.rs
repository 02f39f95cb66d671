/// The `User-Agent` that a client sends to servers and to proxies.
pub const AGENT: &str = concat!("failback/", env!("CARGO_PKG_VERSION"));
