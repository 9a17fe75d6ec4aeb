#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use std::net::Ipv4Addr;

use proptest::prelude::*;

use super::*;

fn caller(address: &str, standing: Standing, per_second: f64) -> Caller {
    let before = if standing == Standing::Legitimate { per_second } else { 0.0 };
    Caller { address: address.parse().unwrap(), standing, now_per_second: per_second, before_per_second: before }
}

fn attack(address: &str) -> Caller {
    caller(address, Standing::Attack, 1.0)
}

fn legitimate(address: &str) -> Caller {
    caller(address, Standing::Legitimate, 1.0)
}

fn rules() -> Rules {
    Rules::of(&Settings::default(), true)
}

fn prefixes(set: &CandidateSet) -> Vec<String> {
    set.prefixes.iter().map(|p| p.prefix.to_string()).collect()
}

fn found(callers: &[Caller], rules: &Rules) -> Candidates {
    candidates(callers, callers.iter().map(|c| c.now_per_second).sum(), rules)
}

#[test]
fn a_prefix_full_of_attackers_is_one_candidate_and_its_neighbours_are_spared() {
    let mut callers: Vec<Caller> = (0..=255).map(|n| attack(&format!("203.0.113.{n}"))).collect();
    callers.extend((0..40).map(|n| legitimate(&format!("203.0.112.{n}"))));
    callers.push(attack("198.51.100.7"));
    let found = found(&callers, &rules());
    assert_eq!(prefixes(&found.sets[0]), ["203.0.113.0/24"]);
    assert_eq!(found.sets[0].words(), "1 prefix: > 99 % of the attack, 0 % of the rest");
    assert_eq!(prefixes(&found.sets[1]), ["203.0.113.0/24", "198.51.100.7/32"]);
    assert_eq!(found.sets.len(), 2, "a larger set is no better");
    assert!((found.classified.share - 1.0).abs() < 1e-9);
}

#[test]
fn protected_ranges_are_no_candidates_either_way_round() {
    let callers: Vec<Caller> = (0..=255).map(|n| attack(&format!("203.0.113.{n}"))).collect();
    let mut rules = rules();
    rules.protected = vec![("203.0.113.0/28".parse().unwrap(), "never to be blocked".into())];
    let candidates = found(&callers, &rules);
    let range: IpNet = "203.0.113.0/28".parse().unwrap();
    for prefix in candidates.sets.iter().flat_map(|set| &set.prefixes) {
        assert!(!overlaps(&range, &prefix.prefix), "{}", prefix.prefix);
    }
    assert!((candidates.excluded[0].attack_share - 16.0 / 256.0).abs() < 1e-9);
    rules.protected = vec![("203.0.0.0/16".parse().unwrap(), "never to be blocked".into())];
    let candidates = found(&callers, &rules);
    assert_eq!(candidates.sets, []);
    assert_eq!(candidates.reason.as_deref(), Some("the attack comes from protected ranges"));
}

#[test]
fn attackers_inside_a_legitimate_prefix_are_taken_one_by_one() {
    let mut callers: Vec<Caller> = (0..200).map(|n| legitimate(&format!("198.18.0.{n}"))).collect();
    callers.extend(["198.18.0.201", "198.18.0.203"].map(attack));
    let sets = found(&callers, &rules()).sets;
    assert_eq!(prefixes(&sets[0]).len(), 1);
    let all: Vec<&CandidatePrefix> = sets.iter().flat_map(|set| &set.prefixes).collect();
    assert!(all.iter().all(|p| p.legitimate_share == Some(0.0)), "{all:?}");
    assert!((sets.last().unwrap().attack_share - 1.0).abs() < 1e-9);
}

