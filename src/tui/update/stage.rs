//! Actions on the stage on the screen: throttle, flush, close. Each asks in one line what is meant, then for a plan.

use std::sync::Arc;

use crate::model::action::{
    Action, Close, Closure, FlushCache, KillSwitch, PrepareClosedWebAcl, Reopening, Terms, Throttle, UNTIL_UNDONE,
};
use crate::model::address::Target;
use crate::model::connection::{ConnectionId, StageAt};
use crate::model::ladder::{Ladder, Rung};
use crate::model::plan::{Finished, Outcome, Plan};
use crate::model::proposal::Proposals;
use crate::model::stage::{StageId, StageSelector};
use crate::model::stage_report::StageReport;

use crate::tui::effect::{Ask, Effect};
use crate::tui::format::parse_duration;
use crate::tui::list::Scroll;
use crate::tui::state::{DepthPane, LadderPane, Next, PromptKind, Screen, State, Subject};

use super::{Effects, keys, prompt, review};

/// How the lightest way of closing begins at the prompt.
const THROTTLE: &str = "throttle";

/// The stage on the screen.
pub(crate) fn chosen(state: &State) -> Option<StageAt> {
    match state.screen() {
        Screen::Stage => state.stage.clone(),
        _ => state.selected_at(),
    }
}

/// Opens the selected stage and asks for it in depth.
pub(crate) fn open(state: &mut State, effects: &mut Effects) {
    let Some(stage) = state.selected_at() else { return };
    if state.stage.as_ref() != Some(&stage) {
        state.depth = DepthPane::default();
    }
    state.list.held = Some(stage.clone());
    state.stage = Some(stage);
    state.stage_scroll = Scroll::default();
    keys::go(state, Screen::Stage);
    reload(state, effects);
}

/// Asks for the open stage in depth again.
pub(crate) fn reload(state: &mut State, effects: &mut Effects) {
    let Some(StageAt { at, stage }) = state.stage.clone() else { return };
    if !std::mem::replace(&mut state.depth.loading, true) {
        effects.push(Effect::To(at, Ask::LoadStage(stage)));
    }
}

/// A stage was read in depth; one that is not open any more is dropped.
pub(crate) fn read(state: &mut State, at: ConnectionId, report: Arc<StageReport>) {
    if state.stage.as_ref().is_some_and(|open| open.at == at && open.stage == report.stage) {
        state.depth.report = Some(report);
        state.depth.loading = false;
        state.changed = true;
    }
}

/// The stage on the screen, for something that is about to be typed: the board's cursor stays with it meanwhile.
fn chosen_to_type(state: &mut State) -> Option<StageAt> {
    let stage = chosen(state)?;
    if state.screen() == Screen::Board {
        state.list.held = Some(stage.clone());
    }
    Some(stage)
}

/// By id: a name may fit two APIs, and the row that was selected was one of them.
fn selector(stage: &StageId) -> StageSelector {
    StageSelector { profile: None, region: None, api: stage.api_id.clone(), stage: stage.stage.clone() }
}

/// Asks which method to throttle, and to what.
pub(crate) fn throttle(state: &mut State, effects: &mut Effects) {
    let Some(stage) = chosen_to_type(state) else { return };
    prompt::open(state, PromptKind::Throttle { stage }, "", effects);
}

/// Asks in which way to close.
pub(crate) fn close(state: &mut State, effects: &mut Effects) {
    let Some(stage) = chosen_to_type(state) else { return };
    let offered = Closure::WebAcl.word();
    state.ladder =
        Some(LadderPane { stage: stage.clone(), offered: offered.to_owned(), answer: None, proposals: None });
    effects.push(Effect::To(stage.at, Ask::LoadLadder(stage.stage.clone())));
    prompt::open(state, PromptKind::Close { stage }, offered, effects);
}

