//! The guards of `kill-switch`, over what was read.

use ipnet::IpNet;

use super::{State, networks};
use crate::model::action::KillSwitch;
use crate::model::plan::GuardResult;
use crate::model::policy::{Comparison, MOST_CHARACTERS, Policy, SID, reached_by_allow};
use crate::model::probe::ProbeReading;
use crate::model::settings::Settings;
use crate::model::words::counted;
use crate::respond::action::breadth;
use crate::respond::admission;
use crate::respond::guard::{self, WithEvidence, settled};

/// Every guard's result, overrides applied, worst first.
pub(super) fn guards(action: &KillSwitch, state: &State, settings: &Settings, closed: &Policy) -> Vec<GuardResult> {
    let allow = networks(action);
    let scope = state.scope();
    let before = state.deployed.as_ref().map(Option::as_ref).map_err(String::as_str);
    let place = (&scope, state.at.stage.id.stage.as_str());
    let comparison = Comparison::new(before, closed, place, state.methods(), state.at.read_at);
    let mut results = vec![
        allow_list(action, &allow, settings),
        policy(state, closed),
        widens(state, closed, &comparison),
        admission::admits(&settings.guards, &allow, &comparison),
        admission::responder(&state.own.known, &state.own.missing, &allow, &comparison),
        losers(state, &allow, &comparison),
        base(state),
        endpoint(state),
        probe(action, state),
        canary(state),
        drift(state),
        state.at.managed(&guard::THROTTLE_MANAGED),
    ];
    if state.on.is_some() {
        results.push(proof_stage(state));
    } else {
        results.push(proof(state));
    }
    if state.on.is_some() || state.proof.is_err() {
        results.push(guard::SWITCH_WINDOW.warn(
            "for less than 3 s the API's draft contains the closing policy: anybody who deploys in that moment ships it. Such a deployment is detected and named",
        ));
    }
    settled(results, &action.terms)
}

fn allow_list(action: &KillSwitch, allow: &[IpNet], settings: &Settings) -> GuardResult {
    let guard = &guard::SWITCH_ALLOW;
    if allow.is_empty() {
        return guard.stop("nobody would be let in, not even you. Name at least one prefix with --allow");
    }
    if let Some(all) = IpNet::aggregate(&allow.to_vec()).iter().find(|net| net.prefix_len() == 0) {
        return guard.stop(format!("{all} lets in everybody: that closes nothing"));
    }
    let wide = breadth::together(allow, &settings.guards);
    if let Some(first) = wide.first() {
        return guard.warn(format!("{first}: a closure that lets so many in closes little")).because(wide);
    }
    let masked: Vec<String> = action.allow.iter().filter_map(crate::model::address::Target::widened).collect();
    match masked.first() {
        Some(first) => guard.warn(format!("host bits were masked: {first}")).because(masked),
        None => guard.pass(format!("{} let in", counted(allow.len(), "prefix"))),
    }
}

fn policy(state: &State, closed: &Policy) -> GuardResult {
    let guard = &guard::SWITCH_POLICY;
    if let Err(error) = &state.draft {
        return guard.stop(format!(
            "the draft's policy cannot be parsed ({error}), so it could not be restored unchanged. Fix it, or close in another way"
        ));
    }
    let ours = |policy: Option<&Policy>| policy.is_some_and(Policy::is_closed);
    if ours(state.draft.as_ref().ok().and_then(Option::as_ref)) || ours(state.base()) {
        return guard.stop(format!(
            "a statement {SID} is in the policy already: it closes the stage now, or was left behind. Undo that first"
        ));
    }
    match closed.characters() {
        n if n > MOST_CHARACTERS => guard.stop(format!(
            "the closing policy would have {n} characters, AWS allows {MOST_CHARACTERS}. Name fewer, wider prefixes, or close by web-acl"
        )),
        n => guard
            .pass(format!("every statement stays and one Deny is appended: {n} of {MOST_CHARACTERS} characters"))
            .because(closed.lines()),
    }
}

