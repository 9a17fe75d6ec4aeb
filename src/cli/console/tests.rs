#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
//! The screen and the host together, without a terminal: keys in, calls at the range out.

mod calm;
mod closures;
mod desk;
mod fleet;
mod next;
mod two_readings;

use std::sync::Arc;

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent, KeyModifiers};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::*;
use crate::aws::RangeHandle;
use crate::draws::draws;
use crate::incident::IncidentStore;
use crate::respond::desk::books::Whose;
use crate::tui::{Effect, Event, News, State, update};

struct Console {
    state: State,
    events: UnboundedReceiver<Event>,
    effects: UnboundedSender<Effect>,
    range: RangeHandle,
    dir: Arc<tempfile::TempDir>,
    host: tokio::task::JoinHandle<Vec<Left>>,
}

fn console(mode: Mode, rate: f64) -> Console {
    let range = Drill::load(Some("sqli-flood")).unwrap().range(rate, None).unwrap();
    console_on(mode, range, Arc::new(tempfile::tempdir().unwrap()), Whose::Own("drill".to_owned()))
}

/// A console on a range that is there, with its incidents in `dir`.
fn console_on(mode: Mode, range: RangeHandle, dir: Arc<tempfile::TempDir>, whose: Whose) -> Console {
    let settings = Drill::load(Some("sqli-flood")).unwrap().settings.clone();
    console_with(mode, range, dir, whose, settings)
}

/// The same, with settings of its own.
fn console_with(
    mode: Mode,
    range: RangeHandle,
    dir: Arc<tempfile::TempDir>,
    whose: Whose,
    settings: crate::model::settings::Settings,
) -> Console {
    let surroundings = Surroundings {
        settings: Arc::new(settings),
        store: IncidentStore::new(dir.path().join("incidents")),
        whose,
        may_write: mode.may_apply(),
        exports: dir.path().to_owned(),
        playbooks: crate::playbook::Library::load(None).playbooks.into(),
    };
    let (event_sender, events) = unbounded_channel();
    let (effects, effect_receiver) = unbounded_channel();
    let connection = Connection { endpoint: Endpoint::Range(range.clone()), ..Connection::default() };
    let connect = async move { Ok((connection, None)) };
    let connects = vec![(String::new(), connect)];
    let host = tokio::spawn(Host::run(surroundings, connects, event_sender, effect_receiver));
    let mut options = Options::new(mode, crate::tui::keymap::load(None).unwrap(), Theme::plain());
    options.playbooks = crate::playbook::Library::load(None).playbooks.into();
    Console { state: State::new(options, (120, 40)), events, effects, range, dir, host }
}

impl Console {
    fn send(&mut self, event: Event) {
        for effect in update(&mut self.state, event) {
            // The monkey must not leave: it has keys to press yet.
            if effect != Effect::Quit {
                self.effects.send(effect).unwrap();
            }
        }
    }

    fn key(&mut self, code: KeyCode, modifiers: KeyModifiers) {
        self.send(Event::Terminal(TerminalEvent::Key(KeyEvent::new(code, modifiers))));
    }

    /// Takes in what has happened meanwhile.
    fn catch_up(&mut self) -> Vec<Event> {
        let mut seen = Vec::new();
        while let Ok(event) = self.events.try_recv() {
            seen.push(event.clone());
            self.send(event);
        }
        seen
    }

    async fn until(&mut self, what: &str, mut found: impl FnMut(&Event) -> bool) {
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_mins(10);
        loop {
            let wait = tokio::time::timeout_at(deadline, self.events.recv()).await;
            let event = wait.unwrap_or_else(|_| panic!("never: {what}")).expect("the host is there");
            let is_it = found(&event);
            self.send(event);
            if is_it {
                return;
            }
        }
    }

    fn changes(&self) -> Vec<String> {
        self.range.with(|range| range.calls().iter().filter(|c| c.mutating).map(|c| c.operation.clone()).collect())
    }
}

/// A small generator of its own: the sequence of keys must be the same on every machine.
struct Keys(u64);

impl Keys {
    fn next(&mut self) -> (KeyCode, KeyModifiers) {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let n = (self.0 >> 33) as u32;
        let code = match n % 20 {
            0..=3 => KeyCode::Enter,
            4 => KeyCode::Esc,
            5 => KeyCode::Tab,
            6 => KeyCode::Up,
            7 | 8 => KeyCode::Down,
            9 => KeyCode::Backspace,
            _ => KeyCode::Char(char::from(b' ' + u8::try_from((n >> 5) % 95).unwrap())),
        };
        let control = if n.is_multiple_of(37) { KeyModifiers::CONTROL } else { KeyModifiers::NONE };
        (code, control)
    }
}

