//! A screen as a picture: the buffer of a test backend written as SVG, for the documentation. The same buffer always
//! gives the same bytes.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr;

/// A cell's size, in tenths of a pixel, so that every number written is exact.
const CELL_WIDTH: usize = 84;
const CELL_HEIGHT: usize = 180;
const PADDING: usize = 120;

/// What a terminal has of its own: the colours of text and background where nothing is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paper {
    text: &'static str,
    ground: &'static str,
}

/// A dark terminal.
pub const DARK: Paper = Paper { text: "#d8dee9", ground: "#12161d" };
/// A light terminal.
pub const LIGHT: Paper = Paper { text: "#1f2328", ground: "#ffffff" };

/// The buffer as an SVG document, in a dark terminal: monospace text, foreground, background, bold, dim, underlined and
/// reversed.
#[must_use]
pub fn svg(buffer: &Buffer) -> String {
    svg_on(DARK, buffer)
}

/// The same, in a terminal of either kind.
#[must_use]
pub fn svg_on(paper: Paper, buffer: &Buffer) -> String {
    let mut out = opened(paper, buffer);
    for y in 0..buffer.area.height {
        line(paper, buffer, y, &mut out);
    }
    out.push_str("</svg>\n");
    out
}

/// The document up to its first line of text.
fn opened(paper: Paper, buffer: &Buffer) -> String {
    let area = buffer.area;
    let width = usize::from(area.width) * CELL_WIDTH + 2 * PADDING;
    let height = usize::from(area.height) * CELL_HEIGHT + 2 * PADDING;
    let mut out = String::new();
    let _ = writeln!(
        out,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {} {}" font-family="ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace" font-size="14">"#,
        tenths(width),
        tenths(height)
    );
    let _ = writeln!(out, r#"<rect width="100%" height="100%" rx="6" fill="{}"/>"#, paper.ground);
    out
}

/// Frames one after another, each for so long, and from the first again: an SVG document with a style sheet and no
/// script. Lines that do not change are written once. Where nothing moves (a viewer without animation, a reader who
/// wants none) the last frame stands. All frames have the size of the first.
#[must_use]
pub fn moving(paper: Paper, frames: &[(Buffer, Duration)]) -> String {
    let Some((first, _)) = frames.first() else { return String::new() };
    let mut film = Film::new(paper, frames);
    let lines: String = (0..first.area.height).map(|y| film.row(y)).collect();
    let mut out = opened(paper, first);
    let _ = writeln!(out, "<style>{}</style>", film.style());
    out.push_str(&lines);
    out.push_str("</svg>\n");
    out
}

/// The frames of a moving picture, and from when to when something of it is shown.
struct Film<'a> {
    paper: Paper,
    frames: &'a [(Buffer, Duration)],
    /// From the beginning of one frame to that of another.
    shown: BTreeSet<(usize, usize)>,
}

impl<'a> Film<'a> {
    fn new(paper: Paper, frames: &'a [(Buffer, Duration)]) -> Self {
        Self { paper, frames, shown: BTreeSet::new() }
    }

    /// A line in all its states.
    fn row(&mut self, y: u16) -> String {
        let states: Vec<String> = self.frames.iter().map(|(buffer, _)| written(self.paper, buffer, y)).collect();
        let (mut out, mut from) = (String::new(), 0);
        while from < states.len() {
            let same = states[from..].iter().take_while(|state| **state == states[from]).count();
            let to = from + same;
            if same == states.len() {
                out.push_str(&states[from]);
            } else if !states[from].is_empty() {
                self.shown.insert((from, to));
                let last = if to == states.len() { " z" } else { "" };
                let _ = write!(out, "<g class=\"f{from}-{to}{last}\">\n{}</g>\n", states[from]);
            }
            from = to;
        }
        out
    }

