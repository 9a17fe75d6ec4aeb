//! What is believed of the attack on a stage: when it began and what that rests on. Pinned in the incident, and handed
//! to whoever tells attackers from callers that belong there.
//!
//! Knows nothing of how it is found out, and nothing of who asks.

use std::collections::HashMap;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::signal::SignalKind;
use super::stage::{StageId, StageSelector};

/// What an attack is after, in a word that a person gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum AttackKind {
    /// More requests than the service can answer.
    Flood,
    /// Requests that carry an injection.
    Injection,
    /// Stolen credentials, tried one after another.
    Stuffing,
    /// What is public is copied wholesale.
    Scraping,
    /// What is not public is taken: harm without volume.
    Theft,
    /// Anything else.
    Other,
}

impl AttackKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [Self::Flood, Self::Injection, Self::Stuffing, Self::Scraping, Self::Theft, Self::Other];

    /// The kind as a word, as it is written and read.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Flood => "flood",
            Self::Injection => "injection",
            Self::Stuffing => "stuffing",
            Self::Scraping => "scraping",
            Self::Theft => "theft",
            Self::Other => "other",
        }
    }
}

/// What an attack's beginning rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum RestsOn {
    /// The first attack-level signal, back-dated to its first bad minute.
    Signal(SignalKind),
    /// The metrics, read for a command while no console was watching.
    Metrics,
    /// A person's word.
    Person,
}

impl RestsOn {
    /// In words, as the rest of `by …`.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::Signal(kind) => format!("the signal {}", kind.id()),
            Self::Metrics => "the metrics".to_owned(),
            Self::Person => "a responder".to_owned(),
        }
    }
}

/// The attack on one stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attack {
    /// The stage.
    pub stage: StageId,
    /// When it began, account time, UTC.
    pub began: DateTime<Utc>,
    /// What that rests on.
    pub rests_on: RestsOn,
    /// What it is after, where somebody has said so.
    pub kind: Option<AttackKind>,
    /// When somebody last corrected its beginning or its kind, account time, UTC.
    pub corrected_at: Option<DateTime<Utc>>,
    /// When it ended, where somebody has said so, account time, UTC.
    pub ended: Option<DateTime<Utc>>,
}

impl Attack {
    /// An attack as it is first pinned.
    #[must_use]
    pub fn begun(stage: StageId, began: DateTime<Utc>, rests_on: RestsOn, kind: Option<AttackKind>) -> Self {
        Self { stage, began, rests_on, kind, corrected_at: None, ended: None }
    }

    /// Whether nobody has said that it is over.
    #[must_use]
    pub fn stands(&self) -> bool {
        self.ended.is_none()
    }

    /// Whether it is on this stage.
    #[must_use]
    pub fn is_on(&self, stage: &StageId) -> bool {
        self.stage.is_same(stage)
    }

    /// Whether what began on `stage` at `began` (account time, UTC) is this attack: it stands, or what began belongs to
    /// the time before somebody said that it was over.
    #[must_use]
    pub fn accounts_for(&self, stage: &StageId, began: DateTime<Utc>) -> bool {
        self.is_on(stage) && self.ended.is_none_or(|ended| began <= ended)
    }

    /// What a console's own figures say of its beginning (`own`), where that is another one: by a minute or more, since
    /// figures are of minutes.
    #[must_use]
    pub fn read_otherwise(&self, own: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
        own.filter(|own| (*own - self.began).abs() >= TimeDelta::minutes(1))
    }

    /// When it began and by what that is known, for people.
    #[must_use]
    pub fn words(&self) -> String {
        let began = self.began.to_rfc3339_opts(SecondsFormat::Secs, true);
        self.words_at(&format!("since {began}"))
    }

    /// The same, with the time as it is written elsewhere.
    #[must_use]
    pub fn words_at(&self, began: &str) -> String {
        let corrected = if self.corrected_at.is_some() { ", corrected" } else { "" };
        let kind = self.kind.map_or_else(String::new, |kind| format!("{}, ", kind.word()));
        format!("{kind}{began} by {}{corrected}", self.rests_on.words())
    }
}

/// The attacks that are pinned in an incident and stand, one a stage.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attacks {
    standing: HashMap<Key, Attack>,
    /// The last of each stage that is over.
    over: HashMap<Key, (DateTime<Utc>, DateTime<Utc>)>,
}

/// A stage by its [`ids`](StageId::ids).
type Key = (String, String);