/// Asks what would help, and which of it to plan.
pub(crate) fn propose(state: &mut State, effects: &mut Effects) {
    let Some(stage) = chosen_to_type(state) else { return };
    // What the first lines say is there at once, while it is read again.
    let known = state.next.iter().find(|next| next.stage == stage).and_then(Next::known).cloned();
    let is_any = known.as_ref().is_some_and(|known| known.as_ref().is_ok_and(|found| !found.proposals.is_empty()));
    state.ladder = Some(LadderPane { stage: stage.clone(), offered: String::new(), answer: None, proposals: known });
    effects.push(Effect::To(stage.at, Ask::LoadLadder(stage.stage.clone())));
    prompt::open(state, PromptKind::Propose { stage }, if is_any { "1" } else { "" }, effects);
}

/// The step of that number, as what to plan, and the most of the customers that would be served then.
pub(crate) fn typed_proposal(state: &State, text: &str) -> Result<(Subject, Option<f64>), String> {
    let found = match state.ladder.as_ref().and_then(|pane| pane.proposals.as_ref()) {
        Some(Ok(found)) => &found.proposals,
        Some(Err(why)) => return Err(format!("what would help is not known: {why}")),
        None => return Err("what would help is still being read".to_owned()),
    };
    let number = text.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
    let Some(step) = number.and_then(|number| found.get(number)) else {
        return Err(match found.len() {
            0 => "nothing is proposed; Esc leaves".to_owned(),
            1 => "type 1 to plan it; Esc leaves".to_owned(),
            most => format!("type a number from 1 to {most} to plan that step; Esc leaves"),
        });
    };
    let undo = |action_id: &String| Subject::Undo { action_id: action_id.clone(), terms: Terms::default() };
    let mut action = step.action.clone();
    // A block stands for as long as one that is planned from the sources.
    if let Some(Action::BlockIp(block)) = action.as_mut() {
        block.terms.expires_after_seconds = parse_duration(&state.block_for)?;
    }
    let subject = action.map(Subject::Action).or(step.action_id.as_ref().map(undo));
    let subject = subject.ok_or_else(|| format!("that one is done by a command: {}", step.command))?;
    Ok((subject, step.served_after_at_most))
}

/// The ways of closing have arrived: shown while the choice is open. What was offered makes way for what is recommended, unless
/// somebody has begun to type.
pub(crate) fn ladder_arrived(state: &mut State, stage: &StageAt, result: Result<Box<Ladder>, String>) {
    let Some(pane) = state.ladder.as_mut().filter(|pane| pane.stage == *stage) else { return };
    let Some(prompt) = &mut state.prompt else { return };
    if !matches!(&prompt.kind, PromptKind::Close { stage: asked } if asked == stage) {
        return;
    }
    let recommended = result.as_ref().ok().and_then(|ladder| typed(ladder.recommended()?));
    if let Some(text) = recommended.filter(|_| prompt.input.value() == pane.offered) {
        prompt.input = text.into();
    }
    pane.answer = Some(result);
    state.changed = true;
}

/// What would help and is lighter has arrived: shown above the ways of closing while they are.
pub(crate) fn proposals_arrived(state: &mut State, stage: &StageAt, result: Result<Box<Proposals>, String>) {
    let Some(pane) = state.ladder.as_mut().filter(|pane| pane.stage == *stage) else { return };
    let is_any = result.as_ref().is_ok_and(|found| !found.proposals.is_empty());
    pane.proposals = Some(result);
    state.changed = true;
    let Some(prompt) = &mut state.prompt else { return };
    if !matches!(&prompt.kind, PromptKind::Propose { stage: asked } if asked == stage) {
        return;
    }
    // What was said while it was still being read is so no more; the best stands there already, unless somebody has begun to type.
    prompt.error = None;
    if is_any && prompt.input.value().is_empty() {
        prompt.input = "1".into();
    }
}

/// A way as it is typed at the prompt.
fn typed(rung: &Rung) -> Option<String> {
    match rung.action.as_ref()? {
        Action::Throttle(throttle) => {
            let method = throttle.method.as_ref()?;
            Some(format!("{THROTTLE} {method} {} {}", throttle.rate, throttle.burst))
        }
        // It has a key and a prompt of its own.
        Action::KillSwitch(_) => Some(String::new()),
        _ => Some(rung.way.word().to_owned()),
    }
}

