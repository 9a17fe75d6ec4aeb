//! What a responder can ask for: one typed change to the account each.

pub mod form;
pub mod table;
mod terms;
mod turning;
pub mod typed;

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

pub use self::form::{Arguments, Form, Parameter};
pub use self::table::ACTIONS;
pub use self::terms::{
    BLOCK_LIFE, CLOSURE_LIFE, LONGEST_LIFE, LifeError, Reopening, SHORTEST_LIFE, Terms, UNTIL_UNDONE, life,
};
pub use self::turning::{Shows, Turning, TurnsAway};
use super::address::Target;
use super::method::MethodName;
use super::stage::StageSelector;
use super::words;

/// An action as asked for, before anything was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Action {
    /// Add prefixes to the IP sets that block on a stage.
    BlockIp(BlockIp),
    /// Let prefixes in through a closed web ACL: add them to the IP sets that it lets in.
    AllowIp(AllowIp),
    /// Tighten the throttle of a method, or of every method of a stage.
    Throttle(Throttle),
    /// Drop what a stage has cached.
    FlushCache(FlushCache),
    /// Close a stage to everybody but a few, in one of several ways.
    Close(Close),
    /// Make the web ACL that a stage can be closed with.
    PrepareClosedWebAcl(PrepareClosedWebAcl),
    /// Close a stage to everybody but a few addresses by its resource policy, or prove on another stage that it would.
    KillSwitch(KillSwitch),
}

macro_rules! each {
    ($action:expr, $one:ident => $what:expr) => {
        match $action {
            Action::BlockIp($one) => $what,
            Action::AllowIp($one) => $what,
            Action::Throttle($one) => $what,
            Action::FlushCache($one) => $what,
            Action::Close($one) => $what,
            Action::PrepareClosedWebAcl($one) => $what,
            Action::KillSwitch($one) => $what,
        }
    };
}

