//! What the range does with each member of each shape that it takes: the one place where that is said.
//!
//! A member is evaluated, without effect on purpose, or refused by an error that names it; a member that nobody has
//! said anything about is refused too, and a test fails until somebody has. `docs/range.md` is made of these tables.
//! What stands only inside of a refused member needs no row.

mod apigateway;
mod apigatewayv2;
mod logs;
mod metrics;
mod statements;
mod wafv2;

use std::collections::HashMap;

/// What becomes of a member that is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It does what AWS documents, as far as the range goes.
    Evaluated,
    /// It is taken and changes nothing, for this reason.
    Without(&'static str),
    /// It is refused, for this reason.
    Refused(&'static str),
}

/// Members of a shape, separated by spaces, and why they are treated alike.
pub(crate) type Members = (&'static str, &'static str);

/// What the range does with the members of one shape.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    /// The shape in the service model. `Shape?` stands for the query parameters that share one member of it.
    pub(crate) shape: &'static str,
    /// Members that are evaluated, separated by spaces.
    pub(crate) evaluated: &'static str,
    /// Members without effect.
    pub(crate) without: &'static [Members],
    /// Members that are refused.
    pub(crate) refused: &'static [Members],
}

/// Values of an enumeration that are refused.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Values {
    /// The enumeration in the service model.
    pub(crate) shape: &'static str,
    /// The values, separated by spaces.
    pub(crate) refused: &'static str,
    /// Why.
    pub(crate) reason: &'static str,
}

/// A shape all of whose members are evaluated.
const fn all(shape: &'static str, evaluated: &'static str) -> Row {
    Row { shape, evaluated, without: &[], refused: &[] }
}

/// A shape none of whose members has an effect.
const fn none(shape: &'static str, without: &'static [Members]) -> Row {
    Row { shape, evaluated: "", without, refused: &[] }
}

/// Kept as it was sent.
const KEPT: &str = "kept and answered; nothing depends on it";

/// The tables of a service.
pub(crate) fn rows(service: &str) -> Vec<&'static Row> {
    let tables: &[&'static [Row]] = match service {
        "apigateway" => &[apigateway::ROWS],
        "apigatewayv2" => &[apigatewayv2::ROWS],
        "cloudtrail" => &[metrics::CLOUDTRAIL],
        "cloudwatch" => &[metrics::CLOUDWATCH],
        "logs" => &[logs::ROWS],
        "wafv2" => &[wafv2::ROWS, statements::ROWS],
        _ => &[],
    };
    tables.iter().flat_map(|table| table.iter()).collect()
}

/// The values that a service's enumerations have and the range refuses.
pub(crate) fn values(service: &str) -> &'static [Values] {
    match service {
        "apigateway" => apigateway::VALUES,
        "wafv2" => statements::VALUES,
        _ => &[],
    }
}

/// Why a member of a shape is refused, where it is.
pub(crate) fn refused_member(service: &str, shape: &str, member: &str) -> Option<&'static str> {
    let row = rows(service).into_iter().find(|row| row.shape == shape)?;
    let has = |members: &str| members.split_whitespace().any(|known| known == member);
    row.refused.iter().find(|(members, _)| has(members)).map(|(_, reason)| *reason)
}

/// Why a value of an enumeration is refused, where it is.
pub(crate) fn refused_value(service: &str, shape: &str, value: &str) -> Option<&'static str> {
    let known = values(service).iter().filter(|row| row.shape == shape);
    known.into_iter().find(|row| row.refused.split_whitespace().any(|known| known == value)).map(|row| row.reason)
}

/// The effect of each member of a service, by shape and member.
pub(crate) fn of(service: &str) -> HashMap<(&'static str, &'static str), Effect> {
    let mut effects = HashMap::new();
    for row in rows(service) {
        let mut put = |members: &'static str, effect: Effect| {
            effects.extend(members.split_whitespace().map(|member| ((row.shape, member), effect)));
        };
        put(row.evaluated, Effect::Evaluated);
        row.without.iter().for_each(|(members, reason)| put(members, Effect::Without(reason)));
        row.refused.iter().for_each(|(members, reason)| put(members, Effect::Refused(reason)));
    }
    effects
}

/// The effect of a query parameter that shares a member with others.
pub(crate) fn of_parameter(service: &str, shape: &str, parameter: &str) -> Option<Effect> {
    let row = rows(service).into_iter().find(|row| row.shape.strip_suffix('?') == Some(shape))?;
    let has = |members: &str| members.split_whitespace().any(|known| known == parameter);
    if has(row.evaluated) {
        return Some(Effect::Evaluated);
    }
    let refused = row.refused.iter().find(|(members, _)| has(members)).map(|(_, reason)| Effect::Refused(reason));
    refused.or_else(|| row.without.iter().find(|(members, _)| has(members)).map(|(_, reason)| Effect::Without(reason)))
}
