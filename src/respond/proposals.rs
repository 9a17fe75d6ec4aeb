//! What would help a stage now, out of what is known of it: a pure function, so that screen, command line and tests
//! come to the same.
//!
//! Ranked by what part of the attack it stops against what part of the customers who are served now it would turn away.
//! Knows no calls.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::model::action::form::command;
use crate::model::action::{Action, BLOCK_LIFE, BlockIp, Closure, Terms, counted};
use crate::model::address::Target;
use crate::model::attack::AttackKind;
use crate::model::bounds;
use crate::model::candidate::{CandidateSet, Standing};
use crate::model::condition::{Condition, StageState, Sureness};
use crate::model::ladder::{Ladder, Rung, Way};
use crate::model::measure::{Blocked, Measure, Turning};
use crate::model::proposal::{MOST_PROPOSALS, Proposals, Proposed, ProposedStep};
use crate::model::source::{Source, Sources, most_of_a_customer};
use crate::model::stage::StageSelector;
use crate::model::timeline::ActionRecord;
use crate::model::words::whole_percent;
use crate::respond::cause::cause;

/// Less of the attack than this is not worth a step.
const LEAST_STOPPED: f64 = 0.1;
/// Where something lighter stops so much of the attack no closure is proposed.
const LIGHT_ENOUGH: f64 = 0.8;
/// Rules speak against those who send this part of what is to be blocked, at least; else what a block costs is not
/// known.
const CONVICTED: f64 = 0.95;
/// The most addresses that are proposed one by one.
const MOST_ADDRESSES: usize = 100;

/// The most addresses that are proposed to be let in.
pub(super) const MOST_LET_IN: usize = 1_000;

/// To let customers in whom a closed web ACL keeps out.
#[derive(Debug)]
pub(super) struct Relief {
    /// To do so.
    pub(super) action: Action,
    /// What part of the requests of before the attack they sent, a fraction.
    pub(super) share: f64,
}

/// What is known of a stage.
#[derive(Debug)]
pub(super) struct Facts<'a> {
    /// The stage as it is named in commands.
    pub(super) selector: &'a StageSelector,
    /// How it stands.
    pub(super) condition: &'a Condition,
    /// What the attack is after, where somebody has said so.
    pub(super) kind: Option<AttackKind>,
    /// Who sends what, or why that is not known.
    pub(super) sources: Result<&'a Sources, String>,
    /// The ways of closing it.
    pub(super) ladder: &'a Ladder,
    /// To flush its cache, where that is what the attack feeds on and no guard stops it.
    pub(super) flush: Option<Action>,
    /// To let those in whom a closed web ACL of ours keeps out; the reason where that is not known, or a guard stops
    /// it.
    pub(super) relief: Result<Option<Relief>, String>,
    /// What of ours is in force on it and turns requests away.
    pub(super) in_force: &'a [ActionRecord],
    /// The most of the customers of before that a block may take, a fraction.
    pub(super) most_legitimate_share: f64,
}

/// What is proposed, the best first.
#[must_use]
pub(super) fn proposals(facts: &Facts<'_>) -> Proposals {
    let state = facts.condition.state;
    let served_now = facts.condition.served.value();
    let (mut steps, none) = match state {
        StageState::CustomersOut => (
            // Letting them in leaves the attackers out; taking back lets those in as well.
            allow(facts).into_iter().chain(lifts(facts, "customers are turned away by what is in force")).collect(),
            Some("what keeps them out was asked for on another stage behind the same web ACL: portcullis actions"),
        ),
        StageState::Recovering | StageState::Calm => {
            let mut one =
                lifts(facts, "hardly more than usual is sent: undo what turns most away first, one at a time");
            one.truncate(1);
            (one, Some("no attack is active, and nothing of ours is in force"))
        }
        StageState::Contained if facts.condition.sureness != Sureness::Bounded => {
            (Vec::new(), Some("it is contained, and customers are served: there is nothing to do now"))
        }
        StageState::Contained | StageState::Attack | StageState::Leaking | StageState::Unknown => (
            against(facts),
            Some("nothing is known that would stop a tenth of the attack; see who is sending it: portcullis sources"),
        ),
    };
    steps.truncate(MOST_PROPOSALS);
    let mut unknown: Vec<String> =
        facts.sources.as_ref().err().map(|why| format!("who sends it: {why}")).into_iter().collect();
    unknown.extend(facts.relief.as_ref().err().map(|why| format!("whether customers can be let in: {why}")));
    if !matches!(state, StageState::CustomersOut | StageState::Recovering | StageState::Calm)
        && facts.ladder.attacked.is_none()
    {
        unknown.extend(facts.ladder.situation.iter().map(|why| format!("which method is attacked: {why}")));
    }
    Proposals {
        stage: facts.ladder.stage.clone(),
        read_at: facts.ladder.read_at,
        state,
        served_now,
        cause: sources_of_attack(facts).and_then(|sources| cause(facts.kind, sources, facts.ladder)),
        none: none.filter(|_| steps.is_empty()).map(str::to_owned),
        proposals: steps,
        unknown,
    }
}

