//! The checks, over what was read.

use super::{Reads, State};
use crate::aws::permission::{PERMISSIONS, SET_WEB_ACL};
use crate::aws::{AwsError, Problem};
use crate::model::access_log;
use crate::model::method::ALL_METHODS;
use crate::model::plan::Verdict;
use crate::model::preflight::{Check, Found};
use crate::model::settings::Settings;
use crate::model::waf::{IpVersion, WebAcl};
use crate::respond::planned::{PlanError, Planned};
use crate::respond::wiring::{Reference, Standing};

/// Every check, in the order in which they matter.
pub(super) fn checks(
    state: &State,
    settings: &Settings,
    region: &str,
    swap: &Result<Planned, PlanError>,
    zero: &Result<Planned, PlanError>,
) -> Vec<Check> {
    let mut checks = Vec::new();
    checks.extend([IpVersion::V4, IpVersion::V6].map(|version| block_list(state, version)));
    checks.extend([sources(state), throttle(state), flush(state)]);
    checks.extend([closure("close --by web-acl", swap), closure("close --by throttle-zero", zero)]);
    checks.push(kill_switch(state));
    checks.push(configured("break-glass", settings.guards.break_glass.as_ref().map(Vec::len)));
    checks.push(configured("never-block", settings.guards.never_block.as_ref().map(Vec::len)));
    checks.extend([probe(state, region), canary(state), access_log(state), reads(&state.reads), writes()]);
    checks
}

/// Why a read that a check rests on failed, with the next step.
fn unread(check: &str, error: &AwsError) -> Check {
    let found = if matches!(error.problem, Problem::Denied(_)) { Found::WouldNot } else { Found::Unknown };
    Check::new(check, found, error.to_string())
}

/// The stage's web ACL, or what a check says without one.
fn acl<'a>(state: &'a State, check: &str) -> Result<&'a WebAcl, Check> {
    match &state.web_acl {
        Some(Ok(acl)) => Ok(acl),
        Some(Err(error)) => Err(unread(check, error)),
        None => Err(Check::new(check, Found::WouldNot, "the stage has no web ACL")
            .then("associate one with a blocking IP set and sampling on")),
    }
}

/// Whether there is one IP set of a version that really blocks on this stage.
fn block_list(state: &State, version: IpVersion) -> Check {
    let check = format!("block-ip, {}", version.label());
    if let Err(without) = acl(state, &check) {
        return without;
    }
    let of_version = |r: &&Reference| matches!(state.ip_sets.get(&r.ip_set), Some(Ok(set)) if set.version == version);
    let name = |r: &Reference| match state.ip_sets.get(&r.ip_set) {
        Some(Ok(set)) => set.name.clone(),
        _ => r.ip_set.clone(),
    };
    let references: Vec<&Reference> = state.references.iter().filter(of_version).collect();
    let evidence: Vec<String> =
        references.iter().map(|r| format!("{} in rule {}: {}", name(r), r.rule, stands(r))).collect();
    let mut blocking: Vec<String> =
        references.iter().filter(|r| r.standing == Standing::Effective).map(|r| name(r)).collect();
    blocking.sort();
    blocking.dedup();
    let hurdles: Vec<&String> = references
        .iter()
        .filter(|r| r.standing == Standing::Effective)
        .flat_map(|r| r.earlier_allows.iter().chain(&r.unread_before))
        .collect();
    let unread: Vec<String> =
        state.ip_sets.values().filter_map(|set| set.as_ref().err().map(ToString::to_string)).collect();
    let found = match (blocking.as_slice(), hurdles.first(), unread.first()) {
        ([one], None, _) => Check::new(&check, Found::Works, format!("{one} blocks on this stage")),
        ([one], Some(earlier), _) => Check::new(
            &check,
            Found::Unknown,
            format!("{one} blocks, but rule {earlier} runs before it and may let requests through"),
        )
        .then("move the blocking rule before every rule that allows"),
        ([], _, Some(error)) => Check::new(&check, Found::Unknown, error.clone()),
        ([], _, None) => {
            Check::new(&check, Found::WouldNot, format!("no {} set blocks on this stage", version.label()))
                .then("give the web ACL a rule that blocks by an IP set of this version")
        }
        (several, ..) => {
            Check::new(&check, Found::WouldNot, format!("several sets are possible: {}", several.join(", ")))
                .then("name one in guards.block-lists, or each time with --ip-set")
        }
    };
    found.because(evidence)
}

fn stands(reference: &Reference) -> String {
    match &reference.standing {
        Standing::Effective => "blocks".to_owned(),
        Standing::Conditional(why) => format!("blocks only if more matches ({why})"),
        Standing::Ineffective(why) => format!("does not block ({why})"),
        Standing::Inverted(why) => format!("keeps out everybody not in it ({why})"),
    }
}

