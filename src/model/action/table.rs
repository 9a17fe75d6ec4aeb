//! The table of actions: name, parameters, and what each does. The command line, playbooks, the command line that a
//! plan shows and the documentation go by it.
//!
//! Overrides are no parameter of any action, so a playbook cannot lift a guard. Planning, guards and undo are no part
//! of it: they are exhaustive matches over [`Action`], so that a new action cannot be forgotten there.

use super::form::{Form, Life, Need, Parameter, Typed, take};
use super::{Action, AllowIp, BlockIp, Close, FlushCache, KillSwitch, PrepareClosedWebAcl, Throttle};
use crate::model::playbook::{Kind, Value};
use crate::model::stage::ApiKind;

/// Every action, in the order in which they are offered.
pub static ACTIONS: [&Form; 7] =
    [&BLOCK_IP, &ALLOW_IP, &THROTTLE, &FLUSH_CACHE, &CLOSE, &PREPARE_CLOSED_WEB_ACL, &KILL_SWITCH];

/// Whom a block or a release is for.
const fn targets(doc: &'static str) -> Parameter {
    let help = "Addresses and prefixes; - reads them from standard input";
    let typed = Typed { flag: None, value_name: "CIDR", help, need: Need::Required, excludes: None };
    Parameter { name: "targets", kind: Kind::Prefixes, doc, written: Some(Need::Required), typed: Some(typed) }
}

const fn flag(flag: &'static str, value_name: &'static str, help: &'static str) -> Typed {
    Typed { flag: Some(flag), value_name, help, need: Need::Optional, excludes: None }
}

const fn needed(typed: Typed) -> Typed {
    Typed { need: Need::Required, ..typed }
}

const IP_SETS: Parameter = Parameter {
    name: "ip-sets",
    kind: Kind::IpSets,
    doc: "the IP sets to use, if several are possible",
    written: Some(Need::Optional),
    typed: Some(flag("ip-set", "NAME", "The IP set to use, if several are possible (repeatable)")),
};

pub(super) static BLOCK_IP: Form = Form {
    name: "block-ip",
    doc: "Add prefixes to the IP sets that block on a stage",
    stage: "The stage",
    parameters: &[targets("what to block"), IP_SETS],
    life: Life::Open,
    in_playbooks: true,
    apis: &[ApiKind::Rest],
    can_be_undone: true,
    moves_traffic: true,
    what_moves: "WAF blocked goes up and allowed goes down; then latency and 5XX come down. 4XX does not fall: what is blocked still counts as 403 (inferred).",
    undone: "Propagation takes a few seconds to some minutes (WAFv2 API reference).",
    build: |given| {
        let (stage, targets) = (given.stage.clone(), given.prefixes("targets")?);
        Some(Action::BlockIp(BlockIp { stage, targets, ip_sets: given.ip_sets(), terms: given.terms.clone() }))
    },
    given: |action| {
        let Action::BlockIp(block) = action else { return Vec::new() };
        vec![("targets", Value::Prefixes(block.targets.clone())), ("ip-sets", Value::IpSets(block.ip_sets.clone()))]
    },
};

pub(super) static ALLOW_IP: Form = Form {
    name: "allow-ip",
    doc: "Let prefixes in through the web ACL that closes a stage, or will close it",
    stage: "The stage",
    parameters: &[
        targets("whom to let in"),
        Parameter {
            name: "web-acl",
            kind: Kind::WebAcl,
            doc: "the closed web ACL; if left out, the one attached to the stage, else `guards.closed-web-acl` in the configuration",
            written: Some(Need::Optional),
            typed: Some(flag(
                "web-acl",
                "NAME",
                "The closed web ACL (name or ARN) [default: the one attached to the stage if that is closed, else `guards.closed-web-acl`]",
            )),
        },
        IP_SETS,
    ],
    life: Life::Untimed,
    in_playbooks: true,
    apis: &[ApiKind::Rest],
    can_be_undone: true,
    moves_traffic: true,
    what_moves: "WAF allowed goes up and blocked goes down, by what the ones let in send; customers served goes up. Watch that 5XX does not.",
    undone: "The addresses removed are kept out wherever the closed web ACL is attached, within seconds to minutes (WAFv2 API reference).",
    build: |given| {
        Some(Action::AllowIp(AllowIp {
            stage: given.stage.clone(),
            targets: given.prefixes("targets")?,
            ip_sets: given.ip_sets(),
            web_acl: given.web_acl("web-acl"),
            terms: given.terms.clone(),
        }))
    },
    given: |action| {
        let Action::AllowIp(allow) = action else { return Vec::new() };
        let web_acl = allow.web_acl.iter().map(|name| ("web-acl", Value::WebAcl(name.clone())));
        let targets = ("targets", Value::Prefixes(allow.targets.clone()));
        web_acl.chain([("ip-sets", Value::IpSets(allow.ip_sets.clone())), targets]).collect()
    },
};

