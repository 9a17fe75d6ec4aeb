//! From a file to a playbook, or to everything that is wrong with it.
//!
//! What is checked here cannot go wrong while a playbook runs: every reference leads to something earlier and of the
//! right type, every action exists and has what it needs.

use std::fmt::Write as _;
use std::ops::Range;

use sha2::{Digest, Sha256};
use toml::de::{DeTable, DeValue};

use super::Mistake;
use super::action::{self, forms, parameters};
use crate::model::action::Form;
use crate::model::attack::AttackKind;
use crate::model::condition::StageState;
use crate::model::playbook::{Fallback, Given, Input, Kind, Look, Origin, Playbook, Situation, Step, Task, Value};
use crate::model::reader::{Node, Reader, near};
use crate::model::signal::SignalKind;
use crate::model::text::shortened;

/// What the first key of a file says.
const SCHEMA: &str = "portcullis.playbook/1";

/// What can be observed: name, parameters, what it looks for.
pub const OBSERVATIONS: [(&str, &str, &str); 4] = [
    (
        "effect",
        "`of`: the id of an earlier step that changes something",
        "the expected change has been seen since: WAF seen blocking, the share of requests that reach the backend; as `apply --wait`",
    ),
    (
        "signals-cleared",
        "`signals`: ids of signals; those of `answers` if left out; `for`: for this span, one minute if left out",
        "none of the signals is active on the stage, nor has been, by whole minutes read after the step began",
    ),
    (
        "requests-below",
        "`rate`: requests a second; `for`: in every minute of this span, one if left out",
        "the stage gets fewer requests a second, the last whole minute read after the step began",
    ),
    (
        "state",
        "`is`: states, as `condition` has them in JSON: `leaking`, `customers-out`, `contained`, `recovering`, `calm`, …",
        "the stage is in one of these states, by a whole minute read after the step began",
    ),
];

/// Account time for which an observation waits where the file does not say.
const WITHIN: u64 = 600;

const TOP: [&str; 9] = ["schema", "name", "title", "summary", "answers", "kinds", "drill", "inputs", "steps"];
const INPUT: [&str; 3] = ["type", "describe", "default"];
const DOINGS: [&str; 4] = ["action", "undo", "observe", "note"];

/// Reads a playbook. `file` is how it is named in mistakes.
///
/// # Errors
/// Every mistake that was found, in the order of the file; never none.
pub fn read(file: &str, text: &str, origin: Origin) -> Result<Playbook, Vec<Mistake>> {
    let mut reader = Reader::new(file, text);
    let table = match DeTable::parse(text) {
        Ok(table) => table,
        Err(error) => {
            reader.no_toml(&error);
            return Err(reader.mistakes);
        }
    };
    let table = table.get_ref();
    reader.only(table, "a playbook", &TOP);
    schema(&mut reader, table);
    let name = reader.required(table, "name", "the playbook", &(0..0));
    if let Some((name, at)) = &name {
        well_named(&mut reader, name, at);
    }
    let title = reader.required(table, "title", "the playbook", &(0..0));
    let summary = reader.text(table, "summary");
    let answers = signals(&mut reader, table, "answers");
    let kinds = words(&mut reader, table, "kinds", "kind of attack", AttackKind::ALL.map(|kind| (kind.word(), kind)));
    let drill = reader.text(table, "drill");
    let inputs = inputs(&mut reader, table);
    let steps = Steps { reader: &mut reader, inputs: &inputs, answers: &answers, done: Vec::new() }.read(table);
    // A reference that is wrong leaves an input unused: one mistake, not two.
    if reader.mistakes.is_empty() {
        unused(&mut reader, table, &inputs, &steps);
    }
    if !reader.mistakes.is_empty() {
        let mut mistakes = reader.mistakes;
        mistakes.sort();
        return Err(mistakes);
    }
    let only = |text: Option<(String, Range<usize>)>| text.map(|(text, _)| text);
    Ok(Playbook {
        name: only(name).unwrap_or_default(),
        title: only(title).unwrap_or_default(),
        summary: only(summary).unwrap_or_default(),
        answers,
        kinds,
        drill: only(drill),
        inputs,
        steps,
        origin,
        digest: digest(text),
    })
}

