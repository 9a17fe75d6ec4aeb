//! What the screens look like, at three sizes, from hand-made boards.

use std::sync::Arc;

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent, KeyModifiers};
use portcullis::model::board::Board;
use portcullis::model::connection::ConnectionId;
use portcullis::model::plan::Plan;
use portcullis::model::stage::StageId;
use portcullis::model::stage_report::StageReport;
use portcullis::tui::{Ask, Effect, Event, Mode, News, Options, State, Theme, TimelineView, keymap, update, view};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;

use super::tui_fixtures as fixtures;

pub(crate) const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];

/// A console on a test backend.
pub(crate) struct Console {
    pub(crate) state: State,
    pub(crate) effects: Vec<Effect>,
    /// What was asked of the stage that is open.
    pub(crate) looks: Vec<Effect>,
    pub(crate) size: (u16, u16),
}

impl Console {
    pub(crate) fn new(mode: Mode, size: (u16, u16)) -> Self {
        let mut options = Options::new(mode, keymap::load(None).unwrap(), Theme::colour_blind_safe());
        options.playbooks = portcullis::playbook::Library::load(None).playbooks.into();
        Self::with(options, size)
    }

    pub(crate) fn with(options: Options, size: (u16, u16)) -> Self {
        Self { state: State::new(options, size), effects: Vec::new(), looks: Vec::new(), size }
    }

    pub(crate) fn armed(size: (u16, u16)) -> Self {
        Self::new(Mode::Armed, size)
    }

    pub(crate) fn event(&mut self, event: Event) -> &mut Self {
        // Which stage is looked at is told beside everything else, and tested by itself.
        let (looks, others): (Vec<Effect>, Vec<Effect>) = update(&mut self.state, event)
            .into_iter()
            .partition(|effect| matches!(effect.ask(), Some(Ask::LookAt(_) | Ask::LoadStage(_))));
        self.looks.extend(looks);
        self.effects.extend(others);
        self
    }

    pub(crate) fn board(&mut self, board: Board) -> &mut Self {
        self.event(News::Board(Arc::new(board)).from(ConnectionId::FIRST))
    }

    pub(crate) fn timeline(&mut self, timeline: TimelineView) -> &mut Self {
        self.event(News::Timeline(Arc::new(timeline)).from(ConnectionId::FIRST))
    }

    pub(crate) fn code(&mut self, code: KeyCode, modifiers: KeyModifiers) -> &mut Self {
        self.event(Event::Terminal(TerminalEvent::Key(KeyEvent::new(code, modifiers))))
    }

    /// Presses the keys of `text`, one by one; capitals with shift, as terminals send them.
    pub(crate) fn keys(&mut self, text: &str) -> &mut Self {
        for c in text.chars() {
            let shift = if c.is_uppercase() { KeyModifiers::SHIFT } else { KeyModifiers::NONE };
            self.code(KeyCode::Char(c), shift);
        }
        self
    }

    pub(crate) fn enter(&mut self) -> &mut Self {
        self.code(KeyCode::Enter, KeyModifiers::NONE)
    }

    pub(crate) fn esc(&mut self) -> &mut Self {
        self.code(KeyCode::Esc, KeyModifiers::NONE)
    }

    pub(crate) fn resize(&mut self, columns: u16, lines: u16) -> &mut Self {
        self.size = (columns, lines);
        self.event(Event::Terminal(TerminalEvent::Resize(columns, lines)))
    }

    /// Answers the request for the open stage in depth.
    pub(crate) fn depth(&mut self, report: impl Fn(StageId) -> StageReport) -> &mut Self {
        let asked = self.looks.iter().rev().find_map(|effect| match effect {
            Effect::To(at, Ask::LoadStage(stage)) => Some((*at, stage.clone())),
            _ => None,
        });
        let (at, stage) = asked.expect("a stage was asked for");
        self.event(News::Stage(Arc::new(report(stage))).from(at))
    }

    /// Answers the last request for sources.
    pub(crate) fn sources(&mut self, sources: portcullis::model::source::Sources) -> &mut Self {
        let stage = self
            .effects
            .iter()
            .rev()
            .find_map(|e| match e {
                Effect::To(_, Ask::LoadSources(stage)) => Some(stage.clone()),
                _ => None,
            })
            .expect("sources were asked for");
        self.event(News::Sources { stage, result: Ok(Arc::new(sources)) }.from(ConnectionId::FIRST))
    }

    pub(crate) fn last_request(&self) -> u64 {
        self.effects
            .iter()
            .rev()
            .find_map(|e| match e {
                Effect::To(
                    _,
                    Ask::Plan { request, .. } | Ask::PlanUndo { request, .. } | Ask::PlanStep { request, .. },
                ) => Some(*request),
                _ => None,
            })
            .expect("a plan was asked for")
    }

    /// Answers the last request for a plan.
    pub(crate) fn plan(&mut self, plan: Plan) -> &mut Self {
        let request = self.last_request();
        self.event(News::Plan { request, result: Ok(Box::new(plan)) }.from(ConnectionId::FIRST))
    }

    pub(crate) fn buffer(&self) -> Buffer {
        let mut terminal = Terminal::new(TestBackend::new(self.size.0, self.size.1)).unwrap();
        terminal.draw(|frame| view(&self.state, frame)).unwrap();
        terminal.backend().buffer().clone()
    }

