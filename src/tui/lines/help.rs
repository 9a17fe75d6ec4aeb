//! The help as text: the keys, generated from the keymap, the ones of the screen it was called from first; then the
//! marks.

use ratatui::text::Line;

use crate::tui::command::{Command, Context};
use crate::tui::state::{Screen, State};

use super::page::Page;

/// Columns of the keys on the left.
const GUTTER: usize = 22;

const MARKS: [(&str, &str); 15] = [
    ("?", "not known; the reason is in the details. Never a guess, never a silent zero"),
    ("0", "zero, measured. A gap in a chart or sparkline is a minute without data"),
    ("~", "provisional: CloudWatch may still change the last two or three minutes"),
    ("allow/s block/s", "requests a second that WAF let through and refused, of everything behind the web ACL"),
    ("429/s", "requests a second that were throttled; ? says in the details what to turn on so that it is known"),
    ("acl:3", "WAF's figures are the web ACL's, and three stages of the board are behind it"),
    ("api:2", "two APIs have this name, and CloudWatch counts them together (inferred)"),
    ("ATTACK notice", "the worst active signal on the stage; ! is a warning without a signal"),
    ("*", "a stage that is kept on top (pinned)"),
    ("STALE 4m", "the figures are that old: do not act on them as if they were live"),
    ("×20", "account time runs twenty times as fast as the clock on the wall (drills only)"),
    ("account 43%", "how much of the limit that all APIs of the account share in this region is used"),
    ("traffic $1.20/h", "what the traffic costs at the configured prices; an estimate"),
    ("polling $0.012/h", "what polling costs at CloudWatch's price as configured; an estimate"),
    ("–", "an HTTP API has no WAF: there is nothing to know"),
];

/// The help, whole.
pub(crate) fn text(state: &State, width: u16) -> Vec<Line<'static>> {
    let theme = &state.looks.theme;
    let mut page = Page::new(width);
    let below = state.screens.downwards().nth(1);
    let here = below.map_or(Context::Board, Screen::context);
    let mut contexts = vec![here, Context::Global];
    contexts.extend(Context::ALL.into_iter().filter(|c| *c != here && *c != Context::Global));
    for context in contexts {
        let mut first = true;
        let several = state.fleet.several();
        for (command, keys) in state.keys.map.commands(context).filter(|(c, _)| several || *c != Command::NextAccount) {
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
