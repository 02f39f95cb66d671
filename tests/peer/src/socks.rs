//! SOCKS5 (RFC 1928), with a user name and a password (RFC 1929) or without, as a [`Proxy`](crate::Proxy)
//! speaks it.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};

use crate::tunnel::{Connect, Desk, Tunnel, hold, say};

const VERSION: u8 = 5;
const NO_AUTHENTICATION: u8 = 0;
const PASSWORD: u8 = 2;
const NONE_ACCEPTABLE: u8 = 0xff;
const NOT_SUPPORTED: u8 = 7;

pub(crate) async fn serve(
    io: impl AsyncRead + AsyncWrite + Unpin,
    required: Option<&(String, String)>,
    desk: &Desk,
) -> io::Result<()> {
    let mut io = Answering { io, left: usize::MAX };
    let methods = io.greeting().await?;
    let tunnel = desk.next_tunnel();
    match &tunnel {
        Tunnel::Say(bytes) => return say(&mut io.io, bytes).await,
        Tunnel::BreakOff(bytes) => io.left = *bytes,
        _ => {}
    }
    let method = if required.is_some() { PASSWORD } else { NO_AUTHENTICATION };
    if !methods.contains(&method) {
        return io.answer(&[VERSION, NONE_ACCEPTABLE]).await;
    }
    io.answer(&[VERSION, method]).await?;
    let mut given = None;
    if let Some(required) = required {
        let password = io.password().await?;
        let is_right = password == *required;
        given = Some(password);
        io.answer(&[1, u8::from(!is_right)]).await?;
        if !is_right {
            return Ok(());
        }
    }

    let Some((authority, is_address)) = io.request().await? else {
        return io.answer(&reply(NOT_SUPPORTED)).await;
    };
    desk.record(Connect { authority, is_address, headers: Vec::new(), password: given });
    match tunnel {
        // More than a byte is no reply that SOCKS5 has.
        Tunnel::Refuse(code) => return io.answer(&reply(u8::try_from(code).unwrap_or(u8::MAX))).await,
        Tunnel::HangUp => return Ok(()),
        Tunnel::Hold(gate) => hold(&mut io.io, &gate).await?,
        Tunnel::Open | Tunnel::BreakOff(_) | Tunnel::Say(_) => {}
    }
    let mut peer = desk.connect().await?;
    io.answer(&reply(0)).await?;
    copy_bidirectional(&mut io.io, &mut peer).await.map(drop)
}

/// With an address that says nothing, as most proxies send it.
fn reply(code: u8) -> [u8; 10] {
    [VERSION, code, 0, 1, 0, 0, 0, 0, 0, 0]
}

/// A connection on which only so many bytes are answered.
struct Answering<T> {
    io: T,
    left: usize,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Answering<T> {
    /// The whole answer, or an error that ends the connection after what was left to say.
    async fn answer(&mut self, bytes: &[u8]) -> io::Result<()> {
        let said = bytes.len().min(self.left);
        self.io.write_all(&bytes[..said]).await?;
        self.left -= said;
        if said < bytes.len() || self.left == 0 { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(()) }
    }

    async fn greeting(&mut self) -> io::Result<Vec<u8>> {
        self.expect(VERSION).await?;
        self.part().await
    }

    async fn password(&mut self) -> io::Result<(String, String)> {
        self.expect(1).await?;
        Ok((self.text().await?, self.text().await?))
    }

    /// Where to, and whether that is an address. `None` if it is not CONNECT.
    async fn request(&mut self) -> io::Result<Option<(String, bool)>> {
        self.expect(VERSION).await?;
        let is_connect = self.io.read_u8().await? == 1;
        self.expect(0).await?;
        let (authority, is_address) = match self.io.read_u8().await? {
            1 => {
                let address = Ipv4Addr::from(self.io.read_u32().await?);
                (SocketAddr::from((address, self.io.read_u16().await?)).to_string(), true)
            }
            3 => (format!("{}:{}", self.text().await?, self.io.read_u16().await?), false),
            4 => {
                let address = Ipv6Addr::from(self.io.read_u128().await?);
                (SocketAddr::from((address, self.io.read_u16().await?)).to_string(), true)
            }
            _ => return Err(io::ErrorKind::InvalidData.into()),
        };
        Ok(is_connect.then_some((authority, is_address)))
    }

    async fn expect(&mut self, byte: u8) -> io::Result<()> {
        if self.io.read_u8().await? == byte { Ok(()) } else { Err(io::ErrorKind::InvalidData.into()) }
    }

    /// A length in one byte, and as many bytes.
    async fn part(&mut self) -> io::Result<Vec<u8>> {
        let mut part = vec![0; usize::from(self.io.read_u8().await?)];
        self.io.read_exact(&mut part).await?;
        Ok(part)
    }

    async fn text(&mut self) -> io::Result<String> {
        String::from_utf8(self.part().await?).map_err(|_| io::ErrorKind::InvalidData.into())
    }
}
