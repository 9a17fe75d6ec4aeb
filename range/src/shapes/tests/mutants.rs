//! Every way to break one constraint of an input.

use serde_json::{Value, json};

use super::super::effects::Effect;
use super::super::model::{Kind, Model, Shape};
use super::super::path::small;
use super::sample::{Sample, Site, Step, any, bounds, fits, range, text};

/// An input with one thing wrong.
#[derive(Debug)]
pub(super) struct Mutant {
    pub(super) value: Value,
    pub(super) expected: Expected,
}

/// What has to be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expected {
    /// A broken constraint: where, in what words, whether of an enumeration, and whether nothing else is wrong.
    Constraint { path: String, words: String, enumeration: bool, alone: bool },
    /// A value of another type.
    Type,
    /// The range's own words about a member.
    Range(String),
}

/// All mutants of a sample.
pub(super) fn all(service: &str, model: &Model, prefix: &str, sample: &Sample) -> Vec<Mutant> {
    let mut mutants = Vec::new();
    for site in &sample.sites {
        Breaker { service, model, prefix, sample, site, shape: &model.shapes[site.shape] }.all(&mut mutants);
    }
    mutants
}

struct Breaker<'a> {
    service: &'a str,
    model: &'a Model,
    prefix: &'a str,
    sample: &'a Sample,
    site: &'a Site,
    shape: &'a Shape,
}

