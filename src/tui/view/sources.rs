//! Who is sending what: ranked addresses out of WAF's samples, and how much the samples saw.

use chrono::TimeDelta;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::model::candidate::Standing;
use crate::model::source::{Legitimacy, LogCoverage, Source, Sources, Tally};
use crate::model::text::{grouped, shortened};
use crate::tui::format::{counted, minutes, percent, rate, time};
use crate::tui::load::Load;
use crate::tui::sources_pane::{Extent, net};
use crate::tui::state::State;
use crate::tui::theme::Theme;

use super::top_list::within;
use super::{draw, top_list};
use crate::tui::lines::layout;
use crate::tui::lines::page::Page;

const MARGIN: u16 = 2;

/// Characters of a set's prefixes that are listed.
const PREFIXES: usize = 300;

/// From this age on, account time, what was read of an attack is not what it is now.
const OLD: TimeDelta = TimeDelta::minutes(5);

/// Draws them.
pub(crate) fn draw(state: &State, body: Rect, buffer: &mut Buffer) {
    let (head, table, detail) = layout::sources(body, state.sources.len());
    let pane = &state.sources;
    let name = pane.stage.as_ref().map_or_else(String::new, |stage| state.fleet.label(stage));
    let again = if pane.reloading { "  reading again …" } else { "" };
    let title = format!("SOURCES of {name}, {}{again}", shown(state));
    let line = draw::row(head, 0);
    draw::left(buffer, line, &title, state.looks.theme.heading);
    if let Some(age) = state.sources_age().filter(|age| *age > OLD) {
        draw::right(buffer, line, &format!("STALE {}, r reads again", minutes(age)), state.looks.theme.bad);
    }
    match &pane.load {
        Load::Idle | Load::Loading => {
            let text = "Reading WAF's samples …";
            draw::left(buffer, draw::row(head, 1), text, state.looks.theme.text);
        }
        Load::Failed(reason) => failed(state, reason, table, buffer),
        Load::Loaded(sources) => {
            coverage(state, sources, head, buffer);
            match pane.top() {
                Some(list) => top_list::rows(state, list, table, buffer),
                None => rows(state, sources, table, buffer),
            }
            selected(state, detail, buffer);
        }
    }
}

/// Which list is shown, of how many.
fn shown(state: &State) -> String {
    let Load::Loaded(sources) = &state.sources.load else { return "by address".to_owned() };
    let lists = sources.top.len() + 1;
    match state.sources.top() {
        Some(list) => {
            let at = sources.top.iter().position(|other| other.of == list.of).map_or(1, |at| at + 2);
            format!("by {} ({at} of {lists})", list.of.one())
        }
        None => format!("by address (1 of {lists})"),
    }
}

fn failed(state: &State, reason: &str, area: Rect, buffer: &mut Buffer) {
    let mut page = Page::new(area.width);
    page.hanging("?", state.looks.theme.unknown, 2, reason, state.looks.theme.warn);
    draw::lines(buffer, area, &page.lines, 0);
}

/// Where counts out of the access log come from.
fn counted_in(log: &LogCoverage) -> String {
    let listed = if log.listed_share < 1.0 {
        let each = log.unlisted_at_most.map_or_else(String::new, |most| format!(", no other sent more than {most}"));
        format!(", the busiest of them listed: {} of the requests{each}", percent(log.listed_share))
    } else {
        String::new()
    };
    format!(
        "{} requests of {} addresses{listed}, counted in access log {}, {}–{}; WAF's samples add countries and rules",
        grouped(log.requests),
        grouped(log.addresses),
        shortened(&log.group, 60),
        time(log.from),
        time(log.to),
    )
}

