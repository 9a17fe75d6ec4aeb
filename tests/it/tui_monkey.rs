//! Random keys, news and sizes: nothing panics, and a console that may not write never asks for a write.

use std::sync::Arc;

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent, KeyModifiers};
use portcullis::model::connection::ConnectionId;
use portcullis::model::plan::Purpose;
use portcullis::tui::{Ask, Effect, Event, Mode, News, State};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::draws::draws;
use super::tui_fixtures as fixtures;
use super::tui_screens::Console;

/// A small generator of our own (xorshift64*): the same seed presses the same keys on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % sides
    }

    fn size(&mut self) -> (u16, u16) {
        let (columns, lines) = match self.roll(8) {
            0 => (self.roll(60), self.roll(15)),
            1 => (150 + self.roll(60), 40 + self.roll(30)),
            _ => (60 + self.roll(60), 15 + self.roll(25)),
        };
        (u16::try_from(columns).unwrap().max(1), u16::try_from(lines).unwrap().max(1))
    }

    fn key(&mut self) -> KeyEvent {
        const LIKELY: [char; 28] = [
            'p', 'i', 's', 's', 'a', 'A', 'b', 'b', 'o', 'O', 'r', 't', 'u', 'x', 'X', 'n', '/', '?', 'j', 'k', 'g',
            'G', 'c', ' ', 'q', '4', 'h', 'ß',
        ];
        let code = match self.roll(12) {
            0..=4 => KeyCode::Char(LIKELY[usize::try_from(self.roll(28)).unwrap()]),
            5 | 6 => KeyCode::Enter,
            7 => KeyCode::Esc,
            8 => {
                [KeyCode::Up, KeyCode::Down, KeyCode::PageUp, KeyCode::PageDown][usize::try_from(self.roll(4)).unwrap()]
            }
            9 => [KeyCode::Home, KeyCode::End, KeyCode::Backspace, KeyCode::Delete]
                [usize::try_from(self.roll(4)).unwrap()],
            10 => KeyCode::Char(char::from(u8::try_from(32 + self.roll(95)).unwrap())),
            _ => KeyCode::F(u8::try_from(1 + self.roll(12)).unwrap()),
        };
        let modifiers = match self.roll(12) {
            0 => KeyModifiers::CONTROL,
            1 => KeyModifiers::ALT,
            2 => KeyModifiers::SHIFT,
            _ => KeyModifiers::NONE,
        };
        KeyEvent::new(code, modifiers)
    }
}

fn proposals(stage: &portcullis::model::stage::StageId, ok: bool) -> Event {
    let result = if ok { Ok(Box::new(fixtures::proposals(stage))) } else { Err(fixtures::HOSTILE.to_owned()) };
    News::Proposals { stage: stage.clone(), result }.from(ConnectionId::FIRST)
}

/// What the outside might answer.
fn answer(dice: &mut Dice, effect: &Effect) -> Option<Event> {
    let ok = dice.roll(4) > 0;
    let why = || fixtures::HOSTILE.to_owned();
    Some(match effect {
        Effect::To(_, Ask::LoadSources(stage)) => News::Sources {
            stage: stage.clone(),
            result: if ok {
                Ok(Arc::new(if dice.roll(2) == 0 { fixtures::sources() } else { fixtures::hostile_sources() }))
            } else {
                Err(why())
            },
        }
        .from(ConnectionId::FIRST),
        Effect::To(_, Ask::LoadNext(stage)) => proposals(stage, ok),
        Effect::To(_, Ask::LoadLadder(stage)) if dice.roll(2) == 0 => proposals(stage, ok),
        Effect::To(_, Ask::LoadLadder(stage)) => News::Ladder {
            stage: stage.clone(),
            result: if ok { Ok(Box::new(fixtures::ladder(stage))) } else { Err(why()) },
        }
        .from(ConnectionId::FIRST),
        Effect::To(_, Ask::Plan { request, .. }) => {
            let plans = [fixtures::plan_pass, fixtures::plan_warn, fixtures::plan_stop, fixtures::plan_firm];
            let plan = plans[usize::try_from(dice.roll(4)).unwrap()]();
            News::Plan { request: *request, result: if ok { Ok(Box::new(plan)) } else { Err(why()) } }
                .from(ConnectionId::FIRST)
        }
        Effect::To(_, Ask::PlanStep { request, .. }) => {
            News::Plan { request: *request, result: if ok { Ok(Box::new(fixtures::plan_warn())) } else { Err(why()) } }
                .from(ConnectionId::FIRST)
        }
        Effect::To(_, Ask::PlanUndo { request, .. }) => {
            News::Plan { request: *request, result: Ok(Box::new(fixtures::plan_undo())) }.from(ConnectionId::FIRST)
        }
        Effect::To(_, Ask::Apply { .. } | Ask::ApplyStep { .. }) => {
            News::Finished { result: if ok { Ok(Box::new(fixtures::finished())) } else { Err(why()) } }
                .from(ConnectionId::FIRST)
        }
        Effect::To(_, Ask::ObserveStep(_) | Ask::EndStep { .. }) if ok => {
            News::Runs(fixtures::runs()).from(ConnectionId::FIRST)
        }
        Effect::To(_, Ask::Extend { .. } | Ask::ObserveStep(_) | Ask::EndStep { .. }) => {
            News::Progress { line: why() }.from(ConnectionId::FIRST)
        }
        Effect::To(_, Ask::Note(_)) => {
            News::Noted { result: if ok { Ok(()) } else { Err(why()) } }.from(ConnectionId::FIRST)
        }
        Effect::To(_, Ask::Export(_)) => {
            News::Exported { result: if ok { Ok("timeline.md".into()) } else { Err(why()) } }.from(ConnectionId::FIRST)
        }
        Effect::To(_, Ask::ConfirmationOpen(_) | Ask::LookAt(_) | Ask::LoadStage(_)) | Effect::Quit => return None,
    })
}

