// SPDX-License-Identifier: Apache-2.0
//! Entries of the lists that a capture begins with.

/// Appends a text with its length before it.
fn counted(out: &mut Vec<u8>, text: &[u8]) {
    let len = u16::try_from(text.len()).expect("a text of a list has less than 64 KiB");
    out.extend(len.to_le_bytes());
    out.extend(text);
}

/// Puts the length of an entry before it, if lists of this version have that.
fn framed(fields: Vec<u8>, has_length: bool, counts_itself: bool) -> Vec<u8> {
    if !has_length {
        return fields;
    }
    let own = if counts_itself { 4 } else { 0 };
    let len = u32::try_from(fields.len() + own).expect("an entry has less than 4 GiB");
    [len.to_le_bytes().to_vec(), fields].concat()
}

/// How many of the fields at the end an entry of process list version 9 has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tail {
    /// None after the root directory.
    Nothing,
    /// The login user: captures of 2019 and 2020.
    #[default]
    Login,
    /// The login user, whether the program is writable, and capabilities: captures of 2022.
    Capabilities,
    /// Namespace start and terminal before them, and everything of today after them.
    Full,
}

/// A thread.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Process {
    /// Thread id.
    pub tid: u64,
    /// Process id.
    pub pid: u64,
    /// The parent's thread id.
    pub ptid: u64,
    /// Name.
    pub comm: String,
    /// First argument.
    pub exe: String,
    /// Path of the program.
    pub exepath: String,
    /// Further arguments, each ended by NUL.
    pub args: Vec<u8>,
    /// Working directory.
    pub cwd: String,
    /// Portable clone flags.
    pub flags: u32,
    /// User.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Environment, each entry ended by NUL.
    pub env: Vec<u8>,
    /// Thread id in its namespace.
    pub vtid: i64,
    /// Process id in its namespace.
    pub vpid: i64,
    /// Control groups, each ended by NUL.
    pub cgroups: Vec<u8>,
    /// Terminal.
    pub tty: u32,
    /// The user who logged in.
    pub loginuid: u32,
    /// The fields at the end.
    pub tail: Tail,
}

impl Process {
    /// The first thread of a process on the host.
    #[must_use]
    pub fn new(pid: u64, ptid: u64, exe: &str) -> Self {
        let id = i64::try_from(pid).expect("a process id");
        let comm = exe.rsplit('/').next().unwrap_or(exe).to_owned();
        let (exe, exepath) = (exe.to_owned(), exe.to_owned());
        let cwd = "/".to_owned();
        Self { tid: pid, pid, ptid, comm, exe, exepath, cwd, vtid: id, vpid: id, ..Self::default() }
    }

    pub(crate) fn encode(&self, version: u8) -> Vec<u8> {
        let mut out = Vec::new();
        for id in [self.tid, self.pid, self.ptid] {
            out.extend(id.to_le_bytes());
        }
        if version >= 6 {
            out.extend(self.pid.to_le_bytes());
        }
        if version >= 8 {
            out.extend(self.vpid.to_le_bytes());
        }
        counted(&mut out, self.comm.as_bytes());
        counted(&mut out, self.exe.as_bytes());
        if version >= 7 {
            counted(&mut out, self.exepath.as_bytes());
        }
        counted(&mut out, &self.args);
        counted(&mut out, self.cwd.as_bytes());
        out.extend(1024_u64.to_le_bytes());
        for number in [self.flags, self.uid, self.gid] {
            out.extend(number.to_le_bytes());
        }
        if version >= 2 {
            out.extend([0; 3 * 4 + 2 * 8]);
        }
        if version >= 3 {
            counted(&mut out, &self.env);
        }
        if version >= 4 {
            out.extend(self.vtid.to_le_bytes());
            out.extend(self.vpid.to_le_bytes());
            counted(&mut out, &self.cgroups);
        }
        if version >= 5 {
            counted(&mut out, b"/");
        }
        if version >= 9 {
            self.tail(&mut out);
        }
        framed(out, version >= 9, true)
    }