/// Whether WAF keeps samples: sources, legitimate callers and the proof of a block rest on them.
fn sources(state: &State) -> Check {
    let check = "sources";
    let acl = match acl(state, check) {
        Ok(acl) => acl,
        Err(without) => return without,
    };
    let blind: Vec<String> =
        acl.in_order().filter(|rule| !rule.sampled).map(|rule| format!("rule {} is not sampled", rule.name)).collect();
    if !acl.sampled {
        return Check::new(
            check,
            Found::WouldNot,
            "the web ACL's default action is not sampled: who calls is not known",
        )
        .then("turn SampledRequestsEnabled on in the web ACL's VisibilityConfig")
        .because(blind);
    }
    if let Some(Err(error)) = state.reads.get("GetSampledRequests") {
        return unread(check, error);
    }
    let said = if blind.is_empty() { "every rule is sampled" } else { "sampled, but for some rules" };
    Check::new(check, Found::Works, said).because(blind)
}

/// Whether a throttle could be planned, and what it would turn away be told.
fn throttle(state: &State) -> Check {
    let check = "throttle";
    let settings = match &state.settings {
        Ok(settings) => settings,
        Err(error) => return unread(check, error),
    };
    let methods = match &state.methods {
        Some(Ok(methods)) if !methods.is_empty() => methods,
        Some(Ok(_)) | None => return Check::new(check, Found::WouldNot, "no method is deployed on the stage"),
        Some(Err(error)) => return unread(check, error),
    };
    let detailed =
        settings.methods.get(ALL_METHODS).and_then(|all| all.get("metricsEnabled")?.as_bool()).unwrap_or(false);
    let sampled = matches!(&state.web_acl, Some(Ok(acl)) if acl.sampled);
    if !detailed && !sampled {
        return Check::new(
            check,
            Found::WouldNot,
            "what a throttle of one method turns away is not known: no samples and no detailed metrics, so the plan stops at throttle.shedding",
        )
        .then("attach a web ACL with sampling to the stage, or turn detailed CloudWatch metrics on");
    }
    let how = if detailed { "detailed metrics" } else { "WAF's samples" };
    Check::new(
        check,
        Found::Works,
        format!("{} methods are deployed; what each gets is known from {how}", methods.len()),
    )
}

fn flush(state: &State) -> Check {
    let check = "flush-cache";
    let settings = match &state.settings {
        Ok(settings) => settings,
        Err(error) => return unread(check, error),
    };
    match settings.cache_cluster_status.as_deref() {
        Some("AVAILABLE") => Check::new(check, Found::Works, "the cache cluster is AVAILABLE"),
        Some("NOT_AVAILABLE") | None if !settings.cache_cluster_enabled => {
            Check::new(check, Found::NotHere, "the stage has no cache cluster")
        }
        Some(status) => {
            Check::new(check, Found::Unknown, format!("the cache cluster is {status} now")).then("look again later")
        }
        None => Check::new(check, Found::Unknown, "the stage has a cache cluster but does not report its status"),
    }
}

/// What the plan of a closure says.
fn closure(check: &str, planned: &Result<Planned, PlanError>) -> Check {
    let plan = match planned {
        Ok(planned) => &planned.plan,
        Err(error) => return Check::new(check, Found::Unknown, error.to_string()),
    };
    let evidence: Vec<String> =
        plan.halting().map(|guard| format!("{} {}: {}", guard.verdict.word(), guard.id, guard.reason)).collect();
    let Some(worst) = plan.halting().max_by_key(|guard| guard.verdict) else {
        let said = if plan.is_empty() { "it is already closed in this way" } else { "no guard stops it at present" };
        return Check::new(check, Found::Works, said);
    };
    let found = if worst.verdict == Verdict::Stop { Found::WouldNot } else { Found::Unknown };
    // What is said already is not said twice.
    let evidence = if evidence.len() > 1 { evidence } else { Vec::new() };
    let made = Check::new(check, found, worst.reason.clone()).because(evidence);
    if worst.id == "close.web-acl" {
        return made.then(format!("portcullis apply prepare-closed-web-acl --stage {}", plan.stage.label()));
    }
    made
}

/// What keeps the kill switch from being proven; whether it works a proof tells alone.
fn kill_switch(state: &State) -> Check {
    let check = "kill-switch";
    for operation in ["GetRestApi", "GetDeployments", "GetResources", "GetExport"] {
        if let Some(Err(error)) = state.reads.get(operation) {
            return unread(check, error);
        }
    }
    if state.api.endpoint_types.iter().any(|kind| kind == "PRIVATE") {
        return Check::new(check, Found::NotHere, "the API is private: a list of addresses would keep everybody out");
    }
    if state.stage.canary {
        return Check::new(check, Found::WouldNot, "the stage has a canary, which would keep a policy of its own")
            .then("end the canary first, or close in another way");
    }
    let stage = state.stage.id.label();
    let siblings = match &state.siblings {
        Ok(siblings) => siblings,
        Err(error) => return unread(check, error),
    };
    let Some(other) = siblings.iter().find(|name| *name == "dev").or(siblings.first()) else {
        return Check::new(check, Found::WouldNot, "the API has no other stage to prove it on")
            .then("give the API a stage that nobody depends on");
    };
    Check::new(check, Found::NotProven, "nothing that was read prevents it; only a proof shows whether it works").then(
        format!(
            "portcullis plan kill-switch --stage {stage} --allow CIDR --prove-on {}/{other}",
            state.stage.id.api_name
        ),
    )
}

