//! Which hosts a connector may reach, and at which addresses.
//!
//! A name that the outside world answers must not lead into the firm: whoever owns the name of a CRM would else reach
//! what only this computer can reach.

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

/// How far inside an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    Public,
    /// Of a local network.
    Private,
    /// This computer, its link, or nobody's.
    Own,
}

/// The hosts of a connector, with what their names led to first.
#[derive(Debug)]
pub(crate) struct Hosts(Mutex<BTreeMap<String, Option<Reach>>>);

/// We do not go there; a sentence.
#[derive(Debug)]
pub(super) struct Forbidden(pub(super) String);

impl std::fmt::Display for Forbidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Forbidden {}

impl Hosts {
    pub(crate) fn new<'a>(hosts: impl IntoIterator<Item = &'a str>) -> Self {
        let hosts = hosts
            .into_iter()
            .map(|host| (host.to_ascii_lowercase(), None));
        Self(Mutex::new(hosts.collect()))
    }

    /// Whether these addresses may be used for the name. Where a name leads first is where it leads.
    fn admit(&self, name: &str, addresses: &[SocketAddr]) -> Result<(), Forbidden> {
        let mut hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(first) = hosts.get_mut(&name.to_ascii_lowercase()) else {
            return Err(Forbidden(format!(
                "{name} is another host than that of the settings"
            )));
        };
        let Some(reach) = addresses.iter().map(|address| reach(address.ip())).max() else {
            return Ok(());
        };
        if reach == Reach::Own && !is_own_machine(name) {
            return Err(Forbidden(format!(
                "the name {name} leads to this computer itself, which only the name localhost and its addresses may"
            )));
        }
        let known = *first.get_or_insert(reach);
        if reach > known {
            return Err(Forbidden(format!(
                "the name {name} led to the internet before and now leads into the local network; that is not followed"
            )));
        }
        Ok(())
    }
}

/// By its name or address, without asking anybody.
pub(crate) fn is_own_machine(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let address: Option<IpAddr> = host.parse().ok();
    let lower = host.to_ascii_lowercase();
    address.is_some_and(|address| address.is_loopback())
        || lower == "localhost"
        || lower.ends_with(".localhost")
}

pub(super) struct Pinned(pub(super) Arc<Hosts>);

impl Resolve for Pinned {
    fn resolve(&self, name: Name) -> Resolving {
        let hosts = self.0.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let found: Vec<SocketAddr> = found.collect();
            hosts.admit(name.as_str(), &found)?;
            let addresses: Addrs = Box::new(found.into_iter());
            Ok(addresses)
        })
    }
}

fn reach(address: IpAddr) -> Reach {
    match address {
        IpAddr::V4(four) => {
            let [a, b, ..] = four.octets();
            let is_own = four.is_loopback()
                || four.is_link_local()
                || four.is_unspecified()
                || four.is_multicast()
                || four.is_broadcast()
                || a == 0;
            if is_own {
                return Reach::Own;
            }
            match four.is_private() || (a == 100 && (64..128).contains(&b)) {
                true => Reach::Private,
                false => Reach::Public,
            }
        }
        IpAddr::V6(six) => {
            if let Some(four) = six.to_ipv4_mapped() {
                return reach(IpAddr::V4(four));
            }
            let first = six.segments()[0];
            let is_own = six.is_loopback()
                || six.is_unspecified()
                || six.is_multicast()
                || (first & 0xffc0) == 0xfe80;
            match (is_own, (first & 0xfe00) == 0xfc00) {
                (true, _) => Reach::Own,
                (false, true) => Reach::Private,
                (false, false) => Reach::Public,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> [SocketAddr; 1] {
        [SocketAddr::new(text.parse().unwrap(), 0)]
    }

    #[test]
    fn a_name_of_the_internet_never_leads_inside_later() {
        let hosts = Hosts::new(["crm.example"]);
        assert!(hosts.admit("crm.example", &at("93.184.216.34")).is_ok());
        assert!(hosts.admit("CRM.example", &at("93.184.216.35")).is_ok());
        assert!(hosts.admit("crm.example", &at("10.0.0.5")).is_err());
        assert!(hosts.admit("crm.example", &at("fd00::1")).is_err());
        assert!(hosts.admit("other.example", &at("93.184.216.34")).is_err());
    }

    #[test]
    fn a_name_of_the_firm_leads_into_the_firm() {
        let hosts = Hosts::new(["crm.firm.example"]);
        assert!(hosts.admit("crm.firm.example", &at("192.168.1.5")).is_ok());
        assert!(hosts.admit("crm.firm.example", &at("192.168.1.6")).is_ok());
    }

    #[test]
    fn only_the_own_names_lead_to_the_own_machine() {
        let hosts = Hosts::new(["crm.example", "localhost"]);
        for own in [
            "127.0.0.1",
            "::1",
            "169.254.169.254",
            "0.0.0.0",
            "::ffff:127.0.0.1",
            "fe80::1",
        ] {
            assert!(hosts.admit("crm.example", &at(own)).is_err(), "{own}");
        }
        assert!(hosts.admit("localhost", &at("127.0.0.1")).is_ok());
    }
}
