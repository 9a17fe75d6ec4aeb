//! Lists of addresses that are longer than a command line: out of a file, or from standard input.

use std::fmt::Display;
use std::io::Read;
use std::sync::{Mutex, PoisonError};

use crate::model::address::{Target, listed};

/// How standard input is written.
const STANDARD_INPUT: &str = "-";

/// The most bytes that a list may have: as many addresses as an IP set holds (10,000, documented), with room for
/// remarks.
const MOST_BYTES: u64 = 4 * 1024 * 1024;

/// One word of the command line, or all the prefixes of a list.
#[derive(Debug, Clone)]
pub(in crate::cli) struct Targets(Vec<Target>);

/// `203.0.113.7`, or `-` for standard input.
pub(super) fn word(text: &str) -> Result<Targets, String> {
    if text == STANDARD_INPUT {
        return file(text);
    }
    text.parse().map(|target| Targets(vec![target])).map_err(|why: crate::model::address::AddressError| why.to_string())
}

/// The prefixes of a file, parted by blanks, commas or line ends; what follows a `#` is a remark. What cannot be read
/// is named with its line.
///
/// Words may be looked at twice, to tell what is wrong with them; what can be read only once is read once.
pub(super) fn file(path: &str) -> Result<Targets, String> {
    static READ: Mutex<Vec<(String, Result<Targets, String>)>> = Mutex::new(Vec::new());
    let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, known)) = read.iter().find(|(known, _)| known == path) {
        return known.clone();
    }
    let found = read_file(path);
    read.push((path.to_owned(), found.clone()));
    found
}

fn read_file(path: &str) -> Result<Targets, String> {
    let (name, text) = if path == STANDARD_INPUT {
        ("standard input", text_of("standard input", std::io::stdin())?)
    } else {
        (path, text_of(path, std::fs::File::open(path).map_err(|why| unread(path, why))?)?)
    };
    let found = read(name, &text)?;
    if found.is_empty() {
        return Err(format!("{name} names no address"));
    }
    Ok(Targets(found))
}

fn unread(name: &str, why: impl Display) -> String {
    format!("{name} cannot be read: {why}")
}

fn text_of(name: &str, source: impl Read) -> Result<String, String> {
    let mut text = String::new();
    source.take(MOST_BYTES + 1).read_to_string(&mut text).map_err(|why| unread(name, why))?;
    if text.len() as u64 > MOST_BYTES {
        return Err(format!("{name} has more than {MOST_BYTES} bytes; is it a list of addresses?"));
    }
    Ok(text)
}

fn read(name: &str, text: &str) -> Result<Vec<Target>, String> {
    let mut found = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default();
        for word in listed(line) {
            let target: Result<Target, _> = word.parse();
            found.push(target.map_err(|why| format!("{name}:{}: {why}", at + 1))?);
        }
    }
    Ok(found)
}

/// All of them, each once, in the order in which they were named.
pub(super) fn together(words: Vec<Targets>, lists: Vec<Targets>) -> Vec<Target> {
    let mut all: Vec<Target> = Vec::new();
    let mut known = std::collections::HashSet::new();
    for target in words.into_iter().chain(lists).flat_map(|targets| targets.0) {
        if known.insert(target.net) {
            all.push(target);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_list_has_remarks_and_any_kind_of_gap() {
        let found =
            read("x", "# attackers\n203.0.113.7, 203.0.113.8\t2001:db8::1\r\n\n198.51.100.0/24 # ours?\n").unwrap();
        let nets: Vec<String> = found.iter().map(|target| target.net.to_string()).collect();
        assert_eq!(nets, ["203.0.113.7/32", "203.0.113.8/32", "2001:db8::1/128", "198.51.100.0/24"]);
    }

    #[test]
    fn what_cannot_be_read_is_named_with_its_line() {
        let why = read("bad.txt", "203.0.113.7\nshop.example\n").unwrap_err();
        assert!(why.starts_with("bad.txt:2: “shop.example” is not an IP address"), "{why}");
        assert!(file("/no/such/file").unwrap_err().contains("cannot be read"));
    }

    #[test]
    fn what_is_named_twice_is_there_once() {
        let one = || word("203.0.113.7").unwrap();
        assert_eq!(together(vec![one(), one()], vec![one()]).len(), 1);
    }
}
