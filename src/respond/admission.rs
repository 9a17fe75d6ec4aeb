//! Who still gets in once a resource policy is changed: guards that pass only where every address of every range named
//! is told for certain.
//!
//! Pure: they judge a [`Comparison`] of the policy before and after.

use std::net::IpAddr;

use ipnet::IpNet;

use super::guard::{self, Guard, WithEvidence};
use crate::model::plan::GuardResult;
use crate::model::policy::{Admission, Comparison, Entry};
use crate::model::settings::GuardSettings;

/// What was found of some addresses that are to keep access.
#[derive(Debug)]
enum Found {
    /// They get in as they do today.
    Certain,
    /// They do, but for callers with a user agent or a referer that the policy names; how far.
    But(String),
    /// They, or some of them, do not; why and the next step.
    Out(String),
    /// It cannot be told.
    Unknown(String),
}

/// Whether the break-glass ranges and those of the never-block list still get in, with `allow` let in.
#[must_use]
pub fn admits(settings: &GuardSettings, allow: &[IpNet], comparison: &Comparison<'_>) -> GuardResult {
    let guard = &guard::CLOSE_ADMITS;
    let (break_glass, never_block) = match configured(guard, settings) {
        Ok(ranges) => ranges,
        Err(unknown) => return unknown,
    };
    let mut evidence = Vec::new();
    let mut judge =
        |what: &str, net: &IpNet| judged(&format!("{what} range {net}"), net, allow, comparison, &mut evidence);
    let responders: Vec<Found> = break_glass.iter().map(|net| judge("break-glass", net)).collect();
    let partners: Vec<Found> = never_block.iter().map(|net| judge("never-block", net)).collect();
    let out = |found: &Found| if let Found::Out(why) = found { Some(why.clone()) } else { None };
    let unknown = |found: &Found| if let Found::Unknown(why) = found { Some(why.clone()) } else { None };
    let but = |found: &Found| if let Found::But(why) = found { Some(why.clone()) } else { None };
    let locked_out = responders.iter().find_map(out);
    let not_known = responders.iter().chain(&partners).find_map(unknown);
    let left_out: Vec<String> = partners.iter().filter_map(out).collect();
    let but = responders.iter().chain(&partners).find_map(but);
    match (locked_out, not_known, left_out.first(), but) {
        (Some(why), ..) => guard.stop(why),
        (None, Some(why), ..) => guard.unknown(why),
        (None, None, Some(why), _) => guard.warn(format!("{why}: {} in all", left_out.len())),
        (None, None, None, Some(why)) => guard.warn(why),
        (None, None, None, None) => guard.pass("break-glass and never-block ranges still get in"),
    }
    .because(evidence)
}

/// The ranges that a closure must let in, as configured; `unknown` where nobody has said.
pub(super) fn configured<'a>(
    guard: &Guard,
    settings: &'a GuardSettings,
) -> Result<(&'a [IpNet], &'a [IpNet]), GuardResult> {
    let missing = |what: &str| {
        guard.unknown(format!(
            "no {what} ranges are configured. Set guards.{what} in the configuration ([] if there is none)"
        ))
    };
    let break_glass = settings.break_glass.as_deref().ok_or_else(|| missing("break-glass"))?;
    let never_block = settings.never_block.as_deref().ok_or_else(|| missing("never-block"))?;
    Ok((break_glass, never_block))
}

/// Whether the responder still gets in: from the addresses that are `known`, each with how it was learned; `missing`
/// says of which nothing is.
#[must_use]
pub fn responder(
    known: &[(IpAddr, String)],
    missing: &[String],
    allow: &[IpNet],
    comparison: &Comparison<'_>,
) -> GuardResult {
    let guard = &guard::SWITCH_RESPONDER;
    let mut evidence: Vec<String> = known.iter().map(|(address, how)| format!("{address}, {how}")).collect();
    evidence.extend(missing.iter().cloned());
    let (mut unknown, mut but) = (None, None);
    for (address, how) in known {
        if !allow.iter().any(|net| net.contains(address)) {
            let said = format!("you would be locked out: you come from {address} ({how}). Add --allow {address}");
            return guard.stop(said).because(evidence);
        }
        let what = format!("your own address {address}");
        match judged(&what, &IpNet::from(*address), allow, comparison, &mut evidence) {
            Found::Certain => {}
            Found::But(why) => but = Some(why),
            Found::Out(why) => return guard.stop(why).because(evidence),
            Found::Unknown(why) => unknown = Some(why),
        }
    }
    match (unknown, known.first(), but.as_ref().or(missing.first())) {
        (_, None, _) => guard.unknown(
            "the address you come from is not known. Pass it with --own-address, or set probes.address-services in the configuration",
        ),
        (Some(why), ..) => guard.unknown(why),
        (None, Some(_), Some(why)) => guard.warn(format!("you still get in from where you are seen; but {why}")),
        (None, Some((address, how)), None) => guard.pass(format!("you come from {address} ({how}) and still get in")),
    }
    .because(evidence)
}

