//! How a stage stands while an attack on it is believed in: whether it is contained, and whether customers are served.
//!
//! Plain data, made by `watch`, and the same for screens, command line and reports. Knows nothing of how it is
//! reckoned.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::figure::Figure;
use crate::model::words::{counted, most_percent, whole_percent};

/// Customers wait long where the median of latency is more than so many times what is usual.
const SLOW: f64 = 3.0;

/// From this share of customers' requests on nobody outside needs to hear of it.
const NORMAL: f64 = 0.98;

/// In which state a stage is, the first that fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum StageState {
    /// Nothing tells: the metrics are late, or what is usual is not known. Never calm.
    Unknown,
    /// A measure of ours is in force, and customers are turned away.
    CustomersOut,
    /// A measure is in force, and much more than usual gets past it.
    Leaking,
    /// A measure is in force, and hardly more than usual is sent.
    Recovering,
    /// The attack goes on, is turned away, and customers are served.
    Contained,
    /// An attack stands.
    Attack,
    /// No attack stands.
    Calm,
}

impl StageState {
    /// Every state, the worst to be told first.
    pub const ALL: [Self; 7] =
        [Self::CustomersOut, Self::Leaking, Self::Attack, Self::Unknown, Self::Contained, Self::Recovering, Self::Calm];

    /// The state as it is written and read: `customers-out`.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::CustomersOut => "customers-out",
            Self::Leaking => "leaking",
            Self::Recovering => "recovering",
            Self::Contained => "contained",
            Self::Attack => "attack",
            Self::Calm => "calm",
        }
    }

    /// The state as it is shown.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "?",
            Self::CustomersOut => "CUSTOMERS OUT",
            Self::Leaking => "LEAKING",
            Self::Recovering => "RECOVERING",
            Self::Contained => "CONTAINED",
            Self::Attack => "ATTACK",
            Self::Calm => "calm",
        }
    }

    /// Whether it is worse news than calm: told after one minute, where good news waits for a second.
    #[must_use]
    pub fn is_bad(self) -> bool {
        matches!(self, Self::CustomersOut | Self::Leaking | Self::Attack | Self::Unknown)
    }
}

/// How sure a state is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Sureness {
    /// By minutes that change no more.
    Firm,
    /// By minutes that may still change: `~`.
    Provisional,
    /// As far as it can be told: what a throttle turned away no log tells. `?`.
    Bounded,
}

impl Sureness {
    /// The mark behind a state.
    #[must_use]
    pub fn mark(self) -> &'static str {
        match self {
            Self::Firm => "",
            Self::Provisional => "~",
            Self::Bounded => "?",
        }
    }
}

/// What a share of customers served is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ServedBy {
    /// By the access log's lines of those who called before the attack.
    KnownCallers,
    /// By all answers, if errors hit everybody alike: nothing of ours turns requests away.
    AllAlike,
    /// At most: attackers who are answered count as customers who are.
    AtMost,
}

impl ServedBy {
    /// The mark before the share.
    #[must_use]
    pub fn mark(self) -> &'static str {
        match self {
            Self::KnownCallers => "",
            Self::AllAlike => "≈",
            Self::AtMost => "≤",
        }
    }

    /// `≤98 %`, or `?` where no share is known.
    #[must_use]
    pub fn share_word(self, share: Option<f64>) -> String {
        let percent = if self == Self::AtMost { most_percent } else { whole_percent };
        share.map_or_else(|| "?".to_owned(), |share| format!("{}{}", self.mark(), percent(share)))
    }

    /// In words, behind the share.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::KnownCallers => "of those who called before, by the access log",
            Self::AllAlike => "if errors hit all alike",
            Self::AtMost => "at most, unless fewer than usual call: who is answered may be an attacker",
        }
    }
}

/// The method that fares worst, by the access log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorstMethod {
    /// Method and resource, neutralised: `POST /login`.
    pub method: String,
    /// The share of its requests that are answered without an error, a fraction.
    pub answered: f64,
    /// The same before the attack.
    pub usually: f64,
    /// Whether it is of the requests of those who called before alone, or of everybody's, attackers' among them.
    pub of_callers: bool,
}

