// SPDX-License-Identifier: Apache-2.0
//! Metrics, asked for and read by others.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use engine::account::Account;
use engine::engine::Table;
use engine::metrics::{Address, Board, Fill, Server, State};
use engine::output::{BUFFER, Common, Destination, Files, Keep, Outputs, Spec};
use engine::sink::Sink as _;
use probe_loader::Counters;
use sysflow::record::{FileFlow, Header};
use sysflow::write::Options;

/// A capture with one output, and what it published.
struct Published {
    board: Arc<Board>,
    outputs: Option<Outputs>,
    _dir: tempfile::TempDir,
}

fn published() -> Published {
    let dir = tempfile::tempdir().expect("directory");
    let files = Files {
        path: dir.path().join("a \"trace\".sf"),
        every: None,
        size: None,
        keep: Keep::default(),
    };
    let common = Common {
        options: Options::default(),
        header: Header { version: 5, ..Header::default() },
        flush: Duration::from_secs(1),
        driver: "none".to_owned(),
    };
    let spec = Spec { to: Destination::Files(files), buffer: BUFFER };
    let mut outputs = Outputs::open(&[spec], &common).expect("outputs");
    for _ in 0..3 {
        outputs.put(FileFlow::default());
    }
    let board = Board::new("ebpf".to_owned(), outputs.watches());
    outputs.turn(std::time::Instant::now() + Duration::from_secs(1), Account::default);
    let mut account =
        Account { kept: Counters { unclassed: 2, ..Counters::default() }, ..Account::default() };
    account.cpus = vec![Counters::default(); 2];
    account.cpus[1].seen[5] = 12;
    account.cpus[1].delivered[5] = 7;
    account.cpus[1].lost[0][5] = 5;
    account.counts.events = 7;
    account.counts.applied = 6;
    account.counts.silent = 1;
    account.counts.records = 3;
    let rings = vec![Fill { cpu: 1, used: 10, size: 1 << 20 }];
    let table = Table { name: "flows", entries: 4, bytes: 500, limit: 1000, evicted: 2 };
    board.publish(State {
        account,
        flows: 4,
        processes: 5,
        objects: 6,
        unnamed: 1,
        tables: vec![table],
        memory_limit: 9000,
        rings,
        damaged: 0,
    });
    Published { board: Arc::new(board), outputs: Some(outputs), _dir: dir }
}

impl Drop for Published {
    fn drop(&mut self) {
        if let Some(outputs) = self.outputs.take() {
            let _ = outputs.finish(Account::default());
        }
    }
}

/// Sends a request. Returns the status line and what comes after the head.
fn ask(stream: &mut (impl Read + Write), request: &str) -> (String, String) {
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
    let length: usize = length.expect("a length").parse().expect("a number");
    assert!(body.is_empty() || body.len() == length, "{head}");
    (head.lines().next().expect("a status").to_owned(), body.to_owned())
}

const GET: &str = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";

#[test]
fn a_port_and_a_socket_answer() {
    let published = published();
    let server = Server::begin(&"127.0.0.1:0".parse().expect("address"), published.board.clone());
    let server = server.expect("server");
    let Address::Tcp(address) = *server.address() else { panic!("a port") };
    let mut stream = TcpStream::connect(address).expect("connected");
    let (status, body) = ask(&mut stream, GET);
    assert_eq!(status, "HTTP/1.1 200 OK");
    assert!(body.ends_with("# EOF\n"));

    let dir = tempfile::tempdir().expect("directory");
    let path = dir.path().join("metrics.sock");
    // What a killed recorder left is in nobody's way.
    drop(UnixListener::bind(&path).expect("bound"));
    let address = Address::Unix(path.clone());
    let unix = Server::begin(&address, published.board.clone()).expect("server");
    let taken = Server::begin(&address, published.board.clone()).expect_err("taken");
    assert!(taken.to_string().contains("metrics.sock"), "{taken}");
    let mut stream = UnixStream::connect(&path).expect("connected");
    let (status, _) = ask(&mut stream, GET);
    assert_eq!(status, "HTTP/1.1 200 OK");
    drop(unix);
    assert!(!path.exists(), "the socket is removed");
}

