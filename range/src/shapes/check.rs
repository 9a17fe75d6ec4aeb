//! Comparing a decoded input with the model of its operation.
//!
//! Lengths of texts are counted in characters, those of lists and maps in entries; a member that is null is one that is
//! not there. Which constraint is looked at first is inferred from users' reports.

use chrono::{DateTime, Utc};
use serde_json::{Map, Number, Value};

use super::effects::{self, Effect};
use super::model::{Kind, Member, Model, Place, Shape};
use super::path::Path;

/// What is wrong with an input.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// A value of another type than the model's: the service cannot read the request at all.
    pub(crate) unreadable: Option<String>,
    /// Broken constraints.
    pub(crate) violations: Vec<Violation>,
    /// What the range does not do, where AWS might.
    pub(crate) beyond: Option<Beyond>,
}

/// A broken constraint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Violation {
    /// Where.
    pub(crate) path: String,
    /// The member of the input that it is in.
    pub(crate) top: String,
    /// The value with its quotes, or `null`.
    pub(crate) value: String,
    /// AWS's words for what does not hold.
    pub(crate) constraint: String,
    /// Whether an enumeration does not have the value.
    pub(crate) enumeration: bool,
}

/// Something that the range refuses of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Beyond {
    /// The member, as the client wrote it.
    pub(crate) member: String,
    /// Where.
    pub(crate) path: String,
    /// What about it.
    pub(crate) why: Why,
}

/// Why the range refuses something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// Neither the model nor the range knows the member. That AWS takes and ignores it is likely, not documented.
    Unknown,
    /// AWS would take the member.
    Member(&'static str),
    /// AWS would take the value.
    Value(&'static str),
}

/// Compares an input with its shape. `textual` says that the protocol writes numbers and truths as text.
pub(crate) fn check(
    (service, model): (&str, &Model),
    input: &Value,
    shape: usize,
    path: &Path<'_>,
    textual: bool,
) -> Findings {
    let mut check = Check { service, model, findings: Findings::default() };
    check.value(shape, input, path, textual);
    check.findings
}

struct Check<'a> {
    service: &'a str,
    model: &'a Model,
    findings: Findings,
}

