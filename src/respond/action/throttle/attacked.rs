//! Which method is attacked, and what it had before: where the requests that came with the attack go.

use chrono::{DateTime, Utc};

use super::traffic::{self, Traffic};
use crate::aws::{Aws, Lane};
use crate::model::action::{Terms, Throttle};
use crate::model::method::MethodName;
use crate::model::settings::Settings;
use crate::model::stage::StageSelector;
use crate::model::words::whole_percent;
use crate::respond::action::stage;
use crate::respond::planned::PlanError;

/// A limit leaves what a method had before the attack, and half as much again: rates move by themselves, and samples
/// are few.
const MARGIN: f64 = 1.5;
/// The least share of what came with the attack that one method must have, for its throttle to be worth recommending.
const LEAST_SHARE: f64 = 0.8;

/// The method that is attacked.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::respond) struct Attacked {
    /// Which.
    pub(in crate::respond) method: MethodName,
    /// Requests a second now.
    pub(in crate::respond) now: f64,
    /// Requests a second before the attack.
    pub(in crate::respond) before: f64,
    /// Requests a second of all methods before the attack.
    pub(in crate::respond) before_of_all: f64,
    /// Its share of what came with the attack, a fraction.
    pub(in crate::respond) share: f64,
}

impl Attacked {
    /// The throttle that leaves what the method had before.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub(in crate::respond) fn throttle(&self, stage: &StageSelector) -> Throttle {
        // A rate of requests, far inside of what 32 bits hold; a negative one saturates at 0.
        let limit = ((self.before * MARGIN).ceil() as u32).max(1);
        let method = Some(self.method.clone());
        Throttle { stage: stage.clone(), method, rate: limit, burst: limit, terms: Terms::default() }
    }

    /// Why throttling this one method would not end the attack, where it would not.
    pub(in crate::respond) fn falls_short(&self) -> Option<String> {
        (self.share < LEAST_SHARE).then(|| {
            format!(
                "only {} of what came with the attack goes to {}; throttle others as well, or close",
                whole_percent(self.share),
                self.method
            )
        })
    }
}

/// Why no method can be named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::respond) enum NoMethod {
    /// No attack is known on the stage.
    Calm,
    /// Something could not be read, or tells nothing.
    NotKnown(String),
}

impl std::fmt::Display for NoMethod {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Calm => {
                f.write_str("no attack is known on this stage; to throttle a method, name it: throttle --method")
            }
            Self::NotKnown(why) => f.write_str(why),
        }
    }
}

/// The method that gets most of what came with the attack; the inner error says why none can be named.
pub(in crate::respond) async fn attacked(
    aws: &Aws,
    settings: &Settings,
    selector: &StageSelector,
    attack_began: Option<DateTime<Utc>>,
) -> Result<Result<Attacked, NoMethod>, PlanError> {
    let at = stage::read(aws, selector).await?;
    let id = &at.stage.id;
    let deployment = at.settings.deployment_id.clone().unwrap_or_default();
    let acl = at.settings.web_acl_arn.as_deref();
    let (methods, traffic) = tokio::join!(
        aws.deployed_methods(&id.api_id, &deployment, Lane::Plan),
        traffic::read(aws, settings, id, acl, None, attack_began),
    );
    let methods: Vec<MethodName> = match methods {
        Ok(methods) => methods.into_iter().map(|method| method.name).collect(),
        Err(error) => return Ok(Err(NoMethod::NotKnown(format!("which methods are deployed is not known: {error}")))),
    };
    Ok(worst(&methods, &traffic, &id.stage))
}

fn worst(methods: &[MethodName], traffic: &Traffic, stage: &str) -> Result<Attacked, NoMethod> {
    let not_known = |why: &str| NoMethod::NotKnown(why.to_owned());
    if traffic.before.is_none() {
        // Whether there is an attack is told by the metrics.
        return Err(match (traffic.now.stage, traffic.missing.first()) {
            (None, Some(why)) => not_known(why),
            _ => NoMethod::Calm,
        });
    }
    let mut found: Vec<Attacked> = Vec::new();
    for method in methods {
        let forecast = traffic.forecast(stage, Some(method), f64::MAX).map_err(NoMethod::NotKnown)?;
        let Some((legitimate, _)) = forecast.legitimate() else {
            return Err(not_known(
                "each method's traffic before the attack is not known: WAF has no samples from then",
            ));
        };
        let (now, before) = (forecast.now.rate, forecast.now.rate * legitimate);
        found.push(Attacked { method: method.clone(), now, before, before_of_all: 0.0, share: 0.0 });
    }
    let excess = |one: &Attacked| (one.now - one.before).max(0.0);
    let all: f64 = found.iter().map(excess).sum();
    let before_of_all: f64 = found.iter().map(|one| one.before).sum();
    let most = found.into_iter().max_by(|a, b| excess(a).total_cmp(&excess(b))).filter(|one| excess(one) > 0.0);
    let most = most.ok_or_else(|| not_known("no method has more requests than before the attack"))?;
    Ok(Attacked { share: excess(&most) / all, before_of_all, ..most })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::respond::action::throttle::traffic::tests::traffic;

    fn methods(names: &[&str]) -> Vec<MethodName> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    #[test]
    fn the_method_that_gained_most_is_attacked_and_keeps_what_it_had() {
        let found = worst(&methods(&["GET /products", "POST /login"]), &traffic(), "prod").unwrap();
        assert_eq!(found.method.to_string(), "POST /login");
        // Ninety a second now, five before; the other method lost some.
        assert!((found.now - 90.0).abs() < 1e-9 && (found.before - 5.0).abs() < 1e-9 && found.share > 0.99);
        let throttle = found.throttle(&"shop/prod".parse().unwrap());
        assert_eq!((throttle.rate, throttle.burst), (8, 8));
        assert_eq!(found.falls_short(), None);
        assert!(Attacked { share: 0.5, ..found }.falls_short().is_some());
    }

    #[test]
    fn what_is_not_known_is_not_guessed() {
        let calm = Traffic { before: None, ..traffic() };
        assert_eq!(worst(&methods(&["POST /login"]), &calm, "prod"), Err(NoMethod::Calm));
        let blind = Traffic { missing: vec!["no metrics".into()], ..Traffic::default() };
        assert_eq!(worst(&methods(&["POST /login"]), &blind, "prod"), Err(NoMethod::NotKnown("no metrics".into())));
        let forgotten = Traffic { earlier: vec![], ..traffic() };
        assert!(worst(&methods(&["POST /login"]), &forgotten, "prod").is_err());
        assert!(worst(&methods(&["GET /products"]), &traffic(), "prod").is_err(), "it has less than before");
    }
}