/// What the ranking rests on. Samples are of a web ACL, and it says so.
fn coverage(state: &State, sources: &Sources, head: Rect, buffer: &mut Buffer) {
    let shared = if sources.stages_behind > 1 {
        format!(
            "{} stages are behind web ACL {}; WAF samples do not say which was called",
            sources.stages_behind, sources.web_acl
        )
    } else {
        format!("web ACL {}; WAF samples do not say which stage was called", sources.web_acl)
    };
    let sampled = match (sources.seen, sources.population) {
        (Some(seen), Some(population)) => format!(
            "from {} samples of {} seen of {} requests, {}–{}; {shared}",
            grouped(sources.sampled),
            grouped(seen),
            grouped(population),
            time(sources.from),
            time(sources.to),
        ),
        _ => format!("no samples: only who is over the limit of a rate rule is known; {shared}"),
    };
    // What the log counts is exact, and no sample's estimate.
    let text = sources.log.as_ref().map_or(sampled, counted_in);
    let mut page = Page::new(head.width);
    page.text(0, &text, state.looks.theme.text);
    // Two lines hold it at any width worth having; what could not be sampled is worth more than its tail.
    if let Some(missing) = sources.missing.first() {
        page.lines.truncate(1);
        let more = match sources.missing.len() {
            1 => String::new(),
            n => format!(" (and {} more)", n - 1),
        };
        let what = if sources.log.is_some() { "" } else { "not sampled: " };
        page.spans(&[(&format!("? {what}{missing}{more}"), state.looks.theme.unknown)]);
    }
    let below = Rect { y: head.y + 1, height: head.height.saturating_sub(1), ..head };
    draw::lines(buffer, below, &page.lines, 0);
}

struct Column {
    title: &'static str,
    width: u16,
    right: bool,
    text: fn(&Source) -> String,
}

/// Columns from left to right; those that do not fit are left out from the right, and the last one takes what is left.
fn columns(sources: &Sources, extent: Extent, width: u16) -> Vec<Column> {
    let address = u16::try_from(extent.longest).unwrap_or(39).clamp(15, 39);
    let requests = if extent.bounded { 7 + top_list::WITHIN } else { 7 };
    let column = |title, width, right, text| Column { title, width, right, text };
    let all = [
        column("address", address, false, |s| s.address.to_string()),
        column(if sources.log.is_some() { "req" } else { "est.req" }, requests, true, |s| {
            figure(s.requests.map(|n| n as f64), rate) + &within(s.requests_bounds)
        }),
        column("share", 5, true, |s| figure(s.share, percent)),
        column("known?", 13, false, known),
        column("cc", 2, false, |s| top(&s.countries).unwrap_or_else(|| "?".into())),
        column("WAF did", 10, false, did),
        column("top request", 16, false, |s| top(&s.requests_by_path).unwrap_or_else(|| "?".into())),
        column("top rule", 18, false, |s| top(&s.rules).unwrap_or_default()),
        column("user agent", 14, false, agent),
    ];
    let mut room = width.saturating_sub(MARGIN + 4);
    let mut kept: Vec<Column> = Vec::new();
    for column in all {
        let needs = column.width + u16::from(!kept.is_empty());
        if needs > room {
            break;
        }
        room -= needs;
        kept.push(column);
    }
    let texts = kept.iter().filter(|c| c.title.len() > 7 && !c.right).count();
    let each = room / u16::try_from(texts.max(1)).unwrap_or(1);
    for column in kept.iter_mut().filter(|c| c.title.len() > 7 && !c.right) {
        column.width += each;
    }
    kept
}