    fn tail(&self, out: &mut Vec<u8>) {
        if self.tail == Tail::Nothing {
            return;
        }
        if self.tail == Tail::Full {
            out.extend(0_u64.to_le_bytes());
            out.extend(self.tty.to_le_bytes());
        }
        out.extend(self.loginuid.to_le_bytes());
        if self.tail == Tail::Login {
            return;
        }
        out.extend([0; 1 + 3 * 8]);
        if self.tail == Tail::Full {
            out.extend([0; 1 + 3 * 8 + 2]);
            out.extend(self.pid.to_le_bytes());
        }
    }
}

/// An open descriptor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// Its number.
    pub fd: i64,
    /// The format's number of the kind of object.
    pub kind: u8,
    /// What follows the kind.
    pub payload: Vec<u8>,
}

impl Descriptor {
    /// A file, opened with these portable flags.
    #[must_use]
    pub fn file(fd: i64, flags: u32, path: &str) -> Self {
        let mut payload = flags.to_le_bytes().to_vec();
        counted(&mut payload, path.as_bytes());
        payload.extend(0x0801_u32.to_le_bytes());
        Self { fd, kind: 16, payload }
    }

    /// An object with a name only.
    #[must_use]
    pub fn named(fd: i64, kind: u8, name: &str) -> Self {
        let mut payload = Vec::new();
        counted(&mut payload, name.as_bytes());
        Self { fd, kind, payload }
    }

    /// An IPv4 socket (TCP).
    #[must_use]
    pub fn ipv4(fd: i64, source: ([u8; 4], u16), destination: ([u8; 4], u16)) -> Self {
        let mut payload = [source.0, destination.0].concat();
        payload.extend(source.1.to_le_bytes());
        payload.extend(destination.1.to_le_bytes());
        payload.push(2);
        Self { fd, kind: 3, payload }
    }

    /// An IPv4 socket (TCP) that listens.
    #[must_use]
    pub fn ipv4_server(fd: i64, address: ([u8; 4], u16)) -> Self {
        let mut payload = address.0.to_vec();
        payload.extend(address.1.to_le_bytes());
        payload.push(2);
        Self { fd, kind: 5, payload }
    }

    pub(crate) fn encode(&self, version: u8) -> Vec<u8> {
        let mut out = self.fd.to_le_bytes().to_vec();
        out.extend((1000 + self.fd).to_le_bytes());
        out.push(self.kind);
        out.extend(&self.payload);
        if version == 1 && self.kind == 16 {
            // No device.
            out.truncate(out.len() - 4);
        }
        framed(out, version >= 2, true)
    }
}

/// A user or a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum User {
    /// User id, group id, name.
    User(u32, u32, String),
    /// Group id, name.
    Group(u32, String),
}

impl User {
    pub(crate) fn encode(&self, version: u8) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Self::User(uid, gid, name) => {
                out.push(0);
                out.extend(uid.to_le_bytes());
                out.extend(gid.to_le_bytes());
                counted(&mut out, name.as_bytes());
                counted(&mut out, format!("/home/{name}").as_bytes());
                counted(&mut out, b"/bin/sh");
            }
            Self::Group(gid, name) => {
                out.push(1);
                out.extend(gid.to_le_bytes());
                counted(&mut out, name.as_bytes());
            }
        }
        framed(out, version >= 2, true)
    }
}

/// An address of a network interface, of 4 or 16 bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Name of the interface.
    pub name: String,
    /// Its address.
    pub address: Vec<u8>,
}

impl Interface {
    pub(crate) fn encode(&self, version: u8) -> Vec<u8> {
        let kind: u16 = if self.address.len() == 4 { 1 } else { 2 };
        let name = u16::try_from(self.name.len()).expect("the name of an interface is short");
        let mut out = kind.to_le_bytes().to_vec();
        out.extend(name.to_le_bytes());
        out.extend(&self.address);
        out.resize(out.len() + 2 * self.address.len(), 0xFF);
        out.extend(1000_u64.to_le_bytes());
        out.extend(self.name.as_bytes());
        framed(out, version >= 2, false)
    }
}
