//! What is typed at the prompts of actions, as the action that it means. Knows nothing of the screen.

use std::collections::HashSet;

use crate::model::action::typed::typed as form_typed;
use crate::model::action::{
    Action, BlockIp, Close, Closure, Form, KillSwitch, PrepareClosedWebAcl, Reopening, Terms, Throttle, UNTIL_UNDONE,
};
use crate::model::address::{self, Target};
use crate::model::stage::{StageId, StageSelector};
use crate::tui::format::lifetime;

/// How the lightest way of closing begins at the prompt.
pub(super) const THROTTLE: &str = "throttle";

/// By id: a name may fit two APIs, and the row that was selected was one of them.
pub(super) fn selector(stage: &StageId) -> StageSelector {
    StageSelector { profile: None, region: None, api: stage.api_id.clone(), stage: stage.stage.clone() }
}

/// Before how long a block stays.
const FOR: &str = "for";

/// What was typed or pasted to block: `203.0.113.7, 198.51.100.0/24 for 4h`; without a time as long as is offered for
/// every block.
pub(crate) fn block_list(stage: &StageId, text: &str, offered: &str) -> Result<Action, String> {
    let mut targets: Vec<Target> = Vec::new();
    let mut known = HashSet::new();
    let mut life = offered.to_owned();
    let mut words = address::listed(text);
    let mut number = 0;
    while let Some(word) = words.next() {
        if word == FOR {
            words.next().ok_or("say for how long, for example: for 4h")?.clone_into(&mut life);
            continue;
        }
        number += 1;
        let target: Target = word.parse().map_err(|why| format!("number {number}: {why}"))?;
        if known.insert(target.net) {
            targets.push(target);
        }
    }
    if targets.is_empty() {
        return Err(
            "type or paste addresses or prefixes, separated by spaces or commas, for example: 203.0.113.7 for 4h"
                .to_owned(),
        );
    }
    let terms = Terms { expires_after_seconds: lifetime(&life)?, ..Terms::default() };
    Ok(Action::BlockIp(BlockIp { stage: selector(stage), targets, ip_sets: Vec::new(), terms }))
}

/// What was typed for an action of the table, as on the command line.
pub(crate) fn of_the_table(stage: &StageId, name: &str, text: &str) -> Result<Action, String> {
    let form = Form::named(name).ok_or_else(|| format!("there is no action {name}"))?;
    form_typed(form, &selector(stage), text)
}

/// What was typed to throttle: `POST /login 50 100 4h`, `* 500 500`.
pub(crate) fn throttle(stage: &StageId, text: &str) -> Result<Action, String> {
    let wrong = || {
        "write METHOD PATH RATE BURST and optionally how long, for example: POST /login 50 100 4h; * for every method"
            .to_owned()
    };
    let words: Vec<&str> = text.split_whitespace().collect();
    let (method, rest) = match words.as_slice() {
        ["*", rest @ ..] => (None, rest),
        [verb, path, rest @ ..] => (Some(format!("{verb} {path}").parse().map_err(|_| wrong())?), rest),
        _ => return Err(wrong()),
    };
    let (rate, burst, life) = match rest {
        [rate, burst] => (rate, burst, ""),
        [rate, burst, lifetime] => (rate, burst, *lifetime),
        _ => return Err(wrong()),
    };
    let number = |text: &str| text.parse::<u32>().map_err(|_| wrong());
    let terms = Terms { expires_after_seconds: lifetime(life)?, ..Terms::default() };
    Ok(Action::Throttle(Throttle { stage: selector(stage), method, rate: number(rate)?, burst: number(burst)?, terms }))
}

/// How making the closed web ACL is typed.
const PREPARE: &str = "prepare";

