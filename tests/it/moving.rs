//! The moving picture at the top of the README: the drill from calm to contained, as it is played. `PORTCULLIS_BLESS=1`
//! writes it anew.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use crossterm::event::{KeyCode, KeyModifiers};
use portcullis::model::board::Board;
use portcullis::model::condition::{StageState, Sureness};
use portcullis::model::connection::ConnectionId;
use portcullis::model::plan::Outcome;
use portcullis::respond::desk::{Desk, Wish};
use portcullis::respond::guard;
use portcullis::tui::picture::{DARK, Paper, moving, svg_on};
use portcullis::tui::{Ask, Effect, Mode, News, TimelineView};
use ratatui::buffer::Buffer;

use crate::conditions::Story;
use crate::pictures::settled_board;
use crate::proposals::proposed;
use crate::tui_screens::Console;
use crate::watch::{complete, row};

const SIZE: (u16, u16) = (110, 34);
/// The most that a README should make its reader load, bytes.
const MOST: usize = 1_000_000;

/// The drill's own speed.
const SPEED: f64 = 20.0;

const STAGE: &str = "shop/prod";

/// The drill, the screen, and what was filmed.
struct Film {
    story: Story,
    console: Console,
    frames: Vec<(Buffer, Duration)>,
}

impl Film {
    async fn new() -> Self {
        let story = Story::at("sqli-flood", STAGE, SPEED).await;
        let mode = Mode::Drill { scenario: "sqli-flood".into() };
        Self { story, console: Console::new(mode, SIZE), frames: Vec::new() }
    }

    /// The board of the poll that belongs to the full minute, where the attacked stage stands so.
    async fn on_the_minute(&mut self, met: impl Fn(&Board) -> bool) -> Arc<Board> {
        settled_board(&self.story.world.aws, &mut self.story.boards, met).await
    }

    fn shoot(&mut self, millis: u64) {
        self.frames.push((self.console.buffer(), Duration::from_millis(millis)));
    }

    fn show(&mut self, board: &Arc<Board>) {
        self.console.event(News::Board(Arc::clone(board)).from(ConnectionId::FIRST));
        let account = self.story.world.aws.clock().now();
        self.console.event(News::Clock { account, rate: SPEED }.from(ConnectionId::FIRST));
    }

    /// Answers what the first lines, or a key, have asked of what would help.
    async fn propose(&mut self) {
        let found = Box::pin(proposed(&mut self.story, STAGE)).await;
        let stage = row(&self.story.boards.borrow().clone(), STAGE).id.clone();
        self.console.event(News::Proposals { stage, result: Ok(Box::new(found)) }.from(ConnectionId::FIRST));
    }

    /// Answers the request for a plan with what the desk plans.
    async fn plan(&mut self) {
        let Some(Effect::To(_, Ask::Plan { request, action })) = self.console.effects.last().cloned() else {
            panic!("{:?}", self.console.effects.last())
        };
        let mut plan = self.story.desk.plan(&Wish::Action(action)).await.unwrap().plan().clone();
        // Which of the rarer kinds of resource answered in time is a race.
        for guard in plan.guards.iter_mut().filter(|guard| guard.id == guard::BLAST_RADIUS.id) {
            guard.evidence.clear();
        }
        self.console.event(News::Plan { request, result: Ok(Box::new(plan)) }.from(ConnectionId::FIRST));
    }

