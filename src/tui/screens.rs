//! The screens there are, and which are open. Plain data.

use super::command::Context;
use super::list::Scroll;

/// What fills the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Screen {
    /// The stages.
    Board,
    /// One stage.
    Stage,
    /// Who is sending what.
    Sources,
    /// A plan.
    Review,
    /// The timeline.
    Timeline,
    /// The playbooks.
    Playbooks,
    /// One playbook.
    Playbook,
    /// The help.
    Help,
}

impl Screen {
    /// Where its keys are looked up.
    #[must_use]
    pub fn context(self) -> Context {
        match self {
            Self::Board => Context::Board,
            Self::Stage => Context::Stage,
            Self::Sources => Context::Sources,
            Self::Review => Context::Review,
            Self::Timeline => Context::Timeline,
            Self::Playbooks => Context::Playbooks,
            Self::Playbook => Context::Playbook,
            Self::Help => Context::Help,
        }
    }
}

/// The screens that are open, one above the other.
#[derive(Debug)]
pub(crate) struct Screens {
    /// Never empty; the last is shown.
    open: Vec<Screen>,
    /// How far the help is scrolled: it has nothing else of its own.
    pub(crate) help_scroll: Scroll,
}

impl Default for Screens {
    fn default() -> Self {
        Self { open: vec![Screen::Board], help_scroll: Scroll::default() }
    }
}

impl Screens {
    /// The one that fills the body.
    pub(crate) fn shown(&self) -> Screen {
        self.downwards().next().unwrap_or(Screen::Board)
    }

    /// Those that are open, the one that is shown first.
    pub(crate) fn downwards(&self) -> impl Iterator<Item = Screen> {
        self.open.iter().rev().copied()
    }

    pub(crate) fn is_open(&self, screen: Screen) -> bool {
        self.open.contains(&screen)
    }

    /// Shows a screen; one that is open below is gone back to, so that Esc always leads home.
    pub(crate) fn go(&mut self, screen: Screen) {
        if let Some(open) = self.open.iter().position(|s| *s == screen) {
            self.open.truncate(open + 1);
            return;
        }
        if screen == Screen::Help {
            self.help_scroll = Scroll::default();
        }
        self.open.push(screen);
    }

    /// Back to the one below; whether there was one.
    pub(crate) fn back(&mut self) -> bool {
        let is_any = self.open.len() > 1;
        if is_any {
            self.open.pop();
        }
        is_any
    }
}