/// Who sends what, where an attack stands.
fn sources_of_attack<'a>(facts: &Facts<'a>) -> Option<&'a Sources> {
    let stands = facts.condition.state != StageState::Calm;
    facts.sources.as_ref().ok().copied().filter(|_| stands)
}

/// Steps against an attack.
fn against(facts: &Facts<'_>) -> Vec<ProposedStep> {
    let mut steps: Vec<ProposedStep> = [flush(facts), block(facts), throttle(facts)].into_iter().flatten().collect();
    steps.retain(|step| step.stops.is_none_or(|stops| stops >= LEAST_STOPPED));
    let served = facts.condition.served.value().unwrap_or(1.0);
    let worth = |step: &ProposedStep| step.stops.unwrap_or(0.0) - 2.0 * served * step.costs.unwrap_or(1.0);
    steps.sort_by(|a, b| worth(b).total_cmp(&worth(a)));
    // Where the attack brings no requests to turn away, turning requests away ends nothing.
    if let Some(flush) = steps.iter().position(|step| step.kind == Proposed::Flush) {
        return vec![steps.swap_remove(flush)];
    }
    // A closure keeps customers out: only where nothing lighter does.
    if steps.iter().filter_map(|step| step.stops).sum::<f64>() < LIGHT_ENOUGH {
        steps.extend(facts.ladder.rungs.iter().filter(|rung| rung.fits()).filter_map(|rung| closure(facts, rung)));
    }
    steps
}

/// To flush the cache: what somebody may read no more is answered out of it until then.
fn flush(facts: &Facts<'_>) -> Option<ProposedStep> {
    let because = "this is about what is taken, not about volume, and a cache keeps serving what it holds to callers \
                   who may no longer read it; the backend has handled as much as the cache answers now";
    let (what, action) = ("flush the cache".to_owned(), facts.flush.clone()?);
    Some(step(facts, Proposed::Flush, what, (None, None), because.to_owned(), "f", action))
}

