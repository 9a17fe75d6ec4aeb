//! The documentation says what the code says: generated parts are compared, commands and configuration in it are
//! parsed, links lead somewhere. `PORTCULLIS_BLESS=1` writes the generated parts anew.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use portcullis::aws::permission::{PERMISSIONS, policy};
use portcullis::model::settings::Account;
use portcullis::model::settings::keys::{KEYS, SECTIONS};
use portcullis::model::settings::{self, Settings};
use portcullis::respond::guard::CATALOGUE;
use portcullis::tui::theme::ROLES;
use portcullis_range::scenario::RANGES;

pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every Markdown file for readers, by its path from the root.
fn pages() -> Vec<(String, String)> {
    let mut found = vec![];
    for dir in ["", "docs", "docs/decisions"] {
        for entry in fs::read_dir(root().join(dir)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|e| e == "md") {
                let name = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(found.iter().any(|(name, _)| name == "README.md"));
    found
}

/// The fenced blocks of a page in one language.
pub(crate) fn blocks(page: &str, language: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(named) = line.trim_start().strip_prefix("```") {
            let body: Vec<&str> = lines.by_ref().take_while(|l| l.trim_start() != "```").collect();
            if named.trim() == language {
                found.push(body.join("\n"));
            }
        }
    }
    found
}

/// Compares the part of a page between `<!-- generated: NAME -->` and `<!-- end -->` with what the code says now.
pub(crate) fn generated(path: &str, name: &str, fresh: &str) {
    let page = read(path);
    let (begin, end) = (format!("<!-- generated: {name} -->\n"), "<!-- end -->");
    let from = page.find(&begin).unwrap_or_else(|| panic!("{path} has no part “{name}”")) + begin.len();
    let to = from + page[from..].find(end).unwrap();
    if page[from..to] == *fresh {
        return;
    }
    assert!(
        std::env::var_os("PORTCULLIS_BLESS").is_some(),
        "the part “{name}” of {path} is out of date; PORTCULLIS_BLESS=1 cargo test docs writes it anew"
    );
    fs::write(root().join(path), format!("{}{fresh}{}", &page[..from], &page[to..])).unwrap();
}

#[test]
fn the_catalogue_of_guards_is_generated() {
    let mut table = String::from("\n| Guard | What it checks | What its verdict rests on | `--override` lifts it |\n");
    table.push_str("| --- | --- | --- | --- |\n");
    for guard in CATALOGUE {
        let lifted = if guard.can_be_overridden { "yes" } else { "no" };
        let varies = if guard.varies { " †" } else { "" };
        writeln!(table, "| `{}`{varies} | {} | {} | {lifted} |", guard.id, guard.checks, guard.evidence).unwrap();
    }
    table.push('\n');
    generated("docs/safety.md", "guards", &table);
}

#[test]
fn the_tables_of_settings_are_generated() {
    let mut seen = 0;
    for (section, says) in SECTIONS {
        let mut table = format!("\n{says}\n\n| Key | Takes | Default | Meaning |\n| --- | --- | --- | --- |\n");
        for key in KEYS.iter().filter(|key| key.section == section) {
            seen += 1;
            let default = key.default().map_or("not set".to_owned(), |default| format!("`{default}`"));
            writeln!(table, "| `{}` | {} | {default} | {} |", key.name, key.takes(), key.meaning).unwrap();
        }
        table.push('\n');
        generated("docs/configuration.md", section, &table);
    }
    assert_eq!(seen, KEYS.len(), "a key stands in a section that is none");
}

#[test]
fn the_styles_of_a_theme_are_generated() {
    let mut table = String::from("\n| Style | What it is for |\n| --- | --- |\n");
    for role in ROLES {
        writeln!(table, "| `{}` | {} |", role.name, role.meaning).unwrap();
    }
    table.push('\n');
    generated("docs/configuration.md", "styles", &table);
}

#[test]
fn the_ranges_of_scenarios_are_generated() {
    let mut table = String::from("\n| Key | Takes |\n| --- | --- |\n");
    for takes in RANGES {
        writeln!(table, "| `{}` | {} |", takes.path, takes.words()).unwrap();
    }
    table.push('\n');
    generated("docs/drills.md", "ranges", &table);
}

/// What the program writes of its own settings names each key of the table and no other.
#[test]
fn the_table_of_settings_is_whole() {
    let mut settings = Settings::default();
    // TOML has no word for “nobody has said”; a value makes the key appear.
    settings.guards.never_block = Some(vec![]);
    settings.guards.break_glass = Some(vec![]);
    settings.guards.closed_web_acl = Some(String::new());
    settings.prices.lambda_memory_gb = Some(0.5);
    settings.screen.theme = Some(String::new());
    let account = Account { name: String::new(), production: true };
    settings.accounts.insert("ACCOUNT-ID".to_owned(), account);
    settings.screen.keymap = Some(String::new());
    let written = toml::Table::try_from(&settings).unwrap();
    let names = written
        .iter()
        .flat_map(|(section, keys)| keys.as_table().unwrap().keys().map(move |key| (section.as_str(), key.as_str())));
    let mut names: Vec<_> = names.collect();
    let mut known: Vec<_> = KEYS.iter().map(|key| (key.section, key.name)).collect();
    names.sort_unstable();
    known.sort_unstable();
    assert_eq!(names, known);
}

#[test]
fn every_configuration_in_the_documentation_is_one() {
    let mut seen = 0;
    for (name, page) in pages() {
        for block in blocks(&page, "toml") {
            let table: toml::Table = block.parse().unwrap_or_else(|error| panic!("{name}: {error}\n{block}"));
            if ["guards", "signals", "polling"].iter().any(|section| table.contains_key(*section)) {
                seen += 1;
                settings::read(&name, &block).unwrap_or_else(|mistakes| panic!("{mistakes:?}\n{block}"));
            }
        }
    }
    assert!(seen >= 2, "{seen}");
}

/// A scenario that the documentation shows is one that runs.
#[test]
fn the_scenario_in_the_documentation_opens() {
    let page = read("docs/drills.md");
    let scenario = blocks(&page, "toml").into_iter().find(|block| block.contains("portcullis.scenario/1")).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("example.toml");
    fs::write(&file, scenario).unwrap();
    let drill = portcullis::drill::Drill::load(file.to_str()).unwrap();
    portcullis_range::Range::from_scenario(&fs::read_to_string(&file).unwrap(), None).unwrap();
    assert!(drill.settings.guards.never_block.is_some(), "the example shows how a team's ranges are given");
}

/// `GetIPSet` as the SDK's own method is called: `get_ip_set`.
fn snake(operation: &str) -> String {
    let name = operation.replace("IP", "Ip").replace("ACL", "Acl");
    let mut out = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out
}

pub(crate) fn sources_of(dir: &Path) -> String {
    let mut all = String::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.push_str(&sources_of(&path));
        } else {
            all.push_str(&fs::read_to_string(path).unwrap());
        }
    }
    all
}

