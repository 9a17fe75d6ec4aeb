//! `docs/range.md` is made of the tables; `PORTCULLIS_BLESS=1 cargo test -p portcullis-range document` writes it anew.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use super::super::effects::{self, Row};
use super::super::model::{Kind, Model};
use super::{known, models, taken};
use crate::service::Service;

fn page() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/range.md")
}

/// Replaces what stands between `<!-- generated: NAME -->` and `<!-- end -->`, or compares it.
fn generated(name: &str, fresh: &str) {
    let text = fs::read_to_string(page()).unwrap();
    let begin = format!("<!-- generated: {name} -->\n");
    let from = text.find(&begin).unwrap_or_else(|| panic!("docs/range.md has no part {name}")) + begin.len();
    let to = from + text[from..].find("<!-- end -->").unwrap();
    if text[from..to] == *fresh {
        return;
    }
    assert!(
        std::env::var_os("PORTCULLIS_BLESS").is_some(),
        "docs/range.md is out of date; PORTCULLIS_BLESS=1 cargo test -p portcullis-range document writes it anew"
    );
    fs::write(page(), format!("{}{fresh}{}", &text[..from], &text[to..])).unwrap();
}

fn title(service: Service) -> &'static str {
    match service {
        Service::Sts => "STS",
        Service::ApiGateway => "API Gateway: REST APIs",
        Service::ApiGatewayV2 => "API Gateway: HTTP APIs",
        Service::Waf => "WAFv2",
        Service::CloudWatch => "CloudWatch",
        Service::CloudTrail => "CloudTrail",
        Service::Logs => "CloudWatch Logs",
    }
}

/// Members as code, separated by commas.
fn names(list: &str) -> String {
    list.split_whitespace().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn reasoned(lists: &[(&str, &str)]) -> String {
    lists.iter().map(|(list, reason)| format!("{}: {reason}", names(list))).collect::<Vec<_>>().join(". ")
}

/// The rows of a service: operations first, by their inputs, then what these are made of.
fn rows(model: &Model, service: Service) -> Vec<(String, &'static Row)> {
    let taken = taken(model);
    let mut rows = Vec::new();
    for row in effects::rows(service.name()) {
        let shape = row.shape.trim_end_matches('?');
        let Some(at) = taken.iter().find(|at| model.shapes[**at].name == shape) else { continue };
        let mut operations = model.operations.iter().filter(|(_, input)| **input == Some(*at)).map(|(name, _)| name);
        let name = match (operations.next(), row.shape.ends_with('?')) {
            (Some(operation), false) => format!("**{operation}**"),
            (Some(operation), true) => format!("{operation}, `parameters`"),
            (None, _) => shape.to_owned(),
        };
        rows.push((name, row));
    }
    rows.sort_by_key(|(name, _)| (!name.starts_with("**"), name.clone()));
    rows
}

/// One test, as both parts are of one file.
#[test]
fn the_page_is_generated() {
    generated("members", &members());
    generated("counts", &counts());
}

fn members() -> String {
    let mut text = String::new();
    for (service, model) in known() {
        writeln!(text, "\n### {}\n", title(service)).unwrap();
        let rows = rows(model, service);
        if rows.is_empty() {
            let operations = model.operations.keys().cloned().collect::<Vec<_>>().join(" ");
            writeln!(text, "{} takes no members.", names(&operations)).unwrap();
            continue;
        }
        text.push_str(
            "| Operation or shape | Evaluated | Taken without effect | Refused |\n| --- | --- | --- | --- |\n",
        );
        for (name, row) in rows {
            let (without, refused) = (reasoned(row.without), reasoned(row.refused));
            writeln!(text, "| {name} | {} | {without} | {refused} |", names(row.evaluated)).unwrap();
        }
        let values = effects::values(service.name());
        if !values.is_empty() {
            text.push_str("\n| Enumeration | Values that are refused |\n| --- | --- |\n");
            for row in values {
                writeln!(text, "| {} | {}: {} |", row.shape, names(row.refused), row.reason).unwrap();
            }
        }
    }
    text.push('\n');
    text
}

fn counts() -> String {
    let (mut operations, mut members, mut constraints, mut patterns) = (0, 0, 0, 0);
    for (_, model) in known() {
        operations += model.operations.len();
        for at in taken(model) {
            let shape = &model.shapes[at];
            constraints += usize::from(shape.min.is_some()) + usize::from(shape.max.is_some());
            match &shape.kind {
                Kind::Structure(all) => {
                    members += all.len();
                    constraints += all.iter().filter(|member| member.required).count();
                }
                Kind::Text { pattern, values } => {
                    patterns += usize::from(pattern.is_some());
                    constraints += usize::from(pattern.is_some()) + usize::from(!values.is_empty());
                }
                _ => {}
            }
        }
    }
    format!(
        "\nThe models are those of botocore {}: {operations} operations, {members} members of the shapes that are taken, \
         {constraints} constraints on them ({patterns} of them patterns, all of which are checked).\n\n",
        models().botocore
    )
}
