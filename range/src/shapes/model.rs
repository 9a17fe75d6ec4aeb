//! The constraints that AWS publishes, read from `models.json`.
//!
//! The data are botocore's (Apache License 2.0) and are made by `range/shapes/generate.py`; their head names the
//! version. They hold the inputs of the operations that the range answers and nothing else, so an operation that is
//! not in them is one that the range does not know.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::{Map, Number, Value};

use super::effects::{self, Effect};
use super::pattern::Pattern;
use crate::service::Service;

/// The data, read once. A test holds that they can be read.
static MODELS: LazyLock<Result<Models, String>> = LazyLock::new(|| Models::read(include_str!("models.json")));

/// The models of all services.
#[derive(Debug)]
pub(crate) struct Models {
    /// The version of botocore that they are of.
    #[cfg_attr(not(test), allow(dead_code))]
    pub(crate) botocore: String,
    services: BTreeMap<String, Model>,
}

/// What a service takes.
#[derive(Debug)]
pub(crate) struct Model {
    /// The shape of each operation's input; `None` for one without.
    pub(crate) operations: BTreeMap<String, Option<usize>>,
    /// All shapes; others refer to them by index.
    pub(crate) shapes: Vec<Shape>,
}

/// A type of values.
#[derive(Debug)]
pub(crate) struct Shape {
    /// AWS's name of it.
    pub(crate) name: String,
    /// What it is made of.
    pub(crate) kind: Kind,
    /// The least length of texts and collections, or the least value of numbers.
    pub(crate) min: Option<Number>,
    /// The greatest.
    pub(crate) max: Option<Number>,
}

/// What a shape is made of.
#[derive(Debug)]
pub(crate) enum Kind {
    /// Members by name.
    Structure(Vec<Member>),
    /// Items of one shape.
    List(usize),
    /// Keys and values.
    Map(usize, usize),
    /// Text; an enumeration where it has values.
    Text { pattern: Option<Pattern>, values: Vec<String> },
    /// A whole number of so many bits.
    Whole(u32),
    /// A number.
    Real,
    /// True or false.
    Truth,
    /// A moment.
    Time,
    /// Bytes, which travel as base64.
    Bytes,
    /// Anything: a document type.
    Anything,
}

/// Where a member travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the body.
    Body,
    /// In the path, the query string or a header, where everything is text.
    Text,
}

/// A member of a structure.
#[derive(Debug)]
pub(crate) struct Member {
    /// The name under which the decoder puts it.
    pub(crate) key: String,
    /// Its shape.
    pub(crate) shape: usize,
    /// Where it travels.
    pub(crate) place: Place,
    /// Whether it has to be there.
    pub(crate) required: bool,
    /// Whether it takes every query parameter that no other member does.
    pub(crate) rest: bool,
    /// What the range does with it; `None` where nobody has said, which is refused.
    pub(crate) effect: Option<Effect>,
}

#[derive(Deserialize)]
struct RawModels {
    botocore: String,
    services: BTreeMap<String, RawModel>,
}

#[derive(Deserialize)]
struct RawModel {
    operations: BTreeMap<String, Option<String>>,
    shapes: BTreeMap<String, RawShape>,
}

#[derive(Deserialize)]
struct RawShape {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    document: bool,
    min: Option<Number>,
    max: Option<Number>,
    pattern: Option<String>,
    #[serde(default, rename = "enum")]
    values: Vec<String>,
    /// In the model's order.
    #[serde(default)]
    members: Map<String, Value>,
    member: Option<String>,
    key: Option<String>,
    value: Option<String>,
}

#[derive(Deserialize)]
struct RawMember {
    shape: String,
    #[serde(rename = "in")]
    place: Option<String>,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    rest: bool,
}

impl Models {
    /// The models, or why there are none.
    pub(crate) fn get() -> Result<&'static Self, &'static str> {
        MODELS.as_ref().map_err(String::as_str)
    }

    /// A service's model.
    pub(crate) fn of(&self, service: Service) -> Option<&Model> {
        self.services.get(service.name())
    }

    /// Every service with its name.
    #[cfg(test)]
    pub(crate) fn services(&self) -> impl Iterator<Item = (&str, &Model)> {
        self.services.iter().map(|(name, model)| (name.as_str(), model))
    }

    fn read(text: &str) -> Result<Self, String> {
        let raw: RawModels = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let services = raw.services.into_iter().map(|(name, model)| {
            let read = Model::read(&name, model)?;
            Ok((name, read))
        });
        Ok(Self { botocore: raw.botocore, services: services.collect::<Result<_, String>>()? })
    }
}

impl Model {
    fn read(service: &str, raw: RawModel) -> Result<Self, String> {
        let index: HashMap<String, usize> =
            raw.shapes.keys().cloned().enumerate().map(|(at, name)| (name, at)).collect();
        let find = |name: &str| index.get(name).copied().ok_or_else(|| format!("{service} has no shape {name}"));
        let effects = effects::of(service);
        let shapes = raw.shapes.into_iter().map(|(name, shape)| shape.resolved(name, &find, &effects));
        let shapes = shapes.collect::<Result<_, String>>()?;
        let operations = raw.operations.into_iter().map(|(name, input)| {
            let input = input.map(|input| find(&input)).transpose()?;
            Ok((name, input))
        });
        Ok(Self { operations: operations.collect::<Result<_, String>>()?, shapes })
    }

    /// A shape by its index.
    pub(crate) fn shape(&self, at: usize) -> Option<&Shape> {
        self.shapes.get(at)
    }
}

impl RawShape {
    fn resolved(
        self,
        name: String,
        find: &impl Fn(&str) -> Result<usize, String>,
        effects: &HashMap<(&'static str, &'static str), Effect>,
    ) -> Result<Shape, String> {
        let lacking = |what: &str| format!("{name} lacks its {what}");
        let refer = |to: &Option<String>, what: &str| find(to.as_deref().ok_or_else(|| lacking(what))?);
        let kind = match self.kind.as_str() {
            _ if self.document => Kind::Anything,
            "structure" => {
                let member = |(key, value): (String, Value)| {
                    let raw: RawMember = serde_json::from_value(value).map_err(|error| error.to_string())?;
                    Ok(Member {
                        effect: effects.get(&(name.as_str(), key.as_str())).copied(),
                        shape: find(&raw.shape)?,
                        place: if raw.place.is_some() { Place::Text } else { Place::Body },
                        required: raw.required,
                        rest: raw.rest,
                        key,
                    })
                };
                Kind::Structure(self.members.into_iter().map(member).collect::<Result<_, String>>()?)
            }
            "list" => Kind::List(refer(&self.member, "items")?),
            "map" => Kind::Map(refer(&self.key, "keys")?, refer(&self.value, "values")?),
            "string" | "character" => {
                Kind::Text { pattern: self.pattern.as_deref().map(Pattern::read), values: self.values }
            }
            "byte" => Kind::Whole(8),
            "short" => Kind::Whole(16),
            "integer" => Kind::Whole(32),
            "long" => Kind::Whole(64),
            "float" | "double" => Kind::Real,
            "boolean" => Kind::Truth,
            "timestamp" => Kind::Time,
            "blob" => Kind::Bytes,
            other => return Err(format!("{name} is of the unknown type {other}")),
        };
        Ok(Shape { name, kind, min: self.min, max: self.max })
    }
}
