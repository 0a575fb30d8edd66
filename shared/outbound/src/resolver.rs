//! Names, and only the public addresses behind them.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::address::is_public;

/// A lookup under way.
pub type Looking<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send + 'a>>;

/// Looks names up. The product asks the system; tests let names lead where they like.
pub trait Lookup: Send + Sync {
    /// The addresses behind `host`.
    fn lookup<'a>(&'a self, host: &'a str) -> Looking<'a>;
}

/// Asks the system.
pub(crate) struct System;

impl Lookup for System {
    fn lookup<'a>(&'a self, host: &'a str) -> Looking<'a> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, 0)).await?.map(|address| address.ip()).collect()) })
    }
}

pub(crate) const NOT_PUBLIC: &str = "the name leads to no public address";

/// Resolves names and hands only public addresses on, so the address that was checked is the one connected to.
pub(crate) struct PublicOnly {
    /// Hosts that an operator named.
    pub(crate) exempt: Vec<String>,
    pub(crate) lookup: Arc<dyn Lookup>,
}

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let exempt = self.exempt.iter().any(|host| host == name.as_str());
        let lookup = Arc::clone(&self.lookup);
        Box::pin(async move {
            let found = lookup.lookup(name.as_str()).await?;
            let allowed: Vec<SocketAddr> =
                found.into_iter().filter(|ip| exempt || is_public(*ip)).map(|ip| SocketAddr::new(ip, 0)).collect();
            if allowed.is_empty() {
                return Err(NOT_PUBLIC.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn resolved(exempt: &[&str]) -> Result<Vec<SocketAddr>, String> {
        let exempt = exempt.iter().map(|host| (*host).to_owned()).collect();
        let resolver = PublicOnly { exempt, lookup: Arc::new(System) };
        // `localhost` is the one name that every machine resolves without a network, and it leads inside.
        let name: Name = "localhost".parse().unwrap();
        resolver.resolve(name).await.map(Iterator::collect).map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_hands_out_no_address_to_connect_to() {
        assert_eq!(resolved(&[]).await, Err(NOT_PUBLIC.to_owned()));
        assert!(!resolved(&["localhost"]).await.unwrap().is_empty(), "an operator's own stand-in is reached");
    }

    struct Fixed(Vec<IpAddr>);

    impl Lookup for Fixed {
        fn lookup<'a>(&'a self, _: &'a str) -> Looking<'a> {
            Box::pin(async { Ok(self.0.clone()) })
        }
    }

    #[tokio::test]
    async fn of_a_name_with_both_only_the_public_addresses_are_handed_on() {
        let both = ["127.0.0.1", "1.1.1.1", "::1", "10.0.0.1"].map(|text| text.parse().unwrap());
        let resolver = PublicOnly { exempt: Vec::new(), lookup: Arc::new(Fixed(both.to_vec())) };
        let handed_on: Vec<SocketAddr> =
            resolver.resolve("both.example".parse().unwrap()).await.ok().unwrap().collect();
        assert_eq!(handed_on, ["1.1.1.1:0".parse().unwrap()]);
    }
}
