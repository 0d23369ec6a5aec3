// SPDX-License-Identifier: Apache-2.0
//! The program under the name `sysprint`: the flags of the reference's printer, and its JSON and CSV
//! byte for byte. `docs/print.md` lists what differs.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use sysflow::print::{Column, Options, Printer, Reference, ReferenceFormat, Times};

use super::sink::Target;
use super::{Request, filter, screen, wrong_usage};

/// The columns of its table.
const TABLE: &str = "idx,ts_uts,type,proc.exe,proc.args,pproc.pid,proc.pid,proc.tid,opflags,res,\
                     flow.rbytes,flow.wbytes,container.id";
const KUBERNETES: &str = "idx,ts_uts,type,k8s.action,k8s.kind,k8s.msg";

/// Print SysFlow traces, or convert them to JSON or CSV.
#[derive(Parser)]
#[command(name = "sysprint", disable_version_flag = true)]
pub(crate) struct Args {
    /// Files or directories of traces; - is standard input
    #[arg(required_unless_present_any = ["list", "version"], value_name = "path")]
    paths: Vec<PathBuf>,
    /// Where the paths are; only local is built in
    #[arg(short, long, value_enum, default_value_t)]
    input: Input,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
    /// File to write to
    #[arg(short = 'w', long)]
    file: Option<PathBuf>,
    /// Fields separated by commas, in the order wanted
    #[arg(short = 'c', long)]
    fields: Option<String>,
    /// Only events for which this expression is true
    #[arg(short, long)]
    filter: Option<String>,
    /// List the fields, and exit
    #[arg(short, long)]
    list: bool,
    /// Add the name of the pod to the table
    #[arg(short = 'k', long, conflicts_with = "k8sevents")]
    k8s: bool,
    /// Show the fields of Kubernetes events in the table
    #[arg(short = 'K', long)]
    k8sevents: bool,
    /// All fields
    #[arg(short = 'A', long)]
    allfields: bool,
    /// S3 host; not built in
    #[arg(short = 'e', long, value_name = "HOST")]
    s3endpoint: Option<String>,
    /// S3 port; not built in
    #[arg(short = 'p', long, value_name = "PORT")]
    s3port: Option<String>,
    /// S3 access key; not built in
    #[arg(short = 'a', long, value_name = "KEY")]
    s3accesskey: Option<String>,
    /// S3 secret key; not built in
    #[arg(short = 's', long, value_name = "KEY")]
    s3secretkey: Option<String>,
    /// TLS to S3; not built in
    #[arg(long, num_args = 0..=1, default_missing_value = "true")]
    secure: Option<String>,
    /// Print the version, and exit
    #[arg(short = 'v', long)]
    version: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Input {
    #[default]
    Local,
    S3,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Output {
    #[default]
    Str,
    Flatjson,
    Json,
    Csv,
}

/// Whether the program was started under this name.
pub(crate) fn is_called(program: Option<std::ffi::OsString>) -> bool {
    program.is_some_and(|program| {
        PathBuf::from(program).file_name().is_some_and(|name| name == "sysprint")
    })
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if args.version {
        println!("{}", env!("CARGO_PKG_VERSION"));
        return Ok(ExitCode::SUCCESS);
    }
    if args.list {
        return super::told(super::fields::list(args.file.as_deref()));
    }
    match request(args) {
        Ok(request) => request.run(),
        Err(wrong) => Ok(wrong_usage(&wrong)),
    }
}

fn request(args: &Args) -> Result<Request, String> {
    let s3 = [&args.s3endpoint, &args.s3port, &args.s3accesskey, &args.s3secretkey, &args.secure];
    if args.input == Input::S3 || s3.iter().any(|flag| flag.is_some()) {
        return Err("S3 input is not built in; copy the traces to a directory, such as by \
                    \"aws s3 cp --recursive s3://BUCKET DIR\", and print that"
            .to_owned());
    }
    let columns = columns(args)?;
    let format = match args.output {
        Output::Str => None,
        Output::Flatjson => Some(ReferenceFormat::FlatJson),
        Output::Json => Some(ReferenceFormat::Json),
        Output::Csv => Some(ReferenceFormat::Csv),
    };
    let printer = match format {
        Some(format) => Printer::Reference(Reference::new(&columns, format, args.file.is_some())),
        None => {
            let terminal = screen::is_terminal(args.file.as_deref());
            Printer::new(
                sysflow::print::Format::Table,
                Options {
                    columns,
                    times: Times::Rounded,
                    width: if terminal { screen::width() } else { None },
                    bars: true,
                    ..Options::default()
                },
            )
        }
    };
    Ok(Request {
        paths: args.paths.clone(),
        target: Target::Printer(printer),
        filter: filter(args.filter.as_deref())?,
        skip_damaged: false,
        follow: false,
        output: args.file.clone(),
    })
}

/// A table begins with the number of the row.
fn columns(args: &Args) -> Result<Vec<Column>, String> {
    let list = |names: &str| Column::parse_list(names).map_err(|error| error.to_string());
    let table = args.output == Output::Str;
    let mut columns = match &args.fields {
        _ if args.allfields => Column::exported(),
        Some(names) => list(names)?,
        None if table && args.k8sevents => return list(KUBERNETES),
        None if table => {
            let mut columns = list(TABLE)?;
            if args.k8s {
                columns.extend(list("pod.name")?);
            }
            return Ok(columns);
        }
        None => Column::exported(),
    };
    if table && !columns.contains(&Column::Index) {
        columns.insert(0, Column::Index);
    }
    Ok(columns)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn parsed(args: &[&str]) -> Result<Args, String> {
        Args::try_parse_from([&["sysprint"], args].concat()).map_err(|error| error.to_string())
    }

    fn names(args: &[&str]) -> String {
        let columns = columns(&parsed(args).unwrap()).unwrap();
        columns.iter().map(Column::name).collect::<Vec<_>>().join(",")
    }

    #[test]
    fn all_flags_of_the_reference_are_known() {
        Args::command().debug_assert();
        let short = ["-i", "local", "-o", "csv", "-w", "x", "-c", "ts", "-f", "type = PE", "-l"];
        assert!(parsed(&[&short[..], &["-A", "-k", "x"]].concat()).is_ok());
        let s3 = ["-i", "s3", "-e", "h", "-p", "1", "-a", "k", "-s", "k", "--secure", "no", "b"];
        let error = request(&parsed(&s3).unwrap()).err().unwrap();
        assert!(error.contains("aws s3 cp"), "{error}");
        assert!(request(&parsed(&["b", "--secure"]).unwrap()).is_err());
        assert!(parsed(&["-k", "-K", "x"]).is_err());
        assert!(parsed(&[]).is_err());
        assert!(parsed(&["-v"]).is_ok());
    }

    #[test]
    fn columns_are_those_of_the_reference() {
        assert_eq!(names(&["x"]), TABLE);
        assert_eq!(names(&["x", "-k"]), TABLE.to_owned() + ",pod.name");
        assert_eq!(names(&["x", "-K"]), KUBERNETES);
        assert_eq!(names(&["x", "-c", "type,res"]), "idx,type,res");
        assert_eq!(names(&["x", "-c", "type,res", "-o", "csv"]), "type,res");
        assert_eq!(columns(&parsed(&["x", "-A", "-c", "ts"]).unwrap()).unwrap().len(), 76);
        assert_eq!(columns(&parsed(&["x", "-o", "json"]).unwrap()).unwrap().len(), 75);
    }

    #[test]
    fn the_name_of_the_program_decides() {
        assert!(is_called(Some("/usr/bin/sysprint".into())) && is_called(Some("sysprint".into())));
        assert!(!is_called(Some("sysflow".into())) && !is_called(None));
    }
}
