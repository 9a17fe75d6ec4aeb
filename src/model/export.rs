//! The table of export formats: what a format is called on the command line, in the journal and in a file's name.
//!
//! A new format is an entry here, and what writes it in `report`.

/// A format in which an incident can be exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// A Markdown document (GitHub's dialect, for its tables).
    Markdown,
    /// JSON Lines, schema `portcullis.timeline/1`.
    JsonLines,
}

/// What is known of a format.
struct Form {
    name: &'static str,
    /// What it was called before, and may still be typed.
    alias: Option<&'static str>,
    title: &'static str,
    extension: &'static str,
}

impl Format {
    /// Every format, in the order in which they are offered.
    pub const ALL: [Self; 2] = [Self::Markdown, Self::JsonLines];

    const fn form(self) -> Form {
        match self {
            Self::Markdown => {
                Form { name: "markdown", alias: None, title: "a Markdown document, for people", extension: "md" }
            }
            Self::JsonLines => {
                Form { name: "json-lines", alias: Some("jsonl"), title: "JSON Lines, for programs", extension: "jsonl" }
            }
        }
    }

    /// Its name, as it is typed and as the journal records it.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.form().name
    }

    /// Another name under which it may be typed: what it was called in an earlier version.
    #[must_use]
    pub fn alias(self) -> Option<&'static str> {
        self.form().alias
    }

    /// What it is, in a few words.
    #[must_use]
    pub fn title(self) -> &'static str {
        self.form().title
    }

    /// The usual file name extension, without the dot.
    #[must_use]
    pub fn extension(self) -> &'static str {
        self.form().extension
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_that_may_be_typed_is_of_one_format() {
        let aliases = Format::ALL.into_iter().filter_map(Format::alias);
        let typed: Vec<&str> = Format::ALL.into_iter().map(Format::name).chain(aliases).collect();
        assert!(typed.iter().all(|name| typed.iter().filter(|other| other == &name).count() == 1), "{typed:?}");
    }
}
