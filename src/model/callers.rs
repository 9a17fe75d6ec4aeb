//! Who called a stage before an attack: what is kept of it, without naming anybody.
//!
//! Addresses are kept as hashes under a key that lies elsewhere and ends: whoever has both can ask whether an address
//! was there, and nobody can list who was. Knows nothing of files.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use ipnet::{IpNet, Ipv4Net};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::address;
use super::bounds;
use super::counted::CountedBy;
use super::source::{Legitimacy, Sources};

/// Bytes of a key.
pub const KEY_BYTES: usize = 64;

/// Bytes of an HMAC-SHA256 that are kept of each address: two of a million are alike by chance once in some ten million
/// times.
const HASH_BYTES: usize = 8;

/// The most that is kept, busiest first: a line of a journal must stay below 64 KiB.
const MOST_ADDRESSES: usize = 1_200;
const MOST_PREFIXES: usize = 500;

/// The most hashes that one prefix is looked up by, a power of two.
const MOST_BITS: u8 = 12;

/// How long hashes may be compared after they were made.
pub const KEPT: TimeDelta = TimeDelta::days(30);

/// What addresses are hashed under.
#[derive(Clone, PartialEq, Eq)]
pub struct CallersKey([u8; KEY_BYTES]);

impl std::fmt::Debug for CallersKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CallersKey")
    }
}

impl CallersKey {
    /// A key of these bytes, which must be drawn at random.
    #[must_use]
    pub fn new(bytes: [u8; KEY_BYTES]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    fn hash(&self, prefix: IpNet) -> String {
        let mut mac = Hmac::<Sha256>::new(&self.0.into());
        mac.update(prefix.trunc().to_string().as_bytes());
        let bytes = mac.finalize().into_bytes();
        bytes.iter().take(HASH_BYTES).fold(String::new(), |mut out, byte| {
            let _ = write!(out, "{byte:02x}");
            out
        })
    }
}

/// The callers of one stage in the half hour before an attack on it: the busiest, with requests a second.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallersBefore {
    /// What they were read from.
    pub counted_by: CountedBy,
    /// The part of all requests of then that those listed by address sent, a fraction: of everybody listed it is 1.
    /// `None` where samples alone tell who was there.
    pub listed_share: Option<f64>,
    /// How many samples that rests on, where samples alone tell.
    #[serde(default)]
    pub samples: Option<u64>,
    /// Requests a second of all of them, as far as they are known.
    pub per_second: f64,
    /// What tells that it is the same key: the hash of nobody.
    pub key: String,
    /// From when on nothing is to be compared with them (account time, UTC).
    pub until: DateTime<Utc>,
    /// Requests a second by the hash of the address.
    pub addresses: BTreeMap<String, f64>,
    /// The same by the hash of the prefix around it: /24, or /48.
    pub prefixes: BTreeMap<String, f64>,
}

/// A prefix that no address is kept under.
fn nobody() -> IpNet {
    IpNet::V4(Ipv4Net::default())
}

/// Whether somebody was there before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Membership {
    /// With so many requests a second.
    There(f64),
    /// Not among those that are listed, which are not all.
    NotListed,
    /// Everybody is listed, and this one is not.
    NotThere,
}

