//! Making any text harmless in Markdown: no control characters, no markup, no HTML, no links, no table cell of its own.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::model::text::neutralised;

/// `text` as plain words in Markdown, in a paragraph, a list or a table cell, always on one line.
///
/// What a renderer would turn into a link by itself is defanged: `://`, `www.` and `@` get brackets.
pub(super) fn text(text: &str) -> String {
    let clean = neutralised(text);
    let mut out = String::with_capacity(clean.len() + 16);
    let mut rest: &str = &clean;
    while let Some(c) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("://") {
            out.push_str("\\[:\\]//");
            rest = after;
            continue;
        }
        if rest.get(..4).is_some_and(|w| w.eq_ignore_ascii_case("www.")) {
            let _ = write!(out, "{}\\[.\\]", &rest[..3]);
            rest = &rest[4..];
            continue;
        }
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '@' => out.push_str("\\[@\\]"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '{' | '}' | '~' | '|' | '#' | '!' | '$' => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
        rest = &rest[c.len_utf8()..];
    }
    out
}

/// `code` as a code span in a paragraph or list.
pub(super) fn code(code: &str) -> String {
    let clean = neutralised(code);
    if clean.trim().is_empty() {
        return "(empty)".to_owned();
    }
    let fence = "`".repeat(longest_run(&clean) + 1);
    let pad = if clean.starts_with('`') || clean.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{clean}{pad}{fence}")
}

/// `text` as a code span in a table cell. Renderers disagree about bars in code in a table: with one it is plain words.
pub(super) fn code_cell(cell: &str) -> String {
    if cell.contains('|') { text(cell) } else { code(cell) }
}

/// Lines in a fenced block that they cannot end.
pub(super) fn block(language: &str, lines: &[String]) -> String {
    let clean: Vec<Cow<'_, str>> = lines.iter().map(|line| neutralised(line)).collect();
    let longest = clean.iter().map(|line| longest_run(line)).max().unwrap_or(0);
    let fence = "`".repeat(3.max(longest + 1));
    let mut out = format!("{fence}{language}\n");
    for line in clean {
        out.push_str(&line);
        out.push('\n');
    }
    out.push_str(&fence);
    out.push('\n');
    out
}

/// The longest run of backticks.
fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_carry_no_markup_no_html_no_links() {
        assert_eq!(text("<script>alert(1)</script>|a`b`"), r"&lt;script&gt;alert(1)&lt;/script&gt;\|a\`b\`");
        assert_eq!(
            text("[x](https://evil.example) WWW.evil.example a@b"),
            r"\[x\](https\[:\]//evil.example) WWW\[.\]evil.example a\[@\]b"
        );
        assert_eq!(text(r"a\|b"), r"a\\\|b");
    }

    #[test]
    fn line_ends_and_escape_sequences_become_visible() {
        assert_eq!(text("one\ntwo\x1b[31m\u{202e}"), r"one\\x0atwo\\x1b\[31m\\u\{202e\}");
    }

    #[test]
    fn text_beyond_ascii_is_cut_nowhere() {
        assert_eq!(text("wwé w店w. käse"), "wwé w店w. käse");
    }

    #[test]
    fn a_code_span_cannot_be_ended_from_inside() {
        assert_eq!(code("a``b`"), "``` a``b` ```");
        assert_eq!(code(" "), "(empty)");
        assert_eq!(code_cell("a|b"), r"a\|b");
    }

    #[test]
    fn a_block_cannot_be_ended_from_inside() {
        let block = block("diff", &["````".to_owned(), "a\n```".to_owned()]);
        assert_eq!(block, "`````diff\n````\na\\x0a```\n`````\n");
    }
}
