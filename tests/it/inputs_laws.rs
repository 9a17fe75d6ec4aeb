//! Prefixes have one form and labels can be given back, whoever wrote them.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use portcullis::model::action::{Action, KillSwitch, Terms};
use portcullis::model::address::{self, Target, overlaps};
use portcullis::model::plan::Verdict;
use portcullis::model::playbook::{Kind, Value};
use portcullis::model::policy::{Policy, PolicyError};
use portcullis::model::settings::read;
use portcullis::model::stage::{Api, Place, StageId, StageSelector};
use portcullis::respond::resolve::meant_apis;
use proptest::prelude::*;

use crate::block_ip::{guard, halts};
use crate::draws::draws;
use crate::world::{block, flood};

/// Ways to write one IPv4 prefix; some have more than the prefix's own bits set.
fn spellings(v4: Ipv4Addr, bits: u8) -> Vec<String> {
    let [a, b] = [v4.to_bits() >> 16, v4.to_bits() & 0xffff];
    let mapped = v4.to_ipv6_mapped();
    let long = mapped.segments().map(|segment| format!("{segment:04x}")).join(":");
    let mut all = vec![
        format!("{v4}/{bits}"),
        format!("::ffff:{v4}/{}", bits + 96),
        format!("::FFFF:{v4}/{}", bits + 96),
        format!("::ffff:{a:x}:{b:x}/{}", bits + 96),
        format!("{long}/{}", bits + 96),
        format!("0:0:0:0:0:ffff:{v4}/{}", bits + 96),
        format!("  {v4}/{bits}\t"),
    ];
    if bits == 32 {
        all.extend([v4.to_string(), format!("::ffff:{v4}"), long]);
    }
    all
}

