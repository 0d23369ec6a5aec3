// SPDX-License-Identifier: Apache-2.0
//! Records that sum operations over a time.

use super::define::{nested, record};
use super::{Foid, Ip4, Ip6, Oid, OpFlags, OpenFlags, OperationClass};

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
    since 6 {
        /// Address of the client if it is IPv6; `sip` is 0 then.
        sip6: Option<Ip6> = "sip6",
        /// Address of the server if it is IPv6; `dip` is 0 then.
        dip6: Option<Ip6> = "dip6",
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
    since 6 {
        /// If present, the record is none of threads: it tells what the recorder, which is its
        /// process, saw and lost in this time.
        loss: Option<Loss> = "loss",
    }
}

record! {
    /// What became of the operations of one class on one CPU in the time of the [`ProcessFlow`] that
    /// has it: each was seen, and then `delivered`, `aggregated` or lost. The sums over a finished
    /// file are those of the capture, and add up exactly.
    #[derive(Copy)]
    Loss {
        /// Number of the CPU.
        cpu: i32 = "cpu",
        /// What kind of operations.
        class: OperationClass = "class",
        /// Operations of interest that a probe saw.
        seen: i64 = "seen",
        /// Told by an event of their own.
        delivered: i64 = "delivered",
        /// Told by an event that tells others too.
        aggregated: i64 = "aggregated",
        /// Lost because the ring was full.
        ring_full: i64 = "ringFull",
        /// Lost because they were too large to be told.
        too_large: i64 = "tooLarge",
        /// Lost because a program's memory could not be read.
        copy_fault: i64 = "copyFault",
        /// Lost because they came while another was being told on this CPU.
        nested: i64 = "nested",
    }
}

nested!(Loss);

impl Loss {
    /// All that was lost.
    #[must_use]
    pub fn lost(&self) -> i64 {
        let causes = [self.ring_full, self.too_large, self.copy_fault, self.nested];
        // A damaged file may claim anything.
        causes.iter().fold(0, |sum, cause| sum.saturating_add(*cause))
    }
}
