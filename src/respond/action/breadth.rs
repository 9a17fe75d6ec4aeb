//! How much of the address space prefixes hold: each of them, and all together.

use ipnet::IpNet;

use crate::model::address;
use crate::model::settings::GuardSettings;
use crate::model::waf::IpVersion;

/// A line for each prefix that is wider than the team allows.
#[must_use]
pub(super) fn each(nets: &[IpNet], settings: &GuardSettings) -> Vec<String> {
    let widest = |net: &IpNet| match net {
        IpNet::V4(_) => settings.widest_v4,
        IpNet::V6(_) => settings.widest_v6,
    };
    let wide = nets.iter().filter(|net| net.prefix_len() < widest(net));
    wide.map(|net| format!("{net} is wider than /{}", widest(net))).collect()
}

/// A line for each address version of which all prefixes together are wider than the team allows.
#[must_use]
pub(super) fn together(nets: &[IpNet], settings: &GuardSettings) -> Vec<String> {
    let line = |version| {
        let of_version: Vec<IpNet> = nets.iter().filter(|net| IpVersion::of(net) == version).copied().collect();
        exceeds(&of_version, version, settings)
            .map(|more| format!("{} {} {more}", of_version.len(), prefixes(version, of_version.len())))
    };
    [IpVersion::V4, IpVersion::V6].into_iter().filter_map(line).collect()
}

/// How prefixes of one version are wider together than the team allows, where they are:
/// `together are wider than a /16`.
#[must_use]
pub(super) fn exceeds(nets: &[IpNet], version: IpVersion, settings: &GuardSettings) -> Option<String> {
    let (bits, most) = match version {
        IpVersion::V4 => (32, settings.widest_total_v4),
        IpVersion::V6 => (128, settings.widest_total_v6),
    };
    let room = 1u128.checked_shl(bits - u32::from(most).min(bits)).unwrap_or(u128::MAX);
    let held = IpNet::aggregate(&nets.to_vec()).iter().map(address::size).fold(0u128, u128::saturating_add);
    let addresses =
        if version == IpVersion::V4 { format!(": {held} addresses of at most {room}") } else { String::new() };
    (held > room).then(|| format!("together are wider than a /{most}{addresses}"))
}

fn prefixes(version: IpVersion, count: usize) -> String {
    format!("{} {}", version.label(), if count == 1 { "prefix" } else { "prefixes" })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn nets(count: u32, bits: u8) -> Vec<IpNet> {
        let net = |n: u32| IpNet::new(std::net::Ipv4Addr::from(n << (32 - bits)).into(), bits).unwrap();
        (0..count).map(|n| net(n * 3 + 1)).collect()
    }

    #[test]
    fn many_narrow_prefixes_are_as_wide_as_a_wide_one() {
        let settings = GuardSettings::default();
        assert!(each(&nets(4_000, 20), &settings).is_empty());
        let lines = together(&nets(4_000, 20), &settings);
        assert_eq!(lines, ["4000 IPv4 prefixes together are wider than a /16: 16384000 addresses of at most 65536"]);
        assert!(together(&nets(16, 20), &settings).is_empty());
        assert!(together(&nets(10_000, 32), &settings).is_empty());
        let twice: Vec<IpNet> = std::iter::repeat_n(nets(16, 20), 2).flatten().collect();
        assert!(together(&twice, &settings).is_empty(), "what is named twice counts once");
        let six: Vec<IpNet> = (0..17u32).map(|n| format!("2001:{n:x}00::/40").parse().unwrap()).collect();
        assert_eq!(together(&six, &settings), ["17 IPv6 prefixes together are wider than a /36"]);
        assert!(together(&six[..16], &settings).is_empty());
    }
}
