// SPDX-License-Identifier: Apache-2.0
//! docs/configuration.md, made of the table.

use std::fmt::Write as _;
use std::path::Path;

use super::table::{Flag, Section, Setting, TABLE};
use super::value::Value;

const HEAD: &str = include_str!("page.md");

/// The page.
fn page() -> String {
    let mut text = HEAD.to_owned();
    for section in Section::ALL {
        let name = section.name();
        let table = if section == Section::Output { "[[output]]" } else { &format!("[{name}]") };
        let _ = write!(text, "\n## {table}\n\n");
        text += "| key | option | variable | value | default | |\n|---|---|---|---|---|---|\n";
        for setting in TABLE.iter().filter(|setting| setting.section == section) {
            row(setting, &mut text);
        }
    }
    text
}

fn row(setting: &Setting, text: &mut String) {
    let code = |name: &str| if name.is_empty() { String::new() } else { format!("`{name}`") };
    let option = match setting.flag {
        Flag::None => String::new(),
        Flag::Long(long) => format!("`--{long}`"),
        Flag::Both(long, short) => format!("`-{short}`, `--{long}`"),
    };
    let value = match setting.value {
        Value::Text(_) => "text".to_owned(),
        Value::Choice(choices) => {
            let each = choices.iter().map(|(name, help)| format!("`{name}`: {help}"));
            each.collect::<Vec<_>>().join("; ")
        }
        Value::Switch => "`true` or `false`".to_owned(),
        Value::Number(_, low, high) => format!("{low} to {high}"),
        Value::Time => "time".to_owned(),
        Value::Size => "size".to_owned(),
        Value::RingSize => "size, a power of two".to_owned(),
        Value::Threads => "number, or `\"auto\"`".to_owned(),
        Value::Cpus => "numbers and ranges, as text".to_owned(),
        Value::List(item) => item.words().to_owned(),
        Value::Output => "output".to_owned(),
        Value::Address => "address".to_owned(),
    };
    let variable = setting.env.as_ref().map_or("", |env| env.name);
    let default = match (setting.value, setting.default) {
        (Value::Switch, Some(default)) => {
            if default == "on" {
                "true"
            } else {
                "false"
            }
        }
        (_, default) => default.unwrap_or_default(),
    };
    let reload = if setting.reload { "; changes on SIGHUP" } else { "" };
    let _ = writeln!(
        text,
        "| `{}` | {option} | {} | {value} | {} | {}{reload} |",
        setting.name,
        code(variable),
        code(default),
        setting.help.replace('|', "\\|")
    );
}

#[test]
fn the_page_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/configuration.md");
    if std::env::var_os("SYSFLOW_TEST_UPDATE").is_some() {
        std::fs::write(&path, page()).expect("written");
    }
    let found = std::fs::read_to_string(&path).expect("docs/configuration.md");
    assert!(found == page(), "docs/configuration.md is stale: run this with SYSFLOW_TEST_UPDATE=1");
}

#[test]
fn the_example_of_the_page_is_good() {
    let example = HEAD.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next());
    let file = super::File::parse(Path::new("page.md"), example.expect("an example"));
    let file = file.unwrap_or_else(|problems| panic!("{problems:?}"));
    assert!(file.outputs.len() > 1);
    super::Config::new(&super::Values::of_file(file)).expect("good settings");
}
