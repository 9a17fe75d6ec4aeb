//! The ladder of closing: a plan of each way, from the lightest to the heaviest, and the first that nothing stops.

use chrono::{DateTime, Utc};

use super::action::throttle::attacked::{Attacked, NoMethod, attacked};
use super::guard;
use super::plan::{PlanError, Planned, plan};
use super::resolve;
use crate::aws::{Aws, Lane};
use crate::model::action::{Action, Close, Closure, KillSwitch, Terms};
use crate::model::address::Target;
use crate::model::ladder::{AttackedMethod, Ladder, Rung, Way};
use crate::model::settings::Settings;
use crate::model::stage::{StageId, StageSelector};
use crate::model::words::whole_percent;

/// Which ways are planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Every one.
    All,
    /// Those that read the account only, and probe nothing from outside: nobody has asked.
    Unasked,
}

/// The ladder of the stage that `selector` names, each way planned from state read now. Changes nothing.
///
/// # Errors
/// Where the stage is not there or cannot be read, or a quota was busy for fifteen seconds; a way that cannot be
/// planned is a rung that says why.
pub async fn ladder(
    aws: &Aws,
    settings: &Settings,
    selector: &StageSelector,
    (web_acl, wanted): (Option<&str>, Wanted),
    attack_began: Option<DateTime<Utc>>,
) -> Result<Ladder, PlanError> {
    // One plan in four ways: what a busy quota kept from being read makes no way unfit.
    let aws = &aws.patient();
    aws.unless_busy(Box::pin(rungs(aws, settings, selector, (web_acl, wanted), attack_began))).await?
}

async fn rungs(
    aws: &Aws,
    settings: &Settings,
    selector: &StageSelector,
    (web_acl, wanted): (Option<&str>, Wanted),
    attack_began: Option<DateTime<Utc>>,
) -> Result<Ladder, PlanError> {
    let stage = resolve::stage(aws, selector, Lane::Plan).await?;
    let close = |by| {
        let web_acl = web_acl.map(str::to_owned).filter(|_| by == Closure::WebAcl);
        // Whoever closes to everybody says why; that is no reason not to show the way.
        let terms = Terms { reason: Some("no reason is given yet".to_owned()), ..Terms::default() };
        Action::Close(Close { stage: selector.clone(), by, web_acl, again: None, terms }).for_an_hour_by_default()
    };
    let (swap, zero) = (close(Closure::WebAcl), close(Closure::ThrottleZero));
    let (lightest, swapped, zeroed, switched) = tokio::join!(
        Box::pin(throttled(aws, settings, selector, attack_began)),
        Box::pin(plan(aws, settings, &swap, attack_began)),
        Box::pin(plan(aws, settings, &zero, attack_began)),
        async {
            match wanted {
                Wanted::All => Box::pin(switched(aws, settings, selector, &stage.id, attack_began)).await,
                Wanted::Unasked => Rung::unfit(Way::KillSwitch, "not planned until somebody asks"),
            }
        },
    );
    let (attack, attacked, situation, lightest) = lightest;
    Ok(Ladder {
        attack,
        attacked,
        stage: stage.id,
        read_at: aws.clock().now(),
        situation,
        rungs: vec![lightest, swapped_in(swapped, selector), rung(Way::ThrottleZero, zeroed, selector), switched],
    })
}

/// The lightest way, with whether there may be an attack, and what is known of it.
async fn throttled(
    aws: &Aws,
    settings: &Settings,
    selector: &StageSelector,
    attack_began: Option<DateTime<Utc>>,
) -> (bool, Option<AttackedMethod>, Vec<String>, Rung) {
    let way = Way::ThrottleMethod;
    let found: Attacked = match attacked(aws, settings, selector, attack_began).await {
        Ok(Ok(found)) => found,
        Ok(Err(why)) => return (why != NoMethod::Calm, None, vec![why.to_string()], Rung::unfit(way, why.to_string())),
        Err(error) => return (true, None, vec![error.to_string()], Rung::unfit(way, error.to_string())),
    };
    let situation = vec![format!(
        "{} gets {:.0} requests/s, {:.0} before the attack: {} of what came with it (estimated from WAF's samples)",
        found.method,
        found.now,
        found.before,
        whole_percent(found.share)
    )];
    let action = Action::Throttle(found.throttle(selector));
    let mut rung = rung(way, Box::pin(plan(aws, settings, &action, attack_began)).await, selector);
    if rung.unfit.is_none() {
        rung.unfit = found.falls_short();
    }
    let Attacked { method, now, before, before_of_all, share } = found;
    (true, Some(AttackedMethod { method, now, before, before_of_all, share }), situation, rung)
}

/// The swap; where there is nothing to swap in, with the way to make it.
fn swapped_in(planned: Result<Planned, PlanError>, selector: &StageSelector) -> Rung {
    let mut rung = rung(Way::WebAcl, planned, selector);
    if rung.action.is_some() && rung.whom.is_none() {
        rung.unfit = Some(format!(
            "there is no closed web ACL to swap in. Make one: portcullis apply prepare-closed-web-acl --stage {selector}"
        ));
    }
    rung
}

/// The heaviest: its proof on another stage of the API, letting in whom the configuration names.
async fn switched(
    aws: &Aws,
    settings: &Settings,
    selector: &StageSelector,
    stage: &StageId,
    attack_began: Option<DateTime<Utc>>,
) -> Rung {
    let way = Way::KillSwitch;
    let guards = &settings.guards;
    let ranges = guards.break_glass.iter().chain(&guards.never_block).flatten();
    let allow: Vec<Target> = ranges.map(|net| Target { net: *net, masked_from: None }).collect();
    if allow.is_empty() {
        return Rung::unfit(way, "no range to let in is configured. Set guards.break-glass, or name them with --allow");
    }
    let api = stage.api();
    let others = match aws.stages(&api, Lane::Plan).await {
        Ok(stages) => stages,
        Err(error) => return Rung::unfit(way, error.to_string()),
    };
    let Some(other) = others.into_iter().find(|one| one.id != *stage) else {
        return Rung::unfit(way, format!("{} has no other stage to prove it on. Make one for it", stage.api_name));
    };
    let action = Action::KillSwitch(KillSwitch {
        stage: selector.clone(),
        allow,
        prove_on: Some(Box::new(StageSelector { stage: other.id.stage, ..selector.clone() })),
        commit_confirmed: false,
        own: Vec::new(),
        terms: Terms::default(),
    });
    rung(way, Box::pin(plan(aws, settings, &action, attack_began)).await, selector)
}

fn rung(way: Way, planned: Result<Planned, PlanError>, selector: &StageSelector) -> Rung {
    let whom = match way {
        Way::ThrottleMethod => &guard::THROTTLE_SHEDDING,
        Way::WebAcl | Way::ThrottleZero | Way::KillSwitch => &guard::CLOSE_LOSERS,
    };
    match planned {
        Ok(planned) => Rung::planned(way, &planned.plan, whom.id, selector),
        Err(error) => Rung::unfit(way, error.to_string()),
    }
}
