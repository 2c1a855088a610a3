//! Networks that people write: `192.0.2.0/24`, and which of them a solution may ask for.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::catalog::fault::code;
use crate::model::decode::Cursor;

/// A network without host bits, of either version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// Why a text is not a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadNetwork {
    NotANetwork,
    /// The network that was probably meant.
    HostBits(Network),
}

impl Network {
    /// Parses `address/prefix`.
    ///
    /// # Errors
    /// [`BadNetwork`], with the network address if there are host bits.
    pub fn parse(text: &str) -> Result<Self, BadNetwork> {
        let (address, prefix) = text.split_once('/').ok_or(BadNetwork::NotANetwork)?;
        let address: IpAddr = address.parse().map_err(|_| BadNetwork::NotANetwork)?;
        let digits = !prefix.is_empty() && prefix.bytes().all(|b| b.is_ascii_digit());
        let prefix: u8 = prefix
            .parse()
            .ok()
            .filter(|prefix| digits && *prefix <= width(address))
            .ok_or(BadNetwork::NotANetwork)?;
        let network = Self { address: masked(address, prefix), prefix };
        if network.address == address { Ok(network) } else { Err(BadNetwork::HostBits(network)) }
    }

    /// Reads a value of a file, and reports what is wrong with it.
    pub fn read(cursor: &Cursor<'_>) -> Option<Self> {
        let text = cursor.text()?;
        match Self::parse(&text.value) {
            Ok(network) => Some(network),
            Err(BadNetwork::NotANetwork) => {
                let message = format!("`{}` is not a network", text.value);
                let help = "write an address and a prefix length, such as 192.0.2.0/24 or \
                            198.51.100.7/32";
                cursor.sheet.report(cursor.fault(code::BAD_CIDR, message).help(help));
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

    /// Whether every address of `other` is in this one.
    pub fn contains(self, other: Self) -> bool {
        width(self.address) == width(other.address)
            && self.prefix <= other.prefix
            && masked(other.address, self.prefix) == self.address
    }

    /// Why no solution may ever ask for this network, if so.
    ///
    /// `0.0.0.0/0` and `::/0` may be asked for: what they mean leaves out the private, shared and
    /// link-local addresses. A network between those and everything would bring them back in.
    pub fn never(self) -> Option<String> {
        let networks = |texts: &[&str]| -> Vec<Self> {
            texts.iter().filter_map(|text| Self::parse(text).ok()).collect()
        };
        for host in networks(&HOST_ONLY) {
            if host.contains(self) {
                return Some(format!("{self} belongs to the machine itself or to its link"));
            }
        }
        if networks(&METADATA).into_iter().any(|service| service.contains(self)) {
            return Some(format!("{self} is the metadata service of a cloud"));
        }
        let mut inner = networks(&HOST_ONLY);
        inner.extend(networks(&INNER));
        if self.prefix > 0
            && let Some(inside) = inner.into_iter().find(|n| *n != self && self.contains(*n))
        {
            return Some(format!(
                "{self} includes {inside}; ask for 0.0.0.0/0 (which leaves such addresses out), \
                 or for smaller networks"
            ));
        }
        None
    }
}

/// Loopback, link-local (cloud metadata lives there), multicast, unspecified, and
/// IPv4 in the clothes of IPv6.
const HOST_ONLY: [&str; 9] = [
    "0.0.0.0/8",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "224.0.0.0/4",
    "::1/128",
    "::ffff:0:0/96",
    "64:ff9b::/96",
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
/// Private and shared networks: to be asked for by themselves.
const INNER: [&str; 5] =
    ["10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"];

fn width(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

fn masked(address: IpAddr, prefix: u8) -> IpAddr {
    let prefix = u32::from(prefix);
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - prefix).unwrap_or(0);
            IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & mask))
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128 - prefix).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & mask))
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn host_bits_are_named_with_the_network_that_was_meant() {
        assert_eq!(Network::parse("192.0.2.0/24").unwrap().to_string(), "192.0.2.0/24");
        let Err(BadNetwork::HostBits(meant)) = Network::parse("192.0.2.7/24") else {
            unreachable!()
        };
        assert_eq!(meant.to_string(), "192.0.2.0/24");
        for bad in ["192.0.2.0", "192.0.2.0/33", "a/8", "::/129", "1.2.3.4/+8", "/", "1.2.3.4/"] {
            assert_eq!(Network::parse(bad), Err(BadNetwork::NotANetwork), "{bad}");
        }
    }

    #[test]
    fn a_network_contains_what_lies_inside() {
        let n = |text| Network::parse(text).unwrap();
        assert!(n("10.0.0.0/8").contains(n("10.1.0.0/16")));
        assert!(n("0.0.0.0/0").contains(n("10.1.0.0/16")));
        assert!(!n("10.1.0.0/16").contains(n("10.0.0.0/8")));
        assert!(!n("::/0").contains(n("10.0.0.0/8")));
        assert!(n("2001:db8::/32").contains(n("2001:db8:1::/48")));
    }

    #[test]
    fn the_address_of_the_cloud_metadata_is_out_of_reach_however_it_is_written() {
        let never = |text| Network::parse(text).unwrap().never().is_some();
        for bad in ["169.254.169.254/32", "169.254.0.0/16", "128.0.0.0/1", "127.0.0.1/32"] {
            assert!(never(bad), "{bad}");
        }
        for bad in ["fd00:ec2::254/128", "168.63.129.16/32", "100.100.100.200/32"] {
            assert!(never(bad), "{bad}");
        }
        for bad in ["0.0.0.0/1", "8.0.0.0/5", "::1/128", "fe80::/64", "8000::/1"] {
            assert!(never(bad), "{bad}");
        }
        for good in ["0.0.0.0/0", "::/0", "10.0.0.0/8", "10.1.0.0/16", "192.0.2.0/24"] {
            assert!(!never(good), "{good}");
        }
    }
}
