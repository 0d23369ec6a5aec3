// SPDX-License-Identifier: Apache-2.0
//! The configuration file.

use std::fmt;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::list::Item;
use super::table::{ByKey, Key, Section, Setting, TABLE};
use super::value::Value;

/// Read if it exists and no other is named.
pub(crate) const USUAL: &str = "/etc/sysflow/sysflow.toml";

/// A value of the file, and its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) text: String,
    pub(crate) line: usize,
}

/// Values by key.
pub(crate) type Row = ByKey<Found>;

/// A file that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct File {
    pub(crate) path: PathBuf,
    pub(crate) settings: Row,
    /// One for each `[[output]]`.
    pub(crate) outputs: Vec<Row>,
}

/// What is wrong in a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    line: usize,
    text: String,
}

/// Why a file cannot be used.
#[derive(Debug)]
pub(crate) enum Error {
    Read(PathBuf, io::Error),
    Wrong(PathBuf, Vec<Problem>),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(path, error) => write!(f, "cannot read {path:?}: {error}"),
            Self::Wrong(path, problems) => {
                for (index, Problem { line, text }) in problems.iter().enumerate() {
                    let end = if index == 0 { "" } else { "\n" };
                    write!(f, "{end}{}:{line}: {text}", path.display())?;
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for Error {}

impl File {
    /// Reads a file.
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|error| Error::Read(path.to_owned(), error))?;
        Self::parse(path, &text).map_err(|problems| Error::Wrong(path.to_owned(), problems))
    }

    /// Reads the named file, or the usual one if there is one.
    pub(crate) fn find(named: Option<&Path>) -> Result<Option<Self>, Error> {
        match (named, Self::read(named.unwrap_or(Path::new(USUAL)))) {
            (None, Err(Error::Read(_, error))) if error.kind() == io::ErrorKind::NotFound => {
                Ok(None)
            }
            (_, read) => read.map(Some),
        }
    }

    pub(crate) fn parse(path: &Path, text: &str) -> Result<Self, Vec<Problem>> {
        let mut parser = Parser { text, problems: Vec::new() };
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            parser.problem(error.span().unwrap_or(0..0), error.message().to_owned());
        }
        let mut file = Self { path: path.to_owned(), ..Self::default() };
        // What could be made of broken syntax is not what was meant.
        if parser.problems.is_empty() {
            parser.file(table.get_ref(), &mut file);
        }
        parser.problems.sort_by_key(|problem| problem.line);
        if parser.problems.is_empty() { Ok(file) } else { Err(parser.problems) }
    }
}

struct Parser<'a> {
    text: &'a str,
    problems: Vec<Problem>,
}

