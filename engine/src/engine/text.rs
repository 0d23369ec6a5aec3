// SPDX-License-Identifier: Apache-2.0
//! The kernel's bytes to the text of `SysFlow` records.

use std::borrow::Cow;

/// A directory as `SysFlow` has it: with a slash at its end.
pub(crate) fn with_slash(path: &[u8]) -> String {
    let mut text = String::from_utf8_lossy(path).into_owned();
    if !text.is_empty() && !text.ends_with('/') {
        text.push('/');
    }
    text
}

/// Arguments after the first, joined by spaces.
pub(crate) fn joined(args: &[u8]) -> (String, String) {
    let args = args.strip_suffix(b"\0").unwrap_or(args);
    let text = String::from_utf8_lossy(args);
    match text.split_once('\0') {
        Some((first, rest)) => (first.to_owned(), rest.replace('\0', " ")),
        None => (text.into_owned(), String::new()),
    }
}

/// An absolute path without ".", ".." and empty components; a slash at its
/// end stays. A relative one stays as it is.
pub(crate) fn clean_path(path: &[u8]) -> Cow<'_, [u8]> {
    if path.first() != Some(&b'/') || is_clean(path) {
        return path.into();
    }
    let folder = path.last() == Some(&b'/') || path.ends_with(b"/.") || path.ends_with(b"/..");
    let mut out = vec![b'/'];
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => leave(&mut out),
            part => {
                out.extend_from_slice(part);
                out.push(b'/');
            }
        }
    }
    if !folder && out.len() > 1 {
        out.pop();
    }
    out.into()
}

/// Takes the last component away, which ends with a slash; never the root.
pub(crate) fn leave(path: &mut Vec<u8>) {
    if path.len() <= 1 {
        return;
    }
    path.pop();
    while path.last().is_some_and(|last| *last != b'/') {
        path.pop();
    }
}

fn is_clean(path: &[u8]) -> bool {
    let inner = path.strip_prefix(b"/").unwrap_or(path);
    let inner = inner.strip_suffix(b"/").unwrap_or(inner);
    let cleaned = |part: &[u8]| !matches!(part, b"" | b"." | b"..");
    path == b"/" || inner.split(|byte| *byte == b'/').all(cleaned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_joined_without_quoting() {
        let both = |args: &[u8]| joined(args);
        assert_eq!(both(b"ls\0-l\0a b\0"), ("ls".into(), "-l a b".into()));
        assert_eq!(both(b"ls\0\0x\0"), ("ls".into(), " x".into()), "an empty one counts");
        assert_eq!(both(b"ls\0"), ("ls".into(), String::new()));
        assert_eq!(both(b""), (String::new(), String::new()));
    }

    #[test]
    fn directories_end_with_a_slash() {
        assert_eq!(with_slash(b"/"), "/");
        assert_eq!(with_slash(b"/a"), "/a/");
        assert_eq!(with_slash(b""), "");
    }
}
