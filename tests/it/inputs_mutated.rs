//! Mutated files of each kind, in process (20,000 in `.ci/run`): nothing panics or hangs, a refusal names file and line
//! and what to write, and what is taken is inside its range and means the same when it is written and read again.

use std::path::Path;

use portcullis::drill::{Drill, DrillError};
use portcullis::incident::Folder;
use portcullis::journal;
use portcullis::model::plan::Plan;
use portcullis::model::playbook::{Fallback, Given, Origin, Task};
use portcullis::model::reader::Mistake;
use portcullis::model::settings::keys::KEYS;
use portcullis::model::settings::{self, unsaid};
use portcullis::playbook;
use portcullis::tui::{keymap, theme};
use portcullis_range::scenario::{RANGES, Scenario, Span};

use crate::draws::draws;

const FEW: usize = 3_000;

/// Splitmix64: the same inputs on every machine.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.next() % most.max(1) as u64).unwrap()
    }

    fn of<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.below(all.len())]
    }
}

const NUMBERS: [&str; 18] = [
    "nan",
    "-nan",
    "inf",
    "-inf",
    "0",
    "-0.0",
    "-1",
    "1",
    "0.5",
    "5",
    "33",
    "1e400",
    "1e-9",
    "99999999999999999999",
    "0x10",
    "1_000",
    "9223372036854775807",
    "60",
];
const TEXTS: [&str; 20] = [
    "\"\"",
    "\" \"",
    "\"\\u0000\"",
    "\"\\u001b[31m\"",
    "\"\\u202e\"",
    "\"é店\"",
    "\"::ffff:192.0.2.16/124\"",
    "\"192.0.2.17/28\"",
    "\"010.0.0.1\"",
    "\"fe80::1%eth0\"",
    "\"0.0.0.0/0\"",
    "\"orders: internal/v2 (new)/prod\"",
    "\"/\"",
    "\"9999999999h\"",
    "\"0s\"",
    "true",
    "[]",
    "{}",
    "[[[[[[]]]]]]",
    "2026-03-03T03:00:00Z",
];

/// Where the words of a text that are made of `of` begin and end.
fn words(text: &str, of: impl Fn(char) -> bool) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut begun = None;
    for (at, c) in text.char_indices().chain([(text.len(), '\n')]) {
        match (of(c), begun) {
            (true, None) => begun = Some(at),
            (false, Some(from)) => {
                found.push((from, at));
                begun = None;
            }
            _ => {}
        }
    }
    found
}

fn replaced(text: &str, (from, to): (usize, usize), with: &str) -> String {
    format!("{}{with}{}", &text[..from], &text[to..])
}