#[test]
fn odd_requests_get_an_answer_and_idle_ones_no_harm() {
    let published = published();
    let server = Server::begin(&"127.0.0.1:0".parse().expect("address"), published.board.clone());
    let server = server.expect("server");
    let Address::Tcp(address) = *server.address() else { panic!("a port") };
    let connect = || TcpStream::connect(address).expect("connected");
    // More than are served at a time, none of which asks.
    let idle: Vec<TcpStream> = (0..8).map(|_| connect()).collect();
    for (request, status) in [
        ("GET / HTTP/1.0\n\n", "200 OK"),
        ("GET /metrics?x=1 HTTP/1.1\r\n\r\n", "200 OK"),
        ("HEAD /metrics HTTP/1.1\r\n\r\n", "200 OK"),
        ("GET /other HTTP/1.1\r\n\r\n", "404 Not Found"),
        ("POST /metrics HTTP/1.1\r\n\r\n", "405 Method Not Allowed"),
        ("nonsense\r\n\r\n", "400 Bad Request"),
    ] {
        let (found, body) = ask(&mut connect(), request);
        assert_eq!(found, format!("HTTP/1.1 {status}"), "{request:?}");
        assert_eq!(body.is_empty(), request.starts_with("HEAD"));
    }
    let long = "x".repeat(8 * 1024 + 1);
    assert_eq!(ask(&mut connect(), &long).0, "HTTP/1.1 400 Bad Request");
    drop(idle);
}

#[test]
fn an_independent_parser_reads_the_metrics() {
    let Some(python) = parser() else {
        let _ = writeln!(
            std::io::stderr(),
            "skipped: an independent parser of OpenMetrics: no Python with prometheus_client"
        );
        return;
    };
    let published = published();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/metrics/parse.py");
    let mut child = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python");
    let text = published.board.render();
    child.stdin.take().expect("stdin").write_all(text.as_bytes()).expect("sent");
    let output = child.wait_with_output().expect("python");
    assert!(output.status.success(), "not OpenMetrics:\n{text}");
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    for (sample, value) in [
        ("sysflow_operations_seen_total class=io cpu=1", 12.0),
        ("sysflow_operations_lost_total cause=ring full class=io cpu=1", 5.0),
        ("sysflow_operations_missed_total", 2.0),
        ("sysflow_events_total result=applied", 6.0),
        ("sysflow_events_total result=silent", 1.0),
        ("sysflow_flows_open", 4.0),
        ("sysflow_containers_unnamed_total", 1.0),
        ("sysflow_processes_alive", 5.0),
        ("sysflow_ring_used_bytes cpu=1", 10.0),
        ("sysflow_info driver=ebpf version=0.1.0", 1.0),
    ] {
        assert_eq!(found[sample], value, "{sample} in {found}");
    }
    let samples = found.as_object().expect("samples");
    let handed = samples.iter().find(|(name, _)| name.starts_with("sysflow_output_handed_total"));
    let (name, number) = handed.expect("an output");
    assert!(name.contains("a \"trace\".sf type=FileFlow") && *number == 3.0, "{name} {number}");
    assert!(found["process_cpu_seconds_total"].as_f64().expect("cost") > 0.0);
    assert!(found["process_resident_memory_bytes"].as_f64().expect("cost") > 1e6);
    for what in ["seen", "delivered", "aggregated"] {
        let name = format!("sysflow_operations_{what}_total ");
        let each = samples.keys().filter(|sample| sample.starts_with(&name)).count();
        assert_eq!(each, 2 * 6, "{what}: one of each CPU and class");
    }
}

/// A Python that has the parser.
fn parser() -> Option<PathBuf> {
    let python = std::env::var_os("SYSFLOW_PYTHON").unwrap_or_else(|| "python3".into());
    let has = Command::new(&python)
        .args(["-c", "import prometheus_client"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    has.then(|| python.into())
}
