//! Laws of the validator: what is valid passes, what breaks one constraint is refused by the documented error.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::answer::input_name;
use super::super::check as validate;
use super::super::model::Kind;
use super::mutants::{self, Expected, Mutant};
use super::sample;
use super::{known, taken};
use crate::error::AwsError;
use crate::service::Service;
use crate::wire::Target;

fn asked(service: Service, operation: &str, input: serde_json::Value) -> Result<(), AwsError> {
    validate(&Target::rest(service, operation, input))
}

/// The error that a service documents for a broken constraint, member by member; see `answer`.
fn documented(service: Service, path: &str, enumeration: bool) -> &'static str {
    match (service, path.split('.').next().unwrap()) {
        (Service::CloudWatch | Service::Sts, _) => "ValidationError",
        (Service::Logs, _) => "InvalidParameterException",
        (Service::ApiGateway, _) if enumeration => "ValidationException",
        (Service::ApiGateway | Service::ApiGatewayV2, _) => "BadRequestException",
        (Service::CloudTrail, "lookupAttributes") => "InvalidLookupAttributesException",
        (Service::CloudTrail, "maxResults") => "InvalidMaxResultsException",
        (Service::CloudTrail, "nextToken") => "InvalidNextTokenException",
        (Service::Waf | Service::CloudTrail, _) => "ValidationException",
    }
}

fn judge(service: Service, operation: &str, mutant: Mutant) {
    let Mutant { value, expected } = mutant;
    let shown = || format!("{operation} {expected:?}");
    let error = asked(service, operation, value.clone()).expect_err(&shown());
    match &expected {
        Expected::Constraint { path, words, enumeration, alone } => {
            let nested = words.ends_with('[');
            let about = format!("at '{path}' failed to satisfy constraint: {words}");
            assert!(error.message.contains(&about), "{}\n{}", shown(), error.message);
            assert_eq!(error.code, documented(service, path, *enumeration), "{}\n{}", shown(), error.message);
            let single = error.message.starts_with("1 validation error detected: ");
            assert!(single || !alone || nested, "{}\n{}", shown(), error.message);
        }
        Expected::Type => assert_eq!(error.code, "SerializationException", "{}\n{}", shown(), error.message),
        Expected::Range(words) => {
            assert!(error.message.contains(&format!("The Portcullis range {words}")), "{}\n{error}", shown());
        }
    }
}

#[test]
fn what_is_valid_passes() {
    for (service, model) in known() {
        for (operation, shape) in &model.operations {
            let Some(shape) = *shape else { continue };
            for made in [sample::minimal, sample::whole] {
                let input = made(service.name(), model, shape).value;
                asked(service, operation, input.clone())
                    .unwrap_or_else(|error| panic!("{operation} {input:#}: {error}"));
            }
        }
    }
}

/// Every constraint of every member, one at a time.
#[test]
fn what_breaks_one_constraint_is_refused_by_the_documented_error() {
    let (mut constraints, mut types, mut own) = (0, 0, 0);
    for (service, model) in known() {
        let mut visited = BTreeSet::new();
        for (operation, shape) in &model.operations {
            let Some(shape) = *shape else { continue };
            let whole = sample::whole(service.name(), model, shape);
            visited.extend(whole.sites.iter().map(|site| site.shape));
            let prefix = input_name(service, operation);
            for mutant in mutants::all(service.name(), model, &prefix, &whole) {
                match &mutant.expected {
                    Expected::Constraint { .. } => constraints += 1,
                    Expected::Type => types += 1,
                    Expected::Range(_) => own += 1,
                }
                judge(service, operation, mutant);
            }
        }
        // Keys of maps are broken with their maps.
        let keys = model.shapes.iter().filter_map(|shape| match shape.kind {
            Kind::Map(keys, _) => Some(keys),
            _ => None,
        });
        visited.extend(keys);
        let left: Vec<&str> = taken(model).difference(&visited).map(|at| model.shapes[*at].name.as_str()).collect();
        assert!(left.is_empty(), "{}: nothing of {left:?} was broken", service.name());
    }
    println!("{constraints} broken constraints, {types} other types, {own} refusals of the range's own");
    assert!(constraints > 525, "only {constraints}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Valid inputs of any members pass, and one broken constraint in them is refused.
    #[test]
    fn any_valid_input_passes_and_any_broken_one_does_not(seed in any::<u64>()) {
        for (service, model) in known() {
            for (operation, shape) in &model.operations {
                let Some(shape) = *shape else { continue };
                let made = sample::random(service.name(), model, shape, seed);
                let passed = asked(service, operation, made.value.clone());
                prop_assert!(passed.is_ok(), "{operation} {:#}: {passed:?}", made.value);
                let mut all = mutants::all(service.name(), model, &input_name(service, operation), &made);
                if !all.is_empty() {
                    let at = sample::Draw(seed).below(all.len());
                    judge(service, operation, all.swap_remove(at));
                }
            }
        }
    }
}
