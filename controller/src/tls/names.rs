//! The names and addresses that a certificate covers.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rcgen::SanType;
use rustls::pki_types::ServerName;

use super::TlsError;

/// What a certificate must cover; `localhost` and its addresses are always included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    hosts: BTreeSet<String>,
    addresses: BTreeSet<IpAddr>,
}

// === impl Names ===

impl Names {
    /// From endpoints in the configuration: `lab.example.com:8082`, `[2001:db8::7]:8082`, `10.0.0.7`.
    /// Wildcard addresses like `0.0.0.0` are left out.
    ///
    /// # Errors
    ///
    /// The first that cannot be in a certificate.
    pub fn of<T: AsRef<str>>(endpoints: impl IntoIterator<Item = T>) -> Result<Self, TlsError> {
        let mut names = Self {
            hosts: BTreeSet::from(["localhost".to_owned()]),
            addresses: BTreeSet::from([Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]),
        };
        for endpoint in endpoints {
            names.add(host(endpoint.as_ref()))?;
        }
        Ok(names)
    }

    fn add(&mut self, host: &str) -> Result<(), TlsError> {
        if let Ok(address) = host.parse::<IpAddr>() {
            if !address.is_unspecified() {
                self.addresses.insert(address);
            }
            return Ok(());
        }
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        // A wildcard may be the first label of a name.
        let plain = host.strip_prefix("*.").unwrap_or(&host);
        if !matches!(ServerName::try_from(plain), Ok(ServerName::DnsName(_))) {
            return Err(TlsError::Name(host));
        }
        self.hosts.insert(host);
        Ok(())
    }

    /// As subject alternative names.
    pub(super) fn alternatives(&self) -> Result<Vec<SanType>, TlsError> {
        let mut all = Vec::new();
        for host in &self.hosts {
            let name = host.as_str().try_into();
            all.push(SanType::DnsName(
                name.map_err(|_| TlsError::Name(host.clone()))?,
            ));
        }
        all.extend(self.addresses.iter().copied().map(SanType::IpAddress));
        Ok(all)
    }

    /// All names but `localhost`, as peers dial them.
    pub(super) fn public(&self) -> impl Iterator<Item = String> {
        let hosts = self.hosts.iter().filter(|host| *host != "localhost");
        let addresses = self
            .addresses
            .iter()
            .filter(|address| !address.is_loopback());
        hosts.cloned().chain(addresses.map(IpAddr::to_string))
    }
}

/// An endpoint without its port.
fn host(endpoint: &str) -> &str {
    if let Some((address, _)) = endpoint
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
    {
        return address;
    }
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    match endpoint.split_once(':') {
        // Otherwise the colons are those of an IPv6 address without a port.
        Some((host, port)) if is_port(port) => host,
        _ => endpoint,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_become_names() {
        let names = Names::of([
            "Lab.Example.com.:8082",
            "[2001:db8::7]:8083",
            "10.0.0.7",
            "fe80::1",
            "0.0.0.0:8082",
            "*.lab.example.com",
        ])
        .unwrap();
        let public: Vec<_> = names.public().collect();
        assert_eq!(
            public,
            [
                "*.lab.example.com",
                "lab.example.com",
                "10.0.0.7",
                "2001:db8::7",
                "fe80::1"
            ]
        );
        let nothing = Names::of([""; 0]).unwrap();
        assert_eq!(nothing.public().count(), 0);
        assert_eq!(nothing.alternatives().unwrap().len(), 3);
    }

    #[test]
    fn what_is_no_name_is_told() {
        for bad in ["", "a b", "https://a", "a_b c:1", "ü:1"] {
            assert!(matches!(Names::of([bad]), Err(TlsError::Name(_))), "{bad}");
        }
    }
}
