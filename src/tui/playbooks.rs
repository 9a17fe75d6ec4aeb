//! What the screen knows of playbooks: those there are, the incident's runs, and the one that is open.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::connection::StageAt;
use crate::model::playbook::{Fallback, Playbook, RunRecord, Step, Value};

use super::list::Cursor;

/// The playbooks, and the one that is open.
#[derive(Debug)]
pub(crate) struct PlaybooksPane {
    pub(crate) all: Arc<[Playbook]>,
    pub(crate) mistakes: Vec<String>,
    /// The runs of the stage's account and region.
    pub(crate) runs: Arc<[RunRecord]>,
    /// The stage they are shown for.
    pub(crate) stage: Option<StageAt>,
    /// Indices into `all`, those first that answer what stands on the stage.
    pub(crate) order: Vec<usize>,
    pub(crate) cursor: Cursor,
    /// An index into `all`.
    pub(crate) open: Option<usize>,
    pub(crate) step: Cursor,
    /// Inputs given on the screen for the open one.
    pub(crate) given: BTreeMap<String, Value>,
    /// Runs that were over when it was opened: what is done now begins another.
    pub(crate) over: Vec<String>,
}

impl PlaybooksPane {
    pub(crate) fn new(all: Arc<[Playbook]>, mistakes: Vec<String>) -> Self {
        Self {
            all,
            mistakes,
            runs: Arc::new([]),
            stage: None,
            order: Vec::new(),
            cursor: Cursor::default(),
            open: None,
            step: Cursor::default(),
            given: BTreeMap::new(),
            over: Vec::new(),
        }
    }

    pub(crate) fn playbook(&self) -> Option<&Playbook> {
        self.all.get(self.open?)
    }

    /// The run of the open playbook that is shown.
    pub(crate) fn run(&self) -> Option<&RunRecord> {
        let (playbook, stage) = (self.playbook()?, self.stage.as_ref()?);
        let is_it = |run: &&RunRecord| {
            run.playbook == playbook.name && run.stage == stage.stage && !self.over.contains(&run.id)
        };
        self.runs.iter().rfind(is_it)
    }

    pub(crate) fn selected_step(&self) -> Option<&Step> {
        self.playbook()?.steps.get(self.step.at)
    }

    /// The value of an input as text, where it has one already.
    pub(crate) fn value(&self, name: &str) -> Option<String> {
        if let Some(value) = self.given.get(name) {
            return Some(value.to_string());
        }
        match &self.playbook()?.input(name)?.default {
            Some(Fallback::Value(value)) => Some(value.to_string()),
            _ => None,
        }
    }
}
