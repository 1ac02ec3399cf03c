//! Where a request comes from. What a header says counts only when the caller before it is a proxy that the settings trust, so that
//! nobody chooses the address he is counted under.

use std::convert::Infallible;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap};
use axum::serve::IncomingStream;
use tokio_util::sync::CancellationToken;

use super::door::{Door, Place};

/// Proxies that are looked through, at most.
const HOPS: usize = 16;

/// The caller as the server sees him.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ClientAddress {
    /// IPv4 in its own form, also where it came mapped into IPv6.
    pub(super) ip: IpAddr,
    /// Whether the caller's own connection, to us or to a trusted proxy, is encrypted.
    pub(super) secure: bool,
}

/// The other end of a connection, and whether it is encrypted.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    pub(super) address: SocketAddr,
    pub(super) tls: bool,
    /// Ends the connection when it is cancelled, and is cancelled when it ends.
    pub(super) cut: CancellationToken,
    /// Kept by whatever goes on though the connection has ended.
    pub(super) place: Option<Arc<Place>>,
}

impl axum::extract::connect_info::Connected<IncomingStream<'_, Door>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Peer {
        let io = stream.io();
        Peer { address: *stream.remote_addr(), tls: io.is_encrypted(), cut: io.cut(), place: io.place() }
    }
}

impl ClientAddress {
    /// As the outermost layer has noted it in the request.
    pub(super) fn noted(extensions: &Extensions, headers: &HeaderMap) -> ClientAddress {
        extensions.get::<ClientAddress>().copied().unwrap_or_else(|| ClientAddress::of(extensions, headers, &[]))
    }

    /// Of a request that came in by this connection. Without one it is the machine itself: tests call the router directly.
    pub(super) fn of(extensions: &Extensions, headers: &HeaderMap, trusted: &[Network]) -> ClientAddress {
        let peer = extensions.get::<ConnectInfo<Peer>>().map(|info| (info.0.address, info.0.tls));
        let (peer, tls) = peer.unwrap_or((SocketAddr::from(([127, 0, 0, 1], 0)), false));
        let is_trusted = |ip: IpAddr| trusted.iter().any(|network| network.contains(ip));
        let ip = peer.ip().to_canonical();
        if !is_trusted(ip) {
            return ClientAddress { ip, secure: tls };
        }
        let hops = hops(headers);
        let mut client = ip;
        // From our end outwards: whatever lies behind the first stranger is his own invention.
        for hop in hops.iter().rev().take(HOPS) {
            let Some(address) = hop else { break };
            client = *address;
            if !is_trusted(client) {
                break;
            }
        }
        ClientAddress { ip: client, secure: tls || forwarded_scheme(headers).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https")) }
    }
}

/// The address as it is counted: an IPv6 customer has a whole /64 to choose from.
pub(super) fn counted(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("{}/64", std::net::Ipv6Addr::from(u128::from(ip) & !u128::from(u64::MAX))),
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<ClientAddress, Infallible> {
        Ok(ClientAddress::noted(&parts.extensions, &parts.headers))
    }
}

/// Finds the caller's address and leaves it in the request for whoever asks.
pub(super) fn note(request: &mut Request, trusted: &[Network]) -> ClientAddress {
    let address = ClientAddress::of(request.extensions(), request.headers(), trusted);
    request.extensions_mut().insert(address);
    address
}

/// The addresses that proxies have written, the nearest last; nothing for one that cannot be read. Where the two headers that may
/// hold them disagree, one of them came from outside, and neither counts.
fn hops(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let old: Vec<_> = values(headers, "x-forwarded-for").map(|text| address(&text)).collect();
    let standard: Vec<_> = values(headers, "forwarded").map(|text| address(parameter(&text, "for").unwrap_or_default())).collect();
    match (old.is_empty(), standard.is_empty()) {
        (false, false) if old != standard => Vec::new(),
        (false, _) => old,
        (true, _) => standard,
    }
}

fn forwarded_scheme(headers: &HeaderMap) -> Option<String> {
    let standard = || Some(parameter(&values(headers, "forwarded").last()?, "proto")?.to_owned());
    values(headers, "x-forwarded-proto").last().or_else(standard)
}

/// Every element of a header that is a list, over all its lines.
fn values<'a>(headers: &'a HeaderMap, name: &'static str) -> impl Iterator<Item = String> + use<'a> {
    let lines = headers.get_all(name).iter().map(|line| String::from_utf8_lossy(line.as_bytes()).into_owned());
    lines.flat_map(|line| line.split(',').map(|part| part.trim().to_owned()).collect::<Vec<_>>())
}

/// One parameter of an element of `Forwarded`, without its quotes.
fn parameter<'a>(element: &'a str, name: &str) -> Option<&'a str> {
    let pairs = element.split(';').filter_map(|pair| pair.split_once('='));
    pairs.into_iter().find(|(key, _)| key.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().trim_matches('"'))
}

/// `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]:4711`.
fn address(text: &str) -> Option<IpAddr> {
    let plain = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let ip = plain.parse().ok().or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()));
    ip.map(|ip: IpAddr| ip.to_canonical())
}

/// An address, or all addresses that begin as it does: `10.1.0.0/16`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    pub(super) fn contains(&self, ip: IpAddr) -> bool {
        match (self.address, ip) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                leading(u128::from(u32::from(own)) << 96, self.prefix) == leading(u128::from(u32::from(other)) << 96, self.prefix)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => leading(own.into(), self.prefix) == leading(other.into(), self.prefix),
            _ => false,
        }
    }
}

fn leading(bits: u128, prefix: u8) -> u128 {
    bits & u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0)
}

