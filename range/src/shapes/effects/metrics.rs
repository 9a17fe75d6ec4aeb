//! `CloudWatch` metrics and `CloudTrail`.

use super::{Row, all};

const LINKED: &str = "the range is one account";

/// What the range does with the members of `CloudWatch`'s shapes.
pub(super) const CLOUDWATCH: &[Row] = &[
    Row {
        refused: &[("LabelOptions", "labels of the range have no times")],
        ..all("GetMetricDataInput", "MetricDataQueries StartTime EndTime NextToken ScanBy MaxDatapoints")
    },
    Row {
        refused: &[("Period", "expressions of the range have the period of what they name"), ("AccountId", LINKED)],
        ..all("MetricDataQuery", "Id MetricStat Expression Label ReturnData")
    },
    all("MetricStat", "Metric Period Stat Unit"),
    all("Metric", "Namespace MetricName Dimensions"),
    all("Dimension", "Name Value"),
    all(
        "GetMetricStatisticsInput",
        "Namespace MetricName Dimensions StartTime EndTime Period Statistics ExtendedStatistics Unit",
    ),
    Row {
        refused: &[("IncludeLinkedAccounts OwningAccount", LINKED)],
        ..all("ListMetricsInput", "Namespace MetricName Dimensions NextToken RecentlyActive")
    },
    all("DimensionFilter", "Name Value"),
];

/// What the range does with the members of `CloudTrail`'s shapes.
pub(super) const CLOUDTRAIL: &[Row] = &[
    Row {
        refused: &[("EventCategory", "the range has no Insights events")],
        ..all("LookupEventsRequest", "LookupAttributes StartTime EndTime MaxResults NextToken")
    },
    all("LookupAttribute", "AttributeKey AttributeValue"),
];
