//! What was seen as lines of text, without what differs from run to run: ports, keys and times.

use failback_client::Item;
use failback_peer::{Connect, Journal, What};
use failback_tests::Outcome;

/// What the caller of a turn got, a line or more an item.
pub(crate) fn of_outcome(outcome: &Outcome) -> Vec<String> {
    let mut lines: Vec<String> = outcome.items.iter().map(|(_, item)| of_item(item)).collect();
    if let Some(error) = &outcome.error {
        lines.push(format!("error: {:?}, retryable: {}", error.give_up(), error.is_retryable()));
        for attempt in error.attempts() {
            lines.push(format!(
                "attempt: {} ({}), {}, {:?}, status {:?}, request id {:?}, {:?}",
                attempt.transport(),
                attempt.reason(),
                attempt.stage(),
                attempt.blame(),
                attempt.status(),
                attempt.request_id(),
                attempt.server_error()
            ));
            lines.push(format!("attempt: {}", timeless(attempt.text())));
        }
    }
    lines.iter().map(|line| portless(line)).collect()
}

fn of_item(item: &Item) -> String {
    match item {
        Item::Event(event) => format!("event: {}", event.json()),
        Item::Restarted { discard } => format!("restarted: discard {discard}"),
        Item::Notice(notice) => format!(
            "notice: {} ({}), cooling down: {}, {}",
            notice.transport(),
            notice.reason(),
            notice.retry_in().is_some(),
            timeless(notice.text())
        ),
    }
}

/// What happened on each connection of a peer, in order.
pub(crate) fn of_journal(journal: &Journal) -> Vec<Vec<String>> {
    let mut connections: Vec<Vec<String>> = vec![Vec::new(); journal.connections()];
    for entry in journal.entries() {
        let lines = &mut connections[entry.conn as usize - 1];
        if matches!(entry.what, What::Sent { .. })
            && lines.last().is_some_and(|line| line.starts_with("Sent "))
        {
            lines.pop();
        }
        match &entry.what {
            What::Handshake { headers } => lines.extend(of_request("Handshake", headers)),
            What::Post { headers } => lines.extend(of_request("Post", headers)),
            what => lines.push(format!("{what:?}")),
        }
    }
    connections
}

/// Who asked a proxy for what.
pub(crate) fn of_tunnels(tunnels: &[Connect]) -> Vec<String> {
    let lines = tunnels.iter().flat_map(|connect| {
        let asked = format!(
            "{}, an address: {}, with the password {:?}",
            portless(&connect.authority),
            connect.is_address,
            connect.password
        );
        of_request(&asked, &connect.headers)
    });
    lines.collect()
}

/// A request, and its headers, a line each.
fn of_request(what: &str, headers: &[(String, String)]) -> Vec<String> {
    let header = |(name, value): &(String, String)| match name.as_str() {
        "sec-websocket-key" => format!("{HEADER}{name}: ({} bytes)", value.len()),
        _ => format!("{HEADER}{name}: {}", portless(value)),
    };
    std::iter::once(what.to_owned()).chain(headers.iter().map(header)).collect()
}

/// What the line of a header begins with.
pub(crate) const HEADER: &str = "    ";

/// Without the ports of this machine.
fn portless(text: &str) -> String {
    let mut parts = text.split("127.0.0.1:");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain += "127.0.0.1:PORT";
        plain += part.trim_start_matches(|c: char| c.is_ascii_digit());
    }
    plain
}

/// Without durations, such as `1.5 s`.
fn timeless(text: &str) -> String {
    let words: Vec<&str> = text.split(' ').collect();
    let is_time = |at: usize| {
        let unit = words.get(at + 1).map(|unit| unit.trim_end_matches([',', ';', '.', ')']));
        unit == Some("s") && words[at].parse::<f64>().is_ok()
    };
    let words: Vec<&str> = (0..words.len()).map(|at| if is_time(at) { "N" } else { words[at] }).collect();
    words.join(" ")
}
