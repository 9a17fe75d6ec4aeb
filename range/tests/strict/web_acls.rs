//! Web ACLs, rule groups, associations.

use serde_json::{Value, json};

use crate::client::{Client, naming, rule, visibility};

const INVALID: &str = "WAFInvalidParameterException";

fn update(summary: &Value, rules: &Value, more: Value) -> Value {
    let mut input = naming(summary, more);
    input["DefaultAction"] = json!({"Allow": {}});
    input["VisibilityConfig"] = visibility("acl");
    input["Rules"] = rules.clone();
    input
}

fn read(client: &mut Client, acl: &Value) -> Value {
    client.waf("GetWebACL", naming(acl, json!({}))).ok()
}

/// `UpdateWebACL` replaces everything: what is left out is gone, but for `ApplicationConfig`. (documented: service
/// model)
#[test]
fn an_update_replaces_everything_but_the_application_config() {
    let mut client = Client::new();
    let geo = json!({"GeoMatchStatement": {"CountryCodes": ["AQ"]}});
    let acl = client.web_acl("acl", json!([rule("geo", 0, &geo)]));
    let more = json!({
        "CustomResponseBodies": {"no": {"ContentType": "TEXT_PLAIN", "Content": "no"}},
        "ApplicationConfig": {"Attributes": [{"Name": "a", "Values": ["b"]}]},
    });
    let token = client.waf("UpdateWebACL", update(&acl, &json!([rule("geo", 0, &geo)]), more)).ok();
    let again = naming(&acl, json!({"LockToken": token["NextLockToken"]}));
    client.waf("UpdateWebACL", update(&again, &json!([]), json!({}))).ok();
    let after = read(&mut client, &acl)["WebACL"].clone();
    assert_eq!(after["Rules"], json!([]));
    assert!(after.get("CustomResponseBodies").is_none());
    assert_eq!(after["ApplicationConfig"]["Attributes"][0]["Name"], "a");
}

/// Rules are answered exactly as they were sent (documented: service model); members that nobody knows are refused
/// rather than kept and never evaluated.
#[test]
fn rules_make_the_round_trip_without_loss() {
    let mut client = Client::new();
    let mut odd = rule(
        "odd",
        3,
        &json!({
            "ByteMatchStatement": {
                "SearchString": "YWRtaW4=", "FieldToMatch": {"UriPath": {}}, "PositionalConstraint": "CONTAINS",
                "TextTransformations": [{"Priority": 0, "Type": "NONE"}],
            }
        }),
    );
    odd["RuleLabels"] = json!([{"Name": "x"}]);
    let acl = client.web_acl("acl", json!([odd]));
    assert_eq!(read(&mut client, &acl)["WebACL"]["Rules"], json!([odd]));
    odd["SomethingNew"] = json!({"Deep": [1, 2.5, null, true]});
    let refused = client.waf("UpdateWebACL", update(&acl, &json!([odd]), json!({})));
    assert!(refused.body["Reason"].as_str().unwrap().contains("The Portcullis range does not know `SomethingNew`"));
    assert_eq!(refused.refused().1, "WAFInvalidParameterException");
}

/// A stale token is refused. (documented: service model)
#[test]
fn a_stale_lock_token_is_refused() {
    let mut client = Client::new();
    let acl = client.web_acl("acl", json!([]));
    client.waf("UpdateWebACL", update(&acl, &json!([]), json!({}))).ok();
    let stale = client.waf("UpdateWebACL", update(&acl, &json!([]), json!({})));
    assert_eq!(stale.refused().1, "WAFOptimisticLockException");
}

/// No member of `GetWebACL` is required: the ARN alone does. (inferred: service model)
#[test]
fn an_arn_alone_finds_a_web_acl_and_its_lock_token() {
    let mut client = Client::new();
    let acl = client.web_acl("acl", json!([]));
    let found = client.waf("GetWebACL", json!({"ARN": acl["ARN"]})).ok();
    assert_eq!(found["LockToken"], acl["LockToken"]);
    assert_eq!(found["WebACL"]["Name"], "acl");
}

