// SPDX-License-Identifier: Apache-2.0
//! Settings: from options, the environment, the configuration file and
//! defaults, in this order.

mod args;
mod file;
pub(crate) mod list;
#[cfg(test)]
mod page;
mod table;
pub(crate) mod units;
mod value;

use std::path::PathBuf;
use std::time::Duration;

use engine::metrics::Address;
use engine::output::{Common, Keep, Spec};
use engine::semantics::{Collect, FileReads, Semantics};
use engine::state::limits::Limits;
use log::LevelFilter;
use probe_loader::driver::Choice;
use sysflow::record::Header;
use sysflow::schema::Version;
use sysflow::write;

pub(crate) use args::SettingArgs;
pub(crate) use file::{File, USUAL};
pub(crate) use table::{Key, Section, Setting, TABLE};
use units::Shared;

use super::logger::Format;
use super::select::Select;
use super::size;

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Option,
    Environment(&'static str),
    File(usize),
    Default,
}

/// A value that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Given {
    pub(crate) text: String,
    pub(crate) from: Origin,
}

/// All settings, as text.
pub(crate) struct Values {
    options: SettingArgs,
    environment: fn(&str) -> Option<String>,
    pub(crate) file: File,
}

/// The value of an environment variable.
fn environment(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

impl Values {
    /// Options, environment and file. The usual file is for recording only: a
    /// conversion gives the same on every host.
    pub(crate) fn find(options: &SettingArgs, with_file: bool) -> Result<Self, file::Error> {
        let file = if with_file { File::find(options.file.as_deref())? } else { None };
        Ok(Self { options: options.clone(), environment, file: file.unwrap_or_default() })
    }

    /// A file alone.
    pub(crate) fn of_file(file: File) -> Self {
        Self { options: SettingArgs::default(), environment: |_| None, file }
    }

    /// The value of a setting, if it has one; that of an output by its number.
    pub(crate) fn get(&self, key: Key, output: Option<usize>) -> Option<Given> {
        let setting = key.setting();
        let given = |text: &str, from| Some(Given { text: text.to_owned(), from });
        if key == Key::To
            && let Some(name) = self.options.outputs.get(output?)
        {
            return given(name, Origin::Option);
        }
        if let Some(text) = &self.options.given[key] {
            return given(text, Origin::Option);
        }
        if let Some(env) = &setting.env
            && let Some(text) = (self.environment)(env.name).and_then(|text| (env.text)(&text))
        {
            return given(&text, Origin::Environment(env.name));
        }
        let row = match output {
            // The outputs of the options replace those of the file.
            Some(_) if !self.options.outputs.is_empty() => None,
            Some(output) => self.file.outputs.get(output),
            None => Some(&self.file.settings),
        };
        if let Some(found) = row.and_then(|row| row[key].as_ref()) {
            return given(&found.text, Origin::File(found.line));
        }
        setting.default.and_then(|text| given(text, Origin::Default))
    }

    /// Number of outputs.
    pub(crate) fn outputs(&self) -> usize {
        if self.options.outputs.is_empty() {
            self.file.outputs.len()
        } else {
            self.options.outputs.len()
        }
    }

    /// Where to read about a setting: `[records] schema`.
    fn place(setting: &Setting) -> String {
        format!("[{}] {}", setting.section.name(), setting.name)
    }

    /// The settings that differ from those of `before` and cannot change while
    /// a capture runs.
    pub(crate) fn fixed_since(&self, before: &Self) -> Vec<String> {
        let outputs = self.outputs().max(before.outputs());
        let differs = |setting: &&Setting| {
            let text = |values: &Self, output| values.text(setting.key, output);
            if setting.section == Section::Output {
                (0..outputs).any(|at| text(self, Some(at)) != text(before, Some(at)))
            } else {
                text(self, None) != text(before, None)
            }
        };
        let fixed = TABLE.iter().filter(|setting| !setting.reload);
        fixed.filter(differs).map(Self::place).collect()
    }

    /// The value of a setting, unless it is the default.
    fn set(&self, key: Key) -> Option<String> {
        self.get(key, None).filter(|given| given.from != Origin::Default).map(|given| given.text)
    }

    pub(crate) fn text(&self, key: Key, output: Option<usize>) -> Option<String> {
        self.get(key, output).map(|given| given.text)
    }

    /// The settings of an output.
    fn output(&self, number: usize) -> anyhow::Result<Spec> {
        let text = |key| self.text(key, Some(number));
        let time = |key| text(key).map(|text| units::duration(&text)).transpose();
        let bytes = |key| text(key).map(|text| units::bytes(&text)).transpose();
        let read = || {
            let length = |key| bytes(key).map(|size| size.unwrap_or(0) as usize);
            let shared = Shared {
                every: time(Key::Rotate)?,
                size: bytes(Key::RotateSize)?,
                keep: Keep { age: time(Key::KeepAge)?, size: bytes(Key::KeepSize)? },
                buffer: length(Key::Buffer)?,
                max_packet: length(Key::MaxPacket)?,
            };
            shared.output(&text(Key::To).unwrap_or_default())
        };
        read().map_err(anyhow::Error::msg)
    }
}

impl Setting {
    /// Whether it is on, if it is a switch.
    pub(crate) fn switch(&self, text: &str) -> Option<bool> {
        matches!(self.value, value::Value::Switch).then(|| units::switch(text).unwrap_or(false))
    }

    /// Its entries, if it is a list.
    pub(crate) fn entries<'a>(&self, text: &'a str) -> Option<impl Iterator<Item = &'a str>> {
        match self.value {
            value::Value::List(item) => Some(item.entries(text)),
            _ => None,
        }
    }

    /// The value, or an entry, as a number of TOML if it can be one.
    pub(crate) fn number(&self, text: &str) -> Option<u64> {
        text.parse().ok().filter(|_| self.value.is_number())
    }
}