impl Check<'_> {
    fn value(&mut self, shape: usize, value: &Value, path: &Path<'_>, textual: bool) {
        let Some(shape) = self.model.shape(shape) else { return };
        match (&shape.kind, value) {
            (Kind::Anything, _) => {}
            (Kind::Structure(members), Value::Object(given)) => self.structure(shape, members, given, path, textual),
            (Kind::List(of), Value::Array(items)) => {
                self.length(shape, items.len(), value, path);
                self.items(*of, items, value, path, textual);
            }
            (Kind::Map(keys, values), Value::Object(given)) => {
                self.length(shape, given.len(), value, path);
                self.entries((*keys, *values), given, path, textual);
            }
            _ => self.scalar(shape, value, path, textual),
        }
    }

    fn structure(
        &mut self,
        shape: &Shape,
        members: &[Member],
        given: &Map<String, Value>,
        path: &Path<'_>,
        textual: bool,
    ) {
        for member in members.iter().filter(|member| !member.rest) {
            match given.get(&member.key).filter(|value| !value.is_null()) {
                Some(value) => {
                    self.effect(&member.key, member.effect, path);
                    self.value(member.shape, value, &path.member(&member.key), textual || member.place == Place::Text);
                }
                None if member.required => {
                    self.violate(&path.member(&member.key), "null".to_owned(), "Member must not be null".to_owned());
                }
                None => {}
            }
        }
        let rest = members.iter().find(|member| member.rest);
        for (key, value) in given.iter().filter(|(_, value)| !value.is_null()) {
            if members.iter().any(|member| member.key == *key && !member.rest) {
                continue;
            }
            match rest {
                None => self.beyond(key, &path.member(key), Why::Unknown),
                Some(_) if !value.is_string() => self.unreadable(value, "a String"),
                Some(_) => match effects::of_parameter(self.service, &shape.name, key) {
                    None => self.beyond(key, &path.member(key), Why::Unknown),
                    effect => self.effect(key, effect, path),
                },
            }
        }
    }

    /// Items of a list. Where they are texts or numbers, the list as a whole is what breaks their constraints (users'
    /// reports of log groups and of Lambda's).
    fn items(&mut self, of: usize, items: &[Value], whole: &Value, path: &Path<'_>, textual: bool) {
        let Some(shape) = self.model.shape(of) else { return };
        if items.iter().any(Value::is_null) {
            return self.violate(
                path,
                quoted(whole),
                "Member must satisfy constraint: [Member must not be null]".to_owned(),
            );
        }
        if !shape.is_scalar() {
            return items.iter().enumerate().for_each(|(at, item)| self.value(of, item, &path.item(at), textual));
        }
        if items.iter().any(|item| self.breaks(shape, item, path, textual)) {
            let words = format!("Member must satisfy constraint: [{}]", shape.constraints().join(", "));
            self.violate(path, quoted(whole), words);
        }
    }

    /// Entries of a map, in words like those for lists (inferred).
    fn entries(&mut self, (keys, values): (usize, usize), given: &Map<String, Value>, path: &Path<'_>, textual: bool) {
        let (Some(keys), Some(of)) = (self.model.shape(keys), self.model.shape(values)) else { return };
        if given.keys().any(|key| self.breaks(keys, &Value::from(key.as_str()), path, true)) {
            let words = format!("Map keys must satisfy constraint: [{}]", keys.constraints().join(", "));
            self.violate(path, quoted(&Value::Object(given.clone())), words);
        }
        if !of.is_scalar() {
            return given.iter().for_each(|(key, value)| self.value(values, value, &path.entry(key), textual));
        }
        let null = |value: &Value| value.is_null();
        if given.values().any(|value| null(value) || self.breaks(of, value, path, textual)) {
            let words = format!("Map value must satisfy constraint: [{}]", of.constraints().join(", "));
            self.violate(path, quoted(&Value::Object(given.clone())), words);
        }
    }

    /// Whether an item or an entry breaks a constraint; one of another type is noted.
    fn breaks(&mut self, shape: &Shape, value: &Value, path: &Path<'_>, textual: bool) -> bool {
        match shape.broken(value, textual) {
            Ok(broken) => {
                if broken.is_empty() {
                    self.refused_value(shape, value, path);
                }
                !broken.is_empty()
            }
            Err(wanted) => {
                self.unreadable(value, wanted);
                false
            }
        }
    }

    fn scalar(&mut self, shape: &Shape, value: &Value, path: &Path<'_>, textual: bool) {
        match shape.broken(value, textual) {
            Ok(broken) if broken.is_empty() => self.refused_value(shape, value, path),
            Ok(broken) => broken.into_iter().for_each(|words| self.violate(path, quoted(value), words)),
            Err(wanted) => self.unreadable(value, wanted),
        }
    }

    fn refused_value(&mut self, shape: &Shape, value: &Value, path: &Path<'_>) {
        if let (Kind::Text { values, .. }, Some(text)) = (&shape.kind, value.as_str())
            && !values.is_empty()
            && let Some(reason) = effects::refused_value(self.service, &shape.name, text)
        {
            self.beyond(text, path, Why::Value(reason));
        }
    }

    fn length(&mut self, shape: &Shape, length: usize, value: &Value, path: &Path<'_>) {
        for words in shape.lengths(length) {
            self.violate(path, quoted(value), words);
        }
    }

    fn effect(&mut self, key: &str, effect: Option<Effect>, path: &Path<'_>) {
        match effect {
            Some(Effect::Evaluated | Effect::Without(_)) => {}
            Some(Effect::Refused(reason)) => self.beyond(key, &path.member(key), Why::Member(reason)),
            None => self.beyond(key, &path.member(key), Why::Member("nobody has said what it does")),
        }
    }

    fn beyond(&mut self, member: &str, path: &Path<'_>, why: Why) {
        let found = || Beyond { member: member.to_owned(), path: path.to_string(), why };
        self.findings.beyond.get_or_insert_with(found);
    }

    fn violate(&mut self, path: &Path<'_>, value: String, constraint: String) {
        let enumeration = constraint.contains("Member must satisfy enum value set");
        let (path, top) = (path.to_string(), path.top().to_owned());
        self.findings.violations.push(Violation { path, top, value, constraint, enumeration });
    }

    /// AWS's words for a value of another type (users' reports).
    fn unreadable(&mut self, value: &Value, wanted: &str) {
        let words = || match value {
            Value::Array(_) => "Start of list found where not expected.".to_owned(),
            Value::Object(_) => "Start of structure or map found where not expected.".to_owned(),
            Value::String(_) => format!("STRING_VALUE can not be converted to {wanted}"),
            Value::Number(_) => format!("NUMBER_VALUE can not be converted to {wanted}"),
            Value::Bool(true) => format!("TRUE_VALUE can not be converted to {wanted}"),
            Value::Bool(false) => format!("FALSE_VALUE can not be converted to {wanted}"),
            Value::Null => format!("NULL_VALUE can not be converted to {wanted}"),
        };
        self.findings.unreadable.get_or_insert_with(words);
    }
}

