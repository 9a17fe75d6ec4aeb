//! The guards of `throttle`, over what was read.

use super::State;
use super::entries::Wanted;
use super::traffic::Forecast;
use crate::model::action::Throttle;
use crate::model::change::ALL_METHODS;
use crate::model::limits::LimitInForce;
use crate::model::plan::GuardResult;
use crate::model::settings::Settings;
use crate::respond::guard::{self, WithEvidence, settled};

/// Every guard's result, overrides applied, worst first.
pub(super) fn guards(action: &Throttle, state: &State, settings: &Settings, wanted: &Wanted) -> Vec<GuardResult> {
    let mut results =
        vec![zero(action), method(action, state), tighter(action, state, wanted), wins(state, &wanted.in_force)];
    results.extend(copies(wanted));
    results.extend(own_entries(action, wanted));
    results.push(shedding(action, state, settings));
    results.extend(endpoint(state));
    results.push(state.at.managed(&guard::THROTTLE_MANAGED));
    settled(results, &action.terms)
}

fn zero(action: &Throttle) -> GuardResult {
    if action.rate == 0 || action.burst == 0 {
        return guard::THROTTLE_ZERO
            .stop("nothing passes a throttle of 0: that is a closure. Plan it as one: close --by throttle-zero");
    }
    guard::THROTTLE_ZERO.pass("something passes")
}

/// Whether what is deployed has the method: a setting for one that does not exist would be accepted and do nothing.
fn method(action: &Throttle, state: &State) -> GuardResult {
    let Some(wanted) = &action.method else {
        return guard::THROTTLE_METHOD.pass("every method of the stage is meant");
    };
    let methods = match &state.methods {
        Ok(methods) => methods,
        Err(error) => return guard::THROTTLE_METHOD.unknown(format!("what is deployed could not be read: {error}")),
    };
    if methods.iter().any(|m| m.name == *wanted) {
        return guard::THROTTLE_METHOD.pass(format!("{wanted} is deployed on the stage"));
    }
    let known: Vec<String> = methods.iter().map(|m| m.name.to_string()).collect();
    guard::THROTTLE_METHOD.stop(format!("the stage has no method {wanted}; it has {}", listed(&known))).because(known)
}

fn listed(names: &[String]) -> String {
    match names {
        [] => "none".to_owned(),
        names if names.len() <= 6 => names.join(", "),
        names => format!("{} and {} more", names[..6].join(", "), names.len() - 6),
    }
}

fn tighter(action: &Throttle, state: &State, wanted: &Wanted) -> GuardResult {
    let now = &wanted.in_force;
    if let (Err(error), true) = (&state.account, now.rate.is_none() || now.burst.is_none()) {
        return guard::THROTTLE_TIGHTER
            .unknown(format!("the stage sets no limit, and the account's could not be read: {error}"));
    }
    if now.rate.is_none() || now.burst.is_none() {
        return guard::THROTTLE_TIGHTER
            .unknown("the stage sets no limit, and AWS does not say the account's: what is in force is not known");
    }
    let looser = |asked: u32, now: Option<f64>| now.is_some_and(|now| f64::from(asked) > now);
    if looser(action.rate, now.rate) || looser(action.burst, now.burst) {
        let hint = format!("name at most {}", words(now));
        return guard::THROTTLE_TIGHTER
            .stop(format!("{}/s, burst {} is looser than what {} sets; {hint}", action.rate, action.burst, now.from));
    }
    guard::THROTTLE_TIGHTER.pass(format!("{} is in force, from {}", words(now), now.from))
}

fn words(limit: &LimitInForce) -> String {
    let number = |n: Option<f64>| n.map_or("?".to_owned(), |n| n.to_string());
    format!("{}/s, burst {}", number(limit.rate), number(limit.burst))
}

/// Every limit on the way of a request, and which wins.
fn wins(state: &State, now: &LimitInForce) -> GuardResult {
    let mut evidence = vec![format!("stage: {} (from {})", words(now), now.from)];
    match &state.account {
        Ok(Some(limit)) => {
            evidence.push(format!("account, shared by all its APIs: {}/s, burst {}", limit.rate, limit.burst));
        }
        Ok(None) => evidence.push("account: not said".to_owned()),
        Err(error) => evidence.push(format!("account: not known: {error}")),
    }
    let account = matches!(state.account, Ok(Some(_)));
    let plans = match &state.plans {
        Ok(plans) => plans,
        Err(error) => {
            evidence.push(format!("usage plans: not known: {error}"));
            return guard::THROTTLE_LIMITS.warn("which limit wins is known in part only").because(evidence);
        }
    };
    for plan in plans {
        let each = plan.throttle.map_or("no limit".to_owned(), |l| format!("{}/s, burst {}", l.rate, l.burst));
        evidence.push(format!("usage plan {}, each client: {each}", plan.name));
        for (method, limit) in &plan.methods {
            evidence.push(format!(
                "usage plan {}, each client on {method}: {}/s, burst {}",
                plan.name, limit.rate, limit.burst
            ));
        }
    }
    if !account {
        return guard::THROTTLE_LIMITS.warn("which limit wins is known in part only").because(evidence);
    }
    let clients = if plans.is_empty() { "" } else { "; usage plans limit each client before it" };
    guard::THROTTLE_LIMITS
        .pass(format!("{} wins today{clients}. Limits are targets, not ceilings (documented)", now.from))
        .because(evidence)
}

