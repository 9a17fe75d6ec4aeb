//! How a stage stands after the first action: contained or not, customers served or not, beside the range's own books.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::net::IpAddr;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use portcullis::aws::Lane;
use portcullis::drill::Drill;
use portcullis::model::action::{Action, Close, Closure, Reopening, Terms, Throttle};
use portcullis::model::attack::AttackKind;
use portcullis::model::board::{Board, StageRow};
use portcullis::model::condition::{Condition, ServedBy, StageState, Sureness};
use portcullis::model::plan::Outcome;
use portcullis::model::settings::Settings;
use portcullis::model::signal::{Severity, SignalKind};
use portcullis::model::timeline::ActionState;
use portcullis::respond::desk::error::DeskError;
use portcullis::respond::desk::{Desk, Wish};
use portcullis::watch::Watcher;
use portcullis_range::{Fault, Range, When};
use tokio::sync::watch::Receiver;

use crate::watch::{board_with, row};
use crate::world::{World, block, of_drill, of_range};

/// A minute, what was told in it, and the share of customers that was served by the books.
pub(crate) type Told = (DateTime<Utc>, Condition, f64);

/// A drill, the stage that is attacked in it, and who watches.
pub(crate) struct Story {
    pub(crate) world: World,
    pub(crate) desk: Desk,
    customers: Vec<String>,
    pub(crate) stage: &'static str,
    /// Whom the test has blocked.
    pub(crate) blocked: Vec<IpAddr>,
    watcher: Watcher,
    pub(crate) boards: Receiver<Arc<Board>>,
}

/// Populations of a scenario of a kind.
pub(crate) fn populations(scenario: &str, kind: &str) -> Vec<String> {
    let value: toml::Value = toml::from_str(scenario).unwrap();
    let populations = value["world"]["populations"].as_array().unwrap().iter();
    let wanted = populations.filter(|one| one["kind"].as_str() == Some(kind));
    wanted.map(|one| one["name"].as_str().unwrap().to_owned()).collect()
}

impl Story {
    pub(crate) async fn of(drill: &'static str, stage: &'static str) -> Self {
        Self::at(drill, stage, 60.0).await
    }

    /// The same with account time at another rate.
    pub(crate) async fn at(drill: &'static str, stage: &'static str, rate: f64) -> Self {
        let path = format!("{}/drills/{drill}.toml", env!("CARGO_MANIFEST_DIR"));
        Self::in_world(of_drill(drill, rate).await, &std::fs::read_to_string(path).unwrap(), stage)
    }

    /// Of a scenario's text, on a seed, with the settings of a drill.
    pub(crate) async fn told(drill: &str, scenario: &str, seed: Option<u64>, stage: &'static str) -> Self {
        let mut world = of_range(Range::from_scenario(scenario, seed).unwrap(), 60.0).await;
        // A scenario that is no drill has nobody's settings.
        world.settings = Drill::load(Some(drill)).map_or_else(|_| Settings::default(), |drill| drill.settings);
        Self::in_world(world, scenario, stage)
    }

    fn in_world(world: World, scenario: &str, stage: &'static str) -> Self {
        let watcher = Watcher::start(world.aws.clone(), Arc::new(world.settings.clone()));
        let boards = watcher.boards();
        let desk = world.desk();
        Self {
            world,
            desk,
            customers: populations(scenario, "legitimate"),
            stage,
            blocked: Vec::new(),
            watcher,
            boards,
        }
    }

    pub(crate) async fn until(&mut self, minutes: u64, met: impl Fn(&StageRow) -> bool) -> Arc<Board> {
        let stage = self.stage;
        let there = move |board: &Board| board.stages.iter().any(|row| row.id.label() == stage && met(row));
        board_with(&mut self.boards, minutes, there).await
    }

    /// Waits until the attack shows.
    pub(crate) async fn attacked(&mut self) {
        self.until(60, |row| row.signals.iter().any(|signal| signal.severity == Severity::Attack)).await;
        self.until(10, |row| row.condition.state == StageState::Attack && row.usuals.is_some()).await;
    }