pub(super) static THROTTLE: Form = Form {
    name: "throttle",
    doc: "Tighten the throttle of a method, or of every method of a stage",
    stage: "The stage",
    parameters: &[
        Parameter {
            name: "method",
            kind: Kind::Method,
            doc: "the method; every method if left out",
            written: Some(Need::Optional),
            typed: Some(flag("method", "METHOD", "The method, for example \"POST /login\" [default: every method]")),
        },
        Parameter {
            name: "rate",
            kind: Kind::Rate,
            doc: "requests a second from then on",
            written: Some(Need::Required),
            typed: Some(needed(flag("rate", "N", "Requests a second"))),
        },
        Parameter {
            name: "burst",
            kind: Kind::Burst,
            doc: "requests that may come at once",
            written: Some(Need::Required),
            typed: Some(needed(flag("burst", "N", "Requests that may come at once"))),
        },
    ],
    life: Life::Open,
    in_playbooks: true,
    apis: &[ApiKind::Rest, ApiKind::Http],
    can_be_undone: true,
    moves_traffic: true,
    what_moves: "Less reaches the backend: latency and 5XX come down. 4XX goes up: what is turned away is answered 429, and counts in it.",
    undone: "Stage settings take effect within seconds in others' experience (Steadybit: 3 to 10 s).",
    build: |given| {
        Some(Action::Throttle(Throttle {
            stage: given.stage.clone(),
            method: take!(given, "method", Method).flatten(),
            rate: take!(given, "rate", Rate)?,
            burst: take!(given, "burst", Burst)?,
            terms: given.terms.clone(),
        }))
    },
    given: |action| {
        let Action::Throttle(throttle) = action else { return Vec::new() };
        let method = throttle.method.iter().map(|method| ("method", Value::Method(Some(method.clone()))));
        method.chain([("rate", Value::Rate(throttle.rate)), ("burst", Value::Burst(throttle.burst))]).collect()
    },
};

pub(super) static FLUSH_CACHE: Form = Form {
    name: "flush-cache",
    doc: "Drop what a stage has cached; cannot be undone",
    stage: "The stage",
    parameters: &[Parameter {
        name: "authorizers",
        kind: Kind::Flag,
        doc: "the authorizers' cached verdicts instead of the cached answers",
        written: Some(Need::Optional),
        typed: Some(flag("authorizers", "", "The authorizers' cached verdicts instead of the cached answers")),
    }],
    life: Life::Untimed,
    in_playbooks: true,
    apis: &[ApiKind::Rest],
    can_be_undone: false,
    moves_traffic: true,
    what_moves: "Cache hits fall to nothing and come back as it warms; meanwhile the backend gets it all. Watch 5XX.",
    undone: "Propagation takes a few seconds to some minutes (WAFv2 API reference).",
    build: |given| {
        let (stage, authorizers) = (given.stage.clone(), given.is_set("authorizers"));
        Some(Action::FlushCache(FlushCache { stage, authorizers, terms: given.terms.clone() }))
    },
    given: |action| {
        let Action::FlushCache(flush) = action else { return Vec::new() };
        vec![("authorizers", Value::Flag(flush.authorizers))]
    },
};

pub(super) static CLOSE: Form = Form {
    name: "close",
    doc: "Close a stage to everybody but a few",
    stage: "The stage",
    parameters: &[
        Parameter {
            name: "by",
            kind: Kind::Closure,
            doc: "in which way",
            written: Some(Need::Required),
            typed: Some(flag(
                "by",
                "BY",
                "In which way [without it: what every way would do, and which is recommended]",
            )),
        },
        Parameter {
            name: "web-acl",
            kind: Kind::WebAcl,
            doc: "the closed web ACL; if left out, `guards.closed-web-acl` in the configuration",
            written: Some(Need::Optional),
            typed: Some(flag(
                "web-acl",
                "NAME",
                "The closed web ACL (name or ARN) [default: `guards.closed-web-acl` in the configuration]",
            )),
        },
    ],
    life: Life::Closure,
    in_playbooks: true,
    apis: &[ApiKind::Rest],
    can_be_undone: true,
    moves_traffic: true,
    what_moves: CLOSED_MOVES,
    undone: REOPENED,
    build: |given| {
        Some(Action::Close(Close {
            stage: given.stage.clone(),
            by: take!(given, "by", Closure)?,
            web_acl: given.web_acl("web-acl"),
            again: None,
            terms: given.terms.clone(),
        }))
    },
    given: |action| {
        let Action::Close(close) = action else { return Vec::new() };
        let web_acl = close.web_acl.iter().map(|name| ("web-acl", Value::WebAcl(name.clone())));
        std::iter::once(("by", Value::Closure(close.by))).chain(web_acl).collect()
    },
};

