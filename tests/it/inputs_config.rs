//! The configuration is checked in one way: each key against its documented range, each prefix brought to one form.

use portcullis::model::settings::keys::{KEYS, Span};
use portcullis::model::settings::{Settings, read, unsaid};
use proptest::prelude::*;

use crate::draws::draws;

fn refused(text: &str) -> String {
    let mistakes = read("config.toml", text).expect_err(text);
    mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_is_outside_its_range_is_refused_with_place_key_and_range() {
    for (text, words) in [
        ("[guards]\nmost-legitimate-share = 5", &["config.toml:2:25: ", "most-legitimate-share", "0 to 1"][..]),
        ("[guards]\nwidest-v4 = 33", &["config.toml:2:13: ", "widest-v4", "8 to 32"]),
        ("[guards]\nwidest-v6 = -1", &["widest-v6", "16 to 128"]),
        ("[guards]\nwidest-v4 = 20.5", &["widest-v4", "whole number"]),
        ("[polling]\ninterval-seconds = 0", &["config.toml:2:20: ", "interval-seconds", "1 to 3,600"]),
        ("[polling]\nbudget-dollars-per-hour = -1", &["budget-dollars-per-hour", "above 0 to 1,000,000", "-1"]),
        ("[polling]\nbudget-dollars-per-hour = 0", &["above 0"]),
        ("[polling]\nidle-seconds = 99999999999999999999", &["idle-seconds", "1 to 86,400"]),
        ("[signals]\nclient-errors-attack = nan", &["client-errors-attack", "0 to 1", "nan"]),
        ("[signals]\nlatency-multiple = inf", &["latency-multiple", "1 to 1,000,000", "inf"]),
        ("[signals]\nblocked-spike = 1e400", &["blocked-spike", "1e400"]),
        ("[signals]\nquiet-minutes = 0", &["quiet-minutes", "1 to 180"]),
        ("[prices]\nlambda-memory-gb = 0", &["lambda-memory-gb", "above 0"]),
        ("[signals]\nclient-errors-notice = 0.6", &["client-errors-notice", "above “client-errors-attack”", "0.5"]),
        ("[signals]\nthrottled-attack = 0.001", &["config.toml:2:", "throttled-notice", "throttled-attack"]),
        (
            "[[signals.stages]]\nstage = \"shop/prod\"\nserver-errors-attack = 0.01",
            &["config.toml:3:", "server-errors-notice", "shop/prod"],
        ),
        ("[[signals.stages]]\nstage = \"shop/prod\"\nclient-errors-attack = nan", &["config.toml:3:", "nan"]),
        ("[[signals.stages]]\nstage = \"shop\"", &["config.toml:2:", "api/stage"]),
        ("[[signals.stages]]\nclient-errors-attack = 0.7", &["stage"]),
        (
            "[guards]\nnever-block = [\"192.0.2.17/28\"]",
            &["config.toml:2:16: ", "host bits", "192.0.2.16/28", "192.0.2.17"],
        ),
        ("[guards]\nbreak-glass = [\"::ffff:192.0.2.16/90\"]", &["break-glass", "IPv4-mapped"]),
        ("[guards]\nnever-block = [\"010.0.0.1\"]", &["leading zero"]),
        ("[guards]\nnever-block = [\"fe80::1%eth0\"]", &["zone"]),
        ("[guards]\nnever-block = [\"\"]", &["empty"]),
        ("[guards]\nnever-block = [7]", &["never-block", "list of texts"]),
        ("[guard]\nnever-block = []", &["config.toml:1:", "Did you mean “guards”?"]),
        ("[guards]\nnever-blok = []", &["config.toml:2:1: ", "Did you mean “never-block”?"]),
        ("guards = 3", &["guards", "table"]),
        ("[probes]\naddress-services = [\"checkip\"]", &["address-services", "not a URL"]),
        ("[[probes.stages]]\nstage = \"shop/prod\"\nurl = \"file:///etc/passwd\"", &["url", "not a URL"]),
        (
            "[[probes.stages]]\nstage = \"shop/prod\"\nurl = \"https://a.example/\"\nheaders = { \"a b\" = \"c\" }",
            &["name of a header"],
        ),
        ("[guards\n", &["config.toml:1:", "TOML"]),
    ] {
        let said = refused(text);
        for word in words {
            assert!(said.contains(word), "{text}\n{said}\nlacks {word}");
        }
    }
}

#[test]
fn every_mistake_is_told_at_once() {
    let said = refused("[guards]\nwidest-v4 = 33\nnever-blok = []\n[polling]\ninterval-seconds = 0\n");
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 3, "{said}");
    assert!(lines.iter().zip(["2:", "3:", "5:"]).all(|(line, at)| line.starts_with(&format!("config.toml:{at}"))));
}

