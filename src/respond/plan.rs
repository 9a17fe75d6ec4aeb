//! From what was asked for to a plan with its digest.

use super::action::{allow_ip, block_ip, close, flush_cache, kill_switch, prepare, throttle};
pub use super::circumstances::Circumstances;
use super::digest::digest;
pub use super::planned::{PlanError, Planned};
use crate::aws::Aws;
use crate::model::action::{Action, AllowIp};
use crate::model::address;
use crate::model::attack::Attack;
use crate::model::plan::{Plan, Precondition};
use crate::model::playbook::Value;
use crate::model::settings::Settings;

/// The plan for `action`, from state read now. Its reads wait for the account's quotas, fifteen seconds in all.
///
/// # Errors
/// Where the state could not be read: a quota that was busy for so long says nothing of the action, so there are no
/// verdicts then.
pub async fn plan(
    aws: &Aws,
    settings: &Settings,
    action: &Action,
    circumstances: impl Into<Circumstances>,
) -> Result<Planned, PlanError> {
    let aws = &aws.patient();
    let circumstances = circumstances.into();
    let corrected = circumstances.corrected.clone();
    let mut planned = aws.unless_busy(Box::pin(planned(aws, settings, action, circumstances))).await??;
    if let Some(corrected) = corrected {
        rests_on(&mut planned, &corrected);
    }
    // IPv6 that carries IPv4 may not be what was meant.
    planned.plan.notes.extend(action.prefixes().iter().filter_map(|target| address::note(&target.net)));
    Ok(planned)
}

/// The plan to let in those of `action` who can be: nobody who is let in already, and nobody who is blocked while the
/// stage is open. `None` where nobody is left.
///
/// # Errors
/// As [`plan`].
pub(super) async fn relief(
    aws: &Aws,
    settings: &Settings,
    action: AllowIp,
    circumstances: Circumstances,
) -> Result<Option<Planned>, PlanError> {
    let aws = &aws.patient();
    aws.unless_busy(Box::pin(allow_ip::relief(aws, settings, action, circumstances))).await?
}

/// A plan made before a correction was judged by another beginning, and is another plan.
fn rests_on(planned: &mut Planned, corrected: &Attack) {
    let subject = format!("the attack on {}", corrected.stage.label());
    planned.plan.preconditions.push(Precondition { subject, expected: corrected.words() });
    planned.plan.digest = digest(&planned.plan);
}

async fn planned(
    aws: &Aws,
    settings: &Settings,
    action: &Action,
    circumstances: Circumstances,
) -> Result<Planned, PlanError> {
    let (attack_began, proofs) = (circumstances.attack_began, circumstances.proofs.clone());
    match action {
        Action::BlockIp(block) if block.targets.is_empty() => Err(PlanError::NoTargets),
        Action::BlockIp(block) => {
            let mut state = Box::pin(block_ip::read(aws, settings, block, attack_began)).await?;
            state.known = circumstances.known;
            let planned = block_ip::plan(block, &state, settings);
            Ok(planned.by_attack(state.attack_began, attack_began))
        }
        Action::AllowIp(action) => Box::pin(allow_ip::plan(aws, settings, action, circumstances)).await,
        Action::Throttle(action) => Box::pin(throttle::plan(aws, settings, action, attack_began)).await,
        Action::FlushCache(action) => Box::pin(flush_cache::plan(aws, settings, action)).await,
        Action::Close(action) => Box::pin(close::plan(aws, settings, action, attack_began)).await,
        Action::PrepareClosedWebAcl(action) => Box::pin(prepare::plan(aws, settings, action)).await,
        Action::KillSwitch(action) => Box::pin(kill_switch::plan(aws, settings, action, attack_began, &proofs)).await,
    }
}

/// What differs between a plan that was shown and the one made now, a line each; for a stale confirmation.
#[must_use]
pub fn differences(shown: &Plan, now: &Plan) -> Vec<String> {
    let lines = |plan: &Plan| {
        let mut lines: Vec<String> = Vec::new();
        for change in &plan.changes {
            lines.extend(change.added.iter().map(|e| format!("{}: +{e}", change.resource.name)));
            lines.extend(change.removed.iter().map(|e| format!("{}: -{e}", change.resource.name)));
        }
        lines.extend(plan.preconditions.iter().map(|p| format!("{}: {}", p.subject, p.expected)));
        lines.extend(plan.guards.iter().map(|g| {
            let overridden = if g.overridden { " (overridden)" } else { "" };
            format!("guard {}: {}{overridden}", g.id, g.verdict.word())
        }));
        lines.push(match plan.action.terms().expires_after_seconds {
            Some(seconds) => format!("expires after {}", Value::Duration(seconds)),
            None => "does not expire".to_owned(),
        });
        lines
    };
    let (before, after) = (lines(shown), lines(now));
    let gone = before.iter().filter(|line| !after.contains(line)).map(|line| format!("was: {line}"));
    let come = after.iter().filter(|line| !before.contains(line)).map(|line| format!("now: {line}"));
    gone.chain(come).collect()
}