impl Shape {
    /// Whether its values are neither structures nor collections.
    pub(crate) const fn is_scalar(&self) -> bool {
        !matches!(self.kind, Kind::Structure(_) | Kind::List(_) | Kind::Map(..) | Kind::Anything)
    }

    /// The constraints that a value breaks, in AWS's words; for a value of another type, the type it should be of.
    fn broken(&self, value: &Value, textual: bool) -> Result<Vec<String>, &'static str> {
        let text = value.as_str();
        match &self.kind {
            Kind::Text { pattern, values } => {
                let text = text.ok_or("a String")?;
                let mut broken = Vec::new();
                if let Some(pattern) = pattern.as_ref().filter(|pattern| !pattern.fits(text)) {
                    broken.push(pattern_words(&pattern.source));
                }
                broken.extend(self.lengths(text.chars().count()));
                if !values.is_empty() && !values.iter().any(|known| known == text) {
                    broken.push(enum_words(values));
                }
                Ok(broken)
            }
            Kind::Whole(bits) => {
                let wanted = if *bits > 32 { "a Long" } else { "an Integer" };
                let number = whole(value, textual).ok_or(wanted)?;
                let most = i64::MAX >> (64 - bits.min(&64));
                if number > most || number < -most - 1 {
                    return Err(wanted);
                }
                Ok(self.range(number as f64))
            }
            Kind::Real => {
                let parsed = || text.filter(|_| textual).and_then(|text| text.parse().ok());
                let number: f64 = value.as_f64().or_else(parsed).ok_or("a Double")?;
                Ok(self.range(number))
            }
            Kind::Truth => {
                let said = textual && text.is_some_and(|text| ["true", "false"].contains(&text));
                if value.is_boolean() || said { Ok(Vec::new()) } else { Err("a Boolean") }
            }
            // Seconds since the epoch; other protocols and people write dates.
            Kind::Time => {
                let date = |text: &str| text.parse::<DateTime<Utc>>().is_ok() || text.parse::<f64>().is_ok();
                if value.is_number() || text.is_some_and(date) { Ok(Vec::new()) } else { Err("a Timestamp") }
            }
            Kind::Bytes => {
                let length = text.and_then(base64_length).ok_or("a Blob")?;
                Ok(self.lengths(length))
            }
            Kind::Structure(_) | Kind::List(_) | Kind::Map(..) => Err(if value.is_object() || value.is_array() {
                ""
            } else if matches!(self.kind, Kind::List(_)) {
                "a List"
            } else {
                "a Structure"
            }),
            Kind::Anything => Ok(Vec::new()),
        }
    }

    /// Every constraint of its values, in AWS's words.
    fn constraints(&self) -> Vec<String> {
        let number = matches!(self.kind, Kind::Whole(_) | Kind::Real);
        let words =
            |bound: &Number, most: bool| if number { value_words(bound, most) } else { length_words(bound, most) };
        let mut all: Vec<String> = Vec::new();
        all.extend(self.max.as_ref().map(|max| words(max, true)));
        all.extend(self.min.as_ref().map(|min| words(min, false)));
        if let Kind::Text { pattern, values } = &self.kind {
            all.extend(pattern.as_ref().map(|pattern| pattern_words(&pattern.source)));
            all.extend((!values.is_empty()).then(|| enum_words(values)));
        }
        if all.is_empty() {
            all.push("Member must not be null".to_owned());
        }
        all
    }

    fn lengths(&self, length: usize) -> Vec<String> {
        self.bounds(length as f64, length_words)
    }

    fn range(&self, value: f64) -> Vec<String> {
        self.bounds(value, value_words)
    }

    fn bounds(&self, value: f64, words: fn(&Number, bool) -> String) -> Vec<String> {
        let over = self.max.as_ref().filter(|max| max.as_f64().is_some_and(|max| value > max));
        let under = self.min.as_ref().filter(|min| min.as_f64().is_some_and(|min| value < min));
        over.map(|max| words(max, true)).into_iter().chain(under.map(|min| words(min, false))).collect()
    }
}

