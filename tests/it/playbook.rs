//! Playbook files: what is right, what is wrong and where, and that those that come with the program are sound.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fmt::Write as _;
use std::fs;

use portcullis::drill::Drill;
use portcullis::model::playbook::{Fallback, Kind, Origin, Playbook, Situation, Task, Value};
use portcullis::playbook::action::{forms, parameters};
use portcullis::playbook::{EMBEDDED, Library, OBSERVATIONS, read};

use crate::docs::generated;

const HEAD: &str = "schema = \"portcullis.playbook/1\"\nname = \"mine\"\ntitle = \"Mine\"\n";

fn loaded(rest: &str) -> Result<Playbook, Vec<String>> {
    let told = |mistakes: Vec<portcullis::playbook::Mistake>| mistakes.iter().map(ToString::to_string).collect();
    read("mine.toml", &format!("{HEAD}{rest}"), Origin::Embedded).map_err(told)
}

/// The only mistake of a file whose first three lines are [`HEAD`].
fn mistake(rest: &str) -> String {
    let mistakes = loaded(rest).unwrap_err();
    assert_eq!(mistakes.len(), 1, "{mistakes:#?}");
    mistakes[0].clone()
}

const NOTE: &str = "[[steps]]\nid = \"n\"\ntitle = \"N\"\nnote = \"x\"\n";

#[test]
fn those_that_come_with_the_program_are_sound_and_have_their_drill() {
    let library = Library::load(None);
    assert!(library.mistakes.is_empty(), "{:#?}", library.mistakes);
    let names: Vec<&str> = library.playbooks.iter().map(|playbook| playbook.name.as_str()).collect();
    assert_eq!(
        names,
        EMBEDDED.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
        "files are named as they call themselves"
    );
    for (drill, _) in portcullis::drill::EMBEDDED {
        assert!(
            library.playbooks.iter().any(|playbook| playbook.drill.as_deref() == Some(drill)),
            "nothing for {drill}"
        );
    }
    for playbook in &library.playbooks {
        assert!(!playbook.summary.is_empty(), "{}", playbook.name);
        if let Some(drill) = &playbook.drill {
            Drill::load(Some(drill)).unwrap();
        }
    }
}

#[test]
fn values_are_typed_and_references_are_kept_as_such() {
    let playbook = loaded(
        "answers = [\"blocked-spike\"]\n[inputs.who]\ntype = \"prefixes\"\ndescribe = \"d\"\ndefault = { from = \"suspects\" }\n\
         [inputs.span]\ntype = \"duration\"\ndescribe = \"d\"\ndefault = \"90m\"\n\
         [[steps]]\nid = \"a\"\ntitle = \"A\"\naction = \"block-ip\"\nwith = { targets = { input = \"who\" }, for = { input = \"span\" } }\n\
         [[steps]]\nid = \"u\"\ntitle = \"U\"\nundo = \"a\"\noptional = true\n",
    )
    .unwrap();
    let defaults: Vec<_> = playbook.inputs.iter().map(|input| input.default.clone().unwrap()).collect();
    assert_eq!(defaults, [Fallback::From(Situation::Suspects), Fallback::Value(Value::Duration(5_400))]);
    assert_eq!(playbook.steps[0].task.inputs().collect::<Vec<_>>(), ["who", "span"]);
    assert!(matches!(&playbook.steps[1].task, Task::Undo { step } if step == "a") && playbook.steps[1].optional);
}

