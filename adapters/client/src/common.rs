//! Numbers that all clients have in common.

use std::time::Duration;

/// How long to wait for one address before the next one is tried beside it: 250 ms (RFC 8305, section 5).
pub const ADDRESS_DELAY: Duration = Duration::from_millis(250);

/// How much longer a client waits for a pong that is missing: 10 ms. If the client stood still, it reads in
/// this time what has arrived meanwhile.
pub const SECOND_LOOK: Duration = Duration::from_millis(10);

/// How many HTTP connections are kept between turns: 4.
pub const IDLE_HTTP: usize = 4;

/// How long after its last turn an HTTP connection may carry another one: 60 s. There is no ping to tell
/// whether it is alive, and gateways on the way forget a silent connection after a minute or more, without
/// telling either end.
pub const HTTP_LIFE: Duration = Duration::from_secs(60);

/// How long after its last event the end of an answer may come, if the connection is to be used again: 10 s.
/// No turn waits for that end.
pub const DRAIN_TIME: Duration = Duration::from_secs(10);

/// How many bytes are read after the last event to find the end of an answer: 64 KiB. To read more would cost
/// more than a new connection.
pub const DRAIN_BYTES: usize = 64 * 1024;

/// How many bytes tungstenite makes room for when it reads, besides the rest of a larger message: 4 KiB. It
/// keeps this room for as long as the socket lives, and fills as many bytes with zeros before each read,
/// however few there are to read. Its default is 128 KiB. Where more bytes arrive,
/// [`ReadAhead`](crate::ReadAhead) reads more at once.
pub const READ_BUFFER: usize = 4 * 1024;