fn base(state: &State) -> GuardResult {
    let guard = &guard::SWITCH_BASE;
    let draft = state.draft.as_ref().ok().and_then(Option::as_ref);
    match &state.deployed {
        Err(why) => guard.unknown(format!(
            "which policy is deployed is not known ({why}). The draft's would be used instead; compare, then override"
        )),
        Ok(deployed) if Policy::same(deployed.as_ref(), draft) => {
            if deployed.is_some() {
                return guard.pass("the deployed policy, as exported, is the same as the draft's");
            }
            let said = "neither the draft nor the export of the stage has a policy";
            // A proof has seen an export carry one.
            if state.proof.is_ok() {
                guard.pass(format!("{said}, so none is deployed"))
            } else {
                guard.warn(format!("{said}, so none is deployed (inferred: that exports include it; a proof checks)"))
            }
        }
        Ok(deployed) => guard
            .warn("the draft's policy differs from the deployed one; closing starts from the deployed one, and the draft keeps its own")
            .because(deployed.as_ref().map(Policy::lines).unwrap_or_default()),
    }
}

/// An appended Deny takes away only; what could widen is the Allow where there was no policy.
fn widens(state: &State, closed: &Policy, comparison: &Comparison<'_>) -> GuardResult {
    if let Err(error) = &state.methods {
        return guard::CLOSE_WIDENS.unknown(format!("who would gain access is not known: {error}"));
    }
    let reached = reached_by_allow(closed, &state.scope(), state.methods(), &state.stages());
    admission::widens(comparison, &reached)
}

fn losers(state: &State, allow: &[IpNet], comparison: &Comparison<'_>) -> GuardResult {
    let losses = state.callers.losses(allow);
    let mut evidence = comparison.table(allow, state.api.dual_stack);
    evidence.extend(losses.lines);
    evidence.extend(allow.iter().map(|net| format!("{net} is let in")));
    guard::CLOSE_LOSERS
        .warn(format!(
            "everybody but {} loses access to {}; {}",
            counted(allow.len(), "prefix"),
            state.at.stage.id.label(),
            losses.said
        ))
        .because(evidence)
}

fn endpoint(state: &State) -> GuardResult {
    let guard = &guard::SWITCH_ENDPOINT;
    if state.api.private {
        return guard.stop(
            "the API is private: its callers come through VPC endpoints, where aws:SourceIp is absent, so the policy would keep out everybody. \
             Close by web-acl or throttle-zero",
        );
    }
    match state.api.status.as_deref() {
        Some(status) if status != "AVAILABLE" => {
            guard.stop(format!("the API is {status}: wait until it is AVAILABLE, and plan again"))
        }
        Some(_) => guard.pass("the API is public and can be changed"),
        None => guard.warn("the API is public; AWS does not say whether it is AVAILABLE"),
    }
}

fn probe(action: &KillSwitch, state: &State) -> GuardResult {
    let guard = &guard::SWITCH_PROBE;
    let (probe, label) = match &state.on {
        Some(on) => (&state.probe_on, on.stage.id.label()),
        None => (&state.probe, state.at.stage.id.label()),
    };
    let probe = match probe {
        Ok(probe) => probe,
        Err(why) => {
            return guard
                .stop(format!("{label} cannot be probed from here: {why}. Or close by web-acl or throttle-zero"));
        }
    };
    let said = match &state.answer {
        Some(Ok(ProbeReading::Admitted { status })) => {
            return guard.pass(format!("GET {} gets through now (HTTP {status})", probe.shown()));
        }
        Some(Ok(reading)) => reading.words(),
        Some(Err(error)) => error.to_string(),
        None => "not asked".to_owned(),
    };
    let line = format!("GET {} does not get through now: {said}", probe.shown());
    // Under attack a stage may well fail; what is proven on another one does not rest on that.
    if action.prove_on.is_none() && !action.commit_confirmed {
        return guard.warn(line);
    }
    guard.stop(format!(
        "{line}. If nothing gets through before, a probe tells nothing after; name another URL in probes.stages"
    ))
}

fn canary(state: &State) -> GuardResult {
    let guard = &guard::SWITCH_CANARY;
    let canaried = [Some(&state.at), state.on.as_ref()].into_iter().flatten().find(|at| at.settings.canary);
    match canaried {
        Some(at) => guard.stop(format!(
            "{} has a canary, whose share of the requests keeps its own deployment and its own policy. Promote or delete it, or close by web-acl",
            at.stage.id.label()
        )),
        None => guard.pass("no affected stage has a canary"),
    }
}