/// Sources of the attack that are new since a measure and get past it, by the access log.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "FollowersOfMinute"))]
pub struct Followers {
    /// How many.
    pub sources: u64,
    /// Requests a second that they send.
    pub per_second: f64,
}

/// How a stage stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// The state.
    pub state: StageState,
    /// How sure it is.
    pub sureness: Sureness,
    /// The minute (its start, account time, UTC) since which it has been in that state; `None` where that is not known.
    pub since: Option<DateTime<Utc>>,
    /// The state before nothing told any more, where the state is unknown.
    pub last_known: Option<StageState>,
    /// The share of customers' requests that are answered without an error, of what is usual: a fraction.
    pub served: Figure,
    /// What that share is worth.
    pub served_by: ServedBy,
    /// How many times the usual median of latency is waited for an answer.
    pub latency_of_usual: Figure,
    /// Requests a second of the attack that are answered without an error.
    pub attackers_answered: Figure,
    /// How many of them were answered without an error since the attack began, at least.
    pub attackers_total: Figure,
    /// Since when that is: the beginning, or as far back as was read; `None` where it is not known.
    pub attackers_total_since: Option<DateTime<Utc>>,
    /// The method that fares worst, where one fares badly.
    pub worst: Option<WorstMethod>,
    /// Who is new since the newest block and gets past it; `None` where nothing tells.
    pub followers: Option<Followers>,
    /// What the state rests on, in one line with numbers, or why it is not known.
    pub evidence: String,
    /// Which measures of ours are in force, in words.
    pub measures: Option<String>,
}

impl Condition {
    /// Nothing has been read yet.
    #[must_use]
    pub fn unread() -> Self {
        Self {
            state: StageState::Unknown,
            sureness: Sureness::Firm,
            since: None,
            last_known: None,
            served: Figure::unknown("not read yet"),
            served_by: ServedBy::AllAlike,
            latency_of_usual: Figure::unknown("not read yet"),
            attackers_answered: Figure::unknown("not read yet"),
            attackers_total: Figure::unknown("not read yet"),
            attackers_total_since: None,
            worst: None,
            followers: None,
            evidence: "not read yet".to_owned(),
            measures: None,
        }
    }

    /// Whether there is anything to tell: more than that no attack stands and nothing of ours is in force.
    #[must_use]
    pub fn matters(&self) -> bool {
        self.measures.is_some() || self.last_known.is_some() || (self.state != StageState::Calm && self.since.is_some())
    }

    /// `CONTAINED~`, and `?` with the state that was known last.
    #[must_use]
    pub fn word(&self) -> String {
        match (self.state, self.last_known) {
            (StageState::Unknown, Some(last)) => format!("? (was {})", last.word()),
            (state, _) => format!("{}{}", state.word(), self.sureness.mark()),
        }
    }

    /// `≤98 %`, `≤98 %, slow`, or `?`.
    #[must_use]
    pub fn served_word(&self) -> String {
        let slow = if self.is_slow() == Some(true) { ", slow" } else { "" };
        format!("{}{slow}", self.share_word())
    }

    /// `≤98 %`, or `?`.
    #[must_use]
    pub fn share_word(&self) -> String {
        self.served_by.share_word(self.served.value())
    }

    /// Whether answers take more than three times as long as usual; `None` where that is not known.
    #[must_use]
    pub fn is_slow(&self) -> Option<bool> {
        self.latency_of_usual.value().map(|times| times > SLOW)
    }

    /// All of it in one line for people, with the beginning as it is written elsewhere.
    #[must_use]
    pub fn words(&self, since: Option<&str>) -> String {
        let since = since.map_or_else(String::new, |since| format!(" since {since}"));
        let measures = self.measures.as_ref().map_or_else(String::new, |measures| format!("; {measures}"));
        let why = match (self.served.reason(), self.served.value()) {
            (Some(reason), _) => format!("? ({reason})"),
            (None, _) => format!("{} ({})", self.share_word(), self.served_by.words()),
        };
        let slow = self.slow_words().map_or_else(String::new, |slow| format!(", {slow}"));
        let told = [self.worst_words(), self.followers_words(), self.attackers_words()];
        let told: Vec<String> = told.into_iter().flatten().collect();
        let told = if told.is_empty() { String::new() } else { format!("; {}", told.join("; ")) };
        format!("{}{since}; customers served {why}{slow}{told}; {}{measures}", self.word(), self.evidence)
    }

