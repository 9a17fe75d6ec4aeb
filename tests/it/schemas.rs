//! `docs/schemas` holds a JSON schema for every document that is printed, made from its type. What the documentation
//! shows and what the program really prints are held against them. `PORTCULLIS_BLESS=1` writes them anew.
//!
//! The schemas that are published leave room for fields that are still to come. Those that are held against do not: a
//! field that the schema does not know is a mistake here.

use std::collections::BTreeSet;
use std::fs;
use std::sync::{LazyLock, OnceLock};

use jsonschema::{Draft, Validator};
use portcullis::cli::shape::{ErrorDocument, Keys, act, board, check, ladder, playbook, sources, stage, timeline};
use portcullis::report::Line;
use regex::Regex;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::docs::{blocks, read, root, sources_of};

/// Both that carry `portcullis.timeline/1`: what is shown, and a line of what is exported.
#[derive(JsonSchema)]
#[serde(untagged)]
#[allow(dead_code, clippy::large_enum_variant, reason = "it is there for its schema")]
enum Timeline {
    /// `timeline show`: what happened in an incident.
    Shown(timeline::TimelineDocument),
    /// A line of `timeline export --format json-lines`.
    Line(Line<'static>),
}

/// A file, and the type that its schema is made from.
type Document = (&'static str, fn(&mut SchemaGenerator) -> schemars::Schema);

macro_rules! documents {
    ($($noun:literal: $type:ty,)*) => {
        [$(($noun, |generator| generator.root_schema_for::<$type>())),*]
    };
}

/// What an error is called here: it carries no schema.
const ERROR: &str = "error";

/// By noun, as in `portcullis.NOUN/1`.
const DOCUMENTS: [Document; 26] = documents! {
    "action": act::ActionDocument,
    "actions": act::ActionsDocument,
    "attack": timeline::AttackDocument,
    "config-check": check::ConfigCheck,
    "drill-check": check::CheckedFiles,
    "error": ErrorDocument,
    "export": timeline::ExportDocument,
    "extension": act::ExtensionDocument,
    "incident": timeline::IncidentDocument,
    "incidents": timeline::Incidents,
    "keys": Keys,
    "ladder": ladder::LadderDocument,
    "note": timeline::NoteDocument,
    "plan": act::PlanDocument,
    "playbook-check": check::CheckedFiles,
    "playbook-content": playbook::PlaybookContent,
    "playbook-run": playbook::PlaybookRunDocument,
    "playbooks": playbook::Playbooks,
    "preflight": ladder::PreflightDocument,
    "proposals": ladder::ProposalsDocument,
    "snapshot": board::Snapshot,
    "sources": sources::SourcesDocument,
    "stage": stage::StageDocument,
    "sweep": act::SweepDocument,
    "timeline": Timeline,
    "verification": timeline::VerificationDocument,
};

/// The schema as it is published.
fn published((noun, of): Document) -> Value {
    let mut generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut schema = of(&mut generator).to_value();
    let object = schema.as_object_mut().unwrap();
    if noun == ERROR {
        object.insert("title".into(), json!("portcullis error"));
    } else {
        let name = format!("portcullis.{noun}/1");
        object.insert("title".into(), json!(name));
        object.insert("type".into(), json!("object"));
        let says = json!({ "description": "The schema, and its version.", "type": "string", "const": name });
        let empty = || Value::Object(Map::new());
        let properties = object.entry("properties").or_insert_with(empty).as_object_mut().unwrap();
        properties.shift_insert(0, "schema".into(), says);
        let required = object.entry("required").or_insert_with(|| json!([])).as_array_mut().unwrap();
        required.insert(0, json!("schema"));
    }
    for_readers(&mut schema);
    // What it is stands first.
    let mut object = Map::new();
    for first in ["$schema", "title", "description"] {
        object.extend(schema.as_object_mut().unwrap().shift_remove_entry(first));
    }
    object.extend(schema.as_object().unwrap().clone());
    Value::Object(object)
}

/// Descriptions are written for whoever reads the code: `None` is null there, and links lead nowhere. New fields may
/// come anywhere, also beside the name of an alternative.
fn for_readers(schema: &mut Value) {
    static LINK: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\[(`[^`\]]+`)\](\([^)]*\))?").unwrap());
    match schema {
        Value::Object(members) => {
            if members.get("additionalProperties") == Some(&json!(false)) {
                members.shift_remove("additionalProperties");
            }
            // What a reader of our own files puts where nothing is. A field may have that name as well.
            if members.get("default").is_some_and(|default| default.is_null() || default.is_array()) {
                members.shift_remove("default");
            }
            for (name, member) in members {
                match member {
                    Value::String(words) if name == "description" => {
                        let words_of_json = words.replace("`None`", "null");
                        let lines = LINK.replace_all(&words_of_json, "$1").replace('\n', " ");
                        *words = lines.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
                    }
                    member => for_readers(member),
                }
            }
        }
        Value::Array(members) => members.iter_mut().for_each(for_readers),
        _ => {}
    }
}

/// The same schema, without room for what it does not know.
fn strict(mut schema: Value) -> Value {
    close(&mut schema);
    for definition in schema["$defs"].as_object_mut().into_iter().flat_map(Map::values_mut) {
        parts_closed(definition);
    }
    schema
}

/// Closes a schema that describes a value whole: all alternatives and references of it together.
fn close(schema: &mut Value) {
    parts_closed(schema);
    // What is described by nothing may be anything: a value of AWS's own, as it was read.
    let describes = |name: &String| !matches!(name.as_str(), "description" | "default" | "title");
    if let Some(object) = schema.as_object_mut().filter(|object| object.keys().any(describes)) {
        object.insert("unevaluatedProperties".into(), json!(false));
    }
}

fn parts_closed(schema: &mut Value) {
    let Some(object) = schema.as_object_mut() else { return };
    for (name, member) in object {
        match name.as_str() {
            "properties" => member.as_object_mut().unwrap().values_mut().for_each(close),
            "items" | "additionalProperties" => close(member),
            "prefixItems" => member.as_array_mut().unwrap().iter_mut().for_each(close),
            "anyOf" | "oneOf" | "allOf" => member.as_array_mut().unwrap().iter_mut().for_each(parts_closed),
            _ => {}
        }
    }
}

fn validator(schema: &Value) -> Validator {
    jsonschema::options().with_draft(Draft::Draft202012).build(schema).unwrap_or_else(|error| panic!("{error}"))
}

/// What is wrong with a document, a line each.
fn wrong(document: &Value) -> Vec<String> {
    static STRICT: [OnceLock<Validator>; DOCUMENTS.len()] = [const { OnceLock::new() }; DOCUMENTS.len()];
    let noun = match document["schema"].as_str() {
        Some(name) => name.strip_prefix("portcullis.").and_then(|name| name.strip_suffix("/1")).unwrap_or(name),
        None => ERROR,
    };
    let Some(at) = DOCUMENTS.iter().position(|(known, _)| *known == noun) else {
        return vec![format!("there is no schema of {noun}")];
    };
    let validator = STRICT[at].get_or_init(|| validator(&strict(published(DOCUMENTS[at]))));
    let errors = validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path()));
    errors.chain(told_of_nothing(document)).collect()
}

/// Where an object says where its figures come from, each that it names is beside it, and so is each that it says is
/// not known.
fn told_of_nothing(value: &Value) -> Vec<String> {
    match value {
        Value::Object(object) => {
            let told = |of: &str, is: fn(&Value) -> bool| {
                let named = object.get(of).filter(|_| object.contains_key("origin")).and_then(Value::as_object);
                let names = named.into_iter().flat_map(Map::keys);
                let nowhere = names.filter(|name| !object.get(*name).is_some_and(is));
                nowhere.map(|name| format!("{of} has {name}, which is not so beside it")).collect::<Vec<_>>()
            };
            let nowhere = [told("origin", Value::is_number), told("unknown", Value::is_null)].concat();
            nowhere.into_iter().chain(object.values().flat_map(told_of_nothing)).collect()
        }
        Value::Array(all) => all.iter().flat_map(told_of_nothing).collect(),
        _ => Vec::new(),
    }
}

/// Holds what the program printed against its schema.
#[track_caller]
pub(crate) fn held(document: &Value) {
    let wrong = wrong(document);
    assert!(wrong.is_empty(), "{}\n{document:#}", wrong.join("\n"));
}

/// The examples of the documentation, with what it shortens as it stands elsewhere in it.
fn examples() -> Vec<Value> {
    let of_page = blocks(&read("docs/json.md"), "json");
    let mut examples: Vec<Value> = of_page.iter().map(|block| serde_json::from_str(block).unwrap()).collect();
    examples.retain(|example| example["schema"].is_string() || example["error"].is_object());
    let of = |noun: &str| examples.iter().find(|e| e["schema"] == format!("portcullis.{noun}/1")).unwrap();
    let (mut row, plan) = (of("snapshot")["stages"][0].clone(), of("plan")["plan"].clone());
    for whose in ["profile", "account", "region"] {
        row.as_object_mut().unwrap().remove(whose);
    }
    for example in &mut examples {
        for (place, whole) in [("/stage/row", &row), ("/playbook_run/plan", &plan)] {
            if let Some(short) = example.pointer_mut(place) {
                let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
                assert!(names(short).is_subset(&names(whole)), "{place} has what is not shortened");
                *short = whole.clone();
            }
        }
    }
    examples
}

#[test]
fn the_schemas_are_generated() {
    let dir = root().join("docs/schemas");
    let blessed = std::env::var_os("PORTCULLIS_BLESS").is_some();
    if blessed {
        fs::create_dir_all(&dir).unwrap();
    }
    for document in DOCUMENTS {
        let file = format!("{}.schema.json", document.0);
        let schema = published(document);
        jsonschema::meta::validate(&schema).unwrap_or_else(|error| panic!("{file}: {error}"));
        let fresh = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        if fs::read_to_string(dir.join(&file)).is_ok_and(|there| there == fresh) {
            continue;
        }
        assert!(blessed, "docs/schemas/{file} is out of date; PORTCULLIS_BLESS=1 cargo test schemas writes it anew");
        fs::write(dir.join(&file), fresh).unwrap();
    }
    let known: BTreeSet<String> = DOCUMENTS.iter().map(|(noun, _)| format!("{noun}.schema.json")).collect();
    let there = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(there.collect::<BTreeSet<_>>(), known);
}

#[test]
fn every_document_that_is_printed_has_a_schema() {
    let code = sources_of(&root().join("src/cli"));
    let printed = code.split("printer.object(").skip(1).filter_map(|rest| rest.trim_start().strip_prefix('"'));
    let mut printed: BTreeSet<&str> = printed.filter_map(|rest| rest.split('"').next()).collect();
    assert!(printed.len() > 20, "{printed:?}");
    printed.insert(ERROR);
    assert_eq!(DOCUMENTS.map(|(noun, _)| noun).into_iter().collect::<BTreeSet<_>>(), printed);
}

/// Everything in a schema says what it is, but for the values of lists and alternatives.
#[test]
fn every_field_is_described() {
    fn undescribed(schema: &Value, found: &mut BTreeSet<String>) {
        match schema {
            Value::Object(object) => {
                let fields = object.get("properties").and_then(Value::as_object);
                let alone = fields.is_some_and(|fields| fields.len() == 1) && object.contains_key("description");
                for (name, field) in fields.into_iter().flatten() {
                    // The name of an alternative has the alternative's words.
                    if field["description"].is_null() && field["const"].is_null() && !alone {
                        found.insert(name.clone());
                    }
                }
                object.values().for_each(|member| undescribed(member, found));
            }
            Value::Array(members) => members.iter().for_each(|member| undescribed(member, found)),
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    for document in DOCUMENTS {
        undescribed(&published(document), &mut found);
    }
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn every_example_of_the_documentation_is_held() {
    let examples = examples();
    assert!(examples.len() >= DOCUMENTS.len(), "{}", examples.len());
    let wrong: Vec<String> = examples
        .iter()
        .flat_map(|example| wrong(example).into_iter().map(|line| format!("{}: {line}", example["schema"])))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every place in a value, as a pointer.
fn places(value: &Value, here: &str, found: &mut Vec<String>) {
    let members: Vec<(String, &Value)> = match value {
        Value::Object(object) => {
            object.iter().map(|(name, member)| (name.replace('~', "~0").replace('/', "~1"), member)).collect()
        }
        Value::Array(all) => all.iter().enumerate().map(|(at, member)| (at.to_string(), member)).collect(),
        _ => Vec::new(),
    };
    for (name, member) in members {
        let place = format!("{here}/{name}");
        places(member, &place, found);
        found.push(place);
    }
}

/// What may be left out of a document: it is not there if it does not apply.
const MAY_BE_MISSING: [&str; 7] =
    ["about", "attack_began", "attack_dollars_estimate", "note", "observe", "peak", "within_seconds"];

/// Objects whose names are not the schema's.
const NAMED_BY_OTHERS: [&str; 3] = ["inputs", "origin", "unknown"];

/// Damages every example in every place: a field goes, comes, or is something else.
#[test]
fn what_is_damaged_is_refused() {
    let mut damages = 0;
    let mut missed = BTreeSet::new();
    for example in examples() {
        let noun = example["schema"].as_str().unwrap_or(ERROR).to_owned();
        let mut all = Vec::new();
        places(&example, "", &mut all);
        for place in all {
            let (parent, name) = place.rsplit_once('/').unwrap();
            let within = parent.rsplit('/').next().unwrap_or_default();
            let damaged = |damage: &dyn Fn(&mut Value)| {
                let mut copy = example.clone();
                damage(copy.pointer_mut(parent).unwrap());
                !wrong(&copy).is_empty()
            };
            damages += 1;
            let member = |of: &mut Value| match of {
                Value::Array(all) => all[name.parse::<usize>().unwrap()] = json!([[]]),
                of => of[name] = json!([[]]),
            };
            assert!(damaged(&member), "{noun}: {place} may be anything");
            if example.pointer(parent).unwrap().is_object() && !NAMED_BY_OTHERS.contains(&within) {
                let gone = damaged(&|of| drop(of.as_object_mut().unwrap().shift_remove(name)));
                if !gone {
                    missed.insert(name.to_owned());
                }
                assert!(damaged(&|of| of["not_known"] = json!(1)), "{noun}: {parent} may have more");
            }
        }
    }
    assert!(damages > 700, "{damages}");
    assert_eq!(missed.iter().map(String::as_str).collect::<Vec<_>>(), MAY_BE_MISSING);
}

/// What is published says that new fields may come.
#[test]
fn whoever_reads_by_the_schemas_takes_fields_that_are_still_to_come() {
    for document in DOCUMENTS {
        let validator = validator(&published(document));
        for mut example in examples() {
            let noun = example["schema"].as_str().unwrap_or(ERROR).replace("portcullis.", "").replace("/1", "");
            if noun != document.0 {
                continue;
            }
            example["still_to_come"] = json!(1);
            for member in example.as_object_mut().unwrap().values_mut().filter_map(Value::as_object_mut) {
                member.insert("still_to_come".into(), json!({ "more": [] }));
            }
            assert!(validator.is_valid(&example), "{noun}");
        }
    }
}
