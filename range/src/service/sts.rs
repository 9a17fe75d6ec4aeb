//! STS: who is calling.

use serde_json::json;

use super::{Answer, Service};
use crate::error::AwsError;
use crate::operator::CALLER;
use crate::state::Account;
use crate::wire::Target;

pub(crate) fn perform(account: &Account, target: &Target) -> Result<Answer, AwsError> {
    if target.operation != "GetCallerIdentity" {
        return Err(Service::Sts.not_known(&target.operation));
    }
    Ok(Answer::ok(json!({
        "Arn": format!("arn:aws:iam::{}:user/{CALLER}", account.id),
        "UserId": "AIDAQRANGEONCALLUSER1",
        "Account": account.id,
    })))
}
