//! The keymap as documentation.

use std::fmt::Write as _;

use super::Keymap;
use crate::tui::command::{Command, Context};

/// A row of a table: keys, name, what it does.
type Row = (String, &'static str, &'static str);

/// The keymap as a Markdown table that also reads well in a terminal, a table per context.
#[must_use]
pub fn table(keymap: &Keymap) -> String {
    let mut out = String::new();
    for context in Context::ALL {
        let row = |(command, keys): (Command, String)| (keys.replace('|', "\\|"), command.name(), command.doc());
        let rows: Vec<Row> = keymap.commands(context).map(row).collect();
        if !rows.is_empty() {
            let _ = write!(out, "## [{}] {}\n\n{}\n", context.name(), context.doc(), rows_of(&rows));
        }
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

fn rows_of(rows: &[Row]) -> String {
    let wide = |pick: fn(&Row) -> usize, least: usize| rows.iter().map(pick).max().unwrap_or(0).max(least);
    let keys = wide(|row| row.0.chars().count(), 4);
    let names = wide(|row| row.1.len(), 7);
    let docs = wide(|row| row.2.chars().count(), 12);
    let mut out = String::new();
    let _ = writeln!(out, "| {:keys$} | {:names$} | {:docs$} |", "Keys", "Command", "What it does");
    let _ = writeln!(out, "| {:-<keys$} | {:-<names$} | {:-<docs$} |", "", "", "");
    for (key, name, doc) in rows {
        let _ = writeln!(out, "| {key:keys$} | {name:names$} | {doc:docs$} |");
    }
    out
}

/// `docs/keymaps.md`, whole: generated, so that it cannot be out of date.
#[must_use]
pub fn document(keymap: &Keymap) -> String {
    format!("{HEAD}{}", table(keymap))
}

const HEAD: &str = "\
# Keys

<!-- Generated from keymaps/default.toml, src/tui/keymap/document.rs and src/tui/command.rs; `PORTCULLIS_BLESS=1 cargo test keymap` writes it anew. -->

These are the built-in keys. A file of your own is laid over them: it names only the commands whose keys it changes,
in a table per context (`[board]`), as `command = \"key\"` or `command = [\"key\", \"key\"]`. `portcullis keys` prints the
keymap in force, `portcullis keys check FILE` says what is wrong with a file, with its line.

A key is a character or one of `esc enter space tab backtab backspace delete insert home end pageup pagedown up down
left right f1`–`f24`, with `ctrl-`, `alt-` or `shift-` before it; a capital letter is shift and the letter. Any character of any script
that can be seen is a key, as terminals send it: one at a time, so that a letter with a mark of its own is written as one character. What terminals
never send as itself is refused: Ctrl with `i m h [`, and Alt with `[ ] O P X ^ _ \\`. A key may be
bound once per context, the global ones included, and every command keeps at least one. In a prompt, characters are
typed, so only other keys can be bound there; the line is edited with the usual keys (←, →, Home, End, Ctrl-w, Ctrl-u).

Keys with spaces between them are pressed one after the other: `\"g g\"`, `\"ctrl-x ctrl-c\"`, `\"space f\"`. After the first, the status line says
what may follow. There is no hurry: only a key goes on or ends it. Esc ends it, and so does a key that continues nothing, a paste and another size of the
terminal; none of them does anything else then. A key cannot be a binding by itself and begin another one where both would answer. Prompts have no sequences.

";