/// All settings, checked.
pub(crate) struct Config {
    pub(crate) driver: Choice,
    pub(crate) ring_size: Option<usize>,
    pub(crate) ring_total: usize,
    /// Where what the driver delivers is kept.
    pub(crate) raw: Option<PathBuf>,
    pub(crate) raw_buffer: usize,
    /// None: to be chosen.
    pub(crate) threads: Option<usize>,
    pub(crate) cpus: Option<Vec<usize>>,
    pub(crate) memory_limit: usize,
    pub(crate) exporter: Option<String>,
    pub(crate) node_ip: String,
    pub(crate) schema: Version,
    pub(crate) export_interval: Duration,
    pub(crate) flush_interval: Duration,
    /// Where the files of container runtimes are, if they are to be read.
    pub(crate) runtimes: Option<PathBuf>,
    pub(crate) outputs: Vec<Spec>,
    pub(crate) metrics: Option<Address>,
    pub(crate) select: Select,
    pub(crate) level: LevelFilter,
    pub(crate) format: Option<Format>,
    mode: Collect,
    proc_flow: Option<bool>,
    file_only: Option<bool>,
    reads: Option<FileReads>,
}

impl Config {
    /// Settings as they are used. Every text was checked when it was read; what
    /// is wrong all the same is told.
    pub(crate) fn new(values: &Values) -> anyhow::Result<Self> {
        let text = |key| values.text(key, None).unwrap_or_default();
        let time = |key| units::duration(&text(key)).map_err(anyhow::Error::msg);
        let switch = |key| values.set(key).and_then(|text| units::switch(&text).ok());
        let outputs = (0..values.outputs()).map(|number| values.output(number));
        Ok(Self {
            driver: match &*text(Key::Driver) {
                "kmod" => Choice::Kmod,
                "ebpf" => Choice::Ebpf,
                _ => Choice::Auto,
            },
            ring_size: values
                .text(Key::RingSize, None)
                .and_then(|text| units::ring_size(&text).ok()),
            ring_total: size::parse(&text(Key::RingTotal)).map_err(anyhow::Error::msg)?,
            raw: values.text(Key::Raw, None).map(PathBuf::from),
            raw_buffer: size::parse(&text(Key::RawBuffer)).map_err(anyhow::Error::msg)?,
            threads: units::threads(&text(Key::Threads)).map_err(anyhow::Error::msg)?,
            cpus: values
                .text(Key::Cpus, None)
                .map(|text| units::cpus(&text).map_err(anyhow::Error::msg))
                .transpose()?,
            memory_limit: memory_limit(&text(Key::MemoryLimit)).map_err(anyhow::Error::msg)?,
            exporter: values.text(Key::Exporter, None),
            node_ip: text(Key::NodeIp),
            schema: text(Key::Schema).parse()?,
            export_interval: time(Key::ExportInterval)?,
            flush_interval: time(Key::FlushInterval)?,
            runtimes: units::switch(&text(Key::ContainerNames))
                .unwrap_or(true)
                .then(|| text(Key::ContainerRoot).into()),
            outputs: outputs.collect::<anyhow::Result<_>>()?,
            metrics: values.text(Key::Metrics, None).map(|text| text.parse()).transpose()?,
            select: Select::new(values).map_err(anyhow::Error::msg)?,
            level: text(Key::LogLevel).parse().unwrap_or(LevelFilter::Info),
            format: match &*text(Key::LogFormat) {
                "text" => Some(Format::Text),
                "journal" => Some(Format::Journal),
                "logfmt" => Some(Format::Logfmt),
                _ => None,
            },
            mode: match &*text(Key::Mode) {
                "consume" => Collect::Consume,
                "nofiles" => Collect::NoFiles,
                _ => Collect::Flows,
            },
            proc_flow: switch(Key::ProcFlow),
            file_only: switch(Key::FileOnly),
            reads: values.set(Key::FileReadMode).map(|mode| match &*mode {
                "0" => FileReads::All,
                "1" => FileReads::None,
                _ => FileReads::NoSystem,
            }),
        })
    }