/// Whether nobody gains access. `reached` are methods that ask a signature or an authorizer and that an Allow of ours
/// reaches all the same.
#[must_use]
pub fn widens(comparison: &Comparison<'_>, reached: &[String]) -> GuardResult {
    let guard = &guard::CLOSE_WIDENS;
    let told = comparison.gains();
    let mut gains = told.as_ref().map_or_else(|_| Vec::new(), Clone::clone);
    gains.extend(reached.iter().map(|method| {
        format!("{method}: the Allow that other methods need also covers it, so callers about whom its authorizer says nothing would get in")
    }));
    match (gains.first(), told) {
        (Some(first), _) => {
            guard.stop(format!("{first}, and does not today. Close by web-acl, or throttle to 0")).because(gains)
        }
        (None, Err(why)) => guard.unknown(format!("who would gain access is not known: {why}")),
        (None, Ok(_)) => {
            guard.pass("nobody gains access: every method, every kind of credentials and every address were compared")
        }
    }
}

/// What becomes of a network that is to keep access, all of it; a line of evidence for each part that is treated alike.
fn judged(what: &str, net: &IpNet, allow: &[IpNet], comparison: &Comparison<'_>, evidence: &mut Vec<String>) -> Found {
    let parts = match comparison.admissions(net) {
        Ok(parts) => parts,
        Err(why) => return Found::Unknown(format!("whether {what} still gets in is not known: {why}")),
    };
    let several = parts.len() > 1;
    let (mut out, mut unknown, mut but) = (None, None, None);
    for part in &parts {
        let which = if several { format!("{what}, of it {}", listed(&part.nets)) } else { what.to_owned() };
        evidence.push(format!("{which} {}, {}", today(&part.today), then(&part.then)));
        match part_of(&which, part, allow) {
            Found::Certain => {}
            Found::But(why) => but = but.or(Some(why)),
            Found::Out(why) => out = out.or(Some(why)),
            Found::Unknown(why) => unknown = unknown.or(Some(why)),
        }
    }
    match (out, unknown, but) {
        (Some(why), ..) => Found::Out(why),
        (None, Some(why), _) => Found::Unknown(why),
        (None, None, Some(why)) => Found::But(why),
        (None, None, None) => Found::Certain,
    }
}

fn part_of(which: &str, part: &Admission, allow: &[IpNet]) -> Found {
    let today = match &part.today {
        Entry::In => "",
        Entry::Out => "; it is not let in today either",
        Entry::Unknown(_) => "; whether it gets in today is not known",
    };
    if part.is_certain() {
        return Found::Certain;
    }
    if part.then == Entry::Out {
        let missing = part.nets.iter().find(|net| !allow.iter().any(|have| have.contains(*net)));
        return Found::Out(match missing {
            Some(net) => format!("{which} would be locked out{today}. Add --allow {net}"),
            None => format!(
                "{which} is on the list but would not get in anywhere: one of the policy's own statements keeps it \
                 out{today}"
            ),
        });
    }
    match (part.lost.first(), &part.doubt, &part.then) {
        (Some(first), ..) => Found::Out(format!("{which} would lose access to {first}: {} in all", part.lost.len())),
        (None, Some(why), _) | (None, None, Entry::Unknown(why)) if part.ordinary => Found::But(format!(
            "{which} gets in as it does today, except callers with a user agent or a referer that the policy names: {why}"
        )),
        (None, Some(why), _) | (None, None, Entry::Unknown(why)) => {
            Found::Unknown(format!("whether {which} still gets in is not known: {why}{today}"))
        }
        (None, None, _) => Found::Certain,
    }
}

/// The first of some networks, and how many more there are.
fn listed(nets: &[IpNet]) -> String {
    match nets {
        [] => "nothing".to_owned(),
        [one] => one.to_string(),
        [first, more @ ..] => format!("{first} and {} more", more.len()),
    }
}

fn today(entry: &Entry) -> String {
    match entry {
        Entry::In => "gets in today".to_owned(),
        Entry::Out => "is not let in today".to_owned(),
        Entry::Unknown(why) => format!("may or may not get in today: not known ({why})"),
    }
}

fn then(entry: &Entry) -> String {
    match entry {
        Entry::In => "gets in afterwards".to_owned(),
        Entry::Out => "is kept out afterwards".to_owned(),
        Entry::Unknown(why) => format!("afterwards: not known ({why})"),
    }
}
