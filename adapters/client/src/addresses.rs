use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many hosts are remembered. A client connects to its server, perhaps to another one for WebSocket, and
/// to proxies.
const HOSTS: usize = 8;

/// How many unanswered addresses of a host are remembered.
const SILENT: usize = 32;

/// Decides in which order the addresses of a host are tried, and remembers how earlier tries ended.
///
/// Both transports share it, so that both connect to the same address.
#[derive(Debug, Default)]
pub struct Addresses {
    hosts: Mutex<Vec<Known>>,
}

#[derive(Clone, Debug)]
struct Known {
    host: String,
    /// The address that answered last.
    answered: Option<SocketAddr>,
    /// Addresses that failed, or that had not answered when one that was tried later did.
    silent: Vec<SocketAddr>,
}

impl Addresses {
    /// Sorts the addresses of a name (RFC 8305, section 4). The address that answered last comes first. The
    /// others follow in the resolver's order, except that IPv4 and IPv6 alternate. Those that did not answer
    /// come last, in the same way.
    #[must_use]
    pub fn sort(&self, host: &str, resolved: Vec<SocketAddr>) -> Vec<SocketAddr> {
        // Copied, since others wait for the lock.
        let known = self.lock().iter().find(|known| known.host == host).cloned();
        let Some(known) = known else { return interleave(resolved) };
        let (silent, mut others): (Vec<_>, Vec<_>) =
            resolved.into_iter().partition(|address| known.silent.contains(address));
        // A stable sort: only the one that answered moves.
        others.sort_by_key(|address| Some(*address) != known.answered);
        let mut sorted = interleave(others);
        sorted.extend(interleave(silent));
        sorted
    }

    /// Addresses were tried. `answered` is the one that answered, if one did. `silent` are those that failed,
    /// and those that were tried before it and had not answered by then.
    pub fn handle_tried(
        &self,
        host: &str,
        answered: Option<SocketAddr>,
        silent: impl IntoIterator<Item = SocketAddr>,
    ) {
        let silent: Vec<_> = silent.into_iter().collect();
        let mut hosts = self.lock();
        let mut known = match hosts.iter().position(|known| known.host == host) {
            Some(at) => hosts.remove(at),
            None => Known { host: host.to_owned(), answered: None, silent: Vec::new() },
        };
        for address in silent {
            known.silent.retain(|other| *other != address);
            known.silent.push(address);
        }
        known.silent.retain(|address| Some(*address) != answered);
        known.answered = answered.or(known.answered).filter(|address| !known.silent.contains(address));
        let surplus = known.silent.len().saturating_sub(SILENT);
        known.silent.drain(..surplus);
        if hosts.len() >= HOSTS {
            hosts.remove(0);
        }
        hosts.push(known);
    }

    /// Forgets everything. Call it when the machine is on another network, where other addresses may answer.
    pub fn forget(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Known>> {
        // A thread that panicked cannot have left a change half made.
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets IPv4 and IPv6 addresses alternate. The family of the first address begins.
fn interleave(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v4 = addresses.first().is_some_and(SocketAddr::is_ipv4);
    let count = addresses.len();
    let (first, second): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv4() == first_is_v4);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut sorted = Vec::with_capacity(count);
    while sorted.len() < count {
        sorted.extend(first.next());
        sorted.extend(second.next());
    }
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(list: &[&str]) -> Vec<SocketAddr> {
        list.iter().map(|address| format!("{address}:443").parse().expect("an address")).collect()
    }

    fn sort(known: &Addresses, resolved: &[&str]) -> Vec<SocketAddr> {
        known.sort("host", addresses(resolved))
    }

    const RESOLVED: [&str; 5] = ["[2001:db8::1]", "[2001:db8::2]", "[2001:db8::3]", "192.0.2.1", "192.0.2.2"];

    #[test]
    fn families_take_turns_and_the_resolvers_choice_is_first() {
        let known = Addresses::default();
        assert_eq!(
            sort(&known, &RESOLVED),
            addresses(&["[2001:db8::1]", "192.0.2.1", "[2001:db8::2]", "192.0.2.2", "[2001:db8::3]"])
        );
        assert_eq!(sort(&known, &["192.0.2.2", "192.0.2.1"]), addresses(&["192.0.2.2", "192.0.2.1"]));
        assert_eq!(
            sort(&known, &["192.0.2.1", "192.0.2.2", "[2001:db8::1]"]),
            addresses(&["192.0.2.1", "[2001:db8::1]", "192.0.2.2"])
        );
        assert!(sort(&known, &[]).is_empty());
    }

    #[test]
    fn the_one_that_answered_is_first_and_the_silent_are_last() {
        let known = Addresses::default();
        let [answered, silent] = [addresses(&["192.0.2.2"])[0], addresses(&["[2001:db8::1]"])[0]];
        known.handle_tried("host", Some(answered), [silent]);
        assert_eq!(
            sort(&known, &RESOLVED),
            addresses(&["192.0.2.2", "[2001:db8::2]", "192.0.2.1", "[2001:db8::3]", "[2001:db8::1]"])
        );
        // Of another host nothing is known.
        assert_eq!(known.sort("other", addresses(&RESOLVED))[0], silent);

        known.handle_tried("host", Some(silent), [answered]);
        assert_eq!(sort(&known, &RESOLVED)[0], silent);
        assert_eq!(sort(&known, &RESOLVED)[4], answered);

        known.forget();
        assert_eq!(sort(&known, &RESOLVED)[4], addresses(&["[2001:db8::3]"])[0]);
    }

    #[test]
    fn when_none_answers_the_order_is_the_resolvers_again() {
        let known = Addresses::default();
        let all = addresses(&RESOLVED);
        known.handle_tried("host", Some(all[3]), []);
        known.handle_tried("host", None, all.clone());
        assert_eq!(sort(&known, &RESOLVED), interleave(all));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let known = Addresses::default();
        for number in 0..1000_u32 {
            let address = SocketAddr::from((number.to_be_bytes(), 443));
            known.handle_tried(&format!("host {number}"), None, [address]);
            known.handle_tried("host", None, [address]);
        }
        let hosts = known.lock();
        assert_eq!(hosts.len(), HOSTS);
        assert_eq!(hosts.iter().map(|known| known.silent.len()).max(), Some(SILENT));
    }
}