    /// `POST /login answers 11 % of those who called before, usually 97 %`.
    #[must_use]
    pub fn worst_words(&self) -> Option<String> {
        let worst = self.worst.as_ref()?;
        let (now, usually) = (whole_percent(worst.answered), whole_percent(worst.usually));
        let of = if worst.of_callers { "those who called before" } else { "its requests, attackers' among them" };
        Some(format!("{} answers {now} of {of}, usually {usually}", worst.method))
    }

    /// `80/s from 6 new sources get past`.
    #[must_use]
    pub fn followers_words(&self) -> Option<String> {
        let Followers { sources, per_second } = self.followers.filter(|followers| followers.sources > 0)?;
        Some(format!(
            "{per_second:.0}/s from {} get past",
            counted(usize::try_from(sources).unwrap_or(usize::MAX), "new source")
        ))
    }

    /// `slow (p50 4.2 times usual)`.
    fn slow_words(&self) -> Option<String> {
        let times = self.latency_of_usual.value().filter(|_| self.is_slow() == Some(true))?;
        Some(format!("slow (p50 {times:.1} times usual)"))
    }

    /// `attackers answered 76/s, at least 22,800 requests since 03:02Z`.
    fn attackers_words(&self) -> Option<String> {
        let rate = self.attackers_answered.value().map(|answered| format!("{answered:.0}/s"));
        let told: Vec<String> = rate.into_iter().chain(self.attackers_total_words()).collect();
        (!told.is_empty()).then(|| format!("attackers answered {}", told.join(", ")))
    }

    /// `at least 22,800 requests since 03:02Z`.
    fn attackers_total_words(&self) -> Option<String> {
        let (requests, since) = (self.attackers_total_requests()?, self.attackers_total_since?);
        Some(attackers_total_words(requests, &since.format("%H:%MZ").to_string()))
    }

    /// How customers fare, in a sentence that may be said in public: no word of an attack, of addresses or of what is
    /// done about it. `now` is account time, UTC.
    ///
    /// # Errors
    /// Where nothing is known of the stage: then there is nothing to say.
    pub fn public_sentence(&self, api: &str, now: DateTime<Utc>) -> Result<String, String> {
        let at = now.format("%H:%M UTC");
        let slow = if self.is_slow() == Some(true) { " Answers take longer than usual." } else { "" };
        let share = self.served.value();
        let said = match (self.state, share) {
            (StageState::Calm, None) => format!("{api} is working normally."),
            (_, None) if !self.matters() => {
                return Err("the stage's state is not known; there is nothing to say yet".to_owned());
            }
            (_, None) => unknown_extent(api),
            (StageState::CustomersOut, Some(share)) if share < 0.5 => {
                format!("We are working on a problem with {api}. At the moment most requests to it are turned away.")
            }
            (_, Some(share)) if share >= NORMAL && self.served_by != ServedBy::AtMost => {
                let word = if slow.is_empty() { "is working normally" } else { "answers requests" };
                format!("{api} {word}.")
            }
            // "At most all of them" tells nobody anything.
            (_, Some(share)) if share >= NORMAL => unknown_extent(api),
            (_, Some(share)) => {
                let share = share.clamp(0.0, 1.0);
                let (about, percent) = match self.served_by {
                    ServedBy::AtMost => ("at most", most_percent(share)),
                    ServedBy::KnownCallers | ServedBy::AllAlike => ("about", whole_percent(share)),
                };
                format!(
                    "We are working on a problem with {api}. At the moment {about} {percent} of requests to it succeed."
                )
            }
        };
        Ok(format!("{at}: {said}{slow}"))
    }

    /// How many requests of the attack were answered since it began, at least; `None` where that is not known.
    #[must_use]
    pub fn attackers_total_requests(&self) -> Option<u64> {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        self.attackers_total.value().map(|requests| requests.max(0.0).round() as u64)
    }
}

/// For the public, where nobody can tell how many are affected.
fn unknown_extent(api: &str) -> String {
    format!("We are looking into a problem with {api}. How many requests it affects is not known yet.")
}

