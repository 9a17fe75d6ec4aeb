//! Drills: scenario files, found, loaded and turned into a range to practise on.
//!
//! The range reads the `[world]`; what concerns the console (speed, the team's settings during the drill) is read here.

use std::path::{Path, PathBuf};

use portcullis_range::Range;
use serde::Deserialize;
use thiserror::Error;

use crate::aws::RangeHandle;
use crate::model::settings::Settings;

/// Scenarios that come with the program: name and text.
pub const EMBEDDED: &[(&str, &str)] = &[
    ("sqli-flood", include_str!("../../drills/sqli-flood.toml")),
    ("credential-stuffing", include_str!("../../drills/credential-stuffing.toml")),
    ("cache-stale-privileges", include_str!("../../drills/cache-stale-privileges.toml")),
    ("lockout-trap", include_str!("../../drills/lockout-trap.toml")),
];

/// A scenario, loaded.
#[derive(Debug, Clone)]
pub struct Drill {
    /// Its name.
    pub name: String,
    /// One line.
    pub title: String,
    /// What happens, in a few sentences.
    pub summary: String,
    /// Account seconds per wall second, unless asked otherwise.
    pub speed: f64,
    /// The team's settings during the drill.
    pub settings: Settings,
    text: String,
}

/// Why there is no drill.
#[derive(Debug, Error)]
pub enum DrillError {
    /// Neither a scenario that comes with the program nor a file.
    #[error("no scenario “{name}”: it is neither a file nor one of {known}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// The file could not be read.
    #[error("{} could not be read: {source}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is no scenario.
    #[error("{place}: {message}")]
    Malformed {
        /// The file or the scenario's name.
        place: String,
        /// What is wrong, with the line.
        message: String,
    },
}

/// What the console reads of a scenario file.
#[derive(Debug, Deserialize)]
struct File {
    name: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    summary: String,
    speed: Option<f64>,
    #[serde(default)]
    drill: Section,
}

#[derive(Debug, Default, Deserialize)]
struct Section {
    #[serde(default)]
    settings: Settings,
}

impl Drill {
    /// The scenario called `name`, or in the file of that path; the first that comes with the program where `None`.
    pub fn load(name: Option<&str>) -> Result<Self, DrillError> {
        let Some(name) = name else {
            let (name, text) = EMBEDDED[0];
            return Self::parse(name, text);
        };
        if let Some((name, text)) = EMBEDDED.iter().find(|(have, _)| *have == name) {
            return Self::parse(name, text);
        }
        let path = Path::new(name);
        if !path.exists() {
            let known = EMBEDDED.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
            return Err(DrillError::Unknown { name: name.to_owned(), known });
        }
        let text =
            std::fs::read_to_string(path).map_err(|source| DrillError::Unreadable { path: path.to_owned(), source })?;
        Self::parse(name, &text)
    }

    fn parse(place: &str, text: &str) -> Result<Self, DrillError> {
        let malformed = |message: String| DrillError::Malformed { place: place.to_owned(), message };
        let file: File = toml::from_str(text).map_err(|error| malformed(error.to_string()))?;
        Ok(Self {
            name: file.name,
            title: file.title,
            summary: file.summary.trim().to_owned(),
            speed: file.speed.unwrap_or(1.0),
            settings: file.drill.settings,
            text: text.to_owned(),
        })
    }

    /// The range of this scenario, its account time running at `speed` (account seconds per wall second) from now on.
    pub fn range(&self, speed: f64, seed: Option<u64>) -> Result<RangeHandle, DrillError> {
        let malformed = |message: String| DrillError::Malformed { place: self.name.clone(), message };
        let range = Range::from_scenario(&self.text, seed).map_err(|error| malformed(error.to_string()))?;
        Ok(RangeHandle::new(range, speed))
    }
}
