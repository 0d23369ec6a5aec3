// SPDX-License-Identifier: Apache-2.0
//! However a reader behaves, what it gets refers to nothing that it did not
//! get, and everything it did not get was counted.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::known;
use crate::machine::{Machine, files, socket};
use crate::sockets::{Connection, Listener};

/// What happens next.
#[derive(Clone, Debug)]
enum Step {
    /// The machine works.
    Work(u32),
    /// The outputs get their turn.
    Pass(f64),
    /// The reader takes so many packets, if they are there.
    Read(usize),
    /// The reader goes away, and another comes.
    Leave,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1_u32..120).prop_map(Step::Work),
        4 => (0.1..3.0).prop_map(Step::Pass),
        3 => (1_usize..2000).prop_map(Step::Read),
        1 => Just(Step::Leave),
    ];
    vec(step, 1..40)
}

/// Takes packets that are there, and a connection if none is.
fn read(listener: &Listener, current: &mut Option<Connection>, number: usize) {
    if current.is_none() {
        *current = listener.accept_now();
    }
    if let Some(connection) = current {
        (0..number).all(|_| connection.read_now());
    }
}

proptest! {
    // Each case begins threads and waits for connections.
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_schedule_leaves_a_dangling_reference(steps in steps(), buffer in 10_000_usize..200_000) {
        let dir = tempfile::tempdir().expect("directory");
        let (path, file) = (dir.path().join("sock"), dir.path().join("x.sf"));
        let listener = Listener::at(&path);
        let mut machine = Machine::new(&[socket(&path, buffer), files(&file, None, None)]);
        let (mut current, mut left) = (None, Vec::new());
        for step in steps {
            match step {
                Step::Work(rounds) => machine.rounds(rounds),
                Step::Pass(seconds) => machine.pass(seconds),
                Step::Read(number) => read(&listener, &mut current, number),
                Step::Leave => left.extend(current.take().map(Connection::end)),
            }
        }
        // The last reader takes all there is, so that the end need not wait.
        let last = std::thread::spawn(move || {
            let mut connections = Vec::new();
            loop {
                if current.is_none() {
                    current = listener.accept_now();
                }
                let Some(mut connection) = current.take() else { break connections };
                connection.read_all();
                connections.push(connection.end());
            }
        });
        let numbers = machine.finish().remove(0).numbers;
        let all = left.into_iter().chain(last.join().expect("reader"));
        let mut got = 0;
        for records in all.filter(|records| !records.is_empty()) {
            known::assert_self_contained(&records);
            got += records.len() as u64 - 1;
        }
        // What a reader that left had not read yet was written all the same.
        prop_assert!(got <= numbers.written.total());
        known::assert_self_contained(&known::read(&file));
    }
}
