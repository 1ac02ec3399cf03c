//! How many connections each address has: one machine cannot take all places. Trusted proxies may, for all callers are theirs: they have
//! to see to it themselves, as `deploy/nginx.conf` does.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::server::client_address::{Network, counted};

/// Who is inside, by address.
#[derive(Debug)]
pub(in crate::server) struct Guests {
    most: usize,
    trusted: Vec<Network>,
    inside: Mutex<HashMap<String, Inside>>,
}

/// The connections of one address.
#[derive(Debug, Default)]
struct Inside {
    count: usize,
    /// Whether the log says that it wants more.
    told: bool,
}

/// One connection of an address, for as long as this lives.
#[derive(Debug)]
pub(super) struct Guest {
    guests: Arc<Guests>,
    address: String,
}

impl Guests {
    /// At most `most` connections of one address; for IPv6 of its /64.
    pub(in crate::server) fn new(most: usize, trusted: &[Network]) -> Guests {
        Guests { most, trusted: trusted.to_vec(), inside: Mutex::default() }
    }

    fn inside(&self) -> MutexGuard<'_, HashMap<String, Inside>> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// None when its address has as many connections as it may.
    pub(super) fn admit(guests: &Arc<Guests>, ip: IpAddr) -> Option<Guest> {
        let ip = ip.to_canonical();
        let address = counted(ip);
        let mut inside = guests.inside();
        let here = inside.entry(address.clone()).or_default();
        if here.count >= guests.most && !guests.trusted.iter().any(|network| network.contains(ip)) {
            if !std::mem::replace(&mut here.told, true) {
                tracing::warn!(address, most = guests.most, "an address has as many connections as it may (connections_per_address)");
            }
            return None;
        }
        here.count += 1;
        drop(inside);
        Some(Guest { guests: guests.clone(), address })
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut inside = self.guests.inside();
        let Some(here) = inside.get_mut(&self.address) else { return };
        here.count -= 1;
        if here.count == 0 {
            inside.remove(&self.address);
        } else if here.count < self.guests.most / 2 {
            here.told = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trusted_proxy_brings_as_many_as_there_are_and_an_ipv6_network_counts_as_one() {
        let guests = Arc::new(Guests::new(1, &["10.0.0.5".parse().unwrap()]));
        let admit = |ip: &str| Guests::admit(&guests, ip.parse().unwrap());
        let _inside = [admit("10.0.0.5").unwrap(), admit("::ffff:10.0.0.5").unwrap(), admit("2001:db8::1").unwrap()];
        assert!(admit("2001:db8::2").is_none() && admit("2001:db8:0:1::2").is_some());
        assert_eq!(guests.inside().len(), 2, "nobody is remembered who has left");
    }
}
