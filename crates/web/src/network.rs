//! Networks, and who is really calling behind a proxy.

use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use http::HeaderMap;

/// An address, or all addresses with the same first bits: `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u32,
}

/// A text that is no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an address or network such as 10.0.0.0/8")]
pub struct NotANetwork;

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let (address, prefix) =
            text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().map_err(|_| NotANetwork)?;
        let prefix = prefix.map_or(Ok(width(address)), str::parse).map_err(|_| NotANetwork)?;
        if prefix > width(address) { Err(NotANetwork) } else { Ok(Self { address, prefix }) }
    }
}

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        Self { address, prefix: width(address) }
    }
}

impl Network {
    fn contains(self, other: IpAddr) -> bool {
        let shift = width(self.address).saturating_sub(self.prefix);
        let head = |address| bits(address).checked_shr(shift).unwrap_or(0);
        width(self.address) == width(other) && head(self.address) == head(other)
    }
}

/// What counts as one source: an IPv4 address, or a /64 of IPv6, of which every customer has one at least.
pub(crate) fn source(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !0 << 64)),
    }
}

fn width(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// Who calls: the peer itself, or, when it is a trusted proxy, the last address in `X-Forwarded-For`
/// that is not one. What stands before it was written by the caller, and proves nothing.
pub(crate) fn caller(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let peer = peer.to_canonical();
    let is_trusted = |address| trusted.iter().any(|network| network.contains(address));
    if !is_trusted(peer) {
        return peer;
    }
    let mut caller = peer;
    let lines: Vec<_> = headers.get_all("x-forwarded-for").iter().collect();
    let texts = lines.iter().rev().filter_map(|line| line.to_str().ok());
    for text in texts.flat_map(|line| line.rsplit(',')) {
        let Ok(address) = text.trim().parse::<IpAddr>() else { break };
        caller = address.to_canonical();
        if !is_trusted(caller) {
            break;
        }
    }
    caller
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        text.parse().unwrap()
    }

    #[test]
    fn networks_hold_what_begins_alike() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        assert!(network("10.0.0.0/8").contains(ip("10.255.1.2")));
        assert!(!network("10.0.0.0/8").contains(ip("11.0.0.1")));
        assert!(network("0.0.0.0/0").contains(ip("1.2.3.4")));
        assert!(!network("0.0.0.0/0").contains(ip("::1")));
        assert!(network("::/0").contains(ip("fe80::1")));
        assert!(network("192.0.2.7").contains(ip("192.0.2.7")));
        assert!(!network("192.0.2.7").contains(ip("192.0.2.6")));
        for bad in ["", "10.0.0.0/33", "10.0.0/8", "::1/129", "a/8", "10.0.0.0/"] {
            assert_eq!(bad.parse::<Network>(), Err(NotANetwork), "{bad}");
        }
    }

    #[test]
    fn a_source_is_an_address_or_a_network_of_ipv6() {
        let source = |text: &str| source(text.parse().unwrap()).to_string();
        assert_eq!(source("192.0.2.7"), "192.0.2.7");
        assert_eq!(source("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(source("2001:db8:1:2::9"), source("2001:db8:1:2:ffff::"));
        assert_ne!(source("2001:db8:1:3::9"), source("2001:db8:1:2::9"));
    }

    #[test]
    fn only_a_trusted_proxy_speaks_for_others() {
        let trusted = [network("10.0.0.0/8"), network("::1")];
        let who = |peer: &str, forwarded: &[&str]| {
            let mut headers = HeaderMap::new();
            for line in forwarded {
                headers.append("x-forwarded-for", line.parse().unwrap());
            }
            caller(peer.parse().unwrap(), &headers, &trusted).to_string()
        };
        assert_eq!(who("192.0.2.1", &["198.51.100.1"]), "192.0.2.1");
        assert_eq!(who("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(who("10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(who("10.0.0.1", &["1.1.1.1, 198.51.100.1, 10.0.0.2"]), "198.51.100.1");
        assert_eq!(who("10.0.0.1", &["1.1.1.1", "198.51.100.1"]), "198.51.100.1");
        assert_eq!(who("10.0.0.1", &["1.1.1.1, nonsense"]), "10.0.0.1");
        assert_eq!(who("::ffff:10.0.0.1", &["::ffff:198.51.100.1"]), "198.51.100.1");
    }
}
