// SPDX-License-Identifier: Apache-2.0
//! What events refer to: the file itself, containers, processes, files.

use super::define::record;
use super::{ContainerType, Foid, ObjectState, Oid, RestType};

record! {
    /// What produced the file (schema name `SFHeader`). First record of every file.
    Header<S: Text = String> {
        /// Schema version. 1000 and 1001 occur in files older than version 1 and 2.
        version: i64 = "version",
        /// Who wrote the file: the configured exporter name, else the host name.
        exporter: S = "exporter",
        /// Address of the host; "NA" when the writer knew no such field.
        ip: S = "ip" else b"\x04NA",
        /// Path of the file as given by the writer; empty when unknown.
        filename: S = "filename",
    }
}

record! {
    /// A container.
    Container<S: Text = String> {
        /// First 12 hexadecimal digits of the runtime's id.
        id: S = "id",
        /// The runtime's name.
        name: S = "name",
        /// Image name, a colon, tag.
        image: S = "image",
        /// Image id without "sha256:".
        imageid: S = "imageid",
        /// The runtime.
        container_type: ContainerType = "type",
        /// Whether it runs privileged.
        privileged: bool = "privileged",
        /// Id of its pod, if any. Absent before version 4.
        pod_id: Option<S> = "podId",
    }
}

record! {
    /// A process, identified by creation time and pid of its main thread.
    #[derive(Copy)]
    Process<S: Text = String, L: TextList = Vec<String>> {
        /// Why the record was written.
        state: ObjectState = "state",
        /// Identity.
        oid: Oid = "oid",
        /// Identity of the parent, if known.
        poid: Option<Oid> = "poid",
        /// Time of the event that created or modified the process.
        ts: i64 = "ts",
        /// Path of the executable, else argument 0.
        exe: S = "exe",
        /// Arguments after argument 0, joined by single spaces.
        exe_args: S = "exeArgs",
        /// User id, -1 if unknown.
        uid: i32 = "uid",
        /// User name.
        user_name: S = "userName",
        /// Group id, -1 if unknown.
        gid: i32 = "gid",
        /// Group name.
        group_name: S = "groupName",
        /// Whether the process has a controlling terminal.
        tty: bool = "tty",
        /// Id of the process' container, if any.
        container_id: Option<S> = "containerId",
        /// Whether it is pid 1 in its pid namespace. False before version 2.
        entry: bool = "entry",
        /// Working directory with a slash at its end; empty before version 5.
        cwd: S = "cwd",
        /// Environment as "NAME=value"; empty before version 5.
        env: L = "env",
    }
}

record! {
    /// A file, directory, pipe or unix socket.
    #[derive(Copy)]
    File<S: Text = String> {
        /// Why the record was written.
        state: ObjectState = "state",
        /// Identity.
        oid: Foid = "oid",
        /// Time of the first event on it.
        ts: i64 = "ts",
        /// What it was at first sight.
        restype: RestType = "restype",
        /// Path, or name of the pipe or socket.
        path: S = "path",
        /// Id of the container whose process used it, if any.
        container_id: Option<S> = "containerId",
    }
    since 6 {
        /// Device of its file system, as `st_dev` of stat(2) has it on Linux; 0 if unknown.
        dev: i64 = "dev",
        /// Number of its inode there; 0 if unknown.
        ino: i64 = "ino",
    }
}
