//! Guards: named checks of a plan, and the catalogue of all of them.
//!
//! A guard never acts and never reads: it judges what was read for the plan.

use crate::model::action::Terms;
use crate::model::plan::{GuardResult, Verdict};
use crate::model::text::is_blank;

/// What is documented of a guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guard {
    /// Its id, as `--override` takes it.
    pub id: &'static str,
    /// What it checks.
    pub checks: &'static str,
    /// What its verdict rests on.
    pub evidence: &'static str,
    /// Whether `--override` with a reason lifts a `stop` or `unknown`.
    pub can_be_overridden: bool,
    /// Whether its verdict rests on what differs from one reading to the next, such as samples: then the digest does
    /// not tell pass from warn.
    pub varies: bool,
}

macro_rules! guards {
    ($($name:ident = $id:literal, overridable: $over:literal, varies: $varies:literal,
        $checks:literal, $evidence:literal;)*) => {
        $(
            #[doc = $checks]
            pub const $name: Guard = Guard {
                id: $id, checks: $checks, evidence: $evidence, can_be_overridden: $over, varies: $varies,
            };
        )*
        /// Every guard there is.
        pub const CATALOGUE: &[Guard] = &[$($name),*];
    };
}

guards! {
    ZERO_PREFIX = "block-ip.zero-prefix", overridable: false, varies: false,
        "The whole Internet is not blocked: `/0` is refused, as WAF itself refuses it.",
        "The prefixes asked for.";
    HOST_BITS = "block-ip.host-bits", overridable: false, varies: false,
        "A prefix written with host bits is masked, which blocks more than was written; this says so.",
        "What was written, what it becomes, how many addresses that is.";
    NEVER_BLOCK = "block-ip.never-block", overridable: true, varies: false,
        "No range of the never-block list lies inside a target or around it.",
        "`guards.never-block` in the configuration; unknown if it is not set.";
    BREAK_GLASS = "block-ip.break-glass", overridable: true, varies: false,
        "No range from which responders reach the API in an emergency lies inside a target or around it.",
        "`guards.break-glass` in the configuration; unknown if it is not set.";
    BREADTH = "block-ip.breadth", overridable: true, varies: false,
        "Neither any single prefix nor all of them together, alone or with the IP set's existing entries, is wider than the team allows.",
        "`guards.widest-v4`, `guards.widest-v6`, `guards.widest-total-v4` and `guards.widest-total-v6` in the configuration, and `GetIPSet`.";
    WEB_ACL = "block-ip.web-acl", overridable: false, varies: false,
        "The stage has a web ACL: without one there is nothing to block with.",
        "The stage's `webAclArn` and `GetWebACL`.";
    IP_SET = "block-ip.ip-set", overridable: false, varies: false,
        "There is exactly one IP set to use for each address version among the targets.",
        "The IP sets that the web ACL's rules and rule groups refer to.";
    EFFECTIVE = "block-ip.effective", overridable: true, varies: false,
        "An address in the IP set is really blocked on this stage: no Count, no override, no further condition, no earlier Allow.",
        "The web ACL's rules in order of priority, including those inside rule groups; what cannot be read is unknown.";
    INVERTED = "block-ip.inverted", overridable: false, varies: false,
        "The IP set is not an allow list and is not inside a Not statement: adding an attacker there would let the \
         attacker in.",
        "The web ACL's rules in order of priority, including those inside rule groups.";
    CAPACITY = "block-ip.capacity", overridable: false, varies: false,
        "The IP set has room: WAF allows 10,000 entries.",
        "`GetIPSet`.";
    COVERED = "block-ip.already-covered", overridable: false, varies: false,
        "Says which targets are already in the set, alone or inside a wider entry.",
        "`GetIPSet`.";
    BLAST_RADIUS = "block-ip.blast-radius", overridable: true, varies: true,
        "Lists the other resources that the web ACL protects: the same change affects them.",
        "`ListResourcesForWebACL` for API Gateway stages and load balancers, unknown where these cannot be listed; other resource types as far as AWS answers in time (it allows one call a second). Warns of resources found and of types that could not be listed; types that were not queried are named, without a warning. No single call shows other web ACLs that use the same IP set.";
    LEGITIMATE = "block-ip.legitimate-share", overridable: true, varies: true,
        "Few of the targets' requests come from callers seen before the attack, and few of the requests from before the attack came from the targets.",
        "WAF's sampled requests from the last minutes and from before the attack; after three hours, when WAF no longer has the earlier ones, the earlier callers recorded in the incident. Unknown where neither is available, or too little to bound the share.";
    SUSPICION = "block-ip.suspicion", overridable: true, varies: true,
        "There is evidence against each target: it matches a rule that matches attackers and hardly anybody seen before. Not having been seen before is not evidence.",
        "WAF's sampled requests from the last minutes, by rule, compared with those from before the attack. More than three targets with no evidence against them stop the plan, whether they were sampled or not.";
    PROXY = "block-ip.proxy", overridable: true, varies: true,
        "The address belongs to a client, not to a proxy with many clients behind it.",
        "Forwarding headers in WAF's sampled requests; targets that were not sampled are named.";
    MANAGED = "block-ip.managed", overridable: false, varies: false,
        "Says when the IP set looks managed by infrastructure as code, whose next run will remove the entries.",
        "`ListTagsForResource`.";
    ALLOW_EVERYBODY = "allow-ip.everybody", overridable: false, varies: false,
        "The whole Internet is not let into a closed stage: `/0` is refused, as WAF itself refuses it.",
        "The prefixes asked for.";
    ALLOW_HOST_BITS = "allow-ip.host-bits", overridable: false, varies: false,
        "A prefix written with host bits is masked, which lets in more than was written; this says so.",
        "What was written, what it becomes, how many addresses that is.";
    ALLOW_BREADTH = "allow-ip.breadth", overridable: true, varies: false,
        "Neither any single prefix nor all those let in together are wider than the team allows to be blocked: a closure that lets many in closes little.",
        "`guards.widest-v4`, `guards.widest-v6`, `guards.widest-total-v4` and `guards.widest-total-v6` in the configuration, and `GetIPSet`.";
    ALLOW_ACL = "allow-ip.web-acl", overridable: false, varies: false,
        "There is a closed web ACL to let them in through: the one attached to the stage, else the one that is named. Says when it is not attached to the stage yet.",
        "The stage's `webAclArn`, `--web-acl`, `guards.closed-web-acl` in the configuration, and `GetWebACL`.";
    ALLOW_SET = "allow-ip.ip-set", overridable: false, varies: false,
        "There is exactly one IP set to use for each address version among the targets.",
        "The IP sets that the closed web ACL lets in.";
    ALLOW_EFFECTIVE = "allow-ip.effective", overridable: true, varies: false,
        "An address in the IP set really gets in: no earlier rule acts, and nothing else is required.",
        "The closed web ACL's rules in order of priority.";
    ALLOW_CAPACITY = "allow-ip.capacity", overridable: false, varies: false,
        "The IP set has room: WAF allows 10,000 entries.",
        "`GetIPSet`.";
    ALLOW_COVERED = "allow-ip.already-covered", overridable: false, varies: false,
        "Says which targets are already let in, alone or inside a wider entry.",
        "`GetIPSet`.";
    ALLOW_BLOCKED = "allow-ip.blocked", overridable: true, varies: false,
        "Nobody who is blocked while the stage is open is let in.",
        "The blocks in force in the journals, and the blocking IP sets of the web ACL that is attached while the stage is open (from the closure's journal); unknown where that one cannot be read.";
    ALLOW_KNOWN = "allow-ip.known", overridable: true, varies: true,
        "Callers were seen from each target before the attack. More than three unknown targets stop the plan; ranges in the configuration count as known.",
        "WAF's samples from before the attack, the earlier callers recorded in the incident, and what the closed web ACL turns away now. Unknown where nothing shows who called.";
    ALLOW_MANAGED = "allow-ip.managed", overridable: false, varies: false,
        "Says when the IP set looks managed by infrastructure as code, whose next run will remove the entries.",
        "`ListTagsForResource`.";
    ALLOW_BLAST_RADIUS = "allow-ip.blast-radius", overridable: true, varies: true,
        "Lists the other resources that the closed web ACL protects: the addresses are let in there as well.",
        "`ListResourcesForWebACL` for API Gateway stages and load balancers; unknown where these cannot be listed.";
    ALLOW_EXPIRY = "allow-ip.expiry", overridable: false, varies: false,
        "It does not expire, so that nobody it lets in is locked out later.",
        "`--for`.";
    THROTTLE_ZERO = "throttle.zero", overridable: false, varies: false,
        "A throttle lets something through: 0 would close the stage, and is planned as a closure.",
        "The rate and burst asked for.";
    THROTTLE_METHOD = "throttle.method", overridable: false, varies: false,
        "The method is deployed on the stage: a setting for any other would be accepted and do nothing.",
        "`GetDeployment` with `embed=apisummary`.";
    THROTTLE_TIGHTER = "throttle.tighter", overridable: false, varies: false,
        "The limit is tighter than the one in force: throttling never opens anything.",
        "The stage's method settings as AWS wrote them (absent and -1 distinguished from 0) and the account's limit.";
    THROTTLE_LIMITS = "throttle.limits", overridable: false, varies: true,
        "Lists every limit on a request (usage plan, method, stage, account) and says which wins.",
        "`GetUsagePlans`, `GetStage`, `GetAccount`.";
    THROTTLE_COPIES = "throttle.copies", overridable: false, varies: false,
        "Says which methods get an entry of their own: a copy of the stage's caching and logging, which later changes to `*/*` do not reach.",
        "The stage's method settings.";
    THROTTLE_ENTRIES = "throttle.own-entries", overridable: false, varies: false,
        "Says which methods have entries of their own that a stage-wide limit does not reach, and what happens to each.",
        "The stage's method settings.";
    THROTTLE_SHEDDING = "throttle.shedding", overridable: true, varies: true,
        "Says how much of the method's traffic would be turned away, legitimate and attack alike, what share of all requests gets through at the present rate, and how much of the traffic from before the attack the limit would turn away; stops where that is more than the team allows, or where most of the current traffic was there before.",
        "The metrics of the last ten minutes and of the ten before the attack, the method's own where detailed metrics are on, else the stage's multiplied by the method's share of WAF's samples; unknown where neither is available. The method's traffic before the attack counts as legitimate. `guards.most-legitimate-share` in the configuration.";
    THROTTLE_IMMUTABLE = "throttle.immutable", overridable: false, varies: false,
        "On an HTTP API: the stage is not one that API Gateway manages itself, which nobody may change.",
        "`apiGatewayManaged` of the stage.";
    THROTTLE_UNSET = "throttle.unset", overridable: false, varies: false,
        "On an HTTP API: says which limits cannot be unset again once they are written; the undo sets the account's instead.",
        "The stage's route settings as AWS wrote them, and `GetAccount`; that a limit cannot be unset is reported by others.";
    THROTTLE_MANAGED = "throttle.managed", overridable: false, varies: false,
        "Says when the stage looks managed by infrastructure as code, whose next run will revert the change.",
        "The stage's tags.";
    STAGE_ENDPOINT = "stage.endpoint", overridable: false, varies: false,
        "Says when the API's `execute-api` endpoint is set to be disabled, which takes effect with any update of a stage.",
        "`GetRestApis`.";
    FLUSH_FINAL = "flush-cache.final", overridable: false, varies: false,
        "Says that a flush cannot be undone.",
        "What API Gateway offers.";
    FLUSH_AVAILABLE = "flush-cache.available", overridable: false, varies: false,
        "The cache cluster is there and AVAILABLE.",
        "`cacheClusterStatus` of the stage.";
    FLUSH_BACKEND = "flush-cache.backend", overridable: true, varies: true,
        "The backend is not failing already.",
        "The share of 5XX over the last five minutes, against the threshold of the 5XX notice.";
    FLUSH_HERD = "flush-cache.herd", overridable: true, varies: true,
        "The backend can take the load that the cache answers now: hits become misses until it is warm.",
        "Hits and misses of the last five minutes, against the most that reached the backend in any minute of the last three hours with under 1 % of 5XX.";
    FLUSH_AUTHORIZERS = "flush-cache.authorizers", overridable: false, varies: false,
        "Says that every caller has to be authorized again at once.",
        "What `FlushStageAuthorizersCache` does.";
    FLUSH_EXPIRY = "flush-cache.expiry", overridable: false, varies: false,
        "A flush does not expire.",
        "`--for`.";
    CLOSE_ACL = "close.web-acl", overridable: false, varies: false,
        "There is a prebuilt web ACL that blocks by default and lets in only the addresses in its IP sets.",
        "`guards.closed-web-acl` in the configuration or `--web-acl`, and `GetWebACL`, `GetIPSet`.";
    CLOSE_WIDENS = "close.widens", overridable: false, varies: false,
        "Closing does not let in anybody who is kept out today.",
        "Both web ACLs: an address that the closed one lets in and that is in a blocking IP set of the stage's own would gain access.";
    CLOSE_ADMITS = "close.admits", overridable: true, varies: false,
        "The break-glass ranges and the partners on the never-block list still get in.",
        "`guards.break-glass` and `guards.never-block` in the configuration, compared with the closed web ACL's IP \
         sets.";
    CLOSE_LOSERS = "close.who-loses", overridable: false, varies: true,
        "Says who loses access (everybody, or everybody but the addresses listed) and how much of the traffic from before the attack that is. A closure turns away nearly all of it by design: this warns and never stops.",
        "The list of those let in (the closed web ACL's IP sets, `--allow`), and WAF's samples from before the attack, by /24 and /48; without samples it says that this is not known.";
    CLOSE_REASON = "close.reason", overridable: false, varies: false,
        "A reason is given for closing a stage to everybody, responders included, so that the review can read it.",
        "`--reason`; on the screen, what follows `because`.";
    CLOSE_GAP = "close.gap", overridable: false, varies: false,
        "Says what AWS leaves undocumented about the moment of the swap.",
        "`AssociateWebACL` replaces an association in one call; whether there is a gap is unverified.";
    CLOSE_PROTECTION = "close.protection", overridable: false, varies: false,
        "Says what the stage's own web ACL does and the closed one does not.",
        "Both web ACLs' rules.";
    PREPARE_ALLOW = "prepare.allow-list", overridable: false, varies: false,
        "Somebody is let in, and not everybody: `/0` is refused, as WAF itself refuses it.",
        "The prefixes asked for, else `guards.break-glass` in the configuration.";
    PREPARE_HOST_BITS = "prepare.host-bits", overridable: false, varies: false,
        "A prefix written with host bits is masked, which lets in more than was written; this says so.",
        "What was written, what it becomes, how many addresses that is.";
    PREPARE_BREADTH = "prepare.breadth", overridable: true, varies: false,
        "Neither any single prefix to let in nor all of them together are wider than the team allows to be blocked: a closure that lets many in closes little.",
        "`guards.widest-v4`, `guards.widest-v6`, `guards.widest-total-v4` and `guards.widest-total-v6` in the configuration.";
    PREPARE_ADMITS = "prepare.admits", overridable: true, varies: false,
        "The break-glass ranges and the partners on the never-block list would get in.",
        "`guards.break-glass` and `guards.never-block` in the configuration; unknown if no break-glass ranges are set.";
    PREPARE_NAME = "prepare.name", overridable: false, varies: false,
        "Nothing else uses the names of the web ACL and its IP sets; what already exists exactly as it would be made \
         is used.",
        "`ListWebACLs`, `ListIPSets`, and what exists under those names.";
    PREPARE_QUOTA = "prepare.quota", overridable: false, varies: false,
        "Says when the account has as many IP sets or web ACLs as AWS allows by default.",
        "`ListWebACLs` and `ListIPSets`; quota increases that AWS has granted are not read.";
    PREPARE_EXPIRY = "prepare.expiry", overridable: false, varies: false,
        "What is prepared does not expire.",
        "`--for`.";
    UNDO_USED = "undo.in-use", overridable: false, varies: false,
        "What an action made is deleted completely or not at all: only if it is unchanged and not attached to any \
         resource.",
        "`GetWebACL` and `GetIPSet` compared with the journal, and `ListResourcesForWebACL` for stages and load balancers; for other kinds, and for other web ACLs that refer to an IP set, AWS itself refuses.";
    SWITCH_ALLOW = "kill-switch.allow-list", overridable: false, varies: false,
        "Somebody is let in, and not everybody: `/0` closes nothing. Says where host bits were masked.",
        "`--allow`.";
    SWITCH_POLICY = "kill-switch.policy", overridable: false, varies: false,
        "The policy can be read, contains no closing statement yet, and the closing policy fits into 8,192 characters.",
        "`GetRestApi` and the policy that would be written.";
    SWITCH_BASE = "kill-switch.base", overridable: true, varies: false,
        "It is known which policy is deployed: closing keeps its statements.",
        "`GetExport` of the stage (that it includes the policy is inferred), compared with the draft's policy.";
    SWITCH_RESPONDER = "kill-switch.responder", overridable: true, varies: true,
        "You still get in from where you are.",
        "`--own-address`, else what address services answer; `probes.address-services` in the configuration. The policy before and after, simulated.";
    SWITCH_ENDPOINT = "kill-switch.endpoint", overridable: false, varies: false,
        "The API is public and can be changed: callers through VPC endpoints have no `aws:SourceIp`, so all of them would be kept out.",
        "`GetRestApi`: endpoint types and status.";
    SWITCH_PROBE = "kill-switch.probe", overridable: false, varies: true,
        "The stage can be probed from here, and lets us in before the change.",
        "A `GET` as callers send it: `probes.stages` in the configuration, else a deployed method that needs no \
         parameters, authorization or key.";
    SWITCH_CANARY = "kill-switch.canary", overridable: false, varies: false,
        "No affected stage has a canary: its share of the traffic would keep its own deployment and policy.",
        "`GetStage`.";
    SWITCH_DRIFT = "kill-switch.drift", overridable: true, varies: false,
        "The draft holds no undeployed work that closing would ship.",
        "`GetResources` compared with `GetDeployment`: methods, their authorization and key requirement. A proof compares whole exports.";
    SWITCH_PROOF_STAGE = "kill-switch.proof-stage", overridable: false, varies: false,
        "The stage to prove on is another stage of the same API. Says what happens to it meanwhile.",
        "`--prove-on` and `GetStage`.";
    SWITCH_PROOF = "kill-switch.proof", overridable: true, varies: false,
        "Exactly this policy was proven on another stage within the last 30 minutes, and nothing was deployed since. If overridden, the closure undoes itself unless a probe gets through within 60 s.",
        "The journals of the open incidents, `GetStage`, `GetDeployment`.";
    SWITCH_WINDOW = "kill-switch.window", overridable: false, varies: false,
        "Says that the draft briefly contains the closing policy.",
        "The order of calls.";
    UNDO_DEPLOYMENT = "undo.deployment-gone", overridable: false, varies: false,
        "The deployment to point back at still exists.",
        "`GetDeployment`.";
    UNDO_LATER = "undo.later-action", overridable: false, varies: false,
        "No later action in force has set the same values: if this one is undone first, undoing that one later reverts it.",
        "The journals of the open incidents.";
    UNDO_KEPT = "undo.entry-kept", overridable: false, varies: false,
        "Says where an entry that the action made stays because somebody else has set other things in it; its limits go back to what they were.",
        "`GetStage` compared with the entry that the plan predicted.";
    UNDO_FINAL = "undo.final", overridable: false, varies: false,
        "What was done can be undone at all.",
        "The kind of the change.";
    UNDO_GONE = "undo.resource-gone", overridable: false, varies: false,
        "What the action changed still exists.",
        "`GetIPSet`.";
    UNDO_FOREIGN = "undo.foreign-change", overridable: false, varies: false,
        "Says which of our entries somebody else has removed or replaced by a wider one; those are left alone.",
        "`GetIPSet` compared with the journal.";
    UNDO_CLAIMED = "undo.claimed", overridable: true, varies: false,
        "Says which of our entries another action in force asked for as well; those stay.",
        "The journals of the open incidents; unknown where one of them cannot be read.";
    UNDO_SHUTS_OUT = "undo.shuts-out", overridable: false, varies: true,
        "Says who is kept out again once what lets them in is undone.",
        "`GetSampledRequests` of the rule that lets them in.";
    UNDO_ATTACK = "undo.attack-stands", overridable: true, varies: true,
        "Says what would come back, in requests a second, while the attack on the stage goes on.",
        "The incident's attack, and `GetSampledRequests` of the rule that blocks; for other measures, what reaches the stage.";
    UNDO_NOT_MADE = "undo.not-made", overridable: true, varies: false,
        "Says which planned changes were never sent or were refused; they are left alone, since what looks like ours may be somebody else's. Stops where nothing else is left to undo: check, then override. Also says which were sent and are not known to have been made: whatever of them is visible is undone.",
        "The journal: a change counts as made once AWS answered, or once it was found to have been made.";
    OVERRIDES = "plan.overrides", overridable: false, varies: false,
        "Every override names a guard of this plan that stops it and may be overridden, and comes with a reason.",
        "`--override` and `--reason`.";
}

