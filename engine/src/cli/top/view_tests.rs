// SPDX-License-Identifier: Apache-2.0

use std::time::Duration;

use super::super::head::Own;
use super::super::sums::Sums;
use super::super::table::Row;
use super::*;

fn rows(topic: Topic) -> Vec<Row> {
    let row = |n: u64, name: &str| Row {
        name: name.to_owned(),
        pid: if topic == Topic::Processes { 100 + n as i64 } else { 0 },
        user: "www-data".to_owned(),
        container: if n == 1 { "a-web-server-of-the-shop".to_owned() } else { String::new() },
        way: if topic == Topic::Peers { "out" } else { "" },
        protocol: if topic == Topic::Peers { "tcp" } else { "" },
        sums: Sums {
            read: 2048 * n,
            written: 3_000_000 / n,
            received: 10 * n * n,
            sent: 5,
            ops: 100 - n,
        },
        ..Row::default()
    };
    match topic {
        Topic::Processes => vec![
            row(3, "/bin/évil \x1b[2J\u{202e}name"),
            row(1, "/usr/sbin/nginx -g daemon off; and more arguments than there is room for"),
            row(2, "/usr/bin/日本語"),
        ],
        Topic::Files => vec![row(1, "/var/log/access.log"), row(2, "/etc/passwd")],
        Topic::Peers => vec![row(1, "192.0.2.1:443"), row(2, "[2001:db8::1]:53")],
    }
}

fn interval() -> Interval {
    let tables = Topic::ALL.map(rows);
    Interval { length: Duration::from_secs(2), tables, ..Interval::default() }
}

fn figures() -> Head {
    Head {
        host: "shop".to_owned(),
        source: "ebpf".to_owned(),
        clock: "12:34:56".to_owned(),
        uptime: Duration::from_secs(3723),
        rates: (Some(123_456.4), 78.0),
        shown: 70.0,
        capture: Some(Own {
            flows: 1234,
            processes: 56,
            lost: (12.0, 3400),
            causes: [3000, 0, 0, 400],
            shed: 0,
            fill: (0.26, 1 << 20),
            rings: 2,
        }),
        told_lost: (0.0, 0),
        dropped: 7,
        cost: (0.0123, 43 << 20),
    }
}

fn screen(view: &mut View, size: (usize, usize)) -> String {
    let lines = view.frame(&figures(), &interval(), None, size);
    assert!(lines.len() <= size.1);
    let text: Vec<String> = lines.iter().map(|line| line.text().trim_end().to_owned()).collect();
    for line in &text {
        assert!(sysflow::print::width(line) <= size.0, "{line}");
        assert!(!line.chars().any(|c| c.is_control() || c == '\u{202e}'), "{line:?}");
    }
    text.join("\n")
}

fn press(view: &mut View, code: KeyCode) -> Action {
    view.key(KeyEvent::new(code, KeyModifiers::NONE))
}

fn view() -> View {
    View::new(Topic::Processes, Sort::Bytes, None, None)
}

