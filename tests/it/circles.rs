//! No circle of files in `src/`, and none in `range/src/`: who is named by a file, by path or by import, does not name
//! it back, however far round.
//!
//! Reads the source as text, as `layers` does. A file and its own modules may name each other; tests name what they
//! like.

use std::collections::{BTreeMap, BTreeSet};

use crate::layers::{code, root, sources};

/// Circles that are still there, each as the files that it goes through. To be emptied: nothing is added.
const KNOWN: &[&[&str]] = &[];

/// A module by its path in the crate: `["tui", "view"]`.
type Module = Vec<String>;

/// By file: which others it names, and the names that each arrow carries.
type Arrows = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

/// Files that lie on a circle together.
type Circle = BTreeSet<String>;

fn module(file: &str) -> Module {
    let mut path: Module = file.strip_suffix(".rs").unwrap_or(file).split('/').map(str::to_owned).collect();
    if matches!(path.last().map(String::as_str), Some("mod" | "lib")) {
        path.pop();
    }
    path
}

/// The modules that a file declares for its tests alone.
fn test_modules(file: &str, code: &str) -> Vec<Module> {
    let declared = code.split("#[cfg(test)]").skip(1).filter_map(|after| {
        let name = after.trim_start().strip_prefix("mod ")?.split_once(';')?.0;
        let is_name = name.chars().all(|c| c.is_alphanumeric() || c == '_');
        is_name.then(|| [module(file), vec![name.to_owned()]].concat())
    });
    declared.collect()
}

/// Code without the modules of tests that stand in it. They end, as everything that is formatted, with a brace at the
/// beginning of a line.
fn without_tests(code: &str) -> String {
    let mut kept = String::new();
    let mut rest = code;
    while let Some((before, tests)) = rest.split_once("\nmod tests {") {
        kept.push_str(before);
        rest = tests.split_once("\n}").map_or("", |(_, after)| after);
    }
    kept + rest
}

/// What is imported, a path each, and the code without that.
fn imports(code: &str) -> (Vec<String>, String) {
    let (mut paths, mut left, mut rest) = (Vec::new(), String::new(), code);
    while let Some((before, after)) = next_import(rest) {
        left.push_str(before);
        let (tree, behind) = after.split_once(';').unwrap_or((after, ""));
        paths.extend(leaves(tree));
        rest = behind;
    }
    (paths, left + rest)
}

/// The code before the next import, and the code from its path on.
fn next_import(code: &str) -> Option<(&str, &str)> {
    code.match_indices("use ").map(|(at, word)| (&code[..at], &code[at + word.len()..])).find(|(before, after)| {
        let line = before.rsplit('\n').next().unwrap_or_default().trim();
        let begins = line.is_empty() || line == "pub" || (line.starts_with("pub(") && line.ends_with(')'));
        // The word may begin a line of a text as well.
        let tree = after.split(';').next().unwrap_or_default();
        begins && tree.chars().all(|c| c.is_alphanumeric() || c.is_whitespace() || "_:{},*".contains(c))
    })
}

/// The paths that a tree of imports stands for: `a::{b, c::{d}}` for `a::b` and `a::c::d`.
fn leaves(tree: &str) -> Vec<String> {
    let Some((prefix, group)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or_default().trim();
        return if path.is_empty() { Vec::new() } else { vec![path.to_owned()] };
    };
    let group = group.rsplit_once('}').map_or(group, |(inside, _)| inside);
    let (mut depth, mut members) = (0, vec![String::new()]);
    for c in group.chars() {
        depth += i32::from(c == '{') - i32::from(c == '}');
        if c == ',' && depth == 0 {
            members.push(String::new());
        } else if let Some(member) = members.last_mut() {
            member.push(c);
        }
    }
    members.iter().flat_map(|member| leaves(member)).map(|leaf| format!("{}{leaf}", prefix.trim())).collect()
}

/// Everything in code that looks like a path.
fn paths(code: &str) -> impl Iterator<Item = &str> {
    let words = code.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'));
    words.filter(|word| word.contains("::") && !word.starts_with(':'))
}