/// To block whoever can be told to be the attack's: one by one where they are few, else the best set of prefixes.
fn block(facts: &Facts<'_>) -> Option<ProposedStep> {
    let sources = facts.sources.as_ref().ok()?;
    let blocked = Blocked::of(facts.in_force, &facts.ladder.stage).map_or_else(Vec::new, |blocked| blocked.nets);
    let is_blocked = |address: &IpAddr| blocked.iter().any(|net| net.contains(address));
    let of_attack: Vec<_> = sources.sources.iter().filter(|source| source.standing == Standing::Attack).collect();
    let rate = |source: &&&Source| source.per_second.unwrap_or(0.0);
    // What is blocked already is no part of what a step can stop.
    let passing: Vec<&&Source> = of_attack.iter().filter(|source| !is_blocked(&source.address)).collect();
    let listed = &passing[..passing.len().min(MOST_ADDRESSES)];
    let (all, theirs) = (passing.iter().map(rate).sum::<f64>(), listed.iter().map(rate).sum::<f64>());
    // Not all who send are listed, and who is not listed is not told from the blocked.
    let all = if blocked.is_empty() { all.max(sources.candidates.classified.attack_per_second) } else { all };
    // Whom no rule speaks against is new and asks for what rose: a new customer does so too, so that what it costs is
    // not known.
    let convicted = listed.iter().filter(|one| !one.against.is_empty()).map(rate).sum::<f64>();
    let is_told = convicted >= CONVICTED * theirs && sources.candidates.classified.legitimate_per_second.is_some();
    let exact = (all > 0.0).then(|| theirs / all);
    let set = best(sources, &blocked, facts.most_legitimate_share);
    let by_set = set.map(|set| set.attack_share);
    let (targets, stops, costs) = match (exact, set) {
        (Some(stops), _) if by_set.is_none_or(|set| stops >= set.min(LIGHT_ENOUGH)) => {
            let nets = listed.iter().map(|source| Target { net: source.address.into(), masked_from: None }).collect();
            (nets, stops, Some(0.0))
        }
        (_, Some(set)) => {
            let nets = set.prefixes.iter().map(|one| Target { net: one.prefix, masked_from: None }).collect();
            (nets, set.attack_share, set.legitimate_share)
        }
        _ => return None,
    };
    let (targets, costs): (Vec<Target>, _) = (targets, costs.filter(|_| is_told));
    if targets.is_empty() {
        return None;
    }
    let what = format!("block {}", counted(&targets));
    let because = match (is_told, blocked.is_empty()) {
        (false, _) => {
            "they came with the attack and ask for what rose; no rule implicates them, and a new customer does the same"
        }
        (true, true) => "rules implicate them, and none was seen before the attack, as far as samples and logs show",
        (true, false) => {
            "they get past the present blocks, rules implicate them, and they were not seen before the attack"
        }
    };
    let action = Action::BlockIp(BlockIp {
        stage: facts.selector.clone(),
        targets,
        ip_sets: Vec::new(),
        terms: Terms { expires_after_seconds: Some(BLOCK_LIFE), ..Terms::default() },
    });
    let step = step(facts, Proposed::Block, what, (Some(stops), costs), because.to_owned(), "b", action);
    let costs_at_most = costs.and_then(|costs| at_most(costs, sources));
    Some(ProposedStep { costs_at_most, of_rest: !blocked.is_empty(), ..step })
}

/// The most that a share of the customers of before may be, by as many of their requests as are known.
fn at_most(share: f64, sources: &Sources) -> Option<f64> {
    let logged = || {
        let log = sources.log.as_ref()?;
        let (from, to) = log.before?;
        Some(sources.candidates.classified.legitimate_per_second? * (to - from).as_seconds_f64())
    };
    let known = logged().or(sources.before_samples.map(|samples| samples as f64)).filter(|known| *known >= 1.0)?;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let (of, all) = ((share * known).round() as u64, known as u64);
    Some(bounds::share(of, all).1.max(share))
}

/// The best set that takes no more of the customers than allowed, touches nothing of which it is not known who else is
/// there, and is not blocked already.
fn best<'a>(sources: &'a Sources, blocked: &[IpNet], most: f64) -> Option<&'a CandidateSet> {
    let is_new = |set: &CandidateSet| {
        set.prefixes.iter().all(|one| one.warnings.is_empty() && !blocked.iter().any(|net| net.contains(&one.prefix)))
    };
    let fits = |set: &&CandidateSet| set.legitimate_share.is_some_and(|share| share <= most) && is_new(set);
    sources.candidates.sets.iter().filter(fits).max_by(|a, b| a.attack_share.total_cmp(&b.attack_share))
}

/// To throttle the method that is attacked to what it had before and half as much again.
fn throttle(facts: &Facts<'_>) -> Option<ProposedStep> {
    let attacked = facts.ladder.attacked.as_ref()?;
    let rung = facts.ladder.rungs.iter().find(|rung| rung.way == Way::ThrottleMethod && rung.stopped_by.is_empty())?;
    let action = rung.action.clone()?;
    let Action::Throttle(throttle) = &action else { return None };
    // A throttle does not tell customers from attackers: it sheds everybody's alike.
    let shed = (1.0 - f64::from(throttle.rate) / attacked.now.max(1e-9)).clamp(0.0, 1.0);
    let of_all = if attacked.before_of_all > 0.0 { Some(attacked.before / attacked.before_of_all) } else { None };
    let what = format!("throttle {} to {}/s", attacked.method, throttle.rate);
    let because = format!(
        "{} of what came with the attack goes there; {} of all requests to it are turned away meanwhile",
        whole_percent(attacked.share),
        whole_percent(shed)
    );
    let costs = of_all.map(|part| part * shed);
    Some(step(facts, Proposed::Throttle, what, (Some(attacked.share * shed), costs), because, "l", action))
}

