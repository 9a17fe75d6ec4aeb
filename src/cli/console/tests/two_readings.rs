//! Two screens of one incident whose figures tell different beginnings: what is pinned counts for both, and each shows
//! its own reading.

use chrono::{DateTime, Utc};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::desk::{ask, block, incident, left, planned, session};
use super::*;
use crate::model::attack::RestsOn;
use crate::model::settings::Settings;
use crate::model::stage::StageSelector;
use crate::respond::desk::Wish;
use crate::respond::desk::belief::Told;

/// `sqli-flood`, whose flood takes eight minutes to be at its height.
fn rising() -> RangeHandle {
    let text = include_str!("../../../../drills/sqli-flood.toml");
    let slow = text.replace("ramp = \"20s\"", "ramp = \"8m\"");
    assert_ne!(text, slow);
    RangeHandle::new(portcullis_range::Range::from_scenario(&slow, None).unwrap(), 60.0)
}

fn alert() -> Settings {
    Drill::load(Some("sqli-flood")).unwrap().settings.clone()
}

/// Settings by which the same flood is seen minutes later.
fn slow() -> Settings {
    let mut settings = alert();
    let signals = &mut settings.signals;
    // 4XX come at once, 5XX when the database gives way.
    (signals.client_errors_notice, signals.client_errors_attack) = (0.98, 0.99);
    (signals.server_errors_notice, signals.server_errors_attack) = (0.10, 0.15);
    settings
}

impl Console {
    fn text(&self) -> String {
        let mut terminal = Terminal::new(TestBackend::new(120, 40)).unwrap();
        terminal.draw(|frame| crate::tui::view(&self.state, frame)).unwrap();
        terminal.backend().to_string()
    }

    /// Takes what comes until the screen shows it; gives what the screen shows then.
    async fn shows(&mut self, what: &str, shown: impl Fn(&str) -> bool) -> String {
        for _ in 0..300 {
            let text = self.text();
            if shown(&text) {
                return text;
            }
            let changes_it = |event: &Event| matches!(event, Event::From(_, News::Board(_) | News::Timeline(_)));
            self.until(what, changes_it).await;
        }
        panic!("never: {what}\n{}", self.text());
    }

    /// Opens the stage that is attacked, once it is shown to be.
    async fn opens_the_attacked(&mut self) -> String {
        self.shows("an attack", |text| text.contains("ATTACK")).await;
        self.key(KeyCode::Enter, KeyModifiers::NONE);
        self.shows("its beginning", |text| text.contains("BEGAN ")).await
    }
}

fn minute(at: DateTime<Utc>) -> String {
    at.format("%H:%MZ").to_string()
}

/// The plan of one block, as this screen makes it.
async fn plan(console: &mut Console, request: u64) -> crate::model::plan::Plan {
    ask(console, &Wish::Action(block(&["203.0.113.7"], Some(600))), request);
    planned(console).await
}

fn told(plan: &crate::model::plan::Plan) -> String {
    let told: Vec<String> = plan.guards.iter().map(|guard| format!("{}: {}", guard.id, guard.reason)).collect();
    told.join("\n")
}

#[tokio::test(start_paused = true)]
async fn the_first_beginning_counts_for_both_and_each_shows_its_own() {
    let range = rising();
    let dir = Arc::new(tempfile::tempdir().unwrap());
    let mut first = console_with(Mode::Armed, range.clone(), Arc::clone(&dir), Whose::Newest, alert());
    let text = first.opens_the_attacked().await;
    let pinned = incident(&dir).known().unwrap().attacks.clone();
    assert_eq!(pinned.len(), 1, "{pinned:?}");
    let began = minute(pinned[0].began);
    assert!(text.contains(&format!("BEGAN   {began} by the signal")) && !text.contains("here it looks like"), "{text}");

    let mut second = console_with(Mode::Armed, range.clone(), Arc::clone(&dir), Whose::Newest, slow());
    second.opens_the_attacked().await;
    let text = second.shows("its own reading", |text| text.contains("here it looks like")).await;
    let own = second.state.selected().unwrap().attack_since().unwrap();
    assert!(own > pinned[0].began, "{own} {pinned:?}");
    assert!(text.contains(&format!("BEGAN   {began} by the signal")), "{text}");
    assert!(text.contains(&format!("here it looks like {}", minute(own))), "{text}");
    assert_eq!(incident(&dir).known().unwrap().attacks, pinned, "nothing has moved it");

    // Both plan by what is pinned.
    let at = pinned[0].began.format("began at %H:%M").to_string();
    for (request, console) in [(70, &mut first), (71, &mut second)] {
        let plan = plan(console, request).await;
        assert!(told(&plan).contains(&at), "{}", told(&plan));
    }

    // One of them starts again, and believes the same.
    let dir = left(second).await;
    let mut second = console_with(Mode::Armed, range.clone(), dir, Whose::Newest, slow());
    second.opens_the_attacked().await;
    let text = second.shows("its own reading", |text| text.contains("here it looks like")).await;
    assert!(text.contains(&format!("BEGAN   {began} by the signal")), "{text}");
    assert_eq!(incident(&second.dir).known().unwrap().attacks, pinned, "nothing has moved it");

    // A person knows better: that moves both, and the plans of both.
    let session = session(&range, &second.dir).await;
    let earlier = pinned[0].began - chrono::TimeDelta::minutes(10);
    let stage = session.desk.attack_named(&"shop/prod".parse::<StageSelector>().unwrap()).await.unwrap().unwrap().stage;
    let (said, ..) = session.desk.attack_began(&stage, earlier, None).await.unwrap();
    assert_eq!(said, Told::Corrected(pinned[0].began));
    let corrected = format!("BEGAN   {} by a responder, corrected", minute(earlier));
    for (request, console) in [(80, &mut first), (81, &mut second)] {
        console.shows("the correction", |text| text.contains(&corrected)).await;
        let plan = plan(console, request).await;
        let rests_on = |one: &crate::model::plan::Precondition| one.expected.contains("by a responder, corrected");
        assert!(plan.preconditions.iter().any(rests_on), "{:?}", plan.preconditions);
    }
    let known = incident(&second.dir).known().unwrap();
    assert_eq!((known.attacks.len(), known.attacks[0].rests_on), (1, RestsOn::Person));
}
