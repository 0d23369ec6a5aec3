// SPDX-License-Identifier: Apache-2.0
//! Records that sum operations over a time.

use super::define::record;
use super::{Foid, Ip4, Oid, OpFlags, OpenFlags};

record! {
    /// Traffic of one thread over one connection. The source is the client, the destination the
    /// server, for the accepting process as well as for the connecting one.
    #[derive(Copy)]
    NetworkFlow {
        /// The process.
        proc_oid: Oid = "procOID",
        /// First operation.
        ts: i64 = "ts",
        /// The thread.
        tid: i64 = "tid",
        /// Operations that occurred.
        op_flags: OpFlags = "opFlags",
        /// Last operation.
        end_ts: i64 = "endTs",
        /// Address of the client.
        sip: Ip4 = "sip",
        /// Port of the client.
        sport: i32 = "sport",
        /// Address of the server.
        dip: Ip4 = "dip",
        /// Port of the server.
        dport: i32 = "dport",
        /// IANA protocol number; 254 raw, -1 unknown.
        proto: i32 = "proto",
        /// The descriptor's number. 0 in files older than version 1.
        fd: i32 = "fd",
        /// Number of reads and receives.
        num_r_recv_ops: i64 = "numRRecvOps",
        /// Number of writes and sends.
        num_w_send_ops: i64 = "numWSendOps",
        /// Bytes read and received.
        num_r_recv_bytes: i64 = "numRRecvBytes",
        /// Bytes written and sent.
        num_w_send_bytes: i64 = "numWSendBytes",
    }
}

record! {
    /// Use of one file by one thread.
    #[derive(Copy)]
    FileFlow {
        /// The process.
        proc_oid: Oid = "procOID",
        /// First operation.
        ts: i64 = "ts",
        /// The thread.
        tid: i64 = "tid",
        /// Operations that occurred.
        op_flags: OpFlags = "opFlags",
        /// How it was opened, if this flow saw that; none otherwise.
        open_flags: OpenFlags = "openFlags",
        /// Last operation.
        end_ts: i64 = "endTs",
        /// The file.
        file_oid: Foid = "fileOID",
        /// The descriptor's number.
        fd: i32 = "fd",
        /// Number of reads.
        num_r_recv_ops: i64 = "numRRecvOps",
        /// Number of writes.
        num_w_send_ops: i64 = "numWSendOps",
        /// Bytes read.
        num_r_recv_bytes: i64 = "numRRecvBytes",
        /// Bytes written.
        num_w_send_bytes: i64 = "numWSendBytes",
    }
}

record! {
    /// Threads that a process started and ended (since version 2).
    #[derive(Copy)]
    ProcessFlow {
        /// The process.
        proc_oid: Oid = "procOID",
        /// First operation.
        ts: i64 = "ts",
        /// Threads started.
        num_threads_cloned: i64 = "numThreadsCloned",
        /// Operations that occurred.
        op_flags: OpFlags = "opFlags",
        /// Last operation.
        end_ts: i64 = "endTs",
        /// Threads ended.
        num_threads_exited: i64 = "numThreadsExited",
        /// Clones that failed.
        num_clone_errors: i64 = "numCloneErrors",
    }
}
