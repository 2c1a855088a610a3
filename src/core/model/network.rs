//! Networks: an address and how many of its bits count, such as `192.0.2.0/24`.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

/// A network without host bits, of either version of IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network(IpNet);

/// Why a text is not a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadNetwork {
    /// It is not `address/prefix`, or one of the two is wrong.
    NotANetwork,
    /// The network that was probably meant.
    HostBits(Network),
}

/// RFC 1918, RFC 6598 and RFC 4193; and what is nobody's on the internet and used inside many
/// clusters all the same: RFC 6890 (192.0.0.0/24), RFC 2544, RFC 1112 and RFC 3879.
const PRIVATE: [&str; 9] = [
    "10.0.0.0/8",
    "100.64.0.0/10",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "240.0.0.0/4",
    "fc00::/7",
    "fec0::/10",
];

impl Network {
    /// Parses `address/prefix`.
    ///
    /// # Errors
    /// [`BadNetwork`], with the network address if there are host bits.
    pub fn parse(text: &str) -> Result<Self, BadNetwork> {
        Self::split(text).ok_or(BadNetwork::NotANetwork).and_then(|found| {
            let network = Self(found.trunc());
            if network.0 == found { Ok(network) } else { Err(BadNetwork::HostBits(network)) }
        })
    }

    /// The standard library reads the address: ipnet takes `010.0.0.0`, which other programs read
    /// as octal.
    fn split(text: &str) -> Option<IpNet> {
        let (address, prefix) = text.split_once('/')?;
        let address: IpAddr = address.parse().ok()?;
        let prefix = prefix.bytes().all(|b| b.is_ascii_digit()).then(|| prefix.parse().ok())??;
        IpNet::new(address, prefix).ok()
    }

    /// Whether every address of `other` is in this one.
    pub fn contains(self, other: Self) -> bool {
        self.0.contains(&other.0)
    }

    /// Whether it has an address in common with the other.
    pub fn overlaps(self, other: Self) -> bool {
        self.contains(other) || other.contains(self)
    }

    /// Whether all of it is private or shared: addresses that mean somebody else on every network.
    pub fn is_private(self) -> bool {
        Self::private().any(|network| network.contains(self))
    }

    /// The private and shared networks, each to be asked for by itself.
    pub fn private() -> impl Iterator<Item = Self> {
        PRIVATE.into_iter().filter_map(|text| Self::parse(text).ok())
    }

    /// Whether it is every address of its version: `0.0.0.0/0` or `::/0`.
    pub fn is_everything(self) -> bool {
        self.0.prefix_len() == 0
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl serde::Serialize for Network {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn host_bits_are_named_with_the_network_that_was_meant() {
        assert_eq!(Network::parse("192.0.2.0/24").unwrap().to_string(), "192.0.2.0/24");
        assert_eq!(Network::parse("64:FF9B:0::/96").unwrap().to_string(), "64:ff9b::/96");
        let Err(BadNetwork::HostBits(meant)) = Network::parse("192.0.2.7/24") else {
            unreachable!()
        };
        assert_eq!(meant.to_string(), "192.0.2.0/24");
        for bad in [
            "192.0.2.0",
            "192.0.2.0/33",
            "a/8",
            "::/129",
            "1.2.3.4/+8",
            "/",
            "1.2.3.4/",
            "010.0.0.0/8",
            "10.0.0.0/8/8",
        ] {
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
        assert!(n("::/0").is_everything() && !n("0.0.0.0/1").is_everything());
    }
}
