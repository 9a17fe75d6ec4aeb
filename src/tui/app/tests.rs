#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent, KeyModifiers};
use tokio::time::{advance, sleep};

use std::time::Duration;

use chrono::DateTime;

use super::*;
use crate::model::board::Board;
use crate::model::connection::ConnectionId;
use crate::tui::effect::Ask;
use crate::tui::event::News;
use crate::tui::keymap::load;
use crate::tui::mode::Mode;
use crate::tui::theme::Theme;
use crate::tui::timeline_view::TimelineView;

/// When each frame was drawn.
#[derive(Clone, Default)]
struct Frames(Rc<RefCell<Vec<Instant>>>);

impl Canvas for Frames {
    fn frame(&mut self, _: &State, _: bool) -> io::Result<()> {
        self.0.borrow_mut().push(Instant::now());
        Ok(())
    }

    fn ring(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn copy(&mut self, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn size(&self) -> Option<(u16, u16)> {
        Some((80, 24))
    }

    fn suspend(&mut self, _: bool) -> io::Result<()> {
        Ok(())
    }

    fn resume(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct World {
    events: mpsc::UnboundedSender<Event>,
    keys: mpsc::UnboundedSender<Event>,
    effects: mpsc::UnboundedReceiver<Effect>,
    frames: Frames,
}

impl World {
    fn press(&self, c: char) {
        let key = KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE);
        self.keys.send(Event::Terminal(TerminalEvent::Key(key))).unwrap();
    }

    fn drawn(&self) -> usize {
        self.frames.0.borrow().len()
    }
}

/// Runs the loop on paused time beside `script`, which sees frames and effects and presses keys.
async fn beside<F: Future<Output = ()>>(script: impl FnOnce(World) -> F) -> Exit {
    let (events, events_in) = mpsc::unbounded_channel();
    let (effects_out, effects) = mpsc::unbounded_channel();
    let (keys, keys_in) = mpsc::unbounded_channel();
    let frames = Frames::default();
    let mut canvas = frames.clone();
    let options = Options::new(Mode::ReadOnly, load(None).unwrap(), Theme::plain());
    let state = State::new(options, (80, 24));
    let keyboard = Keyboard::of(keys_in);
    let signals = Signals::listen().unwrap();
    let world = World { events, keys, effects, frames };
    let run = drive(state, &mut canvas, keyboard, signals, events_in, effects_out);
    let (exit, ()) = tokio::join!(run, script(world));
    exit.unwrap()
}

fn board() -> Event {
    News::Board(Arc::new(Board::empty(DateTime::UNIX_EPOCH))).from(ConnectionId::FIRST)
}

#[tokio::test(start_paused = true)]
async fn the_first_frame_needs_no_event_and_an_idle_console_draws_no_other() {
    let exit = beside(|world| async move {
        sleep(Duration::from_hours(1)).await;
        assert_eq!(world.drawn(), 1);
        world.press('q');
    })
    .await;
    assert_eq!(exit, Exit::Asked);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_news_is_one_frame() {
    beside(|world| async move {
        sleep(Duration::from_secs(1)).await;
        for _ in 0..500 {
            world.events.send(board()).unwrap();
        }
        sleep(Duration::from_secs(1)).await;
        assert_eq!(world.drawn(), 2);
        world.press('q');
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_burst_of_news_does_not_use_up_what_may_follow_at_once() {
    beside(|world| async move {
        for _ in 0..8 {
            world.events.send(board()).unwrap();
            sleep(Duration::from_millis(1)).await;
        }
        sleep(pacing::GATHER).await;
        assert_eq!(world.drawn(), 2, "the first frame, all of the news");
        world.press('q');
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_key_takes_the_news_that_waits_along() {
    beside(|world| async move {
        sleep(Duration::from_secs(1)).await;
        world.events.send(board()).unwrap();
        sleep(Duration::from_millis(2)).await;
        world.press('?');
        sleep(Duration::from_millis(1)).await;
        assert_eq!(world.drawn(), 2, "the first frame, the key with the news");
        sleep(Duration::from_secs(1)).await;
        assert_eq!(world.drawn(), 2);
        world.press('q');
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn thirty_frames_a_second_are_the_most() {
    beside(|world| async move {
        for _ in 0..1_000 {
            world.events.send(board()).unwrap();
            sleep(Duration::from_millis(1)).await;
        }
        let drawn = world.drawn();
        assert!((28..=32).contains(&drawn), "{drawn} frames");
        world.press('q');
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_key_does_not_wait_because_news_came_a_moment_before() {
    beside(|world| async move {
        sleep(Duration::from_secs(1)).await;
        world.events.send(board()).unwrap();
        sleep(pacing::GATHER + Duration::from_millis(2)).await;
        let pressed = Instant::now();
        world.press('?');
        sleep(Duration::from_millis(2)).await;
        assert_eq!(world.drawn(), 3, "the first frame, the news, the key");
        assert!(*world.frames.0.borrow().last().unwrap() - pressed <= Duration::from_millis(2));
        world.press('q');
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_key_is_shown_at_once_while_nothing_is_answered() {
    beside(|mut world| async move {
        sleep(Duration::from_secs(1)).await;
        let pressed = Instant::now();
        world.press('n');
        world.press('x');
        world
            .keys
            .send(Event::Terminal(TerminalEvent::Key(KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE))))
            .unwrap();
        assert_eq!(world.effects.recv().await, Some(Effect::To(ConnectionId::FIRST, Ask::Note("x".into()))));
        sleep(Duration::from_millis(1)).await;
        let last = *world.frames.0.borrow().last().unwrap();
        assert!(last - pressed < Duration::from_millis(50));
        world.press('q');
        assert_eq!(world.effects.recv().await, Some(Effect::Quit));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_incidents_clock_turns_by_itself_and_only_once_a_minute() {
    beside(|world| async move {
        world.events.send(News::Clock { account: DateTime::UNIX_EPOCH, rate: 1.0 }.from(ConnectionId::FIRST)).unwrap();
        let view = TimelineView {
            incident: Some("one".into()),
            opened_at: Some(DateTime::UNIX_EPOCH),
            ..TimelineView::default()
        };
        world.events.send(News::Timeline(Arc::new(view)).from(ConnectionId::FIRST)).unwrap();
        sleep(Duration::from_secs(1)).await;
        let before = world.drawn();
        sleep(Duration::from_mins(10)).await;
        let turned = world.drawn() - before;
        assert!((9..=11).contains(&turned), "{turned} frames in ten minutes");
        world.press('q');
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_terminal_that_is_gone_ends_the_console() {
    let exit = beside(|world| async move {
        // Whole: events must not end first.
        let world = world;
        drop(world.keys);
        advance(Duration::from_millis(1)).await;
    })
    .await;
    assert_eq!(exit, Exit::Stopped(StopReason::Hangup));
}
