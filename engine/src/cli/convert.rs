// SPDX-License-Identifier: Apache-2.0
//! `sysflow record -r`: captures to traces.

mod output;
mod report;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use engine::scap::file::{self, Block, Reader};
use engine::scap::{Converter, Options};
use engine::semantics::Semantics;

use super::args::Args;
use super::input::Input;
use super::meter::Meter;
use super::settings::Config;
use super::signals::Signals;
use output::Output;

/// Events between two looks at the clock and at the output.
const ROUND: u32 = 1 << 16;

pub(crate) fn run(
    args: &Args,
    config: &Config,
    path: PathBuf,
    every: Option<Duration>,
    first: io::Result<Input>,
    signals: &Signals,
) -> anyhow::Result<ExitCode> {
    let base = Semantics { compat: args.compat, ..Semantics::of_reference() };
    let options = Options {
        semantics: config.semantics(base),
        export_interval: u64::try_from(config.export_interval.as_nanos())?,
        schema: config.schema,
    };
    let mut job = Job {
        converter: Converter::new(&options, Output::new(args, config, path, every)),
        meter: Meter::new(args),
        read: file::Counts::default(),
        whole: true,
        quiet: args.quiet,
    };
    let mut first = Some(first);
    for path in &args.read {
        let opened = first.take().unwrap_or_else(|| Input::open(path, signals));
        let done = match opened {
            Ok(input) => job.input(input),
            Err(error) => Err(file::Error::open(path, error).into()),
        };
        if let Err(error) = done {
            job.whole = false;
            job.meter.clear();
            match error {
                _ if signals.came() => eprintln!("sysflow: ended before the end of {path:?}"),
                Failure::Recording => {
                    eprintln!("sysflow: {path:?} is a recording: it is replayed alone");
                }
                // One damaged file does not spoil the others.
                Failure::Input(error) => eprintln!("sysflow: {error}"),
                Failure::Output(error) => {
                    job.meter.clear();
                    return Err(job.give_up(error));
                }
            }
        }
        if signals.came() {
            break;
        }
    }
    job.finish(args)
}

/// A conversion.
struct Job {
    converter: Converter<Output>,
    meter: Meter,
    /// What was read of all inputs.
    read: file::Counts,
    /// Whether everything could be read so far.
    whole: bool,
    quiet: bool,
}

/// What can go wrong with an input.
enum Failure {
    Recording,
    Input(file::Error),
    Output(sysflow::write::Error),
}

impl From<file::Error> for Failure {
    fn from(error: file::Error) -> Self {
        Self::Input(error)
    }
}

impl Job {
    /// Converts one capture.
    fn input(&mut self, input: Input) -> Result<(), Failure> {
        if input.is_recording {
            return Err(Failure::Recording);
        }
        self.meter.begin(input.size);
        let mut reader = Reader::new(input.bytes, &input.path)?;
        let done = self.blocks(&mut reader);
        let counts = reader.counts();
        self.read.sections += counts.sections;
        self.read.events += counts.events;
        self.read.unknown_blocks += counts.unknown_blocks;
        self.read.unknown_type = self.read.unknown_type.or(counts.unknown_type);
        done
    }

    /// Hot path. Hands the blocks to the converter.
    fn blocks(&mut self, reader: &mut Reader) -> Result<(), Failure> {
        let mut left = ROUND;
        loop {
            let converter = &mut self.converter;
            let next_file = converter.engine().sink().next_file();
            let passed = reader.events(|event| {
                let here = event.ts < next_file;
                if here {
                    converter.event(event);
                }
                here
            });
            left = left.saturating_sub(u32::try_from(passed).unwrap_or(u32::MAX));
            let Some(block) = reader.next_block()? else { break };
            match &block {
                Block::Event(event) if event.ts >= self.converter.engine().sink().next_file() => {
                    self.next_file(event.ts)?;
                }
                Block::Machine(machine) => {
                    self.converter.engine().sink().came_from(machine.host_name);
                }
                _ => {}
            }
            self.converter.block(&block);
            left = left.saturating_sub(1);
            if left == 0 {
                left = ROUND;
                self.round(reader)?;
            }
        }
        Ok(())
    }

    /// Begins the output, or its next file.
    #[cold]
    fn next_file(&mut self, ts: u64) -> Result<(), Failure> {
        let engine = self.converter.engine();
        if engine.sink().begin(ts).map_err(Failure::Output)? {
            engine.begin_file();
        }
        Ok(())
    }

    /// Every now and then: is the output well, and what is there to show?
    #[cold]
    fn round(&mut self, reader: &Reader) -> Result<(), Failure> {
        if let Some(error) = self.converter.engine().sink().take_trouble() {
            return Err(Failure::Output(error));
        }
        let events = self.read.events + reader.counts().events;
        self.meter.show(events, reader.consumed());
        Ok(())
    }

    /// Keeps what could be written.
    fn give_up(self, error: sysflow::write::Error) -> anyhow::Error {
        let (mut sink, _, _) = self.converter.finish();
        let _ = sink.finish();
        error.into()
    }

    fn finish(mut self, args: &Args) -> anyhow::Result<ExitCode> {
        if self.read.sections == 0 {
            // Nothing was a capture: there is nothing to write.
            return Ok(ExitCode::FAILURE);
        }
        self.meter.clear();
        let elapsed = self.meter.elapsed();
        let (mut sink, capture, engine) = {
            if !self.converter.engine().sink().begun() {
                let now = engine::clock::epoch_now().cast_unsigned();
                self.converter.engine().sink().begin(now)?;
            }
            self.converter.finish()
        };
        let trouble = sink.take_trouble();
        let files = sink.finish()?;
        if let Some(error) = trouble {
            eprintln!("sysflow: {error}");
            self.whole = false;
        }
        let report = report::Report { read: self.read, capture, engine, files, elapsed };
        report.write_json(args, self.whole)?;
        if !self.quiet {
            report.print(&mut io::stderr().lock())?;
        }
        Ok(if self.whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
