//! What a responder can ask for: one typed change to the account each.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::address::Target;
use super::method::MethodName;
use super::stage::StageSelector;

/// An action as asked for, before anything was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The action's name as it is typed.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::BlockIp(_) => "block-ip",
            Self::AllowIp(_) => "allow-ip",
            Self::Throttle(_) => "throttle",
            Self::FlushCache(_) => "flush-cache",
            Self::Close(_) => "close",
            Self::PrepareClosedWebAcl(_) => "prepare-closed-web-acl",
            Self::KillSwitch(_) => "kill-switch",
        }
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

    /// What is out of its range, in a sentence with what to write; `None` where all is sound. The command line refuses the same by itself: this
    /// is for actions out of files.
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

    /// Whether traffic takes another course once it is done, so that its effect can be observed.
    #[must_use]
    pub fn moves_traffic(&self) -> bool {
        !matches!(self, Self::PrepareClosedWebAcl(_) | Self::KillSwitch(KillSwitch { prove_on: Some(_), .. }))
    }
}

/// `1 address`, `40 addresses`; `prefixes` where one is more than an address.
#[must_use]
pub fn counted(targets: &[Target]) -> String {
    let single = targets.iter().all(|target| target.net.prefix_len() == target.net.max_prefix_len());
    let (one, many) = if single { ("address", "addresses") } else { ("prefix", "prefixes") };
    format!("{} {}", targets.len(), if targets.len() == 1 { one } else { many })
}

/// How it is typed that an action stays until somebody undoes it.
pub const UNTIL_UNDONE: &str = "until-undone";
/// How long a block that is proposed lasts, seconds: four hours.
pub const BLOCK_LIFE: u64 = 4 * 3_600;
/// How long a closure lasts where nobody says for how long, seconds: an hour.
pub const CLOSURE_LIFE: u64 = 3_600;
/// The shortest life of an action, seconds.
pub const SHORTEST_LIFE: u64 = 60;
/// The longest life of an action, seconds: a year.
pub const LONGEST_LIFE: u64 = 365 * 24 * 3_600;

/// What every action carries: how long, why, and which guards are overridden.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// Seconds after which it is to be undone; `None` means until somebody undoes it.
    pub expires_after_seconds: Option<u64>,
    /// Why, in the responder's words.
    pub reason: Option<String>,
    /// Ids of guards whose `stop` is overridden; needs a reason.
    pub overrides: Vec<String>,
    /// Of a closure: what becomes of it when its time is over.
    #[serde(default, skip_serializing_if = "Reopening::is_asked")]
    pub reopen: Reopening,
}

/// What becomes of a closure when its time is over. It is consented to with the plan.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reopening {
    /// It stays closed, and somebody is asked.
    #[default]
    Ask,
    /// It reopens by itself once hardly more than usual come; while more do, or nobody knows, it stays closed.
    WhenQuiet,
    /// The same, and it closes again by itself, once, where the attack comes back within a quarter of an hour.
    WhenQuietCloseAgain,
}

impl Reopening {
    /// Each.
    pub const ALL: [Self; 3] = [Self::Ask, Self::WhenQuiet, Self::WhenQuietCloseAgain];

    /// It as it is typed.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ask => "ask",
            Self::WhenQuiet => "when-quiet",
            Self::WhenQuietCloseAgain => "when-quiet-close-again",
        }
    }

    /// What happens when the time is over, in words behind “when its time is over”.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Ask => "it stays closed and asks",
            Self::WhenQuiet => "it reopens by itself once hardly more than usual come, and else stays closed",
            Self::WhenQuietCloseAgain => {
                "it reopens by itself once hardly more than usual come, and closes again by itself, once, where the attack comes back within 15 min"
            }
        }
    }

    /// Whether somebody is asked.
    #[must_use]
    #[allow(clippy::trivially_copy_pass_by_ref)]
    pub fn is_asked(&self) -> bool {
        *self == Self::Ask
    }
}

impl Terms {
    /// Reason and overrides as a command line takes them, each with a space before it; how long is the action's own to say.
    #[must_use]
    pub fn command(&self) -> String {
        let reason = self.reason.iter().flat_map(|reason| ["--reason".to_owned(), super::ladder::quoted(reason)]);
        let overrides = self.overrides.iter().flat_map(|guard| ["--override".to_owned(), super::ladder::quoted(guard)]);
        reason.chain(overrides).fold(String::new(), |line, word| format!("{line} {word}"))
    }

    /// Whether nothing is asked for.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// Add prefixes to the IP sets that block on a stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
pub struct AllowIp {
    /// The stage.
    pub stage: StageSelector,
    /// Whom to let in, in the order given.
    pub targets: Vec<Target>,
    /// IP sets (name, id or ARN) to use where several would do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ip_sets: Vec<String>,
    /// The closed web ACL (name or ARN); `None` means the one before the stage where that is closed, else the configured one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub web_acl: Option<String>,
    /// Why, which overrides. It does not expire: whom it lets in would be locked out then.
    #[serde(flatten)]
    pub terms: Terms,
}

/// Tighten the throttle of a method, or of every method of a stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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

/// Make the web ACL that a stage can be closed with: default Block, and an allow list of addresses. It stands before nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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

/// Account seconds after which a closure that was not proven expires unless it was seen to let the responder in: ten less than the minute within
/// which it is to be open again, whoever has to see to that.
pub const COMMIT_SECONDS: u64 = 50;

/// Close a stage by its resource policy: a Deny for whoever does not come from a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KillSwitch {
    /// The stage to close.
    pub stage: StageSelector,
    /// Who is still let in, in the order given.
    pub allow: Vec<Target>,
    /// Prove on this stage that the policy lets them in and keeps others out, and close nothing.
    pub prove_on: Option<Box<StageSelector>>,
    /// Take it back unless a probe gets through within a minute. Always so where there is no proof.
    pub commit_confirmed: bool,
    /// Addresses from which the responder reaches the API, where they are known better than an address service knows them.
    pub own: Vec<IpAddr>,
    /// How long, why, which overrides.
    #[serde(flatten)]
    pub terms: Terms,
}

/// A way of closing a stage, from the lightest to the heaviest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Closure {
    /// A prebuilt web ACL that blocks by default takes the place of the stage's own.
    WebAcl,
    /// Every method is throttled to nothing.
    ThrottleZero,
}

impl Closure {
    /// The way as it is typed.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::WebAcl => "web-acl",
            Self::ThrottleZero => "throttle-zero",
        }
    }
}