impl Parser<'_> {
    fn line(&self, span: &Range<usize>) -> usize {
        let before = &self.text.as_bytes()[..span.start.min(self.text.len())];
        1 + before.iter().filter(|byte| **byte == b'\n').count()
    }

    fn problem(&mut self, span: Range<usize>, text: String) {
        let line = self.line(&span);
        self.problems.push(Problem { line, text });
    }

    fn file(&mut self, table: &DeTable<'_>, file: &mut File) {
        for (name, value) in table {
            let known = Section::ALL.iter().find(|section| section.name() == name.get_ref());
            match (known, value.get_ref()) {
                (Some(Section::Output), DeValue::Array(tables)) => {
                    for table in tables {
                        self.output(table, file);
                    }
                }
                (Some(Section::Output), _) => {
                    self.problem(name.span(), "each output is a table: [[output]]".to_owned());
                }
                (Some(section), DeValue::Table(table)) => {
                    self.section(*section, table, &mut file.settings);
                }
                (Some(section), _) => {
                    let name_of = section.name();
                    self.problem(name.span(), format!("{name_of} is a table: [{name_of}]"));
                }
                (None, _) => {
                    let known = Section::ALL.map(Section::name).join(", ");
                    let name_of = name.get_ref();
                    self.problem(
                        name.span(),
                        format!("unknown table \"{name_of}\"; known are {known}"),
                    );
                }
            }
        }
    }

    fn output(&mut self, value: &Spanned<DeValue<'_>>, file: &mut File) {
        let DeValue::Table(table) = value.get_ref() else {
            return self.problem(value.span(), "each output is a table: [[output]]".to_owned());
        };
        let mut row = Row::default();
        let before = self.problems.len();
        self.section(Section::Output, table, &mut row);
        if row[Key::To].is_none() && self.problems.len() == before {
            self.problem(value.span(), "an output without \"to\"".to_owned());
        }
        file.outputs.push(row);
    }

    fn section(&mut self, section: Section, table: &DeTable<'_>, row: &mut Row) {
        for (name, value) in table {
            let of_section = || TABLE.iter().filter(|setting| setting.section == section);
            let Some(setting) = of_section().find(|setting| setting.name == name.get_ref()) else {
                let known: Vec<&str> = of_section().map(|setting| setting.name).collect();
                let text = format!(
                    "unknown key \"{}\" in [{}]; known are {}",
                    name.get_ref(),
                    section.name(),
                    known.join(", ")
                );
                self.problem(name.span(), text);
                continue;
            };
            match text_of(setting, value) {
                Ok(text) => {
                    let line = self.line(&value.span());
                    row[setting.key] = Some(Found { text, line });
                }
                Err((span, why)) => self.problem(span, format!("{}: {why}", setting.name)),
            }
        }
    }
}

/// The text of a value, if the setting can have it; else why not, and where.
fn text_of(
    setting: &Setting,
    value: &Spanned<DeValue<'_>>,
) -> Result<String, (Range<usize>, String)> {
    let text = match (setting.value, value.get_ref()) {
        (Value::List(item), DeValue::Array(entries)) => list(item, entries, value.span())?,
        (_, one) => scalar(setting.value, one).map_err(|why| (value.span(), why))?,
    };
    setting.value.check(&text).map(|()| text).map_err(|why| (value.span(), why))
}

