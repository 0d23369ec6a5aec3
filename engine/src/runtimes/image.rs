// SPDX-License-Identifier: Apache-2.0
//! Names and ids of images as records have them.

/// An image's name with a tag: that of no tag is "latest". A digest stands where a tag would.
pub(super) fn with_tag(name: &str) -> String {
    let last = name.rsplit('/').next().unwrap_or(name);
    if name.is_empty() || last.contains([':', '@']) {
        name.to_owned()
    } else {
        format!("{name}:latest")
    }
}

/// An image's id without the name of its algorithm, or of its repository.
pub(super) fn id(text: &str) -> &str {
    text.rsplit([':', '@']).next().unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_have_tags_and_plain_ids() {
        for (name, full) in [
            ("nginx", "nginx:latest"),
            ("nginx:1.27", "nginx:1.27"),
            ("localhost:5000/nginx", "localhost:5000/nginx:latest"),
            ("r/nginx@sha256:00ff", "r/nginx@sha256:00ff"),
            ("", ""),
        ] {
            assert_eq!(with_tag(name), full);
        }
        assert_eq!(id("sha256:00ff"), "00ff");
        assert_eq!(id("quay.io/x@sha256:00ff"), "00ff");
        assert_eq!(id("00ff"), "00ff");
    }
}