impl Guard {
    /// A result of this guard.
    #[must_use]
    pub fn says(&self, verdict: Verdict, reason: impl Into<String>) -> GuardResult {
        GuardResult {
            id: self.id.to_owned(),
            verdict,
            reason: reason.into(),
            evidence: Vec::new(),
            can_be_overridden: self.can_be_overridden,
            overridden: false,
        }
    }

    /// `pass` with a reason.
    #[must_use]
    pub fn pass(&self, reason: impl Into<String>) -> GuardResult {
        self.says(Verdict::Pass, reason)
    }

    /// `warn` with a reason.
    #[must_use]
    pub fn warn(&self, reason: impl Into<String>) -> GuardResult {
        self.says(Verdict::Warn, reason)
    }

    /// `stop` with a reason.
    #[must_use]
    pub fn stop(&self, reason: impl Into<String>) -> GuardResult {
        self.says(Verdict::Stop, reason)
    }

    /// `unknown` with a reason.
    #[must_use]
    pub fn unknown(&self, reason: impl Into<String>) -> GuardResult {
        self.says(Verdict::Unknown, reason)
    }
}

/// The guard of an id.
#[must_use]
pub fn by_id(id: &str) -> Option<&'static Guard> {
    CATALOGUE.iter().find(|guard| guard.id == id)
}

