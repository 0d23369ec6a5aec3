// SPDX-License-Identifier: Apache-2.0
//! Records of single operations.

use super::define::record;
use super::{Foid, Ip4, Ip6, K8sAction, K8sComponent, Oid, OpFlags};

record! {
    /// clone, exec, exit or setuid of a process.
    #[derive(Copy)]
    ProcessEvent<L: TextList = Vec<String>> {
        /// The process.
        proc_oid: Oid = "procOID",
        /// When.
        ts: i64 = "ts",
        /// The thread that did it.
        tid: i64 = "tid",
        /// What: one flag.
        op_flags: OpFlags = "opFlags",
        /// Arguments that belong to the operation; the new user id for setuid.
        args: L = "args",
        /// Return value; for a clone the child's pid in the parent and 0 in the child.
        ret: i32 = "ret",
    }
}

record! {
    /// mkdir, rmdir, link, unlink, symlink or rename.
    #[derive(Copy)]
    FileEvent {
        /// The process.
        proc_oid: Oid = "procOID",
        /// When.
        ts: i64 = "ts",
        /// The thread that did it.
        tid: i64 = "tid",
        /// What: one flag.
        op_flags: OpFlags = "opFlags",
        /// The file.
        file_oid: Foid = "fileOID",
        /// Return value, a negative errno on failure.
        ret: i32 = "ret",
        /// The second file of a link, symlink or rename.
        new_file_oid: Option<Foid> = "newFileOID",
    }
}

record! {
    /// A single network operation.
    #[derive(Copy)]
    NetworkEvent {
        /// The process.
        proc_oid: Oid = "procOID",
        /// When.
        ts: i64 = "ts",
        /// The thread that did it.
        tid: i64 = "tid",
        /// What: one flag.
        op_flags: OpFlags = "opFlags",
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
        /// Return value.
        ret: i32 = "ret",
    }
    since 6 {
        /// Address of the client if it is IPv6; `sip` is 0 then.
        sip6: Option<Ip6> = "sip6",
        /// Address of the server if it is IPv6; `dip` is 0 then.
        dip6: Option<Ip6> = "dip6",
    }
}

record! {
    /// Something that happened to a Kubernetes object.
    #[derive(Copy)]
    K8sEvent<S: Text = String> {
        /// What kind of object.
        kind: K8sComponent = "kind",
        /// What happened.
        action: K8sAction = "action",
        /// When.
        ts: i64 = "ts",
        /// The API server's message, JSON.
        message: S = "message",
    }
}
