//! WAFv2 statements: read once from the JSON the API holds, then asked many times.
//!
//! What this does not know (size constraints on odd fields, regex pattern sets, ASN, JA3 and the like) matches nothing
//! and says so in [`Statement::Unknown`]; a rule made of it never fires.

use serde_json::Value;

use super::super::request::Request;
use super::Counter;
use super::text::{Field, Transform, decode_base64};

/// A statement, compiled.
#[derive(Debug)]
pub(crate) enum Statement {
    /// The address is in the IP set of this leaf.
    Ip(usize),
    /// The address (or everybody) is over the rate of this leaf, and the scope matches.
    Rate { leaf: usize, scope: Option<Box<Statement>> },
    /// All match.
    And(Vec<Statement>),
    /// Any matches.
    Or(Vec<Statement>),
    /// Does not match.
    Not(Box<Statement>),
    /// Country.
    Geo(Vec<String>),
    /// A label of this scope and key.
    Label { namespace: bool, key: String },
    /// A string in a field.
    Bytes { field: Field, transforms: Vec<Transform>, position: Position, search: String },
    /// A regular expression in a field.
    Regex { field: Field, transforms: Vec<Transform>, pattern: Box<regex::Regex> },
    /// A length.
    Size { field: Field, comparison: Comparison, size: u64 },
    /// SQL injection in a field.
    Sqli(Field),
    /// Cross-site scripting in a field.
    Xss(Field),
    /// Not known to the range: matches nothing.
    Unknown,
}

/// Where a string must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Position {
    Exactly,
    StartsWith,
    EndsWith,
    Contains,
    ContainsWord,
}

/// How lengths compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Eq,
    Ne,
    Le,
    Lt,
    Ge,
    Gt,
}

/// What a statement is asked about: a request, whose address has been looked up already.
pub(crate) struct Facts<'a> {
    pub(crate) request: &'a Request,
    pub(crate) country: &'a str,
    /// By leaf: is the address in the set, is it over the rate.
    pub(crate) bits: &'a [bool],
    /// Labels so far.
    pub(crate) labels: Vec<String>,
    /// Rate leaves that this request counts for.
    pub(crate) rates: Vec<usize>,
    /// What it counts for in rule groups.
    pub(crate) grouped: Vec<(usize, Counter)>,
}

/// Where the reader puts what needs more than the request: IP sets and rates.
pub(crate) trait Leaves {
    /// The leaf of an `IPSetReferenceStatement`.
    fn ip_set(&mut self, statement: &Value) -> usize;
    /// The leaf of a `RateBasedStatement`.
    fn rate(&mut self, statement: &Value) -> usize;
}

impl Statement {
    /// Reads a `Statement` that is not a reference to a group.
    pub(crate) fn read(json: &Value, leaves: &mut impl Leaves) -> Self {
        let Some((kind, body)) = json.as_object().and_then(|object| object.iter().find(|(_, body)| !body.is_null()))
        else {
            return Self::Unknown;
        };
        match kind.as_str() {
            "IPSetReferenceStatement" => Self::Ip(leaves.ip_set(body)),
            "RateBasedStatement" => {
                let leaf = leaves.rate(body);
                let scope = body.get("ScopeDownStatement").filter(|scope| !scope.is_null());
                Self::Rate { leaf, scope: scope.map(|scope| Box::new(Self::read(scope, leaves))) }
            }
            "AndStatement" => Self::And(Self::all(body, leaves)),
            "OrStatement" => Self::Or(Self::all(body, leaves)),
            "NotStatement" => match Self::read(&body["Statement"], leaves) {
                Self::Unknown => Self::Unknown,
                inner => Self::Not(Box::new(inner)),
            },
            "GeoMatchStatement" => Self::Geo(strings(&body["CountryCodes"])),
            "LabelMatchStatement" => Self::Label {
                namespace: body["Scope"] == "NAMESPACE",
                key: body["Key"].as_str().unwrap_or("").to_owned(),
            },
            _ => Self::on_field(kind, body).unwrap_or(Self::Unknown),
        }
    }

    fn all(body: &Value, leaves: &mut impl Leaves) -> Vec<Self> {
        let inner = body["Statements"].as_array().map(Vec::as_slice).unwrap_or_default();
        inner.iter().map(|statement| Self::read(statement, leaves)).collect()
    }

