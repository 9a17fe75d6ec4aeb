//! What a prepared closure consists of: two IP sets and a web ACL, each as the document by which what is there is
//! compared with what was to be made.
//!
//! A document holds what was written and nothing that WAF adds: no id, no ARN, no capacity. Knows no calls.

use serde_json::{Map, Value, json};

use super::address;
use super::waf::IpVersion;

/// What WAF says beside what was written, and what it may fill in by itself (inferred; the service model requires none
/// of these): no part of a document.
const NOT_WRITTEN: [&str; 9] = [
    "ARN",
    "ApplicationConfig",
    "Capacity",
    "DataProtectionConfig",
    "Id",
    "LabelNamespace",
    "ManagedByFirewallManager",
    "Name",
    "RetrofittedByFirewallManager",
];
/// Also what WAF may fill in: meant for load balancers only (documented).
const FOR_LOAD_BALANCERS: &str = "OnSourceDDoSProtectionConfig";
/// The rule that lets addresses in.
const RULE: &str = "lets-in";
/// WAF takes few characters in a description, so that no name of an API stands in it.
const SET_DESCRIPTION: &str = "Portcullis: addresses that a closed web ACL lets in";
const ACL_DESCRIPTION: &str = "Portcullis: blocks all but the addresses of its IP sets";

/// The most characters in the name of a web ACL that is to be prepared: WAF takes 128 (service model), and the IP sets'
/// names are three longer.
pub const LONGEST_NAME: usize = 125;

/// Whether WAF takes `name` for a web ACL and, longer by its ending, for the IP sets: letters, digits, `_`, `-`
/// (service model).
#[must_use]
pub fn is_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    !name.is_empty() && name.len() <= LONGEST_NAME && name.chars().all(allowed)
}

/// A name that WAF takes, out of any text: what it does not take becomes `-`.
#[must_use]
pub fn as_name(text: &str) -> String {
    let allowed = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
    text.chars().take(LONGEST_NAME).map(allowed).collect()
}

/// The name of the IP set of a web ACL that is to be prepared.
#[must_use]
pub fn set_name(web_acl: &str, version: IpVersion) -> String {
    match version {
        IpVersion::V4 => format!("{web_acl}-v4"),
        IpVersion::V6 => format!("{web_acl}-v6"),
    }
}

/// An IP set as a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeIpSet {
    /// IPv4 or IPv6.
    pub version: IpVersion,
    /// Its description.
    pub description: String,
    /// Entries, sorted, each as the console writes networks.
    pub addresses: Vec<String>,
}

impl MadeIpSet {
    /// The set that holds `addresses`.
    #[must_use]
    pub fn new(version: IpVersion, addresses: impl IntoIterator<Item = String>) -> Self {
        Self { version, description: SET_DESCRIPTION.to_owned(), addresses: sorted(addresses) }
    }

    /// One that was read.
    #[must_use]
    pub fn read(version: IpVersion, description: Option<&str>, addresses: &[String]) -> Self {
        let description = description.unwrap_or_default().to_owned();
        Self { version, description, addresses: sorted(addresses.iter().cloned()) }
    }

    /// The document.
    #[must_use]
    pub fn document(&self) -> Value {
        json!({ "IPAddressVersion": self.version, "Description": self.description, "Addresses": self.addresses })
    }

    /// Out of a document; `None` where it is none of an IP set.
    #[must_use]
    pub fn of(document: &Value) -> Option<Self> {
        let addresses = document.get("Addresses")?.as_array()?.iter().map(|a| a.as_str().map(str::to_owned));
        Some(Self {
            version: serde_json::from_value(document.get("IPAddressVersion")?.clone()).ok()?,
            description: document.get("Description")?.as_str()?.to_owned(),
            addresses: addresses.collect::<Option<_>>()?,
        })
    }
}

/// Entries by their networks: an answer may write them differently from what was sent (IPv6 expanded).
fn sorted(addresses: impl IntoIterator<Item = String>) -> Vec<String> {
    let canonical = |entry: String| address::parsed(&entry).map_or(entry, |net| net.to_string());
    let mut all: Vec<String> = addresses.into_iter().map(canonical).collect();
    all.sort();
    all.dedup();
    all
}

/// A closed web ACL as a document: default Block, one rule that allows whoever is in one of the IP sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeWebAcl {
    /// Name, which is its metric's as well.
    pub name: String,
    /// Its description.
    pub description: String,
    /// The rule's name, which is its metric's as well.
    pub rule: String,
    /// Names of the IP sets, two or more: WAF takes no Or of one statement.
    pub sets: Vec<String>,
}