impl Action {
    /// Its entry in the table.
    #[must_use]
    pub fn form(&self) -> &'static Form {
        match self {
            Self::BlockIp(_) => &table::BLOCK_IP,
            Self::AllowIp(_) => &table::ALLOW_IP,
            Self::Throttle(_) => &table::THROTTLE,
            Self::FlushCache(_) => &table::FLUSH_CACHE,
            Self::Close(_) => &table::CLOSE,
            Self::PrepareClosedWebAcl(_) => &table::PREPARE_CLOSED_WEB_ACL,
            Self::KillSwitch(_) => &table::KILL_SWITCH,
        }
    }

    /// The action's name as it is typed.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.form().name
    }

    /// The stage it is asked for.
    #[must_use]
    pub fn stage(&self) -> &StageSelector {
        each!(self, one => &one.stage)
    }

    /// What every action carries.
    #[must_use]
    pub fn terms(&self) -> &Terms {
        each!(self, one => &one.terms)
    }

    /// What every action carries, to be changed.
    pub fn terms_mut(&mut self) -> &mut Terms {
        each!(self, one => &mut one.terms)
    }

    /// What it is aimed at, in a few words: the prefixes, the method, the way of closing.
    #[must_use]
    pub fn aim(&self) -> String {
        match self {
            Self::BlockIp(BlockIp { targets, .. }) | Self::AllowIp(AllowIp { targets, .. }) => {
                let targets: Vec<String> = targets.iter().map(|t| t.net.to_string()).collect();
                targets.join(" ")
            }
            Self::Throttle(throttle) => {
                let method = throttle.method.as_ref().map_or_else(|| "every method".to_owned(), ToString::to_string);
                format!("{method} to {}/s, burst {}", throttle.rate, throttle.burst)
            }
            Self::FlushCache(flush) if flush.authorizers => "authorizers' cache".to_owned(),
            Self::FlushCache(_) => "stage cache".to_owned(),
            Self::Close(close) => format!("by {}", close.by.word()),
            Self::PrepareClosedWebAcl(PrepareClosedWebAcl { name: Some(name), .. }) => name.clone(),
            Self::PrepareClosedWebAcl(_) => "a closed web ACL".to_owned(),
            Self::KillSwitch(switch) => {
                let allow: Vec<String> = switch.allow.iter().map(|t| t.net.to_string()).collect();
                match &switch.prove_on {
                    Some(stage) => format!("proof on {stage}, letting in {}", allow.join(" ")),
                    None => format!("letting in {}", allow.join(" ")),
                }
            }
        }
    }

    /// What is so once it is done: `BLOCKED 40 addresses`, `CLOSED by web-acl`.
    #[must_use]
    pub fn done_words(&self) -> String {
        match self {
            Self::BlockIp(block) => format!("BLOCKED {}", counted(&block.targets)),
            Self::AllowIp(allow) => format!("LET IN {}", counted(&allow.targets)),
            Self::Throttle(_) => format!("THROTTLED {}", self.aim()),
            Self::FlushCache(_) => format!("FLUSHED the {}", self.aim()),
            Self::Close(_) => format!("CLOSED {}", self.aim()),
            Self::PrepareClosedWebAcl(_) => format!("PREPARED {}", self.aim()),
            Self::KillSwitch(KillSwitch { prove_on: Some(stage), .. }) => format!("PROVEN on {stage}"),
            Self::KillSwitch(_) => "CLOSED by the resource policy".to_owned(),
        }
    }

    /// What is out of its range, in a sentence with what to write; `None` where all is sound. The command line refuses
    /// the same by itself: this is for actions out of files.
    #[must_use]
    pub fn out_of_range(&self) -> Option<String> {
        let terms = self.terms();
        let life = SHORTEST_LIFE..=LONGEST_LIFE;
        if let Some(seconds) = terms.expires_after_seconds.filter(|seconds| !life.contains(seconds)) {
            return Some(format!(
                "expires_after_seconds is {seconds}; it takes {SHORTEST_LIFE} to {LONGEST_LIFE}, a minute to a year"
            ));
        }
        if !terms.reopen.is_asked() && !self.is_closure() {
            return Some(format!(
                "reopen is {}, and {} closes nothing; leave it out",
                terms.reopen.word(),
                self.name()
            ));
        }
        if terms.reopen == Reopening::WhenQuietCloseAgain && matches!(self, Self::KillSwitch(_)) {
            return Some(
                "reopen is when-quiet-close-again, and a kill switch does not close again by itself; write when-quiet, or close by web-acl \
                 or throttle-zero"
                    .to_owned(),
            );
        }
        let stage = self.stage();
        if stage.api.is_empty() || stage.stage.is_empty() || stage.to_string().parse::<StageSelector>().is_err() {
            return Some("the action names no stage; write its api and its stage".to_owned());
        }
        match self {
            Self::BlockIp(BlockIp { targets, .. }) | Self::AllowIp(AllowIp { targets, .. }) if targets.is_empty() => {
                Some(format!("{} has no targets; name one prefix or more", self.name()))
            }
            Self::KillSwitch(switch) if switch.allow.is_empty() => {
                Some("kill-switch lets nobody in; name one prefix or more under allow".to_owned())
            }
            _ => None,
        }
    }

    /// The prefixes that it names: to block, or to let in.
    #[must_use]
    pub fn prefixes(&self) -> &[Target] {
        match self {
            Self::BlockIp(block) => &block.targets,
            Self::AllowIp(allow) => &allow.targets,
            Self::PrepareClosedWebAcl(prepare) => &prepare.allow,
            Self::KillSwitch(switch) => &switch.allow,
            Self::Throttle(_) | Self::FlushCache(_) | Self::Close(_) => &[],
        }
    }

    /// The same, and where it is a closure of which nobody says for how long: for an hour.
    #[must_use]
    pub fn for_an_hour_by_default(mut self) -> Self {
        if self.is_closure() && self.terms().expires_after_seconds.is_none() {
            self.terms_mut().expires_after_seconds = Some(CLOSURE_LIFE);
        }
        self
    }

    /// Whether it closes a stage: then it ends by itself only as was consented to.
    #[must_use]
    pub fn is_closure(&self) -> bool {
        matches!(self, Self::Close(_) | Self::KillSwitch(KillSwitch { prove_on: None, .. }))
    }

    /// Seconds after which it takes itself back unless it has been seen to let the responder in, where it does so.
    #[must_use]
    pub fn commit_within(&self) -> Option<u64> {
        match self {
            Self::KillSwitch(KillSwitch { commit_confirmed: true, prove_on: None, .. }) => Some(COMMIT_SECONDS),
            _ => None,
        }
    }

    /// Whether it proves something on another stage, and leaves nothing changed.
    #[must_use]
    pub fn is_proof(&self) -> bool {
        matches!(self, Self::KillSwitch(KillSwitch { prove_on: Some(_), .. }))
    }

    /// Whether traffic takes another course once it is done, so that its effect can be observed.
    #[must_use]
    pub fn moves_traffic(&self) -> bool {
        self.form().moves_traffic && !self.is_proof()
    }

    /// What must move once it works, in a sentence or two.
    #[must_use]
    pub fn what_moves(&self) -> &'static str {
        if self.is_proof() {
            return "No change remains in place. With the proof, the stage itself can be closed within 30 minutes.";
        }
        self.form().what_moves
    }

    /// How it turns requests away while it is in force; `None` where it turns nobody away.
    #[must_use]
    pub fn turns_away(&self) -> Option<TurnsAway> {
        let (turning, shows, lets_through) = match self {
            Self::BlockIp(_) => (Turning::Blocks, Shows::Blocked, None),
            Self::Throttle(throttle) => (Turning::Throttles, Shows::Throttled, Some(throttle.rate)),
            Self::Close(Close { by: Closure::WebAcl, .. }) => (Turning::Closes, Shows::Blocked, None),
            Self::Close(Close { by: Closure::ThrottleZero, .. }) => (Turning::Closes, Shows::Throttled, Some(0)),
            Self::KillSwitch(KillSwitch { prove_on: None, .. }) => (Turning::Closes, Shows::Refused, None),
            Self::KillSwitch(_) | Self::AllowIp(_) | Self::FlushCache(_) | Self::PrepareClosedWebAcl(_) => {
                return None;
            }
        };
        Some(TurnsAway { turning, shows, lets_through })
    }
}

