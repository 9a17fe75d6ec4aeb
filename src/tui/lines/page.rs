//! Pages of wrapped text with headings and hanging indents. Neutralises every string it is given.

use std::borrow::Cow;

use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

use crate::tui::format::{fit, wrap};

/// Lines being gathered for a page of a known width.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) width: usize,
    pub(crate) lines: Vec<Line<'static>>,
}

impl Page {
    pub(crate) fn new(width: u16) -> Self {
        Self { width: width.into(), lines: Vec::new() }
    }

    /// An empty line, unless the page is empty.
    pub(crate) fn gap(&mut self) {
        if !self.lines.is_empty() {
            self.lines.push(Line::default());
        }
    }

    /// Spans on one line, cut at the right.
    pub(crate) fn spans(&mut self, spans: &[(&str, Style)]) {
        let mut room = self.width;
        let mut line = Vec::with_capacity(spans.len());
        for (text, style) in spans {
            let text = fit(text, room).into_owned();
            room -= text.width().min(room);
            line.push(Span::styled(text, *style));
        }
        self.lines.push(Line::from(line));
    }

    /// Text, wrapped, indented by `indent` columns.
    pub(crate) fn text(&mut self, indent: usize, text: &str, style: Style) {
        self.hanging("", Style::new(), indent, text, style);
    }

    /// A label and wrapped text that hangs `indent` columns in.
    pub(crate) fn hanging(&mut self, label: &str, label_style: Style, indent: usize, text: &str, style: Style) {
        let width = self.width.saturating_sub(indent);
        for (n, part) in wrap(text, width).into_iter().enumerate() {
            let lead: Cow<'_, str> = if n == 0 { fit(label, indent) } else { "".into() };
            let pad = " ".repeat(indent - lead.width().min(indent));
            self.lines.push(Line::from(vec![
                Span::styled(lead.into_owned(), label_style),
                Span::raw(pad),
                Span::styled(part, style),
            ]));
        }
    }

    /// Cells side by side, as many columns as fit, indented.
    pub(crate) fn columns(&mut self, indent: usize, cells: &[String], style: Style) {
        let wide = cells.iter().map(|c| c.width()).max().unwrap_or(1) + 2;
        let room = self.width.saturating_sub(indent);
        let per_line = (room / wide).max(1);
        for chunk in cells.chunks(per_line) {
            let mut line = " ".repeat(indent);
            for cell in chunk {
                let cell = fit(cell, room);
                line.push_str(&cell);
                line.push_str(&" ".repeat(wide.saturating_sub(cell.width())));
            }
            self.lines.push(Line::styled(line.trim_end().to_owned(), style));
        }
    }
}
