//! Plans that were shown: kept, so that a stale confirmation can say what has changed since.

use std::io::BufReader;
use std::path::{Path, PathBuf};

use super::error::{Exit, Failure};
use crate::incident::default_root;
use crate::journal;
use crate::model::plan::Plan;
use crate::model::text::{is_blank, neutralised};

/// How many shown plans are kept.
const KEPT: usize = 50;

fn dir() -> Option<PathBuf> {
    Some(default_root().ok()?.parent()?.join("plans"))
}

/// Keeps a plan that was shown. Best effort: a plan is worth showing even where nothing can be written.
pub(super) fn keep(plan: &Plan) {
    let Some(dir) = dir() else { return };
    let Ok(text) = serde_json::to_string(plan) else { return };
    let path = dir.join(file_name(&plan.digest));
    if journal::folder(&dir).is_ok() && journal::replace(&path, journal::to_ascii(&text).as_bytes()).is_ok() {
        forget_old(&dir);
    }
}

fn file_name(digest: &str) -> String {
    format!("{digest}.json")
}

fn forget_old(dir: &Path) {
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    let mut files: Vec<_> =
        entries.filter_map(Result::ok).filter_map(|e| Some((e.metadata().ok()?.modified().ok()?, e.path()))).collect();
    files.sort();
    let excess = files.len().saturating_sub(KEPT);
    for (_, path) in files.into_iter().take(excess) {
        let _ = std::fs::remove_file(path);
    }
}

/// The plan that was shown with `phrase`, where it was kept; `now` as it was shown, where that is what the phrase
/// confirms.
pub(super) fn shown_with(phrase: &str, now: &Plan) -> Option<Plan> {
    let (stage, digest) = phrase.trim().rsplit_once(' ')?;
    let kept = |path: PathBuf| serde_json::from_reader::<_, Plan>(BufReader::new(journal::reading(&path).ok()?)).ok();
    if phrase.split_whitespace().collect::<Vec<_>>().join(" ") == now.phrase() {
        return kept(dir()?.join(file_name(&now.digest)));
    }
    let entries = std::fs::read_dir(dir()?).ok()?;
    entries
        .filter_map(Result::ok)
        .filter(|e| e.file_name().to_string_lossy().starts_with(digest))
        .filter_map(|e| kept(e.path()))
        .find(|plan| plan.stage.label() == stage)
}

/// Writes a plan for `apply FILE`.
pub(super) fn save(plan: &Plan, path: &Path) -> Result<(), Failure> {
    let failed = |error: String| {
        Failure::new(Exit::Error, format!("the plan could not be written to {}: {error}", path.display()))
    };
    let text = serde_json::to_string_pretty(plan).map_err(|e| failed(e.to_string()))?;
    journal::save(path, (journal::to_ascii(&text) + "\n").as_bytes()).map_err(|e| failed(e.to_string()))
}

/// Reads a plan that `plan --save` wrote.
pub(super) fn load(path: &Path) -> Result<Plan, Failure> {
    let text = super::config::text_of(path)?;
    Plan::read(&path.display().to_string(), &text).map_err(|mistake| Failure::usage(mistake.to_string()))
}

/// What a plan out of a file overrides, and why: consent that came with the file, and that nobody typed here.
pub(super) fn overrides(plan: &Plan, path: &Path) -> Vec<String> {
    let terms = plan.action.terms();
    if terms.overrides.is_empty() {
        return Vec::new();
    }
    let reason = terms.reason.as_deref().filter(|reason| !is_blank(reason));
    let reason = reason.map_or_else(|| "without a reason".to_owned(), |reason| format!("for the reason “{reason}”"));
    let overridden = terms.overrides.join(", ");
    vec![neutralised(&format!("{} OVERRIDES {overridden} {reason}", path.display())).into_owned()]
}
