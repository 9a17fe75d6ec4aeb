//! Arrows between layers go down only:
//! `cli → tui → drill → playbook → respond → {watch, incident, report} → aws → journal → model`.
//!
//! Reads the source as text: every path that begins with `crate::`, wherever it stands, and what each layer must not
//! name.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};

/// Layers from the bottom up. Those of one row do not know each other, but for [`BESIDE`].
const LAYERS: &[&[&str]] = &[
    &["model"],
    &["journal"],
    &["aws"],
    &["watch", "incident", "report"],
    &["respond"],
    &["playbook"],
    &["drill"],
    &["tui"],
    &["cli"],
];

/// Arrows inside a row: reports are made from incidents.
const BESIDE: &[(&str, &str)] = &[("report", "incident")];

/// Time is everybody's, and knows nobody.
const CLOCK: &str = "clock";

/// How much is drawn: for tests beside the code, and no part of the program.
const DRAWS: &str = "draws";

/// What a layer must not name although it would be below it, or outside the crate, and why.
const FORBIDDEN: &[(&str, &[&str], &str)] = &[
    ("model", &["ratatui", "crossterm", "tokio"], "the model is plain data"),
    ("model", &["fs", "env", "process", "TcpStream", "TcpListener", "UdpSocket"], "the model does no I/O"),
    ("journal", &["tokio", "ratatui", "crossterm"], "the journal is bytes on a disk"),
    ("tui", &["portcullis_range"], "the screen does not know the range"),
    ("respond", &["ratatui", "crossterm"], "plans are made for the command line too"),
    ("playbook", &["ratatui", "crossterm", "portcullis_range"], "playbooks run on the command line too"),
    ("playbook", &["Command", "Stdio"], "a playbook runs no program"),
    ("watch", &["ratatui", "crossterm"], "boards are made for the command line too"),
];

pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file under `dir`, with its path relative to it.
pub(crate) fn sources(dir: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut dirs = vec![dir.to_owned()];
    while let Some(next) = dirs.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let name = path.strip_prefix(dir).unwrap().to_string_lossy().replace('\\', "/");
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

/// The layer that a file of `src/` belongs to; none for the roots of the crate.
fn layer(file: &str) -> Option<&str> {
    let first = file.split('/').next()?;
    let name = first.strip_suffix(".rs").unwrap_or(first);
    (!matches!(name, "lib" | "main")).then_some(name)
}

fn rank(layer: &str) -> Option<usize> {
    LAYERS.iter().position(|row| row.contains(&layer))
}

fn may_name(from: &str, to: &str) -> bool {
    if from == to || to == CLOCK || to == DRAWS {
        return true;
    }
    match (rank(from), rank(to)) {
        (Some(a), Some(b)) => a > b || BESIDE.contains(&(from, to)),
        _ => false,
    }
}

/// The code of a file, without comments. Good enough for this code base: no `//` stands in a string before a path.
pub(crate) fn code(text: &str) -> String {
    text.lines().map(|line| line.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n")
}

fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty())
}

/// The layers that `code` names by `crate::…`, groups in braces included.
fn named(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, prefix) in code.match_indices("crate::") {
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &code[at + prefix.len()..];
        match rest.strip_prefix('{') {
            Some(group) => found.extend(heads(group)),
            None => found.extend(words(rest).next().map(str::to_owned)),
        }
    }
    found
}

/// The first word of each member of a group, up to its closing brace.
fn heads(group: &str) -> Vec<String> {
    let mut depth = 0;
    let mut members = vec![String::new()];
    for c in group.chars() {
        match c {
            '}' if depth == 0 => break,
            ',' if depth == 0 => members.push(String::new()),
            _ => {
                depth += i32::from(c == '{') - i32::from(c == '}');
                members.last_mut().unwrap().push(c);
            }
        }
    }
    members.iter().filter_map(|m| words(m).next().map(str::to_owned)).collect()
}

/// Arrows of one file that go up or aside, a line each.
fn wrong_arrows(file: &str, text: &str) -> Vec<String> {
    let Some(from) = layer(file) else { return Vec::new() };
    let code = code(text);
    let wrong = named(&code).into_iter().filter(|to| !may_name(from, to));
    let mut lines: Vec<String> = wrong.map(|to| format!("src/{file}: {from} names {to}")).collect();
    // A file of n folders is n + 1 modules deep, one less for mod.rs: that many `super` lead out of its layer.
    let depth = file.matches('/').count() + usize::from(!file.ends_with("mod.rs"));
    if code.contains(&"super::".repeat(depth + usize::from(code.contains("mod tests {")))) {
        lines.push(format!("src/{file}: climbs out of {from} by super::"));
    }
    lines
}

