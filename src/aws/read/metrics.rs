//! CloudWatch: `GetMetricData` in batches, `ListMetrics`.

use std::borrow::Cow;

use aws_sdk_cloudwatch::operation::get_metric_data::GetMetricDataOutput;
use aws_sdk_cloudwatch::primitives::DateTime as SdkTime;
use aws_sdk_cloudwatch::types::{
    Dimension, DimensionFilter, Metric, MetricDataQuery, MetricStat, RecentlyActive, ScanBy, StatusCode,
};
use chrono::{DateTime, Utc};
use futures_util::future::try_join_all;
use tracing::debug_span;

use crate::aws::pace::Quota;
use crate::aws::{Aws, AwsError, Lane};

/// The most queries in one `GetMetricData` call (documented).
pub const BATCH: usize = 500;

/// A statistic of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Statistic {
    /// Sum over the minute.
    Sum,
    /// How many values the minute had: for `Count` of `AWS/ApiGateway`, the requests (documented).
    SampleCount,
    /// Median.
    P50,
    /// 99th percentile.
    P99,
}

impl Statistic {
    fn as_str(self) -> &'static str {
        match self {
            Self::Sum => "Sum",
            Self::SampleCount => "SampleCount",
            Self::P50 => "p50",
            Self::P99 => "p99",
        }
    }
}

/// One series to read, a point a minute.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MetricQuery {
    /// `AWS/ApiGateway`, `AWS/WAFV2`, or a metric filter's.
    pub namespace: Cow<'static, str>,
    /// The metric's name.
    pub name: Cow<'static, str>,
    /// Dimensions.
    pub dimensions: Vec<(&'static str, String)>,
    /// Which statistic.
    pub statistic: Statistic,
}

/// How completely a series was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricStatus {
    /// Everything there is.
    Complete,
    /// More existed than came; what came is right.
    Partial,
    /// The caller may not read this metric.
    Forbidden,
    /// CloudWatch failed on this one.
    Failed,
}

impl MetricStatus {
    /// What became of a series, in words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Complete => "all of it came",
            Self::Partial => "some of it did not come",
            Self::Forbidden => "the caller may not read it",
            Self::Failed => "CloudWatch failed on it",
        }
    }
}

/// One series as read: points at the *start* of their minute, oldest first.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricResult {
    /// How completely.
    pub status: MetricStatus,
    /// The points.
    pub points: Vec<(DateTime<Utc>, f64)>,
}

impl Aws {
    /// Reads `queries` for the minutes from `from` up to and not including `to`; one result per query, in their order,
    /// and how many calls that took. Batches run side by side.
    pub async fn metric_data(
        &self,
        queries: &[MetricQuery],
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        lane: Lane,
    ) -> Result<(Vec<MetricResult>, usize), AwsError> {
        let batches = queries.chunks(BATCH).map(|batch| self.metric_batch(batch, from, to, lane));
        let read = try_join_all(batches).await?;
        let calls = read.iter().map(|(_, calls)| calls).sum();
        Ok((read.into_iter().flat_map(|(results, _)| results).collect(), calls))
    }

    async fn metric_batch(
        &self,
        batch: &[MetricQuery],
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        lane: Lane,
    ) -> Result<(Vec<MetricResult>, usize), AwsError> {
        let empty = || MetricResult { status: MetricStatus::Complete, points: Vec::new() };
        let mut results: Vec<MetricResult> = batch.iter().map(|_| empty()).collect();
        let mut token: Option<String> = None;
        let mut calls = 0;
        loop {
            let call = || {
                // Made anew for the rare second page or second try, rather than copied for the first: five hundred are
                // 6,000 allocations.
                let wire = debug_span!("ask").in_scope(|| batch.iter().enumerate().map(on_the_wire).collect());
                let call = self.0.metrics.get_metric_data();
                let call = call.set_metric_data_queries(Some(wire)).scan_by(ScanBy::TimestampAscending);
                call.start_time(sdk_time(from)).end_time(sdk_time(to)).set_next_token(token.clone()).send()
            };
            let page = self.ask((Quota::MetricData, lane), ("GetMetricData", "the metrics"), call).await?;
            calls += 1;
            debug_span!("take").in_scope(|| take(&page, &mut results));
            token = page.next_token().filter(|t| !t.is_empty()).map(str::to_owned);
            if token.is_none() {
                break;
            }
        }
        for result in &mut results {
            result.points.sort_by_key(|(at, _)| *at);
        }
        Ok((results, calls))
    }

    /// The dimension sets under which a metric was active within three hours, every page of them.
    pub async fn metric_dimensions(
        &self,
        namespace: &str,
        name: &str,
        with: &[(&str, &str)],
        lane: Lane,
    ) -> Result<Vec<Vec<(String, String)>>, AwsError> {
        let filters: Vec<DimensionFilter> = with
            .iter()
            .map(|(name, value)| {
                let filter = DimensionFilter::builder().name(*name);
                if value.is_empty() { filter.build() } else { filter.value(*value).build() }
            })
            .collect();
        let mut found = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let call = self.0.metrics.list_metrics().namespace(namespace).metric_name(name);
            let call = call.recently_active(RecentlyActive::Pt3H).set_dimensions(Some(filters.clone()));
            let call = call.set_next_token(token);
            let asked = (Quota::ListMetrics, lane);
            let page = self.ask(asked, ("ListMetrics", namespace), || call.clone().send()).await?;
            found.extend(page.metrics().iter().map(|metric| {
                let pairs = metric.dimensions().iter();
                pairs.map(|d| (d.name().unwrap_or("").to_owned(), d.value().unwrap_or("").to_owned())).collect()
            }));
            token = page.next_token().filter(|t| !t.is_empty()).map(str::to_owned);
            if token.is_none() {
                return Ok(found);
            }
        }
    }
}

/// Adds what a page has to the results, which its ids number.
fn take(page: &GetMetricDataOutput, results: &mut [MetricResult]) {
    for series in page.metric_data_results() {
        let index = series.id().and_then(|id| id.get(1..)).and_then(|n| n.parse::<usize>().ok());
        let Some(result) = index.and_then(|i| results.get_mut(i)) else {
            continue;
        };
        result.status = status(series.status_code());
        let times = series.timestamps().iter().filter_map(chrono_time);
        result.points.extend(times.zip(series.values().iter().copied()));
    }
}

fn on_the_wire((index, query): (usize, &MetricQuery)) -> MetricDataQuery {
    let dimensions = query.dimensions.iter().map(|(n, v)| Dimension::builder().name(*n).value(v).build()).collect();
    let metric = Metric::builder()
        .namespace(query.namespace.as_ref())
        .metric_name(query.name.as_ref())
        .set_dimensions(Some(dimensions));
    let stat = MetricStat::builder().metric(metric.build()).period(60).stat(query.statistic.as_str()).build();
    MetricDataQuery::builder().id(format!("q{index}")).metric_stat(stat).return_data(true).build()
}

fn status(code: Option<&StatusCode>) -> MetricStatus {
    match code {
        Some(StatusCode::PartialData) => MetricStatus::Partial,
        Some(StatusCode::Forbidden) => MetricStatus::Forbidden,
        Some(StatusCode::InternalError) => MetricStatus::Failed,
        _ => MetricStatus::Complete,
    }
}

fn sdk_time(time: DateTime<Utc>) -> SdkTime {
    SdkTime::from_secs(time.timestamp())
}

fn chrono_time(time: &SdkTime) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(time.secs(), 0)
}
