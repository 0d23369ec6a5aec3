// SPDX-License-Identifier: Apache-2.0
//! What a capture of the workload must hold, in the terms and with the field
//! names of the `SysFlow` schema.
//!
//! The numbers are written here once more, not taken from the format's crate,
//! so that a mistake there does not hide itself.

use std::net::SocketAddrV4;
use std::path::Path;

use serde_json::{Value, json};

/// Bits of `opFlags`.
pub mod op {
    /// A process was made.
    pub const CLONE: i32 = 1;
    /// A program was started.
    pub const EXEC: i32 = 2;
    /// A thread or process ended.
    pub const EXIT: i32 = 4;
    /// A connection was accepted.
    pub const ACCEPT: i32 = 32;
    /// A connection was made.
    pub const CONNECT: i32 = 64;
    /// A file was opened.
    pub const OPEN: i32 = 128;
    /// Reads and receives.
    pub const READ: i32 = 256;
    /// Writes and sends.
    pub const WRITE: i32 = 512;
    /// A descriptor was closed.
    pub const CLOSE: i32 = 1024;
    /// The flow was ended by something else than its own close.
    pub const TRUNCATE: i32 = 2048;
}

/// Bits of `openFlags`.
pub mod open {
    /// For reading.
    pub const RDONLY: i32 = 0x1;
    /// For writing.
    pub const WRONLY: i32 = 0x2;
    /// For both.
    pub const RDWR: i32 = 0x3;
    /// Create if missing.
    pub const CREAT: i32 = 0x4;
    /// Append.
    pub const APPEND: i32 = 0x8;
    /// Empty it.
    pub const TRUNC: i32 = 0x100;
    /// Close on exec.
    pub const CLOEXEC: i32 = 0x1000;
    /// This call created the file.
    pub const CREATED: i32 = 0x4000;
}

/// Operations and bytes in both directions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Reads and receives: operations, bytes.
    pub read: (i64, i64),
    /// Writes and sends: operations, bytes.
    pub write: (i64, i64),
}

/// Whose flow, and on which descriptor.
#[derive(Clone, Copy, Debug)]
pub struct Owner {
    /// Process.
    pub pid: i32,
    /// Thread.
    pub tid: i32,
    /// Descriptor.
    pub fd: i32,
}

/// What a Process record says beside who it is.
#[derive(Clone, Debug)]
pub struct Image {
    /// Path of the program.
    pub exe: String,
    /// Arguments without the first, joined by a space.
    pub args: String,
    /// Environment.
    pub env: Vec<String>,
    /// Working directory, with a slash at its end.
    pub cwd: String,
}

/// Everything the capture must hold of the workload's processes.
#[derive(Default)]
pub struct Report {
    processes: Vec<Value>,
    events: Vec<Value>,
    files: Vec<Value>,
    networks: Vec<Value>,
}

impl Report {
    /// A process with the records that describe it, one per state. Of one
    /// that is not `whole`, flows are not listed.
    pub fn process(
        &mut self,
        name: &str,
        pid: i32,
        ppid: i32,
        whole: bool,
        records: &[(&str, &Image)],
    ) {
        let (uid, gid) = super::sys::ids();
        let records: Vec<Value> = records
            .iter()
            .map(|(state, image)| {
                json!({
                    "state": state, "exe": image.exe, "exeArgs": image.args,
                    "cwd": image.cwd, "env": image.env, "uid": uid, "gid": gid,
                })
            })
            .collect();
        self.processes.push(json!({
            "name": name, "pid": pid, "ppid": ppid, "whole": whole, "records": records,
        }));
    }

    /// A `ProcessEvent`.
    pub fn event(&mut self, pid: i32, tid: i32, op: i32, ret: i32) {
        self.events.push(json!({"pid": pid, "tid": tid, "opFlags": op, "ret": ret}));
    }

    /// A `FileFlow` on a regular file. Open flags stand in the flow that saw
    /// the open.
    pub fn file(&mut self, path: &Path, owner: Owner, op: i32, open: i32, sums: Sums) {
        let mut flow = flow(owner, op, sums);
        flow["path"] = json!(path.to_str());
        flow["restype"] = json!(i32::from(b'f'));
        flow["openFlags"] = json!(open);
        self.files.push(flow);
    }

    /// A `NetworkFlow` from a client to a server.
    pub fn network(
        &mut self,
        proto: i32,
        ends: (SocketAddrV4, SocketAddrV4),
        owner: Owner,
        op: i32,
        sums: Sums,
    ) {
        let mut flow = flow(owner, op, sums);
        let (client, server) = ends;
        flow["proto"] = json!(proto);
        flow["sip"] = json!(i32::from_le_bytes(client.ip().octets()));
        flow["sport"] = json!(client.port());
        flow["dip"] = json!(i32::from_le_bytes(server.ip().octets()));
        flow["dport"] = json!(server.port());
        self.networks.push(flow);
    }

    /// All of it as one JSON value.
    #[must_use]
    pub fn finish(self, ipv6: bool) -> Value {
        json!({
            "ipv6": ipv6,
            "processes": self.processes,
            "ProcessEvent": self.events,
            "FileFlow": self.files,
            "NetworkFlow": self.networks,
        })
    }
}

fn flow(owner: Owner, op: i32, sums: Sums) -> Value {
    json!({
        "pid": owner.pid, "tid": owner.tid, "fd": owner.fd, "opFlags": op,
        "numRRecvOps": sums.read.0, "numRRecvBytes": sums.read.1,
        "numWSendOps": sums.write.0, "numWSendBytes": sums.write.1,
    })
}