impl CallersBefore {
    /// What sources have to say of the time before, at account time `now`; `None` where they know of nobody. Where no
    /// access log has counted them the samples that were read must be those of before alone.
    #[must_use]
    pub fn of(sources: &Sources, key: &CallersKey, now: DateTime<Utc>) -> Option<Self> {
        let here = sources.sources.iter().map(|source| (source.address, source.before_per_second));
        let all = here.chain(sources.gone.iter().copied()).filter(|(_, per_second)| *per_second > 0.0);
        let mut addresses: Vec<(IpAddr, f64)> = all.map(|(address, n)| (address.to_canonical(), n)).collect();
        let per_second: f64 = addresses.iter().map(|(_, n)| n).sum();
        if addresses.is_empty() {
            return None;
        }
        addresses.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let mut around: BTreeMap<IpNet, f64> = BTreeMap::new();
        for (address, n) in &addresses {
            *around.entry(address::surroundings(*address)).or_default() += n;
        }
        let mut around: Vec<(IpNet, f64)> = around.into_iter().collect();
        around.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let kept: f64 = addresses.iter().take(MOST_ADDRESSES).map(|(_, n)| n).sum();
        let log = sources.log.as_ref().filter(|log| log.before.is_some());
        // One request in half an hour is 0.000 556 a second: what is kept must add up to what there was.
        let hashed = |net: IpNet, n: f64| (key.hash(net), (n * 1e6).round() / 1e6);
        Some(Self {
            counted_by: if log.is_some() { CountedBy::AccessLog } else { CountedBy::WafSamples },
            listed_share: log.map(|log| log.before_listed_share.unwrap_or(0.0) * kept / per_second),
            samples: if log.is_some() { None } else { Some(sources.sampled) },
            per_second,
            key: key.hash(nobody()),
            until: now + KEPT,
            addresses: addresses.iter().take(MOST_ADDRESSES).map(|(a, n)| hashed(IpNet::from(*a), *n)).collect(),
            prefixes: around.into_iter().take(MOST_PREFIXES).map(|(net, n)| hashed(net, n)).collect(),
        })
    }

    /// Whether these take the place of those: they say how many are not listed, or the others' key is lost.
    #[must_use]
    pub fn tells_more_than(&self, known: &Self) -> bool {
        self.key != known.key || (self.listed_share.is_some() && known.listed_share.is_none())
    }

    /// Whether they were hashed under this key.
    #[must_use]
    pub fn is_under(&self, key: &CallersKey) -> bool {
        self.key == key.hash(nobody())
    }

    /// Whether an address was there.
    #[must_use]
    pub fn membership(&self, address: IpAddr, key: &CallersKey) -> Membership {
        match self.addresses.get(&key.hash(IpNet::from(address.to_canonical()))) {
            Some(per_second) => Membership::There(*per_second),
            // What is left over after rounding is nobody's.
            None if self.listed_share.is_some_and(|share| share >= 1.0 - 1e-9) => Membership::NotThere,
            None => Membership::NotListed,
        }
    }
}

/// Callers from before an attack, with the key that they can be asked by.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownCallers {
    /// Who.
    pub callers: CallersBefore,
    /// The key.
    pub key: CallersKey,
}

impl KnownCallers {
    /// Whether an address was there.
    #[must_use]
    pub fn membership(&self, address: IpAddr) -> Membership {
        self.callers.membership(address, &self.key)
    }