impl MadeWebAcl {
    /// The one of a name, with its two IP sets.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            description: ACL_DESCRIPTION.to_owned(),
            rule: RULE.to_owned(),
            sets: [IpVersion::V4, IpVersion::V6].map(|version| set_name(name, version)).to_vec(),
        }
    }

    /// The document: the web ACL as `GetWebACL` gives it, an IP set's name in place of its ARN.
    #[must_use]
    pub fn document(&self) -> Value {
        let visibility = |metric: &str| json!({ "SampledRequestsEnabled": true, "CloudWatchMetricsEnabled": true, "MetricName": metric });
        let sets: Vec<Value> =
            self.sets.iter().map(|name| json!({ "IPSetReferenceStatement": { "ARN": name } })).collect();
        json!({
            "DefaultAction": { "Block": {} },
            "Description": self.description,
            "Rules": [{
                "Name": self.rule,
                "Priority": 0,
                "Statement": { "OrStatement": { "Statements": sets } },
                "Action": { "Allow": {} },
                "VisibilityConfig": visibility(&self.rule),
            }],
            "VisibilityConfig": visibility(&self.name),
        })
    }

    /// Out of a document; `None` where it is not exactly such a web ACL.
    #[must_use]
    pub fn of(name: &str, document: &Value) -> Option<Self> {
        let rule = document.pointer("/Rules/0")?;
        let sets = rule.pointer("/Statement/OrStatement/Statements")?.as_array()?;
        let set = |set: &Value| set.pointer("/IPSetReferenceStatement/ARN")?.as_str().map(str::to_owned);
        let made = Self {
            name: name.to_owned(),
            description: document.get("Description")?.as_str()?.to_owned(),
            rule: rule.get("Name")?.as_str()?.to_owned(),
            sets: sets.iter().map(set).collect::<Option<_>>()?,
        };
        (made.document() == *document).then_some(made)
    }
}

/// The document of a web ACL that was read, whatever it holds: what was written, IP sets of this console's scope by
/// name.
#[must_use]
pub fn web_acl_document(body: &Map<String, Value>) -> Value {
    let written = |name: &str| !NOT_WRITTEN.contains(&name) && name != FOR_LOAD_BALANCERS;
    let empty = |value: &Value| match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    };
    let members = body.iter().filter(|(name, value)| written(name) && !empty(value));
    Value::Object(members.map(|(name, value)| (name.clone(), by_name(value))).collect())
}

/// The value with the ARNs of regional IP sets replaced by their names, which are unique in an account and region.
fn by_name(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(name_of_set(text).unwrap_or(text).to_owned()),
        Value::Array(items) => items.iter().map(by_name).collect(),
        Value::Object(members) => {
            Value::Object(members.iter().map(|(name, value)| (name.clone(), by_name(value))).collect())
        }
        other => other.clone(),
    }
}

fn name_of_set(arn: &str) -> Option<&str> {
    let (_, path) = arn.strip_prefix("arn:")?.split_once(":regional/ipset/")?;
    path.split('/').next()
}

/// A document in lines for people.
#[must_use]
pub fn lines(document: &Value) -> Vec<String> {
    if let Some(set) = MadeIpSet::of(document) {
        let none = set.addresses.is_empty().then(|| "no addresses".to_owned());
        return std::iter::once(set.version.label().to_owned()).chain(set.addresses).chain(none).collect();
    }
    if let Some(acl) = document
        .pointer("/VisibilityConfig/MetricName")
        .and_then(Value::as_str)
        .and_then(|name| MadeWebAcl::of(name, document))
    {
        return vec![
            "default action Block".to_owned(),
            format!("rule {}: Allow for the addresses of {}", acl.rule, acl.sets.join(" or ")),
            format!("samples and metrics as {}", acl.name),
        ];
    }
    vec![super::text::shortened(&document.to_string(), 300)]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_web_acl_that_was_read_is_the_document_it_was_made_from() {
        let made = MadeWebAcl::new("shop-closed");
        let mut body = made.document().as_object().unwrap().clone();
        let arn = |name: &str| format!("arn:aws:wafv2:eu-central-1:111122223333:regional/ipset/{name}/0d3c-1");
        let sets = &mut body["Rules"][0]["Statement"]["OrStatement"]["Statements"];
        for set in sets.as_array_mut().unwrap() {
            let name = set["IPSetReferenceStatement"]["ARN"].as_str().unwrap().to_owned();
            set["IPSetReferenceStatement"]["ARN"] = arn(&name).into();
        }
        for (name, value) in [
            ("Name", json!("shop-closed")),
            ("ARN", json!("arn:aws:wafv2:…")),
            ("Capacity", json!(4)),
            ("LabelNamespace", json!("awswaf:…")),
            ("ManagedByFirewallManager", json!(false)),
            ("TokenDomains", json!([])),
            ("CaptchaConfig", Value::Null),
        ] {
            body.insert(name.to_owned(), value);
        }
        let read = web_acl_document(&body);
        assert_eq!(read, made.document());
        assert_eq!(MadeWebAcl::of("shop-closed", &read), Some(made.clone()));
        // Somebody else's hand shows, wherever it was laid.
        body["Rules"][0]["RuleLabels"] = json!([{"Name": "theirs"}]);
        assert_eq!(MadeWebAcl::of("shop-closed", &web_acl_document(&body)), None);
        assert_ne!(web_acl_document(&body), made.document());
    }

    #[test]
    fn an_ip_set_is_compared_by_its_networks() {
        let written = MadeIpSet::new(IpVersion::V6, ["2001:db8::/48".to_owned(), "2001:db8:1::/48".to_owned()]);
        let read = ["2001:0db8:0001:0000:0000:0000:0000:0000/48".to_owned(), "2001:db8::/48".to_owned()];
        assert_eq!(MadeIpSet::read(IpVersion::V6, Some(SET_DESCRIPTION), &read).document(), written.document());
        assert_eq!(MadeIpSet::of(&written.document()), Some(written.clone()));
        assert_ne!(MadeIpSet::read(IpVersion::V6, None, &read), written);
    }

    #[test]
    fn a_name_is_what_waf_takes() {
        assert!(is_name("shop_prod-closed") && !is_name("shop/prod") && !is_name("") && !is_name(&"x".repeat(126)));
        assert_eq!(as_name("shöp api/prod"), "sh-p-api-prod");
    }
}
