//! The evaluator by itself: who gets in, by policy, authorization and credential.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;

const ARN: &str = "arn:aws:execute-api:eu-central-1:111122223333:abc123defg/prod/POST/login";
const USER: &str = "arn:aws:iam::111122223333:user/alice";

fn call(address: &str) -> Call<'static> {
    Call {
        arn: ARN,
        source_ip: address.parse().unwrap(),
        user_agent: Some("curl/8"),
        referer: None,
        principal: Some(USER),
        at: DateTime::UNIX_EPOCH,
    }
}

fn judge(policy: &str, address: &str) -> Verdict {
    Policy::read(policy).judge(&Call { principal: None, ..call(address) })
}

/// One statement about everything, with a condition.
fn with(effect: &str, condition: &str) -> String {
    format!(
        r#"{{"Statement":[{{"Effect":"{effect}","Principal":"*","Action":"execute-api:Invoke","Resource":"*",
            "Condition":{condition}}}]}}"#
    )
}

const CLOSED: &str = r#"{"Version":"2012-10-17","Statement":[
    {"Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":"execute-api:/*"},
    {"Effect":"Deny","Principal":"*","Action":"execute-api:Invoke","Resource":"execute-api:/prod/*",
     "Condition":{"NotIpAddress":{"aws:SourceIp":["192.0.2.0/24","2001:db8::/32"]}}}]}"#;

#[test]
fn deny_not_ip_address_shuts_everybody_else_out() {
    assert_eq!(judge(CLOSED, "192.0.2.9"), Verdict::Allow);
    assert_eq!(judge(CLOSED, "2001:db8::9"), Verdict::Allow);
    assert_eq!(judge(CLOSED, "203.0.113.7"), Verdict::Deny);
    assert_eq!(judge(&CLOSED.replace("/prod/*", "/dev/*"), "203.0.113.7"), Verdict::Allow, "names another stage");
}

