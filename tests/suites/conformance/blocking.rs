//! The Autobahn test suite against the WebSocket of failback-blocking.
//!
//! The cases want a client that echoes, and ours does not. So the files of failback-blocking that read and
//! write frames are compiled once more here, and echo.

// What only the client uses of these files is not used here.
#[allow(dead_code)]
#[path = "../../../adapters/blocking/src/bell.rs"]
mod bell;
#[allow(dead_code)]
#[path = "../../../adapters/blocking/src/frames.rs"]
mod frames;
#[allow(dead_code)]
#[path = "../../../adapters/blocking/src/io.rs"]
mod io;
mod kosoku;
mod plain;
mod report;
#[allow(dead_code)]
#[path = "../../../adapters/blocking/src/socket.rs"]
mod socket;

use std::net::{SocketAddr, TcpStream};

use tungstenite::protocol::Role;
use tungstenite::{Message, WebSocket};

use crate::bell::{Bell, Ringer};
use crate::frames::{Frames, config, is_blocked, queue, room_for};
use crate::io::Io;
use crate::kosoku::{Echo, MAX_MESSAGE, QUICK, judge};
use crate::socket::Socket;

const AGENTS: [(&str, Echo); 1] = [("blocking", echo)];

#[test]
fn frames_are_as_the_standard_says() {
    judge(&AGENTS, &QUICK);
}

#[test]
#[ignore = "takes a minute"]
fn frames_are_as_the_standard_says_in_every_case() {
    judge(&AGENTS, &[]);
}

fn echo(address: SocketAddr, path: &str) {
    let mut stream = TcpStream::connect(address).expect("it listens");
    kosoku::shake_hands(&mut stream, address, path);
    stream.set_nonblocking(true).expect("a connection");
    let bell = Bell::new(Ringer::default()).expect("a bell");
    let socket = Socket::new(mio::net::TcpStream::from_std(stream), &bell).expect("a socket");
    assert!(socket.is_connected().expect("a connection"));
    let config = Some(config(MAX_MESSAGE));
    let frames = Frames::new(Io::plain(socket));
    let mut socket = WebSocket::from_partially_read(frames, Vec::new(), Role::Client, config);
    loop {
        // As the client does: whoever reads also sends what waits to be sent.
        let _ = socket.flush();
        match socket.read() {
            Ok(message @ (Message::Text(_) | Message::Binary(_))) => {
                let room = room_for(message.len());
                socket.set_config(|config| {
                    config.max_write_buffer_size = config.max_write_buffer_size.max(room);
                });
                // It echoes one message after another. A client sends one, and reads the answer.
                while socket.flush().is_err_and(|error| is_blocked(&error)) && !is_broken(&mut socket) {
                    let _ = bell.wait(None);
                }
                if queue(&mut socket, message).is_err() {
                    return;
                }
            }
            Ok(Message::Close(_)) => {
                let _ = socket.flush();
                return;
            }
            Ok(_) => {}
            Err(error) if is_blocked(&error) => {
                if is_broken(&mut socket) {
                    return;
                }
                if !socket.get_mut().io().take_interrupted() {
                    let _ = bell.wait(None);
                }
            }
            Err(_) => return,
        }
    }
}

fn is_broken(socket: &mut WebSocket<Frames>) -> bool {
    socket.get_mut().io().write_error().is_some()
}
