//! The guards of `throttle`, over what was read.

use super::State;
use super::entries::Wanted;
use super::traffic::Forecast;
use crate::model::action::Throttle;
use crate::model::limits::LimitInForce;
use crate::model::method::ALL_METHODS;
use crate::model::plan::GuardResult;
use crate::model::settings::Settings;
use crate::model::words::{tenths, whole_percent};
use crate::respond::guard::{self, WithEvidence, settled};
use crate::respond::loss::{Against, Taken};

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
    guard::THROTTLE_ZERO.pass("some requests pass")
}

/// Whether what is deployed has the method: a setting for one that does not exist would be accepted and do nothing.
fn method(action: &Throttle, state: &State) -> GuardResult {
    let Some(wanted) = &action.method else {
        return guard::THROTTLE_METHOD.pass("it applies to every method of the stage");
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
            .unknown("the stage sets no limit, and AWS does not report the account's: what is in force is not known");
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
        Ok(None) => evidence.push("account: not reported".to_owned()),
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
    evidence.extend(wanted.tight.iter().map(|name| format!("{name} is already as tight and stays")));
    Some(
        guard::THROTTLE_ENTRIES
            .warn("methods with entries of their own do not follow */*: each is handled")
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

/// Shedding that hits more legitimate callers than others stops, and so does a limit that takes more of the traffic of
/// before the attack than the team allows; that which costs legitimate callers more than that as long as the flood goes
/// on is warned of; any other is told in numbers.
fn judged(forecast: &Forecast, most: f64) -> GuardResult {
    let guard = &guard::THROTTLE_SHEDDING;
    let (rate, shed) = (forecast.now.rate, forecast.shed());
    let took = forecast.taken().map(|taken| taken.against(most));
    let before = of_before(forecast);
    let result = match (forecast.legitimate(), took) {
        _ if shed.share <= 0.0 => {
            let said = format!(
                "at {rate:.1} requests/s it would turn nothing away now; it only caps what may come. {before}"
            );
            match took {
                Some(Against::Above) => guard.stop(allowed(&said, most)),
                // What customers need is what the limit is measured by, flood or no flood.
                None => guard.unknown(said),
                Some(_) => guard.warn(said),
            }
        }
        (Some((share, at_most)), Some(took)) => {
            let (good, bad) = (rate * share, rate * (1.0 - share));
            let said = format!(
                "it would turn away {} of everything alike: {:.1} of {good:.1} legitimate requests/s, {:.1} of {bad:.1} others \
                 (estimated). {}. {before}",
                whole_percent(shed.share),
                good * shed.share,
                bad * shed.share,
                chance(shed)
            );
            let in_flood = shed.share > most && (share > 0.0 || at_most > most);
            match took {
                _ if share > 0.5 && forecast.attacked => {
                    guard.stop(format!("{said}. Most of this traffic was there before the attack"))
                }
                _ if share > 0.5 => guard.stop(said),
                Against::Above => guard.stop(allowed(&said, most)),
                _ if forecast.in_part => guard.warn(format!("{said}; not all of its evidence could be read")),
                Against::Within if !in_flood => guard.pass(said),
                Against::MayBeAbove | Against::Within => guard.warn(said),
            }
        }
        _ => guard.unknown(format!(
            "it would turn away {} of {rate:.1} requests/s, and how much of that is legitimate is not known. {}. {before}",
            whole_percent(shed.share),
            chance(shed)
        )),
    };
    result.because(forecast.evidence.clone())
}

/// What the limit takes from the traffic of before.
fn of_before(forecast: &Forecast) -> String {
    match (forecast.before.zip(forecast.taken()), forecast.attacked) {
        (Some((pace, taken)), true) => format!(
            "Before the attack {:.1} requests/s came{}; the limit turns away {} of them",
            pace.rate,
            pace.bounded(),
            taken.words()
        ),
        (Some((_, taken)), false) => {
            format!(
                "No attack is known, so all of it counts as customers'; the limit turns away {} of it",
                taken.words()
            )
        }
        (None, _) => "The traffic before the attack is not known, nor how much of it the limit turns away".to_owned(),
    }
}

fn allowed(said: &str, most: f64) -> String {
    format!("{said}; at most {} is allowed", tenths(most))
}

/// A customer's prospects, which are an attacker's.
fn chance(shed: Taken) -> String {
    let through = |shed: f64| format!("{:.1} %", (1.0 - shed) * 100.0);
    let (seen, low, high) = (through(shed.share), through(shed.bounds.1), through(shed.bounds.0));
    let bounded = if low == high { String::new() } else { format!(" (between {low} and {high})") };
    format!(
        "A throttle does not tell customers from attackers: at the present rate {seen}{bounded} of all requests get through"
    )
}

/// A saved `disableExecuteApiEndpoint` comes into force with any update of any stage (documented for stage settings;
/// inferred for throttles).
fn endpoint(state: &State) -> Option<GuardResult> {
    state.at.stage.endpoint_disabled.then(|| {
        guard::STAGE_ENDPOINT.warn(
            "the API's execute-api endpoint is set to be disabled; if that has not taken effect yet, this change makes it",
        )
    })
}

/// Things to know that are no guard's business.
pub(super) fn notes(action: &Throttle) -> Vec<String> {
    let mut notes = vec![
        "Stage settings take effect without a deployment, within seconds in others' experience (Steadybit: 3 to 10 s); API Gateway's own pages contradict each other on it.".to_owned(),
        "Requests that are throttled get 429, count as 4XX, and are not billed.".to_owned(),
    ];
    if action.method.is_none() {
        notes.push(
            "Whether a stage-wide limit applies to each method or for all of them together is not certain.".to_owned(),
        );
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::plan::Verdict;
    use crate::respond::loss::Pace;

    /// A hundred requests a second, so many of them from before the attack, and a limit that turns away such a share.
    fn forecast(before: Option<f64>, shed: f64) -> Forecast {
        let before = before.map(Pace::counted);
        let (limit, now) = (100.0 * (1.0 - shed), Pace::counted(100.0));
        Forecast { limit, now, before, attacked: true, in_part: false, evidence: vec![] }
    }

    #[test]
    fn shedding_is_judged_by_whom_it_hits() {
        let verdict = |before, shed| judged(&forecast(before, shed), 0.05).verdict;
        assert_eq!(verdict(Some(90.0), 0.0), Verdict::Warn, "nothing shed: said so");
        assert_eq!(verdict(Some(0.0), 0.9), Verdict::Pass);
        assert_eq!(verdict(Some(20.0), 0.04), Verdict::Pass);
        assert_eq!(verdict(Some(1.0), 0.9), Verdict::Warn, "few as they are, nearly all of their requests");
        assert_eq!(verdict(Some(90.0), 0.04), Verdict::Stop);
        assert_eq!(verdict(None, 0.5), Verdict::Unknown);
        let few = Forecast { before: Some(Pace { rate: 0.0, bounds: (0.0, 30.0) }), ..forecast(Some(0.0), 0.9) };
        assert_eq!(judged(&few, 0.05).verdict, Verdict::Warn, "none of ten samples may be three of ten");
        let part = Forecast { in_part: true, ..forecast(Some(0.0), 0.9) };
        assert_eq!(judged(&part, 0.05).verdict, Verdict::Warn);
    }

    #[test]
    fn a_limit_below_what_came_before_stops_beside_any_flood() {
        let low = judged(&forecast(Some(20.0), 0.85), 0.05);
        assert_eq!(low.verdict, Verdict::Stop, "a fifth of now, and a quarter above the limit: {low:#?}");
        assert!(
            low.reason.contains("Before the attack 20.0 requests/s came; the limit turns away 25.0 % of them"),
            "{low:#?}"
        );
        assert!(
            low.reason.contains("at most 5 % is allowed") && low.reason.contains("15.0 % of all requests"),
            "{low:#?}"
        );
        // The flood has paused, and customers have not come back yet.
        let paused = Forecast { now: Pace::counted(3.0), limit: 15.0, ..forecast(Some(20.0), 0.0) };
        assert_eq!(judged(&paused, 0.05).verdict, Verdict::Stop);
        // Nobody was sampled there, out of few: it may be more than passes.
        let few = Forecast { before: Some(Pace { rate: 0.0, bounds: (0.0, 12.0) }), ..forecast(None, 0.9) };
        let few = judged(&few, 0.2);
        assert_eq!(few.verdict, Verdict::Pass, "{few:#?}");
        assert!(
            few.reason.contains("(at most 12.0); the limit turns away none as far as seen, and at most 16.7 %"),
            "{few:#?}"
        );
    }

    #[test]
    fn what_is_not_known_of_before_is_said() {
        let blind = judged(&forecast(None, 0.5), 0.05);
        assert!(blind.reason.contains("The traffic before the attack is not known"), "{blind:#?}");
        assert_eq!(judged(&forecast(None, 0.0), 0.05).verdict, Verdict::Unknown, "though nothing is turned away now");
        let calm = judged(&Forecast { attacked: false, ..forecast(Some(100.0), 0.5) }, 0.05);
        assert_eq!(calm.verdict, Verdict::Stop);
        assert!(
            calm.reason.contains("No attack is known") && calm.reason.contains("turns away 50.0 % of it"),
            "{calm:#?}"
        );
    }
}
