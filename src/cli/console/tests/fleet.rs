//! Several accounts at once: one that hangs holds up neither the others nor a key, and none is changed in another's
//! place.

use std::time::{Duration, Instant};

use portcullis_range::{Fault, When};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;
use crate::aws::RangeHandle;
use crate::model::connection::ConnectionId;
use crate::tui::{Ask, Target};

/// What a frame and its key may take at the most in a debug build on a busy machine; what is looked for is a wait of
/// seconds.
const SOON: Duration = Duration::from_millis(250);

struct Fleet {
    state: State,
    events: UnboundedReceiver<Event>,
    effects: UnboundedSender<Effect>,
    ranges: Vec<RangeHandle>,
    slowest: Duration,
    _dir: tempfile::TempDir,
}

/// Consoles of `sqli-flood`, one for each name; the ranges of those that are the same account are one.
fn fleet(names: &[&str], ranges: Vec<RangeHandle>, mode: Mode) -> Fleet {
    let drill = Drill::load(Some("sqli-flood")).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let surroundings = Surroundings {
        settings: Arc::new(drill.settings.clone()),
        store: IncidentStore::new(dir.path().join("incidents")),
        whose: Whose::Newest,
        may_write: mode.may_apply(),
        exports: dir.path().to_owned(),
        playbooks: crate::playbook::Library::load(None).playbooks.into(),
    };
    let connect = |(name, range): (&&str, &RangeHandle)| {
        let endpoint = Endpoint::Range(range.clone());
        let connection = Connection { endpoint, ..Connection::default() };
        ((*name).to_owned(), async move { Ok((connection, None)) })
    };
    let connects = names.iter().zip(&ranges).map(connect).collect();
    let (event_sender, events) = unbounded_channel();
    let (effects, effect_receiver) = unbounded_channel();
    tokio::spawn(Host::run(surroundings, connects, event_sender, effect_receiver));
    let mut options = Options::new(mode, crate::tui::keymap::load(None).unwrap(), Theme::plain());
    let target = |name: &&str| Target { name: (*name).into(), words: (*name).into(), prefix: format!("{name}:") };
    options.targets = names.iter().map(target).collect();
    Fleet { state: State::new(options, (160, 50)), events, effects, ranges, slowest: Duration::ZERO, _dir: dir }
}

/// `sqli-flood` in a region of its own.
fn range(region: &str) -> RangeHandle {
    let text = include_str!("../../../../drills/sqli-flood.toml");
    let moved = text.replace("region = \"eu-central-1\"", &format!("region = \"{region}\""));
    assert_ne!(text, moved);
    RangeHandle::new(portcullis_range::Range::from_scenario(&moved, None).unwrap(), 1.0)
}

impl Fleet {
    fn send(&mut self, event: Event) {
        for effect in update(&mut self.state, event) {
            self.effects.send(effect).unwrap();
        }
    }

    /// Takes what happens until it is what is looked for; a key is pressed and a frame drawn after everything that
    /// happens.
    async fn until(&mut self, what: &str, mut found: impl FnMut(&Event) -> bool) {
        let deadline = tokio::time::Instant::now() + Duration::from_mins(10);
        loop {
            let wait = tokio::time::timeout_at(deadline, self.events.recv()).await;
            let event = wait.unwrap_or_else(|_| panic!("never: {what}\n{}", self.text())).expect("the host is there");
            let is_it = found(&event);
            self.send(event);
            self.key('j');
            if is_it {
                return;
            }
        }
    }

    /// A key and its frame, timed by the clock on the wall: tokio's is paused.
    fn key(&mut self, key: char) {
        let began = Instant::now();
        self.send(Event::Terminal(TerminalEvent::Key(KeyEvent::new(KeyCode::Char(key), KeyModifiers::NONE))));
        self.text();
        self.slowest = self.slowest.max(began.elapsed());
    }

    fn text(&self) -> String {
        let mut terminal = Terminal::new(TestBackend::new(160, 50)).unwrap();
        terminal.draw(|frame| tui::view(&self.state, frame)).unwrap();
        terminal.backend().to_string()
    }

    fn changes(&self, n: usize) -> usize {
        self.ranges[n].with(|range| range.calls().iter().filter(|call| call.mutating).count())
    }
}

fn from(n: usize) -> impl Fn(&Event) -> Option<&News> {
    move |event| match event {
        Event::From(ConnectionId(at), news) if *at == n => Some(news),
        _ => None,
    }
}

/// A board with figures of this connection, read later than the last one seen.
fn later(n: usize) -> impl FnMut(&Event) -> bool {
    let mut last = None;
    move |event| match from(n)(event) {
        Some(News::Board(board)) if board.polling.read_at.is_some() => {
            last.replace(board.polling.read_at).is_some_and(|last| last < board.polling.read_at)
        }
        _ => false,
    }
}