    /// Does it, over whatever guards stop it: what comes of it is what is looked at.
    pub(crate) async fn act(&mut self, mut action: Action) {
        let first = self.desk.plan(&Wish::Action(action.clone())).await.unwrap();
        let halting: Vec<String> = first.plan().halting().map(|guard| guard.id.clone()).collect();
        if !halting.is_empty() {
            (action.terms_mut().overrides, action.terms_mut().reason) = (halting, Some("a test".to_owned()));
        }
        let proposal = self.desk.plan(&Wish::Action(action)).await.unwrap();
        let shown = proposal.plan().clone();
        let agreed = Desk::agreed(proposal, &shown.phrase(), Some(&shown)).unwrap();
        let carried = self.desk.carry_out(agreed, None, &mut |_| {}).await.unwrap();
        assert_eq!(carried.finished.outcome, Outcome::Done);
        self.watcher.believe(self.desk.beliefs().await.unwrap());
    }

    /// What is in force is known to whoever watches.
    pub(crate) async fn believe(&self) {
        self.watcher.believe(self.desk.beliefs().await.unwrap());
    }

    /// A person says that it is attacked, and since when.
    pub(crate) async fn declare(&self, began: DateTime<Utc>, kind: AttackKind) {
        let board = self.boards.borrow().clone();
        self.desk.attack_began(&row(&board, self.stage).id, began, Some(kind)).await.unwrap();
        self.watcher.believe(self.desk.beliefs().await.unwrap());
    }

    /// The share of customers' requests that were answered well in a minute, by the books.
    pub(crate) fn truly_served(&self, minute: DateTime<Utc>) -> f64 {
        self.world.range.with(|range| {
            let of = |name: &String| range.truth().population(self.stage, name, minute);
            let counts: Vec<_> = self.customers.iter().map(of).collect();
            let sum = |f: &dyn Fn(&portcullis_range::Counts) -> u64| counts.iter().map(f).sum::<u64>() as f64;
            sum(&|one| one.served + one.cache_hits) / sum(&|one| one.requests).max(1.0)
        })
    }

    /// What is told from now on, by the minute of the figures that the board shows; beside it what was so in the minute
    /// that the share is of.
    pub(crate) async fn watch(&mut self, minutes: i64) -> Vec<Told> {
        let mut told = Vec::new();
        let end = self.world.aws.clock().now() + TimeDelta::minutes(minutes);
        let mut last = None;
        while self.world.aws.clock().now() < end {
            self.boards.changed().await.unwrap();
            let board = self.boards.borrow_and_update().clone();
            let row = row(&board, self.stage);
            let Some(reading) = row.figures.requests_per_second.reading() else { continue };
            if last == Some(reading.at) {
                continue;
            }
            last = Some(reading.at);
            let minute = reading.at - TimeDelta::minutes(1);
            let of = row.condition.served.reading().map_or(minute, |reading| reading.at - TimeDelta::minutes(1));
            told.push((minute, row.condition.clone(), self.truly_served(of)));
        }
        for (at, condition, truth) in &told {
            println!("{} truth {:.0} %  {}", at.format("%H:%M"), truth * 100.0, condition.words(None));
        }
        told
    }
}

/// The first minute told in a state, and how many minutes after `from` it began.
fn minutes_to(told: &[Told], state: StageState, from: DateTime<Utc>) -> i64 {
    let found = told.iter().find(|(_, condition, _)| condition.state == state);
    let (minute, ..) = found.unwrap_or_else(|| panic!("never {}", state.word()));
    (*minute - from).num_minutes()
}

/// How far the shares served are from the truth, points: those that are known, as far as they are no more than bounds.
fn errors(told: &[Told], by: ServedBy) -> Vec<f64> {
    let known = told.iter().filter(|(_, condition, _)| condition.served_by == by);
    known.filter_map(|(_, condition, truth)| Some((condition.served.value()? - truth) * 100.0)).collect()
}

fn stands(row: &StageRow, kind: SignalKind) -> Option<(Severity, bool)> {
    row.signals.iter().find(|signal| signal.kind == kind).map(|signal| (signal.severity, signal.ours))
}

