//! From text to settings, or to everything that is wrong with it: every key is known, of its type, in its range, and
//! said with its place where it is not.

use std::collections::BTreeMap;
use std::ops::Range;

use ipnet::IpNet;
use toml::de::{DeTable, DeValue};

use super::keys::{Holds, KEYS, Key, SECTIONS, Span};
use super::{Account, Settings, StageProbe, StageSelector, StageThresholds};
use crate::model::address;
use crate::model::reader::{Mistake, Node, Reader};
use crate::model::signal::{ORDERED, Threshold};
use crate::model::text::shortened;

/// Digits of an account's number (documented).
const ACCOUNT_DIGITS: usize = 12;

/// Reads a configuration. `file` is how it is named in mistakes.
///
/// # Errors
/// Every mistake that was found, in the order of the file; never none.
pub fn read(file: &str, text: &str) -> Result<Settings, Vec<Mistake>> {
    read_within(file, text, &[])
}

/// The same of a table inside a file, `drill.settings` of a scenario; the defaults where there is none.
///
/// # Errors
/// As [`read`].
pub fn read_within(file: &str, text: &str, place: &[&str]) -> Result<Settings, Vec<Mistake>> {
    let mut reader = Reader::new(file, text);
    let table = match DeTable::parse(text) {
        Ok(table) => table,
        Err(error) => {
            reader.no_toml(&error);
            return Err(reader.mistakes);
        }
    };
    let mut table = table.get_ref();
    for name in place {
        let Some(node) = table.get(*name) else { return Ok(Settings::default()) };
        let Some(inner) = node.get_ref().as_table() else {
            reader.wrong_type(node, name, &format!("a table: [{}]", place.join(".")));
            return Err(reader.mistakes);
        };
        table = inner;
    }
    let mut settings = Settings::default();
    Reading { reader: &mut reader }.all(table, &mut settings);
    let mut mistakes = reader.mistakes;
    mistakes.sort();
    if mistakes.is_empty() { Ok(settings) } else { Err(mistakes) }
}

/// What is wrong with the value of a key that can only be judged elsewhere, at its place in the file.
#[must_use]
pub fn mistake_at(file: &str, text: &str, (section, key): (&str, &str), message: String) -> Mistake {
    let table = DeTable::parse(text).ok();
    let section = table.as_ref().and_then(|table| table.get_ref().get(section)?.get_ref().as_table());
    let place = section.and_then(|section| section.get(key)).map_or(0..0, Node::span);
    Reader::new(file, text).placed(&place, message)
}

struct Reading<'r, 'a> {
    reader: &'r mut Reader<'a>,
}

impl Reading<'_, '_> {
    fn all(&mut self, table: &DeTable<'_>, settings: &mut Settings) {
        self.reader.only(table, "the configuration", &SECTIONS.map(|(name, _)| name));
        for (section, _) in SECTIONS {
            let Some(node) = table.get(section) else { continue };
            let Some(inner) = node.get_ref().as_table() else {
                self.reader.wrong_type(node, section, &format!("a table: [{section}]"));
                continue;
            };
            if section == "accounts" {
                self.accounts(inner, settings);
                continue;
            }
            let keys = || KEYS.iter().filter(|key| key.section == section);
            let names: Vec<&str> = keys().map(|key| key.name).collect();
            self.reader.only(inner, &format!("[{section}]"), &names);
            for key in keys() {
                if let Some(node) = inner.get(key.name) {
                    self.key(key, node, settings);
                }
            }
            match section {
                "signals" => self.ordered(inner, settings),
                "polling" => self.polled(inner, settings),
                _ => {}
            }
        }
    }

    fn key(&mut self, key: &Key, node: &Node<'_>, settings: &mut Settings) {
        match key.holds {
            Holds::Number(span, at) => put(at(settings), self.number(key, span, node)),
            Holds::Threshold(Threshold { span, at, .. }) => {
                put(at(&mut settings.signals), self.number(key, *span, node));
            }
            Holds::MaybeNumber(span, at) => put(at(settings), self.number(key, span, node).map(Some)),
            Holds::Bits(span, at) => put(at(settings), self.whole(key, span, node)),
            Holds::Minutes(span, at) => put(at(settings), self.whole(key, span, node)),
            Holds::Seconds(span, at) => put(at(settings), self.whole(key, span, node)),
            Holds::Flag(at) => match node.get_ref() {
                DeValue::Boolean(flag) => *at(settings) = *flag,
                _ => self.reader.wrong_type(node, key.name, "true or false, without quotes"),
            },
            Holds::Prefixes(at) => put(at(settings), self.prefixes(key, node)),
            Holds::MaybePrefixes(at) => put(at(settings), self.prefixes(key, node).map(Some)),
            Holds::Names(at) => put(at(settings), self.names(key, node)),
            Holds::MaybeName(at) => put(at(settings), self.plain(key.name, node).map(Some)),
            Holds::Text(at) => put(at(settings), self.plain(key.name, node)),
            Holds::Urls(at) => put(at(settings), self.urls(key, node)),
            Holds::StageThresholds => put(&mut settings.signals.stages, self.tables(key, node, Self::thresholds)),
            Holds::StageProbes => put(&mut settings.probes.stages, self.tables(key, node, Self::probe)),
            // They stand under their own names.
            Holds::Accounts => {}
        }
    }