fn configured(key: &str, ranges: Option<usize>) -> Check {
    let check = format!("guards.{key}");
    match ranges {
        Some(n) => Check::new(&check, Found::Works, format!("{n} ranges are configured")),
        None => Check::new(&check, Found::WouldNot, "not configured, so its guards are unknown and stop")
            .then(format!("set {key} under [guards] in the configuration, [] if there is none")),
    }
}

/// Whether there is a URL that could be probed from where responders are. Nothing is sent to it.
fn probe(state: &State, region: &str) -> Check {
    let check = "probe URL";
    let kinds = state.api.endpoint_types.join(", ");
    if state.api.endpoint_types.iter().any(|kind| kind == "PRIVATE") {
        return Check::new(check, Found::NotHere, "the API is private: it answers inside its VPC only");
    }
    if state.stage.endpoint_disabled {
        return Check::new(
            check,
            Found::NotHere,
            "the execute-api endpoint is set to be disabled: clients use a custom domain",
        );
    }
    let id = &state.stage.id;
    let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    let url = format!("https://{}.execute-api.{region}.{domain}/{}", id.api_id, id.stage);
    Check::new(check, Found::Works, format!("the endpoint is public ({kinds}); nothing was sent to it"))
        .because(vec![url])
}

fn canary(state: &State) -> Check {
    if state.stage.canary {
        return Check::new(
            "canary",
            Found::Works,
            "the stage has a canary: throttles and the web ACL apply to both, and AWS refuses a plain deployment (reported)",
        );
    }
    Check::new("canary", Found::NotHere, "the stage has no canary")
}

/// Whether the access log tells who was turned away and by what: no metric does.
fn access_log(state: &State) -> Check {
    let check = "access log";
    let log = match &state.settings {
        Ok(settings) => &settings.access_log,
        Err(error) => return unread(check, error),
    };
    let Some(log) = log else {
        return Check::new(
            check,
            Found::WouldNot,
            "there is no access log: who was throttled or blocked, and by what, is shown nowhere else",
        )
        .then("set the stage's accessLogSettings; the account needs a cloudwatchRoleArn as well (inferred)");
    };
    let lacking = access_log::lacking(&log.format);
    match lacking.first() {
        None => Check::new(check, Found::Works, "its format has every field that a review needs"),
        Some(_) => Check::new(check, Found::WouldNot, format!("its format lacks {} fields", lacking.len()))
            .then("add them to the format of the stage's accessLogSettings")
            .because(lacking),
    }
}

/// Reads are proven by doing them.
fn reads(reads: &Reads) -> Check {
    let failed: Vec<(&&str, &AwsError)> =
        reads.iter().filter_map(|(name, read)| Some((name, read.as_ref().err()?))).collect();
    let untried = PERMISSIONS.iter().filter(|p| !p.writes && !reads.contains_key(p.operation));
    let mut evidence: Vec<String> = failed
        .iter()
        .map(|(name, error)| {
            let needs = PERMISSIONS.iter().find(|p| p.operation == **name).map_or("", |p| p.action);
            format!("{error}; it needs {needs}")
        })
        .collect();
    evidence.extend(untried.map(|p| format!("{} was not tried: there was no need", p.operation)));
    let check = "permissions to read";
    let denied = failed.iter().filter(|(_, error)| matches!(error.problem, Problem::Denied(_))).count();
    match (denied, failed.len()) {
        (0, 0) => Check::new(check, Found::Works, format!("{} kinds of call were answered", reads.len())),
        (0, n) => Check::new(check, Found::Unknown, format!("{n} kinds of call failed")).then("run it again"),
        (n, _) => Check::new(check, Found::WouldNot, format!("{n} kinds of call are not permitted"))
            .then("docs/iam.md has the policy"),
    }
    .because(evidence)
}

/// AWS has no dry run: a permission to write is proven by writing, which this does not do.
fn writes() -> Check {
    let needs =
        PERMISSIONS.iter().filter(|p| p.writes).map(|p| format!("{}: {} on {}", p.operation, p.action, p.resource));
    let web_acl = format!("web ACLs of stages: {} on {}", SET_WEB_ACL.0, SET_WEB_ACL.1);
    Check::new(
        "permissions to write",
        Found::NotProven,
        "AWS has no dry run: they are not proven. Compare the responders' IAM policy with what is needed",
    )
    .then("docs/iam.md has the policy")
    .because(needs.chain([web_acl]).collect())
}
