//! The address of a server: checked, normalised, and without anything that does not belong into an address.

use std::fmt;
use std::net::SocketAddr;

use url::{Host, Url};

/// `https://line-a.local:8443`: scheme, host, port and an optional path, without a trailing slash or `/api`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ServerUrl(Url);

/// Why an address cannot be used. `explain` has words for each.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadServerUrl {
    #[error("no address")]
    Empty,
    #[error("not an address")]
    Malformed,
    #[error("only http and https addresses")]
    Scheme,
    /// A user or password inside the address would end up in logs.
    #[error("an address must not hold a user name or password")]
    HoldsCredentials,
    #[error("an address must not hold a query or fragment")]
    HoldsQuery,
    /// Plain http to another machine lets everyone on the way read the token.
    #[error("plain http to another machine is not allowed")]
    PlainHttp,
}

impl ServerUrl {
    /// Reads what a person types: a missing scheme means https, and http for this very machine.
    pub fn parse(text: &str) -> Result<ServerUrl, BadServerUrl> {
        let text = text.trim();
        if text.is_empty() {
            return Err(BadServerUrl::Empty);
        }
        if text.contains(char::is_whitespace) || text.len() > 2000 {
            return Err(BadServerUrl::Malformed);
        }
        let mut url = if text.contains("://") {
            Url::parse(text).map_err(|_| BadServerUrl::Malformed)?
        } else {
            let secure = Url::parse(&format!("https://{text}")).map_err(|_| BadServerUrl::Malformed)?;
            if is_loopback(&secure) { Url::parse(&format!("http://{text}")).map_err(|_| BadServerUrl::Malformed)? } else { secure }
        };
        if !matches!(url.scheme(), "http" | "https") {
            return Err(BadServerUrl::Scheme);
        }
        if url.host().is_none() {
            return Err(BadServerUrl::Malformed);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BadServerUrl::HoldsCredentials);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(BadServerUrl::HoldsQuery);
        }
        let path = url.path().trim_end_matches('/');
        let path = path.strip_suffix("/api").unwrap_or(path).to_owned();
        url.set_path(&path);
        Ok(ServerUrl(url))
    }

    /// Whether a token sent there travels in the open through a network.
    pub fn is_plain_http(&self) -> bool {
        self.0.scheme() == "http" && !is_loopback(&self.0)
    }

    /// Whether the server is on this machine.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.0)
    }

    /// The address of one endpoint; `path` starts with a slash.
    pub fn join(&self, path: &str) -> String {
        format!("{self}{path}")
    }

    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// Host and port as they stand in the address, for a request's `Host`.
    pub(crate) fn authority(&self) -> String {
        match self.0.port() {
            Some(port) => format!("{}:{port}", self.host()),
            None => self.host().to_owned(),
        }
    }

    /// The address that leads into a tunnel at `local`, under the server's own name so that its certificate fits.
    /// `None` for https to a number: a certificate's number cannot be checked at another one.
    pub(crate) fn entered_at(&self, local: SocketAddr) -> Option<ServerUrl> {
        let mut url = self.0.clone();
        if !matches!(url.host(), Some(Host::Domain(_))) {
            if url.scheme() == "https" && !self.is_loopback() {
                return None;
            }
            url.set_ip_host(local.ip()).ok()?;
        }
        url.set_port(Some(local.port())).ok()?;
        Some(ServerUrl(url))
    }

    /// The port spoken or meant.
    pub fn port(&self) -> u16 {
        self.0.port_or_known_default().unwrap_or(443)
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_normalised() {
        for (typed, kept) in [
            ("https://Line-A.local:8443/", "https://line-a.local:8443"),
            ("line-a.local", "https://line-a.local"),
            ("127.0.0.1:8440", "http://127.0.0.1:8440"),
            ("localhost:8440/api/", "http://localhost:8440"),
            ("https://company.wats.com/api", "https://company.wats.com"),
            ("https://plant.example/wats", "https://plant.example/wats"),
            ("https://line-a.local:443", "https://line-a.local"),
        ] {
            assert_eq!(ServerUrl::parse(typed).map(|url| url.to_string()).as_deref(), Ok(kept), "{typed}");
        }
    }

    #[test]
    fn a_tunnel_is_entered_under_the_servers_own_name() {
        let local = "127.0.0.1:7000".parse().unwrap();
        let enter = |url: &str| ServerUrl::parse(url).unwrap().entered_at(local).map(|url| url.to_string());
        assert_eq!(enter("https://line-a.plant:8443/wats").as_deref(), Some("https://line-a.plant:7000/wats"));
        assert_eq!(enter("https://line-a.plant").as_deref(), Some("https://line-a.plant:7000"));
        assert_eq!(enter("http://10.0.0.9:8440").as_deref(), Some("http://127.0.0.1:7000"));
        assert_eq!(enter("http://[::1]:8440").as_deref(), Some("http://127.0.0.1:7000"));
        assert_eq!(enter("https://10.0.0.9"), None);
        assert_eq!(ServerUrl::parse("https://line-a.plant").unwrap().authority(), "line-a.plant");
        assert_eq!(ServerUrl::parse("https://line-a.plant:8443").unwrap().authority(), "line-a.plant:8443");
    }

    #[test]
    fn what_does_not_belong_is_refused_by_name() {
        for (typed, why) in [
            (" ", BadServerUrl::Empty),
            ("ftp://x", BadServerUrl::Scheme),
            ("https://user:pw@line", BadServerUrl::HoldsCredentials),
            ("user@line", BadServerUrl::HoldsCredentials),
            ("https://line?x=1", BadServerUrl::HoldsQuery),
            ("https://", BadServerUrl::Malformed),
            ("https://a b", BadServerUrl::Malformed),
        ] {
            assert_eq!(ServerUrl::parse(typed), Err(why), "{typed}");
        }
    }

    #[test]
    fn plain_http_is_harmless_only_on_this_machine() {
        assert!(!ServerUrl::parse("http://127.0.0.1:1").unwrap().is_plain_http());
        assert!(!ServerUrl::parse("http://[::1]:1").unwrap().is_plain_http());
        assert!(ServerUrl::parse("http://10.0.0.1").unwrap().is_plain_http());
    }
}