    /// When each of them is to be seen.
    fn style(&self) -> String {
        let total: Duration = self.frames.iter().map(|(_, time)| *time).sum();
        let begin = |frame: usize| self.frames[..frame].iter().map(|(_, time)| *time).sum::<Duration>();
        let percent = |at: Duration| at.as_millis() as f64 / total.as_millis().max(1) as f64 * 100.0;
        let mut out = String::from("g{visibility:hidden}g.z{visibility:visible}");
        for (from, to) in &self.shown {
            let name = format!("f{from}-{to}");
            let _ = write!(out, "@keyframes {name}{{");
            if *from > 0 {
                let _ = write!(out, "0%{{visibility:hidden}}");
            }
            let _ = write!(out, "{:.3}%{{visibility:visible}}", percent(begin(*from)));
            if *to < self.frames.len() {
                let _ = write!(out, "{:.3}%{{visibility:hidden}}", percent(begin(*to)));
            }
            let _ = write!(out, "}}.{name}{{animation:{name} {}ms step-end infinite}}", total.as_millis());
        }
        out.push_str("@media(prefers-reduced-motion:reduce){g{animation:none!important}}");
        out
    }
}

fn written(paper: Paper, buffer: &Buffer, y: u16) -> String {
    let mut out = String::new();
    line(paper, buffer, y, &mut out);
    out
}

/// What makes neighbouring cells one run of text.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Look {
    foreground: String,
    background: Option<String>,
    modifier: Modifier,
}

fn line(paper: Paper, buffer: &Buffer, y: u16, out: &mut String) {
    let area = buffer.area;
    let mut x = 0;
    while x < area.width {
        let start = x;
        let Some(cell) = buffer.cell((area.x + x, area.y + y)) else {
            break;
        };
        let look = look(paper, cell);
        let mut text = String::new();
        while x < area.width
            && let Some(cell) = buffer.cell((area.x + x, area.y + y))
            && self::look(paper, cell) == look
        {
            text.push_str(cell.symbol());
            // A wide character covers the next cell, which the buffer leaves blank.
            x += u16::try_from(cell.symbol().width()).unwrap_or(1).max(1);
        }
        run(&look, &text, (start, x.min(area.width) - start, y), out);
    }
}

