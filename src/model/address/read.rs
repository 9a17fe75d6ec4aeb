//! The one way from text to an address or a prefix, wherever the text comes from: command line, configuration,
//! playbook, plan file, IP set, sample, log line.
//!
//! There is one form of every prefix: IPv4-mapped IPv6 (`::ffff:192.0.2.16/124`) is IPv4, since that is what WAF, logs
//! and policies say of the same caller. What only *carries* an IPv4 address (6to4, NAT64, Teredo, …) stays IPv6 and is
//! named: [`super::carried`].

use std::net::{IpAddr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use thiserror::Error;

use crate::model::text::shortened;

/// The bits before the IPv4 address in an IPv4-mapped one.
const MAPPED: u8 = 96;

/// Why an address or prefix was not understood.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AddressError {
    /// Neither an address nor a prefix.
    #[error("“{0}” is not an IP address or prefix; write 203.0.113.7/32 or 2001:db8::/48")]
    Malformed(String),
    /// A leading zero: some programs read `010` as eight.
    #[error("“{0}” has a number with a leading zero, which some programs read as octal; write it without")]
    LeadingZero(String),
    /// A zone: `fe80::1%eth0`.
    #[error("“{0}” names a zone, which means something on one machine only; write the address without %")]
    Zone(String),
    /// A prefix that holds IPv4-mapped addresses and others.
    #[error(
        "“{0}” is an IPv4-mapped prefix shorter than /96, so that it is no range of IPv4; write the IPv4 prefix, for example 192.0.2.16/28"
    )]
    MixedMapped(String),
    /// Host bits, where nothing is masked.
    #[error("“{written}” has host bits; write {masked} for the whole range, or {host} for the one address")]
    HostBits {
        /// What was written.
        written: String,
        /// The range around it.
        masked: IpNet,
        /// The one address.
        host: IpAddr,
    },
}

impl AddressError {
    fn quoted(text: &str) -> String {
        shortened(text, 60)
    }
}

/// A prefix as it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Read {
    /// Without host bits, in the one form.
    pub(super) net: IpNet,
    /// The address that was written, in the one form.
    pub(super) host: IpAddr,
    /// Whether it had host bits.
    pub(super) masked: bool,
}

/// A prefix, or an address as the prefix that holds it alone.
pub(super) fn read(text: &str) -> Result<Read, AddressError> {
    let trimmed = text.trim();
    let malformed = || AddressError::Malformed(AddressError::quoted(text));
    let (written, bits) = match trimmed.split_once('/') {
        None => (trimmed, None),
        Some((written, bits)) => (written, Some(bits)),
    };
    let address = ip(written, text)?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let Some(bits) = bits else {
        let host = address.to_canonical();
        return Ok(Read { net: IpNet::from(host), host, masked: false });
    };
    if bits.is_empty() || bits.len() > 3 || !bits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(malformed());
    }
    if bits.len() > 1 && bits.starts_with('0') {
        return Err(AddressError::LeadingZero(AddressError::quoted(text)));
    }
    let bits: u8 = bits.parse().ok().filter(|bits| *bits <= most).ok_or_else(malformed)?;
    let net = IpNet::new(address, bits).map_err(|_| malformed())?;
    let one = one_form(net).ok_or_else(|| AddressError::MixedMapped(AddressError::quoted(text)))?;
    Ok(Read { net: one.trunc(), host: address.to_canonical(), masked: one.trunc() != one })
}

/// An address in the one form.
///
/// # Errors
/// Where it is none, or could be read in two ways.
pub fn address(text: &str) -> Result<IpAddr, AddressError> {
    ip(text.trim(), text).map(|address| address.to_canonical())
}

/// A prefix without host bits in the one form; a bare address is the prefix that holds it alone.
///
/// # Errors
/// Where it is none, could be read in two ways, or has host bits.
pub fn exact(text: &str) -> Result<IpNet, AddressError> {
    let read = read(text)?;
    if read.masked {
        let written = AddressError::quoted(text.trim());
        return Err(AddressError::HostBits { written, masked: read.net, host: read.host });
    }
    Ok(read.net)
}

/// A prefix in the one form, host bits and all; `None` where it mixes IPv4-mapped addresses with others.
#[must_use]
pub fn one_form(net: IpNet) -> Option<IpNet> {
    let IpNet::V6(v6) = net else { return Some(net) };
    if let (Some(v4), MAPPED..) = (v6.addr().to_ipv4_mapped(), v6.prefix_len()) {
        return Ipv4Net::new(v4, v6.prefix_len() - MAPPED).ok().map(IpNet::V4);
    }
    // Up to /80 the block stands inside of what is mostly something else: `::/0` means all of IPv6.
    let mixes = v6.prefix_len() < MAPPED && v6.contains(&mapped_block()) && (v6.prefix_len() > 80 || is_mapped(v6));
    (!mixes).then_some(net)
}

fn is_mapped(net: Ipv6Net) -> bool {
    net.addr().to_ipv4_mapped().is_some()
}

fn mapped_block() -> Ipv6Net {
    Ipv6Net::new(Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), MAPPED).unwrap_or_default()
}

/// An address as it is written; `text` is what is named where it is none.
fn ip(written: &str, text: &str) -> Result<IpAddr, AddressError> {
    if let Ok(address) = written.parse() {
        return Ok(address);
    }
    let quoted = AddressError::quoted(text);
    if written.split_once('%').is_some_and(|(address, _)| address.parse::<Ipv6Addr>().is_ok()) {
        return Err(AddressError::Zone(quoted));
    }
    Err(if without_zeros(written).is_some() {
        AddressError::LeadingZero(quoted)
    } else {
        AddressError::Malformed(quoted)
    })
}

/// The address that a text would be without leading zeros in its dotted part.
fn without_zeros(text: &str) -> Option<IpAddr> {
    let (before, dotted) = text.rfind(':').map_or(("", text), |at| text.split_at(at + 1));
    let plain = |number: &str| {
        let stripped = number.trim_start_matches('0');
        if stripped.is_empty() && !number.is_empty() { "0".to_owned() } else { stripped.to_owned() }
    };
    let dotted: Vec<String> = dotted.split('.').map(plain).collect();
    (dotted.len() == 4).then(|| format!("{before}{}", dotted.join(".")).parse().ok()).flatten()
}