fn rows(state: &State, sources: &Sources, area: Rect, buffer: &mut Buffer) {
    let columns = columns(sources, state.sources.extent(), area.width);
    let write = |line: Rect, buffer: &mut Buffer, style: Style, text: &dyn Fn(&Column) -> String| {
        let mut x = MARGIN + 4;
        for column in &columns {
            let rest = draw::after(line, x);
            let cell = Rect { width: column.width.min(rest.width), ..rest };
            if column.right {
                draw::right(buffer, cell, &text(column), style);
            } else {
                draw::left(buffer, cell, &text(column), style);
            }
            x += column.width + 1;
        }
    };
    write(draw::row(area, 0), buffer, state.looks.theme.heading, &|c| c.title.to_owned());
    if sources.sources.is_empty() {
        draw::left(
            buffer,
            draw::after(draw::row(area, 1), MARGIN),
            "The samples of these minutes name no source.",
            state.looks.theme.text,
        );
    }
    let pane = &state.sources;
    let height = usize::from(area.height.saturating_sub(1));
    let first = pane.cursor.first_shown(sources.sources.len(), height);
    let shown = sources.sources.iter().enumerate().skip(first).take(height);
    for (y, (n, source)) in (1..area.height).zip(shown) {
        let line = draw::row(area, y);
        let marked = pane.marked().contains(&net(source));
        let style = if marked { state.looks.theme.warn } else { state.looks.theme.text };
        let mark = if marked { "[x]" } else { "[ ]" };
        draw::left(buffer, draw::after(line, MARGIN), mark, style);
        write(line, buffer, style, &|c| (c.text)(source));
        if n == pane.cursor.at {
            buffer.set_style(line, state.looks.theme.selected);
            draw::left(buffer, line, "▸", state.looks.theme.key);
        }
    }
}

/// Everything known of the source under the cursor, and what the marks add up to.
// Long: one line of the page after another.
fn selected(state: &State, area: Rect, buffer: &mut Buffer) {
    let pane = &state.sources;
    let theme = &state.looks.theme;
    let mut page = Page::new(area.width);
    page.spans(&[(&"─".repeat(area.width.into()), theme.faint)]);
    let logged = matches!(&pane.load, Load::Loaded(sources) if sources.log.is_some());
    let what = if logged { "requests" } else { "estimated requests" };
    let marks = format!(
        "{} marked, {} of the {what}",
        counted(pane.marked().len(), "source"),
        figure(pane.marked_share(), percent)
    );
    page.spans(&[(&marks, if pane.marked().is_empty() { theme.faint } else { theme.warn })]);
    to_block(state, &mut page);
    if let Load::Loaded(sources) = &pane.load {
        over_limits(sources, theme, &mut page);
    }
    if let (Some(list), Load::Loaded(sources)) = (pane.top(), &pane.load) {
        top_list::selected(state, sources, list, &mut page);
    }
    if let Some(source) = pane.source() {
        let words = match source.legitimacy {
            Legitimacy::SeenBefore => "seen before the attack: likely a legitimate caller",
            Legitimacy::NotSeenBefore => "not seen before the attack; it may be a new customer",
            Legitimacy::Unknown => "whether it is legitimate is not known: nothing to compare with",
        };
        let proxy = if source.behind_proxy { "; forwarding headers: others may be behind it" } else { "" };
        let against = match source.against.as_slice() {
            [] if rose(source) => {
                "; most of what it asks for is what rose with the attack; no rule matches it".to_owned()
            }
            [] => "; no rule implicates it".to_owned(),
            rules => format!("; against it: {}", rules.join(", ")),
        };
        let over = match source.over_limit_of.as_slice() {
            [] => String::new(),
            rules => format!("; over the limit of {} now", rules.join(", ")),
        };
        page.text(0, &format!("{}: {words}{against}{over}{proxy}", source.address), theme.text);
        let samples = usize::try_from(source.samples).unwrap_or(usize::MAX);
        let lines = [
            match source.per_second {
                Some(per_second) => format!(
                    "{}/s{}, {}–{}, from {}: {}",
                    rate(per_second),
                    share_within(source),
                    time(source.first_seen),
                    time(source.last_seen),
                    counted(samples, "sample"),
                    listed(&source.requests_by_path)
                ),
                None => "how much it sends is not known: neither samples nor an access log count it".to_owned(),
            },
            format!("rules {}; agents {}", listed(&source.rules), listed(&source.user_agents)),
        ];
        for line in lines {
            page.text(0, &line, theme.faint);
        }
    }
    draw::lines(buffer, area, &page.lines, 0);
}

/// `, 0.1% to 6.2% of the requests`, where what few samples say is no more than that.
fn share_within(source: &Source) -> String {
    let share = |requests: u64| Some(source.share? * requests as f64 / source.requests.filter(|n| *n > 0)? as f64);
    let bounds = source.requests_bounds.and_then(|of| Some((share(of.at_least)?, share(of.at_most)?)));
    bounds.map_or_else(String::new, |(least, most)| {
        format!(", {} to {} of the requests", percent(least), percent(most.min(1.0)))
    })
}