    /// Carries out what was confirmed, by the desk and its own reading of it.
    async fn carry_out(&mut self) {
        let confirmed = self.console.effects.iter().rev().find_map(|effect| match effect {
            Effect::To(_, Ask::Apply { plan, .. }) => Some(plan.action.clone()),
            _ => None,
        });
        let action = confirmed.expect("it was confirmed");
        let proposal = self.story.desk.plan(&Wish::Action(action)).await.unwrap();
        let phrase = proposal.plan().phrase();
        let agreed = Desk::agreed(proposal, &phrase, None).unwrap();
        let carried = self.story.desk.carry_out(agreed, None, &mut |_| {}).await.unwrap();
        assert_eq!(carried.finished.outcome, Outcome::Done);
        self.story.believe().await;
        let mut finished = carried.finished.clone();
        // Drawn at random.
        finished.action_id = "a1b2c3".into();
        finished.run_id.clone_from(&finished.action_id);
        self.console.timeline(TimelineView::default());
        self.console.event(News::Finished { result: Ok(Box::new(finished)) }.from(ConnectionId::FIRST));
    }
}

fn compare(name: &str, drawn: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/pictures/{name}.svg"));
    if std::env::var_os("PORTCULLIS_BLESS").is_some() {
        std::fs::write(&path, drawn).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    let file = path.file_name().unwrap().to_string_lossy().into_owned();
    assert!(
        written == *drawn,
        "docs/pictures/{file} is out of date; PORTCULLIS_BLESS=1 cargo test moving writes it anew"
    );
}

#[tokio::test(start_paused = true)]
async fn moving_pictures() {
    let paper: Paper = DARK;
    let mut film = Film::new().await;
    let began = film.story.world.range.now();
    // Not the first one: which of its figures came first is a race.
    let calm = film.on_the_minute(|board| complete(board) && board.at - began > TimeDelta::seconds(45)).await;
    film.show(&calm);
    film.shoot(2_500);
    compare("calm", &svg_on(paper, &film.console.buffer()));

    let stands =
        |board: &Board| row(board, STAGE).condition.state == StageState::Attack && row(board, STAGE).usuals.is_some();
    let attack = film.on_the_minute(|board| stands(board) && board.at - began > TimeDelta::minutes(5)).await;
    film.show(&attack);
    film.shoot(2_000);
    let attack = film.on_the_minute(|board| stands(board) && board.at - began > TimeDelta::minutes(8)).await;
    film.show(&attack);
    film.shoot(1_500);
    film.propose().await;
    film.shoot(5_000);
    compare("attack", &svg_on(paper, &film.console.buffer()));
    film.console.keys(":thr");
    compare("palette", &svg_on(paper, &film.console.buffer()));
    film.console.esc();

    film.console.keys("b");
    film.shoot(2_500);
    film.console.enter();
    film.shoot(700);
    film.plan().await;
    film.shoot(5_000);
    compare("plan", &svg_on(paper, &film.console.buffer()));
    film.console.enter();
    film.shoot(1_500);
    let phrase: String =
        film.console.text().lines().find_map(|line| Some(line.split_once("type:  ")?.1.to_owned())).unwrap();
    let phrase: String = phrase.chars().take_while(char::is_ascii_alphanumeric).collect();
    assert_eq!(phrase.len(), 4, "{}", film.console.text());
    for letter in phrase.chars() {
        film.console.keys(&letter.to_string());
        film.shoot(350);
    }
    film.console.enter();
    film.shoot(800);
    film.carry_out().await;
    film.shoot(3_500);
    film.console.esc();
    while film.console.state.screen() != portcullis::tui::Screen::Board {
        film.console.code(KeyCode::Esc, KeyModifiers::NONE);
    }
    let contained = film.on_the_minute(|board| row(board, STAGE).condition.state == StageState::Contained).await;
    film.show(&contained);
    film.shoot(3_000);
    let is_firm = |board: &Board| {
        let condition = &row(board, STAGE).condition;
        condition.state == StageState::Contained && condition.sureness == Sureness::Firm
    };
    let firm = film.on_the_minute(is_firm).await;
    film.show(&firm);
    film.propose().await;
    film.shoot(6_000);
    compare("contained", &svg_on(paper, &film.console.buffer()));

    let drawn = moving(paper, &film.frames);
    assert!(drawn.len() < MOST, "{} bytes", drawn.len());
    compare("moving", &drawn);
}
