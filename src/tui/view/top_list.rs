//! What the requests have in common: the lists beside that of the addresses.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::model::counted::{Bounds, CountedBy};
use crate::model::source::Sources;
use crate::model::top_list::{TopList, TopRow};
use crate::tui::format::{counted, percent, rate, time};
use crate::tui::state::State;

use super::draw;
use crate::tui::lines::page::Page;

const MARGIN: u16 = 2;

/// Columns for a mark.
const MARK: u16 = 4;

/// Columns that the bounds of an estimate take.
pub(super) const WITHIN: u16 = 12;

/// ` (103–12k)`: what an estimate may really be.
pub(super) fn within(bounds: Option<Bounds>) -> String {
    bounds.map_or_else(String::new, |of| format!(" ({}–{})", rate(of.at_least as f64), rate(of.at_most as f64)))
}

/// A column of figures: its title, its width, and what it shows of a row.
type Figures = (&'static str, u16, fn(&TopRow) -> String);

fn columns(list: &TopList) -> [Figures; 4] {
    let requests = if list.counted_by == CountedBy::AccessLog { "req" } else { "est.req" };
    let wide = if list.rows.iter().any(|row| row.requests_bounds.is_some()) { 7 + WITHIN } else { 7 };
    [
        (requests, wide, |row| rate(row.requests as f64) + &within(row.requests_bounds)),
        ("share", 5, |row| percent(row.share)),
        ("before", 6, |row| row.before_share.map_or_else(|| "?".to_owned(), percent)),
        ("addr", 6, |row| row.addresses.map_or_else(|| "?".to_owned(), |n| n.to_string())),
    ]
}

/// Draws the rows of a list.
pub(super) fn rows(state: &State, list: &TopList, area: Rect, buffer: &mut Buffer) {
    let pane = &state.sources;
    let columns = columns(list);
    let figures: u16 = columns.iter().map(|(_, width, _)| width + 1).sum();
    let margin = MARGIN + if pane.can_mark() { MARK } else { 0 };
    let name = area.width.saturating_sub(margin + figures);
    let write = |line: Rect, buffer: &mut Buffer, style: Style, title: &str, text: &dyn Fn(&Figures) -> String| {
        let cell = |x: u16, width: u16| {
            let rest = draw::after(line, x);
            Rect { width: width.min(rest.width), ..rest }
        };
        draw::left(buffer, cell(margin, name), title, style);
        let mut x = margin + name;
        for column in &columns {
            draw::right(buffer, cell(x + 1, column.1), &text(column), style);
            x += column.1 + 1;
        }
    };
    write(draw::row(area, 0), buffer, state.looks.theme.heading, list.of.one(), &|column| column.0.to_owned());
    let height = usize::from(area.height.saturating_sub(1));
    let first = pane.cursor.first_shown(list.rows.len(), height);
    for (y, (n, row)) in (1..area.height).zip(list.rows.iter().enumerate().skip(first).take(height)) {
        let line = draw::row(area, y);
        let marked = row.prefix.is_some_and(|prefix| pane.marked().contains(&prefix));
        let style = if marked { state.looks.theme.warn } else { state.looks.theme.text };
        if pane.can_mark() {
            draw::left(buffer, draw::after(line, MARGIN), if marked { "[x]" } else { "[ ]" }, style);
        }
        write(line, buffer, style, &row.name, &|column| (column.2)(row));
        if n == pane.cursor.at {
            buffer.set_style(line, state.looks.theme.selected);
            draw::left(buffer, line, "▸", state.looks.theme.key);
        }
    }
}

/// ` of all 3 stages behind the web ACL`, where others than the one that is shown may be meant.
pub(super) fn behind(sources: &Sources) -> String {
    match sources.stages_behind {
        0 | 1 => String::new(),
        stages => format!(" of all {stages} stages behind the web ACL"),
    }
}

/// What the row under the cursor says, and what the list rests on.
pub(super) fn selected(state: &State, sources: &Sources, list: &TopList, page: &mut Page) {
    let theme = &state.looks.theme;
    if let Some(row) = state.sources.row() {
        let before = match row.before_share {
            Some(share) => format!("{} before the attack", percent(share)),
            None => "before the attack: not known".to_owned(),
        };
        let addresses = row.addresses.map_or_else(String::new, |n| format!("; {}", counted(n, "address")));
        page.text(0, &format!("{}: {} of the requests, {before}{addresses}", row.name, percent(row.share)), theme.text);
    }
    let origin = match list.counted_by {
        CountedBy::AccessLog => "counted in the access log".to_owned(),
        CountedBy::WafSamples | CountedBy::RateRule => {
            let (from, to) = (time(sources.from), time(sources.to));
            format!("estimated from WAF's samples, {from}–{to}{}", behind(sources))
        }
    };
    let part = if list.counted_share < 1.0 {
        format!("; they rest on {} of the requests: a row may count more", percent(list.counted_share))
    } else {
        String::new()
    };
    let shown = if list.distinct > list.rows.len() {
        format!("; the first {} of {}", list.rows.len(), list.distinct)
    } else {
        String::new()
    };
    page.text(0, &format!("{} {origin}{shown}{part}", list.of.title()), theme.faint);
}