/// `1 address`, `40 addresses`; `prefixes` where one is more than an address.
#[must_use]
pub fn counted(targets: &[Target]) -> String {
    let single = targets.iter().all(|target| target.net.prefix_len() == target.net.max_prefix_len());
    words::counted(targets.len(), if single { "address" } else { "prefix" })
}

/// Add prefixes to the IP sets that block on a stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BlockIp {
    /// The stage to protect.
    pub stage: StageSelector,
    /// What to block, in the order given.
    pub targets: Vec<Target>,
    /// IP sets (name, id or ARN) to use where several would do.
    pub ip_sets: Vec<String>,
    /// How long, why, which overrides.
    #[serde(flatten)]
    pub terms: Terms,
}

/// Let prefixes in through a closed web ACL: the one before the stage, or the one that it is to be closed with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AllowIp {
    /// The stage.
    pub stage: StageSelector,
    /// Whom to let in, in the order given.
    pub targets: Vec<Target>,
    /// IP sets (name, id or ARN) to use where several would do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ip_sets: Vec<String>,
    /// The closed web ACL (name or ARN); `None` means the one before the stage where that is closed, else the
    /// configured one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub web_acl: Option<String>,
    /// Why, which overrides. It does not expire: whom it lets in would be locked out then.
    #[serde(flatten)]
    pub terms: Terms,
}

/// Tighten the throttle of a method, or of every method of a stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Throttle {
    /// The stage.
    pub stage: StageSelector,
    /// The method; `None` for all of them.
    pub method: Option<MethodName>,
    /// Requests a second from now on.
    pub rate: u32,
    /// Requests that may come at once.
    pub burst: u32,
    /// How long, why, which overrides.
    #[serde(flatten)]
    pub terms: Terms,
}

/// Drop what a stage has cached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FlushCache {
    /// The stage.
    pub stage: StageSelector,
    /// The authorizers' cached verdicts instead of the cached answers.
    pub authorizers: bool,
    /// Why, which overrides. It does not expire.
    #[serde(flatten)]
    pub terms: Terms,
}

/// Close a stage to everybody but a few.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Close {
    /// The stage.
    pub stage: StageSelector,
    /// In which way.
    pub by: Closure,
    /// The closed web ACL to swap in (name or ARN), where the configuration names none.
    pub web_acl: Option<String>,
    /// The closure that this one is the one repetition of: consented to with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<String>,
    /// How long, why, which overrides.
    #[serde(flatten)]
    pub terms: Terms,
}

/// Make the web ACL that a stage can be closed with: default Block, and an allow list of addresses. It stands before
/// nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PrepareClosedWebAcl {
    /// The stage it is for: whom to let in is judged for that one.
    pub stage: StageSelector,
    /// Whom to let in; empty means the break-glass ranges of the configuration.
    pub allow: Vec<Target>,
    /// What to call it; `None` means the name in the configuration, else one made of the stage's.
    pub name: Option<String>,
    /// Why, which overrides. It does not expire.
    #[serde(flatten)]
    pub terms: Terms,
}

/// Account seconds after which a closure that was not proven expires unless it was seen to let the responder in: ten
/// less than the minute within which it is to be open again, whoever has to see to that.
pub const COMMIT_SECONDS: u64 = 50;

/// Close a stage by its resource policy: a Deny for whoever does not come from a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KillSwitch {
    /// The stage to close.
    pub stage: StageSelector,
    /// Who is still let in, in the order given.
    pub allow: Vec<Target>,
    /// Prove on this stage that the policy lets them in and keeps others out, and close nothing.
    pub prove_on: Option<Box<StageSelector>>,
    /// Take it back unless a probe gets through within a minute. Always so where there is no proof.
    pub commit_confirmed: bool,
    /// Addresses from which the responder reaches the API, where they are known better than an address service knows
    /// them.
    pub own: Vec<IpAddr>,
    /// How long, why, which overrides.
    #[serde(flatten)]
    pub terms: Terms,
}

/// A way of closing a stage, from the lightest to the heaviest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Closure {
    /// A prebuilt web ACL that blocks by default takes the place of the stage's own.
    WebAcl,
    /// Every method is throttled to nothing.
    ThrottleZero,
}

impl Closure {
    /// Every way.
    pub const ALL: [Self; 2] = [Self::WebAcl, Self::ThrottleZero];

    /// The way as it is typed.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::WebAcl => "web-acl",
            Self::ThrottleZero => "throttle-zero",
        }
    }

    /// What it does, in one line.
    #[must_use]
    pub fn doc(self) -> &'static str {
        match self {
            Self::WebAcl => "Swap in a prebuilt web ACL that blocks all but its own addresses",
            Self::ThrottleZero => "Throttle every method to 0",
        }
    }
}
