//! What a console makes of closures whose time is over: whoever consented is believed, and nobody else is asked for
//! nothing.

use super::desk::{incident, session};
use super::*;
use crate::model::action::{Action, Close, Closure, Reopening, Terms};
use crate::model::signal::Severity;
use crate::model::timeline::{ActionRecord, ActionState};
use crate::respond::desk::{Desk, Wish};
use portcullis_range::{Fault, When};

/// Twenty minutes into the drill the flood is over, for good.
const GIVES_UP: &str = "start = \"2m\"\nstop = \"20m\"\n";
/// The same, and it comes back sixteen minutes later.
const PULSES: &str = "start = \"2m\"\npulse = { on = \"18m\", off = \"16m\" }\n";

/// A console that watches `sqli-flood` with such a flood, the stage closed to everybody for a minute while it is
/// attacked; what becomes of that was consented to.
async fn closed(flood: &str, reopen: Reopening) -> Console {
    let text = include_str!("../../../../drills/sqli-flood.toml");
    let at = text.find("name = \"botnet\"").unwrap();
    let text = [&text[..at], &text[at..].replacen("start = \"2m\"\n", flood, 1)].concat();
    let range = RangeHandle::new(portcullis_range::Range::from_scenario(&text, None).unwrap(), 60.0);
    let dir = Arc::new(tempfile::tempdir().unwrap());
    let mut console = console_on(Mode::Armed, range, dir, Whose::Newest);
    let attacked = |row: &crate::model::board::StageRow| row.signals.iter().any(|s| s.severity == Severity::Attack);
    console.until("an attack", |e| matches!(e, Event::From(_, News::Board(b)) if b.stages.iter().any(attacked))).await;
    let session = session(&console.range, &console.dir).await;
    let reason = Some("the database burns".to_owned());
    let terms = Terms { expires_after_seconds: Some(60), reopen, reason, ..Terms::default() };
    let stage = "shop/prod".parse().unwrap();
    let close = Action::Close(Close { stage, by: Closure::ThrottleZero, web_acl: None, again: None, terms });
    let proposal = session.desk.plan(&Wish::Action(close)).await.unwrap();
    let shown = proposal.plan().clone();
    let agreed = Desk::agreed(proposal, &shown.phrase(), Some(&shown)).unwrap();
    session.desk.carry_out(agreed, None, &mut |_| {}).await.unwrap();
    console
}

fn closures(console: &Console) -> Vec<ActionRecord> {
    let actions = incident(&console.dir).known().unwrap().actions.clone();
    actions.into_iter().filter(|one| one.action.is_closure()).collect()
}

/// What is asked or said of it within so many minutes, each once.
async fn within(console: &mut Console, minutes: u64) -> Vec<String> {
    let mut told: Vec<String> = Vec::new();
    for _ in 0..minutes {
        // At sixty times real time, on a clock that stands still but for this.
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        for event in console.catch_up() {
            let line = match event {
                Event::From(_, News::Asks { line }) => format!("ASKS {line}"),
                Event::From(_, News::Progress { line }) => line,
                _ => continue,
            };
            if !told.contains(&line) {
                told.push(line);
            }
        }
    }
    told
}

fn asks(told: &[String]) -> bool {
    told.iter().any(|line| line.starts_with("ASKS "))
}

#[tokio::test(start_paused = true)]
async fn a_console_reopens_what_nobody_knocks_at_where_that_was_consented_to() {
    let mut console = Box::pin(closed(GIVES_UP, Reopening::WhenQuiet)).await;
    let told = within(&mut console, 12).await;
    assert!(asks(&told), "it waits, and says so once: {told:#?}");
    assert_eq!(closures(&console)[0].state, ActionState::InForce, "they knock on");
    let told = within(&mut console, 30).await;
    assert_eq!(closures(&console)[0].state, ActionState::Undone, "{told:#?}");
    assert!(told.iter().any(|line| line.contains("undone")), "{told:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_console_asks_where_nobody_consented_however_quiet_it_is() {
    let mut console = Box::pin(closed(GIVES_UP, Reopening::Ask)).await;
    let told = within(&mut console, 45).await;
    assert!(asks(&told) && told.iter().any(|line| line.contains("portcullis undo")), "{told:#?}");
    let all = closures(&console);
    assert_eq!((all.len(), all[0].state), (1, ActionState::InForce), "{told:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_console_closes_again_once_where_the_attackers_pulse_and_that_was_consented_to() {
    for (reopen, expected) in [(Reopening::WhenQuiet, 1), (Reopening::WhenQuietCloseAgain, 2)] {
        let mut console = Box::pin(closed(PULSES, reopen)).await;
        // Two pulses more than it may close for.
        let told = within(&mut console, 120).await;
        let all = closures(&console);
        assert_eq!(all.len(), expected, "{reopen:?}: {told:#?}");
        assert_eq!(all[0].state, ActionState::Undone, "{reopen:?}: {told:#?}");
        let again = all.iter().filter(|one| matches!(&one.action, Action::Close(close) if close.again.is_some()));
        assert_eq!(again.count(), expected - 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_console_that_cannot_tell_keeps_it_closed_and_asks() {
    let mut console = Box::pin(closed(GIVES_UP, Reopening::WhenQuiet)).await;
    console.range.with(|range| range.faults().add("cloudwatch", "GetMetricData", When::Always, Fault::Deny));
    let told = within(&mut console, 45).await;
    assert!(asks(&told), "{told:#?}");
    assert_eq!(closures(&console)[0].state, ActionState::InForce, "{told:#?}");
}
