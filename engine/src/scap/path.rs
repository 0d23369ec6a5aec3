// SPDX-License-Identifier: Apache-2.0
//! Paths as the capturing library and the reference collector put them
//! together. What they do is part of the identity of files, so it is done here
//! in the same way, byte by byte.

use std::borrow::Cow;

use crate::engine::text::{clean_path, leave};

/// Longest path, with its terminator.
const LIMIT: usize = 1024;

/// What stands for a path beyond the limit.
const TOO_LONG: &[u8] = b"/PATH_TOO_LONG";

fn printable(byte: u8) -> bool {
    (32..=126).contains(&byte)
}

/// Appends `name` to `base`, which is not looked at; an absolute name stands
/// alone. Components "." and "" vanish, ".." takes one away, a slash at the
/// end goes, bytes that are not printable ASCII become ".".
pub(super) fn join(out: &mut Vec<u8>, base: &[u8], name: &[u8]) {
    out.clear();
    if base.len() + name.len() + 1 > LIMIT {
        out.extend_from_slice(TOO_LONG);
        return;
    }
    let name = if name.first() == Some(&b'/') {
        out.push(b'/');
        &name[1..]
    } else {
        if !name.is_empty() {
            out.extend_from_slice(base);
        }
        name
    };
    append(out, name);
    if out.len() > 1 && out.last() == Some(&b'/') {
        out.pop();
    }
}

/// The same as [`join`] puts together; in `room` if it is not `name` as it stands, as most are.
#[inline]
pub(super) fn joined<'a>(room: &'a mut Vec<u8>, base: &[u8], name: &'a [u8]) -> &'a [u8] {
    if let [b'/', rest @ ..] = name
        && base.len() + name.len() < LIMIT
        && rest.last().is_some_and(|last| *last != b'/')
        && is_plain(rest)
    {
        return name;
    }
    join(room, base, name);
    room
}

fn append(out: &mut Vec<u8>, name: &[u8]) {
    if is_plain(name) {
        out.extend_from_slice(name);
        return;
    }
    for part in name.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => leave(out),
            part => {
                out.extend(part.iter().map(|byte| if printable(*byte) { *byte } else { b'.' }));
                out.push(b'/');
            }
        }
    }
}

/// Whether nothing is to be resolved or replaced, as in nearly all names: all
/// bytes are printable, and no component is empty or begins with a dot.
fn is_plain(name: &[u8]) -> bool {
    let Some(last) = name.last_chunk::<8>() else {
        let mut before = b'/';
        return name.iter().all(|byte| {
            let plain = printable(*byte) && !(before == b'/' && matches!(*byte, b'/' | b'.'));
            before = *byte;
            plain
        });
    };
    let mut after_slash = true;
    for eight in name.as_chunks::<8>().0 {
        if !are_plain(*eight, after_slash) {
            return false;
        }
        after_slash = eight[7] == b'/';
    }
    // The last ones again, with those that were no eight.
    let before = name.len().checked_sub(9).map_or(b'/', |at| name[at]);
    are_plain(*last, before == b'/')
}

/// The same of eight bytes, of which the first may come after a slash.
#[inline]
fn are_plain(bytes: [u8; 8], after_slash: bool) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = 0x80 * ONES;
    const SLASHES: u64 = b'/' as u64 * ONES;
    /// The top bit of every byte that is 0.
    const fn zeros(bytes: u64) -> u64 {
        !(((bytes & !TOPS) + !TOPS) | bytes | !TOPS)
    }
    let bytes = u64::from_le_bytes(bytes);
    let below_32 = bytes.wrapping_sub(32 * ONES) & !bytes;
    // The top bit is one, or comes by adding 1.
    let above_126 = bytes | bytes.wrapping_add(ONES);
    let behind_slash = (zeros(bytes ^ SLASHES) << 8) | (u64::from(after_slash) << 7);
    // A dot is one less than a slash, which is odd.
    let slash_or_dot = zeros((bytes | ONES) ^ SLASHES);
    ((below_32 | above_126) & TOPS) | (behind_slash & slash_or_dot) == 0
}

/// The new working directory, after `name` was gone to from `old`.
pub(super) fn working_directory(out: &mut Vec<u8>, old: &[u8], name: &[u8]) {
    join(out, old, name);
    if out.last() != Some(&b'/') {
        out.push(b'/');
    }
}