fn news(dice: &mut Dice) -> Event {
    match dice.roll(7) {
        5 => News::Runs(fixtures::runs()).from(ConnectionId::FIRST),
        0 => News::Board(Arc::new(fixtures::calm())).from(ConnectionId::FIRST),
        1 => News::Board(Arc::new(fixtures::attack())).from(ConnectionId::FIRST),
        2 => News::Board(Arc::new(fixtures::hostile_board())).from(ConnectionId::FIRST),
        3 => News::Board(Arc::new(portcullis::model::board::Board::empty(fixtures::now()))).from(ConnectionId::FIRST),
        4 => News::Timeline(Arc::new(fixtures::timeline())).from(ConnectionId::FIRST),
        _ => Event::Terminal(TerminalEvent::Paste("shop/prod 7f3a\n".into())),
    }
}

/// Presses `keys` random keys and hands every effect to `look`; types the right phrase now and then.
fn monkey(seed: u64, mode: Mode, keys: usize, mut look: impl FnMut(&State, &Effect)) {
    let mut dice = Dice(seed);
    let mut console = Console::new(mode, (80, 24));
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    let mut confirmed = false;
    for n in 0..keys {
        let before = console.effects.len();
        if std::mem::take(&mut confirmed) {
            console.keys("shop/prod 7f3a").enter();
        }
        console.event(Event::Terminal(TerminalEvent::Key(dice.key())));
        if n % 23 == 0 {
            let news = news(&mut dice);
            console.event(news);
        }
        if dice.roll(10) == 0 {
            let (columns, lines) = dice.size();
            console.resize(columns, lines);
            terminal.backend_mut().resize(columns, lines);
        }
        let effects: Vec<Effect> = console.effects.drain(before..).collect();
        for effect in &effects {
            look(&console.state, effect);
            if *effect == Effect::To(ConnectionId::FIRST, Ask::ConfirmationOpen(true)) && dice.roll(2) == 0 {
                confirmed = true;
            }
            if let Some(answer) = answer(&mut dice, effect) {
                console.event(answer);
            }
        }
        terminal.draw(|frame| portcullis::tui::view(&console.state, frame)).unwrap();
    }
}

#[test]
fn random_keys_on_a_read_only_console_write_nothing() {
    let mut plans = 0;
    let keys = draws(5_000);
    monkey(7, Mode::ReadOnly, keys, |_, effect| {
        assert!(!matches!(effect, Effect::To(_, Ask::Apply { .. } | Ask::ApplyStep { .. })), "{effect:?}");
        assert_ne!(*effect, Effect::To(ConnectionId::FIRST, Ask::ConfirmationOpen(true)));
        plans += usize::from(matches!(effect, Effect::To(_, Ask::Plan { .. })));
    });
    assert!(plans > keys / 1_000, "the monkey got as far as plans, {plans} times");
}

#[test]
fn an_armed_console_only_applies_what_was_confirmed() {
    let mut applied = 0;
    monkey(11, Mode::Armed, draws(12_000), |_, effect| {
        if let Effect::To(_, Ask::Apply { plan, phrase } | Ask::ApplyStep { plan, phrase, .. }) = effect {
            applied += 1;
            assert_eq!(*phrase, plan.phrase());
            assert_eq!(plan.halting().count(), 0);
            assert_eq!(plan.purpose, Purpose::Apply, "the undo's phrase is another");
        }
    });
    assert!(applied > 0, "the monkey confirmed something");
}
