//! The actions, as they are typed, and what they ask for.

use std::time::Duration;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};

use super::list::{self, Targets};
use crate::model::action::{
    Action, AllowIp, BlockIp, Close, Closure, FlushCache, KillSwitch, PrepareClosedWebAcl, Reopening, Terms, Throttle,
    UNTIL_UNDONE,
};
use crate::model::address::{self, Target};
use crate::model::method::MethodName;
use crate::model::stage::StageSelector;

#[derive(Debug, Clone, Subcommand)]
pub(in crate::cli) enum ActionCommand {
    /// Add prefixes to the IP sets that block on a stage
    BlockIp(BlockIpArgs),
    /// Let prefixes in through the web ACL that a stage is closed by, or will be
    AllowIp(AllowIpArgs),
    /// Tighten the throttle of a method, or of every method of a stage
    Throttle(ThrottleArgs),
    /// Drop what a stage has cached; cannot be undone
    FlushCache(FlushCacheArgs),
    /// Close a stage to everybody but a few
    Close(CloseArgs),
    /// Make the web ACL that `close --by web-acl` swaps in; it stands before nothing
    PrepareClosedWebAcl(PrepareClosedWebAclArgs),
    /// Close a stage by its resource policy, or prove on another stage that it would
    KillSwitch(KillSwitchArgs),
}

#[derive(Debug, Clone, ClapArgs)]
pub(in crate::cli) struct BlockIpArgs {
    /// The stage: [profile/][region:]api/stage
    #[arg(long, value_name = "STAGE")]
    stage: StageSelector,
    /// Addresses and prefixes; - reads them from standard input
    #[arg(required_unless_present = "from", value_name = "CIDR", value_delimiter = ',', value_parser = list::word)]
    targets: Vec<Targets>,
    /// A file with more of them, parted by blanks, commas or line ends; # begins a remark (repeatable)
    #[arg(long, value_name = "FILE", value_parser = list::file)]
    from: Vec<Targets>,
    /// The IP set to use, where several would do (repeatable)
    #[arg(long = "ip-set", value_name = "NAME")]
    ip_sets: Vec<String>,
    #[command(flatten)]
    terms: TermsArgs,
}

#[derive(Debug, Clone, ClapArgs)]
pub(in crate::cli) struct AllowIpArgs {
    /// The stage: [profile/][region:]api/stage
    #[arg(long, value_name = "STAGE")]
    stage: StageSelector,
    /// Addresses and prefixes; - reads them from standard input
    #[arg(required_unless_present = "from", value_name = "CIDR", value_delimiter = ',', value_parser = list::word)]
    targets: Vec<Targets>,
    /// A file with more of them, parted by blanks, commas or line ends; # begins a remark (repeatable)
    #[arg(long, value_name = "FILE", value_parser = list::file)]
    from: Vec<Targets>,
    /// The closed web ACL (name or ARN) [default: the one before the stage where that is closed, else `guards.closed-web-acl`]
    #[arg(long, value_name = "NAME")]
    web_acl: Option<String>,
    /// The IP set to use, where several would do (repeatable)
    #[arg(long = "ip-set", value_name = "NAME")]
    ip_sets: Vec<String>,
    #[command(flatten)]
    terms: TermsArgs,
}

#[derive(Debug, Clone, ClapArgs)]
pub(in crate::cli) struct ThrottleArgs {
    /// The stage: [profile/][region:]api/stage
    #[arg(long, value_name = "STAGE")]
    stage: StageSelector,
    /// The method, for example "POST /login" [default: every method]
    #[arg(long, value_name = "METHOD")]
    method: Option<MethodName>,
    /// Requests a second
    #[arg(long, value_name = "N")]
    rate: u32,
    /// Requests that may come at once
    #[arg(long, value_name = "N")]
    burst: u32,
    #[command(flatten)]
    terms: TermsArgs,
}

#[derive(Debug, Clone, ClapArgs)]
pub(in crate::cli) struct FlushCacheArgs {
    /// The stage: [profile/][region:]api/stage
    #[arg(long, value_name = "STAGE")]
    stage: StageSelector,
    /// The authorizers' cached verdicts instead of the cached answers
    #[arg(long)]
    authorizers: bool,
    #[command(flatten)]
    terms: TermsArgs,
}