    /// Accounts, by their twelve digits (documented).
    fn accounts(&mut self, table: &DeTable<'_>, settings: &mut Settings) {
        for (id, node) in table {
            let written = id.get_ref().as_ref();
            if written.len() != ACCOUNT_DIGITS || !written.bytes().all(|byte| byte.is_ascii_digit()) {
                let message = format!(
                    "“{}” is not the number of an account; write its twelve digits: 111122223333 = \"shop-prod\"",
                    shortened(written, 40)
                );
                self.reader.wrong(&id.span(), message);
                continue;
            }
            if let Some(account) = self.account(node) {
                settings.accounts.insert(written.to_owned(), account);
            }
        }
    }

    fn account(&mut self, node: &Node<'_>) -> Option<Account> {
        let Some(table) = node.get_ref().as_table() else {
            return Some(Account { name: self.plain("name", node)?, production: true });
        };
        self.reader.only(table, "an account", &["name", "production"]);
        let name = match table.get("name") {
            Some(node) => self.plain("name", node)?,
            None => String::new(),
        };
        let production = match table.get("production").map(|node| (node, node.get_ref())) {
            None => true,
            Some((_, DeValue::Boolean(flag))) => *flag,
            Some((node, _)) => {
                self.reader.wrong_type(node, "production", "true or false, without quotes");
                return None;
            }
        };
        Some(Account { name, production })
    }

    /// A number in its range.
    fn number(&mut self, key: &Key, span: Span, node: &Node<'_>) -> Option<f64> {
        let (number, written) = match node.get_ref() {
            DeValue::Float(float) => (float.as_str().parse::<f64>().ok(), float.to_string()),
            DeValue::Integer(whole) => {
                let parsed = i64::from_str_radix(whole.as_str(), whole.radix());
                (parsed.ok().map(|number| number as f64), whole.to_string())
            }
            _ => {
                self.reader.wrong_type(node, key.name, &format!("a number, {span}"));
                return None;
            }
        };
        let number = number.filter(|number| span.holds(*number));
        if number.is_none() {
            self.outside(key, span, &written, node);
        }
        // Minus zero is zero.
        number.map(|number| number + 0.0)
    }

    fn whole<N: TryFrom<u64>>(&mut self, key: &Key, span: Span, node: &Node<'_>) -> Option<N> {
        let DeValue::Integer(whole) = node.get_ref() else {
            self.reader.wrong_type(node, key.name, &format!("a whole number, {span}"));
            return None;
        };
        let number =
            u64::from_str_radix(whole.as_str(), whole.radix()).ok().filter(|number| span.holds(*number as f64));
        let number = number.and_then(|number| N::try_from(number).ok());
        if number.is_none() {
            self.outside(key, span, &whole.to_string(), node);
        }
        number
    }

    fn outside(&mut self, key: &Key, span: Span, written: &str, node: &Node<'_>) {
        let unit = span.unit;
        let hint = key.default().map_or_else(String::new, |default| format!(". The default is {default}"));
        let written = shortened(written, 40);
        self.reader.wrong(&node.span(), format!("“{}” takes {span} ({unit}), not {written}{hint}", key.name));
    }

    /// Prefixes and addresses: a list of texts, or one text; each may hold several, as on the command line.
    fn prefixes(&mut self, key: &Key, node: &Node<'_>) -> Option<Vec<IpNet>> {
        let mut found = Vec::new();
        for (text, at) in self.each(key, node)? {
            if address::listed(&text).next().is_none() {
                self.reader.wrong(&at, format!("“{}” has an empty text. Write \"203.0.113.7/32\"", key.name));
                return None;
            }
            for one in address::listed(&text) {
                match address::exact(one) {
                    Ok(net) if found.contains(&net) => {}
                    Ok(net) => found.push(net),
                    Err(why) => {
                        self.reader.wrong(&at, format!("“{}”: {why}", key.name));
                        return None;
                    }
                }
            }
        }
        Some(found)
    }

