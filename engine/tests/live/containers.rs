// SPDX-License-Identifier: Apache-2.0
//! A process in the control group of a container, whose runtime has left files.

use std::io::Write as _;
use std::process::{Child, Command, Stdio};

use sysflow::record::{Container, ContainerType, Record};

use crate::support::group::Group;
use crate::support::recorder::{Ended, Recorder};
use crate::support::{Lab, file, skipped};

/// A group as Docker makes one, with a process in it that waits for a word.
struct Contained {
    // Before the group, which has to be empty.
    shell: Child,
    group: Group,
    id: String,
}

impl Contained {
    fn start(lab: &Lab) -> Option<Self> {
        let id = format!("{:064x}", u128::from(std::process::id()) << 64 | 0xc010_f5a0_8549);
        // The first 12 digits are those of records.
        let id = id.chars().rev().collect::<String>();
        let group = Group::new(&format!("docker-{id}.scope"))?;
        let script = r#"read word; cat "$1" > /dev/null"#;
        let mut command = Command::new("sh");
        command.args(["-c", script, "sh"]).arg(lab.path("file")).stdin(Stdio::piped());
        std::fs::write(lab.path("file"), "content").expect("a file");
        let shell = command.spawn().expect("sh");
        group.add(i64::from(shell.id()));
        Some(Self { shell, group, id })
    }

    fn finish(mut self) {
        self.shell.stdin.take().expect("stdin").write_all(b"go\n").expect("a word");
        assert!(self.shell.wait().expect("wait").success());
        drop(self.group);
    }
}

/// What the trace says of the container, in its order.
fn told(ended: &Ended, id: &str) -> Vec<Container> {
    let records = file::read(&ended.file);
    file::assert_self_contained(&records);
    let containers = records.into_iter().filter_map(|record| match record {
        Record::Container(container) if container.id == id[..12] => Some(container),
        _ => None,
    });
    containers.collect()
}

fn settings(lab: &Lab, more: &str) -> String {
    let settings = lab.path("sysflow.toml");
    let root = lab.path("root");
    let text = format!("[records]\ncontainer-root = \"{}\"\n{more}", root.display());
    std::fs::write(&settings, text).expect("written");
    settings.to_str().expect("text").to_owned()
}

#[test]
fn a_container_has_the_name_that_its_runtime_tells() {
    let Some(lab) = Lab::enter("names of containers") else { return };
    let Some(contained) = Contained::start(&lab) else {
        return skipped("names of containers", "the unified hierarchy cannot be written to");
    };
    let id = contained.id.clone();
    let folder = lab.path("root").join("var/lib/docker/containers").join(&id);
    let config = settings(&lab, "");
    let recorder = Recorder::start(&lab, "x.sf", &["--config", &config, "--schema", "6"]);
    // As when the runtime is not done yet.
    std::fs::create_dir_all(&folder).expect("a folder");
    let text = r#"{"Name": "/web", "Image": "sha256:00ff", "Config": {"Image": "nginx:1.27"}}"#;
    std::fs::write(folder.join("config.v2.json"), text).expect("written");
    contained.finish();
    std::thread::sleep(std::time::Duration::from_secs(4));
    let ended = recorder.interrupt().well();
    let containers = told(&ended, &id);
    let Some(last) = containers.last() else { panic!("no container {id}") };
    let found = (last.name.as_str(), last.image.as_str(), last.imageid.as_str(), last.privileged);
    assert_eq!(found, ("web", "nginx:1.27", "00ff", false), "{containers:?}");
    assert_eq!(last.container_type, ContainerType::Docker);
}

#[test]
fn nothing_is_looked_for_that_is_not_wanted() {
    let Some(lab) = Lab::enter("no names of containers") else { return };
    let Some(contained) = Contained::start(&lab) else {
        return skipped("no names of containers", "the unified hierarchy cannot be written to");
    };
    let id = contained.id.clone();
    let folder = lab.path("root").join("var/lib/docker/containers").join(&id);
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("config.v2.json"), r#"{"Name": "/web"}"#).expect("written");
    let config = settings(&lab, "container-names = false\n");
    let recorder = Recorder::start(&lab, "x.sf", &["--config", &config]);
    contained.finish();
    let names: Vec<_> =
        told(&recorder.interrupt().well(), &id).into_iter().map(|told| told.name).collect();
    assert_eq!(names, ["incomplete"]);
}