#[tokio::test(start_paused = true)]
async fn a_perfect_block_contains_the_attack_until_the_bots_move() {
    let mut story = Story::of("sqli-flood", "shop/prod").await;
    story.attacked().await;
    let before = story.watch(5).await;
    assert!(before.iter().all(|(_, condition, _)| condition.state == StageState::Attack), "{before:#?}");
    let off = errors(&before, ServedBy::AllAlike);
    assert!(off.len() >= 3 && off.iter().all(|points| points.abs() < 10.0), "{off:?}");
    let attackers = story.world.range.with(|range| range.senders("botnet"));
    let names: Vec<String> = attackers.into_iter().map(|(address, _)| address.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    story.act(Action::BlockIp(block(&names))).await;
    let acted = story.world.aws.clock().now();
    let after = story.watch(20).await;
    assert!(minutes_to(&after, StageState::Contained, acted) <= 3);
    assert_eq!(after.iter().filter(|(_, condition, _)| condition.state == StageState::CustomersOut).count(), 0);
    let firm = after.iter().find(|(_, c, _)| c.state == StageState::Contained && c.sureness == Sureness::Firm);
    assert!((firm.expect("it becomes firm").0 - acted).num_minutes() <= 6);
    // The bots that move get past the block: nothing of that is a signal yet.
    let (contained, leaking) =
        (minutes_to(&after, StageState::Contained, acted), minutes_to(&after, StageState::Leaking, acted));
    assert!(contained < leaking, "it never leaks before it is contained: {contained}, {leaking}");
    // What our own block does is no attack any more, and is said.
    let board = story.boards.borrow().clone();
    let row = row(&board, story.stage);
    assert_eq!(stands(row, SignalKind::AllowedShareLow), Some((Severity::Notice, true)));
    let evidence = &row.signals.iter().find(|signal| signal.ours).unwrap().evidence;
    assert!(evidence.contains("our own blocks"), "{evidence}");
}

/// The drill of the wrong list, with the stage's access log and without.
async fn by_a_wrong_list(logged: bool, minutes: i64) {
    let text = include_str!("../../drills/lockout-trap.toml");
    let log = text.lines().find(|line| line.starts_with("access_log = ")).unwrap();
    let text = if logged { text.to_owned() } else { text.replace(log, "") };
    let mut story = Story::told("lockout-trap", &text, None, "pay/prod").await;
    story.attacked().await;
    story.watch(4).await;
    let stage = "pay/prod".parse().unwrap();
    story
        .act(Action::Close(Close { stage, by: Closure::WebAcl, web_acl: None, again: None, terms: Terms::default() }))
        .await;
    let acted = story.world.aws.clock().now();
    let after = story.watch(12).await;
    let out = minutes_to(&after, StageState::CustomersOut, acted);
    assert!(out <= minutes, "CUSTOMERS OUT after {out} minutes");
    let (.., last, truth) = after.last().unwrap();
    assert_eq!(last.state, StageState::CustomersOut);
    assert!(*truth < 0.05 && last.served.value().unwrap() < 0.1, "{last:?}, and in truth {truth}");
    assert_eq!(last.served_by == ServedBy::KnownCallers, logged);
    let board = story.boards.borrow().clone();
    let attacks = row(&board, story.stage).signals.iter().filter(|signal| signal.severity == Severity::Attack);
    assert_eq!(attacks.map(|signal| signal.kind.id()).collect::<Vec<_>>(), Vec::<&str>::new());
}

#[tokio::test(start_paused = true)]
async fn a_stage_that_is_closed_to_its_customers_says_so_within_two_minutes_by_its_log() {
    by_a_wrong_list(true, 2).await;
}

#[tokio::test(start_paused = true)]
async fn a_stage_that_is_closed_to_its_customers_says_so_within_four_minutes_without_a_log() {
    by_a_wrong_list(false, 4).await;
}

#[tokio::test(start_paused = true)]
async fn a_throttle_of_the_attacked_method_contains_what_it_turns_away() {
    let mut story = Story::of("credential-stuffing", "accounts/prod").await;
    story.attacked().await;
    story.watch(4).await;
    let (stage, method) = ("accounts/prod".parse().unwrap(), Some("POST /login".parse().unwrap()));
    story.act(Action::Throttle(Throttle { stage, method, rate: 20, burst: 20, terms: Terms::default() })).await;
    let acted = story.world.aws.clock().now();
    let after = story.watch(14).await;
    assert!(minutes_to(&after, StageState::Contained, acted) <= 4);
    assert_eq!(after.last().unwrap().1.state, StageState::Contained);
    let off = errors(&after[after.len() - 8..], ServedBy::AtMost);
    println!("{} of 8 minutes known; off by {off:.0?} points", off.len());
    assert!(off.iter().all(|points| (-10.0..15.0).contains(points)), "at most, and at least nearly: {off:?}");
    let board = story.boards.borrow().clone();
    let row = row(&board, story.stage);
    for kind in [SignalKind::Throttling, SignalKind::ClientErrorsHigh] {
        assert_eq!(stands(row, kind), Some((Severity::Notice, true)), "{}", kind.id());
    }
}

/// The flood, whose botnet gives up after twenty minutes and, where `again` says so, comes back then.
async fn gives_up(again: Option<&str>) -> Story {
    let text = include_str!("../../drills/sqli-flood.toml");
    let start = text.find("name = \"botnet\"").unwrap();
    let begin = text[..start].rfind("[[world.populations]]").unwrap();
    let end = text[start..].find("\n[").map_or(text.len(), |at| start + at + 1);
    let botnet = &text[begin..end];
    assert!(botnet.contains("start = \"2m\"\n"));
    let once = botnet.replace("start = \"2m\"\n", "start = \"2m\"\nstop = \"20m\"\n");
    let wave = |from: &str| {
        let other = botnet.replace("name = \"botnet\"", "name = \"second-wave\"");
        other.replace("start = \"2m\"\n", &format!("start = \"{from}\"\n"))
    };
    let text = text.replace(botnet, &format!("{once}\n{}", again.map(wave).unwrap_or_default()));
    let mut story = Story::told("sqli-flood", &text, None, "shop/prod").await;
    story.attacked().await;
    story
}

/// Closes to everybody for a minute; what becomes of it then was consented to.
async fn closed(story: &mut Story, reopen: Reopening) {
    let terms = Terms {
        expires_after_seconds: Some(60),
        reopen,
        reason: Some("the database burns".into()),
        ..Terms::default()
    };
    let stage = "shop/prod".parse().unwrap();
    story.act(Action::Close(Close { stage, by: Closure::ThrottleZero, web_acl: None, again: None, terms })).await;
}

#[tokio::test(start_paused = true)]
async fn an_attack_that_gives_up_at_the_block_is_recovering_and_then_calm() {
    let mut story = gives_up(None).await;
    let attackers = story.world.range.with(|range| range.senders("botnet"));
    let names: Vec<String> = attackers.into_iter().map(|(address, _)| address.to_string()).collect();
    story.act(Action::BlockIp(block(&names.iter().map(String::as_str).collect::<Vec<_>>()))).await;
    let told = story.watch(45).await;
    let mut states: Vec<StageState> = told.iter().map(|(_, condition, _)| condition.state).collect();
    states.dedup();
    println!("{states:?}");
    let contained = states.iter().position(|state| *state == StageState::Contained).unwrap();
    assert_eq!(states[states.len() - 2..], [StageState::Recovering, StageState::Calm], "{states:?}");
    assert!(contained < states.len() - 2 && !states.contains(&StageState::CustomersOut), "{states:?}");
    // Ten settled minutes after they gave up, and not before; then calm, with the block that still stands beside it.
    let gave_up = story.world.range.with(|range| range.start()) + TimeDelta::minutes(20);
    // By the tenth whole minute, and no earlier.
    assert!(minutes_to(&told, StageState::Recovering, gave_up) >= 9);
    let last = &told.last().unwrap().1;
    assert!(last.measures.as_ref().is_some_and(|measures| measures.contains("block")), "{last:?}");
}

#[tokio::test(start_paused = true)]
async fn a_closure_stays_where_nothing_tells_who_knocks() {
    let mut story = gives_up(None).await;
    closed(&mut story, Reopening::WhenQuiet).await;
    let denied = Fault::Deny;
    story.world.range.with(|range| range.faults().add("cloudwatch", "GetMetricData", When::Always, denied));
    story.world.pass(45 * 60).await;
    let error = swept(&story).await.unwrap().unwrap_err();
    assert!(error.asks() || error.waits(), "{error}");
    assert_eq!(row(&story.boards.borrow_and_update().clone(), story.stage).condition.state, StageState::Unknown);
}

/// What a sweep makes of the one thing that is due.
async fn swept(story: &Story) -> Option<Result<Outcome, DeskError>> {
    let mut swept = story.desk.sweep(|_| true).await.unwrap();
    assert!(swept.len() <= 1, "{swept:?}");
    swept.pop().map(|one| one.result.map(|finished| finished.outcome))
}

#[tokio::test(start_paused = true)]
async fn an_expired_closure_reopens_when_nobody_knocks_whatever_it_turns_away_itself() {
    let mut story = gives_up(None).await;
    closed(&mut story, Reopening::WhenQuiet).await;
    story.world.pass(240).await;
    let error = swept(&story).await.unwrap().unwrap_err();
    let why = error.to_string();
    assert!(matches!(error, DeskError::StillKnocking { .. }), "{why}");
    assert!(why.contains("requests a minute reach it, usually") && why.contains("portcullis undo"), "{why}");
    // By now they have given up for more than ten minutes; customers knock on, and all of them get a 429.
    story.world.pass(20 * 60 + 13 * 60).await;
    let board = story.boards.borrow_and_update().clone();
    assert_eq!(row(&board, story.stage).condition.state, StageState::CustomersOut);
    assert_eq!(swept(&story).await.unwrap().unwrap(), Outcome::Done);
    story.watcher.believe(story.desk.beliefs().await.unwrap());
    story.until(20, |row| row.condition.measures.is_none()).await;
    let after = story.watch(25).await;
    assert_eq!(after.last().unwrap().1.state, StageState::Calm, "{:#?}", after.last());
}

#[tokio::test(start_paused = true)]
async fn a_closure_that_nobody_consented_to_end_asks_however_quiet_it_is() {
    let mut story = gives_up(None).await;
    closed(&mut story, Reopening::Ask).await;
    story.world.pass(45 * 60).await;
    let error = swept(&story).await.unwrap().unwrap_err();
    let why = error.to_string();
    assert!(matches!(error, DeskError::Asks { .. }) && error.asks(), "{why}");
    assert!(why.contains("portcullis undo") && why.contains("portcullis extend"), "{why}");
}

#[tokio::test(start_paused = true)]
async fn a_closure_whose_attackers_pulse_closes_again_once_where_that_was_consented_to() {
    for (reopen, closures) in [(Reopening::WhenQuiet, 1), (Reopening::WhenQuietCloseAgain, 2)] {
        let mut story = gives_up(Some("36m")).await;
        closed(&mut story, reopen).await;
        let mut happened = Vec::new();
        for _ in 0..60 {
            story.world.pass(60).await;
            let text = match swept(&story).await {
                None => "nothing".to_owned(),
                Some(Ok(outcome)) => format!("{outcome:?}"),
                Some(Err(error)) => format!("{error:?}").split([' ', '{']).next().unwrap().to_owned(),
            };
            if happened.last() != Some(&text) {
                println!("{} {text}", story.world.aws.clock().now().format("%H:%M"));
                happened.push(text);
            }
        }
        let survey = story.world.store.survey(&story.world.aws.identity(Lane::Plan).await.unwrap().at).unwrap();
        let mut all = survey.actions.iter().filter(|action| action.action.is_closure());
        assert_eq!(all.clone().count(), closures, "{happened:?}");
        let last = all.next_back().unwrap();
        let stands = match reopen {
            Reopening::WhenQuiet => ["StillKnocking", "Done", "nothing"].as_slice(),
            _ => &["StillKnocking", "Done", "nothing", "Done", "Asks"],
        };
        let told: Vec<&str> = happened.iter().map(String::as_str).filter(|one| !one.is_empty()).collect();
        assert!(told.ends_with(stands), "{happened:?}");
        assert_eq!(last.state == ActionState::InForce, reopen == Reopening::WhenQuietCloseAgain, "{last:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stage_that_a_person_has_taken_in_hand_is_not_closed_again() {
    let mut story = gives_up(Some("36m")).await;
    closed(&mut story, Reopening::WhenQuietCloseAgain).await;
    let mut reopened = false;
    for _ in 0..60 {
        story.world.pass(60).await;
        let Some(result) = swept(&story).await else { continue };
        if result.is_ok() {
            assert!(!reopened, "it is closed again over a person's head");
            reopened = true;
            story.act(Action::BlockIp(block(&["203.0.113.7"]))).await;
        }
    }
    assert!(reopened);
}