    fn names(&mut self, key: &Key, node: &Node<'_>) -> Option<Vec<String>> {
        let mut found: Vec<String> = Vec::new();
        for (text, at) in self.each(key, node)? {
            found.push(self.checked(key.name, &text, &at)?);
        }
        Some(found)
    }

    fn urls(&mut self, key: &Key, node: &Node<'_>) -> Option<Vec<String>> {
        let mut found = Vec::new();
        for (text, at) in self.each(key, node)? {
            found.push(self.url(key.name, &text, &at)?);
        }
        Some(found)
    }

    /// The texts of a list, or the one text.
    fn each(&mut self, key: &Key, node: &Node<'_>) -> Option<Vec<(String, Range<usize>)>> {
        let wanted = format!("{}: a list of texts in quotes", key.takes());
        let items: Vec<&Node<'_>> = match node.get_ref() {
            DeValue::Array(items) => items.iter().collect(),
            _ => vec![node],
        };
        let mut found = Vec::new();
        for item in items {
            let Some(text) = item.get_ref().as_str() else {
                self.reader.wrong_type(item, key.name, &wanted);
                return None;
            };
            found.push((text.to_owned(), item.span()));
        }
        Some(found)
    }

    /// A text that is not empty.
    fn plain(&mut self, name: &str, node: &Node<'_>) -> Option<String> {
        let Some(text) = node.get_ref().as_str() else {
            self.reader.wrong_type(node, name, "a text in quotes");
            return None;
        };
        self.checked(name, text, &node.span())
    }

    fn checked(&mut self, name: &str, text: &str, at: &Range<usize>) -> Option<String> {
        let text = text.trim();
        if text.is_empty() || text.chars().any(char::is_control) {
            self.reader.wrong(at, format!("“{name}” takes a text without control characters that is not empty"));
            return None;
        }
        Some(text.to_owned())
    }

    fn url(&mut self, name: &str, text: &str, at: &Range<usize>) -> Option<String> {
        let host = ["https://", "http://"].iter().find_map(|scheme| text.strip_prefix(scheme));
        let sound = |rest: &str| {
            rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[')
                && rest.chars().all(|c| c.is_ascii_graphic() && !"\"<>\\^`{|}".contains(c))
        };
        if host.is_some_and(sound) {
            return Some(text.to_owned());
        }
        let written = shortened(text, 60);
        self.reader.wrong(
            at,
            format!("“{name}”: “{written}” is not a URL; write for example https://api.shop.example/health"),
        );
        None
    }

    /// A list of tables, each read by `one`.
    fn tables<T>(
        &mut self,
        key: &Key,
        node: &Node<'_>,
        one: fn(&mut Self, &DeTable<'_>, &Range<usize>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let wanted = format!("tables: [[{}.{}]]", key.section, key.name);
        let DeValue::Array(items) = node.get_ref() else {
            self.reader.wrong_type(node, key.name, &wanted);
            return None;
        };
        let mut found = Vec::new();
        for item in items {
            match item.get_ref().as_table() {
                Some(table) => found.extend(one(self, table, &item.span())),
                None => self.reader.wrong_type(item, key.name, &wanted),
            }
        }
        Some(found)
    }

    /// The stage that a table is about.
    fn stage(&mut self, table: &DeTable<'_>, place: &str, at: &Range<usize>) -> Option<String> {
        let (text, at) = self.reader.required(table, "stage", place, at)?;
        match text.parse::<StageSelector>() {
            Ok(_) => Some(text),
            Err(why) => {
                self.reader.wrong(&at, format!("“stage”: {why}"));
                None
            }
        }
    }

    fn thresholds(&mut self, table: &DeTable<'_>, at: &Range<usize>) -> Option<StageThresholds> {
        let own = |key: &&Key| matches!(key.holds, Holds::Threshold(Threshold { of_stage: Some(_), .. }));
        let names: Vec<&str> = std::iter::once("stage").chain(KEYS.iter().filter(own).map(|key| key.name)).collect();
        self.reader.only(table, "[[signals.stages]]", &names);
        let mut stage = StageThresholds { stage: self.stage(table, "[[signals.stages]]", at)?, ..Default::default() };
        for key in KEYS.iter().filter(own) {
            if let (Holds::Threshold(Threshold { span, of_stage: Some(of_stage), .. }), Some(node)) =
                (key.holds, table.get(key.name))
            {
                *of_stage(&mut stage) = self.number(key, *span, node);
            }
        }
        Some(stage)
    }

    fn probe(&mut self, table: &DeTable<'_>, at: &Range<usize>) -> Option<StageProbe> {
        self.reader.only(table, "[[probes.stages]]", &["stage", "url", "headers"]);
        let stage = self.stage(table, "[[probes.stages]]", at);
        let (url, at) = self.reader.required(table, "url", "[[probes.stages]]", at)?;
        let url = self.url("url", &url, &at);
        let headers = self.headers(table)?;
        Some(StageProbe { stage: stage?, url: url?, headers })
    }

    fn headers(&mut self, table: &DeTable<'_>) -> Option<BTreeMap<String, String>> {
        let Some(node) = table.get("headers") else { return Some(BTreeMap::new()) };
        let Some(inner) = node.get_ref().as_table() else {
            self.reader.wrong_type(node, "headers", "a table: { name = \"value\" }");
            return None;
        };
        let mut found = BTreeMap::new();
        for (name, value) in inner {
            let written = name.get_ref().as_ref();
            if http::HeaderName::from_bytes(written.as_bytes()).is_err() {
                let written = shortened(written, 40);
                self.reader.wrong(
                    &name.span(),
                    format!("“{written}” is not the name of a header; write letters, digits and -"),
                );
                return None;
            }
            let text = value.get_ref().as_str();
            let Some(text) = text.filter(|text| http::HeaderValue::from_str(text).is_ok()) else {
                self.reader.wrong_type(value, "headers", "texts in quotes, without control characters");
                return None;
            };
            found.insert(written.to_owned(), text.to_owned());
        }
        Some(found)
    }

    /// Stages that are attacked are read as often as the others at least, and those that nobody calls at most. What is
    /// not written follows.
    fn polled(&mut self, table: &DeTable<'_>, settings: &mut Settings) {
        let polling = &mut settings.polling;
        let usual = polling.interval_seconds;
        match table.get("close-seconds") {
            Some(node) if polling.close_seconds > usual => {
                let close = polling.close_seconds;
                self.reader.wrong(
                    &node.span(),
                    format!("“close-seconds” is {close}, above “interval-seconds” with {usual}: attacked stages are read as often as the others at least. It takes 1 to {usual} (seconds)"),
                );
            }
            Some(_) => {}
            None => polling.close_seconds = polling.close_seconds.min(usual),
        }
        match table.get("idle-seconds") {
            Some(node) if polling.idle_seconds < usual => {
                let idle = polling.idle_seconds;
                self.reader.wrong(
                    &node.span(),
                    format!("“idle-seconds” is {idle}, below “interval-seconds” with {usual}: stages that nobody calls are read as often as the others at most. It takes {usual} to 86,400 (seconds)"),
                );
            }
            Some(_) => {}
            None => polling.idle_seconds = polling.idle_seconds.max(usual),
        }
    }

    /// A notice comes before an attack, for all stages and for each that has its own.
    fn ordered(&mut self, signals: &DeTable<'_>, settings: &Settings) {
        self.in_order(signals, "", &mut settings.clone());
        let items = signals.get("stages").and_then(|node| node.get_ref().as_array());
        let tables = items.into_iter().flatten().filter_map(|item| item.get_ref().as_table());
        for table in tables {
            let name = table.get("stage").and_then(|node| node.get_ref().as_str()).unwrap_or_default().trim();
            let Some(own) = settings.signals.stages.iter().find(|own| own.stage == name) else { continue };
            let mut merged = Settings { signals: settings.signals.merged(own), ..Settings::default() };
            self.in_order(table, &format!(" of {}", shortened(name, 60)), &mut merged);
        }
    }

    fn in_order(&mut self, table: &DeTable<'_>, of: &str, settings: &mut Settings) {
        for (notice, attack) in ORDERED {
            // What this table names neither of was said of another one.
            let Some(node) = table.get(notice).or_else(|| table.get(attack)) else { continue };
            let (Some(low), Some(high)) = (threshold(notice, settings), threshold(attack, settings)) else { continue };
            if low > high {
                self.reader.wrong(
                    &node.span(),
                    format!("“{notice}”{of} is {low}, above “{attack}” with {high}: a notice comes first. Write {high} or less"),
                );
            }
        }
    }
}

fn threshold(name: &str, settings: &mut Settings) -> Option<f64> {
    match KEYS.iter().find(|key| key.section == "signals" && key.name == name)?.holds {
        Holds::Threshold(threshold) => Some(*(threshold.at)(&mut settings.signals)),
        _ => None,
    }
}

fn put<T>(at: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *at = value;
    }
}