/// A rule has an action or, where it refers to a rule group, an override action; never both. (documented: service
/// model)
#[test]
fn a_rule_has_an_action_or_an_override_action() {
    let mut client = Client::new();
    let acl = client.web_acl("acl", json!([]));
    let group = json!({"ManagedRuleGroupStatement": {"VendorName": "AWS", "Name": "AWSManagedRulesSQLiRuleSet"}});
    let mut both = rule("managed", 0, &group);
    let wrong = client.waf("UpdateWebACL", update(&acl, &json!([both.clone()]), json!({})));
    assert_eq!(wrong.refused().1, INVALID, "a group needs OverrideAction");
    both["OverrideAction"] = json!({"Count": {}});
    let wrong = client.waf("UpdateWebACL", update(&acl, &json!([both.clone()]), json!({})));
    assert_eq!(wrong.refused().1, INVALID, "not both");
    both.as_object_mut().unwrap().shift_remove("Action");
    client.waf("UpdateWebACL", update(&acl, &json!([both]), json!({}))).ok();
}

/// Names and priorities are unique within a web ACL. (documented: service model)
#[test]
fn priorities_are_unique() {
    let mut client = Client::new();
    let acl = client.web_acl("acl", json!([]));
    let geo = json!({"GeoMatchStatement": {"CountryCodes": ["AQ"]}});
    let twice = json!([rule("one", 0, &geo), rule("two", 0, &geo)]);
    assert_eq!(client.waf("UpdateWebACL", update(&acl, &twice, json!({}))).refused().1, INVALID);
}

/// Rule group statements are not nested. (documented: service model)
#[test]
fn a_rule_group_is_not_nested() {
    let mut client = Client::new();
    let acl = client.web_acl("acl", json!([]));
    let inner = json!({"ManagedRuleGroupStatement": {"VendorName": "AWS", "Name": "X"}});
    let nested = json!([rule("nested", 0, &json!({"NotStatement": {"Statement": inner}}))]);
    assert_eq!(client.waf("UpdateWebACL", update(&acl, &nested, json!({}))).refused().1, INVALID);
}

/// A rate limit is at least 10, its window one of four. (documented: service model)
#[test]
fn a_rate_rule_has_a_limit_of_ten_and_a_known_window() {
    let mut client = Client::new();
    let acl = client.web_acl("acl", json!([]));
    let mut write = |limit: u32, window: u32| {
        let rate = json!({"RateBasedStatement": {
            "Limit": limit, "EvaluationWindowSec": window, "AggregateKeyType": "IP"}});
        let token = read(&mut client, &acl)["LockToken"].clone();
        let input = update(&naming(&acl, json!({"LockToken": token})), &json!([rule("rate", 0, &rate)]), json!({}));
        client.waf("UpdateWebACL", input).status
    };
    assert_eq!((write(9, 300), write(10, 90), write(10, 60)), (400, 400, 200));
}

/// A reference to what does not exist is refused. (documented: service model)
#[test]
fn a_reference_to_a_missing_ip_set_is_refused() {
    let mut client = Client::new();
    let acl = client.web_acl("acl", json!([]));
    let ghost = json!({"IPSetReferenceStatement": {
        "ARN": "arn:aws:wafv2:eu-central-1:123456789012:regional/ipset/x/00000000-0000-4000-8000-000000000000"}});
    let answer = client.waf("UpdateWebACL", update(&acl, &json!([rule("ghost", 0, &ghost)]), json!({})));
    assert_eq!(answer.refused().1, "WAFNonexistentItemException");
}

/// A rule group's rules stay within the capacity it was created with. (documented: service model)
#[test]
fn a_rule_group_keeps_to_its_capacity() {
    let mut client = Client::new();
    let geo = json!({"GeoMatchStatement": {"CountryCodes": ["AQ"]}});
    let input = |rules: Value| {
        json!({
            "Name": "group", "Scope": "REGIONAL", "Capacity": 1, "Rules": rules, "VisibilityConfig": visibility("group"),
        })
    };
    let two = json!([rule("one", 0, &geo), rule("two", 1, &geo)]);
    assert_eq!(client.waf("CreateRuleGroup", input(two)).refused().1, "WAFLimitsExceededException");
    client.waf("CreateRuleGroup", input(json!([rule("one", 0, &geo)]))).ok();
}

fn stage_arn(api: &str) -> String {
    format!("arn:aws:apigateway:eu-central-1::/restapis/{api}/stages/prod")
}

