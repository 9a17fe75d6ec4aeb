//! The same desk behind screen, command line, playbook and sweep: the same lines, and the same belief after a restart.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::*;
use crate::aws::{Aws, Lane};
use crate::cli::act::carry_out;
use crate::cli::args::Confirmation;
use crate::cli::error::Exit;
use crate::cli::json::Printer;
use crate::cli::session::{self, Session};
use crate::incident::{Event as Line, Incident, mark};
use crate::model::action::{Action, BlockIp, Terms};
use crate::model::condition::StageState;
use crate::model::signal::{Severity, SignalKind};
use crate::model::source::Legitimacy;
use crate::playbook::Library;
use crate::respond::desk::books::{Books, ByCommand};
use crate::respond::desk::{Desk, Wish};

/// What a command works with on a range, its incidents in `dir`.
pub(super) async fn session(range: &RangeHandle, dir: &tempfile::TempDir) -> Session {
    let connection = Connection { endpoint: Endpoint::Range(range.clone()), ..Connection::default() };
    let aws = Aws::connect(&connection).await.unwrap();
    let settings = Arc::new(Drill::load(Some("sqli-flood")).unwrap().settings.clone());
    let store = IncidentStore::new(dir.path().join("incidents"));
    let books = Books::new(store, Whose::Newest, session::actor("x"), Arc::new(ByCommand));
    let desk = Desk::new(aws.clone(), Arc::clone(&settings), books);
    Session { aws, settings, desk }
}

fn an_attack(event: &Event) -> bool {
    let stands = |board: &crate::model::board::Board| {
        board.stages.iter().any(|row| row.signals.iter().any(|signal| signal.severity == Severity::Attack))
    };
    matches!(event, Event::From(_, News::Board(board)) if stands(board))
}

/// The board has figures, and the errors are over.
fn calm(event: &Event) -> bool {
    let is_calm = |board: &crate::model::board::Board| {
        let read = board.stages.iter().any(|row| row.figures.requests_per_second.value().is_some());
        let errors = |row: &crate::model::board::StageRow| {
            row.signals.iter().any(|signal| signal.kind == SignalKind::ServerErrorsHigh)
        };
        read && !board.stages.iter().any(errors)
    };
    matches!(event, Event::From(_, News::Board(board)) if is_calm(board))
}

fn press(console: &mut Console, keys: &str) {
    for c in keys.chars() {
        console.key(KeyCode::Char(c), KeyModifiers::NONE);
    }
}

pub(super) async fn planned(console: &mut Console) -> crate::model::plan::Plan {
    let mut found = None;
    console
        .until("a plan", |event| match event {
            Event::From(_, News::Plan { result: Ok(plan), .. }) => {
                found = Some((**plan).clone());
                true
            }
            Event::From(_, News::Plan { result: Err(error), .. }) => panic!("{error}"),
            _ => false,
        })
        .await;
    found.unwrap()
}

/// Types the phrase of the plan that is shown, and waits for the end.
async fn confirmed(console: &mut Console, plan: &crate::model::plan::Plan) {
    console.key(KeyCode::Enter, KeyModifiers::NONE);
    press(console, &plan.phrase());
    console.key(KeyCode::Enter, KeyModifiers::NONE);
    carried_out(console).await;
}

/// Waits until what was confirmed is done.
async fn carried_out(console: &mut Console) {
    console
        .until("the end", |event| match event {
            Event::From(_, News::Finished { result: Ok(_) }) => true,
            Event::From(_, News::Finished { result: Err(error) }) => panic!("{error}"),
            _ => false,
        })
        .await;
}

/// Blocks all that the sources propose, by keys.
async fn block_all(console: &mut Console) -> crate::model::plan::Plan {
    press(console, "s");
    console.until("sources", |event| matches!(event, Event::From(_, News::Sources { result: Ok(_), .. }))).await;
    press(console, "ab");
    console.key(KeyCode::Enter, KeyModifiers::NONE);
    let plan = planned(console).await;
    confirmed(console, &plan).await;
    plan
}