/// Asks whom a closing policy is to let in: whom it was just proven to let in, else the configuration's own, proven on another stage.
pub(crate) fn kill_switch(state: &mut State, effects: &mut Effects) {
    let Some(stage) = chosen_to_type(state) else { return };
    let text = match &state.proven {
        Some((of, allow)) if *of == stage => allow.clone(),
        _ if state.admitted.is_empty() => String::new(),
        _ => {
            let same_api = |id: &&StageId| id.api_id == stage.stage.api_id && id.stage != stage.stage.stage;
            let stages = state.fleet.get(stage.at).stages().iter();
            let other = stages.map(|row| &row.id).find(same_api).map(|id| id.stage.clone());
            let allow = state.admitted.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
            other.map_or_else(|| allow.clone(), |other| format!("{allow} on {other}")).trim_start().to_owned()
        }
    };
    prompt::open(state, PromptKind::KillSwitch { stage }, &text, effects);
}

/// Keeps what was proven for the next prompt.
pub(crate) fn proven(state: &mut State, at: ConnectionId, plan: &Plan, done: &Finished) {
    let Action::KillSwitch(KillSwitch { prove_on: Some(_), allow, stage, .. }) = &plan.action else { return };
    if done.outcome == Outcome::Done {
        let of = StageAt { at, stage: StageId { stage: stage.stage.clone(), ..plan.stage.clone() } };
        let allow = allow.iter().map(|target| target.net.to_string()).collect::<Vec<_>>().join(" ");
        state.proven = Some((of, allow));
    }
}

/// Plans to flush a cache.
pub(crate) fn flush(state: &mut State, authorizers: bool, effects: &mut Effects) {
    let Some(stage) = chosen(state) else { return };
    let action = FlushCache { stage: selector(&stage.stage), authorizers, terms: Terms::default() };
    review::ask(state, stage.at, Subject::Action(Action::FlushCache(action)), effects);
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

/// How making the closed web ACL is typed.
const PREPARE: &str = "prepare";

/// What was typed to close: `web-acl 4h when-quiet`, `throttle-zero because it burns`, or the lightest way, `throttle POST /login 50 100`; or what
/// makes closing possible, `prepare NAME`.
pub(crate) fn typed_close(stage: &StageId, text: &str) -> Result<Action, String> {
    if let Some(rest) = text.trim().strip_prefix(THROTTLE).filter(|rest| rest.starts_with(char::is_whitespace)) {
        return typed_throttle(stage, rest);
    }
    let ways = [Closure::WebAcl, Closure::ThrottleZero];
    let wrong = || {
        format!(
            "write {} or {}, and perhaps how long (4h, {UNTIL_UNDONE}), {} or {}, and {BECAUSE} and why; or {PREPARE} NAME, which makes the \
             closed web ACL",
            ways[0].word(),
            ways[1].word(),
            Reopening::WhenQuiet.word(),
            Reopening::WhenQuietCloseAgain.word()
        )
    };
    let mut words = text.split_whitespace();
    if text.trim().starts_with(PREPARE) {
        let name = words.nth(1).map(str::to_owned);
        if words.next().is_some() {
            return Err(wrong());
        }
        let (stage, allow, terms) = (selector(stage), Vec::new(), Terms::default());
        return Ok(Action::PrepareClosedWebAcl(PrepareClosedWebAcl { stage, allow, name, terms }));
    }
    let by = words.next().and_then(|word| ways.into_iter().find(|way| way.word() == word)).ok_or_else(wrong)?;
    let mut closing = Closing::default();
    while let Some(word) = words.next() {
        if !closing.takes(word, &mut words) {
            closing.lifetime(word)?;
        }
    }
    Ok(closing.of(|terms| Action::Close(Close { stage: selector(stage), by, web_acl: None, again: None, terms })))
}

/// Before the reason of a closure.
const BECAUSE: &str = "because";

/// What a closure is typed with, besides its way.
#[derive(Default)]
struct Closing {
    terms: Terms,
    until_undone: bool,
}

impl Closing {
    /// Takes up what becomes of it when its time is over, or why it is closed: the rest of the line. Whether `word` was either.
    fn takes<'a>(&mut self, word: &str, rest: &mut impl Iterator<Item = &'a str>) -> bool {
        if word == BECAUSE {
            let why = rest.collect::<Vec<_>>().join(" ");
            self.terms.reason = (!why.is_empty()).then_some(why);
            return true;
        }
        let found = Reopening::ALL.into_iter().find(|one| one.word() == word);
        self.terms.reopen = found.unwrap_or(self.terms.reopen);
        found.is_some()
    }

    fn lifetime(&mut self, word: &str) -> Result<(), String> {
        self.until_undone = word == UNTIL_UNDONE;
        self.terms.expires_after_seconds = if self.until_undone { None } else { parse_duration(word)? };
        Ok(())
    }

    fn of(self, action: impl FnOnce(Terms) -> Action) -> Action {
        let action = action(self.terms);
        if self.until_undone { action } else { action.for_an_hour_by_default() }
    }
}

