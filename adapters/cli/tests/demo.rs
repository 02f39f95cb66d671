//! `failback demo`: the story it tells, and how it looks.

mod common;

use std::time::{Duration, Instant};

use common::{failback, file};

#[test]
fn it_tells_the_whole_story_in_plain_text() {
    let begun = Instant::now();
    let svg = file("demo.svg", "");
    let run = failback(&["demo", "--svg", &svg]).exits_with(0);
    let drawn = std::fs::read_to_string(svg).unwrap();
    assert!(drawn.ends_with("</svg>\n") && drawn.contains(">pinned</text>"), "{drawn}");
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert_eq!(run.err, "");
    assert!(!run.out.contains('\x1b'), "escapes without a terminal");
    for line in run.out.lines() {
        assert!(line.chars().count() <= 80 && line == line.trim_end(), "`{line}`");
    }
    run.tells_in_order(&[
        "\n1. All is well\n",
        "WebSocket    healthy",
        "\n2. The network black-holes WebSocket upgrades\n",
        "moves on",
        "dial pending",
        "dial     failed",
        "failed over",
        "cooling down",
        "\n3. WebSocket works again\n",
        "WebSocket    probe",
        "preferred",
        "\n4. A proxy refuses WebSocket, and will for ever\n",
        "HTTP 403",
        "WebSocket    probe",
        "WebSocket    probe",
        "policy   pinned",
        "SSE          pinned",
        "\nSummary\n",
        "turns completed                 12 of 12\n",
        "over WebSocket                4 (turns 1, 2, 6, 7)\n",
        "over SSE                      8 (turns 3-5, 8-12)\n",
        "handshakes seen by the server   6\n",
        "mode at the end                 pinned\n",
        "\nThe same as a timeline\n",
        "|0 s",
        "mode      =preferred",
        "calls     W",
        "dials ",
        "outcomes ",
        "12 calls, ",
    ]);
}