impl Breaker<'_> {
    fn all(&self, mutants: &mut Vec<Mutant>) {
        if self.site.required {
            mutants.push(self.mutant(None, self.constraint("Member must not be null".to_owned(), false, true)));
        }
        match &self.shape.kind {
            Kind::Structure(members) => {
                let mut strange = at(&self.sample.value, &self.site.way).clone();
                strange["NoSuchMember"] = json!("1");
                mutants.push(self.mutant(Some(strange), Expected::Range("does not know `NoSuchMember`".to_owned())));
                for member in members.iter().filter(|member| matches!(member.effect, Some(Effect::Refused(_)))) {
                    let mut refused = at(&self.sample.value, &self.site.way).clone();
                    refused[member.key.as_str()] = any(self.service, self.model, member.shape);
                    let words = format!("does not evaluate `{}`", member.key);
                    mutants.push(self.mutant(Some(refused), Expected::Range(words)));
                }
            }
            Kind::List(_) => self.lengths(mutants),
            Kind::Map(keys, _) => {
                self.lengths(mutants);
                self.keys(*keys, mutants);
            }
            Kind::Text { values, .. } if !values.is_empty() => {
                let words = format!("Member must satisfy enum value set: [{}]", values.join(", "));
                mutants.push(self.mutant(Some("NOT_A_VALUE".into()), self.constraint(words, true, true)));
            }
            Kind::Text { .. } => self.texts(mutants),
            Kind::Whole(_) | Kind::Real => self.numbers(mutants),
            _ => {}
        }
        if let Some(other) = self.other_type() {
            mutants.push(self.mutant(Some(other), Expected::Type));
        }
    }

    fn texts(&self, mutants: &mut Vec<Mutant>) {
        let (min, max) = bounds(self.shape);
        for (length, words) in [
            (max.checked_add(1), format!("Member must have length less than or equal to {max}")),
            (min.checked_sub(1), format!("Member must have length greater than or equal to {min}")),
        ] {
            // Millions of letters would prove no more.
            let Some(length) = length.filter(|length| *length < 1 << 20) else { continue };
            let fitting = text(self.shape, length);
            let alone = fitting.is_some();
            let broken = fitting.unwrap_or_else(|| "a".repeat(length));
            mutants.push(self.mutant(Some(broken.into()), self.constraint(words, false, alone)));
        }
        if let Kind::Text { pattern: Some(pattern), .. } = &self.shape.kind {
            let length = min.max(1).min(max);
            let odd = ["!", ":", " ", "\n", "/", "\u{1f600}", "x", "*", "~", ""].map(|letter| letter.repeat(length));
            let broken = odd.into_iter().find(|text| text.chars().count() >= min && !fits(self.shape, text));
            if let Some(broken) = broken {
                let words = format!("Member must satisfy regular expression pattern: {}", pattern.source);
                mutants.push(self.mutant(Some(broken.into()), self.constraint(words, false, true)));
            } else {
                assert_eq!(pattern.source, "[\\s\\S]*", "every text fits {}", pattern.source);
            }
        }
    }

    fn numbers(&self, mutants: &mut Vec<Mutant>) {
        let whole = matches!(self.shape.kind, Kind::Whole(_));
        #[allow(clippy::cast_possible_truncation)]
        let written = |number: f64| if whole { json!(number as i64) } else { json!(number) };
        let (min, max) = range(self.shape);
        let shown = |bound: &Option<serde_json::Number>| bound.as_ref().map(ToString::to_string).unwrap_or_default();
        if let Some(max) = max.filter(|max| *max < 2_147_483_647.0 || !matches!(self.shape.kind, Kind::Whole(32))) {
            let words = format!("Member must have value less than or equal to {}", shown(&self.shape.max));
            mutants.push(self.mutant(Some(written(max + 1.0)), self.constraint(words, false, true)));
        }
        if let Some(min) = min {
            let words = format!("Member must have value greater than or equal to {}", shown(&self.shape.min));
            mutants.push(self.mutant(Some(written(min - 1.0)), self.constraint(words, false, true)));
        }
    }

    fn lengths(&self, mutants: &mut Vec<Mutant>) {
        let value = at(&self.sample.value, &self.site.way);
        let (min, max) = bounds(self.shape);
        if min > 0 {
            let empty = if value.is_array() { json!([]) } else { json!({}) };
            let words = format!("Member must have length greater than or equal to {min}");
            mutants.push(self.mutant(Some(empty), self.constraint(words, false, true)));
        }
        if let (Some(items), true) = (value.as_array(), max < 10_000)
            && let Some(first) = items.first()
        {
            let many: Vec<Value> = std::iter::repeat_n(first.clone(), max + 1).collect();
            let words = format!("Member must have length less than or equal to {max}");
            mutants.push(self.mutant(Some(many.into()), self.constraint(words, false, true)));
        }
    }

    /// A key that the keys of a map may not be.
    fn keys(&self, keys: usize, mutants: &mut Vec<Mutant>) {
        let keys = &self.model.shapes[keys];
        let (min, max) = bounds(keys);
        let Some(first) = at(&self.sample.value, &self.site.way).as_object().and_then(|map| map.values().next()) else {
            return;
        };
        let long = (max < 10_000).then(|| "a".repeat(max + 1));
        let odd = ["!", "*", "\n"].map(str::to_owned).into_iter().find(|key| !fits(keys, key));
        let strange =
            matches!(&keys.kind, Kind::Text { values, .. } if !values.is_empty()).then(|| "NO_VALUE".to_owned());
        let empty = (min > 0).then(String::new);
        for key in [long, odd, strange, empty].into_iter().flatten() {
            let map = Value::Object([(key, first.clone())].into_iter().collect());
            mutants.push(
                self.mutant(Some(map), self.constraint("Map keys must satisfy constraint: [".to_owned(), false, false)),
            );
        }
    }

    /// A value of another type; none where all is text anyway.
    fn other_type(&self) -> Option<Value> {
        if self.site.way.is_empty() {
            return None;
        }
        Some(match &self.shape.kind {
            Kind::Structure(_) | Kind::Map(..) | Kind::Truth => json!("text"),
            Kind::List(_) => json!({"a": 1}),
            Kind::Text { .. } | Kind::Bytes => json!(7),
            Kind::Whole(_) | Kind::Real | Kind::Time => json!("seven"),
            Kind::Anything => return None,
        })
    }

    fn mutant(&self, value: Option<Value>, expected: Expected) -> Mutant {
        let mut input = self.sample.value.clone();
        match (value, self.site.way.split_last()) {
            (Some(value), _) => *at_mut(&mut input, &self.site.way) = value,
            (None, Some((Step::Member(key), parent))) => {
                at_mut(&mut input, parent).as_object_mut().unwrap().remove(key);
            }
            (None, _) => unreachable!("only members are required"),
        }
        Mutant { value: input, expected }
    }

    /// A constraint, in the words that the service has for it where the value stands in a list or a map.
    fn constraint(&self, words: String, enumeration: bool, alone: bool) -> Expected {
        let scalar = self.shape.is_scalar();
        let way = &self.site.way;
        let (upto, words) = match way.last() {
            Some(Step::Item(_)) if scalar => (way.len() - 1, "Member must satisfy constraint: [".to_owned()),
            Some(Step::Entry(_)) if scalar => (way.len() - 1, "Map value must satisfy constraint: [".to_owned()),
            _ => (way.len(), words),
        };
        let mut path = self.prefix.to_owned();
        for step in &way[..upto] {
            let part = match step {
                Step::Member(name) => small(name),
                Step::Item(number) => format!("{}.member", number + 1),
                Step::Entry(key) => format!("{key}.member"),
            };
            path = if path.is_empty() { part } else { format!("{path}.{part}") };
        }
        Expected::Constraint { path, words, enumeration, alone }
    }
}

fn at<'a>(value: &'a Value, way: &[Step]) -> &'a Value {
    way.iter().fold(value, |value, step| match step {
        Step::Member(key) | Step::Entry(key) => &value[key.as_str()],
        Step::Item(number) => &value[*number],
    })
}

fn at_mut<'a>(value: &'a mut Value, way: &[Step]) -> &'a mut Value {
    way.iter().fold(value, |value, step| match step {
        Step::Member(key) | Step::Entry(key) => &mut value[key.as_str()],
        Step::Item(number) => &mut value[*number],
    })
}