/// To close: never by throttling everything to nothing.
fn closure(facts: &Facts<'_>, rung: &Rung) -> Option<ProposedStep> {
    let action = rung.action.clone().filter(|_| matches!(rung.way, Way::WebAcl | Way::KillSwitch))?;
    let what = match rung.way.closure() {
        Some(Closure::WebAcl) => "close by the closed web ACL".to_owned(),
        _ => "prove a kill switch on another stage, and then close".to_owned(),
    };
    let because = rung.whom.clone().unwrap_or_else(|| "whom it keeps out is not known".to_owned());
    Some(step(
        facts,
        Proposed::Close,
        what,
        (None, None),
        because,
        if rung.way == Way::WebAcl { "x" } else { "X" },
        action,
    ))
}

/// Who called before the attack and is not part of it, with requests a second then, the busiest first.
pub(super) fn customers(sources: &Sources) -> Vec<(IpAddr, f64)> {
    let is_customer = |source: &&Source| {
        let now = source.per_second.unwrap_or(0.0);
        source.standing != Standing::Attack
            && !source.is_suspect()
            && source.over_limit_of.is_empty()
            && now <= most_of_a_customer(source.before_per_second)
    };
    let here = sources.sources.iter().filter(is_customer).map(|source| (source.address, source.before_per_second));
    let all = here.chain(sources.gone.iter().copied()).filter(|(_, per_second)| *per_second > 0.0);
    let mut all: Vec<(IpAddr, f64)> = all.map(|(address, per_second)| (address.to_canonical(), per_second)).collect();
    all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    all
}

/// To let customers in who are kept out.
fn allow(facts: &Facts<'_>) -> Option<ProposedStep> {
    let Relief { action, share } = facts.relief.as_ref().ok()?.as_ref()?;
    let what = format!("let in {}", counted(action.prefixes()));
    let because = format!(
        "they were there before the attack, sent {} of the known traffic then, send no more now than a customer would, and the closed web ACL keeps them out",
        whole_percent(*share)
    );
    let served_now = facts.condition.served.value().unwrap_or(0.0);
    let step = step(facts, Proposed::Allow, what, (None, None), because, "b", action.clone());
    // Who is served now stays so.
    Some(ProposedStep { served_after_at_most: Some((served_now + share).clamp(0.0, 1.0)), ..step })
}

/// To take back what is in force: what turns most away first, the newest first.
fn lifts(facts: &Facts<'_>, because: &str) -> Vec<ProposedStep> {
    let weight = |measure: &Measure| match measure.turning {
        Turning::Closes => 2,
        Turning::Throttles => 1,
        Turning::Blocks => 0,
    };
    let mut measures: Vec<(Measure, &ActionRecord)> =
        facts.in_force.iter().filter_map(|action| Some((Measure::of(action)?, action))).collect();
    measures.sort_by_key(|(measure, _)| std::cmp::Reverse((weight(measure), measure.since)));
    let lift = |(measure, action): &(Measure, &ActionRecord)| ProposedStep {
        kind: Proposed::Undo,
        what: format!("undo {} {}", action.action.name(), action.action.aim()).trim_end().to_owned(),
        stops: None,
        of_rest: false,
        costs: None,
        costs_at_most: None,
        served_after_at_most: None,
        because: format!("{because}; it is in force since {}", measure.since.format("%H:%MZ")),
        key: "t u".to_owned(),
        command: format!("portcullis undo {}", measure.id),
        action: None,
        action_id: Some(measure.id.clone()),
    };
    measures.iter().map(lift).collect()
}

// Wide: the fields of a proposal, in the order in which they are shown.
fn step(
    facts: &Facts<'_>,
    kind: Proposed,
    what: String,
    (stops, costs): (Option<f64>, Option<f64>),
    because: String,
    key: &str,
    action: Action,
) -> ProposedStep {
    ProposedStep {
        kind,
        what,
        stops,
        of_rest: false,
        costs,
        costs_at_most: costs,
        // What is left of the attack may go on to cost customers: so it is a bound.
        served_after_at_most: costs.map(|costs| (1.0 - costs).clamp(0.0, 1.0)),
        because,
        key: key.to_owned(),
        command: command(&action, facts.selector),
        action: Some(action),
        action_id: None,
    }
}
