//! Networks that people write, and which of them a solution may ask for.

use crate::catalog::fault::code;
use crate::model::decode::Cursor;
use crate::model::network::{BadNetwork, Network};

/// Reads a value of a file, and reports what is wrong with it.
pub fn read(cursor: &Cursor<'_>) -> Option<Network> {
    let text = cursor.text()?;
    match Network::parse(&text.value) {
        Ok(network) => Some(network),
        Err(BadNetwork::NotANetwork) => {
            let message = format!("`{}` is not a network", text.value);
            let help = "write an address and a prefix length, such as 192.0.2.0/24 or \
                        198.51.100.7/32";
            // An address alone is one machine.
            let whole = ["/32", "/128"].map(|prefix| format!("{}{prefix}", text.value));
            let one = whole.iter().find(|network| Network::parse(network).is_ok());
            let fix = one.and_then(|network| cursor.instead(&text.value, network));
            cursor.sheet.report(cursor.fault(code::BAD_CIDR, message).help(help).fix(fix));
            None
        }
        Err(BadNetwork::HostBits(network)) => {
            let message = format!("`{}` has host bits", text.value);
            let help = format!("did you mean {network}?");
            cursor.sheet.report(cursor.fault(code::BAD_CIDR, message).help(help));
            None
        }
    }
}

/// Why no solution may ever ask for this network, if so.
///
/// `0.0.0.0/0` and `::/0` may be asked for: what they mean leaves out the private, shared and
/// link-local addresses. A network between those and everything would bring them back in.
pub fn never(asked: Network) -> Option<String> {
    let networks = |texts: &[&str]| -> Vec<Network> {
        texts.iter().filter_map(|text| Network::parse(text).ok()).collect()
    };
    for host in networks(&HOST_ONLY) {
        if host.contains(asked) {
            return Some(format!("{asked} belongs to the machine itself or to its link"));
        }
    }
    if networks(&METADATA).into_iter().any(|service| service.contains(asked)) {
        return Some(format!("{asked} is the metadata service of a cloud"));
    }
    let mut inner = networks(&HOST_ONLY);
    inner.extend(Network::private());
    if !asked.is_everything()
        && let Some(inside) = inner.into_iter().find(|n| *n != asked && asked.contains(*n))
    {
        return Some(format!(
            "{asked} includes {inside}; ask for 0.0.0.0/0 (which leaves such addresses out), \
             or for smaller networks"
        ));
    }
    None
}

/// Loopback, link-local (cloud metadata lives there), multicast, unspecified, and
/// IPv4 in the clothes of IPv6: mapped, compatible, translated (RFC 6052 and RFC 8215) and 6to4.
const HOST_ONLY: [&str; 11] = [
    "0.0.0.0/8",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "224.0.0.0/4",
    "::/96",
    "::ffff:0:0/96",
    "64:ff9b::/96",
    "64:ff9b:1::/48",
    "2002::/16",
    "fe80::/10",
    "ff00::/8",
];
/// Addresses outside [`HOST_ONLY`] where a cloud hands out the machine's identity.
const METADATA: [&str; 5] = [
    "100.100.100.200/32",
    "168.63.129.16/32",
    "192.0.0.192/32",
    "fd00:ec2::254/128",
    "fd20:ce::254/128",
];

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_network_of_the_lists_is_one() {
        for text in HOST_ONLY.iter().chain(&METADATA) {
            assert!(Network::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn the_address_of_the_cloud_metadata_is_out_of_reach_however_it_is_written() {
        let is_never = |text| never(Network::parse(text).unwrap()).is_some();
        for bad in ["169.254.169.254/32", "169.254.0.0/16", "128.0.0.0/1", "127.0.0.1/32"] {
            assert!(is_never(bad), "{bad}");
        }
        for bad in ["fd00:ec2::254/128", "168.63.129.16/32", "100.100.100.200/32"] {
            assert!(is_never(bad), "{bad}");
        }
        for bad in ["::a00:0/104", "64:ff9b:1::/48", "2002:a00::/24", "::/128", "2002::/15"] {
            assert!(is_never(bad), "{bad}");
        }
        for bad in ["0.0.0.0/1", "8.0.0.0/5", "::1/128", "fe80::/64", "8000::/1"] {
            assert!(is_never(bad), "{bad}");
        }
        for good in ["0.0.0.0/0", "::/0", "10.0.0.0/8", "10.1.0.0/16", "192.0.2.0/24"] {
            assert!(!is_never(good), "{good}");
        }
    }
}
