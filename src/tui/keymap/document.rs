//! The keymaps as documentation.

use std::fmt::Write as _;

use super::{BUILT_IN, Base, Keymap, KeymapError, load_over};
use crate::tui::command::{Command, Context};

/// A row of a table: keys, name, what it does.
type Row = (String, &'static str, &'static str);

/// The keymap as a Markdown table that also reads well in a terminal, a table per context.
#[must_use]
pub fn table(keymap: &Keymap) -> String {
    tables(keymap, "##", |_, _, _| true)
}

/// The tables of a keymap's rows that are `wanted`.
fn tables(keymap: &Keymap, heading: &str, wanted: impl Fn(Context, Command, &str) -> bool) -> String {
    let mut out = String::new();
    for context in Context::ALL {
        let of_context = keymap.commands(context).filter(|(command, keys)| wanted(context, *command, keys));
        let rows: Vec<Row> =
            of_context.map(|(command, keys)| (keys.replace('|', "\\|"), command.name(), command.doc())).collect();
        if !rows.is_empty() {
            let _ = write!(out, "{heading} [{}] {}\n\n{}\n", context.name(), context.doc(), rows_of(&rows));
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

/// What a built-in keymap binds otherwise than the default.
fn differences(name: &str, default: &Keymap) -> Result<String, KeymapError> {
    let keymap = load_over(Base::Named(name), None)?;
    let differs =
        |context, command, keys: &str| !default.commands(context).any(|(other, its)| other == command && its == keys);
    Ok(tables(&keymap, "###", differs))
}

/// `docs/keymaps.md`, whole: generated, so that it cannot be out of date.
///
/// # Errors
/// What is wrong with a built-in keymap.
pub fn document() -> Result<String, KeymapError> {
    let default = load_over(Base::Named(BUILT_IN[0].0), None)?;
    let mut out = format!("{HEAD}{}", tables(&default, "###", |_, _, _| true));
    for (name, _) in &BUILT_IN[1..] {
        let _ = write!(out, "\n## `{name}`\n\nAs `default`, but for these.\n\n{}", differences(name, &default)?);
    }
    Ok(out)
}

const HEAD: &str = "\
# Keys

<!-- Generated from keymaps/, src/tui/keymap/document.rs and src/tui/command.rs; `PORTCULLIS_BLESS=1 cargo test keymap` writes it anew. -->

Three keymaps are built in: [`default`](#default), [`vim`](#vim) and [`emacs`](#emacs). `--keymap NAME` chooses one for `live`, `drill` and
`keys`; `keymap` in `[screen]` of the [configuration](configuration.md#screen) chooses one for good. `portcullis keys` prints the keymap in force.

## A file of your own

A file is laid over a built-in keymap: it names only the commands whose keys it changes, in a table per context.

```toml
base = \"vim\"                       # what it is laid over; left out: what is configured, else default

[board]
sources = \"w\"                      # one key …
filter = [\"/\", \"ctrl-f\"]           # … or several
pin = [\"space\", \"z z\"]             # z, and z again: a sequence
```

`$XDG_CONFIG_HOME/portcullis/keymap.toml` is laid over the keymap that is chosen by name: by `--keymap NAME`, else by its own `base`, else by the
configuration. `--keymap FILE`, or `keymap = \"FILE\"` from the configuration's folder on, takes another file in its place. `portcullis keys check FILE`
says what is wrong with a file, with its line, and so does the console before it opens the screen.

A key is a character or one of `esc enter space tab backtab backspace delete insert home end pageup pagedown up down
left right f1`–`f24`, with `ctrl-`, `alt-` or `shift-` before it; a capital letter is shift and the letter. Any character of any script
that can be seen is a key, as terminals send it: one at a time, so that a letter with a mark of its own is written as one character. A key may be
bound once per context, the global ones included, and every command keeps at least one. In a prompt, characters are
typed, so only other keys can be bound there; the line is edited with the usual keys (←, →, Home, End, Ctrl-w, Ctrl-u).

## Sequences

Keys with spaces between them are pressed one after the other: `\"g g\"`, `\"ctrl-x ctrl-c\"`, `\"space f\"`. After the first, the status line says
what may follow. There is no hurry: only a key goes on or ends it. Esc ends it, and so does a key that continues nothing, a paste and another size of the
terminal; none of them does anything else then. A key cannot be a binding by itself and begin another one where both would answer. Prompts have no sequences.

## What a plain terminal cannot tell apart

A plain terminal sends Ctrl-i as Tab, Ctrl-m as Enter, Ctrl-[ as Esc, and Ctrl-h as Backspace or the other way round. Nor does it know Ctrl with
a digit or most marks, Ctrl with Shift, or Enter, Tab, Esc and Backspace with Ctrl or Shift. All of them can be bound. They work where the terminal offers the
[kitty keyboard protocol](https://sw.kovidgoyal.net/kitty/keyboard-protocol/) (kitty, Ghostty, foot, WezTerm, Alacritty, iTerm2, …), which the console uses there
by itself. `keys`, `keys check` and the status line at the start say which key a plain terminal sends instead, and what that does.

Alt with `[ ] O P X ^ _ \\` is refused: terminals begin or end their own answers with it.

## `default`

";
