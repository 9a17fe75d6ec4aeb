//! What is going wrong, by what it is about.

use std::collections::BTreeMap;

use crate::aws::{AwsError, Problem};

/// What can go wrong on its own, most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::watch) enum Part {
    Identity,
    Metrics,
    Apis,
    Active,
    Stages,
    AclSeries,
    HttpApis,
    Account,
    Filters,
}

/// What is going wrong.
#[derive(Default)]
pub(in crate::watch) struct Troubles {
    by_part: BTreeMap<Part, AwsError>,
    /// Whether the stages of any API could not be read in the present round of discovery.
    stages_failed: bool,
}

impl Troubles {
    /// What is going wrong with a part.
    pub(in crate::watch) fn of(&self, part: Part) -> Option<&AwsError> {
        self.by_part.get(&part)
    }

    pub(in crate::watch) fn is_empty(&self) -> bool {
        self.by_part.is_empty()
    }

    /// What is wrong with the credentials, with which everything else fails.
    pub(in crate::watch) fn credentials(&self) -> Option<&AwsError> {
        self.by_part.values().find(|error| error.is_about_credentials())
    }

    pub(in crate::watch) fn begin(&mut self, part: Part, error: AwsError) {
        self.stages_failed |= part == Part::Stages;
        self.by_part.insert(part, error);
    }

    pub(in crate::watch) fn end(&mut self, part: Part) {
        self.by_part.remove(&part);
    }

    /// A round of discovery is over: where it could read the stages of every API, that trouble is.
    pub(super) fn end_round(&mut self) {
        if !std::mem::take(&mut self.stages_failed) {
            self.end(Part::Stages);
        }
    }

    /// Keeps the trouble of a part, or ends it; gives what was read.
    pub(in crate::watch) fn note<T>(&mut self, part: Part, result: Result<T, AwsError>) -> Option<T> {
        match result {
            Ok(value) => {
                self.end(part);
                Some(value)
            }
            Err(error) => {
                self.begin(part, error);
                None
            }
        }
    }

    /// What is going wrong, in one line: credentials first, since everything else fails with them. What asks the same
    /// of the reader is said once.
    pub(in crate::watch) fn words(&self) -> Option<String> {
        if let Some(credentials) = self.credentials() {
            return Some(credentials.to_string());
        }
        let first = self.by_part.values().next()?;
        let is_silent = |error: &&AwsError| matches!(error.problem, Problem::TimedOut(_));
        let silent = self.by_part.values().filter(is_silent).count();
        if let Problem::TimedOut(said) = &first.problem
            && silent == self.by_part.len()
        {
            let more = if silent > 1 { format!(" and {} more", silent - 1) } else { String::new() };
            return Some(format!(
                "{}{more}: no answer in time ({said}); retrying. Check the network, the region and --endpoint-url",
                first.operation
            ));
        }
        Some(match self.by_part.len() - 1 {
            0 => first.to_string(),
            n => format!("{first} (and {n} more)"),
        })
    }

    /// Which stages or figures are missing for what goes wrong. Names, limits and filters that could not be read are
    /// told beside the figures that they concern.
    pub(in crate::watch) fn lacks(&self) -> Option<String> {
        let of = |part| self.of(part);
        let parts = [
            (Part::Metrics, "figures"),
            (Part::Apis, "REST APIs"),
            (Part::HttpApis, "HTTP APIs"),
            (Part::Stages, "stages of some APIs"),
        ];
        let lacking: Vec<String> =
            parts.into_iter().filter_map(|(part, what)| Some(format!("{what} ({})", of(part)?))).collect();
        (!lacking.is_empty()).then(|| format!("it lacks {}", lacking.join("; ")))
    }
}
