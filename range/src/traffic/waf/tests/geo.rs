//! Countries: `waf-rule-statement-type-geo-match.html`, `waf-rule-statement-forwarded-ip-address.html`.

use super::support::{not, with_headers};
use super::*;

fn geo(countries: &[&str], forwarded: Option<&str>) -> Value {
    let mut body = json!({ "CountryCodes": countries });
    if let Some(fallback) = forwarded {
        body["ForwardedIPConfig"] = json!({"HeaderName": "X-Forwarded-For", "FallbackBehavior": fallback});
    }
    json!({ "GeoMatchStatement": body })
}

/// A web ACL that knows where two networks are.
fn acl(rules: Vec<Value>) -> Acl {
    let mut world = World::new();
    let mut body = Map::new();
    body.insert("DefaultAction".into(), json!({"Allow": {}}));
    let id = world.account.create_web_acl("acl", rules, body);
    let live = world.account.waf.web_acls[&id].saved().clone();
    let net = |text: &str, country: &str| (text.parse().unwrap(), Arc::from(country));
    let places = Places::new([net("203.0.113.0/24", "NL"), net("203.0.113.128/25", "US"), net("2001:db8::/32", "FR")]);
    Acl::read(&live, &world.account, world.account.now, &places)
}

fn label(key: &str) -> Value {
    json!({"LabelMatchStatement": {"Scope": "LABEL", "Key": key}})
}

/// The labels of a request that a geo rule has only counted.
fn labels(statement: &Value, request: &Request, country: &str) -> Vec<String> {
    acl(vec![rule("geo", 0, statement, "Count")]).judge(request, country, &[]).labels
}

/// "The geo match statement adds country and region labels to all requests that it inspects, regardless of whether it
/// finds a match"; `XX` where a code is not available.
#[test]
fn a_geo_statement_labels_every_request_that_it_looks_at() {
    let both = |of: &str, code: &str| {
        vec![format!("awswaf:{of}:geo:country:{code}"), format!("awswaf:{of}:geo:region:{code}-XX")]
    };
    assert_eq!(labels(&geo(&["DE"], None), &plain(), "DE"), both("clientip", "DE"));
    assert_eq!(labels(&geo(&["AQ"], None), &plain(), "DE"), both("clientip", "DE"), "no match");
    assert_eq!(labels(&geo(&["AQ"], None), &plain(), "-"), both("clientip", "XX"), "not known");
    let forwarded = with_headers(&[("x-forwarded-for", "203.0.113.200, 192.0.2.1")]);
    assert_eq!(labels(&geo(&["AQ"], Some("MATCH")), &forwarded, "DE"), both("forwardedip", "US"));
}

/// "AWS WAF adds any labels at the end of a rule's web request evaluation", so the same rule does not see them.
#[test]
fn geo_labels_are_for_later_rules() {
    let both = json!({"AndStatement": {"Statements":
        [geo(&["DE"], None), label("awswaf:clientip:geo:country:DE")]}});
    let same = acl(vec![rule("both", 0, &both, "Block")]);
    assert!(same.judge(&plain(), "DE", &[]).passed);
    let later = acl(vec![
        rule("geo", 0, &geo(&["AQ"], None), "Count"),
        rule("label", 1, &label("awswaf:clientip:geo:country:DE"), "Block"),
    ]);
    assert!(!later.judge(&plain(), "DE", &[]).passed && later.judge(&plain(), "FR", &[]).passed);
}

#[test]
fn a_forwarded_address_is_the_first_of_the_header() {
    let ask = |countries: &[&str], fallback: &str, header: &str| {
        let statement = geo(countries, Some(fallback));
        let request = with_headers(&[("X-Forwarded-For", header)]);
        !acl(vec![rule("geo", 0, &statement, "Block")]).judge(&request, "DE", &[]).passed
    };
    let cases = [
        (&["NL"], "NO_MATCH", "203.0.113.7", true),
        (&["US"], "NO_MATCH", "203.0.113.200", true),
        (&["FR"], "NO_MATCH", "2001:db8::1", true),
        (&["NL"], "NO_MATCH", "203.0.113.7, 203.0.113.200", true),
        (&["US"], "NO_MATCH", "203.0.113.7, 203.0.113.200", false),
        (&["DE"], "NO_MATCH", "203.0.113.7", false),
        (&["DE"], "MATCH", "192.0.2.1", false),
        (&["NL"], "MATCH", "nonsense", true),
        (&["NL"], "NO_MATCH", "nonsense", false),
        (&["NL"], "MATCH", "203.0.113.7; 203.0.113.8", true),
        (&["NL"], "NO_MATCH", "203.0.113.7; 203.0.113.8", false),
    ];
    for (countries, fallback, header, expected) in cases {
        assert_eq!(ask(countries, fallback, header), expected, "{countries:?} {fallback} {header}");
    }
}

/// "If the header that you specify isn't present in a request, AWS WAF doesn't apply the rule to the request at all",
/// neither its action nor the fallback.
#[test]
fn a_rule_without_its_header_is_not_applied() {
    let blocks = |statement: &Value| !acl(vec![rule("r", 0, statement, "Block")]).judge(&plain(), "DE", &[]).passed;
    assert!(!blocks(&geo(&["DE"], Some("MATCH"))));
    assert!(!blocks(&not(&geo(&["DE"], Some("MATCH")))));
    let mut world = World::new();
    let set = json!({"IPSetReferenceStatement": {"ARN": world.set, "IPSetForwardedIPConfig":
        {"HeaderName": "X-Forwarded-For", "FallbackBehavior": "MATCH", "Position": "ANY"}}});
    let acl = world.acl(vec![rule("r", 0, &not(&set), "Block")]);
    assert!(judge(&acl, &plain(), CALLER).passed, "an IP set under Not");
    let listed = with_headers(&[("x-forwarded-for", "203.0.113.7")]);
    let other = with_headers(&[("x-forwarded-for", "192.0.2.1")]);
    assert!(judge(&acl, &listed, CALLER).passed && !judge(&acl, &other, CALLER).passed);
}
