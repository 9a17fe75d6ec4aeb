//! Fields of a message that is JSON.

use serde_json::Value;

/// Fields that Logs Insights discovers in an event, at most (documented: user guide, "Fields in JSON logs"; 200 today,
/// 100 once).
const DISCOVERED: usize = 200;

/// The message's fields: names of nested ones joined by dots, of arrays with their index (documented). None where it is
/// no JSON object.
pub(super) fn discover(message: &str, mut put: impl FnMut(&str, String)) {
    let Ok(value @ Value::Object(_)) = serde_json::from_str::<Value>(message) else { return };
    let mut left = DISCOVERED;
    walk(&value, &mut String::new(), &mut left, &mut put);
}

fn walk(value: &Value, path: &mut String, left: &mut usize, put: &mut impl FnMut(&str, String)) {
    let mut down = |key: &str, inner: &Value, left: &mut usize| {
        let before = path.len();
        if before > 0 {
            path.push('.');
        }
        path.push_str(key);
        walk(inner, path, left, put);
        path.truncate(before);
    };
    match value {
        Value::Object(members) => members.iter().for_each(|(key, inner)| down(key, inner, left)),
        Value::Array(items) => items.iter().enumerate().for_each(|(at, inner)| down(&at.to_string(), inner, left)),
        Value::Null => {}
        leaf if *left > 0 => {
            *left -= 1;
            put(path, text(leaf));
        }
        _ => {}
    }
}

/// A leaf as text.
pub(super) fn text(leaf: &Value) -> String {
    leaf.as_str().map_or_else(|| leaf.to_string(), str::to_owned)
}

/// What a selector such as `$.user.ids[0]` points at.
pub(super) fn select<'v>(value: &'v Value, selector: &[Step]) -> Option<&'v Value> {
    selector.iter().try_fold(value, |value, step| match step {
        Step::Member(name) => value.get(name),
        Step::Item(at) => value.get(at),
    })
}

/// One step of a selector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    Member(String),
    Item(usize),
}

/// Reads a selector; `None` where it is none.
pub(super) fn selector(text: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    for part in text.strip_prefix("$.")?.split('.') {
        let (name, items) = part.split_once('[').map_or((part, None), |(name, items)| (name, Some(items)));
        let fits = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '-';
        if name.is_empty() || !name.chars().all(fits) {
            return None;
        }
        steps.push(Step::Member(name.to_owned()));
        for item in items.into_iter().flat_map(|items| items.split('[')) {
            steps.push(Step::Item(item.strip_suffix(']')?.parse().ok()?));
        }
    }
    Some(steps)
}