/// What was typed for a closing policy: `192.0.2.0/28 2001:db8::/64 on dev`, `192.0.2.0/28 for 4h`.
pub(crate) fn typed_switch(stage: &StageId, text: &str) -> Result<Action, String> {
    let wrong = || "write whom to let in, for example: 192.0.2.0/28 198.51.100.7 on dev for 4h".to_owned();
    let (mut allow, mut prove_on, mut closing) = (Vec::new(), None, Closing::default());
    let mut words = text.split_whitespace();
    while let Some(word) = words.next() {
        match word {
            "on" => {
                let name = words.next().ok_or("name the stage to prove it on, for example: on dev")?;
                let plain = selector(&StageId { stage: name.to_owned(), ..stage.clone() });
                prove_on = Some(Box::new(name.parse().unwrap_or(plain)));
            }
            "for" => closing.lifetime(words.next().unwrap_or(""))?,
            word if closing.takes(word, &mut words) => {}
            net => allow.push(net.parse::<Target>().map_err(|error| error.to_string())?),
        }
    }
    if allow.is_empty() {
        return Err(wrong());
    }
    Ok(closing.of(|terms| {
        Action::KillSwitch(KillSwitch {
            stage: selector(stage),
            allow,
            prove_on,
            commit_confirmed: false,
            own: Vec::new(),
            terms,
        })
    }))
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
    fn a_closing_policy_is_typed_in_one_line() {
        let typed = |text: &str| match typed_switch(&stage(), text) {
            Ok(Action::KillSwitch(one)) => one,
            other => panic!("{other:?}"),
        };
        let proof = typed("192.0.2.7/28 2001:db8::1 on dev for 30m");
        let allow: Vec<String> = proof.allow.iter().map(|t| t.net.to_string()).collect();
        assert_eq!(allow, ["192.0.2.0/28", "2001:db8::1/128"]);
        assert_eq!(proof.prove_on.map(|s| (s.api, s.stage)), Some(("a1".into(), "dev".into())));
        assert_eq!(proof.terms.expires_after_seconds, Some(1_800));
        let other = typed("192.0.2.0/28 on shop/dev").prove_on.map(|s| s.api);
        assert_eq!((other.as_deref(), typed("192.0.2.0/28").prove_on), (Some("shop"), None));
        for text in ["", "on dev", "192.0.2.0/28 on", "192.0.2.0/28 for x", "nonsense"] {
            assert!(typed_switch(&stage(), text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_way_of_closing_is_typed_whole() {
        let Action::Close(close) = typed_close(&stage(), "throttle-zero 30m").unwrap() else { panic!() };
        assert_eq!((close.by, close.terms.expires_after_seconds), (Closure::ThrottleZero, Some(1_800)));
        let Action::Throttle(lightest) = typed_close(&stage(), "throttle POST /login 50 100").unwrap() else {
            panic!()
        };
        assert_eq!((lightest.rate, lightest.burst), (50, 100));
        let Action::PrepareClosedWebAcl(one) = typed_close(&stage(), "prepare night").unwrap() else { panic!() };
        assert_eq!((one.name.as_deref(), one.allow.len()), (Some("night"), 0));
        for text in ["", "web", "web-acl x", "web-acl 4h more", "prepare night 4h", "throttle", "throttle POST /login"]
        {
            assert!(typed_close(&stage(), text).is_err(), "{text}");
        }
    }
}