/// Associating replaces the web ACL that was there, in one call; `GetStage` shows it. (documented: service model)
#[test]
fn an_association_is_replaced_and_shown_by_the_stage() {
    let mut client = Client::new();
    let api = client.api();
    let (one, two) = (client.web_acl("one", json!([])), client.web_acl("two", json!([])));
    let stage = |client: &mut Client| client.get(&format!("/restapis/{api}/stages/prod")).ok();
    assert!(stage(&mut client).get("webAclArn").is_none());
    for acl in [&one, &two] {
        let input = json!({"WebACLArn": acl["ARN"], "ResourceArn": stage_arn(&api)});
        client.waf("AssociateWebACL", input).ok();
        assert_eq!(stage(&mut client)["webAclArn"], acl["ARN"]);
    }
    let associated = client.waf("DeleteWebACL", naming(&two, json!({})));
    assert_eq!(associated.refused().1, "WAFAssociatedItemException");
    client.waf("DeleteWebACL", naming(&one, json!({}))).ok();
}

/// `GetWebACLForResource` gives the web ACL and no lock token; nothing where there is none. (documented: service model)
#[test]
fn the_web_acl_of_a_resource_comes_without_a_lock_token() {
    let mut client = Client::new();
    let api = client.api();
    let acl = client.web_acl("acl", json!([]));
    let ask = json!({"ResourceArn": stage_arn(&api)});
    assert_eq!(client.waf("GetWebACLForResource", ask.clone()).ok(), json!({}));
    client.waf("AssociateWebACL", json!({"WebACLArn": acl["ARN"], "ResourceArn": stage_arn(&api)})).ok();
    let found = client.waf("GetWebACLForResource", ask).ok();
    assert_eq!(found["WebACL"]["Id"], acl["Id"]);
    assert!(found.get("LockToken").is_none());
}

/// `ListResourcesForWebACL` lists load balancers unless asked for API Gateway. (documented: service model)
#[test]
fn resources_are_load_balancers_unless_asked_otherwise() {
    let mut client = Client::new();
    let api = client.api();
    let acl = client.web_acl("acl", json!([]));
    client.waf("AssociateWebACL", json!({"WebACLArn": acl["ARN"], "ResourceArn": stage_arn(&api)})).ok();
    let plain = client.waf("ListResourcesForWebACL", json!({"WebACLArn": acl["ARN"]})).ok();
    assert_eq!(plain["ResourceArns"], json!([]));
    let input = json!({"WebACLArn": acl["ARN"], "ResourceType": "API_GATEWAY"});
    let asked = client.waf("ListResourcesForWebACL", input).ok();
    assert_eq!(asked["ResourceArns"], json!([stage_arn(&api)]));
}

/// A stage's ARN has no account number. (documented: service model)
#[test]
fn a_stage_arn_has_no_account() {
    let mut client = Client::new();
    let api = client.api();
    let acl = client.web_acl("acl", json!([]));
    let wrong = stage_arn(&api).replace("::", ":123456789012:");
    let answer = client.waf("AssociateWebACL", json!({"WebACLArn": acl["ARN"], "ResourceArn": wrong}));
    assert_eq!(answer.body["Field"], "RESOURCE_ARN");
    assert_eq!(answer.refused().1, INVALID);
}

/// Only rules that aggregate by address have keys to list. (documented: service model)
#[test]
fn managed_keys_are_addresses_only() {
    let mut client = Client::new();
    let scope = json!({"GeoMatchStatement": {"CountryCodes": ["AQ"]}});
    let rate = |kind: &str| {
        let rate = json!({"Limit": 100, "AggregateKeyType": kind, "ScopeDownStatement": scope});
        json!({ "RateBasedStatement": rate })
    };
    let acl = client.web_acl("acl", json!([rule("ip", 0, &rate("IP")), rule("all", 1, &rate("CONSTANT"))]));
    let key = (acl["ARN"].as_str().unwrap().to_owned(), "ip".to_owned());
    let limited = vec!["203.0.113.9".parse().unwrap(), "2001:db8::9".parse().unwrap()];
    client.range.account_mut().waf.rate_limited.insert(key, limited);
    let ask = |rule: &str| {
        json!({
        "Scope": "REGIONAL", "WebACLName": "acl", "WebACLId": acl["Id"], "RuleName": rule})
    };
    let found = client.waf("GetRateBasedStatementManagedKeys", ask("ip")).ok();
    assert_eq!(found["ManagedKeysIPV4"]["Addresses"], json!(["203.0.113.9/32"]));
    assert_eq!(found["ManagedKeysIPV6"]["Addresses"], json!(["2001:db8::9/128"]));
    let all = client.waf("GetRateBasedStatementManagedKeys", ask("all"));
    assert_eq!(all.refused().1, "WAFUnsupportedAggregateKeyTypeException");
}