#[tokio::test(start_paused = true)]
async fn random_keys_on_an_unarmed_console_change_nothing() {
    let mut console = console(Mode::ReadOnly, 60.0);
    console
        .until("a board with stages", |e| matches!(e, Event::From(_, News::Board(board)) if !board.stages.is_empty()))
        .await;
    let mut keys = Keys(7);
    let (mut plans, mut sources) = (0, 0);
    for n in 0..draws(20_000u32) {
        let (code, modifiers) = keys.next();
        console.key(code, modifiers);
        if n % 500 == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            for event in console.catch_up() {
                match event {
                    Event::From(_, News::Plan { result: Ok(_), .. }) => plans += 1,
                    Event::From(_, News::Sources { result: Ok(_), .. }) => sources += 1,
                    _ => {}
                }
            }
        }
    }
    assert_eq!(console.changes(), Vec::<String>::new());
    assert!(plans > 0 && sources > 0, "the monkey went nowhere: {plans} plans, {sources} sources");
}

#[tokio::test(start_paused = true)]
async fn an_armed_console_blocks_after_the_phrase_and_not_before() {
    let mut console = console(Mode::Armed, 60.0);
    console
        .until(
            "an attack",
            |e| matches!(e, Event::From(_, News::Board(b)) if b.stages.iter().any(|s| !s.signals.is_empty())),
        )
        .await;
    let press = |console: &mut Console, keys: &str| {
        for c in keys.chars() {
            console.key(KeyCode::Char(c), KeyModifiers::NONE);
        }
    };
    press(&mut console, "s");
    console.until("sources", |e| matches!(e, Event::From(_, News::Sources { result: Ok(_), .. }))).await;
    press(&mut console, "ab");
    console.key(KeyCode::Enter, KeyModifiers::NONE);
    let mut phrase = None;
    console
        .until("a plan", |e| match e {
            Event::From(_, News::Plan { result: Ok(plan), .. }) => {
                phrase = Some(plan.phrase());
                true
            }
            Event::From(_, News::Plan { result: Err(error), .. }) => panic!("{error}"),
            _ => false,
        })
        .await;
    console.key(KeyCode::Enter, KeyModifiers::NONE);
    press(&mut console, "shop/prod 0000");
    console.key(KeyCode::Enter, KeyModifiers::NONE);
    assert_eq!(console.changes(), Vec::<String>::new(), "a wrong phrase changes nothing");
    console.key(KeyCode::Char('u'), KeyModifiers::CONTROL);
    press(&mut console, &phrase.unwrap());
    console.key(KeyCode::Enter, KeyModifiers::NONE);
    console
        .until("the end", |e| match e {
            Event::From(_, News::Finished { result: Ok(finished) }) => {
                finished.outcome == crate::model::plan::Outcome::Done
            }
            Event::From(_, News::Finished { result: Err(error) }) => panic!("{error}"),
            _ => false,
        })
        .await;
    assert_eq!(console.changes(), ["UpdateIPSet", "UpdateIPSet"]);
    console
        .until(
            "the effect",
            |e| matches!(e, Event::From(_, News::Progress { line }) if line.contains("observed: WAF was seen")),
        )
        .await;
}

/// A playbook by keys: notes ticked off, the block planned, confirmed and seen to work, each in the journal before the
/// screen says so.
#[tokio::test(start_paused = true)]
async fn a_playbook_is_done_step_by_step_from_the_screen() {
    use crate::model::playbook::{RunRecord, StepState};
    let mut console = console(Mode::Armed, 60.0);
    console
        .until(
            "an attack",
            |e| matches!(e, Event::From(_, News::Board(b)) if b.stages.iter().any(|s| !s.signals.is_empty())),
        )
        .await;
    let step = |id: &'static str, state: StepState| {
        move |e: &Event| {
            let is_it = |run: &RunRecord| run.step(id).is_some_and(|known| known.state == state);
            matches!(e, Event::From(_, News::Runs(runs)) if runs.iter().any(is_it))
        }
    };
    let enter = |console: &mut Console| console.key(KeyCode::Enter, KeyModifiers::NONE);
    console.key(KeyCode::Char('p'), KeyModifiers::NONE);
    enter(&mut console);
    enter(&mut console);
    console.until("the note", step("look", StepState::Read)).await;
    // The cursor has gone on to the block by itself.
    enter(&mut console);
    let mut phrase = None;
    console
        .until("a plan", |e| match e {
            Event::From(_, News::Plan { result: Ok(plan), .. }) => {
                phrase = Some(plan.phrase());
                true
            }
            Event::From(_, News::Plan { result: Err(error), .. }) => panic!("{error}"),
            _ => false,
        })
        .await;
    assert_eq!(console.changes(), Vec::<String>::new(), "a plan changes nothing");
    enter(&mut console);
    for c in phrase.unwrap().chars() {
        console.key(KeyCode::Char(c), KeyModifiers::NONE);
    }
    enter(&mut console);
    console.until("the block", step("block", StepState::Done)).await;
    assert_eq!(console.changes(), ["UpdateIPSet", "UpdateIPSet"]);
    console.key(KeyCode::Esc, KeyModifiers::NONE);
    enter(&mut console);
    console.until("the observation", step("works", StepState::Observed)).await;
    enter(&mut console);
    console.until("the recovery", step("recovered", StepState::Observed)).await;
    for optional in ["leaks", "moved"] {
        console.key(KeyCode::Char('s'), KeyModifiers::NONE);
        console.until("what is left out", step(optional, StepState::Skipped)).await;
    }
    enter(&mut console);
    console.until("the end", step("after", StepState::Read)).await;
}
