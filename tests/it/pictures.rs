//! The pictures in the documentation: what the drill really shows, drawn by the code. `PORTCULLIS_BLESS=1` writes them
//! anew.
//!
//! The console's parts are driven as `portcullis drill` drives them, on paused time and the scenario's own seed, so
//! that the same code always draws the same picture.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Timelike as _, Utc};
use portcullis::aws::{Aws, Lane};
use portcullis::incident::{Event as Line, Incident};
use portcullis::model::action::Action;
use portcullis::model::belief::Beliefs;
use portcullis::model::board::Board;
use portcullis::model::connection::ConnectionId;
use portcullis::model::measure::Measures;
use portcullis::model::plan::{Finished, Plan};
use portcullis::model::signal::{Severity, SignalKind};
use portcullis::respond::confirm::Confirmed;
use portcullis::respond::execute::execute;
use portcullis::respond::guard;
use portcullis::respond::observe::observe;
use portcullis::respond::plan::plan;
use portcullis::tui::picture::{DARK, LIGHT, Paper, svg_on};
use portcullis::tui::{Ask, Effect, Mode, News, Options, Theme, TimelineView, keymap};
use portcullis::watch::{SignalChange, Watcher, signal_changes, sources};

use tokio::sync::watch::Receiver;

use super::tui_screens::Console;
use super::watch::{board_with, complete, row};
use super::world::{World, actor, flood};

const SIZE: (u16, u16) = (120, 40);
/// The drill's own speed.
const SPEED: f64 = 20.0;

fn compare(name: &str, console: &Console) {
    compare_on(DARK, name, console);
}

fn compare_on(paper: Paper, name: &str, console: &Console) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/pictures/{name}.svg"));
    let drawn = svg_on(paper, &console.buffer());
    if std::env::var_os("PORTCULLIS_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &drawn).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == drawn,
        "docs/pictures/{name}.svg is out of date; PORTCULLIS_BLESS=1 cargo test pictures writes it anew. The screen:\n{}",
        console.text()
    );
}

/// A drill under way: the range, its incident and the screen.
struct Drill {
    world: World,
    incident: Incident,
    console: Console,
    shown: Arc<Board>,
}

impl Drill {
    /// Shows a board and writes what it raises and ends to the journal, as the console's host does.
    fn show(&mut self, board: Arc<Board>) {
        let at = board.polling.read_at.unwrap_or(board.at);
        for change in signal_changes(&self.shown, &board) {
            let line = match change {
                SignalChange::Raised { stage, signal } => Line::SignalRaised { stage, signal },
                SignalChange::Ended { stage, kind, .. } => {
                    let stood = self.shown.row(&stage).and_then(|r| r.signals.iter().find(|s| s.kind == kind)).unwrap();
                    Line::SignalEnded { stage, kind, since: stood.since, peak: None }
                }
            };
            self.incident.record(at, &line).unwrap();
        }
        self.console.event(News::Board(Arc::clone(&board)).from(ConnectionId::FIRST));
        self.shown = board;
        self.journal();
    }

    fn journal(&mut self) {
        let folded = self.incident.fold().unwrap();
        self.console.timeline(TimelineView {
            attacks: folded.attacks(),
            incident: Some(self.incident.id().to_owned()),
            opened_at: Some(self.incident.opened_at()),
            entries: folded.timeline.into(),
            actions: folded.actions,
        });
    }

    fn clock(&mut self) {
        let account = self.world.aws.clock().now();
        self.console.event(News::Clock { account, rate: SPEED }.from(ConnectionId::FIRST));
    }

    /// The same in a light terminal.
    fn in_light(&mut self) {
        let light = Theme::built_in("light").unwrap();
        let options = Options::new(Mode::Drill { scenario: "sqli-flood".into() }, keymap::load(None).unwrap(), light);
        let dark = std::mem::replace(&mut self.console, Console::with(options, SIZE));
        self.console.event(News::Board(Arc::clone(&self.shown)).from(ConnectionId::FIRST));
        self.journal();
        self.clock();
        compare_on(LIGHT, "light", &self.console);
        self.console = dark;
    }

    fn effect<T>(&self, wanted: impl Fn(&Effect) -> Option<T>) -> T {
        self.console.effects.iter().rev().find_map(wanted).expect("the screen asked for it")
    }

    /// Answers the request for sources.
    async fn sources(&mut self) {
        let stage =
            self.effect(|e| if let Effect::To(_, Ask::LoadSources(stage)) = e { Some(stage.clone()) } else { None });
        let row = self.shown.row(&stage).unwrap();
        let began = row.signals.iter().filter(|s| s.severity == Severity::Attack).map(|s| s.since).min();
        let found = sources(&self.world.aws, row.web_acl_arn.as_ref().unwrap(), 1, began).await.unwrap();
        self.console.sources(found);
        self.clock();
    }

    /// Answers the request for a plan; gives the phrase that confirms it.
    async fn plan(&mut self) -> String {
        let action =
            self.effect(|e| if let Effect::To(_, Ask::Plan { action, .. }) = e { Some(action.clone()) } else { None });
        let mut plan = self.planned(&action).await.plan;
        let phrase = plan.phrase();
        // Which of the rarer kinds of resource answered in time is a race, and no part of the digest.
        for guard in plan.guards.iter_mut().filter(|guard| guard.id == guard::BLAST_RADIUS.id) {
            guard.evidence.clear();
        }
        self.console.plan(plan);
        self.clock();
        phrase
    }