#[test]
fn the_permissions_are_those_of_the_calls_made() {
    let code = sources_of(&root().join("src/aws"));
    let mut table = String::from("\n| Operation | IAM action | For | Without it |\n| --- | --- | --- | --- |\n");
    for one in PERMISSIONS {
        assert!(code.contains(&format!(".{}()", snake(one.operation))), "nothing calls {}", one.operation);
        let action = if one.action.is_empty() { "none".to_owned() } else { format!("`{}`", one.action) };
        let ticket = if one.writes { " (needs a ticket)" } else { "" };
        writeln!(table, "| `{}`{ticket} | {action} | {} | {} |", one.operation, one.purpose, one.without).unwrap();
    }
    table.push('\n');
    generated("docs/iam.md", "operations", &table);
    for (name, responder) in [("read-only", false), ("responder", true)] {
        let policy = serde_json::to_string_pretty(&policy(responder)).unwrap();
        generated("docs/iam.md", name, &format!("\n```json\n{policy}\n```\n\n"));
    }
}

#[test]
fn every_shape_of_json_has_an_example() {
    let page = read("docs/json.md");
    let code = sources_of(&root().join("src/cli"));
    let nouns: Vec<&str> = code
        .split("printer.object(")
        .skip(1)
        .filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next())
        .collect();
    assert!(nouns.contains(&"snapshot") && nouns.contains(&"plan"), "{nouns:?}");
    let examples: Vec<serde_json::Value> = blocks(&page, "json")
        .iter()
        .map(|block| serde_json::from_str(block).unwrap_or_else(|error| panic!("{error}\n{block}")))
        .collect();
    for noun in nouns {
        let schema = format!("portcullis.{noun}/1");
        assert!(examples.iter().any(|e| e["schema"] == *schema), "docs/json.md has no example of {schema}");
    }
    assert!(examples.iter().any(|e| e["error"]["exit_code"].is_u64()), "docs/json.md has no example of an error");
}

#[test]
fn every_exit_code_is_documented() {
    let code = read("src/cli/error.rs");
    let body = code.split("enum Exit {").nth(1).unwrap().split('}').next().unwrap();
    let codes: Vec<&str> = body.lines().filter_map(|line| line.trim().strip_suffix(',')?.split(" = ").nth(1)).collect();
    assert_eq!(codes.len(), 8, "{codes:?}");
    for path in ["README.md", "docs/json.md"] {
        let page = read(path);
        for code in &codes {
            assert!(page.lines().any(|l| l.starts_with(&format!("| {code} |"))), "{path} does not say what {code} is");
        }
    }
}

/// The words of a line as a shell would split them; quotes only.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted, mut any) = (Vec::new(), String::new(), false, false);
    for c in line.chars() {
        match c {
            '"' => {
                quoted = !quoted;
                any = true;
            }
            '#' if !quoted && !any => break,
            c if c.is_whitespace() && !quoted => {
                if any {
                    words.push(std::mem::take(&mut word));
                }
                any = false;
            }
            c => {
                word.push(c);
                any = true;
            }
        }
    }
    if any {
        words.push(word);
    }
    words
}

#[test]
fn every_command_in_the_documentation_can_be_typed() {
    let mut seen = 0;
    for (name, page) in pages() {
        for line in blocks(&page, "sh").iter().flat_map(|block| block.lines()) {
            let line = line.split(['|', '>', ';']).next().unwrap().trim();
            let line = line
                .strip_prefix("cargo run --release --")
                .map(|rest| format!("portcullis {rest}"))
                .unwrap_or(line.to_owned());
            if !line.starts_with("portcullis ") {
                continue;
            }
            seen += 1;
            let parsed = portcullis::cli::command().try_get_matches_from(words(&line));
            assert!(parsed.is_ok(), "{name}: {line}\n{}", parsed.unwrap_err());
        }
    }
    assert!(seen > 15, "only {seen} commands were found");
}

#[test]
fn every_link_leads_somewhere() {
    let mut seen = 0;
    for (name, page) in pages() {
        let dir = root().join(&name).parent().unwrap().to_owned();
        for link in page.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = link.split('#').next().unwrap();
            if link.contains("://") || target.is_empty() || link.contains(char::is_whitespace) {
                continue;
            }
            seen += 1;
            assert!(dir.join(target).exists(), "{name} links to {target}, which is not there");
        }
    }
    assert!(seen > 10, "{seen}");
}