#[test]
fn every_mistake_is_told_with_its_place_and_a_hint() {
    let action =
        |with: &str| format!("[[steps]]\nid = \"a\"\ntitle = \"A\"\naction = \"throttle\"\nwith = {{ {with} }}\n");
    for (text, place, words) in [
        (format!("titel = \"x\"\n{NOTE}"), "4:1", "Did you mean “title”?"),
        (format!("answers = [\"blocked-spik\"]\n{NOTE}"), "4:12", "Did you mean “blocked-spike”?"),
        (NOTE.replace("note = \"x\"", "action = \"throtle\""), "7:10", "Did you mean “throttle”?"),
        (NOTE.replace("note = \"x\"", "undo = \"later\""), "7:8", "no earlier action step “later”"),
        (NOTE.replace("note = \"x\"", "observe = \"signal-cleared\""), "7:11", "Did you mean “signals-cleared”?"),
        (NOTE.replace("note = \"x\"", "observe = \"signals-cleared\""), "7:11", "answers none"),
        (NOTE.replace("note = \"x\"", "observe = \"effect\"\nof = \"n\""), "8:6", "no earlier action step"),
        (NOTE.replace("note = \"x\"\n", ""), "4:1", "exactly one of action, undo, observe, note; this has none"),
        (NOTE.replace("note = \"x\"", "note = \"x\"\nundo = \"y\""), "4:1", "this has undo and note"),
        (format!("{NOTE}{NOTE}"), "9:6", "there is a step “n” already"),
        (NOTE.replace("note = \"x\"", "note = 7"), "7:8", "takes a text in quotes, not an integer"),
        (NOTE.replace("title = \"N\"\n", ""), "4:1", "has no “title”"),
        (action("rate = 5"), "7:10", "throttle needs “burst”"),
        (action("rate = \"5\", burst = 5"), "8:17", "for example 50, not a string"),
        (action("rate = 5, burst = 5, method = \"login\""), "8:40", "POST /login"),
        (action("rate = 5, burst = 5, method = \"GET /${path}\""), "8:40", "text is not filled in"),
        (action("rate = 5, burst = 5, overrides = [\"throttle.zero\"]"), "8:31", "can neither lift a guard"),
        (action("rate = { input = \"speed\" }, burst = 5"), "8:27", "there is no input “speed”"),
        (format!("[inputs.x]\ntype = \"rate\"\ndescribe = \"d\"\n{NOTE}"), "4:9", "no step uses the input “x”"),
        (
            format!(
                "[inputs.x]\ntype = \"burst\"\ndescribe = \"d\"\n{}",
                action("rate = { input = \"x\" }, burst = 5")
            ),
            "11:27",
            "is of type burst, “rate” takes rate",
        ),
        (
            format!(
                "[inputs.x]\ntype = \"rate\"\ndescribe = \"d\"\ndefault = {{ from = \"suspects\" }}\n{}",
                action("rate = { input = \"x\" }, burst = 5")
            ),
            "7:20",
            "“suspects” is prefixes, the input is rate",
        ),
        (NOTE.replace("note = \"x\"", "run = \"rm -rf\"\nnote = \"x\""), "7:1", "runs no commands"),
        (String::new(), "1:1", "has no steps"),
        ("steps = [".to_owned(), "4:10", "this is not TOML"),
    ] {
        let told = loaded(&text).unwrap_err()[0].clone();
        assert!(told.starts_with(&format!("mine.toml:{place}: ")), "{told}\n{text}");
        assert!(told.contains(words), "{told}\n{text}");
    }
}

#[test]
fn several_mistakes_are_told_at_once_in_the_order_of_the_file() {
    let text = format!(
        "titel = \"x\"\n{NOTE}[[steps]]\nid = \"B\"\ntitle = \"B\"\naction = \"blok-ip\"\n{}",
        NOTE.replace("note", "undo")
    );
    let told = loaded(&text).unwrap_err();
    let places: Vec<&str> = told.iter().filter_map(|line| line.split(": ").next()).collect();
    assert_eq!(
        places,
        ["mine.toml:4:1", "mine.toml:10:6", "mine.toml:12:10", "mine.toml:14:6", "mine.toml:16:8"],
        "{told:#?}"
    );
}