/// The crates of the SDK that the console depends on, as code names them.
fn sdk_crates() -> Vec<String> {
    let manifest: toml::Table = fs::read_to_string(root().join("Cargo.toml")).unwrap().parse().unwrap();
    let names = manifest["dependencies"].as_table().unwrap().keys();
    names.filter(|name| name.starts_with("aws-")).map(|name| name.replace('-', "_")).collect()
}

#[test]
fn no_arrow_goes_up() {
    let wrong: Vec<String> =
        sources(&root().join("src")).iter().flat_map(|(file, text)| wrong_arrows(file, text)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_module_has_its_place() {
    let files = sources(&root().join("src"));
    let placed = |layer: &str| rank(layer).is_some() || layer == CLOCK;
    let unplaced: Vec<&str> = files.iter().filter_map(|(file, _)| layer(file)).filter(|l| !placed(l)).collect();
    assert!(unplaced.is_empty(), "give these a row in LAYERS: {unplaced:?}");
    for name in LAYERS.iter().flat_map(|row| row.iter()) {
        assert!(files.iter().any(|(file, _)| layer(file) == Some(name)), "{name} is gone: take it out of LAYERS");
    }
}

#[test]
fn only_aws_names_the_sdk() {
    let crates = sdk_crates();
    assert!(crates.iter().any(|name| name == "aws_sdk_wafv2"), "{crates:?}");
    let mut inside = false;
    for (file, text) in sources(&root().join("src")) {
        let code = code(&text);
        let names = words(&code).any(|word| crates.iter().any(|name| name == word));
        let is_aws = layer(&file) == Some("aws");
        inside |= names && is_aws;
        assert!(!names || is_aws, "src/{file} names a crate of the AWS SDK");
    }
    assert!(inside, "nobody names the SDK: this test looks at nothing");
}

#[test]
fn layers_do_not_name_what_is_not_theirs() {
    for (file, text) in sources(&root().join("src")) {
        let code = code(&text);
        for (owner, forbidden, why) in FORBIDDEN {
            if layer(&file) == Some(owner) {
                let found = words(&code).find(|word| forbidden.contains(word));
                assert!(found.is_none(), "src/{file} names {}: {why}", found.unwrap_or_default());
            }
        }
    }
}

/// What of `respond` only the desk brings together: whoever names one of these would decide by itself what is believed
/// or confirmed.
const BEHIND_THE_DESK: [&str; 9] =
    ["plan", "planned", "confirm", "execute", "observe", "undo", "claims", "ladder", "digest"];

/// Modules of `respond` that a file names, by path or in a group, and that stand behind the desk.
fn behind_the_desk(text: &str) -> Vec<String> {
    let code = code(text);
    let mut found = Vec::new();
    for (at, prefix) in code.match_indices("respond::") {
        let rest = &code[at + prefix.len()..];
        match rest.strip_prefix('{') {
            Some(group) => found.extend(heads(group)),
            None => found.extend(words(rest).next().map(str::to_owned)),
        }
    }
    found.retain(|module| BEHIND_THE_DESK.contains(&module.as_str()));
    found
}

#[test]
fn whoever_asks_for_a_change_asks_the_desk() {
    let mut asking = 0;
    for (file, text) in sources(&root().join("src")) {
        if matches!(layer(&file), Some("cli" | "tui" | "playbook")) {
            let found = behind_the_desk(&text);
            assert!(found.is_empty(), "src/{file} names respond::{}, which is the desk's", found.join(", "));
            asking += usize::from(code(&text).contains("respond::desk"));
        }
    }
    assert!(asking > 5, "hardly anybody asks the desk: this test looks at nothing");
    assert_eq!(behind_the_desk("use crate::respond::{resolve, undo as undoing, desk::Desk};"), ["undo"]);
    assert_eq!(behind_the_desk("let x = crate::respond::confirm::Confirmed(plan);"), ["confirm"]);
    let desk = fs::read_to_string(root().join("src/respond/desk/mod.rs")).unwrap();
    assert!(!code(&desk).contains("pub use"), "the desk re-exports nothing");
}

/// The screen's own promise (`src/tui/mod.rs`): it knows the model and nothing else of the console.
#[test]
fn the_screen_knows_the_model_alone() {
    for (file, text) in sources(&root().join("src")) {
        if layer(&file) == Some("tui") {
            let beyond: Vec<String> =
                named(&code(&text)).into_iter().filter(|to| to != "tui" && to != "model").collect();
            assert!(beyond.is_empty(), "src/{file} names {beyond:?}");
        }
    }
}

#[test]
fn the_range_knows_nothing_of_the_console() {
    let range = root().join("range");
    let manifest: toml::Table = fs::read_to_string(range.join("Cargo.toml")).unwrap().parse().unwrap();
    for table in ["dependencies", "dev-dependencies"] {
        let names: Vec<&String> = manifest[table].as_table().unwrap().keys().collect();
        assert!(!names.iter().any(|name| *name == "portcullis" || name.starts_with("aws-")), "{table}: {names:?}");
    }
    for (file, text) in sources(&range) {
        let code = code(&text);
        let named = ["portcullis::", "extern crate portcullis"].iter().find(|name| code.contains(*name));
        assert!(named.is_none(), "range/{file} names the console");
    }
}

#[test]
fn arrows_that_go_up_are_found() {
    let up = |file, text| !wrong_arrows(file, text).is_empty();
    assert!(up("model/plan.rs", "use crate::aws::Aws;"));
    assert!(up("journal/line.rs", "pub(crate) use crate::incident::Event;"));
    assert!(up("watch/task.rs", "fn f() { crate::respond::plan::plan(); }"));
    assert!(up("incident/fold.rs", "use crate::report::Export;"));
    assert!(up("aws/gate.rs", "use crate::{\n    journal::Ticket,\n    incident::{Event, Incident},\n};"));
    assert!(up("clock.rs", "use crate::model::board::Board;"));
    assert!(up("aws/gate.rs", "use super::super::cli::run;"));
    assert!(!up(
        "aws/gate.rs",
        "use crate::{journal::Ticket, model::{identity::Actor, plan::Plan}, clock::AccountClock};"
    ));
    assert!(!up("report/mod.rs", "use crate::incident::Folded; // not crate::cli"));
    assert!(!up("aws/read/waf.rs", "use super::super::Aws;"));
    assert!(!up("lib.rs", "pub use crate::cli::run;"));
}

/// The most lines of a file, and of the one in the middle.
const LONGEST: usize = 500;
const MIDDLE: usize = 150;

#[test]
fn files_are_short() {
    for dir in ["src", "range/src"] {
        let lengths = sources(&root().join(dir)).into_iter().map(|(file, text)| (text.lines().count(), file));
        let mut lengths: Vec<(usize, String)> = lengths.collect();
        lengths.sort();
        let (longest, file) = lengths.last().unwrap();
        assert!(*longest <= LONGEST, "{dir}/{file} has {longest} lines: split it");
        let (middle, _) = &lengths[lengths.len() / 2];
        assert!(*middle <= MIDDLE, "half of the files of {dir} have {middle} lines or more");
    }
}

/// The debug form of a type changes with its names: it is no wording for people, and nothing that a digest or a journal
/// may rest on.
#[test]
fn no_debug_form_is_said_or_kept() {
    for (file, text) in sources(&root().join("src")) {
        let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
        let code = code.split("#[cfg(test)]\npub(super) mod ").next().unwrap_or_default();
        let is_test = file.ends_with("tests.rs") || file.contains("/tests/") || file.ends_with("laws.rs");
        let is_traced = |line: &&str| line.contains("tracing::");
        let said = code.lines().filter(|line| line.contains(":?}")).find(|line| !is_traced(line));
        assert!(is_test || said.is_none(), "src/{file}: {}", said.unwrap_or_default().trim());
    }
}

/// The most columns of a line of comment; strings and tables that cannot be broken may be longer.
const WIDEST: usize = 120;

#[test]
fn comments_are_narrow() {
    for dir in ["src", "range/src", "tests", "benches"] {
        for (file, text) in sources(&root().join(dir)) {
            let is_prose = |line: &&str| {
                let words = line.trim_start().trim_start_matches(['/', '!']).trim();
                // What stands in columns is a table.
                line.trim_start().starts_with("//") && !words.starts_with(['`', '|']) && !words.contains("  ")
            };
            let wide = text.lines().filter(is_prose).find(|line| line.chars().count() > WIDEST);
            assert!(wide.is_none(), "{dir}/{file}: {}", wide.unwrap_or_default());
        }
    }
}
