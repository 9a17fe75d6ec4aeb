//! The ladder: what every way of closing would do now, and which one is recommended; nothing is changed by asking.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use portcullis::model::ladder::{Ladder, Rung, Way};
use portcullis::model::plan::Outcome;
use portcullis::respond::ladder::{Wanted, ladder};

use crate::respond_stage::closable;
use crate::world::{World, flood, of_drill};

async fn asked(world: &World) -> Ladder {
    asked_of(world, "shop/prod").await
}

async fn asked_of(world: &World, stage: &str) -> Ladder {
    let stage = stage.parse().unwrap();
    let found = ladder(&world.aws, &world.settings, &stage, (None, Wanted::All), None).await.unwrap();
    assert_eq!(found.rungs.iter().map(|rung| rung.way).collect::<Vec<_>>(), Way::ALL);
    assert!(world.mutating_calls().is_empty(), "asking changes nothing");
    found
}

fn rung(ladder: &Ladder, way: Way) -> &Rung {
    ladder.rungs.iter().find(|rung| rung.way == way).unwrap()
}

#[tokio::test(start_paused = true)]
async fn without_an_attack_nothing_is_recommended() {
    let world = closable().await;
    world.pass(60).await;
    let found = asked(&world).await;
    assert!(!found.attack && found.recommended().is_none(), "{found:#?}");
    assert!(rung(&found, Way::WebAcl).fits(), "it may be done all the same: {found:#?}");
}

#[tokio::test(start_paused = true)]
async fn an_attack_on_one_method_is_throttled_before_anything_is_closed() {
    let world = of_drill("credential-stuffing", 60.0).await;
    world.pass(600).await;
    let found = asked_of(&world, "accounts/prod").await;
    let lightest = found.recommended().unwrap_or_else(|| panic!("{found:#?}"));
    assert_eq!(lightest.way, Way::ThrottleMethod, "{found:#?}");
    assert!(
        lightest.command.as_ref().unwrap().contains("throttle --stage accounts/prod --method \"POST /login\" --rate")
    );
    // What is recommended does what it says.
    let done = world.apply(world.plan_action(lightest.action.as_ref().unwrap()).await).await;
    assert_eq!(done.outcome, Outcome::Done, "{:?}", done.lines);
}

#[tokio::test(start_paused = true)]
async fn an_attack_on_many_methods_is_closed_by_the_web_acl_where_there_is_one() {
    let world = closable().await;
    world.pass(420).await;
    let found = asked(&world).await;
    let short = rung(&found, Way::ThrottleMethod);
    assert!(short.unfit.as_ref().is_some_and(|why| why.contains("of what came with the attack")), "{found:#?}");
    assert_eq!(found.recommended().unwrap().way, Way::WebAcl, "{found:#?}");
    let world = flood(60.0).await;
    world.pass(420).await;
    let found = asked(&world).await;
    let swap = rung(&found, Way::WebAcl);
    assert!(swap.unfit.as_ref().is_some_and(|why| why.contains("prepare-closed-web-acl")), "{swap:#?}");
    assert_eq!(swap.stopped_by.iter().map(|g| g.id.as_str()).collect::<Vec<_>>(), ["close.web-acl"]);
    // Nobody is recommended to keep everybody out.
    assert_ne!(found.recommended().map(|rung| rung.way), Some(Way::ThrottleZero), "{found:#?}");
    let zero = rung(&found, Way::ThrottleZero);
    assert!(zero.fits() && zero.command.as_ref().unwrap().ends_with("--by throttle-zero --reason '…'"), "{zero:#?}");
    assert!(rung(&found, Way::ThrottleZero).whom.as_ref().unwrap().starts_with("everybody"));
}
