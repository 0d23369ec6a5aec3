// SPDX-License-Identifier: Apache-2.0
//! What is recorded of what happens: the options and the environment variables of the reference
//! collector.

use clap::ValueEnum;
use engine::semantics::{Collect, FileReads, Semantics};

/// What is recorded. An option wins over the environment variable named with it.
#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "What is recorded")]
pub(crate) struct SemanticsArgs {
    /// Collection mode
    #[arg(short = 'm', long, value_enum, default_value_t = Mode::Flow)]
    mode: Mode,

    #[arg(
        long,
        help = "Sum up threads that start and end in process flows, instead of an event for each \
                [env: ENABLE_PROC_FLOW=0|1]",
        value_name = "on|off",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "on",
        value_parser = switch
    )]
    proc_flow: Option<bool>,

    #[arg(
        long,
        help = "Of files only regular ones [env: FILE_ONLY=0|1]",
        value_name = "on|off",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "on",
        value_parser = switch
    )]
    file_only: Option<bool>,

    #[arg(
        long,
        help = "Flows of files that only read: 0 records all, 1 none, 2 none of files below /proc, \
                /dev, /sys and the folders of libraries [env: FILE_READ_MODE]",
        value_name = "MODE", value_parser = clap::value_parser!(u8).range(0..=2))]
    file_read_mode: Option<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// Everything
    Flow,
    /// Of files only that they were opened
    Consume,
    /// Nothing about files
    Nofiles,
}

fn switch(text: &str) -> Result<bool, String> {
    match text {
        "on" | "1" | "true" | "yes" => Ok(true),
        "off" | "0" | "false" | "no" => Ok(false),
        _ => Err("write on or off".to_owned()),
    }
}

impl SemanticsArgs {
    /// The switches of `base`, as the options and `variable` change them.
    pub(crate) fn apply(
        &self,
        base: Semantics,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Semantics {
        let collect = match self.mode {
            Mode::Flow => Collect::Flows,
            Mode::Consume => Collect::Consume,
            Mode::Nofiles => Collect::NoFiles,
        };
        // Any value but 1 switches off, as with the reference.
        let on = |name: &str| variable(name).map(|value| value == "1");
        let mode = self.file_read_mode.or_else(|| {
            // As there, a value that is none is passed over.
            variable("FILE_READ_MODE")?.parse().ok()
        });
        let reads = match mode {
            Some(0) => FileReads::All,
            Some(1) => FileReads::None,
            Some(2) => FileReads::NoSystem,
            _ => base.reads,
        };
        Semantics {
            collect,
            file_only: self.file_only.or_else(|| on("FILE_ONLY")).unwrap_or(base.file_only),
            process_flows: self
                .proc_flow
                .or_else(|| on("ENABLE_PROC_FLOW"))
                .unwrap_or(base.process_flows),
            reads,
            ..base
        }
    }
}

/// The value of an environment variable.
pub(crate) fn environment(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Command {
        #[command(flatten)]
        args: SemanticsArgs,
    }

    fn applied(line: &str, variables: &[(&str, &str)]) -> Semantics {
        let command = Command::parse_from(std::iter::once("x").chain(line.split_whitespace()));
        command.args.apply(Semantics::default(), |name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn options_win_over_the_environment() {
        let default = Semantics::default();
        assert_eq!(applied("", &[]), default);
        let on = [("ENABLE_PROC_FLOW", "1"), ("FILE_ONLY", "1"), ("FILE_READ_MODE", "2")];
        let all = Semantics {
            process_flows: true,
            file_only: true,
            reads: FileReads::NoSystem,
            ..default
        };
        assert_eq!(applied("", &on), all);
        assert_eq!(applied("--proc-flow=off --file-only=0 --file-read-mode 0", &on), default);
        assert_eq!(applied("--proc-flow --file-only --file-read-mode 2", &[]), all);
        let none = Semantics { reads: FileReads::None, ..default };
        assert_eq!(applied("--file-read-mode 1", &[]), none);
    }

    #[test]
    fn odd_values_count_as_with_the_reference() {
        let all = Semantics { process_flows: true, file_only: true, ..Semantics::default() };
        let args = Command::parse_from(["x"]).args;
        let odd = |_: &str| Some("yes".to_owned());
        assert_eq!(args.apply(all, odd), Semantics::default());
    }

    #[test]
    fn modes_are_those_of_the_reference() {
        assert_eq!(applied("-m consume", &[]).collect, Collect::Consume);
        assert_eq!(applied("--mode nofiles", &[]).collect, Collect::NoFiles);
        assert_eq!(applied("-m flow", &[]).collect, Collect::Flows);
    }
}