    async fn planned(&self, action: &Action) -> portcullis::respond::plan::Planned {
        let signals = self.shown.stages.iter().flat_map(|row| &row.signals);
        let began = signals.filter(|s| s.severity == Severity::Attack).map(|s| s.since).min();
        plan(&self.world.aws, &self.world.settings, action, began).await.unwrap()
    }

    /// Carries out what was confirmed, at that time, and watches for its effect.
    async fn apply(&mut self, at: DateTime<Utc>) -> (Plan, Finished) {
        let (shown, phrase) = self.effect(|e| {
            if let Effect::To(_, Ask::Apply { plan, phrase }) = e { Some((plan.clone(), phrase.clone())) } else { None }
        });
        let planned = self.planned(&shown.action).await;
        wait_until(&self.world.aws, at).await;
        let confirmed = Confirmed::by_phrase(planned, &phrase).unwrap();
        let finished = execute(&self.world.aws, &self.incident, confirmed, &mut |_| {}).await.unwrap();
        self.console.event(News::Finished { result: Ok(Box::new(finished.clone())) }.from(ConnectionId::FIRST));
        let (aws, patience) = (&self.world.aws, TimeDelta::minutes(8));
        let seen =
            observe(aws, &self.incident, &finished.action_id, &shown, aws.clock().now(), patience).await.unwrap();
        assert!(seen.observed, "{:?}", seen.evidence);
        (*shown, finished)
    }
}

/// Whether a board is of a poll that belongs to the full minute: which polls come between them is a race.
fn on_the_minute(board: &Board) -> bool {
    /// Polls come so many seconds after the minute.
    const AFTER: u32 = 3;
    board.polling.read_at.is_some_and(|at| at.second() == AFTER)
}

/// Waits until the account's time is this: what a picture shows is done at a time of its own, not at that of whichever
/// answer came last.
async fn wait_until(aws: &Aws, at: DateTime<Utc>) {
    let left = (at - aws.clock().now()).to_std().unwrap_or_default();
    tokio::time::sleep(left.div_f64(SPEED)).await;
}

/// The board of the poll that belongs to a full minute and is as wanted, when every answer of that poll is in.
pub(crate) async fn settled_board(
    aws: &Aws,
    boards: &mut Receiver<Arc<Board>>,
    wanted: impl Fn(&Board) -> bool,
) -> Arc<Board> {
    /// Later than its last answer, sooner than the next poll, account time.
    const SETTLED: TimeDelta = TimeDelta::seconds(10);
    let first = board_with(boards, 60, |board| on_the_minute(board) && wanted(board)).await;
    wait_until(aws, first.polling.read_at.unwrap() + SETTLED).await;
    let last = Arc::clone(&boards.borrow());
    assert_eq!(last.polling.read_at, first.polling.read_at, "the next poll came sooner");
    last
}

fn stands(board: &Board, kind: SignalKind) -> bool {
    row(board, "shop/prod").signals.iter().any(|s| s.kind == kind && s.severity == Severity::Attack)
}

#[tokio::test(start_paused = true)]
async fn pictures() {
    let world = flood(SPEED).await;
    let start = world.range.now();
    let watcher = Watcher::start(world.aws.clone(), Arc::new(world.settings.clone()));
    let mut boards = watcher.boards();
    let calm = board_with(&mut boards, 1, complete).await;
    let identity = world.aws.identity(Lane::Plan).await.unwrap();
    let incident = world.store.create(&identity, "drill sqli-flood", start, &actor()).unwrap();
    let console = Console::new(Mode::Drill { scenario: "sqli-flood".into() }, SIZE);
    let mut drill = Drill { world, incident, console, shown: Arc::clone(&calm) };
    drill.show(calm);

    let attack = settled_board(&drill.world.aws, &mut boards, |board| {
        board.at - start > TimeDelta::minutes(5)
            && stands(board, SignalKind::ServerErrorsHigh)
            && stands(board, SignalKind::ClientErrorsHigh)
    });
    let attack = attack.await;
    let read_at = attack.polling.read_at.unwrap();
    drill.show(attack);
    drill.clock();
    compare("board", &drill.console);
    drill.in_light();

    drill.console.keys("s");
    drill.sources().await;
    drill.console.keys("a");
    compare("sources", &drill.console);

    drill.console.keys("b").enter();
    let phrase = drill.plan().await;
    compare("review", &drill.console);

    drill.console.enter().keys(&phrase).enter();
    let (shown, finished) = drill.apply(read_at + TimeDelta::seconds(40)).await;
    assert_eq!(shown.phrase(), phrase);
    drill
        .incident
        .record(drill.world.aws.clock().now(), &Line::Note { text: "Blocked the botnet; watching.".into() })
        .unwrap();

    // As the console does: what is in force is known to whoever watches.
    let folded = drill.incident.fold().unwrap();
    watcher.believe(Beliefs { attacks: folded.attacks(), measures: Measures::of(&folded.actions) });
    let done = drill.world.aws.clock().now();
    let after = settled_board(&drill.world.aws, &mut boards, |board| {
        board.at - done > TimeDelta::minutes(4) && !stands(board, SignalKind::ServerErrorsHigh)
    });
    let after = after.await;
    drill.show(after);
    drill.clock();
    assert!(drill.incident.fold().unwrap().action(&finished.action_id).is_some());
    drill.console.keys("t");
    compare("timeline", &drill.console);
}