fn length_words(bound: &Number, most: bool) -> String {
    format!("Member must have length {} than or equal to {bound}", if most { "less" } else { "greater" })
}

fn value_words(bound: &Number, most: bool) -> String {
    format!("Member must have value {} than or equal to {bound}", if most { "less" } else { "greater" })
}

fn pattern_words(pattern: &str) -> String {
    format!("Member must satisfy regular expression pattern: {pattern}")
}

/// The order of the values in AWS's own words is arbitrary; here it is the model's.
fn enum_words(values: &[String]) -> String {
    format!("Member must satisfy enum value set: [{}]", values.join(", "))
}

/// A whole number, also where it is written as one with a fraction of zero.
fn whole(value: &Value, textual: bool) -> Option<i64> {
    // Beyond 2^53 a float is no whole number that anybody meant.
    let integral = |number: f64| {
        #[allow(clippy::cast_possible_truncation)]
        let cast = number as i64;
        (number.fract() == 0.0 && number.abs() < 9e15).then_some(cast)
    };
    match value {
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().and_then(integral)),
        Value::String(text) if textual => text.parse().ok(),
        _ => None,
    }
}

/// The number of bytes that a base64 text stands for; `None` for text that is none.
fn base64_length(text: &str) -> Option<usize> {
    let body = text.trim_end_matches('=');
    let fits = body.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/');
    let padded = text.len().is_multiple_of(4) && text.len() - body.len() <= 2;
    (fits && padded && body.len() % 4 != 1).then_some(body.len() * 3 / 4)
}

/// Letters of a value that an error quotes; a bound of the range's own.
const QUOTED: usize = 1_024;

/// A value as errors quote it: lists as Java writes them (users' reports), structures as JSON (inferred).
fn quoted(value: &Value) -> String {
    let item = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let text = match value {
        Value::Null => return "null".to_owned(),
        Value::Array(items) => format!("[{}]", items.iter().map(item).collect::<Vec<_>>().join(", ")),
        other => item(other),
    };
    match text.char_indices().nth(QUOTED) {
        Some((at, _)) => format!("'{}…'", &text[..at]),
        None => format!("'{text}'"),
    }
}