    /// The part of the requests of then that came out of these prefixes, a fraction: as far as it is kept, and at most.
    /// At most it is all of it where a prefix is too wide, or too narrow beside the prefixes that are kept, to be
    /// looked up.
    #[must_use]
    pub fn part_of(&self, nets: &[IpNet]) -> (f64, f64) {
        let all = self.callers.per_second;
        if all <= 0.0 {
            return (0.0, 1.0);
        }
        let parts: Vec<(f64, f64)> =
            IpNet::aggregate(&nets.to_vec()).iter().map(|net| self.per_second_of(*net)).collect();
        let (kept, most): (f64, f64) = parts.iter().fold((0.0, 0.0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
        let (kept, most) = ((kept / all).min(1.0), (most / all).min(1.0));
        // Whoever is not kept, by address or by prefix, may be in them.
        let left_out = |kept: &BTreeMap<String, f64>| (1.0 - kept.values().sum::<f64>() / all).max(0.0);
        let most = most + left_out(&self.callers.addresses).max(left_out(&self.callers.prefixes));
        match (self.callers.listed_share, self.callers.samples) {
            // The log may not have listed everybody either.
            (Some(listed), _) => (kept, (most + 1.0 - listed.min(1.0)).min(1.0)),
            // So few samples say so much: nought of n is at most 3/n.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            (None, Some(of)) if of > 0 => {
                (kept, bounds::share((most * of as f64).round() as u64, of).1.max(most).min(1.0))
            }
            (None, _) => (kept, 1.0),
        }
    }

    /// Whether everybody who called then is listed, as far as requests tell, or samples alone name some.
    #[must_use]
    pub fn is_counted(&self) -> bool {
        self.callers.listed_share.is_some()
    }

    /// Requests a second out of a prefix: as far as they are kept, and at most, of those listed.
    fn per_second_of(&self, net: IpNet) -> (f64, f64) {
        let (around, hosts) = if net.addr().is_ipv4() { (24, 32) } else { (48, 128) };
        let sum = |length: u8, by: &BTreeMap<String, f64>| -> f64 {
            let parts = net.subnets(length).into_iter().flatten();
            parts.filter_map(|part| by.get(&self.key.hash(part))).sum()
        };
        let length = net.prefix_len();
        if hosts - length <= MOST_BITS {
            let kept = sum(hosts, &self.callers.addresses);
            return (kept, kept);
        }
        if length <= around && around - length <= MOST_BITS {
            let kept = sum(around, &self.callers.prefixes);
            return (kept, kept);
        }
        // Between the two only what surrounds it is known: it is at most all of that.
        let surroundings = self.callers.prefixes.get(&self.key.hash(address::surroundings(net.addr())));
        (0.0, if length > around { surroundings.copied().unwrap_or(0.0) } else { self.callers.per_second })
    }

    /// Says of sources that nothing else could be compared with whether they were there before; how many that tells of.
    pub fn tell(&self, sources: &mut Sources) -> usize {
        let mut told = 0;
        for source in sources.sources.iter_mut().filter(|source| source.legitimacy == Legitimacy::Unknown) {
            match self.callers.membership(source.address, &self.key) {
                Membership::There(per_second) => {
                    source.legitimacy = Legitimacy::SeenBefore;
                    source.before_per_second = per_second;
                    source.standing = super::candidate::Standing::Legitimate;
                }
                Membership::NotThere => source.legitimacy = Legitimacy::NotSeenBefore,
                Membership::NotListed => continue,
            }
            told += 1;
        }
        told
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn key(byte: u8) -> CallersKey {
        CallersKey::new([byte; KEY_BYTES])
    }

    fn sources(gone: Vec<(IpAddr, f64)>) -> Sources {
        let at = DateTime::UNIX_EPOCH;
        Sources { gone, sampled: 300, ..Sources::nobody("acl", at, at) }
    }

    fn address(n: u32) -> IpAddr {
        IpAddr::from(std::net::Ipv4Addr::from(0xC633_0000 + n))
    }

    #[test]
    fn whoever_was_there_is_known_under_the_key_and_under_no_other() {
        let seen = sources(vec![(address(1), 2.0), (address(2), 0.5)]);
        let callers = CallersBefore::of(&seen, &key(7), DateTime::UNIX_EPOCH).unwrap();
        assert_eq!(callers.membership(address(1), &key(7)), Membership::There(2.0));
        assert_eq!(callers.membership("::ffff:198.51.0.1".parse().unwrap(), &key(7)), Membership::There(2.0));
        assert_eq!(callers.membership(address(3), &key(7)), Membership::NotListed, "samples name few");
        assert!(callers.is_under(&key(7)) && !callers.is_under(&key(8)));
        let json = serde_json::to_string(&callers).unwrap();
        assert!(!json.contains("198.51"), "{json}");
        assert_eq!(CallersBefore::of(&sources(Vec::new()), &key(7), DateTime::UNIX_EPOCH), None);
    }

    #[test]
    fn what_came_out_of_a_prefix_is_known_or_bounded() {
        let seen = sources(vec![
            (address(1), 6.0),
            (address(2), 1.0),
            (address(300), 2.0),
            ("2001:db8::1".parse().unwrap(), 1.0),
        ]);
        let sampled = CallersBefore::of(&seen, &key(7), DateTime::UNIX_EPOCH).unwrap();
        let callers = CallersBefore { listed_share: Some(1.0), ..sampled.clone() };
        let part = |callers: &CallersBefore, nets: &[&str]| {
            let nets: Vec<IpNet> = nets.iter().map(|net| net.parse().unwrap()).collect();
            KnownCallers { callers: callers.clone(), key: key(7) }.part_of(&nets)
        };
        let close = |(a, b): (f64, f64), (c, d): (f64, f64)| (a - c).abs() < 1e-9 && (b - d).abs() < 1e-9;
        for (nets, wanted) in [
            (&["198.51.0.1/32"][..], (0.6, 0.6)),
            (&["198.51.0.0/24"], (0.7, 0.7)),
            (&["198.51.0.0/16"], (0.9, 0.9)),
            (&["198.51.0.1/32", "198.51.0.0/24"], (0.7, 0.7)),
            (&["203.0.113.0/24"], (0.0, 0.0)),
            (&["0.0.0.0/0"], (0.0, 1.0)),
            (&["2001:db8::/64"], (0.0, 0.1)),
            (&["2001:db8::/48"], (0.1, 0.1)),
        ] {
            assert!(close(part(&callers, nets), wanted), "{nets:?}: {:?}", part(&callers, nets));
        }
        assert!(close(part(&sampled, &["203.0.113.0/24"]), (0.0, 0.01)), "nought of 300 samples is at most 3/300");
        let unsaid = CallersBefore { samples: None, ..sampled };
        assert!(close(part(&unsaid, &["203.0.113.0/24"]), (0.0, 1.0)), "nothing says how many are not named");
        // A thousand of equal rate: five hundred prefixes are not kept, and may be anywhere.
        let even = (0..1_000).map(|n| (IpAddr::from([0x2001, 0xdb8, n, 0, 0, 0, 0, 1]), 1.0)).collect();
        let even = CallersBefore::of(&sources(even), &key(7), DateTime::UNIX_EPOCH).unwrap();
        let even = CallersBefore { listed_share: Some(1.0), ..even };
        assert!(close(part(&even, &["2001:db8:300::/40"]), (0.0, 0.5)), "{:?}", part(&even, &["2001:db8:300::/40"]));
        // Of fifteen hundred addresses three hundred are not kept: they may be anywhere, counted or sampled.
        let crowd: Vec<(IpAddr, f64)> = (0..1_500).map(|n| (address(n), 0.000_556)).collect();
        let crowd = CallersBefore::of(&Sources { sampled: 1_500, ..sources(crowd) }, &key(7), DateTime::UNIX_EPOCH);
        let (seen, at_most) = part(&crowd.unwrap(), &["203.0.113.0/24"]);
        assert!(seen.abs() < 1e-9 && (0.2..0.25).contains(&at_most), "{at_most}");
        let listed = CallersBefore { listed_share: Some(0.9), ..callers };
        assert!(close(part(&listed, &["203.0.113.0/24"]), (0.0, 0.1)), "a tenth of then may be anybody's");
    }

    #[test]
    fn only_where_everybody_is_listed_is_somebody_not_there() {
        let listed = |share| CallersBefore {
            listed_share: Some(share),
            ..CallersBefore::of(&sources(vec![(address(1), 2.0)]), &key(7), DateTime::UNIX_EPOCH).unwrap()
        };
        assert_eq!(listed(1.0).membership(address(3), &key(7)), Membership::NotThere);
        assert_eq!(listed(0.999).membership(address(3), &key(7)), Membership::NotListed);
    }

    #[test]
    fn of_a_crowd_the_busiest_are_kept_and_a_line_stays_below_64_kib() {
        let crowd = (0..20_000).map(|n| (address(n * 7), 1_000_000.0 / f64::from(n + 1))).collect();
        let callers = CallersBefore::of(&sources(crowd), &key(7), DateTime::UNIX_EPOCH).unwrap();
        assert_eq!((callers.addresses.len(), callers.prefixes.len()), (MOST_ADDRESSES, MOST_PREFIXES));
        assert_eq!(callers.membership(address(0), &key(7)), Membership::There(1_000_000.0));
        assert!(serde_json::to_string(&callers).unwrap().len() < 60 * 1024);
    }
}
