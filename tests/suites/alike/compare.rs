//! Compares what was seen with two adapters, and shows where it differs.

use crate::allowed;
use crate::scene::Seen;

/// # Panics
/// When something differs that may not, with both sides and the first difference.
#[track_caller]
pub(crate) fn expect_equal((one, mut left): (&str, Seen), (other, mut right): (&str, Seen)) {
    allowed::leave_out(&mut left);
    allowed::leave_out(&mut right);
    let (left, right) = (listing(&left), listing(&right));
    let Some(at) = first_difference(&left, &right) else { return };
    panic!(
        "{one} and {other} differ first in line {}:\n{one:>9}: {}\n{other:>9}: {}\n\n{}\n{}",
        at + 1,
        line(&left, at),
        line(&right, at),
        shown(one, &left, at),
        shown(other, &right, at)
    );
}

/// All of it, in one list.
fn listing(seen: &Seen) -> Vec<String> {
    let mut all = vec!["= the caller".to_owned()];
    all.extend_from_slice(&seen.caller);
    for (connection, number) in seen.connections.iter().zip(1..) {
        all.push(format!("= connection {number}"));
        all.extend_from_slice(connection);
    }
    all.push("= the proxy".to_owned());
    all.extend_from_slice(&seen.tunnels);
    all
}

fn first_difference(left: &[String], right: &[String]) -> Option<usize> {
    (0..left.len().max(right.len())).find(|&at| left.get(at) != right.get(at))
}

fn line(lines: &[String], at: usize) -> &str {
    lines.get(at).map_or("(nothing more)", String::as_str)
}

fn shown(name: &str, lines: &[String], at: usize) -> String {
    let mut shown = format!("what was seen with {name}:\n");
    for (number, line) in lines.iter().enumerate() {
        shown += &format!("{} {:>3}  {line}\n", if number == at { ">" } else { " " }, number + 1);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(caller: &str) -> Seen {
        Seen {
            caller: vec![caller.to_owned()],
            connections: vec![vec!["Connected".to_owned()]],
            tunnels: Vec::new(),
        }
    }

    #[test]
    fn equal_is_equal() {
        expect_equal(("a", seen("x")), ("b", seen("x")));
    }

    #[test]
    #[should_panic(expected = "a and b differ first in line 2:\n        a: x\n        b: y\n")]
    fn what_differs_is_shown() {
        expect_equal(("a", seen("x")), ("b", seen("y")));
    }

    #[test]
    #[should_panic(expected = "b: (nothing more)\n")]
    fn what_is_missing_is_shown() {
        let mut more = seen("x");
        more.tunnels.push("asked".to_owned());
        expect_equal(("a", more), ("b", seen("x")));
    }
}
