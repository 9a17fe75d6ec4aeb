//! IP sets: strict about every entry.

use std::collections::BTreeMap;

use ipnet::IpNet;
use serde_json::{Value, json};

use super::item::{self, Item, Names};
use super::{
    MOST_OF_A_KIND, Outcome, bad_parameter, check_lock, description, limits_exceeded, new_name, nonexistent,
    referenced, regional,
};
use crate::error::AwsError;
use crate::service::common::{invalid, missing, required};
use crate::state::{Account, IpSet, IpVersion, Live, Waf};

/// The most entries an IP set holds (documented).
const MAX_ADDRESSES: usize = 10_000;

impl Item for IpSet {
    const LIST: &str = "IPSets";
    const MOST: usize = MOST_OF_A_KIND;

    fn all(waf: &Waf) -> &BTreeMap<String, Live<Self>> {
        &waf.ip_sets
    }

    fn all_mut(waf: &mut Waf) -> &mut BTreeMap<String, Live<Self>> {
        &mut waf.ip_sets
    }

    fn names(&self) -> Names<'_> {
        Names {
            name: &self.name,
            id: &self.id,
            arn: &self.arn,
            description: self.description.as_deref().unwrap_or(""),
            lock_token: &self.lock_token,
        }
    }

    fn is_used(&self, account: &Account) -> bool {
        referenced(account, &self.arn)
    }
}

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
    item::check_room::<IpSet>(account, name)?;
    let id = account.create_ip_set(name, version, &addresses);
    // A description is part of the creation, not a second write that would need its own delay.
    if let Some(live) = account.waf.ip_sets.get_mut(&id) {
        let mut set = IpSet::clone(live.saved());
        set.description = words;
        let delay = live.visible_from() - account.now;
        *live = Live::new(set, account.now, delay);
    }
    item::created::<IpSet>(account, &id, input)
}

pub(super) fn get(account: &Account, input: &Value) -> Outcome {
    let set: &IpSet = item::find(account, input)?;
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
    let set: &IpSet = item::find(account, input)?;
    let (id, version, token) = (set.id.clone(), set.version, set.lock_token.clone());
    let words = description(input)?;
    let addresses = addresses(input, version)?;
    check_lock(input, &token)?;
    let token = account.write_ip_set(&id, &addresses, words).ok_or_else(nonexistent)?;
    Ok(json!({"NextLockToken": token}))
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