/// Who is over the limits of rate rules, in one line.
fn over_limits(sources: &Sources, theme: &Theme, page: &mut Page) {
    let told = sources.rate_rules.iter().filter_map(|rule| {
        let n = rule.addresses.filter(|n| *n > 0)?;
        let more = if rule.at_least { " or more" } else { "" };
        let limit = format!("over {} in {} s", rule.limit, rule.window_seconds);
        Some(format!("{} ({}, {limit}): {n}{more}", rule.rule, rule.action))
    });
    let told: Vec<String> = told.collect();
    if !told.is_empty() {
        let scope = top_list::behind(sources);
        page.text(0, &format!("addresses over the limit now{scope}: {}", told.join("; ")), theme.text);
    }
}

/// The candidate set that is chosen with its prefixes, or what there is to choose from.
fn to_block(state: &State, page: &mut Page) {
    let (pane, theme) = (&state.sources, &state.looks.theme);
    if let Some(set) = pane.chosen() {
        let prefixes: Vec<String> = set.prefixes.iter().map(|prefix| prefix.prefix.to_string()).collect();
        page.text(0, &format!("to block: {}", set.words()), theme.warn);
        page.text(2, &shortened(&prefixes.join(" "), PREFIXES), theme.text);
        for warning in set.prefixes.iter().flat_map(|prefix| &prefix.warnings).take(1) {
            page.text(2, &format!("! {warning}"), theme.warn);
        }
    } else if let Some(set) = pane.sets().first() {
        let more = match pane.sets().len() {
            1 => String::new(),
            n => format!("; {} larger", counted(n - 1, "set")),
        };
        page.text(0, &format!("what to block: {}{more}", set.words()), theme.text);
    }
}

/// Where no sample names it, nothing says what it calls itself.
fn agent(source: &Source) -> String {
    top(&source.user_agents).unwrap_or_else(|| if source.samples > 0 { "none seen" } else { "?" }.to_owned())
}

/// `?` where nothing counts it.
fn figure(value: Option<f64>, words: fn(f64) -> String) -> String {
    value.map_or_else(|| "?".to_owned(), words)
}

/// Whether the access log puts it on the attack's side, by what it asks for alone.
fn rose(source: &Source) -> bool {
    source.standing == Standing::Attack && source.against.is_empty()
}

fn known(source: &Source) -> String {
    let word = match (&source.legitimacy, source.against.is_empty()) {
        (Legitimacy::SeenBefore, _) => "before",
        (Legitimacy::NotSeenBefore, true) if rose(source) => "new, rose",
        (Legitimacy::NotSeenBefore, true) => "new",
        (Legitimacy::NotSeenBefore, false) => "suspect",
        (Legitimacy::Unknown, true) => "?",
        (Legitimacy::Unknown, false) => "suspect?",
    };
    if source.behind_proxy { format!("{word} proxy") } else { word.into() }
}

/// `COUNT`, or with its share where WAF did several things: `BLOCK 80%`.
fn did(source: &Source) -> String {
    let all: u64 = source.actions.iter().map(|(_, n)| n).sum();
    match source.actions.first() {
        Some((action, n)) if *n < all && all > 0 => {
            format!("{action} {}", percent(*n as f64 / all as f64))
        }
        Some((action, _)) => action.clone(),
        None => "?".into(),
    }
}

fn top(tally: &Tally) -> Option<String> {
    tally.first().map(|(name, _)| name.clone())
}

fn listed(tally: &Tally) -> String {
    if tally.is_empty() {
        return "?".into();
    }
    let names: Vec<String> = tally.iter().take(4).map(|(name, n)| format!("{name} ({n})")).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        assert_eq!(
            (grouped(0), grouped(480), grouped(61_000), grouped(1_234_567)),
            ("0".into(), "480".into(), "61,000".into(), "1,234,567".into())
        );
    }
}
