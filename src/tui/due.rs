//! What is due at the terminal, for whoever owns it. Plain data; what is taken is asked for once.

use super::event::StopReason;

/// What becomes of the terminal before the next frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum BeforeFrame {
    /// The frame is drawn over the last one.
    #[default]
    Nothing,
    /// It owes nothing to what is there.
    Clear,
    /// The console is suspended first.
    Suspend,
}

/// What is due at the terminal.
#[derive(Debug)]
pub(crate) struct Due {
    /// Whether a frame would differ from the last one drawn.
    pub(crate) changed: bool,
    pub(crate) before_frame: BeforeFrame,
    /// Whether somebody has to look: the bell is rung once.
    pub(crate) ring: bool,
    /// What the terminal's clipboard is to take.
    pub(crate) copied: Option<String>,
    /// Why the process is to stop, where a signal said so.
    pub(crate) stopped: Option<StopReason>,
}

impl Default for Due {
    /// The first frame.
    fn default() -> Self {
        Self { changed: true, before_frame: BeforeFrame::Nothing, ring: false, copied: None, stopped: None }
    }
}

impl Due {
    /// The next frame owes nothing to what is on the terminal.
    pub(crate) fn draw_anew(&mut self) {
        self.before_frame = BeforeFrame::Clear;
        self.changed = true;
    }

    /// Whether a frame would differ from the last one drawn.
    pub(crate) fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// Whether the terminal is to be cleared before the next frame.
    pub(crate) fn take_clear(&mut self) -> bool {
        std::mem::take(&mut self.before_frame) == BeforeFrame::Clear
    }

    /// Whether the console is to be suspended.
    pub(crate) fn take_suspend(&mut self) -> bool {
        let asked = self.before_frame == BeforeFrame::Suspend;
        if asked {
            self.before_frame = BeforeFrame::Nothing;
        }
        asked
    }

    /// Whether somebody has to look.
    pub(crate) fn take_ring(&mut self) -> bool {
        std::mem::take(&mut self.ring)
    }

    /// What the terminal's clipboard is to take.
    pub(crate) fn take_copied(&mut self) -> Option<String> {
        self.copied.take()
    }
}
