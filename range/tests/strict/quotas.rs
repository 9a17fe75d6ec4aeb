//! Control-plane quotas, in account time.

use serde_json::{Value, json};

use crate::client::{Client, naming};

fn strict() -> Client {
    let mut client = Client::new();
    client.range.set_quotas(true);
    client
}

/// API Gateway: 10 calls a second, a burst of 40, for the whole account; then 429 with `Retry-After`. (documented:
/// quotas)
#[test]
fn the_gateway_control_plane_has_a_burst_of_forty() {
    let mut client = strict();
    assert!((0..40).all(|_| client.get("/account").status == 200));
    let refused = client.get("/restapis");
    assert_eq!(refused.headers["retry-after"], "1");
    assert_eq!(refused.refused(), (429, "TooManyRequestsException".to_owned()));
    client.wait(1);
    assert_eq!((0..11).filter(|_| client.get("/account").status == 200).count(), 10);
}

/// `CreateDeployment`: one in five seconds. (documented: quotas)
#[test]
fn one_deployment_in_five_seconds() {
    let mut client = strict();
    let api = client.api();
    let path = format!("/restapis/{api}/deployments");
    let again = client.rest("POST", &path, json!({}));
    assert_eq!(again.refused(), (429, "TooManyRequestsException".to_owned()));
    client.wait(4);
    assert_eq!(client.rest("POST", &path, json!({})).status, 429);
    client.wait(1);
    assert_eq!(client.rest("POST", &path, json!({})).status, 201);
}

/// `WAFv2`: each kind of write once a second. (documented: quotas; that two may come at once is inferred)
#[test]
fn waf_writes_once_a_second() {
    let mut client = strict();
    let set = client.ip_set("list", "IPV4", &[]);
    let write = naming(&set, json!({"Addresses": [], "LockToken": "00000000-0000-4000-8000-000000000000"}));
    let mut errors = |count: usize| -> Vec<Value> {
        (0..count).map(|_| client.waf("UpdateIPSet", write.clone()).body["__type"].clone()).collect()
    };
    assert_eq!(errors(3), ["WAFOptimisticLockException", "WAFOptimisticLockException", "ThrottlingException"]);
}

/// `WAFv2`: the calls about a resource's web ACL once a second, reads five times. (documented: quotas; bursts inferred)
#[test]
fn waf_reads_are_limited_by_operation() {
    let mut client = strict();
    let mut passed = |operation: &str, calls: usize| {
        let input = json!({"Scope": "REGIONAL", "ResourceArn": "x"});
        (0..calls)
            .filter(|_| client.waf(operation, input.clone()).error.as_deref() != Some("ThrottlingException"))
            .count()
    };
    assert_eq!(passed("ListIPSets", 20), 10);
    assert_eq!(passed("GetWebACLForResource", 20), 2);
    assert_eq!(passed("ListWebACLs", 20), 10, "each operation has its own");
}

/// `GetMetricData`: 50 a second. (documented: quotas)
#[test]
fn fifty_metric_data_calls_a_second() {
    let mut client = strict();
    let throttled =
        |client: &mut Client| client.cbor("GetMetricData", &json!({})).error.as_deref() == Some("ThrottlingException");
    assert!((0..50).all(|_| !throttled(&mut client)));
    assert!(throttled(&mut client));
}