/// What was typed to close: `web-acl 4h when-quiet`, `throttle-zero because it burns`, or the lightest way,
/// `throttle POST /login 50 100`; or what makes closing possible, `prepare NAME`.
pub(crate) fn close(stage: &StageId, text: &str) -> Result<Action, String> {
    if let Some(rest) = text.trim().strip_prefix(THROTTLE).filter(|rest| rest.starts_with(char::is_whitespace)) {
        return throttle(stage, rest);
    }
    let ways = [Closure::WebAcl, Closure::ThrottleZero];
    let wrong = || {
        format!(
            "write {} or {}, and optionally how long (4h, {UNTIL_UNDONE}), {} or {}, and {BECAUSE} and why; or \
             {PREPARE} NAME, which makes the closed web ACL",
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
    /// Takes up what becomes of it when its time is over, or why it is closed: the rest of the line. Whether `word` was
    /// either.
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
        self.terms.expires_after_seconds = if self.until_undone { None } else { lifetime(word)? };
        Ok(())
    }

    fn of(self, action: impl FnOnce(Terms) -> Action) -> Action {
        let action = action(self.terms);
        if self.until_undone { action } else { action.for_an_hour_by_default() }
    }
}

/// What was typed for a closing policy: `192.0.2.0/28 2001:db8::/64 on dev`, `192.0.2.0/28 for 4h`.
pub(crate) fn switch(stage: &StageId, text: &str) -> Result<Action, String> {
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
        let Action::Throttle(one) = throttle(&stage(), " post /login 50 100 4h ").unwrap() else { panic!() };
        assert_eq!((one.method.unwrap().to_string().as_str(), one.rate, one.burst), ("POST /login", 50, 100));
        assert_eq!((one.stage.api.as_str(), one.terms.expires_after_seconds), ("a1", Some(14_400)));
        let Action::Throttle(all) = throttle(&stage(), "* 500 600").unwrap() else { panic!() };
        assert_eq!((all.method, all.terms.expires_after_seconds), (None, None));
        for text in
            ["", "POST", "POST /login", "POST /login 5", "POST /login x 5", "POST login 5 5", "* 5 5 4h more", "* -5 5"]
        {
            assert!(throttle(&stage(), text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_closing_policy_is_typed_in_one_line() {
        let typed = |text: &str| match switch(&stage(), text) {
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
            assert!(switch(&stage(), text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_way_of_closing_is_typed_whole() {
        let Action::Close(closed) = close(&stage(), "throttle-zero 30m").unwrap() else { panic!() };
        assert_eq!((closed.by, closed.terms.expires_after_seconds), (Closure::ThrottleZero, Some(1_800)));
        let Action::Throttle(lightest) = close(&stage(), "throttle POST /login 50 100").unwrap() else { panic!() };
        assert_eq!((lightest.rate, lightest.burst), (50, 100));
        let Action::PrepareClosedWebAcl(one) = close(&stage(), "prepare night").unwrap() else { panic!() };
        assert_eq!((one.name.as_deref(), one.allow.len()), (Some("night"), 0));
        for text in ["", "web", "web-acl x", "web-acl 4h more", "prepare night 4h", "throttle", "throttle POST /login"]
        {
            assert!(close(&stage(), text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_list_to_block_is_typed_or_pasted() {
        let Action::BlockIp(block) =
            block_list(&stage(), "203.0.113.7, 198.51.100.0/24  203.0.113.7 for 30m", "4h").unwrap()
        else {
            panic!()
        };
        let nets: Vec<String> = block.targets.iter().map(|target| target.net.to_string()).collect();
        assert_eq!(nets, ["203.0.113.7/32", "198.51.100.0/24"]);
        assert_eq!(block.terms.expires_after_seconds, Some(1_800));
        let Action::BlockIp(usual) = block_list(&stage(), "203.0.113.7", "4h").unwrap() else { panic!() };
        assert_eq!(usual.terms.expires_after_seconds, Some(14_400));
        let why = block_list(&stage(), "203.0.113.7 203.0.113.8 shop.example", "4h").unwrap_err();
        assert!(why.starts_with("number 3: “shop.example” is not an IP address"), "{why}");
        assert!(block_list(&stage(), "for 4h", "4h").is_err());
    }
}
