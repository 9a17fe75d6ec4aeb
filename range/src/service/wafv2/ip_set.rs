//! IP sets: strict about every entry.

use ipnet::IpNet;
use serde_json::{Value, json};

use super::{
    MOST_OF_A_KIND, Outcome, Scope, associated, bad_parameter, check_lock, description, duplicate, limits_exceeded,
    listing, new_name, nonexistent, referenced, regional, scope, summary, tag_new,
};
use crate::error::AwsError;
use crate::service::common::{invalid, missing, required};
use crate::state::{Account, IpSet, IpVersion};

/// The most entries an IP set holds (documented).
const MAX_ADDRESSES: usize = 10_000;

pub(super) fn create(account: &mut Account, input: &Value) -> Outcome {
    regional(input)?;
    let name = new_name(input)?;
    let version = match required(input, "IPAddressVersion")? {
        "IPV4" => IpVersion::V4,
        "IPV6" => IpVersion::V6,
        other => {
            return Err(invalid("IPAddressVersion", other, "Member must satisfy enum value set: [IPV6, IPV4]"));
        }
    };
    let words = description(input)?;
    let addresses = addresses(input, version)?;
    if account.waf.ip_sets.values().any(|set| set.saved().name == name) {
        return Err(duplicate());
    }
    if account.waf.ip_sets.len() >= MOST_OF_A_KIND {
        return Err(limits_exceeded());
    }
    let id = account.create_ip_set(name, version, &addresses);
    // A description is part of the creation, not a second write that would need its own delay.
    if let Some(live) = account.waf.ip_sets.get_mut(&id) {
        let mut set = IpSet::clone(live.saved());
        set.description = words;
        let delay = live.visible_from() - account.now;
        *live = crate::state::Live::new(set, account.now, delay);
    }
    let set = account.waf.ip_sets.get(&id).map(|live| live.saved().clone()).ok_or_else(nonexistent)?;
    tag_new(account, &set.arn, input);
    Ok(json!({"Summary": row(&set)}))
}

pub(super) fn get(account: &Account, input: &Value) -> Outcome {
    let set = find(account, input)?;
    Ok(json!({
        "IPSet": {
            "Name": set.name,
            "Id": set.id,
            "ARN": set.arn,
            "Description": set.description.as_deref().unwrap_or(""),
            "IPAddressVersion": set.version.name(),
            "Addresses": set.addresses,
        },
        "LockToken": set.lock_token,
    }))
}

/// Replaces all entries, and the description: one that is left out is gone (documented).
pub(super) fn update(account: &mut Account, input: &Value) -> Outcome {
    let set = find(account, input)?;
    let (id, version, token) = (set.id.clone(), set.version, set.lock_token.clone());
    let words = description(input)?;
    let addresses = addresses(input, version)?;
    check_lock(input, &token)?;
    let token = account.write_ip_set(&id, &addresses, words).ok_or_else(nonexistent)?;
    Ok(json!({"NextLockToken": token}))
}

pub(super) fn delete(account: &mut Account, input: &Value) -> Outcome {
    let set = find(account, input)?;
    check_lock(input, &set.lock_token)?;
    if referenced(account, &set.arn) {
        return Err(associated());
    }
    let (id, arn) = (set.id.clone(), set.arn.clone());
    account.waf.ip_sets.remove(&id);
    account.waf.tags.remove(&arn);
    Ok(json!({}))
}

pub(super) fn list(account: &Account, input: &Value) -> Outcome {
    listing(input, "IPSets", account.waf.ip_sets.values().map(|set| row(set.saved())).collect())
}

fn row(set: &IpSet) -> Value {
    summary(&set.name, &set.id, set.description.as_deref().unwrap_or(""), &set.lock_token, &set.arn)
}

/// The set that scope, name and id name together.
fn find<'a>(account: &'a Account, input: &Value) -> Result<&'a IpSet, AwsError> {
    let (name, id) = (required(input, "Name")?, required(input, "Id")?);
    if scope(input)? == Scope::CloudFront {
        return Err(nonexistent());
    }
    let set = account.waf.ip_sets.get(id).map(|live| &**live.saved());
    set.filter(|set| set.name == name).ok_or_else(nonexistent)
}

/// The entries of a write, each a network of the set's family in CIDR form.
///
/// Documented: a prefix length is needed, `/0` is refused, at most 10,000. Inferred: host bits are refused (every entry
/// that a public report shows refused had some).
fn addresses(input: &Value, version: IpVersion) -> Result<Vec<String>, AwsError> {
    let list = input.get("Addresses").and_then(Value::as_array).ok_or_else(|| missing("Addresses"))?;
    if list.len() > MAX_ADDRESSES {
        return Err(limits_exceeded());
    }
    list.iter()
        .map(|entry| {
            let entry = entry.as_str().unwrap_or("");
            if accepted(entry, version) { Ok(entry.to_owned()) } else { Err(refused(entry)) }
        })
        .collect()
}

fn accepted(entry: &str, version: IpVersion) -> bool {
    let Ok(network) = entry.parse::<IpNet>() else { return false };
    let family = matches!((network, version), (IpNet::V4(_), IpVersion::V4) | (IpNet::V6(_), IpVersion::V6));
    family && network.prefix_len() > 0 && network.trunc() == network
}

fn refused(entry: &str) -> AwsError {
    bad_parameter("IP_ADDRESS", entry, "The parameter contains formatting that is not valid.")
}