/// `at least 22,800 requests since 03:02Z`.
#[must_use]
pub fn attackers_total_words(requests: u64, since: &str) -> String {
    let requests = counted(usize::try_from(requests).unwrap_or(usize::MAX), "request");
    format!("at least {requests} since {since}")
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::model::figure::{Origin, Reading, Scope};

    fn known(value: f64) -> Figure {
        let at = DateTime::UNIX_EPOCH + TimeDelta::minutes(191);
        Figure::Known(Reading { value, at, origin: Origin::AccessLog, scope: Scope::Stage, provisional: false })
    }

    fn attacked() -> Condition {
        Condition {
            state: StageState::Attack,
            served: known(0.68),
            evidence: "the flood".to_owned(),
            ..Condition::unread()
        }
    }

    #[test]
    fn what_attackers_got_is_told_a_second_and_since_the_beginning() {
        let since = Some(DateTime::UNIX_EPOCH + TimeDelta::minutes(182));
        let total = Condition { attackers_total: known(22_800.0), attackers_total_since: since, ..attacked() };
        let both = Condition { attackers_answered: known(76.2), ..total.clone() };
        let told = |condition: &Condition| condition.words(None);
        assert!(told(&both).contains("; attackers answered 76/s, at least 22,800 requests since 03:02Z; the flood"));
        assert!(told(&total).contains("; attackers answered at least 22,800 requests since 03:02Z; "));
        assert!(!told(&attacked()).contains("attackers"), "unknown is no nought");
    }

    #[test]
    fn what_is_said_in_public_names_no_attack_and_never_more_than_is_known() {
        let at = DateTime::UNIX_EPOCH + TimeDelta::minutes(191);
        let said = |condition: &Condition| condition.public_sentence("shop", at).unwrap_or_else(|why| why);
        let problem = "03:11 UTC: We are working on a problem with shop. At the moment";
        assert_eq!(said(&attacked()), format!("{problem} about 68 % of requests to it succeed."));
        let most = Condition { served_by: ServedBy::AtMost, ..attacked() };
        assert_eq!(said(&most), format!("{problem} at most 68 % of requests to it succeed."));
        let bound = Condition { served: known(1.0), ..most.clone() };
        assert!(said(&bound).contains("is not known yet"), "a bound is no promise: {}", said(&bound));
        let out = Condition { state: StageState::CustomersOut, ..attacked() };
        assert_eq!(said(&out), format!("{problem} about 68 % of requests to it succeed."));
        let most_out = Condition { served: known(0.12), ..out };
        assert_eq!(said(&most_out), format!("{problem} most requests to it are turned away."));
        assert!(Condition::unread().public_sentence("shop", at).is_err(), "nothing is known, so nothing is said");
        let unknown = Condition { served: Figure::unknown("why"), since: Some(at), ..attacked() };
        assert!(said(&unknown).contains("is not known yet"), "{}", said(&unknown));
        let slow = Condition { served: known(0.99), latency_of_usual: known(4.0), ..attacked() };
        assert_eq!(said(&slow), "03:11 UTC: shop answers requests. Answers take longer than usual.");
        let calm = Condition { state: StageState::Calm, served: known(1.0), ..Condition::unread() };
        assert_eq!(said(&calm), "03:11 UTC: shop is working normally.");
    }

    #[test]
    fn slow_stands_beside_what_is_served_and_only_where_it_is_known() {
        let times = |times| Condition { latency_of_usual: times, ..attacked() };
        let told = |condition: &Condition| (condition.is_slow(), condition.served_word());
        assert_eq!(told(&times(known(4.25))), (Some(true), "≈68 %, slow".to_owned()));
        assert_eq!(told(&times(known(3.0))), (Some(false), "≈68 %".to_owned()), "above three times");
        assert_eq!(told(&attacked()), (None, "≈68 %".to_owned()));
        let words = times(known(4.25)).words(None);
        assert!(words.contains("(if errors hit all alike), slow (p50 4.2 times usual)"));
        let unserved = Condition { served: Figure::unknown("why"), ..times(known(9.0)) };
        assert_eq!(unserved.served_word(), "?, slow");
    }
}
