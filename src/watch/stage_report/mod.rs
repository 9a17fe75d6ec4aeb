//! One stage in depth, read when somebody opens it: its web ACL rule by rule, its methods and their limits, what guards
//! it, what was deployed.
//!
//! Nothing here fails as a whole: each part is read on its own, side by side with the others, and what could not be
//! read says why and which permission it wants. Reads only, in the lane of plans, since somebody waits for it. Knows
//! nothing of screens.
//!
//! | module | what it does |
//! | --- | --- |
//! | `rest`, `http` | what is read of which kind of API, in which order |
//! | `waf`, `samples` | the web ACL's rules: their series, and what samples tell of them |
//! | `labels` | what became of requests by their labels |
//! | `ranking` | which rules are in the way of the attack, which only count it |
//! | `methods` | methods or routes, their figures, their limits |
//! | `posture` | what guards the stage |
//! | `frame`, `known` | from minutes to figures; from answers to what is known |

mod frame;
mod http;
mod labels;
mod methods;
mod posture;
mod ranking;
mod reasons;
mod rest;
mod samples;
mod waf;

use super::once::attack_began_on;
use crate::aws::Aws;
use crate::model::attack::{Attack, Attacks, RestsOn};
use crate::model::board::Known;
use crate::model::settings::Settings;
use crate::model::stage::{ApiKind, StageId};
use crate::model::stage_report::StageReport;

/// Reads a stage in depth: some ten calls of API Gateway's, one or two of every other service's, and one a rule for
/// samples.
///
/// What is compared with before is compared with before the attack of `attacks` that stands on the stage. Where they
/// have none its metrics are asked whether one stands.
pub async fn stage_report(
    aws: &Aws,
    settings: &Settings,
    (stage, kind): (&StageId, ApiKind),
    attacks: &Attacks,
) -> StageReport {
    match kind {
        ApiKind::Rest => Box::pin(rest::report(aws, settings, stage, attacks)).await,
        ApiKind::Http => Box::pin(http::report(aws, settings, stage, attacks)).await,
    }
}

/// The attack that is believed to stand on a stage: what is pinned, else what its metrics say.
async fn attack_on(
    aws: &Aws,
    settings: &Settings,
    (stage, kind): (&StageId, ApiKind),
    web_acl_name: Option<&str>,
    attacks: &Attacks,
) -> Known<Option<Attack>> {
    if let Some(attack) = attacks.on(stage) {
        return Known::Yes(Some(attack.clone()));
    }
    let read = reasons::known(attack_began_on(aws, settings, (stage, kind), web_acl_name).await, kind);
    reasons::map(&read, |began| {
        let found = Attack::begun(stage.clone(), (*began)?, RestsOn::Metrics, None);
        attacks.clone().or_begun(found).on(stage).cloned()
    })
}

/// What so many metrics cost to read once, dollars (billed per metric asked for: documented).
fn dollars(metrics: usize, settings: &Settings) -> f64 {
    metrics as f64 * settings.polling.dollars_per_thousand_metrics / 1_000.0
}
