//! Other people at work in the account: calls that come from nobody's client here, but take effect and are on the trail
//! like any.

use serde_json::Value;

use crate::error::AwsError;
use crate::service::{self, Body, Context, Service};
use crate::state::{Account, Call};
use crate::wire::Target;

/// The IAM user that every caller of the range is.
pub(crate) const CALLER: &str = "oncall";

impl Account {
    /// Performs an operation as another user would: validated and answered like a client's, on the trail under their
    /// name, without quotas and faults. `service` is `apigateway`, `apigatewayv2`, `wafv2` or `cloudtrail`; `input` has
    /// the members of the service model, those of path and query string among them (`restApiId`, `stageName`).
    pub fn act(&mut self, user: &str, service: &str, operation: &str, input: Value) -> Result<Value, AwsError> {
        let service = Service::named(service)
            .ok_or_else(|| AwsError::bad("UnknownServiceException", format!("the range has no service {service}")))?;
        let target = Target::rest(service, operation, input);
        let outcome = service::perform(self, &target, &mut Context::default());
        self.record(&target, user, outcome.as_ref().err(), None);
        outcome.map(|answer| match answer.body {
            Body::Json(body) => body,
            Body::Tree(tree) => tree.into_json(),
            Body::File(file) => file.content.into(),
            Body::Empty => Value::Null,
        })
    }

    /// Puts a call on the trail. `unanswered` is what became of the answer where the client got none, and whether the
    /// call was performed.
    pub(crate) fn record(
        &mut self,
        target: &Target,
        user: &str,
        error: Option<&AwsError>,
        unanswered: Option<(&'static str, bool)>,
    ) {
        self.trail.push(Call {
            at: self.now,
            service: target.service.name(),
            operation: target.operation.clone(),
            mutating: service::is_mutating(target.service, &target.operation),
            error: error.map(|error| error.code.clone()).or(unanswered.map(|(what, _)| what.to_owned())),
            resource: target.resource(),
            user: user.to_owned(),
            performed: unanswered.is_none_or(|(_, performed)| performed),
            message: error.map(|error| error.message.clone()),
            // What reads metrics is long, frequent and in no event.
            input: if target.service == Service::CloudWatch { Value::Null } else { target.input.clone() },
        });
    }
}