    /// The screen as text, trailing blanks cut.
    pub(crate) fn text(&self) -> String {
        let buffer = self.buffer();
        let mut out = String::new();
        for y in 0..buffer.area.height {
            let mut line = String::new();
            let mut x = 0;
            while x < buffer.area.width {
                let symbol = buffer[(x, y)].symbol();
                line.push_str(symbol);
                x += u16::try_from(unicode_width::UnicodeWidthStr::width(symbol)).unwrap().max(1);
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }

    /// The board, the attack, and the sources of the stage under attack, marked and about to be blocked.
    pub(crate) fn reviewing(size: (u16, u16), mode: Mode, plan: Plan) -> Self {
        let mut console = Self::new(mode, size);
        console.board(fixtures::attack()).keys("s").sources(fixtures::sources()).keys("ab").enter();
        console.plan(plan);
        console
    }
}

fn drill() -> Mode {
    Mode::Drill { scenario: "sqli-flood".into() }
}

/// One snapshot a size.
fn snapshots(name: &str, make: impl Fn((u16, u16)) -> Console) {
    for size in SIZES {
        let console = make(size);
        insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), console.text());
    }
}

#[test]
fn first_frame() {
    snapshots("first_frame", |size| Console::new(Mode::ReadOnly, size));
}

#[test]
fn calm() {
    snapshots("calm", |size| {
        let mut console = Console::new(Mode::ReadOnly, size);
        console.board(fixtures::calm());
        console
    });
}

#[test]
fn attack() {
    snapshots("attack", |size| {
        let mut console = Console::new(drill(), size);
        console.board(fixtures::drill()).timeline(fixtures::timeline());
        console
    });
}

#[test]
fn unknown() {
    snapshots("unknown", |size| {
        let mut console = Console::armed(size);
        console.board(fixtures::unknowns()).keys("j");
        console
    });
}

#[test]
fn stale_and_in_trouble() {
    snapshots("trouble", |size| {
        let mut console = Console::armed(size);
        console.board(fixtures::trouble());
        console
    });
}

#[test]
fn stage_detail() {
    snapshots("stage", |size| {
        let mut console = Console::armed(size);
        console.board(fixtures::attack()).timeline(fixtures::timeline()).enter().depth(fixtures::report);
        console
    });
}

#[test]
fn sources() {
    snapshots("sources", |size| {
        let mut console = Console::armed(size);
        console.board(fixtures::attack()).keys("s").sources(fixtures::sources()).keys("a");
        console
    });
}

#[test]
fn duration() {
    snapshots("duration", |size| {
        let mut console = Console::armed(size);
        console.board(fixtures::attack()).keys("s").sources(fixtures::sources()).keys("ab");
        console
    });
}

#[test]
fn plan_that_passes() {
    snapshots("plan_pass", |size| Console::reviewing(size, Mode::Armed, fixtures::plan_pass()));
}

#[test]
fn plan_with_a_warning() {
    snapshots("plan_warn", |size| Console::reviewing(size, drill(), fixtures::plan_warn()));
}

#[test]
fn plan_that_is_stopped() {
    snapshots("plan_stop", |size| Console::reviewing(size, Mode::Armed, fixtures::plan_stop()));
}

#[test]
fn plan_on_a_read_only_console() {
    snapshots("read_only", |size| Console::reviewing(size, Mode::ReadOnly, fixtures::plan_warn()));
}

#[test]
fn confirmation() {
    snapshots("confirmation", |size| {
        let mut console = Console::reviewing(size, Mode::Armed, fixtures::plan_warn());
        console.enter().keys("7f");
        console
    });
}

#[test]
fn wrong_phrase() {
    snapshots("wrong_phrase", |size| {
        let mut console = Console::reviewing(size, Mode::Armed, fixtures::plan_warn());
        console.enter().keys("0000").enter();
        console
    });
}

#[test]
fn after_it_was_done() {
    snapshots("done", |size| {
        let mut console = Console::reviewing(size, Mode::Armed, fixtures::plan_warn());
        console.enter().keys("shop/prod 7f3a").enter();
        console.event(News::Progress { line: "writing the intent to the journal".into() }.from(ConnectionId::FIRST));
        console.event(News::Finished { result: Ok(Box::new(fixtures::finished())) }.from(ConnectionId::FIRST));
        console
    });
}

#[test]
fn timeline() {
    snapshots("timeline", |size| {
        let mut console = Console::armed(size);
        console.board(fixtures::attack()).timeline(fixtures::timeline()).keys("t");
        console
    });
}

#[test]
fn undo_plan() {
    snapshots("undo", |size| {
        let mut console = Console::armed(size);
        console.board(fixtures::attack()).timeline(fixtures::timeline()).keys("tju");
        console.plan(fixtures::plan_undo());
        console
    });
}

#[test]
fn help() {
    snapshots("help", |size| {
        let mut console = Console::armed(size);
        console.board(fixtures::attack()).keys("?");
        console
    });
}

#[test]
fn too_small() {
    let mut console = Console::armed((40, 10));
    console.board(fixtures::attack());
    insta::assert_snapshot!("too_small_40x10", console.text());
}