#[test]
fn without_a_baseline_the_rest_is_unknown_and_not_none() {
    let callers = [attack("203.0.113.7"), caller("198.51.100.9", Standing::Unclassified, 3.0)];
    let found = found(&callers, &Rules::of(&Settings::default(), false));
    assert_eq!(found.sets[0].legitimate_share, None);
    assert_eq!(found.sets[0].words(), "1 prefix: 100 % of the attack, ? of the rest");
    assert_eq!(prefixes(&found.sets[0]), ["203.0.113.7/32"]);
    assert_eq!(found.classified.legitimate_per_second, None);
    assert!((found.classified.share - 0.25).abs() < 1e-9);
}

#[test]
fn nobody_told_apart_gives_no_set_and_says_why() {
    let found = found(&[caller("198.51.100.9", Standing::Unclassified, 3.0)], &rules());
    assert_eq!(found.sets, []);
    assert!(found.reason.unwrap().starts_with("no caller could be told"));
}

#[test]
fn mapped_addresses_are_v4_and_v6_has_its_own_width() {
    let callers = ["::ffff:203.0.113.7", "203.0.113.7", "2001:db8:bad::1", "2001:db8:bad::2"].map(attack);
    let found = found(&callers, &rules());
    assert_eq!(prefixes(&found.sets[1]), ["203.0.113.7/32", "2001:db8:bad::/126"]);
    assert_eq!(found.sets[1].addresses, 3);
    // Across more than the width allowed: no one prefix holds both.
    let far = candidates(&["2001:db8:1::1", "2001:dba::1"].map(attack), 2.0, &rules());
    assert_eq!(far.sets[0].prefixes[0].prefix.prefix_len(), 128);
    assert_eq!(prefixes(&far.sets[1]).len(), 2);
}

#[test]
fn a_set_never_hits_more_of_the_rest_than_is_allowed() {
    // A mixed prefix that carries nearly all: worth its price at the weight given, but over the limit.
    let mut callers: Vec<Caller> =
        (0..100).map(|n| caller(&format!("203.0.113.{n}"), Standing::Attack, 100.0)).collect();
    callers.extend((0..20).map(|n| legitimate(&format!("203.0.113.{}", 100 + n))));
    callers.extend((0..80).map(|n| legitimate(&format!("198.18.0.{n}"))));
    let mut rules = rules();
    rules.rest_weight = 0.1;
    let sets = found(&callers, &rules).sets;
    assert!(sets.iter().all(|set| set.legitimate_share.unwrap() <= 0.05), "{sets:#?}");
    assert!(sets[0].weight > 0.1 && sets[0].attack_share > 0.5, "{sets:#?}");
}

#[test]
fn addresses_from_inside_are_warned_of() {
    let warnings = found(&[attack("10.1.2.3")], &rules()).sets[0].prefixes[0].warnings.clone();
    assert_eq!(warnings, ["10.1.2.3/32 is private: this is not a client on the internet"]);
}

#[test]
fn a_hundred_thousand_addresses_in_one_prefix_stay_bounded() {
    let callers: Vec<Caller> = (0..100_000_u32)
        .map(|n| Caller {
            address: Ipv4Addr::from_bits(0xCB00_0000 + n % 65_536 + ((n / 65_536) << 20)).into(),
            standing: if n % 7 == 0 { Standing::Legitimate } else { Standing::Attack },
            now_per_second: 1.0,
            before_per_second: f64::from(u8::from(n % 7 == 0)),
        })
        .collect();
    let found = found(&callers, &rules());
    assert!(found.sets.iter().all(|set| set.prefixes.len() <= 100));
}

/// The best sum of values of at most `size` disjoint prefixes out of all there are, tried one by one.
fn brute(all: &[(IpNet, f64)], size: usize) -> f64 {
    let Some(((net, value), rest)) = all.split_first() else { return 0.0 };
    let without = brute(rest, size);
    if size == 0 {
        return 0.0;
    }
    let apart: Vec<(IpNet, f64)> = rest.iter().filter(|(other, _)| !overlaps(net, other)).copied().collect();
    without.max(value + brute(&apart, size - 1))
}