/// The path of an operation on names (mkdir, rename, ...): bytes that are not
/// printable are left out, `base` (which ends with a slash, or is empty if it
/// is not known) is put before a relative name, and the result, if it is
/// absolute, is cleaned; a slash at its end stays.
pub(super) fn of_operation(out: &mut Vec<u8>, base: &[u8], name: &[u8]) {
    out.clear();
    let visible = || name.iter().copied().filter(|byte| printable(*byte));
    if visible().next() != Some(b'/') {
        out.extend_from_slice(base);
    }
    out.extend(visible());
    if let Cow::Owned(clean) = clean_path(out) {
        *out = clean;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn joined(base: &str, name: &str) -> String {
        let mut out = Vec::new();
        join(&mut out, base.as_bytes(), name.as_bytes());
        let mut room = b"other".to_vec();
        assert_eq!(super::joined(&mut room, base.as_bytes(), name.as_bytes()), out);
        String::from_utf8(out).expect("printable")
    }

    fn operated(base: &str, name: &str) -> String {
        let mut out = Vec::new();
        of_operation(&mut out, base.as_bytes(), name.as_bytes());
        String::from_utf8(out).expect("printable")
    }

    #[test]
    fn names_are_joined_to_their_base() {
        for (base, name, want) in [
            ("/a/", "b", "/a/b"),
            ("/a/", "/b", "/b"),
            ("/a/", "./b//c/", "/a/b/c"),
            ("/a/", "../b", "/b"),
            ("/a/b/", "../../../c", "/c"),
            ("/", "..", "/"),
            ("/a/", ".", "/a"),
            ("", "./a", "a"),
            ("", "/", "/"),
            ("/a/", "b\u{1}c", "/a/b.c"),
            ("<UNKNOWN>", "a", "<UNKNOWN>a"),
            ("/a/", "...", "/a/..."),
        ] {
            assert_eq!(joined(base, name), want, "{base} {name}");
        }
        assert_eq!(joined("/a/", &"x".repeat(1020)), "/a/".to_owned() + &"x".repeat(1020));
        assert_eq!(joined("/a/", &"x".repeat(1021)), "/PATH_TOO_LONG");
    }

    #[test]
    fn directories_end_with_a_slash() {
        let mut out = Vec::new();
        for (old, name, want) in
            [("/a/", "b", "/a/b/"), ("/a/", "..", "/"), ("", "/x/", "/x/"), ("/a/", "/", "/")]
        {
            working_directory(&mut out, old.as_bytes(), name.as_bytes());
            assert_eq!(out, want.as_bytes());
        }
    }

    #[test]
    fn paths_of_operations_are_cleaned_when_absolute() {
        for (base, name, want) in [
            ("/a/", "b", "/a/b"),
            ("", "./b", "./b"),
            ("/a/", "./b/../c", "/a/c"),
            ("/a/", "b/", "/a/b/"),
            ("/a/", "//b", "/b"),
            ("/a/", "", "/a/"),
            ("/a/", "/b\n\0", "/b"),
            ("/a/", "/..", "/"),
            ("/a/", "/", "/"),
            ("/a/", "//", "/"),
        ] {
            assert_eq!(operated(base, name), want, "{base} {name}");
        }
    }

    proptest! {
        /// Eight bytes at once, or one by one.
        #[test]
        fn plain_names_are_told(name in "[a/.\u{1f} ~\u{7f}\u{e9}]{0,40}|[a/]{0,30}[./]?[a/.]{0,10}") {
            let name = name.as_bytes();
            let pairs = || [b'/'].iter().chain(name).zip(name);
            let clean = pairs().all(|(before, byte)| *before != b'/' || !b"/.".contains(byte));
            prop_assert_eq!(is_plain(name), clean && name.iter().all(|byte| printable(*byte)));
        }

        /// A joined path is clean, printable and short, whatever it is made of.
        #[test]
        fn a_joined_path_is_clean(
            base in "(/([a-z]{1,4}/){0,3})?",
            name in "[a-z./]{0,20}|.{0,20}",
        ) {
            let path = joined(&base, &name);
            prop_assert!(path.len() <= LIMIT);
            prop_assert!(path.bytes().all(printable));
            prop_assert!(path == "/" || !path.ends_with('/'));
            prop_assert!(!path.contains("//"));
            let plain = name.bytes().all(printable);
            if base.starts_with('/') && !name.is_empty() && plain {
                prop_assert!(path.starts_with('/'));
                prop_assert!(!path.split('/').any(|part| part == ".."));
                // Joining it again changes nothing.
                prop_assert_eq!(joined("/other/", &path), path);
            }
        }

        #[test]
        fn a_path_of_an_operation_is_clean(name in "[a-z./]{0,24}") {
            let path = operated("/base/", &name);
            prop_assert!(path.starts_with('/'));
            prop_assert!(!path.split('/').any(|part| part == "." || part == ".."));
            prop_assert_eq!(operated("/base/", &path), path.clone());
            prop_assert!(path == "/" || !path.contains("//"));
        }
    }
}