#[tokio::test(start_paused = true)]
async fn one_of_three_regions_hangs_and_the_others_stay_live() {
    let ranges = ["eu-west-1", "us-east-1", "eu-north-1"].map(range).into();
    let mut fleet = fleet(&["eu-west-1", "us-east-1", "eu-north-1"], ranges, Mode::Armed);
    fleet.ranges[1].with(|range| range.faults().add("*", "*", When::Always, Fault::Hang));
    fleet.until("fresh figures of the first", later(0)).await;
    fleet.until("fresh figures of the third", later(2)).await;
    let told = |event: &Event| matches!(from(1)(event), Some(News::Board(b)) if b.polling.trouble.is_some());
    fleet.until("trouble of the second", told).await;
    let text = fleet.text();
    assert!(text.contains("TROUBLE us-east-1, no figures: "), "{text}");
    for live in ["eu-west-1", "eu-north-1"] {
        assert!(text.lines().any(|line| line.contains(live) && line.contains("shop/prod")), "{live}\n{text}");
        assert!(!text.contains(&format!("TROUBLE {live}")), "{text}");
    }
    assert!(fleet.slowest < SOON, "a key waited {:?}", fleet.slowest);
    // Figures that were there grow old in their own rows, and in no others.
    let hang = |range: &mut portcullis_range::Range| range.faults().add("*", "*", When::Always, Fault::Hang);
    fleet.ranges[2].with(hang);
    for _ in 0..5 {
        fleet.until("fresh figures of the first", later(0)).await;
    }
    let text = fleet.text();
    assert!(text.lines().any(|line| line.contains("eu-north-1 ") && line.contains(" old") && line.contains("shop/")));
    assert!(text.lines().all(|line| !line.contains("eu-west-1 ") || !line.contains("m old")), "{text}");
    fleet.ranges[1].with(|range| range.faults().clear());
    fleet.until("figures of the second", later(1)).await;
    assert!(fleet.slowest < SOON, "a key waited {:?}", fleet.slowest);
}

#[tokio::test(start_paused = true)]
async fn an_account_that_is_silent_for_five_seconds_is_said_to_be() {
    let mut fleet = fleet(&["eu-west-1", "us-east-1"], ["eu-west-1", "us-east-1"].map(range).into(), Mode::ReadOnly);
    fleet.ranges[1].with(|range| range.faults().add("*", "*", When::Always, Fault::Hang));
    let began = tokio::time::Instant::now();
    let told = |event: &Event| matches!(from(1)(event), Some(News::Board(b)) if b.polling.trouble.is_some());
    fleet.until("trouble of the second", told).await;
    let after = began.elapsed();
    // The call's own time limit is twelve.
    assert!((Duration::from_secs(5)..Duration::from_secs(8)).contains(&after), "{after:?}");
    let text = fleet.text();
    assert!(text.contains("TROUBLE us-east-1, no figures: ") && text.contains("5 s so far"), "{text}");
    fleet.ranges[1].with(|range| range.faults().clear());
    // It was waited for all the same.
    let heard = |event: &Event| matches!(from(1)(event), Some(News::Board(b)) if b.identity.is_some() && b.polling.trouble.is_none());
    fleet.until("the second's account", heard).await;
}

#[tokio::test(start_paused = true)]
async fn two_names_for_one_account_and_region_write_through_one_of_them() {
    let one = range("eu-west-1");
    let mut fleet = fleet(&["ops", "dev"], vec![one.clone(), one], Mode::Armed);
    let mut same = None;
    fleet
        .until("what is the same", |event| {
            if let Event::From(at, News::SameAs(other)) = event {
                same = Some((*at, *other));
            }
            same.is_some()
        })
        .await;
    let (twin, writer) = same.unwrap();
    assert_ne!(twin, writer);
    fleet.until("figures of the twin", later(twin.0)).await;
    // Whatever the screen asks of it, it refuses.
    let asks = [Ask::Note("x".into()), Ask::Extend { action_id: "a".into(), expires_after_seconds: None }];
    for ask in asks {
        fleet.effects.send(Effect::To(twin, ask)).unwrap();
    }
    let refused = |event: &Event| match from(twin.0)(event) {
        Some(News::Progress { line }) => line.contains("the same account and region"),
        _ => false,
    };
    fleet.until("a refusal", refused).await;
    assert_eq!(fleet.changes(0), 0);
}

#[tokio::test(start_paused = true)]
async fn a_plan_of_one_account_is_not_carried_out_in_another() {
    let mut fleet = fleet(&["eu-west-1", "us-east-1"], ["eu-west-1", "us-east-1"].map(range).into(), Mode::Armed);
    fleet.until("figures of both", later(0)).await;
    fleet.until("figures of both", later(1)).await;
    let stage = match fleet.state.selected() {
        Some(row) => row.id.clone(),
        None => panic!("{}", fleet.text()),
    };
    let action = crate::model::action::Action::FlushCache(crate::model::action::FlushCache {
        stage: format!("{}/{}", stage.api_id, stage.stage).parse().unwrap(),
        authorizers: true,
        terms: crate::model::action::Terms::default(),
    });
    fleet.effects.send(Effect::To(ConnectionId(0), Ask::Plan { request: 1, action })).unwrap();
    let mut plan = None;
    fleet
        .until("a plan of the first", |event| {
            if let Some(News::Plan { result, .. }) = from(0)(event) {
                plan = Some(result.clone().unwrap());
            }
            plan.is_some()
        })
        .await;
    let plan = plan.unwrap();
    let phrase = plan.phrase();
    fleet.effects.send(Effect::To(ConnectionId(1), Ask::Apply { plan, phrase })).unwrap();
    let refused = |event: &Event| match from(1)(event) {
        Some(News::Finished { result: Err(why) }) => why.contains("this connection is to"),
        _ => false,
    };
    fleet.until("a refusal by the second", refused).await;
    assert_eq!((fleet.changes(0), fleet.changes(1)), (0, 0));
}