#[test]
fn a_screen_of_processes() {
    let expected = "\
sysflow top  shop  ebpf  for 1:02:03  12:34:56
123,456 events/s  78 records/s, 70 shown  1,234 flows  56 processes
lost 12/s, 3,400 in all: 3,000 ring full, 400 nested
cost 1.2% of a CPU, 43MB of memory  fullest of 2 rings 26% of 1.0MB  7 light rows left out
1 processes  2 files  3 peers  by bytes   h help

     PID USER       CONTAINER        READ/s WRITTEN/s  RECVD/s   SENT/s    OPS/s COMMAND
     101 www-data   a-web-server-o     1.0K      1.4M      5.0      2.5       50 /usr/sbin/nginx -g daemon off
     102 www-data   -                  2.0K      732K       20      2.5       49 /usr/bin/日本語
     103 www-data   -                  3.0K      488K       45      2.5       48 /bin/évil \\u{1b}[2J\\u{202e}na";
    assert_eq!(screen(&mut view(), (110, 20)), expected);
}

#[test]
fn a_narrow_screen_has_what_matters() {
    let expected = "\
sysflow top  shop  ebpf  for 1:02:03  12
123,456 events/s  78 records/s, 70 shown
lost 12/s, 3,400 in all: 3,000 ring full
cost 1.2% of a CPU, 43MB of memory  full
1 processes  2 files  3 peers  by bytes

  READ/s WRITTEN/s    OPS/s FILE
    1.0K      1.4M       50 /var/log/acc";
    let mut view = view();
    press(&mut view, KeyCode::Tab);
    assert_eq!(screen(&mut view, (40, 8)), expected);
    for size in [(1, 1), (3, 2), (20, 7), (80, 24), (300, 3)] {
        screen(&mut view, size);
    }
}

#[test]
fn peers_and_an_inverted_order() {
    let mut view = view();
    press(&mut view, KeyCode::Char('3'));
    press(&mut view, KeyCode::Char('i'));
    let first = |text: &str| text.lines().nth(7).unwrap_or_default().to_owned();
    assert!(first(&screen(&mut view, (100, 20))).ends_with("[2001:db8::1]:53"));
    press(&mut view, KeyCode::Char('v'));
    let text = screen(&mut view, (100, 20));
    assert!(first(&text).ends_with("192.0.2.1:443") && text.contains("out tcp"), "{text}");
    assert!(text.contains("by bytes received, the least first"), "{text}");
    // Connections have no bytes that are read from files.
    press(&mut view, KeyCode::Char('r'));
    assert!(screen(&mut view, (100, 20)).contains("by bytes received"));
}

#[test]
fn arrows_go_round_all_orders_and_rows() {
    let mut view = view();
    let mut seen = Vec::new();
    for _ in Topic::Processes.sorts() {
        seen.push(view.sort());
        press(&mut view, KeyCode::Right);
    }
    assert_eq!((seen.as_slice(), view.sort()), (Topic::Processes.sorts(), Sort::Bytes));
    press(&mut view, KeyCode::Left);
    assert_eq!(view.sort(), Sort::Name);
    (0..99).for_each(|_| drop(press(&mut view, KeyCode::Down)));
    let text = screen(&mut view, (100, 8));
    assert_eq!(text.lines().count(), 8, "the last row stays: {text}");
    press(&mut view, KeyCode::Home);
    assert!(screen(&mut view, (100, 8)).contains("vil"), "the first by name");
}

#[test]
fn a_filter_is_typed_checked_and_removed() {
    let mut view = view();
    press(&mut view, KeyCode::Char('f'));
    let type_in = |view: &mut View, text: &str| {
        text.chars().for_each(|c| drop(press(view, KeyCode::Char(c))));
    };
    type_in(&mut view, "type = ");
    assert!(matches!(press(&mut view, KeyCode::Enter), Action::None));
    let text = screen(&mut view, (110, 20));
    assert!(text.contains("filter: type = _  "), "what is wrong is told: {text}");
    type_in(&mut view, "FFx");
    press(&mut view, KeyCode::Backspace);
    assert!(matches!(press(&mut view, KeyCode::Enter), Action::Filter(Some(_))));
    assert!(screen(&mut view, (110, 20)).contains("only type = FF"));
    // Left alone, it stays.
    press(&mut view, KeyCode::Char('/'));
    type_in(&mut view, " q");
    press(&mut view, KeyCode::Esc);
    assert!(screen(&mut view, (110, 20)).contains("only type = FF\n"));
    press(&mut view, KeyCode::Char('/'));
    "type = FF".chars().for_each(|_| drop(press(&mut view, KeyCode::Backspace)));
    assert!(matches!(press(&mut view, KeyCode::Enter), Action::Filter(None)));
    assert!(!screen(&mut view, (110, 20)).contains("only"));
}

#[test]
fn keys_end_pause_and_help() {
    let mut view = view();
    assert!(matches!(press(&mut view, KeyCode::Char('q')), Action::Quit));
    let interrupt = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert!(matches!(view.key(interrupt), Action::Quit));
    press(&mut view, KeyCode::Char('h'));
    let text = screen(&mut view, (100, 30));
    assert!(HELP.iter().all(|line| text.contains(line)), "{text}");
    assert!(matches!(press(&mut view, KeyCode::Char('q')), Action::None), "it leaves the help");
    press(&mut view, KeyCode::Char('p'));
    assert!(view.paused && screen(&mut view, (100, 30)).contains("paused"));
}

#[test]
fn rows_can_be_limited() {
    let mut view = View::new(Topic::Processes, Sort::Sent, Some(2), Some("type = FF".to_owned()));
    let text = screen(&mut view, (100, 30));
    assert_eq!(text.lines().count(), 9, "{text}");
    assert!(text.contains("only type = FF"));
}