pub(super) static PREPARE_CLOSED_WEB_ACL: Form = Form {
    name: "prepare-closed-web-acl",
    doc: "Make the web ACL that `close --by web-acl` swaps in; it is not attached to any stage",
    stage: "The stage it is for",
    parameters: &[
        Parameter {
            name: "allow",
            kind: Kind::Prefixes,
            doc: "whom to let in",
            written: None,
            typed: Some(flag(
                "allow",
                "CIDR",
                "Whom to let in (repeatable) [default: `guards.break-glass` in the configuration]",
            )),
        },
        Parameter {
            name: "name",
            kind: Kind::WebAcl,
            doc: "what to call it",
            written: None,
            typed: Some(flag(
                "name",
                "NAME",
                "What to call it [default: `guards.closed-web-acl` in the configuration, else after the stage]",
            )),
        },
    ],
    life: Life::Untimed,
    in_playbooks: false,
    apis: &[ApiKind::Rest],
    can_be_undone: true,
    moves_traffic: false,
    what_moves: "Nothing: it is not attached to any stage until one is closed with it.",
    undone: "No traffic is affected as long as it is not attached to any stage.",
    build: |given| {
        Some(Action::PrepareClosedWebAcl(PrepareClosedWebAcl {
            stage: given.stage.clone(),
            allow: given.prefixes("allow").unwrap_or_default(),
            name: given.web_acl("name"),
            terms: given.terms.clone(),
        }))
    },
    given: |action| {
        let Action::PrepareClosedWebAcl(prepare) = action else { return Vec::new() };
        let name = prepare.name.iter().map(|name| ("name", Value::WebAcl(name.clone())));
        std::iter::once(("allow", Value::Prefixes(prepare.allow.clone()))).chain(name).collect()
    },
};

pub(super) static KILL_SWITCH: Form = Form {
    name: "kill-switch",
    doc: "Close a stage by its resource policy, or prove it on another stage",
    stage: "The stage to close",
    parameters: &[
        Parameter {
            name: "allow",
            kind: Kind::Prefixes,
            doc: "who is still let in",
            written: Some(Need::Required),
            typed: Some(needed(flag("allow", "CIDR", "Who is still let in: addresses and prefixes"))),
        },
        Parameter {
            name: "prove-on",
            kind: Kind::Stage,
            doc: "prove it on this other stage of the same API, and close nothing",
            written: Some(Need::Optional),
            typed: Some(flag(
                "prove-on",
                "STAGE",
                "Prove it on this other stage of the same API, and close nothing: `dev` or api/stage",
            )),
        },
        Parameter {
            name: "commit-confirmed",
            kind: Kind::Flag,
            doc: "undo it unless a probe gets through; always so without a proof",
            written: Some(Need::Optional),
            typed: Some(Typed {
                excludes: Some("prove-on"),
                ..flag(
                    "commit-confirmed",
                    "",
                    "Undo it by itself unless a probe gets through within 60 s; always so without a proof",
                )
            }),
        },
        Parameter {
            name: "own-addresses",
            kind: Kind::Addresses,
            doc: "the addresses from which the responder reaches the API",
            written: None,
            typed: Some(flag(
                "own-address",
                "ADDRESS",
                "The address from which you reach the API (repeatable) [default: what an address service says]",
            )),
        },
    ],
    life: Life::Closure,
    in_playbooks: true,
    apis: &[ApiKind::Rest],
    can_be_undone: true,
    moves_traffic: true,
    what_moves: CLOSED_MOVES,
    undone: REOPENED,
    build: |given| {
        Some(Action::KillSwitch(KillSwitch {
            stage: given.stage.clone(),
            allow: given.prefixes("allow")?,
            prove_on: take!(given, "prove-on", Stage).map(|on| Box::new(on.beside(&given.stage))),
            commit_confirmed: given.is_set("commit-confirmed"),
            own: take!(given, "own-addresses", Addresses).unwrap_or_default(),
            terms: given.terms.clone(),
        }))
    },
    given: |action| {
        let Action::KillSwitch(switch) = action else { return Vec::new() };
        let proof = switch.prove_on.iter().map(|on| ("prove-on", Value::Stage((**on).clone())));
        let commits = switch.commit_confirmed && switch.prove_on.is_none();
        let allow = ("allow", Value::Prefixes(switch.allow.clone()));
        let own = ("own-addresses", Value::Addresses(switch.own.clone()));
        std::iter::once(allow).chain(proof).chain([own, ("commit-confirmed", Value::Flag(commits))]).collect()
    },
};

const CLOSED_MOVES: &str = "Next to nothing reaches the backend any more. 4XX goes up: everybody turned away is answered 403 or 429, and counts in it.";
const REOPENED: &str = "It lets everybody in again as soon as it has spread: seconds to minutes.";

impl Form {
    /// The entry of the action called `name`.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        ACTIONS.into_iter().find(|form| form.name == name)
    }
}
