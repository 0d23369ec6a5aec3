// SPDX-License-Identifier: Apache-2.0
//! Outputs, times and switches as people write them.

use std::path::PathBuf;
use std::time::Duration;

use engine::output::{Destination, Files, Keep, Socket, Spec};

use crate::cli::size;

/// What is told of an output beside its name.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Shared {
    pub(crate) every: Option<Duration>,
    pub(crate) size: Option<u64>,
    pub(crate) keep: Keep,
    pub(crate) buffer: usize,
    pub(crate) max_packet: usize,
}

impl Shared {
    /// The output of that name: `-`, `unix:PATH`, a file, or a directory with
    /// a slash at its end.
    pub(crate) fn output(&self, name: &str) -> Result<Spec, String> {
        let to = match (name, name.strip_prefix("unix:")) {
            ("", _) | (_, Some("")) => return Err("an output without a name".to_owned()),
            ("-", _) => Destination::Stdout,
            (_, Some(path)) => self.socket(path.into()),
            (path, None) => Destination::Files(Files {
                path: path.into(),
                every: self.every,
                size: self.size,
                keep: self.keep,
            }),
        };
        Ok(Spec { to, buffer: self.buffer })
    }

    /// The socket at a path.
    pub(crate) fn socket(&self, path: PathBuf) -> Destination {
        Destination::Socket(Socket { path, max_packet: self.max_packet })
    }
}

/// Whether something is on.
pub(crate) fn switch(text: &str) -> Result<bool, String> {
    match text {
        "on" | "1" | "true" | "yes" => Ok(true),
        "off" | "0" | "false" | "no" => Ok(false),
        _ => Err("write on or off".to_owned()),
    }
}

/// A time: a number of seconds, or with one of the units s, m, h, d.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit: f64 = match &text[digits.len()..] {
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        "d" => 86400.0,
        other => return Err(format!("\"{other}\" is no unit of time; use s, m, h or d")),
    };
    let number: f64 =
        digits.parse().map_err(|_| format!("\"{text}\" is no time; write 30 or 5m"))?;
    match Duration::try_from_secs_f64(number * unit) {
        Ok(time) if !time.is_zero() => Ok(time),
        _ => Err("must be more than 0 seconds".to_owned()),
    }
}

/// A size that a ring can have.
pub(crate) fn ring_size(text: &str) -> Result<usize, String> {
    let size = size::parse(text)?;
    if probe_loader::ring::valid_size(size) {
        Ok(size)
    } else {
        Err("must be a power of two from 64K to 1G".to_owned())
    }
}

/// How many threads at most; none if that is left open.
pub(crate) fn threads(text: &str) -> Result<Option<usize>, String> {
    match text.parse() {
        Ok(0) => Err("must be at least 1".to_owned()),
        Ok(number) => Ok(Some(number)),
        Err(_) if text == "auto" => Ok(None),
        Err(_) => Err("write auto or a number".to_owned()),
    }
}

/// No kernel has more CPUs.
const MAX_CPUS: usize = 8192;

/// Numbers of CPUs: `0,4-7`.
pub(crate) fn cpus(text: &str) -> Result<Vec<usize>, String> {
    let wrong = |part: &str| format!("\"{part}\" is no CPU; write numbers and ranges: 0,4-7");
    let number = |part: &str| {
        let number = part.trim().parse::<usize>().ok();
        number.filter(|cpu| *cpu < MAX_CPUS).ok_or_else(|| wrong(part))
    };
    let mut cpus = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (number(first)?, number(last)?);
        if first > last {
            return Err(wrong(part));
        }
        cpus.extend(first..=last);
    }
    cpus.sort_unstable();
    cpus.dedup();
    Ok(cpus)
}

/// A size in bytes that is not 0.
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    match size::parse(text)? {
        0 => Err("must be more than 0".to_owned()),
        size => Ok(size as u64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        assert_eq!(duration("30"), Ok(Duration::from_secs(30)));
        assert_eq!(duration("1.5s"), Ok(Duration::from_millis(1500)));
        assert_eq!(duration("5m"), Ok(Duration::from_secs(300)));
        assert_eq!(duration("7d"), Ok(Duration::from_secs(604_800)));
        for wrong in ["", "m", "0", "-1", "1w", "1e400", "nan", "inf"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn threads_are_counted_or_left_open() {
        assert_eq!((threads("auto"), threads("4")), (Ok(None), Ok(Some(4))));
        for wrong in ["", "0", "-1", "two", "1.5"] {
            assert!(threads(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn cpus_are_numbers_and_ranges() {
        assert_eq!(cpus("3"), Ok(vec![3]));
        assert_eq!(cpus("4-6, 0,5"), Ok(vec![0, 4, 5, 6]));
        for wrong in ["", ",", "1,", "3-1", "-1", "1-2-3", "all", "8192", "0-99999999999"] {
            assert!(cpus(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn outputs_are_told_apart_by_their_names() {
        let shared =
            Shared { every: Some(Duration::from_secs(9)), max_packet: 5, ..Shared::default() };
        let to = |name| shared.output(name).expect("an output").to;
        assert_eq!(to("-"), Destination::Stdout);
        assert_eq!(to("unix:/a"), Destination::Socket(Socket { path: "/a".into(), max_packet: 5 }));
        let Destination::Files(files) = to("dir/") else { panic!("not files") };
        assert!(files.is_series() && files.every == shared.every);
        assert!(shared.output("").is_err() && shared.output("unix:").is_err());
    }
}
