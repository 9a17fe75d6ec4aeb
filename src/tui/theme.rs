//! Colours and emphasis. Colour is never the only carrier of anything: every mark is a word or a letter as well.
//!
//! A theme is a file of styles ([`read`]). The built-in ones are in `themes/`; what they promise of contrast, and of
//! the common kinds of colour blindness, is computed by tests.

mod read;
#[cfg(test)]
mod tests;

use std::ffi::OsStr;

use ratatui::style::Style;

pub use read::read;

/// The background of a terminal that a theme is meant for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Backdrop {
    /// Black, or close to it.
    Dark,
    /// White, or close to it.
    Light,
    /// Any: the theme brings its own, or has no colours.
    #[default]
    Any,
}

impl Backdrop {
    /// Every one, by its word in a file.
    pub const ALL: [(&'static str, Self); 3] = [("dark", Self::Dark), ("light", Self::Light), ("any", Self::Any)];
}

/// What the terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Characters {
    /// UTF-8.
    #[default]
    All,
    /// ASCII: everything else gets a stand-in.
    Ascii,
}

/// How things look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Theme {
    /// What it is meant for.
    pub backdrop: Backdrop,
    /// Ordinary text, and with a background of its own that of the whole screen.
    pub text: Style,
    /// What matters less: units, ages, labels.
    pub faint: Style,
    /// Headings of panels and columns.
    pub heading: Style,
    /// The banner of a drill.
    pub drill: Style,
    /// The banner of a console that cannot write.
    pub read_only: Style,
    /// The banner of a console that can.
    pub armed: Style,
    /// An attack, a stop.
    pub bad: Style,
    /// A notice, a warning.
    pub warn: Style,
    /// Passed, done.
    pub good: Style,
    /// What is not known.
    pub unknown: Style,
    /// Added by a plan.
    pub added: Style,
    /// Removed by a plan.
    pub removed: Style,
    /// The line under the cursor.
    pub selected: Style,
    /// Figures that are too old to act on.
    pub stale: Style,
    /// The first line of a chart, sparklines.
    pub first: Style,
    /// The second line of a chart, errors.
    pub second: Style,
    /// A key in the footer.
    pub key: Style,
    /// What is being typed.
    pub input: Style,
}

/// A style by its name in a file.
#[derive(Debug, Clone, Copy)]
pub struct Role {
    /// Its name.
    pub name: &'static str,
    /// What it is for.
    pub meaning: &'static str,
    /// Whether only marks are drawn in it (bars, lines), which need less contrast than text.
    pub is_mark: bool,
    at: fn(&mut Theme) -> &mut Style,
}

impl Role {
    /// Its style in a theme.
    #[must_use]
    pub fn of(&self, theme: &Theme) -> Style {
        let mut theme = *theme;
        *(self.at)(&mut theme)
    }

    /// Whether it is laid over other styles, and may leave their colours as they are.
    #[must_use]
    pub fn is_laid_over(&self) -> bool {
        self.name == "selected"
    }
}

macro_rules! role {
    ($field:ident, $name:literal, $meaning:literal) => {
        Role { name: $name, meaning: $meaning, is_mark: false, at: |theme| &mut theme.$field }
    };
}

/// Every style.
pub const ROLES: [Role; 18] = [
    role!(text, "text", "ordinary text; its `bg` is the background of the whole screen"),
    role!(faint, "faint", "what matters less: units, ages, labels"),
    role!(heading, "heading", "headings of panels and columns"),
    role!(drill, "drill", "the banner of a drill"),
    role!(read_only, "read-only", "the banner of a console that cannot write"),
    role!(armed, "armed", "the banner of a console that can"),
    role!(bad, "bad", "an attack, a stop"),
    role!(warn, "warn", "a notice, a warning"),
    role!(good, "good", "passed, done"),
    role!(unknown, "unknown", "what is not known"),
    role!(added, "added", "what a plan adds"),
    role!(removed, "removed", "what a plan removes"),
    role!(selected, "selected", "the line under the cursor; drawn over what is there"),
    role!(stale, "stale", "figures that are too old to act on"),
    Role { is_mark: true, ..role!(first, "first", "the first line of a chart, sparklines") },
    Role { is_mark: true, ..role!(second, "second", "the second line of a chart, errors") },
    role!(key, "key", "keys, and the mark at the selected line"),
    role!(input, "input", "what is being typed"),
];

/// The built-in themes: name and file.
pub const BUILT_IN: [(&str, &str); 4] = [
    ("dark", include_str!("../../themes/dark.toml")),
    ("light", include_str!("../../themes/light.toml")),
    ("high-contrast", include_str!("../../themes/high-contrast.toml")),
    ("monochrome", include_str!("../../themes/monochrome.toml")),
];

impl Theme {
    /// A built-in theme by its name.
    #[must_use]
    pub fn built_in(name: &str) -> Option<Self> {
        let (name, text) = BUILT_IN.iter().find(|(known, _)| *known == name)?;
        // A test says that each is sound.
        Some(read(&format!("themes/{name}.toml (built in)"), text).unwrap_or_default())
    }

    /// The default, `dark`: what the common kinds of colour blindness tell apart, on the terminal's own background.
    #[must_use]
    pub fn colour_blind_safe() -> Self {
        Self::built_in("dark").unwrap_or_default()
    }

    /// `monochrome`: no colour at all; bold, dim, underlined and reversed carry the emphasis.
    #[must_use]
    pub fn plain() -> Self {
        Self::built_in("monochrome").unwrap_or_default()
    }

    /// Where nobody has chosen: `light` for a terminal that says that its background is light, by `COLORFGBG` in the
    /// environment (`0;15`, the last number is the background's), else the default.
    #[must_use]
    pub fn for_terminal(colorfgbg: Option<&OsStr>) -> Self {
        let background = colorfgbg.and_then(OsStr::to_str).and_then(|said| said.rsplit(';').next()?.parse::<u8>().ok());
        Self::of_background(matches!(background, Some(7 | 9..=15)))
    }

    /// `light` for a light background, else the default.
    #[must_use]
    pub fn of_background(is_light: bool) -> Self {
        let light = is_light.then(|| Self::built_in("light")).flatten();
        light.unwrap_or_else(Self::colour_blind_safe)
    }
}
