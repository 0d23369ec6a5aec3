// SPDX-License-Identifier: Apache-2.0
//! The table of settings: the options of `sysflow record`, the keys of the
//! configuration file and docs/configuration.md are made of it.

use std::ops::{Index, IndexMut};

use super::list::Item;
use super::value::Value;

/// A setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Driver,
    RingSize,
    RingTotal,
    Raw,
    RawBuffer,
    Threads,
    Cpus,
    MemoryLimit,
    Ops,
    Pid,
    Uid,
    Cgroup,
    Exporter,
    NodeIp,
    Schema,
    Mode,
    ProcFlow,
    FileOnly,
    FileReadMode,
    ExportInterval,
    FlushInterval,
    ContainerNames,
    ContainerRoot,
    To,
    Rotate,
    RotateSize,
    KeepAge,
    KeepSize,
    Buffer,
    MaxPacket,
    Metrics,
    LogLevel,
    LogFormat,
}

/// Number of settings.
pub(crate) const KEYS: usize = Key::LogFormat as usize + 1;

/// A table of the file, and a heading of the help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Capture,
    Select,
    Records,
    Output,
    Metrics,
    Log,
}

impl Section {
    pub(crate) const ALL: [Self; 6] =
        [Self::Capture, Self::Select, Self::Records, Self::Output, Self::Metrics, Self::Log];

    /// Its name in the file.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Capture => "capture",
            Self::Select => "select",
            Self::Records => "records",
            Self::Output => "output",
            Self::Metrics => "metrics",
            Self::Log => "log",
        }
    }

    /// Its heading in the help.
    pub(crate) fn heading(self) -> &'static str {
        match self {
            Self::Capture => "Driver",
            Self::Select => "What the driver leaves out",
            Self::Records => "What is recorded",
            Self::Output => "Outputs",
            Self::Metrics => "Metrics",
            Self::Log => "Messages",
        }
    }
}

/// Something of each setting, where it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ByKey<T>([Option<T>; KEYS]);

impl<T> Default for ByKey<T> {
    fn default() -> Self {
        Self(std::array::from_fn(|_| None))
    }
}

impl<T> Index<Key> for ByKey<T> {
    type Output = Option<T>;

    fn index(&self, key: Key) -> &Option<T> {
        &self.0[key as usize]
    }
}

impl<T> IndexMut<Key> for ByKey<T> {
    fn index_mut(&mut self, key: Key) -> &mut Option<T> {
        &mut self.0[key as usize]
    }
}