    /// The switches of `base`, as the settings change them.
    pub(crate) fn semantics(&self, base: Semantics) -> Semantics {
        Semantics {
            collect: self.mode,
            file_only: self.file_only.unwrap_or(base.file_only),
            process_flows: self.proc_flow.unwrap_or(base.process_flows),
            reads: self.reads.unwrap_or(base.reads),
            ..base
        }
    }

    /// What an engine is told, with these switches.
    pub(crate) fn engine(&self, semantics: Semantics) -> anyhow::Result<engine::Settings> {
        Ok(engine::Settings {
            export_interval: u64::try_from(self.export_interval.as_nanos())?,
            schema: self.schema,
            semantics,
            limits: Limits::of(self.memory_limit),
        })
    }

    /// What all outputs are told.
    pub(crate) fn common(&self, exporter: String, driver: String) -> Common {
        let header = Header {
            version: self.schema.number(),
            exporter,
            ip: self.node_ip.clone(),
            filename: String::new(),
        };
        let options = write::Options { schema: self.schema, ..write::Options::default() };
        Common { options, header, flush: self.flush_interval, driver }
    }

    /// The one file that a conversion writes, and how often it begins a new
    /// one.
    pub(crate) fn file(&self) -> Result<(PathBuf, Option<Duration>), &'static str> {
        match &self.outputs[..] {
            [Spec { to: engine::output::Destination::Files(files), .. }] => {
                Ok((files.path.clone(), files.every))
            }
            _ => Err("with --read, one file or folder is written: name it with -w"),
        }
    }
}

/// A ceiling below the least could not hold what a small host has.
fn memory_limit(text: &str) -> Result<usize, String> {
    let bytes = size::parse(text)?;
    if bytes < Limits::LEAST {
        return Err(format!("memory-limit is {text}, but 16M is the least"));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests;
