// SPDX-License-Identifier: Apache-2.0

use sysflow::record::{
    Container, File, FileEvent, FileFlow, Header, Loss, NetworkFlow, OpFlags, ProcessFlow,
    fields_of,
};

use super::*;

const SHELL: Oid = Oid { create_ts: 1, hpid: 100 };
const TMP: Foid = Foid([1; 20]);

/// Someone who reads and writes /tmp/x in a container.
fn told() -> (Shared, Records) {
    let tally = Arc::new(Mutex::new(Tally::new(Ways::default(), i64::MIN)));
    let mut records = Records::new(Arc::clone(&tally));
    records.record(Header::default().into());
    entities(&mut records, "incomplete");
    (tally, records)
}

fn entities(records: &mut Records, name: &str) {
    let id = "c010f5a08549".to_owned();
    let container = Container { id: id.clone(), name: name.to_owned(), ..Container::default() };
    records.record(container.into());
    let process = Process {
        oid: SHELL,
        exe: "/bin/sh".to_owned(),
        exe_args: "-c x".to_owned(),
        user_name: "root".to_owned(),
        container_id: Some(id),
        ..Process::default()
    };
    records.record(process.into());
    records.record(File { oid: TMP, path: "/tmp/x".to_owned(), ..File::default() }.into());
}

fn flow(read: i64, written: i64) -> Record {
    FileFlow {
        proc_oid: SHELL,
        file_oid: TMP,
        op_flags: OpFlags::OPEN | OpFlags::READ_RECV | OpFlags::WRITE_SEND | OpFlags::CLOSE,
        num_r_recv_ops: 2,
        num_w_send_ops: 1,
        num_r_recv_bytes: read,
        num_w_send_bytes: written,
        ..FileFlow::default()
    }
    .into()
}

fn connection(sent: i64) -> Record {
    let (dip, dip6) = fields_of("192.0.2.1".parse().expect("an address"));
    NetworkFlow {
        proc_oid: SHELL,
        dip,
        dip6,
        dport: 53,
        proto: 17,
        op_flags: OpFlags::CONNECT | OpFlags::WRITE_SEND,
        num_w_send_ops: 1,
        num_w_send_bytes: sent,
        ..NetworkFlow::default()
    }
    .into()
}

fn take(tally: &Shared) -> Interval {
    lock(tally).take(Instant::now())
}

#[test]
fn events_are_summed_up_by_process_file_and_peer() {
    let (tally, mut records) = told();
    records.record(flow(10, 5));
    records.record(flow(1, 0));
    records.record(connection(7));
    let interval = take(&tally);
    assert_eq!((interval.records, interval.events, interval.dropped), (7, 3, 0));
    let [processes, files, peers] = &interval.tables;
    assert_eq!((processes.len(), files.len(), peers.len()), (1, 1, 1));
    let all = Sums { read: 11, written: 5, received: 0, sent: 7, ops: 2 * 5 + 2 };
    let Row { name, pid, user, container, sums, .. } = &processes[0];
    assert_eq!((name.as_str(), *pid, user.as_str()), ("/bin/sh -c x", 100, "root"));
    assert_eq!((container.as_str(), *sums), ("c010f5a08549", all));
    let file = Sums { sent: 0, ops: 10, ..all };
    assert_eq!((files[0].name.as_str(), files[0].sums), ("/tmp/x", file));
    assert_eq!(files[0].users.told(), "sh");
    let peer = Sums { sent: 7, ops: 2, ..Sums::default() };
    assert_eq!((peers[0].name.as_str(), peers[0].sums), ("192.0.2.1:53", peer));
    assert_eq!((peers[0].way, peers[0].protocol), ("out", "udp"));
    // The next interval begins with nothing.
    let interval = take(&tally);
    assert_eq!((interval.records, interval.events), (0, 0));
    assert!(interval.tables.iter().all(Vec::is_empty));
}

#[test]
fn a_container_has_its_name_once_that_is_known() {
    let (tally, mut records) = told();
    entities(&mut records, "web");
    records.record(flow(1, 1));
    assert_eq!(take(&tally).tables[0][0].container, "web");
}

#[test]
fn a_filter_leaves_out_and_can_change() {
    let (tally, mut records) = told();
    lock(&tally).filter(Some(Predicate::new("type = NF").expect("a filter")));
    records.record(flow(1, 1));
    records.record(connection(1));
    let interval = take(&tally);
    assert_eq!((interval.events, interval.tables[1].len(), interval.tables[2].len()), (1, 0, 1));
    lock(&tally).filter(None);
    records.record(flow(1, 1));
    assert_eq!(take(&tally).events, 1);
}

#[test]
fn what_ended_before_is_not_shown() {
    let (tally, mut records) = told();
    lock(&tally).from = 1000;
    for end_ts in [999, 1000] {
        let Record::FileFlow(flow) = flow(1, 0) else { panic!("a flow") };
        records.record(FileFlow { end_ts, ..flow }.into());
    }
    assert_eq!(take(&tally).events, 1);
}

#[test]
fn what_a_recorder_lost_is_no_work_of_it() {
    let (tally, mut records) = told();
    let loss = Loss { ring_full: 5, nested: 1, ..Loss::default() };
    records
        .record(ProcessFlow { proc_oid: SHELL, loss: Some(loss), ..ProcessFlow::default() }.into());
    let interval = take(&tally);
    assert_eq!((interval.lost, interval.events, interval.tables[0].len()), (6, 0, 0));
}

#[test]
fn an_event_with_two_files_is_in_both_rows() {
    let (tally, mut records) = told();
    let event = FileEvent {
        proc_oid: SHELL,
        op_flags: OpFlags::RENAME,
        file_oid: TMP,
        new_file_oid: Some(Foid([2; 20])),
        ..FileEvent::default()
    };
    records.record(event.into());
    let interval = take(&tally);
    assert_eq!(interval.tables[0][0].sums.ops, 1);
    let names: Vec<_> = interval.tables[1].iter().map(|row| row.name.as_str()).collect();
    assert!(names.contains(&"/tmp/x") && names.contains(&"?"), "{names:?}");
}

#[test]
fn what_nobody_described_has_no_name() {
    let (tally, mut records) = told();
    records.begin();
    records.record(flow(1, 1));
    let [processes, files, _] = take(&tally).tables;
    assert_eq!((processes[0].name.as_str(), processes[0].pid), ("?", 100));
    assert_eq!(files[0].name, "?");
}

#[test]
fn many_descriptions_ask_for_a_new_beginning_in_time() {
    let (tally, mut records) = told();
    let large = "x".repeat(1 << 20);
    for hpid in 0..48 {
        assert!(!records.is_full());
        let oid = Oid { create_ts: 2, hpid };
        records.record(Process { oid, cwd: large.clone(), ..Process::default() }.into());
    }
    assert!(records.is_full());
    // What comes before the beginning has room as well.
    let process = Process { oid: SHELL, exe: "/bin/late".to_owned(), ..Process::default() };
    records.record(process.into());
    records.record(flow(1, 1));
    assert_eq!(take(&tally).tables[0][0].name, "/bin/late");
    records.begin();
    assert!(!records.is_full());
}
