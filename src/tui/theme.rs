//! Colours and emphasis. Colour is never the only carrier of anything: every mark is a word or a letter as well.
//!
//! The default keeps to blue, orange and vermilion, which the common kinds of colour blindness tell apart (the palette of
//! Okabe and Ito, in its nearest entries of the 256-colour table, which more terminals have than true colour).

use ratatui::style::{Color, Modifier, Style};

const ORANGE: Color = Color::Indexed(214);
const SKY: Color = Color::Indexed(117);
const BLUE: Color = Color::Indexed(32);
const VERMILION: Color = Color::Indexed(202);
const YELLOW: Color = Color::Indexed(227);
const GREY: Color = Color::Indexed(245);
const BLACK: Color = Color::Indexed(16);
const WHITE: Color = Color::Indexed(231);
const NIGHT: Color = Color::Indexed(236);

/// How things look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    /// Ordinary text.
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

impl Theme {
    /// Blue, orange and vermilion on the terminal's own background.
    #[must_use]
    pub fn colour_blind_safe() -> Self {
        let plain = Style::new();
        Self {
            text: plain,
            faint: plain.fg(GREY),
            heading: plain.fg(SKY).add_modifier(Modifier::BOLD),
            drill: plain.fg(BLACK).bg(SKY).add_modifier(Modifier::BOLD),
            read_only: plain.fg(WHITE).bg(BLUE).add_modifier(Modifier::BOLD),
            armed: plain.fg(BLACK).bg(VERMILION).add_modifier(Modifier::BOLD),
            bad: plain.fg(VERMILION).add_modifier(Modifier::BOLD),
            warn: plain.fg(ORANGE),
            good: plain.fg(SKY),
            unknown: plain.fg(YELLOW),
            added: plain.fg(SKY),
            removed: plain.fg(VERMILION),
            selected: plain.bg(NIGHT).add_modifier(Modifier::BOLD),
            stale: plain.fg(GREY).add_modifier(Modifier::DIM),
            first: plain.fg(SKY),
            second: plain.fg(ORANGE),
            key: plain.fg(SKY).add_modifier(Modifier::BOLD),
            input: plain.add_modifier(Modifier::BOLD),
        }
    }

    /// No colour at all: bold, dim, underlined and reversed carry the emphasis.
    #[must_use]
    pub fn plain() -> Self {
        let plain = Style::new();
        let bold = plain.add_modifier(Modifier::BOLD);
        let dim = plain.add_modifier(Modifier::DIM);
        let banner = bold.add_modifier(Modifier::REVERSED);
        Self {
            text: plain,
            faint: dim,
            heading: bold.add_modifier(Modifier::UNDERLINED),
            drill: banner,
            read_only: banner,
            armed: banner,
            bad: bold,
            warn: bold,
            good: plain,
            unknown: plain,
            added: plain,
            removed: plain,
            selected: bold,
            stale: dim,
            first: plain,
            second: plain,
            key: bold,
            input: bold,
        }
    }

    /// The default theme, or the plain one where `NO_COLOR` is set to anything (<https://no-color.org>). The caller reads
    /// the environment.
    #[must_use]
    pub fn choose(no_color: Option<&std::ffi::OsStr>) -> Self {
        if no_color.is_some_and(|value| !value.is_empty()) { Self::plain() } else { Self::colour_blind_safe() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;

    #[test]
    fn no_color_is_honoured_and_an_empty_one_is_not_set() {
        assert_eq!(Theme::choose(Some(OsStr::new("1"))), Theme::plain());
        assert_eq!(Theme::choose(Some(OsStr::new(""))), Theme::colour_blind_safe());
        assert_eq!(Theme::choose(None), Theme::colour_blind_safe());
    }
}
