//! tungstenite as it comes.

use std::net::{SocketAddr, TcpStream};

use tungstenite::WebSocket;
use tungstenite::protocol::Role;

use crate::kosoku::shake_hands;

pub(crate) fn echo(address: SocketAddr, path: &str) {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_nodelay(true).expect("a connection");
    shake_hands(&mut stream, address, path);
    let mut socket = WebSocket::from_raw_socket(stream, Role::Client, None);
    while let Ok(message) = socket.read() {
        if (message.is_text() || message.is_binary()) && socket.send(message).is_err() {
            break;
        }
    }
}
