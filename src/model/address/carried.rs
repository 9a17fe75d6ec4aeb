//! IPv6 that carries an IPv4 address: a tunnel's or a translator's. It is taken as it is written, and named, because
//! whoever writes it may mean the IPv4 address, which WAF sees on its own.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// How an IPv6 prefix carries IPv4, and which where that can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Carried {
    /// `6to4`, `NAT64`, …
    pub by: &'static str,
    /// The IPv4 addresses inside; `None` where the prefix is wider than they are, or hides them.
    pub v4: Option<Ipv4Net>,
}

/// Where a kind of address has its IPv4 part: the prefix by which it is known, and the first bit of the address inside.
struct Form {
    by: &'static str,
    prefix: (Ipv6Addr, u8),
    first_bit: u8,
    inverted: bool,
}

/// RFC 3056, RFC 6052, RFC 8215, RFC 4380, RFC 2765, RFC 4291.
const FORMS: [Form; 6] = [
    Form { by: "6to4", prefix: (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16), first_bit: 16, inverted: false },
    Form { by: "NAT64", prefix: (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96), first_bit: 96, inverted: false },
    // Where the address stands depends on the network.
    Form { by: "NAT64", prefix: (Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0), 48), first_bit: 128, inverted: false },
    Form { by: "Teredo", prefix: (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 32), first_bit: 96, inverted: true },
    Form {
        by: "IPv4-translated",
        prefix: (Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, 0, 0), 96),
        first_bit: 96,
        inverted: false,
    },
    Form { by: "IPv4-compatible", prefix: (Ipv6Addr::UNSPECIFIED, 96), first_bit: 96, inverted: false },
];

/// How a prefix carries IPv4; `None` where it does not.
#[must_use]
pub fn carried(net: &IpNet) -> Option<Carried> {
    let IpNet::V6(net) = net else { return None };
    let form =
        FORMS.iter().find(|form| Ipv6Net::new(form.prefix.0, form.prefix.1).is_ok_and(|known| known.contains(net)))?;
    // `::` and `::1` are addresses of their own.
    let whole = net.addr().to_bits();
    if form.by == "IPv4-compatible" && whole <= 1 && net.prefix_len() == 128 {
        return None;
    }
    let v4 = net.prefix_len().checked_sub(form.first_bit).and_then(|bits| {
        let shift = 128u32.checked_sub(u32::from(form.first_bit) + 32)?;
        // The shift leaves the address in the lowest 32 bits; what stands above them is the form's own prefix.
        #[allow(clippy::cast_possible_truncation)]
        let inside = (whole >> shift) as u32;
        let inside = if form.inverted { !inside } else { inside };
        Ipv4Net::new(Ipv4Addr::from_bits(inside), bits.min(32)).ok().map(|v4| v4.trunc())
    });
    Some(Carried { by: form.by, v4 })
}

/// `2002:c000:210::/48 is a 6to4 range, which carries 192.0.2.16/32: …` for a prefix that carries IPv4.
#[must_use]
pub fn note(net: &IpNet) -> Option<String> {
    let Carried { by, v4 } = carried(net)?;
    let alone = "It is taken as IPv6, as written";
    Some(match v4 {
        Some(v4) => format!(
            "{net} is {by} and carries {v4}. {alone}; {v4} itself is not meant by it, so name it as well if it is"
        ),
        None => format!("{net} is {by}, which carries IPv4 addresses. {alone}; the IPv4 addresses are not meant by it"),
    })
}