fn store(dir: &tempfile::TempDir) -> IncidentStore {
    IncidentStore::new(dir.path().join("incidents"))
}

pub(super) fn incident(dir: &tempfile::TempDir) -> Incident {
    let listed = store(dir).list().unwrap();
    assert_eq!(listed.len(), 1, "{listed:?}");
    store(dir).by_id(&listed[0].id, &session::actor("x")).unwrap()
}

/// Leaves the console, and waits until its host is gone.
pub(super) async fn left(console: Console) -> Arc<tempfile::TempDir> {
    let Console { effects, host, dir, .. } = console;
    effects.send(Effect::Quit).unwrap();
    drop(effects);
    host.await.unwrap();
    dir
}

#[tokio::test(start_paused = true)]
async fn after_a_perfect_block_and_a_restart_the_blocked_are_still_the_attack_s() {
    let range = Drill::load(Some("sqli-flood")).unwrap().range(60.0, None).unwrap();
    let mut first = console_on(Mode::Armed, range.clone(), Arc::new(tempfile::tempdir().unwrap()), Whose::Newest);
    first.until("an attack", an_attack).await;
    let plan = block_all(&mut first).await;
    let blocked: Vec<ipnet::IpNet> = plan.action.prefixes().iter().map(|target| target.net).collect();
    assert!(blocked.len() >= 40, "{}", plan.summary);
    first.until("the end of the errors", calm).await;
    first.until("a state after the block", |event| is_in(event, StageState::Contained)).await;
    let dir = left(first).await;
    let states = states(&dir);
    assert_eq!(states, ["attack", "contained"], "a line where it has changed, and none else");
    let began = incident(&dir).known().unwrap().attacks.clone();
    assert_eq!(began.len(), 1, "{began:?}");

    // Another console, which has seen no signal at all, and a command beside it.
    let mut second = console_on(Mode::Armed, range.clone(), Arc::clone(&dir), Whose::Newest);
    second.until("a calm board", calm).await;
    press(&mut second, "s");
    let mut found = None;
    second
        .until("sources", |event| match event {
            Event::From(_, News::Sources { result: Ok(sources), .. }) => {
                found = Some(Arc::clone(sources));
                true
            }
            _ => false,
        })
        .await;
    let found = found.unwrap();
    let of_the_blocked = found.sources.iter().filter(|s| blocked.iter().any(|net| net.contains(&s.address)));
    let before = of_the_blocked.clone().filter(|s| s.legitimacy == Legitimacy::SeenBefore).count();
    assert_eq!((before, of_the_blocked.count() > 0), (0, true), "none of them is a caller that belongs there");
    let session = session(&range, &dir).await;
    let selector = "shop/prod".parse().unwrap();
    assert_eq!(session.desk.attack_named(&selector).await.unwrap().as_ref(), began.first());
    assert_eq!(incident(&dir).known().unwrap().attacks, began, "nothing has moved it");
    // Whoever comes later goes on from what is written.
    let dir = left(second).await;
    let later = self::states(&dir);
    assert!(later.starts_with(&states) && later.windows(2).all(|two| two[0] != two[1]), "{later:?}");
}

/// A board on which a stage is in that state.
fn is_in(event: &Event, state: StageState) -> bool {
    matches!(event, Event::From(_, News::Board(board)) if board.stages.iter().any(|row| row.condition.state == state))
}

/// The states of the stage as they were written.
fn states(dir: &tempfile::TempDir) -> Vec<String> {
    let text = std::fs::read_to_string(incident(dir).path()).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let changed = lines.filter(|line| line["kind"] == "state-changed" && line["data"]["stage"]["stage"] == "prod");
    changed.map(|line| line["data"]["state"].as_str().unwrap().to_owned()).collect()
}

