//! Which addresses may be called.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// Whether `address` is one of the public internet. Addresses that embed an IPv4 one are judged by it.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(v4: Ipv4Addr) -> bool {
    let [a, b, c, _] = v4.octets();
    !(v4.is_private()
        || v4.is_loopback()
        || v4.is_link_local()
        || v4.is_broadcast()
        || v4.is_documentation()
        || v4.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 198 && (18..20).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99))
}

fn is_public_v6(v6: Ipv6Addr) -> bool {
    let segments = v6.segments();
    if let Some(v4) = v6.to_ipv4_mapped() {
        return is_public_v4(v4);
    }
    let low_v4 = || {
        let [.., a, b] = segments;
        Ipv4Addr::from((u32::from(a) << 16) | u32::from(b))
    };
    match segments {
        // NAT64 carries an IPv4 address in its low half.
        [0x64, 0xff9b, 0, 0, 0, 0, _, _] => is_public_v4(low_v4()),
        // 6to4 carries one behind its prefix.
        [0x2002, a, b, ..] => is_public_v4(Ipv4Addr::from((u32::from(a) << 16) | u32::from(b))),
        // Teredo tunnels to anywhere, 2001:db8::/32 is documentation, 2001::/23 is special use.
        [0x2001, second, ..] if second < 0x200 || second == 0xdb8 => false,
        // Only 2000::/3 is handed out as global unicast.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

/// Why a URL may not be called at all, before any name is resolved; `None` when it may.
#[must_use]
pub fn refuse_url(url: &Url) -> Option<&'static str> {
    if url.scheme() != "https" {
        return Some("only https is called");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Some("a URL with credentials is not called");
    }
    match url.host() {
        None => Some("the URL has no host"),
        Some(Host::Ipv4(v4)) if !is_public_v4(v4) => Some("the address is not public"),
        Some(Host::Ipv6(v6)) if !is_public_v6(v6) => Some("the address is not public"),
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            let private =
                !name.contains('.') || [".localhost", ".local", ".internal"].iter().any(|end| name.ends_with(end));
            private.then_some("the host is not a public name")
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_refused_in_every_spelling() {
        for text in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "198.18.0.1",
            "192.0.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "240.0.0.1",
            "192.0.2.1",
            "203.0.113.9",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:7f00:1::",
            "2001:db8::1",
            "2001::1",
            "::127.0.0.1",
        ] {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn public_addresses_pass() {
        for text in [
            "1.1.1.1",
            "93.184.216.34",
            "172.32.0.1",
            "2606:4700::1111",
            "2a00:1450:4001::1",
            "::ffff:1.1.1.1",
            "64:ff9b::101:101",
        ] {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn urls_that_lead_inside_are_refused_before_any_lookup() {
        for text in [
            "http://example.com/",
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://[::1]/",
            "https://localhost/",
            "https://metadata.google.internal/",
            "https://intranet/",
            "https://u:p@example.com/",
            "ftp://example.com/",
            "https://printer.local/",
            "https://[::ffff:10.0.0.1]/",
            "https://localhost./",
        ] {
            assert!(refuse_url(&Url::parse(text).unwrap()).is_some(), "{text}");
        }
        assert_eq!(refuse_url(&Url::parse("https://example.com/x?y").unwrap()), None);
    }
}
