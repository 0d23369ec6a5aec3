// SPDX-License-Identifier: Apache-2.0

use std::path::Path;

use clap::Parser as _;
use engine::output::Destination;

use super::*;

#[derive(clap::Parser)]
struct Command {
    #[arg(short = 'r', long)]
    read: Option<String>,
    #[command(flatten)]
    settings: SettingArgs,
}

fn values(line: &str, environment: fn(&str) -> Option<String>, file: &str) -> Values {
    let words = std::iter::once("x").chain(line.split_whitespace());
    let options = Command::parse_from(words).settings;
    let file = File::parse(Path::new("x.toml"), file).unwrap_or_else(|e| panic!("{e:?}"));
    Values { options, environment, file }
}

fn semantics(line: &str, environment: fn(&str) -> Option<String>, base: Semantics) -> Semantics {
    Config::new(&values(line, environment, "")).expect("good settings").semantics(base)
}

fn nothing(_: &str) -> Option<String> {
    None
}

fn all_on(name: &str) -> Option<String> {
    match name {
        "ENABLE_PROC_FLOW" | "FILE_ONLY" => Some("1".to_owned()),
        "FILE_READ_MODE" => Some("2".to_owned()),
        _ => None,
    }
}

#[test]
fn options_win_over_the_environment() {
    let default = Semantics::default();
    assert_eq!(semantics("", nothing, default), default);
    let all =
        Semantics { process_flows: true, file_only: true, reads: FileReads::NoSystem, ..default };
    assert_eq!(semantics("", all_on, default), all);
    let off = "--proc-flow=off --file-only=0 --file-read-mode 0";
    assert_eq!(semantics(off, all_on, default), default);
    let on = "--proc-flow --file-only --file-read-mode 2";
    assert_eq!(semantics(on, nothing, default), all);
    let none = Semantics { reads: FileReads::None, ..default };
    assert_eq!(semantics("--file-read-mode 1", nothing, default), none);
}

#[test]
fn odd_values_of_variables_count_as_with_the_reference() {
    let all = Semantics { process_flows: true, file_only: true, ..Semantics::default() };
    let odd = |_: &str| Some("yes".to_owned());
    assert_eq!(semantics("", odd, all), Semantics::default());
}

#[test]
fn modes_are_those_of_the_reference() {
    let mode = |line| semantics(line, nothing, Semantics::default()).collect;
    assert_eq!(mode("-m consume"), Collect::Consume);
    assert_eq!(mode("--mode nofiles"), Collect::NoFiles);
    assert_eq!(mode("-m flow"), Collect::Flows);
}

const FILE: &str = "[capture]\ndriver = 'kmod'\n[records]\nproc-flow = false\nnode-ip = 'file'\n\
                    [[output]]\nto = 'a/'\nrotate = 60\n[[output]]\nto = 'unix:/s'\nbuffer = '1M'\n";

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_defaults() {
    let found = values("", all_on, FILE);
    let from = |key| found.get(key, None).map(|given| given.from);
    assert_eq!(from(Key::ProcFlow), Some(Origin::Environment("ENABLE_PROC_FLOW")));
    assert_eq!(from(Key::Driver), Some(Origin::File(2)));
    assert_eq!(from(Key::RingTotal), Some(Origin::Default));
    assert_eq!(from(Key::Exporter), None);
    let config = Config::new(&found).expect("good settings");
    assert_eq!((config.driver, &*config.node_ip), (Choice::Kmod, "file"));
}

#[test]
fn options_change_the_outputs_of_the_file_or_replace_them() {
    let outputs = |line| Config::new(&values(line, nothing, FILE)).expect("good settings").outputs;
    let every = |spec: &Spec| match &spec.to {
        Destination::Files(files) => files.every.map(|every| every.as_secs()),
        _ => None,
    };
    let of_file = outputs("");
    assert_eq!((of_file.len(), every(&of_file[0])), (2, Some(60)));
    assert_eq!((of_file[0].buffer, of_file[1].buffer), (16 << 20, 1 << 20));
    let changed = outputs("-G 5m --buffer 2M");
    assert_eq!(
        (every(&changed[0]), changed[0].buffer, changed[1].buffer),
        (Some(300), 2 << 20, 2 << 20)
    );
    let replaced = outputs("-w b -w -");
    assert_eq!(replaced.len(), 2);
    assert_eq!((every(&replaced[0]), &replaced[1].to), (None, &Destination::Stdout));
}

#[test]
fn a_conversion_does_not_take_what_it_has_no_use_for() {
    for line in ["x -r a --buffer 1M", "x -r a --ring-size 1M", "x -r a --config b"] {
        assert!(Command::try_parse_from(line.split(' ')).is_err(), "{line}");
    }
    assert!(Command::try_parse_from("x -r a -w b -G 9".split(' ')).is_ok_and(|c| c.read.is_some()));
}
