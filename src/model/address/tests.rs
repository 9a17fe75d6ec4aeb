#![allow(clippy::unwrap_used)]
use super::*;

#[test]
fn host_bits_are_masked_and_said() {
    let target: Target = "195.178.188.66/29".parse().unwrap();
    assert_eq!(target.net.to_string(), "195.178.188.64/29");
    assert_eq!(target.masked_from.as_deref(), Some("195.178.188.66/29"));
}

#[test]
fn a_bare_address_becomes_a_host_prefix() {
    let target: Target = "2001:DB8::1".parse().unwrap();
    assert_eq!(target.net.to_string(), "2001:db8::1/128");
    assert_eq!(target.masked_from, None);
}

#[test]
fn nonsense_is_refused() {
    for text in ["", "1.2.3", "1.2.3.4/33", "::/129", "shop", "1.2.3.4/", "1.2.3.4/+8", "1.2.3.4/8/8", "::/1280", "/8"]
    {
        assert!(text.parse::<Target>().is_err(), "{text}");
        assert_eq!(parsed(text), None, "{text}");
    }
}

#[test]
fn a_v6_address_is_compared_parsed() {
    assert_eq!(parsed("2001:0db8:0000:0000:0000:0000:0000:0001/128"), parsed("2001:db8::1/128"));
}

#[test]
fn mapped_addresses_are_ipv4() {
    for (written, meant) in [
        ("::ffff:192.0.2.16/124", "192.0.2.16/28"),
        ("::ffff:192.0.2.17", "192.0.2.17/32"),
        ("::FFFF:c000:0210/124", "192.0.2.16/28"),
        ("0:0:0:0:0:ffff:192.0.2.16/128", "192.0.2.16/32"),
        ("::ffff:0:0/96", "0.0.0.0/0"),
    ] {
        assert_eq!(exact(written).unwrap().to_string(), meant, "{written}");
    }
    let target: Target = "::ffff:192.0.2.18/124".parse().unwrap();
    assert_eq!(target.widened().as_deref(), Some("::ffff:192.0.2.18/124 becomes 192.0.2.16/28"));
    let file = serde_json::json!({ "net": "::ffff:192.0.2.16/124", "masked_from": null });
    assert_eq!(serde_json::from_value::<Target>(file).unwrap().net.to_string(), "192.0.2.16/28");
}

#[test]
fn what_is_partly_mapped_is_refused_and_all_of_ipv6_is_not() {
    for text in ["::ffff:192.0.2.16/95", "::ffff:0:0/90", "::ffc0:0:0/90", "::ffff:1.2.3.4/64"] {
        let error = exact(text).unwrap_err();
        assert!(matches!(error, AddressError::MixedMapped(_)), "{text}: {error}");
    }
    for text in ["::/0", "::/1", "::/64", "2001:db8::/32"] {
        assert!(exact(text).is_ok(), "{text}");
    }
}

#[test]
fn what_could_be_read_in_two_ways_is_refused_in_words() {
    for text in ["010.0.0.1", "192.0.2.016/28", "192.0.2.16/08", "::ffff:192.0.02.16", "00.0.0.0", "2001:db8::/048"] {
        let error = exact(text).unwrap_err();
        assert!(matches!(error, AddressError::LeadingZero(_)), "{text}: {error}");
    }
    assert!(matches!(exact("fe80::1%eth0").unwrap_err(), AddressError::Zone(_)));
    assert!(matches!(address("fe80::1%25").unwrap_err(), AddressError::Zone(_)));
}

#[test]
fn host_bits_are_refused_with_both_meanings() {
    let error = exact("192.0.2.17/28").unwrap_err().to_string();
    assert!(error.contains("192.0.2.16/28") && error.contains("192.0.2.17"), "{error}");
}

#[test]
fn what_carries_ipv4_is_named() {
    for (written, by, v4) in [
        ("2002:c000:210::/48", "6to4", Some("192.0.2.16/32")),
        ("2002:c000::/32", "6to4", Some("192.0.0.0/16")),
        ("2002:c000:210:1::5/128", "6to4", Some("192.0.2.16/32")),
        ("64:ff9b::192.0.2.16/124", "NAT64", Some("192.0.2.16/28")),
        ("64:ff9b:1::/48", "NAT64", None),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2/128", "Teredo", Some("192.0.2.45/32")),
        ("::ffff:0:192.0.2.16/128", "IPv4-translated", Some("192.0.2.16/32")),
        ("::192.0.2.16/124", "IPv4-compatible", Some("192.0.2.16/28")),
    ] {
        let found = carried(&exact(written).unwrap()).unwrap();
        assert_eq!((found.by, found.v4.map(|v4| v4.to_string()).as_deref()), (by, v4), "{written}");
    }
    for text in ["2001:db8::/32", "::/0", "::1", "2000::/3", "192.0.2.16/28", "::ffff:192.0.2.16/124"] {
        assert_eq!(carried(&exact(text).unwrap()), None, "{text}");
    }
}