/// How a setting is given on the command line.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Flag {
    /// Not at all.
    None,
    /// `--NAME`.
    Long(&'static str),
    /// `--NAME` or a letter.
    Both(&'static str, char),
}

/// The environment variable of the reference collector.
pub(crate) struct Env {
    pub(crate) name: &'static str,
    /// The setting's text; none if the value is passed over.
    pub(crate) text: fn(&str) -> Option<String>,
}

/// All that is known of a setting.
pub(crate) struct Setting {
    pub(crate) key: Key,
    pub(crate) section: Section,
    /// Its name in the file.
    pub(crate) name: &'static str,
    pub(crate) flag: Flag,
    pub(crate) env: Option<Env>,
    pub(crate) value: Value,
    pub(crate) default: Option<&'static str>,
    pub(crate) help: &'static str,
    /// Whether SIGHUP changes it.
    pub(crate) reload: bool,
    /// Whether it is also one of conversions.
    pub(crate) convert: bool,
}

/// As with the reference, 1 is on and any other value off.
fn on_or_off(text: &str) -> Option<String> {
    Some(if text == "1" { "on" } else { "off" }.to_owned())
}

/// As with the reference, a value that is none is passed over.
fn read_mode(text: &str) -> Option<String> {
    matches!(text, "0" | "1" | "2").then(|| text.to_owned())
}

fn same(text: &str) -> Option<String> {
    Some(text.to_owned())
}

const PLAIN: Setting = Setting {
    key: Key::Driver,
    section: Section::Capture,
    name: "",
    flag: Flag::None,
    env: None,
    value: Value::Text("TEXT"),
    default: None,
    help: "",
    reload: false,
    convert: false,
};

/// A list of what is selected.
const SELECT: Setting = Setting { section: Section::Select, reload: true, ..PLAIN };

/// The settings, in the order of [`Key`].
pub(crate) static TABLE: [Setting; KEYS] = [
    Setting {
        key: Key::Driver,
        name: "driver",
        flag: Flag::Long("driver"),
        value: Value::Choice(&[
            ("auto", "the kernel module where one can be loaded, else eBPF"),
            ("kmod", "the kernel module"),
            ("ebpf", "the eBPF programs"),
        ]),
        default: Some("auto"),
        help: "Driver to record with",
        ..PLAIN
    },
    Setting {
        key: Key::RingSize,
        name: "ring-size",
        flag: Flag::Long("ring-size"),
        value: Value::RingSize,
        help: "Ring of each CPU: a power of two from 64K to 1G; if not given 1M, or less where the \
               rings would take more than --ring-total or a 32nd of the memory",
        ..PLAIN
    },
    Setting {
        key: Key::RingTotal,
        name: "ring-total",
        flag: Flag::Long("ring-total"),
        value: Value::Size,
        default: Some("256M"),
        help: "What the rings of all CPUs take together at most, unless --ring-size is given",
        ..PLAIN
    },
    Setting {
        key: Key::Raw,
        name: "raw",
        flag: Flag::Long("raw"),
        value: Value::Text("FILE"),
        help: "Keep what the driver delivers in this file too, or alone, for sysflow record -r",
        ..PLAIN
    },
    Setting {
        key: Key::RawBuffer,
        name: "raw-buffer",
        value: Value::Size,
        default: Some("32M"),
        help: "What may wait to be written to the file of --raw; what is more is left out of it, and \
               counted",
        ..PLAIN
    },
    Setting {
        key: Key::Threads,
        name: "threads",
        flag: Flag::Long("threads"),
        value: Value::Threads,
        default: Some("auto"),
        help: "Threads that events pass through at most, outputs not counted: with two, one takes \
               them out of the rings and sums them up, the other keeps the state and makes records \
               of them; there is no work for more. auto: 2 where the recorder can use more than 4 \
               CPUs, else 1; with --raw 1. What is written does not depend on it",
        ..PLAIN
    },
    Setting {
        key: Key::Cpus,
        name: "cpus",
        flag: Flag::Long("cpus"),
        value: Value::Cpus,
        help: "CPUs that the recorder runs on, with all its threads: numbers and ranges with commas \
               between them (0,4-7). All CPUs are recorded",
        ..PLAIN
    },
    Setting {
        key: Key::MemoryLimit,
        name: "memory-limit",
        flag: Flag::Long("memory-limit"),
        value: Value::Size,
        default: Some("256M"),
        help: "What all that is known of the host (processes, open files, flows) takes at most, from \
               16M; beyond it the oldest flows are written and ended early. Rings (--ring-total) and \
               what waits for outputs (--buffer) come on top",
        ..PLAIN
    },
    Setting {
        key: Key::Ops,
        name: "ops",
        flag: Flag::Long("ops"),
        value: Value::List(Item::Operation),
        help: "Leave out all operations but these: names (open, connect, rename, ...) and classes \
               (process, file, net, path, io) with commas between them; !NAME takes one out, from \
               all if it comes first. With operations on descriptors those that close and \
               duplicate them stay too",
        ..SELECT
    },
    Setting {
        key: Key::Pid,
        name: "pid",
        flag: Flag::Long("pid"),
        value: Value::List(Item::Process),
        help: "Leave out all processes but this one and all that descends from it; may be \
               repeated, or a list with commas",
        ..SELECT
    },
    Setting {
        key: Key::Uid,
        name: "uid",
        flag: Flag::Long("uid"),
        value: Value::List(Item::User),
        help: "Leave out all processes but those whose effective user is this: a number, a name, \
               or FIRST-LAST; may be repeated, or a list with commas",
        ..SELECT
    },
    Setting {
        key: Key::Cgroup,
        name: "cgroup",
        flag: Flag::Long("cgroup"),
        value: Value::List(Item::Cgroup),
        help: "Leave out all processes but those in this control group or below it: its folder, \
               or its name in the unified hierarchy (/system.slice/nginx.service); may be repeated",
        ..SELECT
    },
    Setting {
        key: Key::Exporter,
        section: Section::Records,
        name: "exporter",
        flag: Flag::Both("exporter", 'e'),
        value: Value::Text("ID"),
        help: "Name of this exporter in headers; else the name of the host, with --read that of the \
               captured host",
        convert: true,
        ..PLAIN
    },
    Setting {
        key: Key::NodeIp,
        section: Section::Records,
        name: "node-ip",
        env: Some(Env { name: "NODE_IP", text: same }),
        value: Value::Text("ADDRESS"),
        help: "Address of this host in headers",
        convert: true,
        ..PLAIN
    },
    Setting {
        key: Key::Schema,
        section: Section::Records,
        name: "schema",
        flag: Flag::Long("schema"),
        value: Value::Number("VERSION", 5, 6),
        default: Some("5"),
        help: "Schema version: 5, which every reader knows, or 6, which has IPv6 addresses, inodes \
               and what was lost",
        convert: true,
        ..PLAIN
    },
    Setting {
        key: Key::Mode,
        section: Section::Records,
        name: "mode",
        flag: Flag::Both("mode", 'm'),
        value: Value::Choice(&[
            ("flow", "everything"),
            ("consume", "of files only that they were opened"),
            ("nofiles", "nothing about files"),
        ]),
        default: Some("flow"),
        help: "What to collect",
        convert: true,
        ..PLAIN
    },
    Setting {
        key: Key::ProcFlow,
        section: Section::Records,
        name: "proc-flow",
        flag: Flag::Long("proc-flow"),
        env: Some(Env { name: "ENABLE_PROC_FLOW", text: on_or_off }),
        value: Value::Switch,
        default: Some("off"),
        help: "Sum up threads that start and end in process flows, instead of an event for each",
        convert: true,
        ..PLAIN
    },
    Setting {
        key: Key::FileOnly,
        section: Section::Records,
        name: "file-only",
        flag: Flag::Long("file-only"),
        env: Some(Env { name: "FILE_ONLY", text: on_or_off }),
        value: Value::Switch,
        default: Some("off"),
        help: "Of files, record regular ones only",
        convert: true,
        ..PLAIN
    },
    Setting {
        key: Key::FileReadMode,
        section: Section::Records,
        name: "file-read-mode",
        flag: Flag::Long("file-read-mode"),
        env: Some(Env { name: "FILE_READ_MODE", text: read_mode }),
        value: Value::Number("MODE", 0, 2),
        default: Some("0"),
        help: "Flows that only read a file: 0 records all, 1 none, 2 all but those of files below \
               /proc, /dev, /sys and the folders of libraries",
        convert: true,
        ..PLAIN
    },
    Setting {
        key: Key::ExportInterval,
        section: Section::Records,
        name: "export-interval",
        flag: Flag::Long("export-interval"),
        value: Value::Time,
        default: Some("30"),
        help: "Write a flow that goes on each time this long has passed",
        convert: true,
        ..PLAIN
    },
    Setting {
        key: Key::FlushInterval,
        section: Section::Records,
        name: "flush-interval",
        value: Value::Time,
        default: Some("5"),
        help: "Store what was collected this often: what a crash can lose",
        ..PLAIN
    },
    Setting {
        key: Key::ContainerNames,
        section: Section::Records,
        name: "container-names",
        flag: Flag::Long("container-names"),
        value: Value::Switch,
        default: Some("on"),
        help: "Look up names and images of containers in the files of their runtimes, or at their \
               sockets; else they are \"incomplete\"",
        ..PLAIN
    },
    Setting {
        key: Key::ContainerRoot,
        section: Section::Records,
        name: "container-root",
        value: Value::Text("DIR"),
        default: Some("/"),
        help: "Folder that the files of runtimes are below: where a recorder in a container sees \
               those of its host",
        ..PLAIN
    },
    Setting {
        key: Key::To,
        section: Section::Output,
        name: "to",
        flag: Flag::Both("write", 'w'),
        value: Value::Output,
        help: "Where to write to: a file, a folder of files if it ends with a slash, unix:PATH for who \
               listens at a socket, - for standard output; may be repeated",
        convert: true,
        ..PLAIN
    },
    Setting {
        key: Key::Rotate,
        section: Section::Output,
        name: "rotate",
        flag: Flag::Both("rotate", 'G'),
        value: Value::Time,
        help: "Begin a new file each time this long has passed (with --read, in the capture's time); \
               names end with the time, in seconds since 1970",
        convert: true,
        ..PLAIN
    },
    Setting {
        key: Key::RotateSize,
        section: Section::Output,
        name: "rotate-size",
        flag: Flag::Long("rotate-size"),
        value: Value::Size,
        help: "Begin a new file when one has this size",
        ..PLAIN
    },
    Setting {
        key: Key::KeepAge,
        section: Section::Output,
        name: "keep-age",
        flag: Flag::Long("keep-age"),
        value: Value::Time,
        help: "Remove files of a series that are older",
        ..PLAIN
    },
    Setting {
        key: Key::KeepSize,
        section: Section::Output,
        name: "keep-size",
        flag: Flag::Long("keep-size"),
        value: Value::Size,
        help: "Remove the oldest files of a series until the others have this size",
        ..PLAIN
    },
    Setting {
        key: Key::Buffer,
        section: Section::Output,
        name: "buffer",
        flag: Flag::Long("buffer"),
        value: Value::Size,
        default: Some("16M"),
        help: "What may wait for an output that does not keep up; what is more is shed, and counted",
        ..PLAIN
    },
    Setting {
        key: Key::MaxPacket,
        section: Section::Output,
        name: "max-packet",
        value: Value::Size,
        default: Some("16K"),
        help: "Largest packet of a socket; of processes that are larger the environment is cut",
        ..PLAIN
    },
    Setting {
        key: Key::Metrics,
        section: Section::Metrics,
        name: "listen",
        flag: Flag::Long("metrics"),
        value: Value::Address,
        help: "Tell metrics there, as OpenMetrics over HTTP: unix:PATH, or an address of this host \
               such as 127.0.0.1:9400",
        ..PLAIN
    },
    Setting {
        key: Key::LogLevel,
        section: Section::Log,
        name: "level",
        flag: Flag::Long("log-level"),
        value: Value::Choice(&[
            ("error", "what is broken"),
            ("warn", "and what is lost"),
            ("info", "and what happens"),
            ("debug", "and how"),
        ]),
        default: Some("info"),
        help: "Messages to show",
        reload: true,
        ..PLAIN
    },
    Setting {
        key: Key::LogFormat,
        section: Section::Log,
        name: "format",
        flag: Flag::Long("log-format"),
        value: Value::Choice(&[
            ("auto", "journal where standard error is the journal, else text"),
            ("text", "for people"),
            ("journal", "with the priority that journald reads"),
            ("logfmt", "time, level, message and facts as key=value"),
        ]),
        default: Some("auto"),
        help: "Form of messages",
        ..PLAIN
    },
];

impl Key {
    pub(crate) fn setting(self) -> &'static Setting {
        &TABLE[self as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_its_defaults_are_good() {
        for (index, setting) in TABLE.iter().enumerate() {
            assert_eq!(setting.key as usize, index, "{}", setting.name);
            assert!(!setting.help.is_empty() && !setting.help.ends_with('.'));
            if let Some(default) = setting.default {
                setting.value.check(default).unwrap_or_else(|e| panic!("{}: {e}", setting.name));
            }
            let twice =
                |other: &Setting| other.section == setting.section && other.name == setting.name;
            assert_eq!(TABLE.iter().filter(|other| twice(other)).count(), 1);
        }
    }
}