fn mutate(text: &str, chance: &mut Chance) -> String {
    let at = |chance: &mut Chance| {
        let near = chance.below(text.len() + 1);
        (near..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap()
    };
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    if lines.is_empty() {
        return chance.of(&TEXTS).to_owned();
    }
    let line = chance.below(lines.len());
    match chance.below(12) {
        0 => text[..at(chance)].to_owned(),
        1 => {
            let at = at(chance);
            let odd = ["\"", "\u{0}", "[", "]", "=", "\\", "é", "{", "}", ",", "\u{202e}", "-", "#"];
            replaced(text, (at, at), chance.of(&odd))
        }
        2 => {
            let from = at(chance);
            let to = text[from..].char_indices().nth(1).map_or(text.len(), |(next, _)| from + next);
            replaced(text, (from, to), "")
        }
        3 => {
            lines.remove(line);
            lines.concat()
        }
        4 => {
            let again = lines[line];
            lines.insert(chance.below(lines.len()), again);
            lines.concat()
        }
        5 => {
            let other = chance.below(lines.len());
            lines.swap(line, other);
            lines.concat()
        }
        6..=8 => {
            let numbers = words(text, |c| c.is_ascii_digit() || c == '.');
            if numbers.is_empty() {
                return text.to_owned();
            }
            replaced(text, numbers[chance.below(numbers.len())], chance.of(&NUMBERS))
        }
        9..=10 => {
            let quoted: Vec<usize> = text.match_indices('"').map(|(at, _)| at).collect();
            if quoted.len() < 2 {
                return text.to_owned();
            }
            let pair = chance.below(quoted.len() / 2) * 2;
            replaced(text, (quoted[pair], quoted[pair + 1] + 1), chance.of(&TEXTS))
        }
        _ => {
            let names = words(text, |c| c.is_ascii_alphabetic() || c == '-' || c == '_');
            if names.len() < 2 {
                return text.to_owned();
            }
            let (one, other) = (names[chance.below(names.len())], names[chance.below(names.len())]);
            replaced(text, one, &text[other.0..other.1])
        }
    }
}

/// Runs `one` on mutants of `bases`, one to three changes each, prints how many were taken, and gives how many there
/// were.
fn over(kind: &str, bases: &[&str], mut one: impl FnMut(&str) -> bool) -> usize {
    let inputs = draws(FEW);
    let mut chance = Chance(7);
    let mut taken = 0;
    for _ in 0..inputs {
        let mut text = (*chance.of(bases)).to_owned();
        for _ in 0..=chance.below(3) {
            text = mutate(&text, &mut chance);
        }
        taken += usize::from(one(&text));
    }
    println!("{kind}: {inputs} mutated inputs, {taken} taken, {} refused", inputs - taken);
    assert!(taken > inputs / 200 && taken < inputs, "{kind}: {taken} taken: nothing was tried");
    inputs
}

/// A refusal says where, and something about what to do; a line that exists.
fn told(text: &str, mistakes: &[Mistake]) {
    assert!(!mistakes.is_empty());
    let lines = text.split('\n').count();
    for one in mistakes {
        let said = one.to_string();
        assert!(
            said.starts_with("mine.toml:") && one.line >= 1 && one.line <= lines && one.column >= 1,
            "{said}\n{text}"
        );
        assert!(one.message.chars().count() > 8 && !said.chars().any(char::is_control), "{said:?}");
    }
}

const CONFIG: &str = r#"[guards]
never-block = ["192.0.2.16/28", "198.51.100.192/27"]
break-glass = "192.0.2.240/28, 2001:db8::1"
widest-v4 = 20
most-legitimate-share = 0.05
block-lists = ["shop-blocklist"]
closed-web-acl = "shop-closed"
[signals]
client-errors-notice = 0.2
client-errors-attack = 0.5
latency-least-ms = 500
quiet-minutes = 3
[[signals.stages]]
stage = "shop/prod"
client-errors-attack = 0.7
[polling]
interval-seconds = 60
budget-dollars-per-hour = 4.0
[sources]
front-doors = []
ask-access-logs = true
[prices]
source = "me"
lambda-memory-gb = 0.5
[[probes.stages]]
stage = "shop/prod"
url = "https://api.shop.example/health"
headers = { x-api-key = "k" }
"#;

#[test]
fn configurations() {
    over("configuration", &[CONFIG], |text| match settings::read("mine.toml", text) {
        Err(mistakes) => {
            told(text, &mistakes);
            false
        }
        Ok(settings) => {
            let written = toml::to_string(&settings).unwrap();
            assert_eq!(settings::read("mine.toml", &written).as_ref(), Ok(&settings), "{text}");
            inside(&written);
            let _ = unsaid(&settings);
            true
        }
    });
}

/// Every number of a configuration is inside the range that the documentation shows, looked up apart from the reader.
fn inside(written: &str) {
    let table: toml::Table = written.parse().unwrap();
    for key in KEYS.iter() {
        let Some((span, value)) = key.span().zip(table.get(key.section).and_then(|section| section.get(key.name)))
        else {
            continue;
        };
        let number = value.as_float().or(value.as_integer().map(|whole| whole as f64)).unwrap();
        assert!(number >= span.least && number <= span.most, "{} = {number}\n{written}", key.name);
    }
    for list in ["never-block", "break-glass"] {
        for net in table["guards"].get(list).and_then(toml::Value::as_array).into_iter().flatten() {
            let net: ipnet::IpNet = net.as_str().unwrap().parse().unwrap();
            let mapped =
                matches!(net, ipnet::IpNet::V6(v6) if v6.prefix_len() >= 96 && v6.addr().to_ipv4_mapped().is_some());
            assert!(net.trunc() == net && !mapped, "{net}");
        }
    }
}

#[test]
fn keymaps() {
    const KEYMAP: &str = "base = \"vim\"\n[board]\nsources = [\"w\", \"ctrl-w\"]\nsort = \"g o\"\n[sources]\nmark-all = \"ctrl-i\"\n[global]\nquit = [\"q\", \"ctrl-x ctrl-c\"]\n";
    over("keymap", &[KEYMAP], |text| match keymap::load(Some((Path::new("mine.toml"), text))) {
        Err(error) => {
            let said = error.to_string();
            assert!(said.contains("mine.toml:") && said.split(':').nth(1).unwrap().parse::<usize>().is_ok(), "{said}");
            false
        }
        Ok(read) => {
            let again = keymap::load(Some((Path::new("mine.toml"), &format!("{text}\n# the same\n"))));
            assert_eq!(again.ok().as_ref(), Some(&read), "{text}");
            true
        }
    });
}

#[test]
fn themes() {
    let [(_, dark), (_, light), _, (_, plain)] = theme::BUILT_IN;
    over("theme", &[dark, light, plain], |text| match theme::read("mine.toml", text) {
        Err(mistakes) => {
            told(text, &mistakes);
            false
        }
        Ok(read) => {
            assert_eq!(theme::read("mine.toml", &format!("{text}\n# the same\n")).as_ref(), Ok(&read), "{text}");
            for role in theme::ROLES {
                let style = role.of(&read);
                assert!(style.bg.is_none() || style.fg.is_some() || role.is_laid_over(), "{text}");
            }
            true
        }
    });
}

#[test]
fn playbooks() {
    let base = include_str!("../../playbooks/credential-stuffing.toml");
    let small = "schema = \"portcullis.playbook/1\"\nname = \"mine\"\ntitle = \"Mine\"\nanswers = [\"server-errors-high\"]\n\
        [inputs.who]\ntype = \"prefixes\"\ndescribe = \"whom\"\ndefault = [\"203.0.113.0/29\"]\n\
        [inputs.rate]\ntype = \"rate\"\ndescribe = \"how many\"\ndefault = 200\n\
        [[steps]]\nid = \"block\"\ntitle = \"Block\"\naction = \"block-ip\"\nwith = { targets = { input = \"who\" }, for = \"4h\" }\n\
        [[steps]]\nid = \"slow\"\ntitle = \"Slow\"\naction = \"throttle\"\nwith = { rate = { input = \"rate\" }, burst = 100, method = \"POST /login\" }\n\
        [[steps]]\nid = \"seen\"\ntitle = \"Seen\"\nobserve = \"effect\"\nof = \"block\"\nwithin = \"8m\"\n";
    over("playbook", &[small, small, small, base], |text| match playbook::read("mine.toml", text, Origin::Embedded) {
        Err(mistakes) => {
            told(text, &mistakes);
            false
        }
        Ok(read) => {
            let defaults = read.inputs.iter().filter_map(|input| match &input.default {
                Some(Fallback::Value(value)) => Some(value),
                _ => None,
            });
            let literals = read.steps.iter().flat_map(|step| match &step.task {
                Task::Action { with, .. } => with.as_slice(),
                _ => &[],
            });
            let literals =
                literals.filter_map(|(_, given)| if let Given::Literal(value) = given { Some(value) } else { None });
            for value in defaults.chain(literals) {
                assert_eq!(value.kind().parse(&value.to_string()).as_ref(), Ok(value), "{text}");
            }
            assert_eq!(playbook::read("mine.toml", text, Origin::Embedded).as_ref(), Ok(&read));
            true
        }
    });
}

#[test]
fn scenarios() {
    const SMALL: &str = r#"schema = "portcullis.scenario/1"
name = "small"
title = "Small"
speed = 20
seed = 7
[world]
account = "111122223333"
region = "eu-central-1"
start = 2026-03-03T03:00:00Z
history = "0s"
throttle = { rate = 10000, burst = 5000 }
[[world.backends]]
name = "db"
capacity = 100
queue_seconds = 2
collapse = 0.5
timeout_ms = 29000
[[world.apis]]
name = "shop"
backend = "db"
methods = [{ method = "GET", path = "/products", latency_ms = { p50 = 20, p99 = 120 }, cacheable = { keys = 10 }, cost = 1 }]
stages = [{ name = "prod", web_acl = "acl", throttle = { rate = 50, burst = 20 }, cache = { ttl = 300 } }]
[[world.ip_sets]]
name = "blocklist"
version = "IPV4"
addresses = ["203.0.113.0/28"]
[[world.web_acls]]
name = "acl"
rules = [{ name = "block", ip_set = "blocklist", action = "block" }, { name = "rate", rate = { limit = 100, window = "5m" }, action = "count" }]
[[world.populations]]
name = "shoppers"
kind = "legitimate"
stage = "shop/prod"
rate = 10
noise = 0.1
start = "2m"
client_errors = 0.02
sources = [{ prefix = "192.0.2.0/24", count = 20 }]
requests = [{ route = "GET /products", share = 1 }]
habits = [{ when_blocked = "move", after = "6m", share = 0.34 }]
[drill.settings.guards]
never-block = ["192.0.2.16/28"]
"#;
    let mut built = 0;
    let mut sound = 0;
    let inputs = over("scenario", &[SMALL], |text| match Drill::parse("mine.toml", text) {
        Err(DrillError::Malformed { mistakes }) => {
            told(text, &mistakes);
            false
        }
        Err(other) => panic!("{other}"),
        Ok(drill) => {
            let scenario = Scenario::parse(text).unwrap();
            assert!(scenario.speed > 0.0 && scenario.speed <= 3_600.0 && (drill.speed - scenario.speed).abs() < 1e-9);
            let world = &scenario.world;
            let within = |path: &str, number: f64| {
                let known = RANGES.iter().find(|known| known.path == path).unwrap();
                assert!(number >= known.least && number <= known.most, "{path} = {number}\n{text}");
            };
            within("world.history", world.history.as_f64());
            world.backends.iter().for_each(|backend| within("world.backends.timeout_ms", backend.timeout_ms));
            world.backends.iter().for_each(|backend| within("world.backends.queue_seconds", backend.queue_seconds));
            for population in &world.populations {
                within("world.populations.rate", population.rate);
                within("world.populations.noise", population.noise);
                within("world.populations.start", population.start.map_or(0.0, Span::as_f64));
            }
            sound += 1;
            // A world without history is built at once; every one of them would take minutes.
            if sound % 25 == 0 && world.history.seconds == 0 {
                drill.range(1.0, None).unwrap();
                built += 1;
            }
            true
        }
    });
    println!("scenario: {built} of those taken were built");
    assert!(built > inputs / 4_000);
}

#[test]
fn plan_files() {
    let plans = [
        include_str!("fixtures/c2ace8e/block-ip.plan.json"),
        include_str!("fixtures/c2ace8e/throttle.plan.json"),
        include_str!("fixtures/c2ace8e/kill-switch.plan.json"),
    ];
    over("plan file", &plans, |text| match Plan::read("mine.toml", text) {
        Err(mistake) => {
            assert!(mistake.message.contains("Plan again with --save"));
            told(text, &[mistake]);
            false
        }
        Ok(plan) => {
            assert_eq!(plan.action.out_of_range(), None);
            for target in plan.action.prefixes() {
                assert_eq!(portcullis::model::address::exact(&target.net.to_string()), Ok(target.net));
            }
            let written = serde_json::to_string(&plan).unwrap();
            assert_eq!(Plan::read("mine.toml", &written).as_ref(), Ok(&plan));
            true
        }
    });
}

#[test]
fn journals() {
    let whole = include_str!("fixtures/c2ace8e/journal.jsonl");
    let base: String = whole.split_inclusive('\n').take(3).collect();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.jsonl");
    let (mut intact, mut lines_read) = (0, 0);
    over("journal", &[&base], |text| {
        std::fs::write(&path, text).unwrap();
        let checked = journal::verify(&path).unwrap();
        let read = journal::read(&path).unwrap();
        let mut folder = Folder::new("mine");
        read.unreadable.iter().for_each(|bad| folder.push_unreadable(bad));
        read.lines.iter().for_each(|line| folder.push(line));
        let folded = folder.finish();
        assert_eq!(folded.timeline.len(), read.lines.len());
        lines_read += read.lines.len();
        // What passes for untouched is untouched: some of the lines, from the first, and perhaps a torn one.
        let sound: String = text.split_inclusive('\n').take(usize::try_from(checked.lines).unwrap()).collect();
        assert!(base.starts_with(&sound) || base.trim_end() == sound, "{text}");
        if let Some(fault) = &checked.fault {
            assert!(
                fault.number >= 1
                    && fault.number <= text.lines().count() as u64 + 1
                    && !fault.wrong.to_string().is_empty()
            );
        }
        intact += usize::from(checked.is_intact());
        checked.is_intact()
    });
    println!("journal: {intact} intact, {lines_read} lines read and folded");
}