/// What a journal says of changes, but for ids, times, samples and who: kind, and what was done to what.
fn of_changes(incident: &Incident) -> Vec<Value> {
    let mut text = std::fs::read_to_string(incident.path()).unwrap();
    for history in &incident.fold().unwrap().histories {
        text = text.replace(&history.action_id, "ACTION");
    }
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines
        .filter_map(|line| {
            let data = &line["data"];
            let said = match line["kind"].as_str().unwrap() {
                "intent" => {
                    let plan = &data["plan"];
                    // The worst comes first, and what is sampled decides which that is.
                    let mut guards: Vec<_> = plan["guards"].as_array().unwrap().iter().map(|g| &g["id"]).collect();
                    guards.sort_by_key(|id| id.as_str());
                    let changes: Vec<_> = plan["changes"].as_array().unwrap().iter().map(|c| &c["added"]).collect();
                    json!([plan["purpose"]["kind"], plan["summary"], plan["calls"], guards, changes])
                }
                "call" => json!([data["operation"], data["resource"], data["phase"]]),
                "outcome" => json!([data["outcome"], data["lines"]]),
                "effect" if data["effect"] == "saved" => json!(data["effect"]),
                "refused" => {
                    let guards: Vec<_> = data["guards"].as_array().unwrap().iter().map(|g| &g["id"]).collect();
                    json!([data["summary"], guards])
                }
                "attack-began" => json!([data["stage"]["stage"]]),
                _ => return None,
            };
            Some(json!([line["kind"], said]))
        })
        .collect()
}

pub(super) fn block(targets: &[&str], lifetime: Option<u64>) -> Action {
    Action::BlockIp(BlockIp {
        stage: "shop/prod".parse().unwrap(),
        targets: targets.iter().map(|target| target.parse().unwrap()).collect(),
        ip_sets: vec![],
        terms: Terms { expires_after_seconds: lifetime, ..Terms::default() },
    })
}

/// Plans on the screen what a command plans, as a form or a mark would ask for it.
pub(super) fn ask(console: &mut Console, wish: &Wish, request: u64) {
    let ask = match wish.clone() {
        Wish::Action(action) => crate::tui::Ask::Plan { request, action },
        Wish::Undo { action_id, terms } => crate::tui::Ask::PlanUndo { request, action_id, terms },
    };
    console.effects.send(Effect::To(crate::model::connection::ConnectionId(0), ask)).unwrap();
}

/// The action in force of an incident.
fn in_force(incident: &Incident) -> String {
    incident
        .known()
        .unwrap()
        .actions
        .iter()
        .find(|a| a.state == crate::model::timeline::ActionState::InForce)
        .unwrap()
        .id
        .clone()
}