/// The prefix as each place reads it.
fn everywhere(text: &str) -> Vec<IpNet> {
    let targets = match Kind::Prefixes.parse(text).unwrap() {
        Value::Prefixes(targets) => targets,
        other => panic!("{other:?}"),
    };
    let config = read("c", &format!("[guards]\nnever-block = {}\n", toml::Value::from(text))).unwrap();
    let file: Target = serde_json::from_value(serde_json::json!({ "net": text, "masked_from": null })).unwrap();
    vec![
        text.parse::<Target>().unwrap().net,
        targets[0].net,
        config.guards.never_block.unwrap()[0],
        file.net,
        address::parsed(text).unwrap(),
        address::exact(text).unwrap(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: draws(2_000), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_prefix_is_one_however_and_wherever_it_is_written(
        bits in 0u8..=32, number in any::<u32>(), pick in any::<prop::sample::Index>(),
    ) {
        let meant: IpNet = IpNet::new(Ipv4Addr::from_bits(number).into(), bits).unwrap().trunc();
        let IpNet::V4(v4) = meant else { unreachable!() };
        let all = spellings(v4.addr(), bits);
        let text = &all[pick.index(all.len())];
        for read in everywhere(text) {
            prop_assert_eq!(read, meant, "{}", text);
        }
    }

    #[test]
    fn ipv6_is_one_however_it_is_written(bits in 0u8..=128, number in any::<u128>()) {
        let meant = IpNet::new(Ipv6Addr::from_bits(number | 1 << 125).into(), bits).unwrap().trunc();
        let long = Ipv6Addr::from_bits(match meant { IpNet::V6(v6) => v6.addr().to_bits(), IpNet::V4(_) => 0 });
        let long = long.segments().map(|segment| format!("{segment:04X}")).join(":");
        for read in everywhere(&format!("{long}/{bits}")) {
            prop_assert_eq!(read, meant);
        }
    }

    /// No way to write an address of a never-block range slips past the comparison that the guard makes.
    #[test]
    fn never_block_holds_against_every_spelling(
        bits in 1u8..=32, number in any::<u32>(), inside in any::<u32>(),
        narrower in 0u8..=31, one in any::<prop::sample::Index>(), two in any::<prop::sample::Index>(),
    ) {
        let IpNet::V4(range) = IpNet::new(Ipv4Addr::from_bits(number).into(), bits).unwrap().trunc() else { unreachable!() };
        let host = range.addr().to_bits() | (inside & range.hostmask().to_bits());
        let length = bits + narrower % (33 - bits);
        let IpNet::V4(target) = IpNet::new(Ipv4Addr::from_bits(host).into(), length).unwrap().trunc() else { unreachable!() };
        let (ranges, targets) = (spellings(range.addr(), bits), spellings(target.addr(), length));
        let range = address::exact(&ranges[one.index(ranges.len())]).unwrap();
        let target: Target = targets[two.index(targets.len())].parse().unwrap();
        prop_assert!(overlaps(&target.net, &range), "{} {}", target.net, range);
    }

    #[test]
    fn a_text_is_read_or_refused_with_what_to_write(text in "[0-9a-fA-F:./% ]{0,24}") {
        match address::exact(&text) {
            Ok(net) => prop_assert_eq!(address::exact(&net.to_string()), Ok(net)),
            Err(error) => prop_assert!(error.to_string().contains("write"), "{}", error),
        }
    }

    /// Whatever an API is called, the label that is printed for its stage names it and nothing else of the account.
    #[test]
    fn a_printed_label_can_be_given_back(
        name in r"[ -~]{1,12}|[a-z0-9:/() .\-é店\u{202e}\u{7}]{1,16}|(eu-west-1:|ops/|ops/eu-west-1:)[a-z/: ]{1,8}",
        other in "[a-z:/ ]{1,6}",
        (profile, region) in (any::<bool>(), any::<bool>()),
        stage in "[a-zA-Z0-9_]{1,8}|\\$default",
    ) {
        prop_assume!(!name.trim().is_empty() && name.trim() != other.trim());
        let api = |id: &str, name: &str| Api {
            id: id.into(), name: name.into(), endpoint_types: vec![], endpoint_disabled: false,
        };
        let apis = [api("a1b2c3d4e5", &name), api("zzzzzzzzzz", &other)];
        let id = StageId { api_id: "a1b2c3d4e5".into(), api_name: name.clone(), stage };
        let place = Place { profile: Some("ops".into()), region: Some("eu-west-1".into()) };
        let prefix = match (profile, region) {
            (true, true) => "ops/eu-west-1:",
            (true, false) => "ops/",
            (false, true) => "eu-west-1:",
            (false, false) => "",
        };
        let label = format!("{prefix}{}", id.label());
        for written in [label.clone(), portcullis::model::text::neutralised(&label).into_owned(), label.trim().to_owned()] {
            let Ok(selector) = written.parse::<StageSelector>() else { panic!("{written} is refused") };
            prop_assert_eq!(selector.to_string(), written.clone());
            let found = meant_apis(&apis, &selector.apis_in(&place));
            // Another API may be what a part of this one's name says: then both are named, and nothing is chosen.
            prop_assert!(found.iter().any(|api| api.id == id.api_id), "{} found {:?}", written, found);
            prop_assert!(place.means(&written, &id), "{}", written);
        }
    }
}

#[test]
fn the_label_that_the_board_prints_is_taken_as_a_stage() {
    let name = "orders: internal/v2 (new)";
    let id = StageId { api_id: "a1b2c3d4e5".into(), api_name: name.into(), stage: "prod".into() };
    let selector: StageSelector = id.label().parse().unwrap();
    let place = Place { profile: None, region: Some("eu-central-1".into()) };
    assert_eq!(selector.apis_in(&place), [name]);
    assert!(id.is_named_by(&selector) && place.means("orders: internal/v2 (new)/prod", &id));
    let text = "[[signals.stages]]\nstage = \"orders: internal/v2 (new)/prod\"\nclient-errors-attack = 0.9\n";
    let settings = read("config.toml", text).unwrap();
    assert!((settings.signals.of_stage(&id, &place).client_errors_attack - 0.9).abs() < 1e-9);
}

#[tokio::test(start_paused = true)]
async fn the_guard_stops_every_spelling_of_a_never_block_address() {
    let mut world = flood(60.0).await;
    let mut seen = 0;
    for range in ["::ffff:192.0.2.16/124", "192.0.2.16/28", "192.0.2.17"] {
        world.settings.guards.never_block = Some(vec![address::exact(range).unwrap()]);
        for target in spellings(Ipv4Addr::new(192, 0, 2, 17), 32) {
            let planned = world.plan(&block(&[&target])).await;
            assert_eq!(guard(&planned, "block-ip.never-block").verdict, Verdict::Stop, "{range} {target}");
            assert!(halts(&planned).contains(&"block-ip.never-block".to_owned()));
            seen += 1;
        }
    }
    assert_eq!(seen, 30);
    // What only carries an address is named.
    let planned = world.plan(&block(&["2002:c000:211::/48"])).await;
    assert!(
        planned.plan.notes.iter().any(|note| note.contains("6to4") && note.contains("192.0.2.17/32")),
        "{:?}",
        planned.plan.notes
    );
}

#[test]
fn a_stage_alone_is_one_of_the_same_api() {
    let dev = StageSelector::of_same_api("dev").unwrap();
    assert_eq!(dev.to_string(), "dev");
    let prod: StageSelector = "ops/eu-west-1:shop/prod".parse().unwrap();
    assert_eq!(dev.beside(&prod).to_string(), "ops/eu-west-1:shop/dev");
    assert_eq!(StageSelector::of_same_api("shop/dev").unwrap(), "shop/dev".parse().unwrap());
    for text in ["", " ", "/dev", "dev/", "two words"] {
        assert!(StageSelector::of_same_api(text).is_err(), "{text}");
    }
    let terms = Terms { expires_after_seconds: Some(1), ..Terms::default() };
    let switch = KillSwitch { stage: prod, allow: vec![], prove_on: None, commit_confirmed: false, own: vec![], terms };
    assert!(Action::KillSwitch(switch).out_of_range().unwrap().contains("60 to"));
}

#[test]
fn what_is_wrong_with_a_policy_is_said_of_the_policy() {
    for (text, error) in [
        (r#"{"Statement":[]}"#, PolicyError::EmptyStatement),
        (r#"{"Version":"2012-10-17"}"#, PolicyError::NoStatement),
        (r#"{"Statement":"Allow"}"#, PolicyError::WrongStatement),
        (r"[]", PolicyError::NotAnObject),
        (r#"{"Statement":[{"Effect":"Perhaps"}]}"#, PolicyError::Effect(1)),
    ] {
        // As AWS answers it, escaped once more, and plain.
        for raw in [text.replace('"', "\\\""), text.to_owned()] {
            assert_eq!(Policy::of_answer(&raw).unwrap_err(), error, "{raw}");
        }
    }
    assert!(matches!(Policy::of_answer("{").unwrap_err(), PolicyError::NotJson(_)));
}
