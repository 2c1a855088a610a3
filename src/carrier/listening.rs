//! Who listens in the network that the carrier shares.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::frame::Listener;

/// The state of a socket that listens, as the kernel writes it.
const LISTENS: &str = "0A";

/// Every TCP socket that listens, in order; none where the kernel does not say.
pub fn listening() -> Vec<Listener> {
    let tables = ["/proc/self/net/tcp", "/proc/self/net/tcp6"];
    let texts = tables.iter().filter_map(|table| fs::read_to_string(table).ok());
    let mut all: Vec<Listener> = texts.flat_map(|text| in_table(&text)).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn in_table(table: &str) -> Vec<Listener> {
    let listens = |line: &str| {
        let mut words = line.split_whitespace().skip(1);
        let (local, _, state) = (words.next()?, words.next()?, words.next()?);
        let (host, port) = local.split_once(':').filter(|_| state == LISTENS)?;
        Some(Listener { host: host_of(host)?, port: u16::from_str_radix(port, 16).ok()? })
    };
    table.lines().filter_map(listens).collect()
}

/// An address as the kernel writes it: words of 32 bits, each as this machine's number of it.
fn host_of(text: &str) -> Option<IpAddr> {
    let words: Option<Vec<[u8; 4]>> = (0..text.len() / 8)
        .map(|n| Some(u32::from_str_radix(text.get(n * 8..n * 8 + 8)?, 16).ok()?.to_ne_bytes()))
        .collect();
    match words?.as_slice() {
        &[[a, b, c, d]] => Some(Ipv4Addr::new(a, b, c, d).into()),
        words => Some(Ipv6Addr::from(<[u8; 16]>::try_from(words.concat()).ok()?).into()),
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn who_listens_is_found_and_who_ended_is_not() {
        let ours = |port: u16| listening().into_iter().find(|listener| listener.port == port);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert_eq!(ours(port).map(|one| one.host.to_string()).as_deref(), Some("127.0.0.1"));
        drop(listener);
        assert_eq!(ours(port), None);
    }

    #[test]
    fn only_sockets_that_listen_are_told() {
        let table = "  sl  local_address rem_address   st\n   \
                     0: 00000000:1F90 00000000:0000 0A 0:0\n   \
                     1: 0100007F:1388 00000000:0000 0A 0:0\n   \
                     2: 0100007F:1389 0100007F:1F90 01 0:0\n   \
                     3: 00000000000000000000000000000000:1F91 0:0000 0A 0:0\n   \
                     4: nonsense:1F92 0:0000 0A\n";
        // Written by a machine that counts from the small end.
        if cfg!(target_endian = "little") {
            let told: Vec<String> =
                in_table(table).iter().map(|one| format!("{} {}", one.host, one.port)).collect();
            assert_eq!(told, ["0.0.0.0 8080", "127.0.0.1 5000", ":: 8081"]);
        }
    }
}
