// SPDX-License-Identifier: Apache-2.0
//! `sysflow diff`: what it prints and how it exits.

use std::path::Path;

use sysflow::record::{FileFlow, Header, Record};
use sysflow::write::{Options, Writer};

use super::{sysflow, told};

fn write(path: &Path, times: &[i64]) {
    let mut writer = Writer::new(Vec::new(), &Options::default()).unwrap();
    writer.write(Header { filename: path.display().to_string(), ..Header::default() }).unwrap();
    for &ts in times {
        writer.write(Record::from(FileFlow { ts, tid: 7, ..FileFlow::default() })).unwrap();
    }
    std::fs::write(path, writer.finish().unwrap()).unwrap();
}

#[test]
fn exit_codes_are_those_of_diff() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).into_os_string().into_string().unwrap();
    let (a, b, c) = (path("a.sf"), path("b.sf"), path("c.sf"));
    write(a.as_ref(), &[1, 2, 3]);
    write(b.as_ref(), &[3, 1, 2]);
    write(c.as_ref(), &[1, 2, 4]);

    assert_eq!(told(&sysflow(["diff", &a, &a])), (0, String::new(), String::new()));
    let (code, out, _) = told(&sysflow(["diff", &a, &b]));
    assert!(code == 1 && out.starts_with("~ FileFlow 4 -> 2, moved\n"), "{code} {out}");
    assert_eq!(told(&sysflow(["diff", "--unordered", &a, &b])).0, 0);

    let (code, out, _) = told(&sysflow(["diff", &a, &c]));
    assert!(code == 1 && out.starts_with("! FileFlow 4 -> 4\n    ts: 3 -> 4\n"), "{code} {out}");
    assert!(out.ends_with("FileFlow.ts differs 1 times\n"), "{out}");
    assert_eq!(told(&sysflow(["diff", "-i", "FF.ts", &a, &c])).0, 0);
    assert_eq!(told(&sysflow(["diff", "-q", &a, &c])), (1, String::new(), String::new()));
    let (code, out, _) = told(&sysflow(["diff", "-n", "0", &a, &c]));
    assert!(code == 1 && out.starts_with("... and 1 more\n<  "), "{code} {out}");

    let (code, out, error) = told(&sysflow(["diff", &a, &path("none")]));
    assert!(code == 2 && out.is_empty() && error.contains("cannot open"), "{error}");
    let (code, _, error) = told(&sysflow(["diff", "-i", "time", &a, &a]));
    assert!(code == 2 && error.contains("no record has a field \"time\""), "{error}");
}
