//! `CloudWatch` Logs, as much of it as reads access logs.
//!
//! Names of errors and constraints are the service model's; words of errors are from users' reports where the model has
//! none.

mod events;
mod filters;
mod groups;
mod queries;

use serde_json::Value;

use super::common::{integer, text};
use super::{Answer, Service};
use crate::error::AwsError;
use crate::logs::LogGroup;
use crate::state::Account;
use crate::wire::Target;

type Outcome = Result<Answer, AwsError>;

/// Performs one operation.
pub(crate) fn perform(account: &mut Account, target: &Target) -> Outcome {
    let input = &target.input;
    match target.operation.as_str() {
        "DescribeLogGroups" => groups::describe(account, input),
        "FilterLogEvents" => events::filter(account, input),
        "StartQuery" => queries::start(account, input),
        "GetQueryResults" => queries::results(account, input),
        "StopQuery" => queries::stop(account, input),
        "DescribeMetricFilters" => filters::describe(account, input),
        "PutMetricFilter" => filters::put(account, input),
        "DeleteMetricFilter" => filters::delete(account, input),
        other => Err(Service::Logs.not_known(other)),
    }
}

fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::bad("InvalidParameterException", message)
}

fn not_found(message: impl Into<String>) -> AwsError {
    AwsError::bad("ResourceNotFoundException", message)
}

/// A member that must be there.
fn required<'a>(input: &'a Value, member: &str) -> Result<&'a str, AwsError> {
    text(input, member).ok_or_else(|| {
        invalid(format!(
            "1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null"
        ))
    })
}

/// A limit between 1 and the most that the model allows.
fn limit(input: &Value, most: usize) -> Result<usize, AwsError> {
    let Some(limit) = integer(input, "limit") else { return Ok(most) };
    usize::try_from(limit).ok().filter(|limit| (1..=most).contains(limit)).ok_or_else(|| {
        let bound = if limit < 1 { "greater than or equal to 1".to_owned() } else { format!("less than or equal to {most}") };
        invalid(format!(
            "1 validation error detected: Value '{limit}' at 'limit' failed to satisfy constraint: Member must have value {bound}"
        ))
    })
}

/// The log group of a name, which has a form.
fn group<'a>(account: &'a Account, name: &str) -> Result<&'a LogGroup, AwsError> {
    check_name(name)?;
    account.logs.group(name).ok_or_else(|| not_found("The specified log group does not exist."))
}

fn check_name(name: &str) -> Result<(), AwsError> {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || "_-/.#".contains(letter);
    if name.is_empty() || name.len() > 512 || !name.chars().all(fits) {
        return Err(invalid(format!(
            "1 validation error detected: Value '{name}' at 'logGroupName' failed to satisfy constraint: Member must satisfy \
             regular expression pattern: [\\.\\-_/#A-Za-z0-9]+"
        )));
    }
    Ok(())
}

/// A log group's name out of a name or an ARN, which ends neither in `:*` nor anywhere but in this account.
fn identified(account: &Account, identifier: &str) -> Result<String, AwsError> {
    if !identifier.starts_with("arn:") {
        return Ok(identifier.to_owned());
    }
    let home = format!("arn:aws:logs:{}:{}:log-group:", account.region, account.id);
    let name = identifier.strip_prefix(&home).filter(|name| !name.ends_with(":*"));
    name.map(str::to_owned).ok_or_else(|| invalid(format!("Invalid log group identifier: {identifier}")))
}