#[derive(Debug, Clone, ClapArgs)]
pub(in crate::cli) struct CloseArgs {
    /// The stage: [profile/][region:]api/stage
    #[arg(long, value_name = "STAGE")]
    stage: StageSelector,
    /// In which way [without it: what every way would do, and which is recommended]
    #[arg(long, value_enum)]
    by: Option<ClosureArg>,
    /// The closed web ACL (name or ARN) [default: `guards.closed-web-acl` of the configuration]
    #[arg(long, value_name = "NAME")]
    web_acl: Option<String>,
    #[command(flatten)]
    terms: ClosureTermsArgs,
}

#[derive(Debug, Clone, ClapArgs)]
pub(in crate::cli) struct PrepareClosedWebAclArgs {
    /// The stage it is for: [profile/][region:]api/stage
    #[arg(long, value_name = "STAGE")]
    stage: StageSelector,
    /// Whom to let in (repeatable) [default: `guards.break-glass` of the configuration]
    #[arg(long, value_name = "CIDR", num_args = 1.., value_delimiter = ',')]
    allow: Vec<Target>,
    /// What to call it [default: `guards.closed-web-acl` of the configuration, else after the stage]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    terms: TermsArgs,
}

#[derive(Debug, Clone, ClapArgs)]
pub(in crate::cli) struct KillSwitchArgs {
    /// The stage to close: [profile/][region:]api/stage
    #[arg(long, value_name = "STAGE")]
    stage: StageSelector,
    /// Who is still let in: addresses and prefixes
    #[arg(long, required = true, num_args = 1.., value_name = "CIDR", value_delimiter = ',')]
    allow: Vec<Target>,
    /// Prove it on this other stage of the same API, and close nothing: `dev` or api/stage
    #[arg(long, value_name = "STAGE", value_parser = StageSelector::of_same_api)]
    prove_on: Option<StageSelector>,
    /// Take it back by itself unless a probe gets through within 60 s; always so without a proof
    #[arg(long, conflicts_with = "prove_on")]
    commit_confirmed: bool,
    /// The address from which you reach the API (repeatable) [default: what an address service says]
    #[arg(long = "own-address", value_name = "ADDRESS", value_parser = address::address)]
    own: Vec<std::net::IpAddr>,
    #[command(flatten)]
    terms: ClosureTermsArgs,
}

/// A way of closing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ClosureArg {
    /// Swap in a prebuilt web ACL that blocks all but its own addresses
    WebAcl,
    /// Throttle every method to nothing
    ThrottleZero,
}

#[derive(Debug, Clone, ClapArgs)]
struct TermsArgs {
    /// Undo it after this long, for example 4h
    #[arg(long = "for", value_name = "DURATION", value_parser = lifetime)]
    lifetime: Option<Duration>,
    /// Why, for the journal
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Lift a guard's stop; needs --reason (repeatable)
    #[arg(long = "override", value_name = "GUARD-ID")]
    overrides: Vec<String>,
}

/// What a closure carries.
#[derive(Debug, Clone, ClapArgs)]
struct ClosureTermsArgs {
    /// How long, for example 4h, or until-undone [default: 1h]
    #[arg(long = "for", value_name = "DURATION", value_parser = closed_for)]
    lifetime: Option<Life>,
    /// What becomes of it when its time is over
    #[arg(long, value_enum, default_value_t)]
    reopen: ReopenArg,
    /// Why, for the journal; closing to everybody needs it
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Lift a guard's stop; needs --reason (repeatable)
    #[arg(long = "override", value_name = "GUARD-ID")]
    overrides: Vec<String>,
}

/// What becomes of a closure.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum ReopenArg {
    /// It stays closed, and asks
    #[default]
    Ask,
    /// It reopens by itself once hardly more than usual come, and else stays closed
    WhenQuiet,
    /// The same, and closes again by itself, once, where the attack comes back within a quarter of an hour
    WhenQuietCloseAgain,
}

/// How long a closure lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Life {
    For(Duration),
    UntilUndone,
}

fn closed_for(text: &str) -> Result<Life, String> {
    if text == UNTIL_UNDONE { Ok(Life::UntilUndone) } else { lifetime(text).map(Life::For) }
}

