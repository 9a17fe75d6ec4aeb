//! Inputs that the models allow, made from the models.

use serde_json::{Map, Number, Value, json};

use super::super::effects::{self, Effect};
use super::super::model::{Kind, Member, Model, Shape};

/// A step into an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Member(String),
    Item(usize),
    Entry(String),
}

/// A value of an input, by the way to it.
#[derive(Debug, Clone)]
pub(super) struct Site {
    pub(super) way: Vec<Step>,
    pub(super) shape: usize,
    pub(super) required: bool,
}

/// An input with everything in it that can be broken.
#[derive(Debug)]
pub(super) struct Sample {
    pub(super) value: Value,
    pub(super) sites: Vec<Site>,
}

/// Numbers that look random, the same for the same seed (`SplitMix64`).
pub(super) struct Draw(pub(super) u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.next() % most.max(1) as u64).unwrap()
    }
}

/// Which optional members are put in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fill {
    None,
    All,
    Some,
}

struct Maker<'a> {
    service: &'a str,
    model: &'a Model,
    fill: Fill,
    /// Whether what the range refuses may stand in it.
    beyond: bool,
    draw: Draw,
    way: Vec<Step>,
    sites: Vec<Site>,
    /// The structures that the way leads through.
    open: Vec<usize>,
}

/// Required members only.
pub(super) fn minimal(service: &str, model: &Model, shape: usize) -> Sample {
    made(service, model, shape, Fill::None, 0)
}

/// Every member that is not refused; of a statement within a statement only what is required.
pub(super) fn whole(service: &str, model: &Model, shape: usize) -> Sample {
    made(service, model, shape, Fill::All, 0)
}

/// Some of them.
pub(super) fn random(service: &str, model: &Model, shape: usize, seed: u64) -> Sample {
    made(service, model, shape, Fill::Some, seed)
}

/// A value of any shape, refused or not.
pub(super) fn any(service: &str, model: &Model, shape: usize) -> Value {
    Maker { beyond: true, ..maker(service, model, Fill::None, 0) }.value(shape, false)
}

fn made(service: &str, model: &Model, shape: usize, fill: Fill, seed: u64) -> Sample {
    let mut maker = maker(service, model, fill, seed);
    let value = maker.value(shape, false);
    Sample { value, sites: maker.sites }
}

fn maker<'a>(service: &'a str, model: &'a Model, fill: Fill, seed: u64) -> Maker<'a> {
    let (way, sites, open) = (Vec::new(), Vec::new(), Vec::new());
    Maker { service, model, fill, beyond: false, draw: Draw(seed), way, sites, open }
}

