// SPDX-License-Identifier: Apache-2.0
//! Any text as a filter: an error that points into it, or an expression that survives being written.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sysflow::expression::{Definitions, Error, Expression, Scratch};
use sysflow::record::{
    File, FileFlow, K8sEvent, NetworkFlow, OpFlags, Process, ProcessEvent, Record,
};
use sysflow::resolve::Resolver;

fn check(error: &Error) {
    assert!(error.text().get(error.span()).is_some());
    assert!(error.to_string().starts_with(error.message()));
}

fuzz_target!(|text: &str| {
    let expression = match Expression::parse(text) {
        Ok(expression) => expression,
        Err(error) => return check(&error),
    };
    let written = expression.to_string();
    assert_eq!(Expression::parse(&written).as_ref(), Ok(&expression), "{written}");
    let predicate = match expression.compile(&Definitions::new()) {
        Ok(predicate) => predicate,
        Err(error) => return check(&error),
    };
    let mut resolver = Resolver::new();
    let exe = "/bin/sh".to_owned();
    resolver.accept(Record::Process(Process { exe, ..Process::default() }));
    resolver.accept(Record::File(File { path: "/tmp/x".to_owned(), ..File::default() }));
    let mut scratch = Scratch::default();
    let events: [Record; 4] = [
        FileFlow { op_flags: OpFlags::OPEN, ..FileFlow::default() }.into(),
        NetworkFlow::default().into(),
        ProcessEvent::default().into(),
        K8sEvent::default().into(),
    ];
    for event in events {
        let event = resolver.accept(event).expect("an event");
        let matches = predicate.matches(&event, &mut scratch);
        assert_eq!(predicate.matches(&event, &mut scratch), matches);
    }
});