/// Every prefix of 24 bits and more that holds one of the addresses and may be blocked, with what it is worth.
fn every_prefix(callers: &[Caller], rules: &Rules) -> Vec<(IpNet, f64)> {
    let sum = |net: &IpNet, of: fn(&Caller) -> f64| -> f64 {
        callers.iter().filter(|c| net.contains(&c.address)).map(of).sum()
    };
    let bad: fn(&Caller) -> f64 = |c| if c.standing == Standing::Attack { c.now_per_second } else { 0.0 };
    let good: fn(&Caller) -> f64 = |c| if c.standing == Standing::Legitimate { c.before_per_second } else { 0.0 };
    let other: fn(&Caller) -> f64 = |c| if c.standing == Standing::Unclassified { c.now_per_second } else { 0.0 };
    let everything: IpNet = "0.0.0.0/0".parse().unwrap();
    let mut nets: Vec<IpNet> = callers
        .iter()
        .flat_map(|c| (rules.widest_v4..=32).map(|bits| IpNet::new(c.address, bits).unwrap().trunc()))
        .collect();
    nets.sort();
    nets.dedup();
    nets.retain(|net| {
        let (a, l, u) = (sum(net, bad), sum(net, good), sum(net, other));
        let free = !rules.protected.iter().any(|(range, _)| overlaps(range, net));
        a > 0.0 && free && l / (a + l + u) <= rules.most_legitimate_share
    });
    let worth = |net: IpNet| {
        let legitimate = sum(&everything, good);
        let cost = if legitimate > 0.0 { sum(&net, good) / legitimate } else { 0.0 };
        (net, sum(&net, bad) / sum(&everything, bad) - rules.rest_weight * cost)
    };
    let worth: Vec<(IpNet, f64)> = nets.into_iter().map(worth).collect();
    worth.into_iter().filter(|(_, value)| *value > 0.0).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn the_sets_are_the_best_there_are(
        hosts in prop::collection::btree_map(0_u32..16, (0_u8..3, 1_u32..10), 1..7),
        protects in prop::option::of((0_u32..16, 28_u8..=32)),
        weight in prop::sample::select(vec![0.2, 1.0, 5.0]),
    ) {
        let base = 0xCB00_7100_u32;
        let callers: Vec<Caller> = hosts.iter().map(|(host, (kind, rate))| Caller {
            address: Ipv4Addr::from_bits(base + host).into(),
            standing: [Standing::Attack, Standing::Legitimate, Standing::Unclassified][usize::from(*kind)],
            now_per_second: f64::from(*rate),
            before_per_second: if *kind == 1 { f64::from(*rate) } else { 0.0 },
        }).collect();
        let protected = protects.map(|(host, bits)| {
            (IpNet::new(Ipv4Addr::from_bits(base + host).into(), bits).unwrap().trunc(), "never".to_owned())
        });
        let rules = Rules {
            // Wide prefixes only in the middle: the widest of all stays out.
            widest_v4: 29,
            // No limit on a set: the weight alone decides, so that the objective is the same for both.
            most_legitimate_share: 1.0,
            rest_weight: weight,
            protected: protected.into_iter().collect(),
            ..rules()
        };
        let all = every_prefix(&callers, &rules);
        let found = candidates(&callers, 1.0, &rules);
        let of = |set: &CandidateSet| set.attack_share - weight * set.legitimate_share.unwrap();
        for size in [1, 2, 3, 5] {
            let best = brute(&all, size);
            let ours = found.sets.iter().filter(|set| set.prefixes.len() <= size).map(of).fold(0.0, f64::max);
            prop_assert!((best - ours).abs() < 1e-9, "size {}: {} is possible, {} was found in {:?}", size, best, ours, found);
        }
        for set in &found.sets {
            for (n, a) in set.prefixes.iter().enumerate() {
                prop_assert!(set.prefixes[n + 1..].iter().all(|b| !overlaps(&a.prefix, &b.prefix)));
            }
        }
    }
}
