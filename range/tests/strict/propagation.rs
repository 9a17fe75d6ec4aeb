//! How long writes take to reach traffic.

use serde_json::json;

use crate::client::{Client, naming};

/// A WAF write is answered at once and reaches traffic within 5 to 30 s. (documented: "a few seconds to a number of
/// minutes"; the figures are the range's own)
#[test]
fn an_ip_set_reaches_traffic_later_than_its_answer() {
    let mut client = Client::new();
    let set = client.ip_set("list", "IPV4", &[]);
    client.range.account_mut().settle();
    client.waf("UpdateIPSet", naming(&set, json!({"Addresses": ["192.0.2.1/32"]}))).ok();
    let id = set["Id"].as_str().unwrap();
    let entries = |client: &Client, seconds: i64| {
        let at = client.now + chrono::Duration::seconds(seconds);
        client.range.account().waf.ip_set_live(id, at).unwrap().networks.len()
    };
    assert_eq!((entries(&client, 4), entries(&client, 30)), (0, 1));
    let read = client.waf("GetIPSet", naming(&set, json!({}))).ok();
    assert_eq!(read["IPSet"]["Addresses"], json!(["192.0.2.1/32"]));
}

/// A throttle acts within 3 to 10 s. (inferred: a chaos-engineering tool that drives real stages)
#[test]
fn a_stage_setting_reaches_traffic_within_ten_seconds() {
    let mut client = Client::new();
    let api = client.api();
    client.range.account_mut().settle();
    let patch = json!([{"op": "replace", "path": "/*/*/throttling/rateLimit", "value": "0"}]);
    client.patch(&format!("/restapis/{api}/stages/prod"), patch).ok();
    let set = |client: &Client, seconds: i64| {
        let at = client.now + chrono::Duration::seconds(seconds);
        client.range.account().stage_live(&api, "prod", at).unwrap().setting_for("/login", "POST").is_some()
    };
    assert_eq!((set(&client, 2), set(&client, 10)), (false, true));
}

/// Propagation can be switched off.
#[test]
fn propagation_can_be_switched_off() {
    let mut client = Client::new();
    client.range.account_mut().propagation.enabled = false;
    let set = client.ip_set("list", "IPV4", &["192.0.2.1/32"]);
    let live = client.range.account().waf.ip_set_live(set["Id"].as_str().unwrap(), client.now);
    assert_eq!(live.unwrap().networks.len(), 1);
}
