//! What became of requests by the labels that rules put on them: the one series that tells what a counting rule's
//! matches came to in the end.
//!
//! WAF publishes them by label and by how the evaluation ended (documented). Which labels there are, and under which
//! dimensions, is listed and not assumed: a label that is new may be missing for a quarter of an hour (documented).

use super::frame::{Before, Frame, missing, provisional};
use super::reasons::{known, map};
use super::waf::Opened;
use crate::aws::read::{MetricQuery, Statistic};
use crate::aws::{Aws, AwsError, Lane};
use crate::model::board::Known;
use crate::model::settings::Settings;
use crate::model::stage::ApiKind;
use crate::model::stage_report::{LabelRow, WafCounter};
use crate::watch::store::Held;

/// The most labels that are read: each costs two metrics.
const MOST: usize = 50;

/// What is read of each label, in the order of a [`Held`].
const COUNTERS: [WafCounter; 2] = [WafCounter::Allowed, WafCounter::Blocked];

/// A label with its series.
pub(super) type Labelled = Vec<(String, Held)>;

/// Reads the labels of a web ACL whose series have been found, over the minutes of its totals, and how many metrics
/// that took.
pub(super) async fn read(aws: &Aws, settings: &Settings, opened: &Opened) -> (Known<Labelled>, usize) {
    let Some(dimension) = &opened.dimension else { return (Known::Yes(Vec::new()), 0) };
    let found = match listed(aws, dimension).await {
        Ok(found) => found,
        Err(error) => return (known(Err(error), ApiKind::Rest), 0),
    };
    let queries: Vec<MetricQuery> = found
        .iter()
        .flat_map(|(_, dimensions)| {
            COUNTERS.map(|counter| MetricQuery {
                namespace: "AWS/WAFV2".into(),
                name: counter.metric().into(),
                dimensions: dimensions.clone(),
                statistic: Statistic::Sum,
            })
        })
        .collect();
    if queries.is_empty() {
        return (Known::Yes(Vec::new()), 0);
    }
    let now = aws.clock().now();
    let window = opened.window;
    let read = aws.metric_data(&queries, window.from, window.to, Lane::Plan).await;
    let held = read.map(|(results, _)| {
        let each = results.chunks(COUNTERS.len()).map(|results| {
            let mut held = window.held(COUNTERS.len());
            for (index, result) in results.iter().enumerate() {
                held.take(index, result, window);
            }
            if let Ok(total) = &opened.total {
                held.settle_by(total, window, now, provisional(&settings.polling));
            }
            held
        });
        found.into_iter().map(|(label, _)| label).zip(each).collect()
    });
    (known(held, ApiKind::Rest), queries.len())
}

type Dimensions = Vec<(&'static str, String)>;

/// Labels that were active within three hours, with the dimensions under which they are published.
async fn listed(aws: &Aws, dimension: &str) -> Result<Vec<(String, Dimensions)>, AwsError> {
    let with = [("WebACL", dimension), ("LabelNamespace", "")];
    let list = |counter: WafCounter| aws.metric_dimensions("AWS/WAFV2", counter.metric(), &with, Lane::Plan);
    let (allowed, blocked) = tokio::try_join!(list(COUNTERS[0]), list(COUNTERS[1]))?;
    let all = allowed.into_iter().chain(blocked);
    let mut found: Vec<(String, Dimensions)> = all.filter_map(|set| of_label(&set, aws.region())).collect();
    found.sort();
    found.dedup();
    found.truncate(MOST);
    Ok(found)
}

/// A label and its dimensions; `None` for what is divided further, or is another region's.
fn of_label(set: &[(String, String)], region: &str) -> Option<(String, Dimensions)> {
    // The documentation and users' dashboards differ in what the last part of a label is called.
    const NAMES: [&str; 5] = ["LabelNamespace", "LabelName", "Label", "WebACL", "Region"];
    let known = |(name, value): &(String, String)| {
        NAMES.iter().find(|known| *known == name).map(|known| (*known, value.clone()))
    };
    let dimensions = set.iter().map(known).collect::<Option<Dimensions>>()?;
    let of = |name: &str| dimensions.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str());
    let name = of("LabelName").or(of("Label"))?;
    let here = dimensions.len() == 4 && of("Region") == Some(region);
    let label = format!("{}:{name}", of("LabelNamespace")?.trim_end_matches(':'));
    here.then_some((label, dimensions))
}

/// The rows, those first of which most is let through now.
pub(super) fn rows(read: &Known<Labelled>, frame: &Frame<'_>, before: Before) -> Known<Vec<LabelRow>> {
    map(read, |labels| {
        let row = |(label, held): &(String, Held)| {
            let figure = |index: usize| frame.figure(&held.series()[index], 1.0 / 60.0, missing(held, index));
            LabelRow {
                label: label.clone(),
                allowed_per_second: figure(0),
                blocked_per_second: figure(1),
                allowed_before_per_second: before.median(frame, |minute| held.series()[0].at(minute)),
            }
        };
        let mut rows: Vec<LabelRow> = labels.iter().map(row).collect();
        let now = |row: &LabelRow| row.allowed_per_second.value().unwrap_or(0.0);
        rows.sort_by(|a, b| now(b).total_cmp(&now(a)));
        rows
    })
}
