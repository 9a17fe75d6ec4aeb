//! A cursor in a list longer than the screen. Knows neither what is listed nor how it is drawn.

/// Where the cursor is, and which line is the first on the screen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// The line under the cursor.
    pub(crate) at: usize,
    /// The first line shown.
    pub(crate) top: usize,
}

impl Cursor {
    /// Moves by `delta` lines, stopping at both ends of `len` lines.
    pub(crate) fn move_by(&mut self, delta: isize, len: usize) {
        self.at = self.at.saturating_add_signed(delta).min(len.saturating_sub(1));
    }

    /// Keeps the cursor inside `len` lines and on a screen of `height`.
    pub(crate) fn settle(&mut self, len: usize, height: usize) {
        self.at = self.at.min(len.saturating_sub(1));
        self.top = self.first_shown(len, height);
    }

    /// The first line to show so that the cursor is on a screen of `height`; what `settle` stores. Drawing asks for it
    /// again, so that a frame between a resize and its event is right as well.
    pub(crate) fn first_shown(&self, len: usize, height: usize) -> usize {
        let height = height.max(1);
        let lowest = (self.at + 1).saturating_sub(height);
        let highest = self.at.min(len.saturating_sub(height));
        self.top.clamp(lowest.min(highest), highest.max(lowest))
    }
}

/// A text longer than the screen: only its first line shown moves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Scroll(pub(crate) usize);

impl Scroll {
    /// Moves by `delta` lines; the last line stays on the screen.
    pub(crate) fn move_by(&mut self, delta: isize, len: usize, height: usize) {
        self.0 = self.0.saturating_add_signed(delta);
        self.settle(len, height);
    }

    /// Keeps inside a text of `len` lines.
    pub(crate) fn settle(&mut self, len: usize, height: usize) {
        self.0 = self.0.min(len.saturating_sub(height.max(1)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_stays_on_the_screen() {
        let mut cursor = Cursor::default();
        for delta in [3, 30, -7, 500, -1, -500, 9] {
            cursor.move_by(delta, 40);
            cursor.settle(40, 10);
            assert!(cursor.at < 40);
            assert!((cursor.top..cursor.top + 10).contains(&cursor.at));
            assert!(cursor.top <= 30);
        }
    }

    #[test]
    fn a_list_that_shrinks_pulls_the_cursor_along() {
        let mut cursor = Cursor { at: 35, top: 30 };
        cursor.settle(3, 10);
        assert_eq!(cursor, Cursor { at: 2, top: 0 });
        cursor.settle(0, 10);
        assert_eq!(cursor, Cursor { at: 0, top: 0 });
    }
}