/// The module that a path in `from` leads to, as deep as there is a file, and what it names there.
fn led_to(files: &BTreeMap<Module, String>, from: &Module, path: &str) -> Option<(Module, String)> {
    let mut at = from.clone();
    let mut segments = path.split("::").filter(|segment| !segment.is_empty()).peekable();
    let mut is_rooted = false;
    while let Some(word) = segments.next_if(|segment| matches!(*segment, "crate" | "self" | "super")) {
        is_rooted = true;
        match word {
            "crate" => at.clear(),
            "super" => drop(at.pop()),
            _ => {}
        }
    }
    let mut is_module = is_rooted;
    while let Some(segment) = segments.next_if(|segment| files.contains_key(&deeper(&at, segment))) {
        at = deeper(&at, segment);
        is_module = true;
    }
    let name = segments.next().filter(|name| *name != "self").unwrap_or("the module");
    is_module.then(|| (at, name.to_owned()))
}

fn deeper(at: &Module, segment: &str) -> Module {
    [at.as_slice(), &[segment.to_owned()]].concat()
}

/// Whether one is the other, or belongs to it.
fn is_kin(a: &Module, b: &Module) -> bool {
    a.starts_with(b) || b.starts_with(a)
}

/// Who names whom among `sources`, files with their texts.
fn arrows(sources: &[(String, String)]) -> Arrows {
    let codes: Vec<(&String, String)> = sources.iter().map(|(file, text)| (file, code(text))).collect();
    let tests: Vec<Module> = codes.iter().flat_map(|(file, code)| test_modules(file, code)).collect();
    // Tests too long for their file stand beside it, named after it.
    let is_test = |file: &str| file.ends_with("_tests.rs") || tests.iter().any(|test| module(file).starts_with(test));
    // The program's own root names the crate from outside.
    let own = codes.iter().filter(|(file, _)| *file != "main.rs" && !is_test(file));
    let files: BTreeMap<Module, String> = own.clone().map(|(file, _)| (module(file), (*file).clone())).collect();
    let mut arrows = Arrows::new();
    for (file, code) in own {
        let from = module(file);
        let (imported, left) = imports(&without_tests(code));
        let named = imported.iter().map(String::as_str).chain(paths(&left));
        for (to, name) in named.filter_map(|path| led_to(&files, &from, path)) {
            if let Some(to) = files.get(&to).filter(|_| !is_kin(&from, &to)) {
                arrows.entry((*file).clone()).or_default().entry(to.clone()).or_default().insert(name);
            }
        }
    }
    arrows
}

/// Everything that can be come to along the arrows, by file.
fn reached(arrows: &Arrows) -> BTreeMap<&String, BTreeSet<&String>> {
    let from = |file: &String| arrows.get(file).into_iter().flat_map(BTreeMap::keys);
    let all = arrows.keys().map(|file| {
        let (mut seen, mut next) = (BTreeSet::new(), vec![file]);
        while let Some(at) = next.pop() {
            next.extend(from(at).filter(|to| seen.insert(*to)));
        }
        (file, seen)
    });
    all.collect()
}

fn circles(arrows: &Arrows) -> BTreeSet<Circle> {
    let reached = reached(arrows);
    let leads = |from: &String, to: &String| reached.get(from).is_some_and(|all| all.contains(to));
    let on_one = arrows.keys().filter(|file| leads(file, file));
    on_one
        .map(|file| arrows.keys().filter(|other| leads(file, other) && leads(other, file)).cloned().collect())
        .collect()
}

/// The arrows of a circle with what they carry, a line each.
fn described(dir: &str, circle: &Circle, arrows: &Arrows) -> String {
    let of = |from: &String| {
        let to = arrows[from].iter().filter(|(to, _)| circle.contains(*to));
        let line = |(to, names): (&String, &BTreeSet<String>)| {
            format!("  {dir}/{from} → {dir}/{to}: {}", names.iter().cloned().collect::<Vec<_>>().join(", "))
        };
        to.map(line).collect::<Vec<_>>()
    };
    let lines: Vec<String> = circle.iter().flat_map(of).collect();
    format!("a circle of {} files:\n{}", circle.len(), lines.join("\n"))
}

