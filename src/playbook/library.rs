//! The playbooks that come with the program, and the user's own over them.

use std::path::Path;

use super::{Mistake, read};
use crate::model::playbook::{Origin, Playbook};
use crate::model::text::shortened;

/// Playbooks that come with the program: name and text.
pub const EMBEDDED: &[(&str, &str)] = &[
    ("sqli-flood", include_str!("../../playbooks/sqli-flood.toml")),
    ("credential-stuffing", include_str!("../../playbooks/credential-stuffing.toml")),
    ("cache-stale-privileges", include_str!("../../playbooks/cache-stale-privileges.toml")),
    ("lockout-trap", include_str!("../../playbooks/lockout-trap.toml")),
    ("close-and-reopen", include_str!("../../playbooks/close-and-reopen.toml")),
];

/// A playbook longer than this is a mistake, bytes.
const LONGEST: u64 = 1024 * 1024;

/// Every playbook there is, by name, and what is wrong with the files that are none.
#[derive(Debug, Clone, Default)]
pub struct Library {
    /// The playbooks, those of the program first, in a fixed order.
    pub playbooks: Vec<Playbook>,
    /// What is wrong with other files. A playbook of the program stays where the user's own of that name cannot be
    /// read.
    pub mistakes: Vec<Mistake>,
}

impl Library {
    /// The embedded playbooks with those of `folder` over them. A folder that is not there holds none.
    #[must_use]
    pub fn load(folder: Option<&Path>) -> Self {
        let mut library = Self::default();
        for (name, text) in EMBEDDED {
            let file = format!("playbooks/{name}.toml (built in)");
            library.take(read(&file, text, Origin::Embedded));
        }
        for path in folder.into_iter().flat_map(files) {
            library.take(read_file(&path, &path.display().to_string()));
        }
        library
    }

    fn take(&mut self, read: Result<Playbook, Vec<Mistake>>) {
        let mut playbook = match read {
            Ok(playbook) => playbook,
            Err(mistakes) => {
                self.mistakes.extend(mistakes);
                return;
            }
        };
        let Some(old) = self.playbooks.iter_mut().find(|have| have.name == playbook.name) else {
            self.playbooks.push(playbook);
            return;
        };
        match (&mut playbook.origin, &old.origin) {
            (Origin::File { replaces, .. }, Origin::Embedded) => {
                *replaces = true;
                *old = playbook;
            }
            (Origin::File { path, .. }, Origin::File { path: first, .. }) => self.mistakes.push(Mistake {
                file: path.display().to_string(),
                line: 1,
                column: 1,
                message: format!(
                    "“{}” is the name of {} too, which is used. Give this one another",
                    playbook.name,
                    first.display()
                ),
            }),
            (Origin::Embedded, _) => {}
        }
    }

    /// The playbook called `name`.
    ///
    /// # Errors
    /// In one line what there is, or what is wrong with the file that would be it.
    pub fn find(&self, name: &str) -> Result<&Playbook, String> {
        if let Some(playbook) = self.playbooks.iter().find(|playbook| playbook.name == name) {
            return Ok(playbook);
        }
        let names: Vec<&str> = self.playbooks.iter().map(|playbook| playbook.name.as_str()).collect();
        let near = crate::model::reader::near(name, names.into_iter());
        Err(format!("there is no playbook “{}”{near}", shortened(name, 60)))
    }
}

/// The playbook in a file, called `shown` in mistakes.
///
/// # Errors
/// Every mistake; where the file cannot be read, that is one.
pub fn read_file(path: &Path, shown: &str) -> Result<Playbook, Vec<Mistake>> {
    let unreadable = |why: String| {
        vec![Mistake { file: shown.to_owned(), line: 1, column: 1, message: format!("it could not be read: {why}") }]
    };
    let size = std::fs::metadata(path).map_err(|error| unreadable(error.to_string()))?.len();
    if size > LONGEST {
        return Err(unreadable(format!("{size} bytes are too many for a playbook")));
    }
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
    read(shown, &text, Origin::File { path: path.to_owned(), replaces: false })
}

/// The playbook files of a folder, by name.
fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let mut found: Vec<_> =
        entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == "toml")).collect();
    found.sort();
    found
}
