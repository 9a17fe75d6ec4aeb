//! Parts of every document: times, figures with their reasons and origins.

use std::borrow::Cow;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};

use crate::model::figure::{Figure, Origin, Scope};

/// A time, RFC 3339 in UTC, to the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
pub struct Moment(
    #[serde(serialize_with = "to_the_second")]
    #[cfg_attr(feature = "schema", schemars(with = "DateTime<Utc>"))]
    DateTime<Utc>,
);

// The signature is serde's.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn to_the_second<S: Serializer>(at: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&at.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// A time as every JSON shape writes it.
#[must_use]
pub fn time(at: DateTime<Utc>) -> Moment {
    Moment(at)
}

/// Values by name, in the order in which they were put.
#[derive(Debug, Clone)]
pub struct Named<T>(Vec<(Cow<'static, str>, T)>);

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Named<T> {
    /// Adds a value under a name that has none yet.
    pub fn put(&mut self, name: impl Into<Cow<'static, str>>, value: T) {
        self.0.push((name.into(), value));
    }
}

impl<T: Serialize> Serialize for Named<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

#[cfg(feature = "schema")]
impl<T: schemars::JsonSchema> schemars::JsonSchema for Named<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("NamedOf{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        std::collections::BTreeMap::<String, T>::json_schema(generator)
    }
}

/// Why something is null, by the name of its field.
pub type Reasons = Named<String>;

/// Where the figures beside it come from, by the name of their fields; figures that are null have none.
pub type Origins = Named<FigureOrigin>;

/// Where a figure was read, and what it covers.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FigureOrigin {
    /// The end of the interval that it covers, account time, UTC.
    pub at: Moment,
    /// Where it was read.
    pub origin: Origin,
    /// What it covers.
    pub scope: Scope,
    /// Whether AWS may still change it.
    pub provisional: bool,
}

/// Reasons and origins of the figures of one object, gathered while its fields are filled.
#[derive(Debug, Default)]
pub struct Told {
    /// Why figures are null.
    pub unknown: Reasons,
    /// Where the others come from.
    pub origin: Origins,
}

impl Told {
    /// What stands in the field `name`: the figure's value, or null, which then has its reason.
    pub fn put(&mut self, name: &'static str, figure: &Figure) -> Option<f64> {
        match figure {
            Figure::Known(reading) => {
                let (origin, scope) = (reading.origin, reading.scope.clone());
                let at = time(reading.at);
                self.origin.put(name, FigureOrigin { at, origin, scope, provisional: reading.provisional });
                Some(reading.value)
            }
            Figure::Unknown(reason) => {
                self.unknown.put(name, reason.to_string());
                None
            }
        }
    }
}
