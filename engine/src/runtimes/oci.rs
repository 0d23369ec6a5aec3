// SPDX-License-Identifier: Apache-2.0
//! `config.json` of a container: the OCI runtime specification, with the annotations of the runtime
//! that wrote it.

use serde_json::Value;

use super::image;
use crate::state::container::Details;

/// Where runtimes write what: name, image, image id; by the first name that is there.
const CONTAINERD: [&[&str]; 3] = [
    &["io.kubernetes.cri.container-name", "nerdctl/name", "io.kubernetes.cri.sandbox-name"],
    &["io.kubernetes.cri.image-name", "io.kubernetes.cri.podsandbox.image-name"],
    &[],
];
const CRIO: [&[&str]; 3] = [
    &[
        "io.kubernetes.container.name",
        "io.kubernetes.cri-o.ContainerName",
        "io.kubernetes.cri-o.Name",
    ],
    &["io.kubernetes.cri-o.ImageName", "io.kubernetes.cri-o.Image"],
    &["io.kubernetes.cri-o.ImageRef"],
];

/// What the annotations tell; nothing if they have no name.
pub(super) fn details(config: &Value) -> Option<Details> {
    let annotations = config.get("annotations")?;
    let text = |names: &[&str]| {
        let texts = names.iter().filter_map(|name| annotations.get(*name)?.as_str());
        texts.into_iter().find(|text| !text.is_empty())
    };
    [CONTAINERD, CRIO].iter().find_map(|[name, image, image_id]| {
        let name = text(name)?;
        Some(Details {
            name: name.into(),
            image: image::with_tag(text(image).unwrap_or_default()).into(),
            image_id: image::id(text(image_id).unwrap_or_default()).into(),
            privileged: is_privileged(config),
        })
    })
}

/// The specification has no such word. What makes a container privileged is that it may use every
/// device; others get those of a list.
pub(super) fn is_privileged(config: &Value) -> bool {
    let rules = config.pointer("/linux/resources/devices").and_then(Value::as_array);
    rules.into_iter().flatten().any(|rule| {
        let all = |name: &str| match rule.get(name) {
            None | Some(Value::Null) => true,
            Some(kind) => kind == "a" || kind == -1,
        };
        let may = rule.get("allow").and_then(Value::as_bool) == Some(true);
        let access = rule.get("access").and_then(Value::as_str).unwrap_or("rwm");
        may && all("type") && all("major") && all("minor") && access == "rwm"
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_container_that_may_use_every_device_is_privileged() {
        let config = |devices: Value| json!({"linux": {"resources": {"devices": devices}}});
        for (devices, privileged) in [
            (json!([{"allow": true, "access": "rwm"}]), true),
            (
                json!([{"allow": true, "type": "a", "major": -1, "minor": -1, "access": "rwm"}]),
                true,
            ),
            (json!([{"allow": false, "access": "rwm"}]), false),
            (json!([{"allow": true, "type": "c", "major": 1, "minor": 3, "access": "rwm"}]), false),
            (json!([{"allow": true, "type": "c", "access": "m"}]), false),
            (json!(null), false),
        ] {
            assert_eq!(is_privileged(&config(devices.clone())), privileged, "{devices}");
        }
    }

    #[test]
    fn other_annotations_tell_nothing() {
        assert_eq!(details(&json!({"annotations": {"io.container.manager": "libpod"}})), None);
        assert_eq!(details(&json!({"annotations": {"nerdctl/name": ""}})), None);
        assert_eq!(details(&json!([1])), None);
    }
}
