// SPDX-License-Identifier: Apache-2.0
//! Parts of paths.

/// What comes after the last slash.
pub(super) fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

/// What comes before the last slash; the root for what is directly in it.
pub(super) fn directory(path: &str) -> &str {
    match path.rfind('/') {
        None => "",
        Some(0) => "/",
        Some(at) => &path[..at],
    }
}

/// Separates the name of a unix socket, `HEX->HEX PATH`, into the kernel's addresses and the path.
/// Anything else is a path only.
pub(super) fn socket(text: &str) -> (&str, &str) {
    // Nearly all names are paths.
    if !text.starts_with(|c: char| c.is_ascii_hexdigit()) {
        return ("", text);
    }
    let hex = |text: &str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_hexdigit());
    // Some writers have the arrow as "-\u003e".
    let ends = |link: &str| {
        let (from, to) = link.split_once("->").or_else(|| link.split_once("-\\u003e"))?;
        (hex(from) && hex(to)).then_some(())
    };
    let (link, path) = text.split_once(' ').unwrap_or((text, ""));
    match ends(link) {
        Some(()) => (link, path.trim()),
        None => ("", text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_names_and_directories() {
        let cases = [("/etc/passwd", "/etc", "passwd"), ("/x", "/", "x"), ("./ls", ".", "ls")];
        for (path, dir, last) in cases {
            assert_eq!((directory(path), name(path)), (dir, last));
        }
        assert_eq!((directory("ls"), name("ls")), ("", "ls"));
        assert_eq!((directory(""), name("")), ("", ""));
    }

    #[test]
    fn sockets_are_separated_from_their_addresses() {
        assert_eq!(socket("ffff9a->ffff9b /run/x.sock"), ("ffff9a->ffff9b", "/run/x.sock"));
        assert_eq!(socket("a1-\\u003eb2 @x"), ("a1-\\u003eb2", "@x"));
        assert_eq!(socket("ffff9a->ffff9b"), ("ffff9a->ffff9b", ""));
        assert_eq!(socket("/tmp/a->b c"), ("", "/tmp/a->b c"));
        assert_eq!(socket(""), ("", ""));
    }
}