/// What the next deployment would ship beside the policy: somebody's work that nobody has deployed.
fn drift(state: &State) -> GuardResult {
    let guard = &guard::SWITCH_DRIFT;
    if state.on.is_none() && state.proof.is_ok() {
        return guard.pass("the proven snapshot was compared with what is deployed: they differ in the policy only");
    }
    let (deployed, draft) = match (&state.methods, &state.draft_methods) {
        (Ok(deployed), Ok(draft)) => (deployed, draft),
        (Err(error), _) | (_, Err(error)) => {
            return guard.unknown(format!("whether the draft holds undeployed work is not known: {error}"));
        }
    };
    let only = |a: &[crate::model::limits::DeployedMethod], b: &[crate::model::limits::DeployedMethod], what: &str| {
        a.iter()
            .filter(|method| !b.contains(method))
            .map(|method| format!("{} {what}", method.name))
            .collect::<Vec<_>>()
    };
    let mut lines = only(draft, deployed, "is in the draft, but not deployed in that form");
    lines.extend(only(deployed, draft, "is deployed, but not in the draft in that form"));
    match lines.first() {
        Some(first) => guard
            .stop(format!(
                "closing would ship undeployed work: {first}. Deploy or discard that work first, or close by web-acl"
            ))
            .because(lines),
        None if state.on.is_some() => {
            guard.pass("the draft has the methods that are deployed; the proof compares the rest")
        }
        None => guard.warn(
            "the draft has the methods that are deployed; their integrations were not compared, only a proof does that",
        ),
    }
}

fn proof_stage(state: &State) -> GuardResult {
    let guard = &guard::SWITCH_PROOF_STAGE;
    let Some(on) = &state.on else { return guard.pass("") };
    let (id, other) = (&state.at.stage.id, &on.stage.id);
    if id == other {
        return guard.stop(format!("{} is the stage to be closed: prove on another one", id.label()));
    }
    if id.api_id != other.api_id {
        return guard.stop(format!(
            "{} belongs to another API: it would prove the policy's text and not the snapshot. Make a stage for the proof on {} itself: aws apigateway \
             create-stage --rest-api-id {} --stage-name proof --deployment-id {}",
            other.label(),
            id.api_name,
            id.api_id,
            state.deployment()
        ));
    }
    guard.warn(format!(
        "{} serves the draft's snapshot for a minute or two and keeps out everybody not listed; then it serves deployment {} again",
        other.label(),
        on.settings.deployment_id.as_deref().unwrap_or("?")
    ))
}

fn proof(state: &State) -> GuardResult {
    let guard = &guard::SWITCH_PROOF;
    match &state.proof {
        Ok(proof) => guard
            .pass(format!("proven on {} at {}", proof.proven_on.label(), proof.at.format("%H:%M:%SZ")))
            .because(proof.evidence.clone()),
        Err(why) => guard.stop(why.clone()),
    }
}

/// Things to know that are no guard's business.
pub(super) fn notes(action: &KillSwitch, state: &State) -> Vec<String> {
    let mut notes = Vec::new();
    if action.prove_on.is_some() {
        notes.push("Each call is made twice, UpdateStage three times: once with a list that leaves you out, once with yours, and back.".to_owned());
        notes.push("Two deployments are made that no stage points at afterwards; the second is the one that closes. They cost nothing and stay.".to_owned());
        notes.push("A proof is valid for 30 minutes.".to_owned());
        return notes;
    }
    if action.terms.expires_after_seconds.is_some() {
        notes.push(format!("When it expires, {}.", action.terms.reopen.words()));
    }
    notes.push("That pointing a stage at a deployment applies that deployment's policy is inferred from documentation; the probes check that it does.".to_owned());
    if !state.siblings.is_empty() {
        notes.push(format!("Other stages of the API are not touched: {}.", state.siblings.join(", ")));
    }
    notes.push("Custom domains mapped to the stage are closed with it.".to_owned());
    notes.push("Where clients come through CloudFront or a proxy of yours, the policy sees its addresses, not theirs (inferred): list those.".to_owned());
    notes.push("Any deployment to the stage reopens it: tell the pipeline's owners.".to_owned());
    notes
}
