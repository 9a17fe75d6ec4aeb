//! The models are whole, every member has an effect, every broken constraint is refused and nothing else is.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod document;
mod laws;
mod mutants;
mod sample;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::json;

use super::effects::{self, Effect};
use super::model::{Kind, Model, Models};
use crate::service::{self, Context, Service};
use crate::state::Account;
use crate::wire::{Target, routes};

/// Patterns of the models that the `regex` crate cannot express, and that are therefore not checked.
const NOT_CHECKED: [&str; 0] = [];

fn models() -> &'static Models {
    Models::get().unwrap()
}

/// Every service that has a model, with it.
fn known() -> Vec<(Service, &'static Model)> {
    models().services().map(|(name, model)| (Service::named(name).unwrap(), model)).collect()
}

/// The shapes that an operation's input reaches without going through a refused member.
fn taken(model: &Model) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut waiting: Vec<usize> = model.operations.values().flatten().copied().collect();
    while let Some(at) = waiting.pop() {
        if !found.insert(at) {
            continue;
        }
        match &model.shapes[at].kind {
            Kind::Structure(members) => {
                let open = members.iter().filter(|member| !matches!(member.effect, Some(Effect::Refused(_))));
                waiting.extend(open.map(|member| member.shape));
            }
            Kind::List(of) => waiting.push(*of),
            Kind::Map(keys, values) => waiting.extend([*keys, *values]),
            _ => {}
        }
    }
    found
}

#[test]
fn the_models_name_their_version_and_no_more_than_they_need() {
    assert!(models().botocore.split('.').count() == 3, "{}", models().botocore);
    assert!(include_str!("../models.json").len() < 300_000);
    assert!(include_str!("../models.json").contains("Apache License 2.0"));
}

/// The operations that the generator is asked for are those in the data.
#[test]
fn the_data_have_the_operations_that_are_asked_for() {
    let asked: serde_json::Value = serde_json::from_str(include_str!("../../../shapes/operations.json")).unwrap();
    for (service, model) in known() {
        let asked: BTreeSet<&str> =
            asked[service.name()].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
        let have: BTreeSet<&str> = model.operations.keys().map(String::as_str).collect();
        assert_eq!(asked, have, "{}: run range/shapes/generate.py", service.name());
    }
    assert_eq!(asked.as_object().unwrap().len(), known().len());
}

#[test]
fn every_pattern_is_checked_but_those_that_are_named() {
    let mut left: BTreeSet<String> = BTreeSet::new();
    for (_, model) in known() {
        for shape in &model.shapes {
            if let Kind::Text { pattern: Some(pattern), .. } = &shape.kind
                && !pattern.is_checked()
            {
                left.insert(pattern.source.clone());
            }
        }
    }
    assert_eq!(left, NOT_CHECKED.iter().map(|pattern| (*pattern).to_owned()).collect());
}

/// What is in the models is performed, and what a path leads to is in the models.
#[test]
fn operations_of_the_models_are_those_that_are_performed() {
    let now: DateTime<Utc> = "2026-03-01T03:00:00Z".parse().unwrap();
    for (service, model) in known() {
        for (operation, input) in &model.operations {
            let mut account = Account::new("123456789012", "eu-central-1", now, 1);
            let input = input.map_or_else(|| json!({}), |shape| sample::minimal(service.name(), model, shape).value);
            let target = Target::rest(service, operation, input);
            if let Err(error) = service::perform(&mut account, &target, &mut Context::default()) {
                assert!(!error.message.contains("Portcullis"), "{operation}: {error}");
            }
        }
        let target = Target::rest(service, "MakeCoffee", json!({}));
        let mut account = Account::new("123456789012", "eu-central-1", now, 1);
        let error = service::perform(&mut account, &target, &mut Context::default()).unwrap_err();
        let words = format!("The Portcullis range does not know MakeCoffee of {}.", service.name());
        assert_eq!(error.message, words);
    }
    for (path, operation) in routes() {
        let service = if path.starts_with("/v2/") { Service::ApiGatewayV2 } else { Service::ApiGateway };
        assert!(models().of(service).unwrap().operations.contains_key(operation), "{path}: {operation}");
    }
}

/// No member of a shape that the range takes is without a word on what the range does with it.
#[test]
fn every_member_has_an_effect() {
    for (service, model) in known() {
        let mut silent = Vec::new();
        for at in taken(model) {
            let shape = &model.shapes[at];
            let Kind::Structure(members) = &shape.kind else { continue };
            silent.extend(
                members
                    .iter()
                    .filter(|member| member.effect.is_none())
                    .map(|member| format!("{}.{}", shape.name, member.key)),
            );
        }
        assert!(silent.is_empty(), "{}: nobody says what becomes of {silent:#?}", service.name());
    }
}

/// The tables name nothing that the models do not have, and nothing twice.
#[test]
fn the_tables_name_what_there_is_once() {
    for (service, model) in known() {
        let mut seen = BTreeSet::new();
        for row in effects::rows(service.name()) {
            let lists = [row.evaluated].into_iter().chain(row.without.iter().chain(row.refused).map(|(list, _)| *list));
            let shape = model.shapes.iter().find(|shape| shape.name == row.shape.trim_end_matches('?'));
            let Some(Kind::Structure(members)) = shape.map(|shape| &shape.kind) else {
                panic!("{} has no structure {}", service.name(), row.shape)
            };
            assert!(seen.insert((row.shape, "")), "{} stands twice", row.shape);
            for name in lists.flat_map(str::split_whitespace) {
                assert!(seen.insert((row.shape, name)), "{}.{name} stands twice", row.shape);
                let known = row.shape.ends_with('?') || members.iter().any(|member| member.key == name);
                assert!(known, "{} has no member {name}", row.shape);
            }
        }
        for row in effects::values(service.name()) {
            let shape = model.shapes.iter().find(|shape| shape.name == row.shape).unwrap();
            let Kind::Text { values, .. } = &shape.kind else { panic!("{} is no enumeration", row.shape) };
            for value in row.refused.split_whitespace() {
                assert!(values.iter().any(|known| known == value), "{} has no value {value}", row.shape);
            }
        }
    }
}