#[test]
fn addresses_and_lists_are_taken_as_on_the_command_line() {
    let text = "[guards]\nnever-block = [\"192.0.2.77\", \"::ffff:192.0.2.16/124\", \"2001:DB8::/32 198.51.100.0/24\"]\n\
                break-glass = \"192.0.2.240/28, 2001:db8:feed::1\"\n";
    let settings = read("config.toml", text).unwrap();
    let shown = |nets: &Option<Vec<ipnet::IpNet>>| {
        nets.as_ref().unwrap().iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(shown(&settings.guards.never_block), "192.0.2.77/32 192.0.2.16/28 2001:db8::/32 198.51.100.0/24");
    assert_eq!(shown(&settings.guards.break_glass), "192.0.2.240/28 2001:db8:feed::1/128");
}

#[test]
fn the_defaults_are_inside_their_ranges_and_the_limits_hold() {
    for key in KEYS.iter() {
        let line = |value: &str| format!("[{}]\n{} = {value}\n", key.section, key.name);
        if let Some(default) = key.default().filter(|default| default != "[]") {
            assert_eq!(read("config.toml", &line(&default)).unwrap(), Settings::default(), "{}", key.name);
        }
        let Some(Span { least, most, above, .. }) = key.span() else { continue };
        let attack = key.name.ends_with("-attack") || key.name.ends_with("-notice");
        let number = |n: f64| if key.is_whole() { format!("{n:.0}") } else { format!("{n:?}") };
        // A notice at the most, or an attack at the least, is wrong for another reason; so is an interval beside that
        // of all stages.
        if !attack && !["close-seconds", "idle-seconds"].contains(&key.name) {
            assert_eq!(read("config.toml", &line(&number(least))).is_ok(), !above, "{} at {least}", key.name);
            assert!(read("config.toml", &line(&number(most))).is_ok(), "{} at {most}", key.name);
        }
        for outside in [least - 1.0, most + 1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let written = if outside.is_finite() { number(outside) } else { outside.to_string().to_lowercase() };
            let said = refused(&line(&written));
            assert!(said.contains(key.name) && said.contains(&key.span().unwrap().to_string()), "{}: {said}", key.name);
        }
    }
}

#[test]
fn what_is_left_unsaid_is_said() {
    let keys = |text: &str| -> Vec<String> {
        unsaid(&read("config.toml", text).unwrap()).into_iter().map(|one| one.key).collect()
    };
    let nothing = keys("");
    for key in ["guards.never-block", "guards.break-glass", "probes.address-services"] {
        assert!(nothing.iter().any(|known| known == key), "{nothing:?}");
    }
    let some = keys("[guards]\nnever-block = []\nbreak-glass = [\"2002:c000:210::/48\"]\n");
    assert!(!some.contains(&"guards.never-block".to_owned()));
    assert_eq!(some.iter().filter(|key| *key == "guards.break-glass").count(), 1, "6to4 is named");
}

#[test]
fn what_is_read_closer_is_read_as_often_at_least_and_what_is_idle_at_most() {
    for (text, words) in [
        (
            "[polling]\nclose-seconds = 90",
            ["config.toml:2:17: ", "“close-seconds” is 90", "“interval-seconds” with 60", "1 to 60"],
        ),
        ("[polling]\nclose-seconds = 9\ninterval-seconds = 5", ["config.toml:2:17: ", "is 9", "with 5", "1 to 5"]),
        ("[polling]\nidle-seconds = 30", ["config.toml:2:16: ", "“idle-seconds” is 30", "with 60", "60 to 86,400"]),
    ] {
        let said = refused(text);
        assert!(words.iter().all(|word| said.contains(word)), "{text}\n{said}");
    }
    // What is not written follows what is.
    let polling = |text| {
        let polling = read("config.toml", text).unwrap().polling;
        (polling.close_seconds, polling.interval_seconds, polling.idle_seconds)
    };
    assert_eq!(polling("[polling]\ninterval-seconds = 5"), (5, 5, 300));
    assert_eq!(polling("[polling]\ninterval-seconds = 900"), (20, 900, 900));
    assert_eq!(polling("[polling]\nclose-seconds = 60\nidle-seconds = 60"), (60, 60, 60));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: draws(2_000), failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever number stands there: it is taken and means itself, or it is refused by name.
    #[test]
    fn a_number_is_inside_its_range_or_refused(
        key in proptest::sample::select(KEYS.iter().filter(|key| key.span().is_some()).collect::<Vec<_>>()),
        number in prop_oneof![
            any::<f64>(), -10.0..10.0f64, (-2i32..200).prop_map(f64::from), Just(f64::NAN), Just(f64::INFINITY)
        ],
    ) {
        let span = key.span().unwrap();
        let written = toml::Value::from(number).to_string();
        let text = format!("[{}]\n{} = {written}\n", key.section, key.name);
        match read("config.toml", &text) {
            Ok(settings) => {
                prop_assert!(span.holds(number), "{text}");
                let back = toml::to_string(&settings).unwrap();
                prop_assert_eq!(read("back.toml", &back).unwrap(), settings);
            }
            Err(mistakes) => {
                let said = mistakes[0].to_string();
                prop_assert!(said.starts_with("config.toml:2:") && said.contains(key.name), "{said}");
            }
        }
    }
}
