//! `CloudWatch` Logs.

use super::{KEPT, Row, all};

const LINKED: &str = "the range is one account";
const TRANSFORMED: &str = "the range transforms no logs";

/// What the range does with the members of each shape.
pub(super) const ROWS: &[Row] = &[
    Row {
        refused: &[
            ("accountIdentifiers includeLinkedAccounts", LINKED),
            ("logGroupClass", "all log groups of the range are of class STANDARD"),
        ],
        ..all("DescribeLogGroupsRequest", "logGroupNamePrefix logGroupNamePattern nextToken limit logGroupIdentifiers")
    },
    Row {
        without: &[
            ("interleaved", "deprecated: events are always interleaved (service model)"),
            ("unmask", "the range masks nothing"),
        ],
        refused: &[("startFromHead", "the range gives the oldest events first")],
        ..all(
            "FilterLogEventsRequest",
            "logGroupName logGroupIdentifier logStreamNames logStreamNamePrefix startTime endTime filterPattern \
             nextToken limit",
        )
    },
    all(
        "StartQueryRequest",
        "queryLanguage logGroupName logGroupNames logGroupIdentifiers startTime endTime queryString limit",
    ),
    Row { refused: &[("nextToken maxItems", "results come on one page")], ..all("GetQueryResultsRequest", "queryId") },
    all("StopQueryRequest", "queryId"),
    all("DescribeMetricFiltersRequest", "logGroupName filterNamePrefix nextToken limit metricName metricNamespace"),
    Row {
        refused: &[
            ("applyOnTransformedLogs", TRANSFORMED),
            ("fieldSelectionCriteria emitSystemFieldDimensions", "the range has no system fields"),
        ],
        ..all("PutMetricFilterRequest", "logGroupName filterName filterPattern metricTransformations")
    },
    Row {
        without: &[("unit", KEPT)],
        ..all("MetricTransformation", "metricName metricNamespace metricValue defaultValue dimensions")
    },
    all("DeleteMetricFilterRequest", "logGroupName filterName"),
];