/// Evidence lines for a result.
pub trait WithEvidence {
    /// The result with `lines` as its evidence.
    #[must_use]
    fn because(self, lines: Vec<String>) -> Self;
}

impl WithEvidence for GuardResult {
    fn because(mut self, lines: Vec<String>) -> Self {
        self.evidence = lines;
        self
    }
}

/// Applies the overrides in `terms` and sorts the results, worst first. An override that names no halting guard, or
/// that comes without a reason, is itself a stop: a typo must not look like consent.
#[must_use]
pub fn settled(mut results: Vec<GuardResult>, terms: &Terms) -> Vec<GuardResult> {
    let mut faults = Vec::new();
    let reasoned = terms.reason.as_deref().is_some_and(|reason| !is_blank(reason));
    for id in &terms.overrides {
        let found = results.iter_mut().find(|result| result.id == *id);
        match found {
            None => faults.push(format!("“{id}” is not a guard of this plan")),
            Some(result) if !result.can_be_overridden => faults.push(format!("{id} cannot be overridden")),
            Some(_) if !reasoned => faults.push(format!("overriding {id} needs a --reason")),
            // Overriding what does not halt is harmless: the situation got better since.
            Some(result) => result.overridden = result.verdict.halts(),
        }
    }
    if !faults.is_empty() {
        results.push(OVERRIDES.stop(format!("{}. Remove or correct the override", faults.join("; "))));
    }
    let rank = |result: &GuardResult| if result.overridden { Verdict::Warn } else { result.verdict };
    results.sort_by_key(|result| std::cmp::Reverse(rank(result)));
    results
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(overrides: &[&str], reason: Option<&str>) -> Terms {
        Terms {
            reason: reason.map(str::to_owned),
            overrides: overrides.iter().map(|s| (*s).to_owned()).collect(),
            ..Terms::default()
        }
    }

    #[test]
    fn ids_are_unique_and_documented() {
        let mut ids: Vec<_> = CATALOGUE.iter().map(|g| g.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), CATALOGUE.len());
        assert!(CATALOGUE.iter().all(|g| !g.checks.is_empty() && !g.evidence.is_empty()));
    }

    #[test]
    fn an_override_needs_a_reason_and_a_guard_that_yields() {
        let halts = |results: Vec<GuardResult>, terms: &Terms| settled(results, terms).iter().any(GuardResult::halts);
        let stop = || vec![NEVER_BLOCK.stop("x")];
        assert!(halts(stop(), &terms(&[], None)));
        assert!(halts(stop(), &terms(&["block-ip.never-block"], None)));
        for nothing in ["", "  ", "\u{200b}", " \u{2060}\u{3164} "] {
            assert!(halts(stop(), &terms(&["block-ip.never-block"], Some(nothing))), "{nothing:?}");
        }
        assert!(!halts(stop(), &terms(&["block-ip.never-block"], Some("the partner is the attacker"))));
        assert!(halts(stop(), &terms(&["block-ip.never-blok"], Some("typo"))));
        assert!(halts(vec![ZERO_PREFIX.stop("x")], &terms(&["block-ip.zero-prefix"], Some("no"))));
    }

    #[test]
    fn unknown_stops_like_stop() {
        assert!(settled(vec![BREAK_GLASS.unknown("x")], &terms(&[], None)).iter().any(GuardResult::halts));
    }
}
