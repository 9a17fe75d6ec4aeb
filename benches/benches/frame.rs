//! Frames and updates of the console with a thousand stages on 200×60.
//!
//! A frame is everything between a change and the bytes for the terminal: layout, drawing, comparing with the last frame and
//! encoding the difference; only the write itself is left out.
#![allow(clippy::unwrap_used, missing_docs)]

use std::hint::black_box;
use std::io::Sink;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent, KeyModifiers};
use portcullis::model::connection::ConnectionId;
use portcullis::tui::{Ask, Effect, Event, Mode, News, Options, State, Theme, keymap, update, view};
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

/// The console on the sources of an attacked stage.
fn sources() -> State {
    let mut state = console();
    let effects = type_all(&mut state, "s");
    for effect in effects {
        if let Effect::To(_, Ask::LoadSources(stage)) = effect {
            update(
                &mut state,
                News::Sources { stage, result: Ok(Arc::new(boards::sources(500))) }.from(ConnectionId::FIRST),
            );
        }
    }
    state
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
    let screens = [
        ("board", console()),
        ("stage", screen("\r")),
        ("sources", sources()),
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
    group.bench_function("sort by the next column", |bencher| {
        let mut state = console();
        bencher.iter(|| press(&mut state, KeyCode::Char('o')));
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
