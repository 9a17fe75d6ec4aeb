//! The help: the keys, generated from the keymap, the ones of the screen it was called from first; then the marks.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::tui::command::{Command, Context};
use crate::tui::state::State;

use super::draw;
use super::page::Page;

/// Columns of the keys on the left.
const GUTTER: usize = 22;

const MARKS: [(&str, &str); 12] = [
    ("?", "not known; the reason stands in the details. Never a guess, never a silent zero"),
    ("0", "zero, measured. A gap in a chart or sparkline is a minute without data"),
    ("~", "provisional: CloudWatch may still change the last two or three minutes"),
    ("allow/s block/s", "requests a second that WAF let through and refused, of everything behind the web ACL"),
    ("429/s", "requests a second that were throttled; ? says in the details what to turn on so that it is known"),
    ("acl:3", "WAF's figures are the web ACL's, and three stages of the board stand behind it"),
    ("api:2", "two APIs have this name, and CloudWatch counts them together (inferred)"),
    ("ATTACK notice", "the worst signal that stands on the stage; ! is a warning without a signal"),
    ("*", "a stage that is kept on top (pinned)"),
    ("STALE 4m", "the figures are that old: do not act on them as if they were live"),
    ("×20", "account time runs twenty times as fast as the clock on the wall (drills only)"),
    ("$0.012/h est.", "what polling costs at CloudWatch's price as configured; an estimate"),
];

/// Draws it.
pub(crate) fn draw(state: &State, body: Rect, buffer: &mut Buffer) {
    let text = text(state, body.width);
    let first = state.help_scroll.0.min(text.len().saturating_sub(body.height.into()));
    draw::lines(buffer, body, &text, first);
    if text.len() > usize::from(body.height) {
        let place =
            format!("lines {}–{} of {}", first + 1, (first + usize::from(body.height)).min(text.len()), text.len());
        draw::right(buffer, draw::row(body, 0), &place, state.theme.faint);
    }
}

/// The help, whole.
pub(crate) fn text(state: &State, width: u16) -> Vec<Line<'static>> {
    let theme = &state.theme;
    let mut page = Page::new(width);
    let below = state.screens.iter().rev().nth(1);
    let here = below.map_or(Context::Board, |s| s.context());
    let mut contexts = vec![here, Context::Global];
    contexts.extend(Context::ALL.into_iter().filter(|c| *c != here && *c != Context::Global));
    for context in contexts {
        let mut first = true;
        let several = state.fleet.several();
        for (command, keys) in state.keymap.commands(context).filter(|(c, _)| several || *c != Command::NextAccount) {
            if first {
                page.gap();
                page.spans(&[(context.doc(), theme.heading)]);
                first = false;
            }
            page.hanging(&format!("  {keys}"), theme.key, GUTTER, command.doc(), theme.text);
        }
    }
    page.gap();
    page.spans(&[("what the marks mean", theme.heading)]);
    for (mark, meaning) in MARKS {
        page.hanging(&format!("  {mark}"), theme.key, GUTTER, meaning, theme.text);
    }
    page.lines
}