/// The text of a list. Each entry has its own line.
fn list(
    item: Item,
    entries: &[Spanned<DeValue<'_>>],
    span: Range<usize>,
) -> Result<String, (Range<usize>, String)> {
    if entries.is_empty() {
        return Err((span, "an empty list; without the key nothing is left out".to_owned()));
    }
    let texts = entries.iter().map(|entry| {
        let text = scalar(Value::List(item), entry.get_ref());
        let checked = text.and_then(|text| item.check_entry(&text).map(|()| text));
        checked.map_err(|why| (entry.span(), why))
    });
    Ok(texts.collect::<Result<Vec<_>, _>>()?.join(item.separator()))
}

/// The text of a value that is no list.
fn scalar(kind: Value, value: &DeValue<'_>) -> Result<String, String> {
    Ok(match (kind, value) {
        (Value::Switch, DeValue::Boolean(on)) => if *on { "on" } else { "off" }.to_owned(),
        (Value::Switch, _) => return Err("write true or false".to_owned()),
        (_, DeValue::String(text)) => text.clone().into_owned(),
        (kind, DeValue::Integer(n)) if kind.is_number() => match n.radix() {
            10 => n.as_str().to_owned(),
            _ => return Err("write the number with the digits 0 to 9".to_owned()),
        },
        (Value::Time, DeValue::Float(number)) => number.as_str().to_owned(),
        (_, other) => return Err(format!("cannot be of type {}", other.type_str())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<(usize, String)> {
        let problems = File::parse(Path::new("x.toml"), text).expect_err("problems");
        problems.into_iter().map(|problem| (problem.line, problem.text)).collect()
    }

    #[test]
    fn values_have_the_types_of_toml() {
        let text = "[capture]\nring-size = 65536\n[records]\nproc-flow = true\n\
                    export-interval = 1.5\n[[output]]\nto = \"a\"\nrotate = \"5m\"\n[[output]]\nto = '-'\n";
        let file = File::parse(Path::new("x.toml"), text).expect("a good file");
        let text_of = |row: &Row, key: Key| row[key].as_ref().map(|found| found.text.clone());
        assert_eq!(text_of(&file.settings, Key::RingSize).as_deref(), Some("65536"));
        assert_eq!(text_of(&file.settings, Key::ProcFlow).as_deref(), Some("on"));
        assert_eq!(text_of(&file.settings, Key::ExportInterval).as_deref(), Some("1.5"));
        assert_eq!(text_of(&file.outputs[0], Key::Rotate).as_deref(), Some("5m"));
        assert_eq!(file.outputs[1][Key::To].as_ref().expect("to").line, 10);
        assert_eq!(file.settings[Key::Driver], None);
    }

    #[test]
    fn all_problems_are_told_with_their_lines() {
        let found = problems(
            "colour = 1\n[capture]\nring-size = \"63K\"\ndriver = 3\nring-sise = 1\n\n\
             [[output]]\nrotate = -1\n[log]\nlevel = \"loud\"\n[records]\nproc-flow = 1\n",
        );
        let lines: Vec<usize> = found.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [1, 3, 4, 5, 8, 10, 12], "{found:?}");
        for (index, word) in [
            "colour",
            "power of two",
            "integer",
            "known are driver, ring-size",
            "rotate",
            "loud",
            "true",
        ]
        .iter()
        .enumerate()
        {
            assert!(found[index].1.contains(word), "{:?}", found[index]);
        }
    }

    #[test]
    fn lists_are_arrays_or_texts() {
        let text = |text: &str, key: Key| {
            let file = File::parse(Path::new("x.toml"), &format!("[select]\n{text}\n"));
            let found = file.expect("a good file").settings[key].take();
            found.expect("a value").text
        };
        assert_eq!(text("ops = ['net', '!bind']", Key::Ops), "net,!bind");
        assert_eq!(text("ops = '!io'", Key::Ops), "!io");
        assert_eq!(text("pid = 1", Key::Pid), "1");
        assert_eq!(text("pid = [1, '2']", Key::Pid), "1,2");
        assert_eq!(text("uid = [0, 'root', '5-6']", Key::Uid), "0,root,5-6");
        assert_eq!(text("uid = 'root, 7'", Key::Uid), "root, 7");
        assert_eq!(text("cgroup = '/cpu,cpuacct/a'", Key::Cgroup), "/cpu,cpuacct/a");
        assert_eq!(text("cgroup = ['/a', '/b']", Key::Cgroup), "/a\n/b");
    }

    #[test]
    fn each_entry_of_a_list_has_its_line() {
        let found = problems(
            "[select]\nops = [\n 'net',\n 'raed',\n]\npid = [1, 0]\nuid = []\n\
             cgroup = [\n '/a',\n 5]\n",
        );
        let told: Vec<_> = found.iter().map(|(line, text)| (*line, text.as_str())).collect();
        assert!(
            matches!(told[0], (4, text) if text.contains("`raed` is no operation")),
            "{told:?}"
        );
        assert_eq!(
            &told[1..],
            [
                (6, "pid: \"0\" is no process id"),
                (7, "uid: an empty list; without the key nothing is left out"),
                (10, "cgroup: cannot be of type integer"),
            ]
        );
        let found = problems("[select]\nuid = [0x10]\n");
        assert!(found[0].1.contains("digits 0 to 9"), "{found:?}");
        let found = problems("[select]\nops = ['read', '!read']\n");
        assert_eq!(found, [(2, "ops: no operation is left".to_owned())]);
    }

    #[test]
    fn broken_syntax_has_a_line_too() {
        let found = problems("[capture]\ndriver = \"ebpf\"\nring-size = = 3\n");
        assert_eq!(found[0].0, 3, "{found:?}");
        let found = problems("[[output]]\n");
        assert_eq!(found, [(1, "an output without \"to\"".to_owned())]);
        let found = problems("[capture]\ndriver = 'ebpf'\ndriver = 'kmod'\n");
        assert_eq!(found[0].0, 3, "{found:?}");
    }
}