/// Bits before the IPv4 address in `::ffff:10.0.0.4`.
const MAPPED: u8 = 96;

/// The text is no address and no network.
#[derive(Debug, PartialEq)]
pub struct NoNetwork;

impl FromStr for Network {
    type Err = NoNetwork;

    fn from_str(text: &str) -> Result<Network, NoNetwork> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().map_err(|_| NoNetwork)?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(longest), |prefix| prefix.parse().map_err(|_| NoNetwork))?;
        match (address, address.to_canonical()) {
            _ if prefix > longest => Err(NoNetwork),
            // IPv4 in the clothes of IPv6: addresses are compared without them.
            (IpAddr::V6(_), IpAddr::V4(address)) if prefix >= MAPPED => Ok(Network { address: address.into(), prefix: prefix - MAPPED }),
            _ => Ok(Network { address, prefix }),
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn seen(peer: &str, headers: &[(&'static str, &str)], trusted: &[&str]) -> (String, bool) {
        let mut extensions = Extensions::new();
        extensions.insert(ConnectInfo(Peer {
            address: SocketAddr::new(peer.parse().unwrap(), 4711),
            tls: false,
            cut: CancellationToken::new(),
            place: None,
        }));
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let trusted: Vec<Network> = trusted.iter().map(|text| text.parse().unwrap()).collect();
        let address = ClientAddress::of(&extensions, &map, &trusted);
        (address.ip.to_string(), address.secure)
    }

    #[test]
    fn a_forged_header_changes_nothing() {
        for header in [("x-forwarded-for", "1.2.3.4"), ("forwarded", "for=1.2.3.4;proto=https"), ("x-forwarded-proto", "https")] {
            assert_eq!(seen("10.0.0.5", &[header], &[]), ("10.0.0.5".to_owned(), false));
            assert_eq!(seen("10.0.0.5", &[header], &["10.0.0.4"]), ("10.0.0.5".to_owned(), false));
        }
    }

    #[test]
    fn a_trusted_proxy_tells_the_address_and_what_the_caller_wrote_before_it_does_not_count() {
        let forged = [("x-forwarded-for", "1.2.3.4, 192.0.2.7"), ("x-forwarded-proto", "https")];
        assert_eq!(seen("10.0.0.4", &forged, &["10.0.0.0/24"]), ("192.0.2.7".to_owned(), true));
        let chain = [("x-forwarded-for", "192.0.2.7"), ("x-forwarded-for", "10.0.0.9")];
        assert_eq!(seen("::ffff:10.0.0.4", &chain, &["10.0.0.0/24"]), ("192.0.2.7".to_owned(), false));
        let standard = [("forwarded", "for=\"[2001:db8::17]:4711\";proto=https;by=203.0.113.43")];
        assert_eq!(seen("10.0.0.4", &standard, &["10.0.0.4"]), ("2001:db8::17".to_owned(), true));
    }

    #[test]
    fn headers_that_disagree_or_cannot_be_read_leave_the_proxys_own_address() {
        let both = [("x-forwarded-for", "192.0.2.7"), ("forwarded", "for=1.2.3.4")];
        assert_eq!(seen("10.0.0.4", &both, &["10.0.0.4"]).0, "10.0.0.4");
        for junk in ["unknown", "_hidden", "", "1.2.3", "for=1.2.3.4"] {
            assert_eq!(seen("10.0.0.4", &[("x-forwarded-for", junk)], &["10.0.0.4"]).0, "10.0.0.4", "{junk:?}");
        }
    }

    #[test]
    fn a_network_is_an_address_or_its_beginning() {
        let inside = |network: &str, ip: &str| network.parse::<Network>().unwrap().contains(ip.parse().unwrap());
        assert!(inside("10.1.0.0/16", "10.1.255.9") && !inside("10.1.0.0/16", "10.2.0.1"));
        assert!(inside("0.0.0.0/0", "192.0.2.1") && !inside("0.0.0.0/0", "::1") && inside("::/0", "::1"));
        assert!(inside("2001:db8::/32", "2001:db8:ffff::1") && !inside("2001:db8::1", "2001:db8::2"));
        for bad in ["", "10.0.0.0/33", "::/129", "10.0.0/8", "host", "10.0.0.1/", "10.0.0.1/-1"] {
            assert_eq!(bad.parse::<Network>(), Err(NoNetwork), "{bad:?}");
        }
    }

    #[test]
    fn neighbours_in_ipv6_are_counted_as_one() {
        assert_eq!(counted("2001:db8::1".parse().unwrap()), counted("2001:db8::ffff:1".parse().unwrap()));
        assert_ne!(counted("2001:db8:0:1::1".parse().unwrap()), counted("2001:db8::1".parse().unwrap()));
    }

    proptest! {
        #[test]
        fn no_header_is_too_odd_to_be_read(text in "[ -~]{0,80}", standard: bool) {
            let name = if standard { "forwarded" } else { "x-forwarded-for" };
            let (found, _) = seen("10.0.0.4", &[(name, text.trim())], &["10.0.0.4"]);
            prop_assert!(found.parse::<IpAddr>().is_ok());
        }
    }

    #[test]
    fn a_network_of_ipv4_in_the_clothes_of_ipv6_is_one_of_ipv4() {
        let network = |text: &str| text.parse::<Network>();
        assert_eq!(network("::ffff:10.0.0.4"), network("10.0.0.4"));
        assert_eq!(network("::ffff:10.0.0.0/104"), network("10.0.0.0/8"));
        assert!(network("::ffff:10.0.0.0/104").unwrap().contains("10.9.9.9".parse().unwrap()));
        assert_eq!(network("10.0.0.0/33"), Err(NoNetwork));
    }
}