/// The outcome tables of the developer guide, and what happens before they apply. (documented: authorization flow; that
/// IAM and Cognito authenticate first too)
#[test]
fn policy_and_authorization_meet_as_the_guide_says() {
    use Credential::{Absent, Allows, Denies, Invalid, Silent};
    let allow = with("Allow", r#"{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}"#);
    let silent = with("Allow", r#"{"IpAddress":{"aws:SourceIp":"192.0.2.1"}}"#);
    let deny = with("Deny", r#"{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}"#);
    let at = |policy: Option<&str>, authorization, credential| {
        verdict(policy, &call("203.0.113.7"), authorization, credential).unwrap()
    };
    let granted = Access::Granted;
    let policy = |explicit| Access::Refused(Refusal::Policy { explicit });
    for credential in [Absent, Invalid, Allows, Silent, Denies] {
        let open = |policy| at(policy, Authorization::None, credential);
        assert_eq!([open(None), open(Some(&allow))], [granted, granted]);
        assert_eq!([open(Some(&silent)), open(Some(&deny))], [policy(false), policy(true)]);
        let missing = matches!(credential, Absent | Invalid);
        for text in [None, Some(&allow), Some(&silent), Some(&deny)] {
            let text = text.map(String::as_str);
            let expected = if missing { Access::Refused(Refusal::Unauthorized) } else { open(text) };
            assert_eq!(at(text, Authorization::Cognito, credential), expected, "{credential:?} {text:?}");
        }
    }
    for (authorization, of) in [
        (Authorization::Iam, (|explicit| Refusal::Identity { explicit }) as fn(bool) -> Refusal),
        (Authorization::Lambda, |explicit| Refusal::Authorizer { explicit }),
    ] {
        let other = |explicit| Access::Refused(of(explicit));
        for (credential, none, allowed, silence) in [
            (Allows, granted, granted, granted),
            (Silent, other(false), granted, other(false)),
            (Denies, other(true), other(true), other(true)),
        ] {
            let shown = [None, Some(allow.as_str()), Some(&silent), Some(&deny)];
            let found = shown.map(|policy| at(policy, authorization, credential));
            assert_eq!(found, [none, allowed, silence, policy(true)], "{authorization:?} {credential:?}");
        }
    }
    assert_eq!(at(Some(&allow), Authorization::Iam, Absent), Access::Refused(Refusal::Unsigned));
    assert_eq!(at(Some(&deny), Authorization::Iam, Invalid), Access::Refused(Refusal::BadSignature));
    assert_eq!(at(Some(&allow), Authorization::Lambda, Absent), Access::Refused(Refusal::Unauthorized));
    assert_eq!(at(Some(&deny), Authorization::Lambda, Absent), policy(true), "denied before the authorizer is called");
}

/// A principal that is named means signed callers of IAM methods only. (documented: creating and attaching a policy)
#[test]
fn a_named_principal_means_signed_callers_only() {
    for (named, means) in [
        (USER, true),
        ("arn:aws:iam::111122223333:root", true),
        ("111122223333", true),
        ("arn:aws:iam::111122223333:user/bob", false),
        ("444455556666", false),
        ("*", true),
    ] {
        let policy = with("Allow", "{}").replace(r#""Principal":"*""#, &format!(r#""Principal":{{"AWS":"{named}"}}"#));
        let at = |authorization, credential| {
            verdict(Some(&policy), &call("192.0.2.1"), authorization, credential).unwrap().is_granted()
        };
        assert_eq!(at(Authorization::Iam, Credential::Silent), means, "{named}");
        assert_eq!(at(Authorization::None, Credential::Allows), named == "*", "{named}");
        let but = policy.replace("\"Principal\"", "\"NotPrincipal\"");
        let found = verdict(Some(&but), &call("192.0.2.1"), Authorization::Iam, Credential::Silent).unwrap();
        assert_eq!(found.is_granted(), !means, "everybody but {named}");
    }
}

/// Operators and keys as IAM has them. (documented: IAM's condition operators)
#[test]
fn conditions_hold_as_iam_says() {
    let later = r#"{"DateGreaterThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"}}"#;
    for (condition, holds) in [
        (r#"{"IpAddress":{"aws:SourceIp":["192.0.2.1/24"]}}"#, true),
        (r#"{"IpAddress":{"AWS:sourceIP":"192.0.2.9"}}"#, true),
        (r#"{"NotIpAddress":{"aws:SourceIp":["198.51.100.0/24","2001:db8::/32"]}}"#, true),
        (r#"{"NotIpAddress":{"aws:SourceIp":["198.51.100.0/24","192.0.2.0/24"]}}"#, false),
        (r#"{"IpAddress":{"aws:VpcSourceIp":"192.0.2.0/24"}}"#, false),
        (r#"{"NotIpAddress":{"aws:VpcSourceIp":"10.0.0.0/8"}}"#, true),
        (r#"{"StringEquals":{"aws:SourceVpce":"vpce-1"}}"#, false),
        (r#"{"StringNotEquals":{"aws:SourceVpce":"vpce-1"}}"#, true),
        (r#"{"StringEqualsIfExists":{"aws:SourceVpce":"vpce-1"}}"#, true),
        (r#"{"ForAllValues:StringEquals":{"aws:SourceVpce":"vpce-1"}}"#, true),
        (r#"{"ForAnyValue:StringLike":{"aws:UserAgent":["x","curl/*"]}}"#, true),
        (r#"{"StringLike":{"aws:UserAgent":"CURL/*"}}"#, false),
        (r#"{"StringEqualsIgnoreCase":{"aws:UserAgent":"CURL/8"}}"#, true),
        (r#"{"StringNotLike":{"aws:Referer":"*"}}"#, true),
        (r#"{"Null":{"aws:Referer":"true"}}"#, true),
        (r#"{"Null":{"aws:UserAgent":true}}"#, false),
        (r#"{"Bool":{"aws:SecureTransport":true}}"#, true),
        (r#"{"Bool":{"aws:SecureTransport":"false"}}"#, false),
        (later, false),
        (r#"{"DateLessThan":{"aws:EpochTime":"1577836800"}}"#, true),
        (r#"{"NumericGreaterThanEquals":{"aws:EpochTime":0}}"#, true),
        (r#"{"StringLike":{"aws:UserAgent":"curl/*"},"IpAddress":{"aws:SourceIp":"198.51.100.0/24"}}"#, false),
        (r#"{"Nonsense":{"aws:UserAgent":"curl/8"}}"#, false),
    ] {
        assert_eq!(judge(&with("Allow", condition), "192.0.2.9") == Verdict::Allow, holds, "{condition}");
    }
    assert!(Policy::read(&with("Allow", later)).uses_time);
}

#[test]
fn wildcards_resources_and_actions_match_as_iam_says() {
    assert!(wild("arn:*:abc123defg/*/POST/*", ARN) && wild("*log?n", ARN) && !wild("*/GET/*", ARN));
    let with = |what: &str| {
        let policy = format!(r#"{{"Statement":{{"Effect":"Deny","Principal":{{"AWS":"*"}},{what}}}}}"#);
        judge(&policy, "192.0.2.1") == Verdict::Deny
    };
    assert!(with(r#""Action":"execute-api:*","Resource":"*""#));
    assert!(with(
        r#""Action":["execute-api:ManageConnections","EXECUTE-API:INVOKE"],"Resource":["execute-api:/prod/*/login"]"#
    ));
    assert!(!with(r#""Action":"execute-api:ManageConnections","Resource":"*""#));
    assert!(!with(r#""NotAction":"execute-api:Invoke","Resource":"*""#));
    assert!(with(r#""Action":"*","NotResource":"execute-api:/dev/*""#));
    assert!(!with(r#""Action":"*","NotResource":"execute-api:/prod/*""#));
}

#[test]
fn what_is_no_policy_is_an_error() {
    let at = |text| verdict(Some(text), &call("192.0.2.1"), Authorization::None, Credential::Absent);
    assert!(matches!(at("{"), Err(PolicyError::NotJson(_))));
    assert_eq!(at("{}"), Err(PolicyError::NoStatement));
    assert_eq!(at(r#"{"Statement":[{"Effect":"Maybe"}]}"#), Err(PolicyError::Effect));
}
