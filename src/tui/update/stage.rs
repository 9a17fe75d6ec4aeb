//! Actions on the stage on the screen: throttle, flush, close. Each asks in one line what is meant, then for a plan.

use crate::model::action::{Action, Close, Closure, FlushCache, Terms, Throttle};
use crate::model::stage::{StageId, StageSelector};

use crate::tui::format::parse_duration;
use crate::tui::state::{PromptKind, Screen, State, Subject};

use super::{Effects, prompt, review};

/// The stage on the screen.
pub(crate) fn chosen(state: &State) -> Option<StageId> {
    match state.screen() {
        Screen::Stage => state.stage.clone(),
        _ => state.selected().map(|row| row.id.clone()),
    }
}

/// By id: a name may fit two APIs, and the row that was selected was one of them.
fn selector(stage: &StageId) -> StageSelector {
    StageSelector { profile: None, region: None, api: stage.api_id.clone(), stage: stage.stage.clone() }
}

/// Asks which method to throttle, and to what.
pub(crate) fn throttle(state: &mut State, effects: &mut Effects) {
    let Some(stage) = chosen(state) else { return };
    prompt::open(state, PromptKind::Throttle { stage }, "", effects);
}

/// Asks in which way to close.
pub(crate) fn close(state: &mut State, effects: &mut Effects) {
    let Some(stage) = chosen(state) else { return };
    prompt::open(state, PromptKind::Close { stage }, Closure::WebAcl.word(), effects);
}

/// Plans to flush a cache.
pub(crate) fn flush(state: &mut State, authorizers: bool, effects: &mut Effects) {
    let Some(stage) = chosen(state) else { return };
    let action = FlushCache { stage: selector(&stage), authorizers, terms: Terms::default() };
    review::ask(state, Subject::Action(Action::FlushCache(action)), effects);
}

/// What was typed to throttle: `POST /login 50 100 4h`, `* 500 500`.
pub(crate) fn typed_throttle(stage: &StageId, text: &str) -> Result<Action, String> {
    let wrong = || {
        "write METHOD PATH RATE BURST and perhaps how long, for example: POST /login 50 100 4h; * for every method"
            .to_owned()
    };
    let words: Vec<&str> = text.split_whitespace().collect();
    let (method, rest) = match words.as_slice() {
        ["*", rest @ ..] => (None, rest),
        [verb, path, rest @ ..] => (Some(format!("{verb} {path}").parse().map_err(|_| wrong())?), rest),
        _ => return Err(wrong()),
    };
    let (rate, burst, lifetime) = match rest {
        [rate, burst] => (rate, burst, ""),
        [rate, burst, lifetime] => (rate, burst, *lifetime),
        _ => return Err(wrong()),
    };
    let number = |text: &str| text.parse::<u32>().map_err(|_| wrong());
    let terms = Terms { expires_after_seconds: parse_duration(lifetime)?, ..Terms::default() };
    Ok(Action::Throttle(Throttle { stage: selector(stage), method, rate: number(rate)?, burst: number(burst)?, terms }))
}

/// What was typed to close: `web-acl 4h`, `throttle-zero`.
pub(crate) fn typed_close(stage: &StageId, text: &str) -> Result<Action, String> {
    let ways = [Closure::WebAcl, Closure::ThrottleZero];
    let wrong = || format!("write {} or {}, and perhaps how long", ways[0].word(), ways[1].word());
    let mut words = text.split_whitespace();
    let by = words.next().and_then(|word| ways.into_iter().find(|way| way.word() == word)).ok_or_else(wrong)?;
    let terms = Terms { expires_after_seconds: parse_duration(words.next().unwrap_or(""))?, ..Terms::default() };
    if words.next().is_some() {
        return Err(wrong());
    }
    Ok(Action::Close(Close { stage: selector(stage), by, web_acl: None, terms }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    fn stage() -> StageId {
        StageId { api_id: "a1".into(), api_name: "shop".into(), stage: "prod".into() }
    }

    #[test]
    fn a_throttle_is_typed_in_one_line() {
        let Action::Throttle(one) = typed_throttle(&stage(), " post /login 50 100 4h ").unwrap() else { panic!() };
        assert_eq!((one.method.unwrap().to_string().as_str(), one.rate, one.burst), ("POST /login", 50, 100));
        assert_eq!((one.stage.api.as_str(), one.terms.expires_after_seconds), ("a1", Some(14_400)));
        let Action::Throttle(all) = typed_throttle(&stage(), "* 500 600").unwrap() else { panic!() };
        assert_eq!((all.method, all.terms.expires_after_seconds), (None, None));
        for text in
            ["", "POST", "POST /login", "POST /login 5", "POST /login x 5", "POST login 5 5", "* 5 5 4h more", "* -5 5"]
        {
            assert!(typed_throttle(&stage(), text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_way_of_closing_is_typed_whole() {
        let Action::Close(close) = typed_close(&stage(), "throttle-zero 30m").unwrap() else { panic!() };
        assert_eq!((close.by, close.terms.expires_after_seconds), (Closure::ThrottleZero, Some(1_800)));
        for text in ["", "web", "web-acl x", "web-acl 4h more"] {
            assert!(typed_close(&stage(), text).is_err(), "{text}");
        }
    }
}
