// SPDX-License-Identifier: Apache-2.0
//! Processes of /proc as bytes.

use crate::snapshot::Found;

/// Writes numbers and texts one after the other.
#[derive(Default)]
pub(super) struct Put(pub(super) Vec<u8>);

impl Put {
    pub(super) fn u32(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(super) fn u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(super) fn text(&mut self, text: &[u8]) {
        // A text of /proc is far from 4 GiB.
        self.u32(text.len() as u32);
        self.0.extend_from_slice(text);
    }
}

/// Reads them back; none when there is nothing more.
pub(super) struct Get<'a>(pub(super) &'a [u8]);

impl<'a> Get<'a> {
    pub(super) fn bytes(&mut self, len: usize) -> Option<&'a [u8]> {
        let (first, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(first)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.bytes(4)?.try_into().ok()?))
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.bytes(8)?.try_into().ok()?))
    }

    pub(super) fn text(&mut self) -> Option<&'a [u8]> {
        let len = self.u32()?;
        self.bytes(len as usize)
    }

    fn string(&mut self) -> Option<String> {
        Some(String::from_utf8_lossy(self.text()?).into_owned())
    }
}

/// Flags of a process: fields of [`Found`].
const TTY: u32 = 1;
const BINARY: u32 = 2;
const ZOMBIE: u32 = 4;

pub(super) fn put(found: &Found, out: &mut Put) {
    let Found { pid, ppid, vpid, start, exe, args, env, cwd, uid, gid, cgroup, .. } = found;
    out.u64(*start);
    let flag = |set: bool, flag: u32| if set { flag } else { 0 };
    let flags = flag(found.tty, TTY) | flag(found.binary, BINARY) | flag(found.zombie, ZOMBIE);
    for number in [*pid, *ppid, *vpid, *uid, *gid, flags] {
        out.u32(number);
    }
    for text in [exe, args, env, cwd] {
        out.text(text.as_bytes());
    }
    out.text(cgroup);
}

pub(super) fn get(input: &mut Get<'_>) -> Option<Found> {
    let start = input.u64()?;
    let mut numbers = [0; 6];
    for number in &mut numbers {
        *number = input.u32()?;
    }
    let [pid, ppid, vpid, uid, gid, flags] = numbers;
    Some(Found {
        start,
        pid,
        ppid,
        vpid,
        uid,
        gid,
        tty: flags & TTY != 0,
        binary: flags & BINARY != 0,
        zombie: flags & ZOMBIE != 0,
        exe: input.string()?,
        args: input.string()?,
        env: input.string()?,
        cwd: input.string()?,
        cgroup: input.text()?.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_comes_back() {
        let found = Found {
            pid: 7,
            ppid: 1,
            vpid: 2,
            start: 1 << 40,
            exe: "/bin/sh".to_owned(),
            args: "-c true".to_owned(),
            env: "A=1\0B=\0".to_owned(),
            cwd: "/".to_owned(),
            uid: 33,
            gid: u32::MAX,
            tty: true,
            binary: false,
            zombie: true,
            cgroup: b"/a\xff".to_vec(),
        };
        let mut out = Put::default();
        put(&found, &mut out);
        assert_eq!(get(&mut Get(&out.0)), Some(found));
        assert!((0..out.0.len()).all(|len| get(&mut Get(&out.0[..len])).is_none()));
    }
}
