// SPDX-License-Identifier: Apache-2.0
//! The table as options of the command line.

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, Error, FromArgMatches};

use super::list::Item;
use super::table::{ByKey, Flag, Section, Setting, TABLE};
use super::value::Value;

/// The headings of the help: first what most recordings need.
const HELP: [Section; Section::ALL.len()] = [
    Section::Output,
    Section::Select,
    Section::Records,
    Section::Capture,
    Section::Metrics,
    Section::Log,
];

/// The settings that were given as options.
#[derive(Clone, Debug, Default)]
pub(crate) struct SettingArgs {
    /// By key; of outputs the first.
    pub(crate) given: ByKey<String>,
    /// All outputs.
    pub(crate) outputs: Vec<String>,
    /// The file to read instead of the usual one.
    pub(crate) file: Option<PathBuf>,
}

impl Setting {
    /// Its name among the options.
    fn id(&self) -> &'static str {
        match self.flag {
            Flag::None => self.name,
            Flag::Long(long) | Flag::Both(long, _) => long,
        }
    }

    /// Help with default and environment variable.
    fn told(&self) -> String {
        let mut text = self.help.to_owned();
        if let Some(env) = &self.env {
            text += &format!(" [env: {}]", env.name);
        }
        if let Some(default) = self.default {
            text += &format!(" [default: {default}]");
        }
        text
    }

    fn arg(&'static self) -> Option<Arg> {
        let arg = Arg::new(self.id());
        let arg = match self.flag {
            Flag::None => return None,
            Flag::Long(long) => arg.long(long),
            Flag::Both(long, short) => arg.long(long).short(short),
        };
        let arg = arg.help(self.told()).help_heading(self.section.heading());
        let arg = if self.convert { arg } else { arg.conflicts_with("read") };
        let arg = arg.value_name(self.value.placeholder());
        let check = move |text: &str| self.value.check(text).map(|()| text.to_owned());
        Some(match self.value {
            Value::Choice(choices) => {
                let possible =
                    choices.iter().map(|(name, help)| PossibleValue::new(name).help(help));
                arg.value_parser(PossibleValuesParser::new(possible))
            }
            Value::Switch => arg
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value("on")
                .value_parser(check),
            // A second list of operations would be read after the first: said once.
            Value::List(item) if item != Item::Operation => {
                arg.action(ArgAction::Append).value_parser(check)
            }
            Value::Output => {
                arg.action(ArgAction::Append).visible_alias("output").value_parser(check)
            }
            _ => arg.value_parser(check),
        })
    }
}

impl clap::Args for SettingArgs {
    fn augment_args(command: Command) -> Command {
        let file = Arg::new("config")
            .long("config")
            .value_name("FILE")
            .value_parser(clap::value_parser!(PathBuf))
            .conflicts_with("read")
            .help(format!("Read settings from this file [default: {}]", super::file::USUAL));
        let of = |section| TABLE.iter().filter(move |setting| setting.section == section);
        let settings = HELP.into_iter().flat_map(of).filter_map(Setting::arg);
        settings.fold(command.arg(file), Command::arg)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for SettingArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let mut args = Self::default();
        args.update_from_arg_matches(matches)?;
        Ok(args)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        for setting in TABLE.iter().filter(|setting| !matches!(setting.flag, Flag::None)) {
            if matches.value_source(setting.id()) != Some(ValueSource::CommandLine) {
                continue;
            }
            let mut values = matches.get_many::<String>(setting.id()).into_iter().flatten();
            let given = &mut self.given[setting.key];
            match setting.value {
                Value::Output => self.outputs = values.cloned().collect(),
                Value::List(item) => {
                    let lists: Vec<&str> = values.map(String::as_str).collect();
                    *given = Some(lists.join(item.separator()));
                }
                _ => *given = values.next().cloned(),
            }
        }
        self.file = matches.get_one("config").cloned();
        Ok(())
    }
}
