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
    /// Whether its verdict rests on what differs from one reading to the next, such as samples: then the digest does not
    /// tell pass from warn.
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
        "Nobody blocks the whole Internet: `/0` is refused, as WAF itself refuses it.",
        "The prefixes asked for.";
    HOST_BITS = "block-ip.host-bits", overridable: false, varies: false,
        "A prefix written with host bits is masked, which blocks more than was written; this says so.",
        "What was written, what it becomes, how many addresses that is.";
    NEVER_BLOCK = "block-ip.never-block", overridable: true, varies: false,
        "No range of the never-block list lies inside a target or around it.",
        "`guards.never-block` of the configuration; unknown where it is not set.";
    BREAK_GLASS = "block-ip.break-glass", overridable: true, varies: false,
        "No range from which responders reach the API in an emergency lies inside a target or around it.",
        "`guards.break-glass` of the configuration; unknown where it is not set.";
    BREADTH = "block-ip.breadth", overridable: true, varies: false,
        "No prefix is wider than the team allows, nor are all of them together, alone and with what the IP set holds already.",
        "`guards.widest-v4`, `guards.widest-v6`, `guards.widest-total-v4` and `guards.widest-total-v6` of the configuration, and `GetIPSet`.";
    WEB_ACL = "block-ip.web-acl", overridable: false, varies: false,
        "The stage has a web ACL: without one there is nothing to block with.",
        "The stage's `webAclArn` and `GetWebACL`.";
    IP_SET = "block-ip.ip-set", overridable: false, varies: false,
        "There is exactly one IP set to use for each address version among the targets.",
        "The IP sets that the web ACL's rules and rule groups refer to.";
    EFFECTIVE = "block-ip.effective", overridable: true, varies: false,
        "An address in the IP set is really blocked on this stage: no Count, no override, no further condition, no earlier Allow.",
        "The web ACL's rules in order of priority, rule groups opened; what cannot be read is unknown.";
    INVERTED = "block-ip.inverted", overridable: false, varies: false,
        "The IP set is no allow list and does not stand under Not: adding an attacker there would let the attacker in.",
        "The web ACL's rules in order of priority, rule groups opened.";
    CAPACITY = "block-ip.capacity", overridable: false, varies: false,
        "The IP set has room: WAF allows 10,000 entries.",
        "`GetIPSet`.";
    COVERED = "block-ip.already-covered", overridable: false, varies: false,
        "Says which targets are already in the set, alone or inside a wider entry.",
        "`GetIPSet`.";
    BLAST_RADIUS = "block-ip.blast-radius", overridable: true, varies: true,
        "Says what else stands behind the web ACL and is affected by the same change.",
        "`ListResourcesForWebACL` for API Gateway stages and load balancers, unknown where these cannot be listed; for rarer kinds as far as AWS answers in time (it grants one call a second). Warns of what is there and of kinds that could not be listed; kinds that were not asked for are named, without a warning. Other web ACLs that use the same IP set show in no single call.";
    LEGITIMATE = "block-ip.legitimate-share", overridable: true, varies: true,
        "Few of the requests from the targets come from callers that were there before the attack, and few of the requests of then came from the targets.",
        "WAF's sampled requests of the last minutes and of before the attack; after three hours, when WAF has none of before any more, who the incident keeps of then. Unknown where neither tells, or too little to bound the share.";
    SUSPICION = "block-ip.suspicion", overridable: true, varies: true,
        "Something speaks against each target: a rule that matches attackers and hardly anybody who was there before. Not having been seen before is no such thing.",
        "WAF's sampled requests of the last minutes, by rule, against those of before the attack. More than three targets with nothing against them stop the plan, whether they were sampled or not.";
    PROXY = "block-ip.proxy", overridable: true, varies: true,
        "The address is a client's, not a proxy's with many clients behind it.",
        "Forwarding headers in WAF's sampled requests; targets that were not sampled are named.";
    MANAGED = "block-ip.managed", overridable: false, varies: false,
        "Says when the IP set looks managed by infrastructure as code, whose next run will take the entries out.",
        "`ListTagsForResource`.";
    ALLOW_EVERYBODY = "allow-ip.everybody", overridable: false, varies: false,
        "Nobody lets the whole Internet into a closed stage: `/0` is refused, as WAF itself refuses it.",
        "The prefixes asked for.";
    ALLOW_HOST_BITS = "allow-ip.host-bits", overridable: false, varies: false,
        "A prefix written with host bits is masked, which lets in more than was written; this says so.",
        "What was written, what it becomes, how many addresses that is.";
    ALLOW_BREADTH = "allow-ip.breadth", overridable: true, varies: false,
        "No prefix is wider than the team allows to be blocked, nor are all who are let in together: a closure that lets many in closes little.",
        "`guards.widest-v4`, `guards.widest-v6`, `guards.widest-total-v4` and `guards.widest-total-v6` of the configuration, and `GetIPSet`.";
    ALLOW_ACL = "allow-ip.web-acl", overridable: false, varies: false,
        "There is a closed web ACL to let them in through: the one before the stage, else the one that is named. Says where it does not stand before the stage yet.",
        "The stage's `webAclArn`, `--web-acl`, `guards.closed-web-acl` of the configuration, and `GetWebACL`.";
    ALLOW_SET = "allow-ip.ip-set", overridable: false, varies: false,
        "There is exactly one IP set to use for each address version among the targets.",
        "The IP sets that the closed web ACL lets in.";
    ALLOW_EFFECTIVE = "allow-ip.effective", overridable: true, varies: false,
        "An address in the IP set really gets in: nothing acts before, and nothing else is asked for.",
        "The closed web ACL's rules in order of priority.";
    ALLOW_CAPACITY = "allow-ip.capacity", overridable: false, varies: false,
        "The IP set has room: WAF allows 10,000 entries.",
        "`GetIPSet`.";
    ALLOW_COVERED = "allow-ip.already-covered", overridable: false, varies: false,
        "Says which targets are let in already, alone or inside a wider entry.",
        "`GetIPSet`.";
    ALLOW_BLOCKED = "allow-ip.blocked", overridable: true, varies: false,
        "Nobody is let in who is blocked while the stage is open.",
        "The blocks in force in the journals, and the blocking IP sets of the web ACL that stands there while the stage is open (out of the journal of the closure); unknown where that one cannot be read.";
    ALLOW_KNOWN = "allow-ip.known", overridable: true, varies: true,
        "Somebody was seen calling from each target before the attack. More than three of whom nothing is known stop the plan; ranges of the configuration are nobody unknown.",
        "WAF's samples of before the attack, who the incident keeps of then, and what the closed web ACL turns away now. Unknown where nothing tells who called.";
    ALLOW_MANAGED = "allow-ip.managed", overridable: false, varies: false,
        "Says when the IP set looks managed by infrastructure as code, whose next run will take the entries out.",
        "`ListTagsForResource`.";
    ALLOW_BLAST_RADIUS = "allow-ip.blast-radius", overridable: true, varies: true,
        "Says what else stands behind the closed web ACL: they are let in there as well.",
        "`ListResourcesForWebACL` for API Gateway stages and load balancers; unknown where these cannot be listed.";
    ALLOW_EXPIRY = "allow-ip.expiry", overridable: false, varies: false,
        "Whom it lets in is not locked out by the clock: it does not expire.",
        "`--for`.";
    THROTTLE_ZERO = "throttle.zero", overridable: false, varies: false,
        "A throttle lets something through: 0 closes, and is planned as a closure.",
        "The rate and burst asked for.";
    THROTTLE_METHOD = "throttle.method", overridable: false, varies: false,
        "The method is deployed on the stage: a setting for another would be accepted and do nothing.",
        "`GetDeployment` with `embed=apisummary`.";
    THROTTLE_TIGHTER = "throttle.tighter", overridable: false, varies: false,
        "The limit is tighter than the one in force: throttling never opens anything.",
        "The stage's method settings as AWS wrote them (absent and -1 told from 0) and the account's limit.";
    THROTTLE_LIMITS = "throttle.limits", overridable: false, varies: true,
        "Says every limit on a request's way, usage plan, method, stage, account, and which wins.",
        "`GetUsagePlans`, `GetStage`, `GetAccount`.";
    THROTTLE_COPIES = "throttle.copies", overridable: false, varies: false,
        "Says which methods get an entry of their own: a copy of the stage's caching and logging, which later changes of `*/*` do not reach.",
        "The stage's method settings.";
    THROTTLE_ENTRIES = "throttle.own-entries", overridable: false, varies: false,
        "Says which methods have entries of their own that a stage-wide limit does not reach, and what becomes of each.",
        "The stage's method settings.";
    THROTTLE_SHEDDING = "throttle.shedding", overridable: true, varies: true,
        "Says how much of the method's traffic would be turned away, legitimate and attack alike, what part of everybody's requests gets through at the present rate, and what the limit takes from the traffic of before the attack; stops where that is more than the team allows, or where most of what comes now was there before.",
        "The metrics of the last ten minutes and of the ten before the attack, the method's own where detailed metrics are on, else the stage's times the method's share of WAF's samples; unknown where neither tells. What the method had before the attack counts as legitimate. `guards.most-legitimate-share` of the configuration.";
    THROTTLE_IMMUTABLE = "throttle.immutable", overridable: false, varies: false,
        "On an HTTP API: API Gateway does not manage the stage itself, which nobody may change then.",
        "`apiGatewayManaged` of the stage.";
    THROTTLE_UNSET = "throttle.unset", overridable: false, varies: false,
        "On an HTTP API: says which limits cannot be unset again once they are written; the undo sets the account's instead.",
        "The stage's route settings as AWS wrote them, and `GetAccount`; that a limit cannot be unset is reported by others.";
    THROTTLE_MANAGED = "throttle.managed", overridable: false, varies: false,
        "Says when the stage looks managed by infrastructure as code, whose next run will take the change back.",
        "The stage's tags.";
    STAGE_ENDPOINT = "stage.endpoint", overridable: false, varies: false,
        "Says when the API's `execute-api` endpoint is set to be disabled, which any update of a stage brings into force.",
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
        "The backend bears what the cache answers now: hits become misses until it is warm.",
        "Hits and misses of the last five minutes, against the most that reached the backend in any minute of the last three hours with under 1 % of 5XX.";
    FLUSH_AUTHORIZERS = "flush-cache.authorizers", overridable: false, varies: false,
        "Says that every caller is authorized anew at once.",
        "What `FlushStageAuthorizersCache` does.";
    FLUSH_EXPIRY = "flush-cache.expiry", overridable: false, varies: false,
        "A flush does not expire.",
        "`--for`.";
    CLOSE_ACL = "close.web-acl", overridable: false, varies: false,
        "There is a prebuilt web ACL that blocks by default and lets in nobody but addresses of its IP sets.",
        "`guards.closed-web-acl` of the configuration or `--web-acl`, and `GetWebACL`, `GetIPSet`.";
    CLOSE_WIDENS = "close.widens", overridable: false, varies: false,
        "Closing lets nobody in who is kept out today.",
        "Both web ACLs: an address that the closed one lets in and that a blocking IP set of the stage's own holds would gain access.";
    CLOSE_ADMITS = "close.admits", overridable: true, varies: false,
        "The break-glass ranges and the partners of the never-block list still get in.",
        "`guards.break-glass` and `guards.never-block` of the configuration, against the closed web ACL's IP sets.";
    CLOSE_LOSERS = "close.who-loses", overridable: false, varies: true,
        "Says who loses access, everybody or everybody but the addresses listed, and what that takes from the traffic of before the attack. A closure takes nearly all of it by design: this warns and never stops.",
        "The list of those let in (the closed web ACL's IP sets, `--allow`), and WAF's samples of before the attack, by /24 and /48; without samples it says that it is not known.";
    CLOSE_REASON = "close.reason", overridable: false, varies: false,
        "Closing a stage to everybody, responders included, has a reason that the review can read.",
        "`--reason`; on the screen what stands behind `because`.";
    CLOSE_GAP = "close.gap", overridable: false, varies: false,
        "Says what AWS leaves undocumented about the moment of the swap.",
        "`AssociateWebACL` replaces an association in one call; whether there is a gap is unverified.";
    CLOSE_PROTECTION = "close.protection", overridable: false, varies: false,
        "Says what the stage's own web ACL does and the closed one does not.",
        "Both web ACLs' rules.";
    PREPARE_ALLOW = "prepare.allow-list", overridable: false, varies: false,
        "Somebody is let in, and not everybody: `/0` is refused, as WAF itself refuses it.",
        "The prefixes asked for, else `guards.break-glass` of the configuration.";
    PREPARE_HOST_BITS = "prepare.host-bits", overridable: false, varies: false,
        "A prefix written with host bits is masked, which lets in more than was written; this says so.",
        "What was written, what it becomes, how many addresses that is.";
    PREPARE_BREADTH = "prepare.breadth", overridable: true, varies: false,
        "No prefix to let in is wider than the team allows to be blocked, nor are all of them together: a closure that lets many in closes little.",
        "`guards.widest-v4`, `guards.widest-v6`, `guards.widest-total-v4` and `guards.widest-total-v6` of the configuration.";
    PREPARE_ADMITS = "prepare.admits", overridable: true, varies: false,
        "The break-glass ranges and the partners of the never-block list would get in.",
        "`guards.break-glass` and `guards.never-block` of the configuration; unknown where no break-glass ranges are set.";
    PREPARE_NAME = "prepare.name", overridable: false, varies: false,
        "Nothing else stands under the names of the web ACL and its IP sets; what stands as it would be made is used.",
        "`ListWebACLs`, `ListIPSets`, and what stands there.";
    PREPARE_QUOTA = "prepare.quota", overridable: false, varies: false,
        "Says when the account has as many IP sets or web ACLs as AWS grants by default.",
        "`ListWebACLs` and `ListIPSets`; what AWS has granted beyond is not read.";
    PREPARE_EXPIRY = "prepare.expiry", overridable: false, varies: false,
        "What is prepared does not expire.",
        "`--for`.";
    UNDO_USED = "undo.in-use", overridable: false, varies: false,
        "What an action made is deleted whole or not at all: as it was made, and before no resource.",
        "`GetWebACL` and `GetIPSet` against the journal, and `ListResourcesForWebACL` for stages and load balancers; for other kinds, and for other web ACLs that refer to an IP set, AWS itself refuses.";
    SWITCH_ALLOW = "kill-switch.allow-list", overridable: false, varies: false,
        "Somebody is let in, and not everybody: `/0` closes nothing. Says where host bits were masked.",
        "`--allow`.";
    SWITCH_POLICY = "kill-switch.policy", overridable: false, varies: false,
        "The policy can be read, carries no closing statement yet, and the closing one fits into 8,192 characters.",
        "`GetRestApi` and the policy that would be written.";
    SWITCH_BASE = "kill-switch.base", overridable: true, varies: false,
        "It is known which policy is deployed: closing keeps that one's statements.",
        "`GetExport` of the stage (that it carries the policy is inferred), against the draft's policy.";
    SWITCH_RESPONDER = "kill-switch.responder", overridable: true, varies: true,
        "You still get in from where you are.",
        "`--own-address`, else what address services answer; `probes.address-services` of the configuration. The policy before and after, simulated.";
    SWITCH_ENDPOINT = "kill-switch.endpoint", overridable: false, varies: false,
        "The API is public and can be changed: callers through VPC endpoints have no `aws:SourceIp`, so that all of them would be kept out.",
        "`GetRestApi`: endpoint types and status.";
    SWITCH_PROBE = "kill-switch.probe", overridable: false, varies: true,
        "The stage can be asked from here, and lets us in before.",
        "A `GET` as callers send it: `probes.stages` of the configuration, else a deployed method that wants nothing.";
    SWITCH_CANARY = "kill-switch.canary", overridable: false, varies: false,
        "No stage concerned has a canary: its share would keep a deployment and a policy of its own.",
        "`GetStage`.";
    SWITCH_DRIFT = "kill-switch.drift", overridable: true, varies: false,
        "The draft holds no undeployed work that closing would ship.",
        "`GetResources` against `GetDeployment`: methods, their authorization and key requirement. A proof compares exports whole.";
    SWITCH_PROOF_STAGE = "kill-switch.proof-stage", overridable: false, varies: false,
        "The stage to prove on is another stage of the same API. Says what becomes of it meanwhile.",
        "`--prove-on` and `GetStage`.";
    SWITCH_PROOF = "kill-switch.proof", overridable: true, varies: false,
        "This very policy was proven on another stage, within 30 minutes, and nothing was deployed since. Overridden, the closure takes itself back unless a probe gets through within 60 s.",
        "The journals of the open incidents, `GetStage`, `GetDeployment`.";
    SWITCH_WINDOW = "kill-switch.window", overridable: false, varies: false,
        "Says that the draft carries the closing policy for a moment.",
        "The order of calls.";
    UNDO_DEPLOYMENT = "undo.deployment-gone", overridable: false, varies: false,
        "The deployment to point back at still exists.",
        "`GetDeployment`.";
    UNDO_LATER = "undo.later-action", overridable: false, varies: false,
        "No later action in force has set the same values: taking this one back first would be undone by taking back that one.",
        "The journals of the open incidents.";
    UNDO_KEPT = "undo.entry-kept", overridable: false, varies: false,
        "Says where an entry that the action made stays, since somebody else has set other things in it; its limits go back to what they were.",
        "`GetStage` against the plan's own prediction of the entry.";
    UNDO_FINAL = "undo.final", overridable: false, varies: false,
        "What was done can be taken back at all.",
        "The kind of the change.";
    UNDO_GONE = "undo.resource-gone", overridable: false, varies: false,
        "What the action changed still exists.",
        "`GetIPSet`.";
    UNDO_FOREIGN = "undo.foreign-change", overridable: false, varies: false,
        "Says which of our entries somebody else has removed or replaced by a wider one; those are left alone.",
        "`GetIPSet` against the journal.";
    UNDO_CLAIMED = "undo.claimed", overridable: true, varies: false,
        "Says which of our entries another action in force asked for as well; those stay.",
        "The journals of the open incidents; unknown where one of them cannot be read.";
    UNDO_SHUTS_OUT = "undo.shuts-out", overridable: false, varies: true,
        "Says who is kept out again by taking back what lets them in.",
        "`GetSampledRequests` of the rule that lets them in.";
    UNDO_ATTACK = "undo.attack-stands", overridable: true, varies: true,
        "Says what would come back, in requests a second, while the attack on the stage stands.",
        "The incident's attack, and `GetSampledRequests` of the rule that blocks; what reaches the stage for other measures.";
    UNDO_NOT_MADE = "undo.not-made", overridable: true, varies: false,
        "Says which planned changes were never sent or were refused; they are left alone, since what looks like ours may be somebody else's. Stops where nothing else is left to take back: look, then override. Also says which were sent and are not known to have been made: what shows of them is taken back.",
        "The journal: a change counts as made once AWS answered, or once it was found made.";
    OVERRIDES = "plan.overrides", overridable: false, varies: false,
        "Every override names a guard that this plan has, that stops, that may be overridden, and comes with a reason.",
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

/// Applies the overrides in `terms` and sorts the results, worst first. An override that names no halting guard, or that
/// comes without a reason, is itself a stop: a typo must not look like consent.
#[must_use]
pub fn settled(mut results: Vec<GuardResult>, terms: &Terms) -> Vec<GuardResult> {
    let mut faults = Vec::new();
    let reasoned = terms.reason.as_deref().is_some_and(|reason| !is_blank(reason));
    for id in &terms.overrides {
        let found = results.iter_mut().find(|result| result.id == *id);
        match found {
            None => faults.push(format!("“{id}” is not a guard of this plan")),
            Some(result) if !result.can_be_overridden => faults.push(format!("{id} yields to no override")),
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