/// The circles of a folder's files are those that are known, and no others.
fn holds(dir: &str, known: &[&[&str]]) {
    let arrows = arrows(&sources(&root().join(dir)));
    let number: usize = arrows.values().map(BTreeMap::len).sum();
    assert!(number > 300, "hardly any file of {dir} names another ({number} arrows): this test looks at nothing");
    let found = circles(&arrows);
    let known: BTreeSet<Circle> =
        known.iter().map(|circle| circle.iter().map(|file| (*file).to_owned()).collect()).collect();
    let new: Vec<String> = found.difference(&known).map(|circle| described(dir, circle, &arrows)).collect();
    let advice = "move what they share into a file below all of them, or hand over a value instead of a name";
    assert!(new.is_empty(), "{advice}:\n{}", new.join("\n"));
    let gone: Vec<&Circle> = known.difference(&found).collect();
    assert!(gone.is_empty(), "these are no circles any more, take them out of KNOWN: {gone:?}");
}

#[test]
fn no_circle_of_files() {
    holds("src", KNOWN);
    holds("range/src", &[]);
}

fn made_up(files: &[(&str, &str)]) -> Arrows {
    let files: Vec<(String, String)> =
        files.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())).collect();
    arrows(&files)
}

#[test]
fn a_circle_is_found_and_told_with_what_its_arrows_carry() {
    let arrows = made_up(&[
        ("lib.rs", "pub mod a;\npub mod b;\npub mod c;\npub mod far;"),
        ("a.rs", "use crate::{\n    b::{B, inner::Deep as D},\n    far::Far,\n};\n"),
        ("b/mod.rs", "mod inner;\n"),
        ("b/inner.rs", "pub(super) use super::super::c::{self};\n"),
        ("c.rs", "fn f() { let _ = crate::a::A::new(); }\n"),
        ("far.rs", "use std::fmt;\n"),
    ]);
    let found: Vec<Circle> = circles(&arrows).into_iter().collect();
    assert_eq!(found, [["a.rs", "b/inner.rs", "c.rs"].map(str::to_owned).into()], "{arrows:?}");
    let told = described("src", &found[0], &arrows);
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(
        lines,
        [
            "a circle of 3 files:",
            "  src/a.rs → src/b/inner.rs: Deep",
            "  src/b/inner.rs → src/c.rs: the module",
            "  src/c.rs → src/a.rs: A",
        ]
    );
}

#[test]
fn a_file_and_its_own_modules_are_no_circle() {
    let arrows = made_up(&[
        ("a.rs", "mod child;\nuse self::child::Child;\nuse crate::a::Own;\nfn f() { child::go(); self::Own; }\n"),
        ("a/child.rs", "use super::Own;\nfn f() { crate::a::child::go(); }\n"),
        ("b/mod.rs", "mod child;\npub use child::Child;\n"),
        ("b/child.rs", "use crate::b::B;\n"),
    ]);
    assert!(arrows.is_empty(), "{arrows:?}");
}

#[test]
fn comments_texts_and_tests_name_nobody() {
    let arrows = made_up(&[
        ("a.rs", "mod laws_too;\n#[cfg(test)]\nmod laws;\nfn f() {} // crate::b::B\n//! [`crate::b`]\n"),
        ("a/laws.rs", "use crate::b::B;\n"),
        ("a/laws_too.rs", "fn f() { say(\"to stop it\n    use the other; or not\"); }\nfn g() {}\n"),
        ("b.rs", "use crate::a::A;\n#[cfg(test)]\nmod tests {\n    use crate::c::C;\n    fn t() {\n    }\n}\n"),
        ("c.rs", "use crate::b::B;\n"),
        ("main.rs", "use crate::a::A;\n"),
    ]);
    let named: Vec<(&str, Vec<&str>)> =
        arrows.iter().map(|(from, to)| (from.as_str(), to.keys().map(String::as_str).collect())).collect();
    assert_eq!(named, [("b.rs", vec!["a.rs"]), ("c.rs", vec!["b.rs"])]);
    assert!(circles(&arrows).is_empty());
}
