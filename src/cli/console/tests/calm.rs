//! What an attack is written to where the incident on the screen has been calm for long.

use chrono::TimeDelta;
use tokio::sync::mpsc::unbounded_channel;

use super::super::incident::Journalling;
use super::super::only_writer::Writers;
use super::super::surroundings::Teller;
use super::*;
use crate::aws::{Aws, Lane};
use crate::model::connection::ConnectionId;
use crate::respond::desk::Desk;
use crate::respond::desk::books::{Books, ByCommand, Whose};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    Newest,
    Named,
    /// The newest, of which somebody says that it goes on: takes the next step of a run in it.
    GoesOn,
    Own,
}

/// The incident on the screen was opened thirteen hours before: its id, and those that a note and then an attack are
/// written to.
async fn after_a_calm_night(which: Which) -> (String, String, String, Vec<News>) {
    let range = Drill::load(Some("sqli-flood")).unwrap().range(1.0, None).unwrap();
    let connection = Connection { endpoint: Endpoint::Range(range.clone()), ..Connection::default() };
    let aws = Aws::connect(&connection).await.unwrap();
    let identity = aws.identity(Lane::Plan).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let store = IncidentStore::new(dir.path());
    let actor = crate::cli::session::actor("arn");
    let calm = store.create(&identity, "last night", range.now() - TimeDelta::hours(13), &actor).unwrap();
    let whose = match which {
        Which::Newest | Which::GoesOn => Whose::Newest,
        Which::Named => Whose::Named(calm.id().to_owned()),
        Which::Own => Whose::Own("drill".to_owned()),
    };
    let books = Books::new(store, whose, actor, Arc::new(ByCommand));
    let desk = Desk::new(aws.clone(), Arc::default(), books);
    let (books, account) = (desk.books().clone(), aws.clone());
    let (sender, mut events) = unbounded_channel();
    let at = ConnectionId(0);
    let journalling = Journalling::new(desk, aws, Teller { at, events: sender }, Writers::default().of(at, "only"));
    journalling.reconcile().await;
    if which == Which::GoesOn {
        books.go_on(&account, calm.id()).await.unwrap();
    }
    let noted = journalling.incident("a note").await.unwrap();
    assert_eq!(journalling.foretold().await.is_some(), which == Which::Newest);
    let attacked = journalling.incident_to_act_in("an attack").await.unwrap();
    assert_eq!(journalling.opened().unwrap().id(), attacked.id(), "the screen shows what is written to");
    assert_eq!(journalling.foretold().await, None);
    assert_eq!(journalling.incident_to_act_in("more of it").await.unwrap().id(), attacked.id());
    let mut told = Vec::new();
    while let Ok(event) = events.try_recv() {
        if let Event::From(_, news) = event {
            told.push(news);
        }
    }
    (calm.id().to_owned(), noted.id().to_owned(), attacked.id().to_owned(), told)
}

#[tokio::test]
async fn the_next_attack_opens_an_incident_of_its_own_and_says_so() {
    let (calm, noted, attacked, told) = after_a_calm_night(Which::Newest).await;
    assert_eq!(noted, calm);
    assert_ne!(attacked, calm);
    let said =
        |news: &News| matches!(news, News::Progress { line } if line.contains(&calm) && line.contains(&attacked));
    assert_eq!(told.iter().filter(|news| said(news)).count(), 1, "{told:?}");
}

#[tokio::test]
async fn one_that_was_named_takes_it() {
    let (calm, noted, attacked, told) = after_a_calm_night(Which::Named).await;
    assert_eq!((&noted, &attacked), (&calm, &calm));
    assert!(told.is_empty(), "{told:?}");
}

#[tokio::test]
async fn one_of_which_somebody_says_that_it_goes_on_takes_it() {
    let (calm, noted, attacked, told) = after_a_calm_night(Which::GoesOn).await;
    assert_eq!((&noted, &attacked), (&calm, &calm));
    assert!(told.is_empty(), "{told:?}");
}

/// A drill runs fast, and what is in force is read from its one incident.
#[tokio::test]
async fn a_drill_has_one_incident() {
    let (_, noted, attacked, _) = after_a_calm_night(Which::Own).await;
    assert_eq!(noted, attacked);
}