/// SHA-256 in hexadecimal.
fn digest(text: &str) -> String {
    let mut out = String::with_capacity(64);
    for byte in Sha256::digest(text.as_bytes()) {
        let _ = write!(out, "{byte:02x}");
    }
    out
}

fn schema(reader: &mut Reader<'_>, table: &DeTable<'_>) {
    if let Some((schema, at)) = reader.required(table, "schema", "the playbook", &(0..0))
        && schema != SCHEMA
    {
        reader
            .wrong(&at, format!("“{}” is not a schema that is known here. Write \"{SCHEMA}\"", shortened(&schema, 60)));
    }
}

/// Names are typed on command lines and stand in phrases of the journal.
fn well_named(reader: &mut Reader<'_>, name: &str, at: &Range<usize>) {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !name.chars().all(plain) || name.starts_with('-') || name.len() > 60 {
        reader.wrong(
            at,
            format!("“{}” is not a valid name. Use small letters, digits and -, sixty at most", shortened(name, 60)),
        );
    }
}

fn signals(reader: &mut Reader<'_>, table: &DeTable<'_>, key: &str) -> Vec<SignalKind> {
    words(reader, table, key, "signal", SignalKind::ALL.map(|kind| (kind.id(), kind)))
}

/// The values that words under `key` name, out of `all` there are.
fn words<T: Copy, const N: usize>(
    reader: &mut Reader<'_>,
    table: &DeTable<'_>,
    key: &str,
    what: &str,
    all: [(&'static str, T); N],
) -> Vec<T> {
    let mut found = Vec::new();
    for (word, at) in reader.texts(table, key) {
        if let Some((_, value)) = all.iter().find(|(known, _)| *known == word) {
            found.push(*value);
            continue;
        }
        let hint = near(&word, all.iter().map(|(known, _)| *known));
        reader.wrong(&at, format!("there is no {what} “{}”{hint}", shortened(&word, 60)));
    }
    found
}

fn inputs(reader: &mut Reader<'_>, table: &DeTable<'_>) -> Vec<Input> {
    let Some(node) = table.get("inputs") else { return Vec::new() };
    let Some(named) = node.get_ref().as_table() else {
        reader.wrong_type(node, "inputs", "tables: [inputs.NAME]");
        return Vec::new();
    };
    let mut found: Vec<(usize, Input)> = Vec::new();
    for (key, node) in named {
        let name = key.get_ref().to_string();
        well_named(reader, &name, &key.span());
        let Some(one) = node.get_ref().as_table() else {
            reader.wrong_type(node, &name, &format!("a table: [inputs.{name}]"));
            continue;
        };
        reader.only(one, "an input", &INPUT);
        let place = format!("the input “{name}”");
        let describe = reader.required(one, "describe", &place, &key.span());
        let Some((word, at)) = reader.required(one, "type", &place, &key.span()) else { continue };
        let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.word() == word) else {
            let hint = near(&word, Kind::ALL.iter().map(|kind| kind.word()));
            reader.wrong(&at, format!("there is no type “{}”{hint}", shortened(&word, 60)));
            continue;
        };
        let default = one.get("default").and_then(|node| default(reader, kind, node));
        let describe = describe.map(|(text, _)| text).unwrap_or_default();
        found.push((key.span().start, Input { name, kind, describe, default }));
    }
    // In the order of the file, which is the order in which they are asked for.
    found.sort_by_key(|(at, _)| *at);
    found.into_iter().map(|(_, input)| input).collect()
}

fn default(reader: &mut Reader<'_>, kind: Kind, node: &Node<'_>) -> Option<Fallback> {
    let DeValue::Table(table) = node.get_ref() else {
        return value(reader, kind, "default", node).map(Fallback::Value);
    };
    reader.only(table, "a default from the situation", &["from"]);
    let (word, at) = reader.required(table, "from", "the default", &node.span())?;
    let Some(from) = Situation::ALL.into_iter().find(|one| one.word() == word) else {
        let hint = near(&word, Situation::ALL.iter().map(|one| one.word()));
        reader.wrong(&at, format!("the console does not know “{}” by itself{hint}", shortened(&word, 60)));
        return None;
    };
    if from.kind() != kind {
        reader.wrong(&at, format!("“{word}” is {}, the input is {}", from.kind().word(), kind.word()));
        return None;
    }
    Some(Fallback::From(from))
}

/// A literal of a kind.
fn value(reader: &mut Reader<'_>, kind: Kind, key: &str, node: &Node<'_>) -> Option<Value> {
    let text = match (kind, node.get_ref()) {
        (Kind::Rate | Kind::Burst, DeValue::Integer(number)) => number.to_string(),
        (Kind::Flag, DeValue::Boolean(flag)) => flag.to_string(),
        (Kind::Prefixes | Kind::IpSets, DeValue::Array(items)) => return list(reader, kind, key, node, items),
        (Kind::Rate | Kind::Burst | Kind::Flag | Kind::Prefixes | Kind::IpSets, _) => {
            reader.wrong_type(node, key, &format!("{}, for example {}", kind.doc(), kind.example()));
            return None;
        }
        (_, DeValue::String(text)) => text.to_string(),
        _ => {
            reader.wrong_type(node, key, &format!("{}, for example {}", kind.doc(), kind.example()));
            return None;
        }
    };
    if text.contains("${") || text.contains("{{") {
        reader.wrong(&node.span(), "text is not filled in. Write { input = \"NAME\" } in place of the whole value");
        return None;
    }
    kind.parse(&text).map_err(|why| reader.wrong(&node.span(), format!("“{key}”: {why}"))).ok()
}

fn list(reader: &mut Reader<'_>, kind: Kind, key: &str, node: &Node<'_>, items: &[Node<'_>]) -> Option<Value> {
    let mut texts = Vec::new();
    for item in items {
        match item.get_ref().as_str() {
            None => reader.wrong_type(item, key, "texts"),
            Some(text) => match kind.parse(text) {
                Ok(_) => texts.push(text.to_owned()),
                Err(why) => reader.wrong(&item.span(), format!("“{key}”: {why}")),
            },
        }
    }
    if items.is_empty() {
        reader.wrong(&node.span(), format!("“{key}” is an empty list. Write for example {}", kind.example()));
        return None;
    }
    (texts.len() == items.len()).then(|| kind.parse(&texts.join(" ")).ok()).flatten()
}

/// An input that nothing refers to is a typing mistake somewhere.
fn unused(reader: &mut Reader<'_>, table: &DeTable<'_>, inputs: &[Input], steps: &[Step]) {
    let Some(named) = table.get("inputs").and_then(|node| node.get_ref().as_table()) else { return };
    for input in inputs.iter().filter(|i| !steps.iter().any(|s| s.task.inputs().any(|name| name == i.name))) {
        if let Some((key, _)) = named.get_key_value(input.name.as_str()) {
            let hint = "Refer to it by { input = \"…\" } or remove it";
            reader.wrong(&key.span(), format!("no step uses the input “{}”. {hint}", input.name));
        }
    }
}

/// The steps, each knowing those before it.
struct Steps<'r, 'a> {
    reader: &'r mut Reader<'a>,
    inputs: &'r [Input],
    answers: &'r [SignalKind],
    done: Vec<Step>,
}

impl Steps<'_, '_> {
    fn read(mut self, table: &DeTable<'_>) -> Vec<Step> {
        let Some(node) = table.get("steps") else {
            self.reader.wrong(&(0..0), "the playbook has no steps. Write [[steps]]");
            return Vec::new();
        };
        let DeValue::Array(items) = node.get_ref() else {
            self.reader.wrong_type(node, "steps", "tables: [[steps]]");
            return Vec::new();
        };
        for item in items {
            let Some(table) = item.get_ref().as_table() else {
                self.reader.wrong_type(item, "steps", "tables: [[steps]]");
                continue;
            };
            if let Some(step) = self.step(table, &item.span()) {
                self.done.push(step);
            }
        }
        self.done
    }

    fn step(&mut self, table: &DeTable<'_>, at: &Range<usize>) -> Option<Step> {
        let id = self.reader.required(table, "id", "the step", at);
        if let Some((id, at)) = &id {
            well_named(self.reader, id, at);
            if self.done.iter().any(|step| step.id == *id) {
                self.reader.wrong(at, format!("there is a step “{id}” already. Give each a name of its own"));
            }
        }
        let title = self.reader.required(table, "title", "the step", at);
        let optional = self.reader.flag(table, "optional");
        let named: Vec<&str> = DOINGS.into_iter().filter(|key| table.get(*key).is_some()).collect();
        let [doing] = named.as_slice() else {
            let found = if named.is_empty() { "none".to_owned() } else { named.join(" and ") };
            self.reader.wrong(at, format!("a step has exactly one of {}; this has {found}", DOINGS.join(", ")));
            return None;
        };
        let own: &[&str] = match *doing {
            "action" => &["with"],
            "observe" => &["of", "signals", "rate", "is", "for", "within"],
            _ => &[],
        };
        let known: Vec<&str> = ["id", "title", "optional", *doing].into_iter().chain(own.iter().copied()).collect();
        self.reader.only(table, &format!("a step with “{doing}”"), &known);
        let task = match *doing {
            "action" => self.action(table),
            "undo" => self.earlier(table, "undo").map(|step| Task::Undo { step }),
            "observe" => self.observe(table),
            _ => self.reader.text(table, "note").map(|(text, _)| Task::Note { text }),
        }?;
        Some(Step { id: id?.0, title: title?.0, optional, task })
    }

    fn action(&mut self, table: &DeTable<'_>) -> Option<Task> {
        let (name, at) = self.reader.text(table, "action")?;
        let Some(form) = action::form(&name) else {
            let hint = near(&name, forms().map(|form| form.name));
            self.reader.wrong(&at, format!("there is no action “{}”{hint}", shortened(&name, 60)));
            return None;
        };
        let with = self.with(table, form)?;
        let missing = parameters(form).filter(|p| p.required && !with.iter().any(|(name, _)| name == p.name));
        let mut whole = true;
        for parameter in missing.filter(|p| !names(table, p.name)) {
            whole = false;
            let example = parameter.kind.example();
            self.reader.wrong(
                &at,
                format!("{name} needs “{}”. Write with = {{ {} = {example} }}", parameter.name, parameter.name),
            );
        }
        whole.then_some(Task::Action { action: name, with })
    }

    fn with(&mut self, table: &DeTable<'_>, form: &Form) -> Option<Vec<(String, Given)>> {
        let Some(node) = table.get("with") else { return Some(Vec::new()) };
        let Some(given) = node.get_ref().as_table() else {
            self.reader.wrong_type(node, "with", "a table: { … }");
            return None;
        };
        let known: Vec<&str> = parameters(form).map(|p| p.name).collect();
        self.reader.only(given, form.name, &known);
        // In the order of the parameters, so that plans are told alike.
        let mut found = Vec::new();
        for parameter in parameters(form) {
            if let Some(node) = given.get(parameter.name)
                && let Some(one) = self.given(parameter.kind, parameter.name, node)
            {
                found.push((parameter.name.to_owned(), one));
            }
        }
        Some(found)
    }

    /// A literal, or `{ input = "NAME" }`.
    fn given(&mut self, kind: Kind, key: &str, node: &Node<'_>) -> Option<Given> {
        let DeValue::Table(table) = node.get_ref() else {
            return value(self.reader, kind, key, node).map(Given::Literal);
        };
        self.reader.only(table, &format!("“{key}”"), &["input"]);
        let (name, at) = self.reader.required(table, "input", &format!("“{key}”"), &node.span())?;
        let Some(input) = self.inputs.iter().find(|input| input.name == name) else {
            let hint = near(&name, self.inputs.iter().map(|input| input.name.as_str()));
            self.reader.wrong(&at, format!("there is no input “{}”{hint}", shortened(&name, 60)));
            return None;
        };
        if input.kind != kind {
            let words = (input.kind.word(), kind.word());
            self.reader.wrong(&at, format!("the input “{name}” is of type {}, “{key}” takes {}", words.0, words.1));
            return None;
        }
        Some(Given::Input(name))
    }

    /// The id of an earlier step that changes something, under `key`.
    fn earlier(&mut self, table: &DeTable<'_>, key: &str) -> Option<String> {
        let (id, at) = self.reader.text(table, key)?;
        let undoes = key == "undo";
        let fits = |step: &&Step| if undoes { matches!(step.task, Task::Action { .. }) } else { step.task.is_change() };
        let final_ = |step: &Step| undoes && step.task.word() == "flush-cache";
        match self.done.iter().find(|step| step.id == id) {
            Some(step) if final_(step) => {
                self.reader.wrong(&at, format!("“{id}” cannot be undone: a flush is permanent. Remove this step"));
                None
            }
            Some(step) if fits(&step) => Some(id),
            Some(step) => {
                self.reader
                    .wrong(&at, format!("“{id}” is not a step that changes anything, but “{}”", step.task.word()));
                None
            }
            None => {
                let hint = near(&id, self.done.iter().filter(fits).map(|step| step.id.as_str()));
                self.reader.wrong(&at, format!("there is no earlier action step “{}”{hint}", shortened(&id, 60)));
                None
            }
        }
    }

    fn observe(&mut self, table: &DeTable<'_>) -> Option<Task> {
        let (name, at) = self.reader.text(table, "observe")?;
        let takes = match name.as_str() {
            "effect" => "of",
            "signals-cleared" => "signals",
            "requests-below" => "rate",
            "state" => "is",
            other => {
                let hint = near(other, OBSERVATIONS.iter().map(|(name, ..)| *name));
                self.reader.wrong(&at, format!("nothing observes “{}”{hint}", shortened(other, 60)));
                return None;
            }
        };
        let foreign = |key: &&str| *key != takes && (*key != "for" || matches!(takes, "of" | "is"));
        for key in ["of", "signals", "rate", "is", "for"].into_iter().filter(foreign) {
            if let Some((key, _)) = table.get_key_value(key) {
                self.reader.wrong(&key.span(), format!("{name} takes no “{}”, but “{takes}”", key.get_ref()));
            }
        }
        if takes != "signals" && table.get(takes).is_none() {
            self.reader.wrong(&at, format!("{name} needs “{takes}”"));
            return None;
        }
        let look = match takes {
            "of" => Look::Effect { of: self.earlier(table, "of")? },
            "rate" => Look::RequestsBelow {
                rate: self.given(Kind::Rate, "rate", table.get("rate")?)?,
                for_seconds: self.seconds(table, "for", 60)?,
            },
            "is" => {
                let all = StageState::ALL.map(|state| (state.id(), state));
                let states = words(self.reader, table, "is", "state", all);
                if states.is_empty() {
                    self.reader.wrong(&at, "state needs “is”: at least one state, as in is = [\"leaking\"]");
                    return None;
                }
                Look::State { states }
            }
            _ => {
                Look::SignalsCleared { signals: self.signals(table, &at), for_seconds: self.seconds(table, "for", 60)? }
            }
        };
        let within_seconds = self.seconds(table, "within", WITHIN)?;
        Some(Task::Observe { look, within_seconds })
    }

    /// The seconds of a time span under `key`; `none` where there is nothing.
    fn seconds(&mut self, table: &DeTable<'_>, key: &str, none: u64) -> Option<u64> {
        match table.get(key).map(|node| value(self.reader, Kind::Duration, key, node)) {
            None => Some(none),
            Some(Some(Value::Duration(seconds))) => Some(seconds),
            Some(_) => None,
        }
    }

    fn signals(&mut self, table: &DeTable<'_>, at: &Range<usize>) -> Vec<SignalKind> {
        if table.get("signals").is_some() {
            return signals(self.reader, table, "signals");
        }
        if self.answers.is_empty() {
            self.reader.wrong(at, "signals-cleared needs “signals”, since the playbook answers none");
        }
        self.answers.to_vec()
    }
}

/// Whether `with` names a parameter, rightly or wrongly: what is wrong with it is said already.
fn names(table: &DeTable<'_>, parameter: &str) -> bool {
    table.get("with").and_then(|node| node.get_ref().as_table()).is_some_and(|with| with.get(parameter).is_some())
}
