//! Writes to a stage of an HTTP API: the settings of its routes.

use std::sync::Arc;

use aws_sdk_apigatewayv2::types::{LoggingLevel, RouteSettings};
use serde_json::Value;

use super::Answer;
use super::send::once;
use crate::aws::Aws;
use crate::aws::pace::Quota;
use crate::journal::Ticket;
use crate::model::limits::limits;
use crate::model::method::ALL_METHODS;

impl Aws {
    /// Replaces the settings of one route, or of every route without its own ([`ALL_METHODS`]), by `UpdateStage`. The
    /// object replaces the one before, and a limit that is not in it may become 0, which is an outage (users' reports):
    /// `settings` is whole.
    pub async fn update_route_settings(
        &self,
        ticket: &Arc<Ticket>,
        (api_id, stage): (&str, &str),
        route: &str,
        settings: &Value,
    ) -> Answer {
        let call = self.0.http_apis.update_stage().api_id(api_id).stage_name(stage);
        let call = if route == ALL_METHODS {
            call.default_route_settings(typed(settings))
        } else {
            call.route_settings(route, typed(settings))
        };
        self.send(ticket, Quota::ApiGateway, ("UpdateStage", stage), once!(aws_sdk_apigatewayv2, call)).await.plain()
    }

    /// `DeleteRouteSettings`: the route follows the stage's default again.
    pub async fn delete_route_settings(
        &self,
        ticket: &Arc<Ticket>,
        (api_id, stage): (&str, &str),
        route: &str,
    ) -> Answer {
        let call = self.0.http_apis.delete_route_settings().api_id(api_id).stage_name(stage).route_key(route);
        self.send(ticket, Quota::ApiGateway, ("DeleteRouteSettings", stage), once!(aws_sdk_apigatewayv2, call))
            .await
            .plain()
    }
}

/// Every field of a route's settings, as it was read and changed.
fn typed(settings: &Value) -> RouteSettings {
    let (rate, burst) = limits(settings);
    let flag = |name: &str| settings.get(name).and_then(Value::as_bool);
    let level = settings.get("loggingLevel").and_then(Value::as_str).map(LoggingLevel::from);
    RouteSettings::builder()
        .set_throttling_rate_limit(rate)
        .set_throttling_burst_limit(burst.map(whole))
        .set_detailed_metrics_enabled(flag("detailedMetricsEnabled"))
        .set_data_trace_enabled(flag("dataTraceEnabled"))
        .set_logging_level(level)
        .build()
}

/// A burst is a whole number of requests; one that does not fit saturates.
#[allow(clippy::cast_possible_truncation)]
fn whole(burst: f64) -> i32 {
    burst as i32
}
