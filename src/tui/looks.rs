//! How the screen looks, and what is known of the terminal that shows it. Plain data.

use super::theme::{Characters, Theme};

/// The smallest terminal that holds the screens: columns and lines. Below it a notice is drawn and nothing can be
/// confirmed.
pub const SMALLEST: (u16, u16) = (60, 15);

/// What is known of the terminal's background.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Background {
    /// It was asked, and the theme follows what it answers.
    Asked,
    /// It was asked, and has not answered before somebody pressed a key: colours do not change under whoever reads.
    Late,
    /// Known, or never asked.
    Settled,
}

/// How the screen looks.
#[derive(Debug)]
pub(crate) struct Looks {
    pub(crate) theme: Theme,
    pub(crate) background: Background,
    pub(crate) characters: Characters,
    /// The terminal's, columns and lines.
    pub(crate) size: (u16, u16),
}

impl Looks {
    /// Whether the terminal is too small for the screens.
    pub(crate) fn too_small(&self) -> bool {
        self.size.0 < SMALLEST.0 || self.size.1 < SMALLEST.1
    }
}