/// A block that guards stop, one that goes, and its undo: by whom, is all that differs.
#[tokio::test(start_paused = true)]
async fn the_same_wish_writes_the_same_lines_wherever_it_comes_from() {
    // Never-block: stopped.
    let stopped = Wish::Action(block(&["192.0.2.17"], None));
    // Nobody sends from there: when it expires nothing comes back, and nobody has to be asked.
    let goes = Wish::Action(block(&["198.51.100.77"], Some(600)));
    let mut journals = Vec::new();
    for by in ["screen", "command line", "playbook", "sweep"] {
        let range = Drill::load(Some("sqli-flood")).unwrap().range(60.0, None).unwrap();
        let dir = Arc::new(tempfile::tempdir().unwrap());
        let mut console = console_on(Mode::Armed, range.clone(), Arc::clone(&dir), Whose::Newest);
        console.until("an attack", an_attack).await;
        console.until("its timeline", |event| matches!(event, Event::From(_, News::Timeline(_)))).await;
        let session = session(&range, &dir).await;
        let undo = |id: String| Wish::Undo { action_id: id, terms: Terms::default() };
        if by == "screen" {
            ask(&mut console, &stopped, 90);
            planned(&mut console).await;
            for (request, wish) in [(91, goes.clone())] {
                ask(&mut console, &wish, request);
                let plan = planned(&mut console).await;
                apply(&mut console, plan).await;
            }
            ask(&mut console, &undo(in_force(&incident(&dir))), 92);
            let plan = planned(&mut console).await;
            apply(&mut console, plan).await;
        } else {
            let incident = incident(&dir);
            let library = Library::load(None);
            let (playbook, stage) = (&library.playbooks[0], session.desk.attacks().await.unwrap());
            let stage = stage.named_by(&"shop/prod".parse().unwrap()).unwrap().stage.clone();
            let now = session.aws.clock().now();
            let run = mark::begin(&incident, now, playbook, &stage, std::collections::BTreeMap::new(), false).unwrap();
            let mark = mark::Mark { incident: &incident, run_id: &run.id, step: &playbook.steps[0] };
            let step = (by == "playbook").then_some(&mark);
            let none = Confirmation { confirm: None, wait: false };
            let printer = Printer::new(crate::cli::args::Output::Text);
            let carried = carry_out(&session, &stopped, None, &none, step, printer).await.unwrap();
            assert_eq!(carried.exit, Exit::Stopped);
            done(&session, &goes, step).await;
            let id = in_force(&incident);
            if by == "sweep" {
                session.aws.clock().sleep(TimeDelta::seconds(601)).await;
                session.aws.identity(Lane::Plan).await.unwrap();
                let swept = session.desk.sweep(|_| true).await.unwrap();
                // The console beside it may have been sooner.
                assert!(swept.len() <= 1);
            } else {
                done(&session, &undo(id), step).await;
            }
        }
        let dir = left(console).await;
        journals.push((by, of_changes(&incident(&dir))));
    }
    let (_, first) = &journals[0];
    assert!(first.iter().any(|line| line[0] == "refused") && first.iter().any(|line| line[0] == "attack-began"));
    assert_eq!(first.iter().filter(|line| line[0] == "intent").count(), 2, "{first:#?}");
    for (by, journal) in &journals {
        assert_eq!(journal, first, "{by}");
    }
}

async fn apply(console: &mut Console, plan: crate::model::plan::Plan) {
    let phrase = plan.phrase();
    let ask = crate::tui::Ask::Apply { plan: Box::new(plan), phrase };
    console.effects.send(Effect::To(crate::model::connection::ConnectionId(0), ask)).unwrap();
    carried_out(console).await;
}

/// By the phrase of the plan as a command shows it.
async fn done(session: &Session, wish: &Wish, step: Option<&mark::Mark<'_>>) {
    let plan = session.desk.plan(wish).await.unwrap().plan().clone();
    let confirmation = Confirmation { confirm: Some(plan.phrase()), wait: false };
    let carried =
        carry_out(session, wish, Some(&plan), &confirmation, step, Printer::new(crate::cli::args::Output::Text))
            .await
            .unwrap();
    assert_eq!(carried.exit, Exit::Done);
}

/// Signals of a stage that is throttled throughout: consoles come and go, and none writes that anything ended.
#[tokio::test(start_paused = true)]
async fn starting_and_leaving_consoles_writes_no_signals() {
    let range = Drill::load(Some("sqli-flood")).unwrap().range(60.0, None).unwrap();
    let mut dir = Arc::new(tempfile::tempdir().unwrap());
    for start in 0..3 {
        let mut console = console_on(Mode::ReadOnly, range.clone(), dir, Whose::Newest);
        console.until("an attack", an_attack).await;
        console.until("its timeline", |event| matches!(event, Event::From(_, News::Timeline(_)))).await;
        console.until("a further board", |event| matches!(event, Event::From(_, News::Board(_)))).await;
        dir = left(console).await;
        let folded = incident(&dir).fold().unwrap();
        // What stands throughout is raised once and ends never; what comes and goes is not looked at.
        for kind in [SignalKind::ServerErrorsHigh, SignalKind::ClientErrorsHigh] {
            let of_kind: Vec<_> = folded.signals.iter().filter(|signal| signal.kind == kind).collect();
            assert_eq!(of_kind.len(), 1, "start {start}: {of_kind:#?}");
            assert_eq!(of_kind[0].ended_at, None, "start {start}");
        }
    }
    let note = Line::Note { text: "whole".to_owned() };
    incident(&dir).record(chrono::Utc::now(), &note).unwrap();
    assert!(incident(&dir).verify().unwrap().fault.is_none());
}
