//! Where in an input something stands, as errors write it.

use std::fmt;

/// A way into an input; written only where something is wrong.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    part: Part<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Part<'a> {
    /// The operation's input, which has a name of its own with API Gateway.
    Input(&'a str),
    Member(&'a str),
    Item(usize),
    Entry(&'a str),
}

impl<'a> Path<'a> {
    /// The input itself, by its name in errors; empty for none.
    pub(crate) const fn input(name: &'a str) -> Self {
        Self { parent: None, part: Part::Input(name) }
    }

    /// A member of what stands here.
    pub(crate) const fn member(&'a self, name: &'a str) -> Self {
        Self { parent: Some(self), part: Part::Member(name) }
    }

    /// An item of the list that stands here.
    pub(crate) const fn item(&'a self, at: usize) -> Self {
        Self { parent: Some(self), part: Part::Item(at) }
    }

    /// An entry of the map that stands here.
    pub(crate) const fn entry(&'a self, key: &'a str) -> Self {
        Self { parent: Some(self), part: Part::Entry(key) }
    }

    /// The member of the input that this is in; empty for the input itself.
    pub(crate) fn top(&self) -> &'a str {
        let mut top = "";
        let mut here = Some(self);
        while let Some(path) = here {
            if let Part::Member(name) = path.part {
                top = name;
            }
            here = path.parent;
        }
        top
    }
}

/// As AWS writes it: members with a small first letter, items by their number from one and the word `member` (seen in
/// users' reports: `rules.4.member.statement.andStatement.statements.1.member.…`). Entries of maps are written alike
/// (inferred).
impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            write!(f, "{parent}")?;
            if !matches!(parent.part, Part::Input("")) {
                f.write_str(".")?;
            }
        }
        match self.part {
            Part::Input(name) => f.write_str(name),
            Part::Member(name) => f.write_str(&small(name)),
            Part::Item(at) => write!(f, "{}.member", at + 1),
            Part::Entry(key) => write!(f, "{key}.member"),
        }
    }
}

/// A name with a small first letter.
pub(crate) fn small(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}
