//! CloudWatch Logs: Insights queries over access logs, and the metric filters on them.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_cloudwatchlogs::types::{QueryStatistics, QueryStatus};
use chrono::{DateTime, Utc};

use crate::aws::pace::Quota;
use crate::aws::{Aws, AwsError, Lane, Problem};

/// Wall time that a query may take before it is given up; Insights itself stops after an hour (documented).
const LONGEST: Duration = Duration::from_secs(30);

/// The most rows that a query gives (documented).
pub const MOST_ROWS: usize = 10_000;

/// What a query found.
#[derive(Debug, Clone, PartialEq)]
pub struct LogRows {
    /// Rows in the query's order: values by the names that the query gives them, texts as Insights writes them.
    pub rows: Vec<HashMap<String, String>>,
    /// Lines that the query looked at.
    pub records_scanned: f64,
    /// Bytes that the query looked at: what AWS bills.
    pub bytes_scanned: f64,
}

/// A metric that a log group's lines become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricFilter {
    /// Its name.
    pub name: String,
    /// Which lines it counts, in the syntax of filter patterns.
    pub pattern: String,
    /// The metric's namespace.
    pub namespace: String,
    /// The metric's name.
    pub metric: String,
    /// What each line adds: `1`, or a field.
    pub value: String,
    /// Whether its series has dimensions, and so cannot be read as one.
    pub dimensions: bool,
    /// When it was made: it counts nothing of before.
    pub created: Option<DateTime<Utc>>,
}

impl Aws {
    /// Runs an Insights query over one log group for lines from `from` up to and not including `to` (whole seconds),
    /// and waits for its answer.
    ///
    /// # Errors
    /// As the calls fail; [`Problem::TimedOut`] where the query did not end in time (it is then stopped),
    /// [`Problem::Refused`] where Insights ended it.
    pub async fn log_query(
        &self,
        group: &str,
        query: &str,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        lane: Lane,
    ) -> Result<LogRows, AwsError> {
        // Both ends are inclusive (documented).
        let call = self.0.logs.start_query().log_group_name(group).query_string(query);
        let call = call.start_time(from.timestamp()).end_time(to.timestamp() - 1);
        let call = call.limit(i32::try_from(MOST_ROWS).unwrap_or(i32::MAX));
        let asked = (Quota::Logs("StartQuery"), lane);
        let started = self.ask(asked, ("StartQuery", group), || call.clone().send()).await?;
        let unreadable = || AwsError::new("StartQuery", group, Problem::Unreadable("no query id in it".to_owned()));
        let id = started.query_id().ok_or_else(unreadable)?;
        let too_long = |_| {
            let took = format!("{} s for a log query", LONGEST.as_secs());
            Err(AwsError::new("GetQueryResults", group, Problem::TimedOut(took)))
        };
        let rows = tokio::time::timeout(LONGEST, self.query_results(group, id, lane)).await.unwrap_or_else(too_long);
        if rows.is_err() {
            // Bytes that nobody waits for any more are not to be paid for.
            if let Err(error) = self.0.logs.stop_query().query_id(id).send().await {
                tracing::debug!(%error, "the query could not be stopped");
            }
        }
        rows
    }

    async fn query_results(&self, group: &str, id: &str, lane: Lane) -> Result<LogRows, AwsError> {
        let mut pause = Duration::from_millis(200);
        loop {
            // No query is complete at once, and each look counts against a quota.
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(2));
            let call = || self.0.logs.get_query_results().query_id(id).send();
            let asked = (Quota::Logs("GetQueryResults"), lane);
            let answer = self.ask(asked, ("GetQueryResults", group), call).await?;
            match answer.status() {
                Some(QueryStatus::Complete) => return Ok(rows(&answer)),
                Some(status @ (QueryStatus::Cancelled | QueryStatus::Failed | QueryStatus::Timeout)) => {
                    let said = format!("the log query ended as {}", status.as_str());
                    return Err(AwsError::new("GetQueryResults", group, Problem::Refused(said)));
                }
                _ => {}
            }
        }
    }

    /// The metric filters of a log group.
    pub async fn metric_filters(&self, group: &str, lane: Lane) -> Result<Vec<MetricFilter>, AwsError> {
        let mut found = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let call = self.0.logs.describe_metric_filters().log_group_name(group).set_next_token(token);
            let asked = (Quota::Logs("DescribeMetricFilters"), lane);
            let page = self.ask(asked, ("DescribeMetricFilters", group), || call.clone().send()).await?;
            for filter in page.metric_filters() {
                found.extend(filter.metric_transformations().iter().map(|made| MetricFilter {
                    name: filter.filter_name().unwrap_or_default().to_owned(),
                    pattern: filter.filter_pattern().unwrap_or_default().to_owned(),
                    namespace: made.metric_namespace().to_owned(),
                    metric: made.metric_name().to_owned(),
                    value: made.metric_value().to_owned(),
                    dimensions: made.dimensions().is_some_and(|dimensions| !dimensions.is_empty()),
                    created: filter.creation_time().and_then(DateTime::from_timestamp_millis),
                }));
            }
            token = page.next_token().filter(|t| !t.is_empty()).map(str::to_owned);
            if token.is_none() {
                return Ok(found);
            }
        }
    }
}

fn rows(answer: &aws_sdk_cloudwatchlogs::operation::get_query_results::GetQueryResultsOutput) -> LogRows {
    let row = |fields: &Vec<aws_sdk_cloudwatchlogs::types::ResultField>| {
        let pairs = fields.iter().filter_map(|f| Some((f.field()?.to_owned(), f.value()?.to_owned())));
        pairs.collect::<HashMap<String, String>>()
    };
    let statistics = answer.statistics();
    LogRows {
        rows: answer.results().iter().map(row).collect(),
        records_scanned: statistics.map_or(0.0, QueryStatistics::records_scanned),
        bytes_scanned: statistics.map_or(0.0, QueryStatistics::bytes_scanned),
    }
}
