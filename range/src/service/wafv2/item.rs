//! What IP sets, rule groups and web ACLs have in common: how they are named, found, listed, created and deleted.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Outcome, Scope, associated, check_lock, duplicate, limits_exceeded, nonexistent, scope, tag_new};
use crate::error::AwsError;
use crate::service::common::{integer, invalid, page, required, text};
use crate::state::waf::{Waf, id_of};
use crate::state::{Account, Live};

/// What is kept by name and id, each with a lock token.
pub(super) trait Item: Sized + 'static {
    /// The member of an answer that lists them.
    const LIST: &str;
    /// So many an account may have in a region.
    const MOST: usize;

    /// All of the kind, by id.
    fn all(waf: &Waf) -> &BTreeMap<String, Live<Self>>;

    /// The same, to be changed.
    fn all_mut(waf: &mut Waf) -> &mut BTreeMap<String, Live<Self>>;

    /// What it goes by.
    fn names(&self) -> Names<'_>;

    /// Whether something else needs it, so that it cannot go.
    fn is_used(&self, account: &Account) -> bool;
}

/// What an item goes by.
pub(super) struct Names<'a> {
    pub(super) name: &'a str,
    pub(super) id: &'a str,
    pub(super) arn: &'a str,
    /// Empty where none was ever given: answered so, though an empty one is refused on the way in.
    pub(super) description: &'a str,
    pub(super) lock_token: &'a str,
}

/// The item that scope, name and id name together.
pub(super) fn find<'a, T: Item>(account: &'a Account, input: &Value) -> Result<&'a T, AwsError> {
    let (name, id) = (required(input, "Name")?, required(input, "Id")?);
    if scope(input)? == Scope::CloudFront {
        return Err(nonexistent());
    }
    let item = T::all(&account.waf).get(id).map(|live| &**live.saved());
    item.filter(|item| item.names().name == name).ok_or_else(nonexistent)
}

/// An item by its ARN, which is enough by itself (inferred: no member of the operation is required).
pub(super) fn by_arn<'a, T: Item>(account: &'a Account, arn: &str) -> Result<&'a T, AwsError> {
    let item = T::all(&account.waf).get(id_of(arn)).map(|live| &**live.saved());
    item.filter(|item| item.names().arn == arn).ok_or_else(nonexistent)
}

/// The item of a call that takes an ARN instead of scope, name and id.
pub(super) fn asked<'a, T: Item>(account: &'a Account, input: &Value) -> Result<&'a T, AwsError> {
    match text(input, "ARN") {
        Some(arn) => by_arn(account, arn),
        None => find(account, input),
    }
}

/// The members that were kept as sent, with what the item goes by.
pub(super) fn document<T: Item>(item: &T, kept: &Map<String, Value>) -> Map<String, Value> {
    let names = item.names();
    let mut body = kept.clone();
    body.entry("Description").or_insert_with(|| "".into());
    for (member, value) in [("Name", names.name), ("Id", names.id), ("ARN", names.arn)] {
        body.insert(member.to_owned(), value.into());
    }
    body
}

/// `Summary` and the rows of lists.
fn summary<T: Item>(item: &T) -> Value {
    let Names { name, id, arn, description, lock_token } = item.names();
    json!({"Name": name, "Id": id, "Description": description, "LockToken": lock_token, "ARN": arn})
}

/// One page of summaries, sorted by name; AWS's default page is 100 at most (service model).
pub(super) fn list<T: Item>(account: &Account, input: &Value) -> Outcome {
    let limit = match integer(input, "Limit") {
        None => 100,
        Some(limit @ 1..=100) => usize::try_from(limit).unwrap_or(100),
        Some(other) => {
            let constraint = "Member must have value between 1 and 100";
            return Err(invalid("Limit", &other.to_string(), constraint));
        }
    };
    let mut items: Vec<&T> = match scope(input)? {
        Scope::Regional => T::all(&account.waf).values().map(|live| &**live.saved()).collect(),
        Scope::CloudFront => Vec::new(),
    };
    items.sort_by_key(|item| item.names().name.to_owned());
    let (items, next) = page(items.iter(), |item| item.names().name, text(input, "NextMarker"), limit);
    let items: Vec<Value> = items.into_iter().map(|item| summary(*item)).collect();
    let mut body = Map::new();
    body.insert(T::LIST.to_owned(), items.into());
    if let Some(next) = next {
        body.insert("NextMarker".to_owned(), next.into());
    }
    Ok(Value::Object(body))
}

/// Refuses a new item of a name that there is, or beyond the most that there may be.
pub(super) fn check_room<T: Item>(account: &Account, name: &str) -> Result<(), AwsError> {
    let known = T::all(&account.waf);
    if known.values().any(|live| live.saved().names().name == name) {
        return Err(duplicate());
    }
    if known.len() >= T::MOST {
        return Err(limits_exceeded());
    }
    Ok(())
}

/// The answer of a creation, whose tags are kept.
pub(super) fn created<T: Item>(account: &mut Account, id: &str, input: &Value) -> Outcome {
    let item = T::all(&account.waf).get(id).map(|live| live.saved().clone()).ok_or_else(nonexistent)?;
    tag_new(account, item.names().arn, input);
    Ok(json!({"Summary": summary(&*item)}))
}

/// Deletes an item that nothing else needs, with its tags.
pub(super) fn delete<T: Item>(account: &mut Account, input: &Value) -> Outcome {
    let item: &T = find(account, input)?;
    let Names { id, arn, lock_token, .. } = item.names();
    check_lock(input, lock_token)?;
    if item.is_used(account) {
        return Err(associated());
    }
    let (id, arn) = (id.to_owned(), arn.to_owned());
    T::all_mut(&mut account.waf).remove(&id);
    account.waf.tags.remove(&arn);
    Ok(json!({}))
}
