use failback_client::{Tunnel, TunnelStep};
use failback_wire::MAX_HEADER_BYTES;
use proptest::prelude::*;

use super::{parts, talk, tunnel};

const PROXIES: [&str; 4] =
    ["http://p", "https://aladdin:hunter2@p", "socks5h://p", "socks5://aladdin:hunter2@p"];

fn any_tunnel() -> impl Strategy<Value = Tunnel> {
    (0..PROXIES.len(), 0..3_usize).prop_map(|(proxy, server)| {
        tunnel(PROXIES[proxy], ["https://api.example.com", "http://192.0.2.1", "https://[::1]:9"][server])
    })
}

/// What proxies say.
const PIECES: &[&[u8]] = &[
    b"HTTP/1.1 200 OK\r\n",
    b"HTTP/1.1 100 x\r\n\r\n",
    b"HTTP/1.0 407 no\r\n",
    b"\r\n",
    b"\n\r",
    b"a: b\r\n",
    b"\x05\x00",
    b"\x05\x02\x01\x00",
    b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00",
];

/// Bytes that look like answers more often than not.
fn any_answers() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..4),
        proptest::collection::vec(0_u8..6, 0..12),
        proptest::sample::select(PIECES).prop_map(<[u8]>::to_vec),
        proptest::sample::select(PIECES).prop_map(<[u8]>::to_vec),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn every_conversation_ends_in_the_same_way_however_it_is_cut(
        proxy in 0..PROXIES.len(),
        answers in any_answers(),
        chunk in 1_usize..9,
    ) {
        let talk = |chunk| talk(tunnel(PROXIES[proxy], "https://api.example.com"), &answers, chunk);
        let (whole, cut) = (talk(usize::MAX), talk(chunk));
        prop_assert!(whole.asked.len() <= answers.len() + 1);
        prop_assert!(cut.asked.len() <= answers.len() + 1);
        if let (Err(one), Err(other)) = (&whole.result, &cut.result) {
            prop_assert_eq!(one, other);
        }
        // Bytes after the head of an answer over HTTP are noticed only if they come with it.
        if whole.result.is_ok() || proxy > 1 {
            prop_assert_eq!(&whole.result, &cut.result);
            prop_assert_eq!(&whole.written, &cut.written);
        }
        if let Err(error) = &whole.result {
            let detail = parts(error).1;
            prop_assert!(!detail.contains("hunter2") && !detail.contains("aladdin") && detail.len() < 200);
        }
    }

    #[test]
    fn an_adapter_that_does_not_obey_does_no_harm(
        mut tunnel in any_tunnel(),
        inputs in proptest::collection::vec((0_u8..4, proptest::collection::vec(any::<u8>(), 0..40)), 0..30),
    ) {
        for (kind, bytes) in inputs {
            match kind {
                0 => tunnel.handle_error("an error"),
                1 => tunnel.handle_bytes(&bytes),
                _ => match tunnel.step() {
                    TunnelStep::Read { at_most } => prop_assert!((1..=MAX_HEADER_BYTES).contains(&at_most)),
                    TunnelStep::Write(bytes) => prop_assert!(!bytes.is_empty()),
                    TunnelStep::Open | TunnelStep::Fail(_) => {}
                },
            }
        }
        tunnel.handle_error("the end");
        let step = tunnel.step();
        prop_assert!(matches!(step, TunnelStep::Open | TunnelStep::Fail(_)));
    }
}
