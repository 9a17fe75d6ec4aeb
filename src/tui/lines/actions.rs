//! An action in few words: what it is aimed at, and how long it has left.

use chrono::{DateTime, Utc};
use ratatui::style::Style;

use crate::model::action::{Action, AllowIp, BlockIp};
use crate::model::timeline::ActionRecord;
use crate::tui::format::{minutes, time};
use crate::tui::theme::Theme;

/// What an action is aimed at, on one line.
pub(crate) fn aim(action: &ActionRecord) -> String {
    match &action.action {
        Action::BlockIp(BlockIp { targets, .. }) | Action::AllowIp(AllowIp { targets, .. }) if targets.len() > 1 => {
            format!("{} prefixes", targets.len())
        }
        action => action.aim(),
    }
}

/// How long an action has left by the time of its account, `now`.
pub(crate) fn remaining(theme: &Theme, now: Option<DateTime<Utc>>, action: &ActionRecord) -> (String, Style) {
    match (action.expires_at, now) {
        (Some(expires), Some(now)) if expires <= now => (format!("EXPIRED {} ago", minutes(now - expires)), theme.bad),
        (Some(expires), Some(now)) => (format!("{} left", minutes(expires - now)), theme.text),
        (Some(expires), None) => (format!("until {}", time(expires)), theme.text),
        (None, _) => ("no expiry".into(), theme.faint),
    }
}
