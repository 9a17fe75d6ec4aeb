//! Frames and updates of the console with a thousand stages on 200×60.
//!
//! A frame is everything between a change and the bytes for the terminal: layout, drawing, comparing with the last
//! frame and encoding the difference; only the write itself is left out.
#![allow(clippy::unwrap_used, missing_docs)]

use std::hint::black_box;
use std::io::Sink;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent, KeyModifiers};
use portcullis::aws::{Aws, Connection, Endpoint};
use portcullis::drill::Drill;
use portcullis::model::attack::Attacks;
use portcullis::model::belief::Beliefs;
use portcullis::model::connection::ConnectionId;
use portcullis::model::settings::Settings;
use portcullis::tui::{Ask, Effect, Event, Mode, News, Options, State, Theme, keymap, update, view};
use portcullis::watch::{read_board, stage_report};
use portcullis_benches::boards;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};

const STAGES: usize = 1_000;
const SIZE: (u16, u16) = (200, 60);

fn console() -> State {
    let options = Options::new(Mode::Armed, keymap::load(None).unwrap(), Theme::colour_blind_safe());
    let mut state = State::new(options, SIZE);
    update(&mut state, News::Board(Arc::new(boards::board(STAGES))).from(ConnectionId::FIRST));
    update(&mut state, News::Timeline(Arc::new(boards::timeline(1_000))).from(ConnectionId::FIRST));
    state
}

fn press(state: &mut State, code: KeyCode) -> Vec<Effect> {
    update(state, Event::Terminal(TerminalEvent::Key(KeyEvent::new(code, KeyModifiers::NONE))))
}

fn type_all(state: &mut State, keys: &str) -> Vec<Effect> {
    keys.chars().flat_map(|key| press(state, if key == '\r' { KeyCode::Enter } else { KeyCode::Char(key) })).collect()
}

/// As many as an answer about an access log lists.
const SOURCES: u32 = 10_000;

/// The console on the sources of an attacked stage.
fn sources() -> State {
    let mut state = console();
    let effects = type_all(&mut state, "s");
    for effect in effects {
        if let Effect::To(_, Ask::LoadSources(stage)) = effect {
            update(
                &mut state,
                News::Sources { stage, result: Ok(Arc::new(boards::sources(SOURCES))) }.from(ConnectionId::FIRST),
            );
        }
    }
    state
}

/// The same on the list of prefixes, every source marked.
fn prefixes() -> State {
    let mut state = sources();
    type_all(&mut state, "A");
    press(&mut state, KeyCode::Tab);
    state
}

/// The console on a stage under attack, in depth, as a drill's account answers.
fn depth() -> State {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let range = Drill::load(None).unwrap().range(1.0, None).unwrap();
        tokio::time::sleep(Duration::from_mins(7)).await;
        let aws =
            Aws::connect(&Connection { endpoint: Endpoint::Range(range), ..Connection::default() }).await.unwrap();
        let settings = Settings::default();
        let board = read_board(&aws, &settings, &Beliefs::default()).await.unwrap();
        let worst = board.stages.iter().max_by_key(|row| row.signals.len()).unwrap();
        let report = stage_report(&aws, &settings, (&worst.id, worst.kind), &Attacks::default()).await;
        let options = Options::new(Mode::Armed, keymap::load(None).unwrap(), Theme::colour_blind_safe());
        let mut state = State::new(options, SIZE);
        update(&mut state, News::Board(Arc::new(board)).from(ConnectionId::FIRST));
        type_all(&mut state, "\r");
        update(&mut state, News::Stage(Arc::new(report)).from(ConnectionId::FIRST));
        state
    })
}

/// The console with a plan of five hundred addresses under review.
fn review() -> State {
    let mut state = sources();
    let effects = type_all(&mut state, "Ab\r");
    for effect in effects {
        if let Effect::To(_, Ask::Plan { request, .. }) = effect {
            update(
                &mut state,
                News::Plan { request, result: Ok(Box::new(boards::plan(500))) }.from(ConnectionId::FIRST),
            );
        }
    }
    state
}

fn screen(keys: &str) -> State {
    let mut state = console();
    type_all(&mut state, keys);
    state
}

fn terminal() -> Terminal<CrosstermBackend<Sink>> {
    let viewport = Viewport::Fixed(Rect::new(0, 0, SIZE.0, SIZE.1));
    Terminal::with_options(CrosstermBackend::new(std::io::sink()), TerminalOptions { viewport }).unwrap()
}

/// Two frames that have little in common, in turns: the whole screen changes with every one.
fn whole_frames(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("frame, whole screen new");
    let empty = State::new(
        Options::new(Mode::Armed, keymap::load(None).unwrap(), Theme::colour_blind_safe()),
        (SIZE.0, SIZE.1),
    );
    let screens = vec![
        ("board", console()),
        ("stage", screen("\r")),
        ("stage in depth", depth()),
        ("sources", sources()),
        ("prefixes", prefixes()),
        ("review", review()),
        ("timeline", screen("t")),
        ("help", screen("?")),
    ];
    for (name, state) in &screens {
        group.bench_function(*name, |bencher| {
            bencher.iter_batched_ref(
                || {
                    let mut terminal = terminal();
                    terminal.draw(|frame| view(&empty, frame)).unwrap();
                    terminal
                },
                |terminal| {
                    terminal.draw(|frame| view(black_box(state), frame)).unwrap();
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

/// A key that moves everything, and the frame after it: what holding a key down costs.
fn keys(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("key and its frame");
    for (name, there, back) in [
        ("board, line down and up", KeyCode::Down, KeyCode::Up),
        ("board, page down and up", KeyCode::PageDown, KeyCode::PageUp),
        ("board, last and first", KeyCode::End, KeyCode::Home),
    ] {
        group.bench_function(name, |bencher| {
            let (mut state, mut terminal, mut down) = (console(), terminal(), false);
            bencher.iter(|| {
                down = !down;
                press(&mut state, if down { there } else { back });
                terminal.draw(|frame| view(&state, frame)).unwrap();
            });
        });
    }
    group.finish();
}

fn updates(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("update");
    let board = Arc::new(boards::board(STAGES));
    group.bench_function("a new board, sorted by the worst", |bencher| {
        let mut state = console();
        bencher.iter(|| update(&mut state, News::Board(Arc::clone(&board)).from(ConnectionId::FIRST)));
    });
    group.bench_function("a new board, filtered", |bencher| {
        let mut state = screen("/client-errors\r");
        bencher.iter(|| update(&mut state, News::Board(Arc::clone(&board)).from(ConnectionId::FIRST)));
    });
    group.bench_function("a mark among ten thousand sources", |bencher| {
        let mut state = sources();
        bencher.iter(|| press(&mut state, KeyCode::Char(' ')));
    });
    group.bench_function("sort by the next column", |bencher| {
        let mut state = console();
        bencher.iter(|| press(&mut state, KeyCode::Char('o')));
    });
    group.bench_function("a letter typed into the palette, and taken back", |bencher| {
        let mut state = screen(":service-0");
        let mut typed = false;
        bencher.iter(|| {
            typed = !typed;
            press(&mut state, if typed { KeyCode::Char('1') } else { KeyCode::Backspace })
        });
    });
    group.bench_function("a letter typed into the filter, and taken back", |bencher| {
        let mut state = screen("/service-0");
        let mut typed = false;
        bencher.iter(|| {
            typed = !typed;
            press(&mut state, if typed { KeyCode::Char('1') } else { KeyCode::Backspace })
        });
    });
    group.finish();
}

criterion_group!(benches, whole_frames, keys, updates);
criterion_main!(benches);