impl Maker<'_> {
    fn value(&mut self, at: usize, required: bool) -> Value {
        self.sites.push(Site { way: self.way.clone(), shape: at, required });
        let shape = &self.model.shapes[at];
        match &shape.kind {
            Kind::Structure(members) => {
                let again = self.open.contains(&at);
                self.open.push(at);
                let made = self.structure(members, again);
                self.open.pop();
                made
            }
            Kind::List(of) => (0..self.length(shape)).map(|item| self.within(Step::Item(item), *of, false)).collect(),
            Kind::Map(keys, values) => {
                let length = self.length(shape);
                let mut entries = Map::new();
                for number in 0..length {
                    let key = self.scalar(&self.model.shapes[*keys]);
                    let key = key.as_str().unwrap().to_owned();
                    if number == 0 || !entries.contains_key(&key) {
                        let value = self.within(Step::Entry(key.clone()), *values, false);
                        entries.insert(key, value);
                    }
                }
                Value::Object(entries)
            }
            _ => self.scalar(shape),
        }
    }

    fn within(&mut self, step: Step, shape: usize, required: bool) -> Value {
        self.way.push(step);
        let value = self.value(shape, required);
        self.way.pop();
        value
    }

    /// `again`: it stands within one of its own kind.
    fn structure(&mut self, members: &[Member], again: bool) -> Value {
        let mut made = Map::new();
        for member in members {
            if member.rest {
                made.insert("extensions".to_owned(), "integrations".into());
                continue;
            }
            let refused = matches!(member.effect, None | Some(Effect::Refused(_)));
            assert!(self.beyond || !(member.required && refused), "{} is required and refused", member.key);
            let wanted = match self.fill {
                Fill::None => false,
                Fill::All => !again,
                Fill::Some => !again && self.draw.below(3) == 0,
            };
            if member.required || (wanted && !refused) {
                let value = self.within(Step::Member(member.key.clone()), member.shape, member.required);
                made.insert(member.key.clone(), value);
            }
        }
        Value::Object(made)
    }

    /// A length that a list or a map may have, at most a few more than it must.
    fn length(&mut self, shape: &Shape) -> usize {
        let (min, max) = bounds(shape);
        let spread = if self.fill == Fill::Some { self.draw.below(3) } else { usize::from(self.fill == Fill::All) };
        (min + spread).clamp(min, max).max(usize::from(self.fill == Fill::All).min(max))
    }

    pub(super) fn scalar(&mut self, shape: &Shape) -> Value {
        let varied = self.fill == Fill::Some;
        match &shape.kind {
            Kind::Text { values, .. } if !values.is_empty() => {
                let open: Vec<&String> = values
                    .iter()
                    .filter(|value| effects::refused_value(self.service, &shape.name, value).is_none())
                    .collect();
                let at = if varied { self.draw.below(open.len()) } else { 0 };
                open[at].as_str().into()
            }
            Kind::Text { .. } => {
                let (min, max) = bounds(shape);
                let longest = max.min(min + 40);
                let lengths = [min.max(1).min(max), min, longest, max.min(20_000)];
                let at = if varied { self.draw.below(lengths.len()) } else { 0 };
                let found = text(shape, lengths[at]).or_else(|| lengths.iter().find_map(|length| text(shape, *length)));
                found.or_else(|| fixed(shape)).unwrap_or_else(|| panic!("no text fits {shape:?}")).into()
            }
            Kind::Whole(_) | Kind::Real => {
                let (min, max) = range(shape);
                let choices = [
                    min.unwrap_or(1.0),
                    max.or(min).unwrap_or(1.0),
                    min.map_or(7.0, |min| min + 1.0).min(max.unwrap_or(7.0).max(7.0)),
                ];
                let chosen = choices[if varied { self.draw.below(2) } else { 0 }];
                #[allow(clippy::cast_possible_truncation)]
                if matches!(shape.kind, Kind::Real) { json!(chosen) } else { json!(chosen as i64) }
            }
            Kind::Truth => true.into(),
            Kind::Time => json!(1_772_334_000),
            Kind::Bytes => "YWRtaW4=".into(),
            _ => json!({}),
        }
    }
}

/// The lengths that a shape allows.
pub(super) fn bounds(shape: &Shape) -> (usize, usize) {
    let read =
        |bound: &Option<Number>| bound.as_ref().and_then(Number::as_u64).map(|bound| usize::try_from(bound).unwrap());
    (read(&shape.min).unwrap_or(0), read(&shape.max).unwrap_or(usize::MAX))
}

/// The values that a number allows.
pub(super) fn range(shape: &Shape) -> (Option<f64>, Option<f64>) {
    (shape.min.as_ref().and_then(Number::as_f64), shape.max.as_ref().and_then(Number::as_f64))
}

/// A text of so many letters that fits a shape's pattern.
pub(super) fn text(shape: &Shape, length: usize) -> Option<String> {
    let candidates = ["a", "1", "A", "-", "/", "_"].map(|letter| letter.repeat(length));
    let colon = format!("{}:", "a".repeat(length.saturating_sub(1)));
    let slash = format!("/{}", "a".repeat(length.saturating_sub(1)));
    candidates.into_iter().chain([colon, slash]).find(|text| text.chars().count() == length && fits(shape, text))
}

/// A text of a form of its own that fits a shape.
fn fixed(shape: &Shape) -> Option<String> {
    let known = [
        "0f8fad5b-d9cb-469f-a165-70867728950e",
        "arn:aws:iam::123456789012:role/guard",
        "arn:aws:payments::123456789012:connectedaccount/shop-abc123",
        "123456789012",
        "1",
        "0.01",
        "",
    ];
    let (min, max) = bounds(shape);
    known.into_iter().find(|text| (min..=max).contains(&text.len()) && fits(shape, text)).map(str::to_owned)
}

/// Whether a text fits a shape's pattern, where there is one.
pub(super) fn fits(shape: &Shape, text: &str) -> bool {
    match &shape.kind {
        Kind::Text { pattern: Some(pattern), .. } => pattern.fits(text),
        _ => true,
    }
}
