//! Text onto the buffer, clipped, padded and neutralised. Every string that reaches the screen comes through here or
//! through [`crate::tui::lines::page`].

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use unicode_width::UnicodeWidthStr;

use crate::tui::format::fit;

/// Writes `text` at the left of the first line of `area`, cut to its width; returns the columns it took.
pub(crate) fn left(buffer: &mut Buffer, area: Rect, text: &str, style: Style) -> u16 {
    let area = area.intersection(buffer.area);
    if area.is_empty() || text.is_empty() {
        return 0;
    }
    let text = fit(text, area.width.into());
    let (end, _) = buffer.set_stringn(area.x, area.y, &text, area.width.into(), style);
    end - area.x
}

/// Writes `text` at the right of the first line of `area`, cut to its width.
pub(crate) fn right(buffer: &mut Buffer, area: Rect, text: &str, style: Style) {
    let text = fit(text, area.width.into());
    let wide = u16::try_from(text.width()).unwrap_or(area.width).min(area.width);
    let area = Rect { x: area.x + area.width - wide, width: wide, ..area };
    left(buffer, area, &text, style);
}

/// Writes lines from `first` on, as many as fit.
pub(crate) fn lines(buffer: &mut Buffer, area: Rect, lines: &[Line<'_>], first: usize) {
    let area = area.intersection(buffer.area);
    for (y, line) in (area.y..area.bottom()).zip(lines.iter().skip(first)) {
        buffer.set_line(area.x, y, line, area.width);
    }
}

/// The `n`-th line of an area; empty where there is none.
pub(crate) fn row(area: Rect, n: u16) -> Rect {
    Rect { y: area.y.saturating_add(n), height: 1, ..area }.intersection(area)
}

/// `area` without its first `columns`.
pub(crate) fn after(area: Rect, columns: u16) -> Rect {
    let columns = columns.min(area.width);
    Rect { x: area.x + columns, width: area.width - columns, ..area }
}

/// The eight heights of a sparkline: the first is zero, so that it is told from a gap, which is a space.
const BARS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// Draws one value a column; a gap stays empty, zero is the lowest bar, anything more is at least the second.
pub(crate) fn spark(
    buffer: &mut Buffer,
    area: Rect,
    values: impl Iterator<Item = Option<f64>>,
    most: f64,
    style: Style,
) {
    let area = area.intersection(buffer.area);
    for (x, value) in (area.x..area.right()).zip(values) {
        let Some(value) = value else { continue };
        if let Some(cell) = buffer.cell_mut((x, area.y)) {
            cell.set_symbol(bar(value, most)).set_style(style);
        }
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn bar(value: f64, most: f64) -> &'static str {
    if value <= 0.0 || most <= 0.0 {
        return BARS[0];
    }
    let step = (value / most * 7.0).ceil().clamp(1.0, 7.0);
    BARS[step as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_told_from_little() {
        assert_eq!(bar(0.0, 100.0), "▁");
        assert_eq!(bar(0.01, 100.0), "▂");
        assert_eq!(bar(100.0, 100.0), "█");
        assert_eq!(bar(0.0, 0.0), "▁");
    }
}