/// A method that gets an entry of its own no longer follows the stage's.
fn copies(wanted: &Wanted) -> Option<GuardResult> {
    let made: Vec<String> = wanted
        .parts
        .iter()
        .filter(|part| part.before.is_none())
        .map(|part| match part.name.as_str() {
            ALL_METHODS => "*/* gets an entry, with AWS's defaults for caching and logging".to_owned(),
            name => format!("{name} gets an entry of its own, a copy of */*'s caching and logging"),
        })
        .collect();
    let first = made.first()?.clone();
    Some(
        guard::THROTTLE_COPIES
            .warn(format!("{first}; later changes of */* do not reach it until this is undone"))
            .because(made),
    )
}

fn own_entries(action: &Throttle, wanted: &Wanted) -> Option<GuardResult> {
    if action.method.is_some() {
        return None;
    }
    let set = wanted.parts.iter().filter(|part| part.name != ALL_METHODS);
    let mut evidence: Vec<String> = set.map(|part| format!("{} is set as well", part.name)).collect();
    if evidence.is_empty() && wanted.tight.is_empty() {
        return Some(guard::THROTTLE_ENTRIES.pass("no method has an entry of its own: all follow */*"));
    }
    evidence.extend(wanted.tight.iter().map(|name| format!("{name} is as tight already and stays")));
    Some(
        guard::THROTTLE_ENTRIES
            .warn("methods with entries of their own do not follow */*: each is dealt with")
            .because(evidence),
    )
}

/// What it would turn away: attack and legitimate alike.
fn shedding(action: &Throttle, state: &State, settings: &Settings) -> GuardResult {
    let stage = &state.at.stage.id.stage;
    let forecast = state.traffic.forecast(stage, action.method.as_ref(), f64::from(action.rate));
    let forecast = match forecast {
        Ok(forecast) => forecast,
        Err(why) => {
            return guard::THROTTLE_SHEDDING.unknown(format!(
                "what it would turn away is not known: {why}. Override with a reason to throttle blind"
            ));
        }
    };
    judged(&forecast, settings.guards.most_legitimate_share)
}

/// Shedding that hits more legitimate callers than others stops; that which costs legitimate callers more than the share that the team allows
/// is warned of; any other is told in numbers.
fn judged(forecast: &Forecast, most: f64) -> GuardResult {
    let Forecast { rate, legitimate, at_most, shed, in_part, evidence } = forecast;
    let result = match legitimate {
        _ if *shed <= 0.0 => guard::THROTTLE_SHEDDING
            .warn(format!("at {rate:.1} requests/s it would turn nothing away; it only caps what may come")),
        None => guard::THROTTLE_SHEDDING.unknown(format!(
            "it would turn away {:.0} % of {rate:.1} requests/s, and how much of that is legitimate is not known",
            shed * 100.0
        )),
        Some(share) => {
            let (good, bad) = (rate * share, rate * (1.0 - share));
            let said = format!(
                "it would turn away {:.0} % of everything alike: {:.1} of {good:.1} legitimate requests/s, {:.1} of {bad:.1} others \
                 (estimated)",
                shed * 100.0,
                good * shed,
                bad * shed
            );
            if *share > 0.5 {
                guard::THROTTLE_SHEDDING.stop(format!("{said}. Most of this traffic was there before the attack"))
            } else if *shed > most && (*share > 0.0 || *at_most > most) {
                guard::THROTTLE_SHEDDING.warn(said)
            } else if *in_part {
                guard::THROTTLE_SHEDDING.warn(format!("{said}; not all that it rests on could be read"))
            } else {
                guard::THROTTLE_SHEDDING.pass(said)
            }
        }
    };
    result.because(evidence.clone())
}

/// A saved `disableExecuteApiEndpoint` comes into force with any update of any stage (documented for stage settings; inferred for
/// throttles).
fn endpoint(state: &State) -> Option<GuardResult> {
    state.at.stage.endpoint_disabled.then(|| {
        guard::STAGE_ENDPOINT.warn(
            "the API's execute-api endpoint is set to be disabled; if that is not in force yet, this change brings it into force",
        )
    })
}

/// Things to know that are no guard's business.
pub(super) fn notes(action: &Throttle) -> Vec<String> {
    let mut notes = vec![
        "Stage settings act without a deployment, within seconds in others' experience (Steadybit: 3 to 10 s); API Gateway's own pages contradict each other on it.".to_owned(),
        "Requests that are throttled get 429, count as 4XX, and are not billed.".to_owned(),
    ];
    if action.method.is_none() {
        notes.push(
            "Whether a stage-wide limit holds for each method or for all of them together is not certain.".to_owned(),
        );
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::plan::Verdict;

    #[test]
    fn shedding_is_judged_by_whom_it_hits() {
        let forecast = |legitimate: Option<f64>, shed| {
            let at_most = legitimate.unwrap_or(1.0);
            Forecast { rate: 100.0, legitimate, at_most, shed, in_part: false, evidence: vec![] }
        };
        let verdict = |legitimate, shed| judged(&forecast(legitimate, shed), 0.05).verdict;
        assert_eq!(verdict(Some(0.9), 0.0), Verdict::Warn, "nothing shed: said so");
        assert_eq!(verdict(Some(0.0), 0.9), Verdict::Pass);
        assert_eq!(verdict(Some(0.2), 0.04), Verdict::Pass);
        assert_eq!(verdict(Some(0.01), 0.9), Verdict::Warn, "few as they are, nearly all of their requests");
        assert_eq!(verdict(Some(0.9), 0.5), Verdict::Stop);
        assert_eq!(verdict(None, 0.5), Verdict::Unknown);
        let few = Forecast { at_most: 0.3, ..forecast(Some(0.0), 0.9) };
        assert_eq!(judged(&few, 0.05).verdict, Verdict::Warn, "none of ten samples may be three of ten");
        let part = Forecast { in_part: true, ..forecast(Some(0.0), 0.9) };
        assert_eq!(judged(&part, 0.05).verdict, Verdict::Warn);
    }
}