fn run(look: &Look, text: &str, (x, columns, y): (u16, u16, u16), out: &mut String) {
    let left = PADDING + usize::from(x) * CELL_WIDTH;
    let top = PADDING + usize::from(y) * CELL_HEIGHT;
    let width = usize::from(columns) * CELL_WIDTH;
    if let Some(background) = &look.background {
        let _ = writeln!(
            out,
            r#"<rect x="{}" y="{}" width="{}" height="{}" fill="{background}"/>"#,
            tenths(left),
            tenths(top),
            tenths(width),
            tenths(CELL_HEIGHT)
        );
    }
    if text.trim().is_empty() {
        return;
    }
    // Not all viewers keep blanks at the beginning; an underline goes along below them.
    let blanks = text.len() - text.trim_start_matches(' ').len();
    let blanks = if look.modifier.contains(Modifier::UNDERLINED) { 0 } else { blanks };
    let (left, width, text) = (left + blanks * CELL_WIDTH, width - blanks * CELL_WIDTH, &text[blanks..]);
    let mut style = String::new();
    if look.modifier.contains(Modifier::BOLD) {
        style.push_str(r#" font-weight="bold""#);
    }
    if look.modifier.contains(Modifier::ITALIC) {
        style.push_str(r#" font-style="italic""#);
    }
    if look.modifier.contains(Modifier::DIM) {
        style.push_str(r#" opacity="0.6""#);
    }
    if look.modifier.contains(Modifier::UNDERLINED) {
        style.push_str(r#" text-decoration="underline""#);
    }
    let _ = writeln!(
        out,
        r#"<text x="{}" y="{}" textLength="{}" lengthAdjust="spacingAndGlyphs" fill="{}"{style}>{}</text>"#,
        tenths(left),
        tenths(top + 135),
        tenths(width),
        look.foreground,
        escaped(text)
    );
}

fn look(paper: Paper, cell: &Cell) -> Look {
    let foreground = rgb(cell.fg).map(hex);
    let background = rgb(cell.bg).map(hex);
    if cell.modifier.contains(Modifier::REVERSED) {
        return Look {
            foreground: background.unwrap_or_else(|| paper.ground.into()),
            background: Some(foreground.unwrap_or_else(|| paper.text.into())),
            modifier: cell.modifier,
        };
    }
    Look { foreground: foreground.unwrap_or_else(|| paper.text.into()), background, modifier: cell.modifier }
}

/// The sixteen named colours, as xterm has them.
const NAMED: [u32; 16] = [
    0x00_0000, 0xcd_0000, 0x00_cd00, 0xcd_cd00, 0x00_00ee, 0xcd_00cd, 0x00_cdcd, 0xe5_e5e5, 0x7f_7f7f, 0xff_0000,
    0x00_ff00, 0xff_ff00, 0x5c_5cff, 0xff_00ff, 0x00_ffff, 0xff_ffff,
];

/// Red, green and blue of a colour, as xterm has it; `None` for the terminal's own.
#[must_use]
pub fn rgb(colour: Color) -> Option<[u8; 3]> {
    let index = match colour {
        Color::Reset => return None,
        Color::Rgb(r, g, b) => return Some([r, g, b]),
        Color::Indexed(index) => index,
        Color::Black => 0,
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 8,
        Color::LightRed => 9,
        Color::LightGreen => 10,
        Color::LightYellow => 11,
        Color::LightBlue => 12,
        Color::LightMagenta => 13,
        Color::LightCyan => 14,
        Color::White => 15,
    };
    Some(indexed(index))
}

/// xterm's table of 256: sixteen named, a cube of six, a ramp of greys.
fn indexed(index: u8) -> [u8; 3] {
    match index {
        0..16 => {
            let [_, r, g, b] = NAMED[usize::from(index)].to_be_bytes();
            [r, g, b]
        }
        16..232 => {
            let n = index - 16;
            [n / 36, n / 6 % 6, n % 6].map(|v| if v == 0 { 0 } else { 55 + 40 * v })
        }
        232.. => [8 + 10 * (index - 232); 3],
    }
}

fn hex([r, g, b]: [u8; 3]) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

fn tenths(value: usize) -> String {
    if value.is_multiple_of(10) { (value / 10).to_string() } else { format!("{}.{}", value / 10, value % 10) }
}

/// Text for XML. Blanks are kept by being made unbreakable, since viewers disagree on `xml:space`; control characters,
/// which XML does not allow, become `�`.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            ' ' => out.push('\u{a0}'),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    #[test]
    fn what_does_not_move_is_written_once_and_the_last_frame_stands_without_animation() {
        let frame = |text: &str| {
            let mut buffer = Buffer::empty(Rect::new(0, 0, 12, 2));
            buffer.set_string(0, 0, "the same", Style::new());
            buffer.set_string(0, 1, text, Style::new());
            (buffer, Duration::from_millis(500))
        };
        let picture = moving(DARK, &[frame("calm"), frame("attack"), frame("attack"), frame("contained")]);
        assert_eq!(picture.matches("the\u{a0}same").count(), 1);
        assert_eq!(picture.matches(">attack").count(), 1);
        assert!(
            picture.contains(
                "@keyframes f1-3{0%{visibility:hidden}25.000%{visibility:visible}75.000%{visibility:hidden}}"
            )
        );
        assert!(picture.contains(r#"<g class="f3-4 z">"#), "{picture}");
        assert!(picture.contains("2000ms step-end infinite"));
    }

    #[test]
    fn runs_of_one_look_become_one_text() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 12, 2));
        buffer.set_string(0, 0, "a<b & 店", Style::new().fg(Color::Indexed(202)));
        buffer.set_string(0, 1, "x", Style::new().add_modifier(Modifier::REVERSED));
        let picture = svg(&buffer);
        assert!(picture.contains(">a&lt;b\u{a0}&amp;\u{a0}店</text>"), "{picture}");
        assert!(picture.contains(r##"fill="#ff5f00""##));
        assert!(picture.contains(r##"<rect x="12" y="30" width="8.4" height="18" fill="#d8dee9"/>"##), "{picture}");
        assert_eq!(picture, svg(&buffer));
    }
}