    fn on_field(kind: &str, body: &Value) -> Option<Self> {
        let field = Field::read(&body["FieldToMatch"])?;
        let transforms = Transform::read_all(&body["TextTransformations"]);
        match kind {
            "ByteMatchStatement" => {
                let position = match body["PositionalConstraint"].as_str()? {
                    "EXACTLY" => Position::Exactly,
                    "STARTS_WITH" => Position::StartsWith,
                    "ENDS_WITH" => Position::EndsWith,
                    "CONTAINS" => Position::Contains,
                    "CONTAINS_WORD" => Position::ContainsWord,
                    _ => return None,
                };
                let search = decode_base64(body["SearchString"].as_str()?);
                Some(Self::Bytes { field, transforms, position, search })
            }
            "RegexMatchStatement" => {
                let pattern = regex::Regex::new(body["RegexString"].as_str()?).ok()?;
                Some(Self::Regex { field, transforms, pattern: Box::new(pattern) })
            }
            "SizeConstraintStatement" => {
                let comparison = match body["ComparisonOperator"].as_str()? {
                    "EQ" => Comparison::Eq,
                    "NE" => Comparison::Ne,
                    "LE" => Comparison::Le,
                    "LT" => Comparison::Lt,
                    "GE" => Comparison::Ge,
                    "GT" => Comparison::Gt,
                    _ => return None,
                };
                Some(Self::Size { field, comparison, size: body["Size"].as_u64()? })
            }
            "SqliMatchStatement" => Some(Self::Sqli(field)),
            "XssMatchStatement" => Some(Self::Xss(field)),
            _ => None,
        }
    }

    /// Whether the request matches. Remembers the rates it counts for.
    pub(crate) fn matches(&self, facts: &mut Facts<'_>) -> bool {
        match self {
            Self::Ip(leaf) => facts.bits.get(*leaf).copied().unwrap_or(false),
            Self::Rate { leaf, scope } => {
                if !scope.as_ref().is_none_or(|scope| scope.matches(facts)) {
                    return false;
                }
                facts.rates.push(*leaf);
                facts.bits.get(*leaf).copied().unwrap_or(false)
            }
            Self::And(all) => !all.is_empty() && all.iter().all(|statement| statement.matches(facts)),
            Self::Or(any) => any.iter().any(|statement| statement.matches(facts)),
            Self::Not(inner) => !inner.matches(facts),
            Self::Geo(countries) => countries.iter().any(|country| country == facts.country),
            Self::Label { namespace, key } => facts.labels.iter().any(|label| label_matches(label, key, *namespace)),
            Self::Bytes { field, transforms, position, search } => {
                field.any(facts.request, transforms, |text| found(text, search, *position))
            }
            Self::Regex { field, transforms, pattern } => {
                field.any(facts.request, transforms, |text| pattern.is_match(text))
            }
            Self::Size { field, comparison, size } => compare(field.size(facts.request), *comparison, *size),
            Self::Sqli(field) => field.any(facts.request, &Transform::DECODED, super::text::looks_like_sqli),
            Self::Xss(field) => field.any(facts.request, &Transform::DECODED, super::text::looks_like_xss),
            Self::Unknown => false,
        }
    }

    /// Whether the answer depends on the country.
    pub(crate) fn uses_geo(&self) -> bool {
        match self {
            Self::Geo(_) => true,
            Self::Rate { scope: Some(inner), .. } | Self::Not(inner) => inner.uses_geo(),
            Self::And(all) | Self::Or(all) => all.iter().any(Self::uses_geo),
            _ => false,
        }
    }
}

/// A label is matched whole by its last parts (`LABEL`), or by a run of whole parts (`NAMESPACE`).
fn label_matches(label: &str, key: &str, namespace: bool) -> bool {
    if namespace {
        let key = key.trim_end_matches(':');
        return label.starts_with(&format!("{key}:")) || label.contains(&format!(":{key}:"));
    }
    label == key || label.ends_with(&format!(":{key}"))
}

fn found(text: &str, search: &str, position: Position) -> bool {
    match position {
        Position::Exactly => text == search,
        Position::StartsWith => text.starts_with(search),
        Position::EndsWith => text.ends_with(search),
        Position::Contains => text.contains(search),
        Position::ContainsWord => {
            let word = |c: char| c.is_alphanumeric() || c == '_';
            text.match_indices(search).any(|(at, found)| {
                !text[..at].chars().next_back().is_some_and(word)
                    && !text[at + found.len()..].chars().next().is_some_and(word)
            })
        }
    }
}

const fn compare(left: u64, comparison: Comparison, right: u64) -> bool {
    match comparison {
        Comparison::Eq => left == right,
        Comparison::Ne => left != right,
        Comparison::Le => left <= right,
        Comparison::Lt => left < right,
        Comparison::Ge => left >= right,
        Comparison::Gt => left > right,
    }
}

/// The strings of a JSON array.
pub(crate) fn strings(json: &Value) -> Vec<String> {
    json.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}