#[test]
fn a_flush_cannot_be_undone_and_a_note_is_no_change() {
    let flush = "[[steps]]\nid = \"f\"\ntitle = \"F\"\naction = \"flush-cache\"\n";
    assert!(
        mistake(&format!("{flush}[[steps]]\nid = \"u\"\ntitle = \"U\"\nundo = \"f\"\n"))
            .contains("a flush is permanent")
    );
    assert!(
        mistake(&format!("{NOTE}[[steps]]\nid = \"u\"\ntitle = \"U\"\nundo = \"n\"\n"))
            .contains("not a step that changes anything")
    );
}

#[test]
fn the_user_s_own_take_the_place_of_the_program_s_and_a_broken_one_does_not() {
    let dir = tempfile::tempdir().unwrap();
    let own = format!("{HEAD}{NOTE}").replace("\"mine\"", "\"sqli-flood\"");
    fs::write(dir.path().join("a.toml"), &own).unwrap();
    fs::write(dir.path().join("b.toml"), format!("{HEAD}{NOTE}")).unwrap();
    fs::write(dir.path().join("c.toml"), own).unwrap();
    fs::write(dir.path().join("d.toml"), "name = \"lockout-trap\"\n").unwrap();
    fs::write(dir.path().join("notes.txt"), "no playbook").unwrap();
    let library = Library::load(Some(dir.path()));
    let of = |name: &str| library.find(name).unwrap().origin.clone();
    assert!(matches!(of("sqli-flood"), Origin::File { replaces: true, path } if path.ends_with("a.toml")));
    assert!(matches!(of("mine"), Origin::File { replaces: false, .. }));
    assert_eq!(of("lockout-trap"), Origin::Embedded);
    let told: Vec<String> = library.mistakes.iter().map(ToString::to_string).collect();
    assert!(told.iter().any(|line| line.contains("c.toml:1:1") && line.contains("is the name of")), "{told:#?}");
    assert!(told.iter().any(|line| line.contains("d.toml:1:1") && line.contains("schema")), "{told:#?}");
    assert!(library.find("sqli-flod").unwrap_err().contains("Did you mean “sqli-flood”?"));
    assert_eq!(Library::load(Some(&dir.path().join("nowhere"))).playbooks.len(), EMBEDDED.len());
}

#[test]
fn the_catalogues_of_playbooks_are_generated() {
    let page = "docs/playbooks.md";
    let mut table =
        String::from("\n| Action | Parameter | Type | Must be given | What it is |\n| --- | --- | --- | --- | --- |\n");
    for form in forms() {
        writeln!(table, "| `{}` | | | | {} |", form.name, form.doc).unwrap();
        for parameter in parameters(form) {
            let must = if parameter.required { "yes" } else { "no" };
            writeln!(table, "| | `{}` | `{}` | {must} | {} |", parameter.name, parameter.kind.word(), parameter.doc)
                .unwrap();
        }
    }
    generated(page, "actions", &(table + "\n"));
    let mut table = String::from("\n| Type | What it is | For example |\n| --- | --- | --- |\n");
    for kind in Kind::ALL {
        writeln!(table, "| `{}` | {} | `{}` |", kind.word(), kind.doc(), kind.example()).unwrap();
    }
    generated(page, "types", &(table + "\n"));
    let mut table = String::from("\n| `from` | Type | What it is |\n| --- | --- | --- |\n");
    for one in Situation::ALL {
        writeln!(table, "| `{}` | `{}` | {} |", one.word(), one.kind().word(), one.doc()).unwrap();
    }
    generated(page, "situation", &(table + "\n"));
    let mut table = String::from("\n| `observe` | Parameters | What must be seen |\n| --- | --- | --- |\n");
    for (name, parameters, what) in OBSERVATIONS {
        writeln!(table, "| `{name}` | {parameters} | {what} |").unwrap();
    }
    generated(page, "observations", &(table + "\n"));
}

/// The example of the documentation is one.
#[test]
fn the_playbook_in_the_documentation_is_sound() {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/playbooks.md")).unwrap();
    let example = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    read("example.toml", example, Origin::Embedded).unwrap();
}
