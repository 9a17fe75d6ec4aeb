#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;
use crate::model::method::MethodName;

const SCOPE: ApiScope<'static> =
    ApiScope { partition: "aws", region: "eu-central-1", account: "111122223333", api_id: "abc" };

fn method(verb: &str, path: &str, authorization: &str) -> DeployedMethod {
    DeployedMethod {
        name: MethodName { verb: verb.into(), path: path.into() },
        authorization: authorization.into(),
        api_key_required: false,
    }
}

fn stages() -> Vec<String> {
    vec!["prod".into(), "dev".into()]
}

fn nets(texts: &[&str]) -> Vec<IpNet> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

#[test]
fn a_policy_is_read_whatever_way_it_is_escaped() {
    let plain = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":"arn:x/*"}]}"#;
    let escaped = plain.replace('"', r#"\""#).replace('/', r"\/");
    let (a, b) = (Policy::of_answer(plain).unwrap().unwrap(), Policy::of_answer(&escaped).unwrap().unwrap());
    assert_eq!(a, b);
    assert_eq!(b.text(), plain);
    assert_eq!(Policy::of_answer("").unwrap(), None);
    assert!(matches!(Policy::of_answer("{"), Err(PolicyError::NotJson(_))));
    assert_eq!(Policy::of_answer(r#"{"Version":"2012-10-17"}"#), Err(PolicyError::NoStatement));
    assert_eq!(Policy::of_answer(r#"{"Statement":[{"Effect":"allow"}]}"#), Err(PolicyError::Effect(1)));
}

#[test]
fn closing_keeps_every_statement_and_appends_one_deny() {
    let base = Policy::parse(r#"{"Version":"2008-10-17","Id":"x","Statement":{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}}}"#).unwrap();
    let closed =
        Policy::closed(Some(&base), &SCOPE, &nets(&["192.0.2.0/28"]), &[method("GET", "/", "NONE")], &stages());
    assert_eq!(closed.statements().len(), 2);
    assert_eq!(closed.statements()[0], base.statements()[0]);
    assert_eq!(
        closed.lines()[1],
        "Deny * if NotIpAddress aws:SourceIp 192.0.2.0/28: execute-api:Invoke on arn:aws:execute-api:eu-central-1:111122223333:abc/* (PortcullisKillSwitch)"
    );
    assert!(closed.is_closed() && !base.is_closed());
    assert!(closed.text().starts_with(r#"{"Version":"2008-10-17","Id":"x""#), "{}", closed.text());
}

#[test]
fn where_there_was_none_only_what_needed_none_is_allowed() {
    let mixed = [
        method("GET", "/pets/{id}", "NONE"),
        method("ANY", "/open", "COGNITO_USER_POOLS"),
        method("POST", "/pay", "CUSTOM"),
        method("POST", "/admin", "AWS_IAM"),
    ];
    let closed = Policy::closed(None, &SCOPE, &nets(&["192.0.2.0/28"]), &mixed, &stages());
    let allowed = texts(&closed.statements()[0]["Resource"]);
    assert_eq!(allowed, ["prod/GET/pets/*", "prod/*/open", "dev/GET/pets/*", "dev/*/open"].map(|rest| SCOPE.arn(rest)));
    let guarded = Policy::closed(None, &SCOPE, &nets(&["192.0.2.0/28"]), &mixed[2..], &stages());
    assert_eq!(guarded.statements().len(), 1, "an Allow would let in whom the authorizer is silent about");
    let open = Policy::closed(None, &SCOPE, &[], &mixed[..1], &stages());
    assert_eq!(texts(&open.statements()[0]["Resource"]), [SCOPE.arn("*")]);
}

#[test]
fn the_same_policy_may_be_written_in_several_ways() {
    let parse = |text: &str| Policy::parse(text).unwrap();
    let a =
        parse(r#"{"Statement":[{"Effect":"Deny","Principal":"*","Action":["x"],"Resource":["b","a"]}],"Version":"1"}"#);
    let b =
        parse(r#"{"Version":"1","Statement":{"Action":"x","Effect":"Deny","Resource":["a","b"],"Principal":["*"]}}"#);
    assert!(Policy::same(Some(&a), Some(&b)));
    assert!(!Policy::same(Some(&a), None));
    let one = Policy::closed(Some(&a), &SCOPE, &nets(&["192.0.2.0/28"]), &[], &stages());
    let other = Policy::closed(Some(&b), &SCOPE, &nets(&["198.51.100.0/28"]), &[], &stages());
    assert!(!Policy::same(Some(&one), Some(&other)));
    assert!(!Policy::same_or_both_closed(Some(&one), Some(&other)), "another responder's");
    let nobody = Policy::closed(Some(&b), &SCOPE, &nets(&[NOBODY[0]]), &[], &stages());
    assert!(Policy::same_or_both_closed(Some(&one), Some(&nobody)), "of a proof");
    assert!(!Policy::same_or_both_closed(Some(&one), Some(&a)));
}

#[test]
fn what_is_not_known_of_a_caller_is_unknown_only_where_it_matters() {
    let text = |effect: &str, key: &str| {
        let statement = format!(
            r#"{{"Effect":"{effect}","Principal":"*","Action":"execute-api:Invoke","Resource":"*","Condition":{{"StringEquals":{{"{key}":"x"}}}}}}"#
        );
        Policy::parse(&format!(r#"{{"Statement":[{statement}]}}"#)).unwrap()
    };
    let arn = SCOPE.arn("prod/GET/x");
    let call = Call {
        arn: &arn,
        source_ip: "198.51.100.1".parse().unwrap(),
        user_agent: None,
        referer: None,
        principal: None,
        exact: true,
        at: chrono::DateTime::UNIX_EPOCH,
    };
    let get = |policy: &Policy, authorization, credential| access(Some(policy), &call, authorization, credential);
    let by_org = text("Allow", "aws:RequestedRegion");
    assert!(matches!(get(&by_org, Authorization::None, Credential::Absent), Access::Unknown(_)));
    assert_eq!(get(&by_org, Authorization::Lambda, Credential::Allows), Access::Granted, "either allow suffices");
    assert_eq!(get(&text("Allow", "aws:PrincipalOrgID"), Authorization::None, Credential::Absent), Access::Refused);
    assert_eq!(get(&text("Deny", "aws:SourceVpce"), Authorization::Lambda, Credential::Allows), Access::Granted);
}
