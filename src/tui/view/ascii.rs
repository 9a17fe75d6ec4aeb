//! Stand-ins for what a terminal without UTF-8 cannot show. What the views draw is known here alone, when every cell is
//! written: a view needs to know nothing of it.
//!
//! Anything else beyond ASCII, in names and in requests, becomes `?`: its bytes would be other characters in such a
//! terminal, or controls.

use ratatui::buffer::Buffer;

/// Leaves only ASCII.
pub(super) fn only(buffer: &mut Buffer) {
    for cell in &mut buffer.content {
        if !cell.symbol().is_ascii() {
            let instead = stand_in(cell.symbol());
            cell.set_char(instead);
        }
    }
}

/// Characters, and below each its stand-in.
#[rustfmt::skip]
const STAND_INS: [(&str, &str); 6] = [
    // The eight heights of a sparkline: still eight.
    ("▁▂▃▄▅▆▇█",
     "_.:-=+*#"),
    // The lower part of stacked columns, and the second line of a chart; the first is of dots, the third of `+`.
    ("░•",
     ":o"),
    ("─–—│┊┌┐└┘├┤┬┴┼",
     "---||+++++++++"),
    ("▸▶→◀←▴↑▾▼↓",
     ">>><<^^vvv"),
    ("≈≤≥×·…",
     "~<>x.."),
    ("“”‘’\u{a0}",
     "\"\"'' "),
];

fn stand_in(symbol: &str) -> char {
    let first = symbol.chars().next().unwrap_or(' ');
    match first {
        // A letter with marks on it.
        c if c.is_ascii() => c,
        // The dots of a chart's first line.
        '\u{2801}'..='\u{28ff}' => '.',
        _ => {
            let known = STAND_INS.iter().flat_map(|(from, to)| from.chars().zip(to.chars()));
            known.into_iter().find(|(from, _)| *from == first).map_or('?', |(_, to)| to)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    #[test]
    fn every_cell_is_ascii_and_stands_where_it_stood() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 40, 1));
        buffer.set_string(0, 0, "▸a “店” e\u{301}é ▁▂▃▄▅▆▇█ ≈5 %…", Style::new());
        only(&mut buffer);
        let text: String = buffer.content.iter().map(ratatui::buffer::Cell::symbol).collect();
        assert_eq!(text.trim_end(), ">a \"? \" e? _.:-=+*# ~5 %.");
    }

    #[test]
    fn each_has_a_stand_in() {
        for (from, to) in STAND_INS {
            assert_eq!(from.chars().count(), to.chars().count(), "{from}");
            assert!(to.is_ascii(), "{to}");
        }
    }

    #[test]
    fn heights_and_curves_are_still_told_apart() {
        let heights: std::collections::BTreeSet<char> = "▁▂▃▄▅▆▇█".chars().map(|c| stand_in(&c.to_string())).collect();
        assert_eq!(heights.len(), 8);
        for set in [["⠤", "•", "+"], ["░", "█", " "], ["│", "─", "┊"]] {
            let [a, b, c] = set.map(stand_in);
            assert!(a != b && b != c, "{set:?}");
        }
    }
}