impl ClosureTermsArgs {
    fn of(self, action: impl FnOnce(Terms) -> Action) -> Action {
        let reopen = match self.reopen {
            ReopenArg::Ask => Reopening::Ask,
            ReopenArg::WhenQuiet => Reopening::WhenQuiet,
            ReopenArg::WhenQuietCloseAgain => Reopening::WhenQuietCloseAgain,
        };
        let expires_after_seconds = match self.lifetime {
            Some(Life::For(duration)) => Some(duration.as_secs()),
            Some(Life::UntilUndone) | None => None,
        };
        let action = action(Terms { expires_after_seconds, reason: self.reason, overrides: self.overrides, reopen });
        if self.lifetime.is_none() { action.for_an_hour_by_default() } else { action }
    }
}

const LONGEST: Duration = Duration::from_hours(365 * 24);

pub(super) fn lifetime(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text).map_err(|error| format!("{error}; write for example 4h or 30m"))?;
    if duration < Duration::from_mins(1) {
        return Err("at least a minute, for example 30m".to_owned());
    }
    if duration > LONGEST {
        Err("a year at most; leave --for out to block until undone".to_owned())
    } else {
        Ok(duration)
    }
}

impl From<TermsArgs> for Terms {
    fn from(args: TermsArgs) -> Self {
        Self {
            expires_after_seconds: args.lifetime.map(|d| d.as_secs()),
            reason: args.reason,
            overrides: args.overrides,
            reopen: Reopening::Ask,
        }
    }
}

/// What an action's command line asks for.
#[derive(Debug)]
pub(in crate::cli) enum Asked {
    /// An action.
    Action(Action),
    /// A closure without a way: what every way would do.
    Ladder(LadderAsked),
}

/// A closure of which no way was named.
#[derive(Debug)]
pub(in crate::cli) struct LadderAsked {
    pub(in crate::cli) stage: StageSelector,
    pub(in crate::cli) web_acl: Option<String>,
}

impl From<ActionCommand> for Asked {
    fn from(command: ActionCommand) -> Self {
        Self::Action(match command {
            ActionCommand::BlockIp(BlockIpArgs { stage, targets, from, ip_sets, terms }) => {
                let targets = list::together(targets, from);
                Action::BlockIp(BlockIp { stage, targets, ip_sets, terms: terms.into() })
            }
            ActionCommand::AllowIp(AllowIpArgs { stage, targets, from, web_acl, ip_sets, terms }) => {
                let targets = list::together(targets, from);
                Action::AllowIp(AllowIp { stage, targets, ip_sets, web_acl, terms: terms.into() })
            }
            ActionCommand::Throttle(ThrottleArgs { stage, method, rate, burst, terms }) => {
                Action::Throttle(Throttle { stage, method, rate, burst, terms: terms.into() })
            }
            ActionCommand::FlushCache(FlushCacheArgs { stage, authorizers, terms }) => {
                Action::FlushCache(FlushCache { stage, authorizers, terms: terms.into() })
            }
            ActionCommand::Close(CloseArgs { stage, by: None, web_acl, .. }) => {
                return Self::Ladder(LadderAsked { stage, web_acl });
            }
            ActionCommand::Close(CloseArgs { stage, by: Some(by), web_acl, terms }) => {
                let by = match by {
                    ClosureArg::WebAcl => Closure::WebAcl,
                    ClosureArg::ThrottleZero => Closure::ThrottleZero,
                };
                terms.of(|terms| Action::Close(Close { stage, by, web_acl, again: None, terms }))
            }
            ActionCommand::PrepareClosedWebAcl(PrepareClosedWebAclArgs { stage, allow, name, terms }) => {
                Action::PrepareClosedWebAcl(PrepareClosedWebAcl { stage, allow, name, terms: terms.into() })
            }
            ActionCommand::KillSwitch(KillSwitchArgs { stage, allow, prove_on, commit_confirmed, own, terms }) => {
                let prove_on = prove_on.map(|on| Box::new(on.beside(&stage)));
                terms
                    .of(|terms| Action::KillSwitch(KillSwitch { stage, allow, prove_on, commit_confirmed, own, terms }))
            }
        })
    }
}
