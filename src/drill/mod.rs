//! Drills: scenario files, found, loaded and turned into a range to practise on.
//!
//! The range reads the `[world]`; what concerns the console (speed, the team's settings during the drill) is read here.

use std::path::{Path, PathBuf};

use portcullis_range::Range;
use portcullis_range::scenario::{Scenario, ScenarioError};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::aws::RangeHandle;
use crate::model::reader::Mistake;
use crate::model::settings::{Settings, read_within};

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
    #[error("{}", .mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n  "))]
    Malformed {
        /// What is wrong, in the order of the file; never empty.
        mistakes: Vec<Mistake>,
    },
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
        let text = text_of(path).map_err(|source| DrillError::Unreadable { path: path.to_owned(), source })?;
        Self::parse(name, &text)
    }

    /// The scenario in a text, checked whole; `place` is how it is named in mistakes.
    ///
    /// # Errors
    /// Every mistake that was found.
    pub fn parse(place: &str, text: &str) -> Result<Self, DrillError> {
        let scenario = Scenario::parse(text);
        let settings = read_within(place, text, &["drill", "settings"]);
        match (scenario, settings) {
            (Ok(scenario), Ok(settings)) => Ok(Self {
                name: scenario.name,
                title: scenario.title,
                summary: scenario.summary.trim().to_owned(),
                speed: scenario.speed,
                settings,
                text: text.to_owned(),
            }),
            // What is no TOML would be said twice.
            (Err(error), Ok(_)) => Err(DrillError::Malformed { mistakes: vec![mistake(place, error)] }),
            (Ok(_), Err(mistakes)) => Err(DrillError::Malformed { mistakes }),
            (Err(error), Err(mut mistakes)) => {
                let first = mistake(place, error);
                if mistakes.iter().all(|known| (known.line, known.column) != (first.line, first.column)) {
                    mistakes.push(first);
                    mistakes.sort();
                }
                Err(DrillError::Malformed { mistakes })
            }
        }
    }

    /// What its range is called in a drill: the same for the same scenario and seed, so that the same drill writes the
    /// same journal.
    #[must_use]
    pub fn range_id(&self, seed: Option<u64>) -> String {
        // As it has always been written: incidents of drills are found by it.
        let seed = seed.map_or_else(|| "None".to_owned(), |seed| format!("Some({seed})"));
        let digest = Sha256::digest(format!("{seed}\n{}", self.text));
        format!("drill-{:02x}{:02x}{:02x}{:02x}", digest[0], digest[1], digest[2], digest[3])
    }

    /// The range of this scenario, its account time running at `speed` (account seconds per wall second) from now on.
    pub fn range(&self, speed: f64, seed: Option<u64>) -> Result<RangeHandle, DrillError> {
        let malformed = |error| DrillError::Malformed { mistakes: vec![mistake(&self.name, error)] };
        let range = Range::from_scenario(&self.text, seed).map_err(malformed)?;
        Ok(RangeHandle::new(range, speed))
    }
}

/// A scenario longer than this is a mistake, bytes.
const LONGEST: u64 = 16 * 1024 * 1024;

/// The text of a scenario; a pipe would be waited for, and a device may never end.
fn text_of(path: &Path) -> std::io::Result<String> {
    let about = std::fs::metadata(path)?;
    if !about.is_file() {
        return Err(std::io::Error::other("it is not a regular file"));
    }
    if about.len() > LONGEST {
        return Err(std::io::Error::other(format!("{} bytes are too many for a scenario", about.len())));
    }
    std::fs::read_to_string(path)
}

/// What the range says of a scenario, as the console says what is wrong with a file.
fn mistake(place: &str, error: ScenarioError) -> Mistake {
    let hint = error.hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
    let message = format!("{}{hint}", error.message);
    Mistake { file: place.to_owned(), line: error.line, column: error.column, message }
}
