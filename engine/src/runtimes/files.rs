// SPDX-License-Identifier: Apache-2.0
//! The files of runtimes. Each is as the runtime's own tools leave it on disk; who runs a capture
//! may read them.
//!
//! | runtime | file |
//! |---|---|
//! | Docker | `/var/lib/docker/containers/ID/config.v2.json`, `hostconfig.json` |
//! | containerd | `/run/containerd/io.containerd.runtime.v2.task/NAMESPACE/ID/config.json` |
//! | CRI-O | `/run/containers/storage/overlay-containers/ID/userdata/config.json` |
//! | Podman, CRI-O | `/var/lib/containers/storage/*-containers/containers.json` |

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sysflow::record::ContainerType;

use super::{Question, api, image, oci};
use crate::state::container::Details;

/// No file of a runtime that is read has more bytes.
const LIMIT: u64 = 64 << 20;

/// The states of containerd: its own, that of K3s, that of `MicroK8s`.
const CONTAINERD: [&str; 3] =
    ["run/containerd", "run/k3s/containerd", "var/snap/microk8s/common/run/containerd"];

/// Where CRI-O and Podman keep containers: while they run, and for good.
const STORAGE: [&str; 2] = ["run/containers/storage", "var/lib/containers/storage"];

/// Sockets that answer as Docker's.
const SOCKETS: [&str; 3] = ["run/docker.sock", "var/run/docker.sock", "run/podman/podman.sock"];

/// The files of a host.
#[derive(Clone, Debug)]
pub struct Tree {
    root: PathBuf,
}

/// A file, as JSON.
fn json(path: &Path) -> Option<Value> {
    let mut text = Vec::new();
    File::open(path).ok()?.take(LIMIT).read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The folder of a container, named by its whole id.
fn folder(dir: &Path, id: &str) -> Option<PathBuf> {
    let entries = fs::read_dir(dir).ok()?.flatten();
    let is_it =
        |entry: &fs::DirEntry| entry.file_name().to_str().is_some_and(|name| name.starts_with(id));
    entries.into_iter().find(is_it).map(|entry| entry.path())
}

/// The folders in a folder.
fn folders(dir: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path())
}

impl Tree {
    /// The files below a folder.
    #[must_use]
    pub fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// What the runtimes tell of a container; nothing as long as they do not know it.
    #[must_use]
    pub fn look(&self, question: &Question) -> Option<Details> {
        let id = &*question.id;
        if !is_id(id) || matches!(question.kind, ContainerType::Lxc | ContainerType::LibvirtLxc) {
            // LXC and systemd-nspawn have names for ids, and no images.
            return Some(Details { name: id.into(), ..Details::default() });
        }
        self.docker(id)
            .or_else(|| self.containerd(id))
            .or_else(|| self.crio(id))
            .or_else(|| self.podman(id))
            .or_else(|| self.asked(id))
    }

    fn docker(&self, id: &str) -> Option<Details> {
        let folder = folder(&self.root.join("var/lib/docker/containers"), id)?;
        let config = json(&folder.join("config.v2.json"))?;
        let host = json(&folder.join("hostconfig.json")).unwrap_or_default();
        let name = text(&config, "/Name").trim_start_matches('/');
        let privileged = host.get("Privileged").and_then(Value::as_bool).unwrap_or(false);
        (!name.is_empty()).then(|| Details {
            name: name.into(),
            image: image::with_tag(text(&config, "/Config/Image")).into(),
            image_id: image::id(text(&config, "/Image")).into(),
            privileged,
        })
    }

    fn containerd(&self, id: &str) -> Option<Details> {
        CONTAINERD.iter().find_map(|state| {
            let tasks = self.root.join(state).join("io.containerd.runtime.v2.task");
            folders(&tasks).find_map(|namespace| {
                let folder = folder(&namespace, id)?;
                oci::details(&json(&folder.join("config.json"))?)
            })
        })
    }

    fn crio(&self, id: &str) -> Option<Details> {
        oci::details(&self.userdata(id)?)
    }

    /// The specification of a container of CRI-O or Podman.
    fn userdata(&self, id: &str) -> Option<Value> {
        STORAGE.iter().find_map(|storage| {
            containers(&self.root.join(storage))
                .find_map(|all| json(&folder(&all, id)?.join("userdata/config.json")))
        })
    }

    fn podman(&self, id: &str) -> Option<Details> {
        let lists = STORAGE.iter().flat_map(|storage| containers(&self.root.join(storage)));
        // The second has those that go when they end.
        let files = ["containers.json", "volatile-containers.json"];
        let found = lists.flat_map(|dir| files.map(|file| dir.join(file))).find_map(|path| {
            let list = json(&path)?;
            let mut entries = list.as_array()?.iter();
            entries.find(|entry| text(entry, "/id").starts_with(id)).cloned()
        })?;
        // Text that is JSON again.
        let metadata: Value = serde_json::from_str(text(&found, "/metadata")).unwrap_or_default();
        let first =
            |texts: [&str; 2]| texts.into_iter().find(|text| !text.is_empty()).map(str::to_owned);
        let name = first([text(&found, "/names/0"), text(&metadata, "/name")])?;
        let image_id =
            first([text(&found, "/image"), text(&metadata, "/image-id")]).unwrap_or_default();
        Some(Details {
            name: name.into(),
            image: image::with_tag(text(&metadata, "/image-name")).into(),
            image_id: image::id(&image_id).into(),
            privileged: self.userdata(id).is_some_and(|config| oci::is_privileged(&config)),
        })
    }

    /// Where files tell nothing: Docker and Podman with folders of their own.
    fn asked(&self, id: &str) -> Option<Details> {
        let answer =
            SOCKETS.iter().find_map(|socket| api::container(&self.root.join(socket), id))?;
        let name = text(&answer, "/Name").trim_start_matches('/');
        let privileged = answer.pointer("/HostConfig/Privileged").and_then(Value::as_bool);
        (!name.is_empty()).then(|| Details {
            name: name.into(),
            image: image::with_tag(text(&answer, "/Config/Image")).into(),
            image_id: image::id(text(&answer, "/Image")).into(),
            privileged: privileged.unwrap_or(false),
        })
    }
}

/// The folders of the storage's drivers: `overlay-containers`, `vfs-containers`.
fn containers(storage: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let named = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.as_encoded_bytes().ends_with(b"-containers"))
    };
    folders(storage).filter(named)
}

/// Whether it is the beginning of an id rather than a name.
fn is_id(id: &str) -> bool {
    id.len() == 12 && id.bytes().all(|b| b.is_ascii_hexdigit())
}
