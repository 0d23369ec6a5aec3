// SPDX-License-Identifier: Apache-2.0
//! `sysflow config`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;

use super::settings::{
    Config, File, Given, Origin, Section, Setting, SettingArgs, TABLE, USUAL, Values,
};

/// Check settings, or show which hold.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Check a configuration file: every problem is told with its line
    Check {
        /// The file
        #[arg(default_value = USUAL)]
        file: PathBuf,
    },
    /// Show the settings that hold with these options, and where each comes from
    Show(Box<Show>),
}

#[derive(clap::Args)]
struct Show {
    /// Not of use here; settings of recording are not those of converting
    #[arg(long, hide = true)]
    read: bool,

    #[command(flatten)]
    settings: SettingArgs,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.action {
        Action::Check { file } => check(file),
        Action::Show(args) => {
            let values = Values::find(&args.settings, true)?;
            Config::new(&values)?;
            print!("{}", show(&values));
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn check(path: &Path) -> anyhow::Result<ExitCode> {
    let file = match File::read(path) {
        Ok(file) => file,
        Err(error) => {
            // One line for each problem, as compilers do.
            eprintln!("{error}");
            return Ok(ExitCode::FAILURE);
        }
    };
    Config::new(&Values::of_file(file))?;
    println!("{}: good", path.display());
    Ok(ExitCode::SUCCESS)
}

/// The settings as a file that can be used.
fn show(values: &Values) -> String {
    let mut text = String::new();
    for section in Section::ALL {
        if section == Section::Output {
            for number in 0..values.outputs() {
                let _ = writeln!(text, "[[output]]");
                lines(values, section, Some(number), &mut text);
            }
        } else {
            let _ = writeln!(text, "[{}]", section.name());
            lines(values, section, None, &mut text);
        }
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

fn lines(values: &Values, section: Section, output: Option<usize>, text: &mut String) {
    for setting in TABLE.iter().filter(|setting| setting.section == section) {
        let Some(given) = values.get(setting.key, output) else { continue };
        let line = format!("{} = {}", setting.name, literal(setting, &given));
        let _ = writeln!(text, "{line:<40} # {}", origin(values, &given.from));
    }
    text.push('\n');
}

/// The value as TOML.
fn literal(setting: &Setting, given: &Given) -> String {
    let text = &given.text;
    if let Some(on) = setting.switch(text) {
        return on.to_string();
    }
    let one = |text: &str| match setting.number(text) {
        Some(number) => number.to_string(),
        // The escapes of Rust that can occur are those of TOML.
        None => format!("{text:?}"),
    };
    match setting.entries(text) {
        Some(entries) => format!("[{}]", entries.map(one).collect::<Vec<_>>().join(", ")),
        None => one(text),
    }
}

fn origin(values: &Values, from: &Origin) -> String {
    match from {
        Origin::Option => "option".to_owned(),
        Origin::Environment(name) => format!("environment: {name}"),
        Origin::File(line) => format!("{}:{line}", values.file.path.display()),
        Origin::Default => "default".to_owned(),
    }
}