fn key(stage: &StageId) -> Key {
    let (api, name) = stage.ids();
    (api.to_owned(), name.to_owned())
}

impl Attacks {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.standing.is_empty()
    }

    /// The attack on a stage.
    #[must_use]
    pub fn on(&self, stage: &StageId) -> Option<&Attack> {
        self.standing.get(&key(stage))
    }

    /// The attack on the stage that a selector names. Of several, which a name alone does not tell apart, the earliest.
    #[must_use]
    pub fn named_by(&self, stage: &StageSelector) -> Option<&Attack> {
        self.standing.values().filter(|attack| attack.stage.is_named_by(stage)).min_by_key(|attack| attack.began)
    }

    /// From when to when the last attack on a stage stood that is over, account time, UTC.
    #[must_use]
    pub fn over(&self, stage: &StageId) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        self.over.get(&key(stage)).copied()
    }

    /// These, and `attack` where none stands on its stage: what is believed before an incident has pinned it. What
    /// began while an attack stood that is over is that attack.
    #[must_use]
    pub fn or_begun(mut self, attack: Attack) -> Self {
        if self.over(&attack.stage).is_none_or(|(_, ended)| attack.began > ended) {
            self.standing.entry(key(&attack.stage)).or_insert(attack);
        }
        self
    }

    /// When the attack on a stage began, account time, UTC.
    #[must_use]
    pub fn began(&self, stage: &StageId) -> Option<DateTime<Utc>> {
        self.on(stage).map(|attack| attack.began)
    }
}

impl FromIterator<Attack> for Attacks {
    /// The last of a stage counts, of those that stand as of those that are over.
    fn from_iter<T: IntoIterator<Item = Attack>>(attacks: T) -> Self {
        let mut all = Self::default();
        for attack in attacks {
            let key = key(&attack.stage);
            match attack.ended {
                Some(ended) => drop(all.over.insert(key, (attack.began, ended))),
                None => drop(all.standing.insert(key, attack)),
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn stage(api_id: &str, api_name: &str, stage: &str) -> StageId {
        StageId { api_id: api_id.to_owned(), api_name: api_name.to_owned(), stage: stage.to_owned() }
    }

    fn at(minute: i64) -> DateTime<Utc> {
        "2026-03-01T03:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::minutes(minute)
    }

    #[test]
    fn an_attack_is_known_while_it_stands_and_for_what_came_before_its_end() {
        let prod = stage("a1", "shop", "prod");
        let mut attack = Attack::begun(prod.clone(), at(5), RestsOn::Metrics, None);
        for (minute, ended, known) in
            [(9, None, true), (3, None, true), (9, Some(10), true), (10, Some(10), true), (11, Some(10), false)]
        {
            attack.ended = ended.map(at);
            assert_eq!(attack.accounts_for(&prod, at(minute)), known, "{minute} {ended:?}");
        }
        attack.ended = None;
        assert!(attack.accounts_for(&stage("a1", "shop-renamed", "prod"), at(9)), "by ids");
        assert!(!attack.accounts_for(&stage("a2", "shop", "prod"), at(9)), "another API of the same name");
        assert!(!attack.accounts_for(&stage("a1", "shop", "dev"), at(9)));
    }

    #[test]
    fn what_is_pinned_is_believed_and_else_what_the_figures_say_of_another_attack() {
        let prod = stage("a1", "shop", "prod");
        let read = |minute| Attack::begun(prod.clone(), at(minute), RestsOn::Metrics, None);
        let pinned = |ended: Option<i64>| Attack { ended: ended.map(at), ..read(5) };
        for (pinned, found, believed) in [
            (None, 9, Some(9)),
            (Some(pinned(None)), 9, Some(5)),
            (Some(pinned(Some(10))), 9, None),
            (Some(pinned(Some(10))), 11, Some(11)),
        ] {
            let attacks: Attacks = pinned.into_iter().collect();
            assert_eq!(attacks.or_begun(read(found)).began(&prod), believed.map(at), "{found}");
        }
    }

    #[test]
    fn another_reading_is_one_of_another_minute() {
        let attack = Attack::begun(stage("a1", "shop", "prod"), at(5), RestsOn::Metrics, None);
        let read = |own: DateTime<Utc>| attack.read_otherwise(Some(own));
        assert_eq!(attack.read_otherwise(None), None);
        assert_eq!(read(at(5) + TimeDelta::seconds(59)), None);
        assert_eq!((read(at(6)), read(at(3))), (Some(at(6)), Some(at(3))));
    }
}
