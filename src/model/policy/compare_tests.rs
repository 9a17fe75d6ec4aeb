#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;
use crate::model::method::MethodName;

const SCOPE: ApiScope<'static> =
    ApiScope { partition: "aws", region: "eu-central-1", account: "111122223333", api_id: "a" };

fn method(verb: &str, path: &str, authorization: &str) -> DeployedMethod {
    let name = MethodName { verb: verb.into(), path: path.into() };
    DeployedMethod { name, authorization: authorization.into(), api_key_required: false }
}

fn nets(texts: &[&str]) -> Vec<IpNet> {
    texts.iter().map(|net| net.parse().unwrap()).collect()
}

fn policy(statements: &str) -> Policy {
    Policy::parse(&format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#)).unwrap()
}

fn allow(condition: &str) -> String {
    format!(
        r#"{{"Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":"execute-api:/*","Condition":{condition}}}"#
    )
}

fn now() -> DateTime<Utc> {
    "2026-06-09T03:00:00Z".parse().unwrap()
}

/// What becomes of a network where `before` is closed to all but `list`.
fn of(before: Option<&Policy>, list: &[&str], methods: &[DeployedMethod], net: &str) -> Vec<Admission> {
    let list = nets(list);
    let after = Policy::closed(before, &SCOPE, &list, methods, &["prod".into()]);
    let comparison = Comparison::new(Ok(before), &after, (&SCOPE, "prod"), methods, now());
    comparison.admissions(&net.parse().unwrap()).unwrap()
}

fn open() -> Vec<DeployedMethod> {
    vec![method("GET", "/products", "NONE")]
}

#[test]
fn a_list_of_texts_keeps_out_whoever_is_not_on_it_today_and_afterwards() {
    let listed = policy(&allow(r#"{"StringEquals":{"aws:SourceIp":["127.0.0.1","198.18.0.1"]}}"#));
    let list = ["127.0.0.1/32", "192.0.2.240/28"];
    let own = of(Some(&listed), &list, &open(), "127.0.0.1/32");
    assert!(own[0].is_certain() && own[0].today == Entry::In, "{own:?}");
    let range = of(Some(&listed), &list, &open(), "192.0.2.240/28");
    assert_eq!((range.len(), &range[0].today, &range[0].then), (1, &Entry::Out, &Entry::Out));
    // How AWS writes a v6 address is not documented.
    let six = policy(&allow(r#"{"StringEquals":{"aws:SourceIp":["2001:db8::1"]}}"#));
    assert!(matches!(of(Some(&six), &list, &open(), "2001:db8::1/128")[0].today, Entry::Unknown(_)));
}

#[test]
fn every_part_of_a_network_is_asked() {
    let denied = policy(&format!(
        r#"{},{{"Effect":"Deny","Principal":"*","Action":"execute-api:Invoke","Resource":"*","Condition":{{"IpAddress":{{"aws:SourceIp":"192.0.2.252/30"}}}}}}"#,
        allow("{}")
    ));
    let parts = of(Some(&denied), &["192.0.2.240/28"], &open(), "192.0.2.240/28");
    let stands: Vec<(String, bool)> =
        parts.iter().map(|part| (part.nets.last().unwrap().to_string(), part.is_certain())).collect();
    assert_eq!(stands, [("192.0.2.248/30".into(), true), ("192.0.2.252/30".into(), false)]);
}

#[test]
fn a_date_that_has_passed_is_certain_and_one_that_is_near_is_not() {
    let until = |when: &str| policy(&allow(&format!(r#"{{"DateLessThan":{{"aws:CurrentTime":"{when}"}}}}"#)));
    let entry = |when: &str| of(Some(&until(when)), &["192.0.2.0/24"], &open(), "192.0.2.0/24").remove(0);
    for passed in ["2020-01-01T00:00:00Z", "2020-01-01", "2020-01", "1577836800", "2020-01-01T00:00Z"] {
        assert_eq!((entry(passed).today, entry(passed).then), (Entry::Out, Entry::Out), "{passed}");
    }
    assert!(entry("2031-01-01").is_certain());
    let soon = entry("2026-06-09T03:30:00Z");
    assert!(soon.today == Entry::In && matches!(soon.then, Entry::Unknown(_)), "{soon:?}");
    for odd in ["2026", "yesterday", "1780971000000", "2026-06-09"] {
        assert!(matches!(entry(odd).today, Entry::Unknown(_)), "{odd}");
    }
}

#[test]
fn a_method_without_authorization_sees_no_principal() {
    let denied = |member: &str| {
        policy(&format!(
            r#"{},{{"Effect":"Deny","{member}":{{"AWS":"arn:aws:iam::444455556666:role/x"}},"Action":"execute-api:Invoke","Resource":"*"}}"#,
            allow("{}")
        ))
    };
    let list = ["192.0.2.0/24"];
    let stands = |policy: &Policy, authorization: &str| {
        of(Some(policy), &list, &[method("GET", "/a", authorization)], "192.0.2.0/24").remove(0).then
    };
    for authorization in ["NONE", "CUSTOM", "COGNITO_USER_POOLS"] {
        assert_eq!(stands(&denied("Principal"), authorization), Entry::In, "{authorization}");
        assert_eq!(stands(&denied("NotPrincipal"), authorization), Entry::Out, "{authorization}");
    }
    assert!(matches!(stands(&denied("Principal"), "AWS_IAM"), Entry::Unknown(_)));
    let by_org = policy(&allow(r#"{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}"#));
    assert_eq!(stands(&by_org, "NONE"), Entry::Out);
    assert!(matches!(
        stands(&policy(&allow(r#"{"StringEquals":{"aws:RequestedRegion":"x"}}"#)), "NONE"),
        Entry::Unknown(_)
    ));
    assert!(matches!(stands(&policy(&allow("{}")), ""), Entry::Unknown(_)), "an authorization that AWS does not name");
}

#[test]
fn what_is_not_understood_is_never_certain() {
    let list = ["192.0.2.0/24"];
    let deny = |body: &str| {
        policy(&format!(r#"{},{{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*",{body}}}"#, allow("{}")))
    };
    for body in [
        r#""Condition":{"NotIpAdress":{"aws:SourceIp":"192.0.2.0/24"}}"#,
        r#""Condition":{"IpNotAddress":{"aws:SourceIp":"192.0.2.0/24"}}"#,
        r#""Condition":{"ForSomeValues:StringEquals":{"aws:UserAgent":"x"}}"#,
        r#""Condition":{"ForAnyValue:StringNotEquals":{"aws:VpcSourceIp":"x"}}"#,
        r#""Condition":{"NullIfExists":{"aws:SourceIp":"true"}}"#,
        r#""Condition":{"Null":{"aws:SourceIp":"maybe"}}"#,
        r#""Condition":{"IpAddress":{"aws:SourceIp":[]}}"#,
        r#""Condition":{"IpAddress":{"aws:SourceIp":"192.0.2.0/33"}}"#,
        r#""Condition":{"IpAddress":{"aws:SourceIp":"::ffff:192.0.2.0/120"}}"#,
        r#""Condition":{"IpAddress":["192.0.2.0/24"]}"#,
        r#""Condition":["x"]"#,
        r#""Condition":{"StringLike":{"aws:SecureTransport":"${aws:username}"}}"#,
        r#""condition":{"IpAddress":{"aws:SourceIp":"198.51.100.0/24"}}"#,
        r#""NotAction":"s3:*""#,
        r#""NotPrincipal":{"AWS":"111122223333"}"#,
    ] {
        let found = of(Some(&deny(body)), &list, &open(), "192.0.2.0/24");
        assert!(found.iter().all(|part| !part.is_certain()), "{body}: {found:?}");
    }
    let odd = Policy::parse(&format!(r#"{{"Version":"2099-01-01","Statement":[{}]}}"#, allow("{}"))).unwrap();
    assert!(!of(Some(&odd), &list, &open(), "192.0.2.0/24")[0].is_certain());
}

#[test]
fn every_verb_of_any_and_every_path_that_a_statement_names_is_asked() {
    let by_path = policy(&format!(
        r#"{},{{"Effect":"Deny","Principal":"*","Action":"*","Resource":"execute-api:/*/DELETE/pets/secret*"}}"#,
        allow("{}")
    ));
    let methods = [method("ANY", "/pets/{id}", "NONE"), method("GET", "/pets/mine", "NONE")];
    let closed = Policy::closed(Some(&by_path), &SCOPE, &nets(&["192.0.2.0/24"]), &methods, &["prod".into()]);
    let comparison = Comparison::new(Ok(Some(&by_path)), &closed, (&SCOPE, "prod"), &methods, now());
    let arns: Vec<&str> = comparison.calls.iter().map(|calls| calls.arn.rsplit("a/").next().unwrap()).collect();
    assert_eq!(arns.len(), 2, "{arns:?}");
    assert!(comparison.calls.iter().any(|calls| calls.arn.ends_with("prod/DELETE/pets/secret")), "{arns:?}");
}

#[test]
fn nobody_gains_where_a_deny_is_added_and_a_pattern_that_reaches_a_guarded_method_is_a_gain() {
    let methods = [method("GET", "/pets/{id}", "NONE"), method("GET", "/pets/admin", "CUSTOM")];
    let listed = nets(&["192.0.2.0/28"]);
    let after = Policy::closed(None, &SCOPE, &listed, &methods, &["prod".into()]);
    let gains = |methods: &[DeployedMethod]| {
        Comparison::new(Ok(None), &after, (&SCOPE, "prod"), methods, now()).gains().unwrap()
    };
    assert_eq!(
        gains(&methods),
        ["GET /pets/admin (Lambda authorizer): a caller whose credentials say nothing of it at 192.0.2.0 would get in"]
    );
    assert!(gains(&methods[..1]).is_empty());
    let odd = policy(&allow(r#"{"StringEquals":{"aws:RequestedRegion":"x"}}"#));
    let closed = Policy::closed(Some(&odd), &SCOPE, &listed, &methods, &["prod".into()]);
    assert_eq!(Comparison::new(Ok(Some(&odd)), &closed, (&SCOPE, "prod"), &methods, now()).gains(), Ok(vec![]));
    let unread = Comparison::new(Err("unread"), &closed, (&SCOPE, "prod"), &methods, now());
    assert!(unread.gains().is_err());
}

#[test]
fn the_table_says_who_keeps_and_who_loses() {
    let methods = [method("GET", "/a", "NONE"), method("GET", "/b", "NONE"), method("GET", "/c", "AWS_IAM")];
    let listed = nets(&["192.0.2.0/28"]);
    let table = |before: Option<&Policy>| {
        let after = Policy::closed(before, &SCOPE, &listed, &methods, &["prod".into()]);
        Comparison::new(Ok(before), &after, (&SCOPE, "prod"), &methods, now()).table(&listed, false)
    };
    let lines = table(None);
    assert_eq!(lines[0], "2 methods (no authorization): those listed keep access, all others lose access");
    assert_eq!(lines.len(), 5, "{lines:#?}");
    assert!(lines.iter().all(|line| !line.contains("GAIN")));
    let odd = policy(&allow(r#"{"StringEquals":{"aws:RequestedRegion":"x"}}"#));
    assert_eq!(
        table(Some(&odd))[0],
        "2 methods (no authorization): those listed may get in or not: that is not known, all others are kept out; whether they get in \
         today is not known"
    );
    let some = policy(&allow(r#"{"IpAddress":{"aws:SourceIp":["192.0.2.0/24"]}}"#));
    assert_eq!(
        table(Some(&some))[0],
        "2 methods (no authorization): those listed keep access, all others are kept out; not all of them get in today"
    );
}