/// A rate rule inside a rule group is named together with the rule that refers to the group. (documented: service
/// model)
#[test]
fn keys_of_a_rule_in_a_group_want_the_referring_rule() {
    let mut client = Client::new();
    let rate = rule("fast", 0, &json!({"RateBasedStatement": {"Limit": 100, "AggregateKeyType": "IP"}}));
    let group = json!({
        "Name": "limits", "Scope": "REGIONAL", "Capacity": 10, "Rules": [rate], "VisibilityConfig": visibility("limits"),
    });
    let group = client.waf("CreateRuleGroup", group).ok()["Summary"].clone();
    let mut referring = rule("team", 0, &json!({"RuleGroupReferenceStatement": {"ARN": group["ARN"]}}));
    referring.as_object_mut().unwrap().remove("Action");
    referring["OverrideAction"] = json!({"None": {}});
    let acl = client.web_acl("acl", json!([referring]));
    let key = (acl["ARN"].as_str().unwrap().to_owned(), "limits/fast".to_owned());
    client.range.account_mut().waf.rate_limited.insert(key, vec!["203.0.113.9".parse().unwrap()]);
    let mut ask = json!({"Scope": "REGIONAL", "WebACLName": "acl", "WebACLId": acl["Id"], "RuleName": "fast"});
    assert_eq!(client.waf("GetRateBasedStatementManagedKeys", ask.clone()).refused().1, "WAFNonexistentItemException");
    ask["RuleGroupRuleName"] = json!("team");
    let found = client.waf("GetRateBasedStatementManagedKeys", ask.clone()).ok();
    assert_eq!(found["ManagedKeysIPV4"]["Addresses"], json!(["203.0.113.9/32"]));
    ask["RuleGroupRuleName"] = json!("other");
    assert_eq!(client.waf("GetRateBasedStatementManagedKeys", ask).refused().1, "WAFNonexistentItemException");
}

/// A name is used once. (documented: service model)
#[test]
fn a_second_web_acl_of_the_same_name_is_refused() {
    let mut client = Client::new();
    client.web_acl("acl", json!([]));
    let again = json!({
        "Name": "acl", "Scope": "REGIONAL", "DefaultAction": {"Block": {}}, "VisibilityConfig": visibility("acl"),
    });
    assert_eq!(client.waf("CreateWebACL", again).refused().1, "WAFDuplicateItemException");
}

/// Deleting takes the newest lock token, as updating does. (documented: service model)
#[test]
fn deleting_needs_the_newest_lock_token() {
    let mut client = Client::new();
    let acl = client.web_acl("acl", json!([]));
    client.waf("UpdateWebACL", update(&acl, &json!([]), json!({}))).ok();
    assert_eq!(client.waf("DeleteWebACL", naming(&acl, json!({}))).refused().1, "WAFOptimisticLockException");
    let set = client.ip_set("list", "IPV4", &[]);
    client.waf("UpdateIPSet", naming(&set, json!({"Addresses": ["192.0.2.1/32"]}))).ok();
    assert_eq!(client.waf("DeleteIPSet", naming(&set, json!({}))).refused().1, "WAFOptimisticLockException");
}

/// A hundred web ACLs and a hundred IP sets a region, unless AWS has granted more. (unverified)
#[test]
fn a_hundred_of_a_kind_and_no_more() {
    let mut client = Client::new();
    for n in 0..100 {
        client.wait(1);
        client.ip_set(&format!("list-{n}"), "IPV4", &[]);
        client.web_acl(&format!("acl-{n}"), json!([]));
    }
    client.wait(1);
    let set = json!({"Name": "more", "Scope": "REGIONAL", "IPAddressVersion": "IPV4", "Addresses": []});
    assert_eq!(client.waf("CreateIPSet", set).refused().1, "WAFLimitsExceededException");
    let acl = json!({
        "Name": "more", "Scope": "REGIONAL", "DefaultAction": {"Block": {}}, "VisibilityConfig": visibility("more"),
    });
    assert_eq!(client.waf("CreateWebACL", acl).refused().1, "WAFLimitsExceededException");
}
