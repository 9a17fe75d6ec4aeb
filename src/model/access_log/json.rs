//! Formats whose lines are JSON.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Field, Piece, pieces};

/// Fields that Insights finds in a line, at most (documented: 200).
const MOST_FOUND: usize = 200;

/// The names of fields in lines of a JSON format, where Insights finds them by themselves: every variable is inside a
/// string, no key is there twice, and no two values have one name.
pub(super) fn fields(format: &str, all: &[Piece<'_>]) -> Option<BTreeMap<Field, String>> {
    let body: Value = serde_json::from_str(format).ok()?;
    let mut found = Found::default();
    found.collect(body.as_object()?, "")?;
    // A variable in a key, or in a value whose key comes again, is in no value that is left.
    let variables = all.iter().filter(|piece| piece.variable.is_some()).count();
    if found.variables != variables || found.leaves > MOST_FOUND {
        return None;
    }
    let named = |field: Field| Some((field, field.names().iter().find_map(|name| found.names.get(*name))?.clone()));
    Some(Field::ALL.into_iter().filter_map(named).collect())
}

#[derive(Default)]
struct Found {
    /// Names in a query by names of `$context`, of values that are one variable.
    names: BTreeMap<String, String>,
    /// Variables in values.
    variables: usize,
    leaves: usize,
}

impl Found {
    /// `None` where two values cannot be told apart by their path.
    fn collect(&mut self, object: &Map<String, Value>, path: &str) -> Option<()> {
        for (key, value) in object {
            if key.is_empty() || key.contains(['.', '`']) {
                return None;
            }
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            match value {
                Value::Object(inner) => self.collect(inner, &path)?,
                Value::String(text) => {
                    self.leaves += 1;
                    let pieces = pieces(text);
                    self.variables += pieces.len() - 1;
                    let alone = pieces.len() == 2 && pieces.iter().all(|piece| piece.text.is_empty());
                    if let Some(name) = pieces[0].variable.filter(|name| alone && !name.is_empty()) {
                        self.names.entry(name.to_owned()).or_insert_with(|| quoted(&path));
                    }
                }
                _ => self.leaves += 1,
            }
        }
        Some(())
    }
}

/// Names with anything but letters, digits, `@`, `_` and `.` go in backticks (Logs Insights guide).
fn quoted(path: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '@');
    if path.chars().all(plain) { path.to_owned() } else { format!("`{path}`") }
}
