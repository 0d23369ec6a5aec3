// SPDX-License-Identifier: Apache-2.0
//! Runtimes as they leave their files, and a socket that answers as Docker's.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixListener;
use std::path::Path;

use super::*;

const ID: &str = "c010f5a08549aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

fn question() -> Question {
    Question { id: ID[..12].into(), kind: ContainerType::Docker }
}

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path.replace("ID", ID));
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, text).expect("a file");
}

/// What is found in a tree with these files.
fn look(files: &[(&str, &str)]) -> Option<Details> {
    let root = tempfile::tempdir().expect("a folder");
    files.iter().for_each(|(path, text)| write(root.path(), path, text));
    Tree::new(root.path().to_owned()).look(&question())
}

fn details(name: &str, image: &str, image_id: &str, privileged: bool) -> Option<Details> {
    let (name, image, image_id) = (name.into(), image.into(), image_id.into());
    Some(Details { name, image, image_id, privileged })
}

const DOCKER: &str = "var/lib/docker/containers/ID/config.v2.json";

#[test]
fn docker_tells_by_its_files() {
    let config = r#"{"ID": "c0", "Name": "/web", "Image": "sha256:00ff",
        "Config": {"Image": "nginx:1.27", "Env": ["A=b"]}}"#;
    assert_eq!(look(&[(DOCKER, config)]), details("web", "nginx:1.27", "00ff", false));
    let host = ("var/lib/docker/containers/ID/hostconfig.json", r#"{"Privileged": true}"#);
    assert_eq!(look(&[(DOCKER, config), host]), details("web", "nginx:1.27", "00ff", true));
    for broken in ["", "{", "[]", "{}", "null", r#"{"Name": 1}"#, r#"{"Name": "/"}"#] {
        assert_eq!(look(&[(DOCKER, broken)]), None, "{broken}");
    }
}

#[test]
fn containerd_tells_by_annotations() {
    let path = "run/containerd/io.containerd.runtime.v2.task/k8s.io/ID/config.json";
    let config = r#"{"annotations": {"io.kubernetes.cri.container-name": "agent",
        "io.kubernetes.cri.container-type": "container",
        "io.kubernetes.cri.image-name": "quay.io/bpfman/agent:latest",
        "io.kubernetes.cri.sandbox-name": "daemon-hf5gv"},
        "linux": {"resources": {"devices": [{"allow": true, "access": "rwm"}]}}}"#;
    assert_eq!(look(&[(path, config)]), details("agent", "quay.io/bpfman/agent:latest", "", true));
    let sandbox = r#"{"annotations": {"io.kubernetes.cri.container-type": "sandbox",
        "io.kubernetes.cri.sandbox-name": "daemon-hf5gv"}}"#;
    assert_eq!(look(&[(path, sandbox)]), details("daemon-hf5gv", "", "", false));
    let k3s = path.replace("run/containerd", "run/k3s/containerd");
    assert!(look(&[(&k3s, config)]).is_some());
    // Docker's containers are there, too, without annotations.
    let moby = path.replace("k8s.io", "moby");
    assert_eq!(look(&[(&moby, r#"{"annotations": {}}"#)]), None);
}

#[test]
fn crio_tells_by_annotations() {
    let path = "run/containers/storage/overlay-containers/ID/userdata/config.json";
    let config = r#"{"annotations": {"io.kubernetes.container.name": "coredns",
        "io.kubernetes.cri-o.ImageName": "k8s.gcr.io/coredns/coredns:v1.8.6",
        "io.kubernetes.cri-o.ImageRef": "k8s.gcr.io/coredns/coredns@sha256:00ff"}}"#;
    let found = details("coredns", "k8s.gcr.io/coredns/coredns:v1.8.6", "00ff", false);
    assert_eq!(look(&[(path, config)]), found);
}

#[test]
fn podman_tells_by_its_list() {
    let list = r#"[{"id": "00", "names": ["other"]}, {"id": "ID", "names": ["db"], "image": "00ff",
        "metadata": "{\"image-name\":\"docker.io/library/redis\",\"name\":\"db\"}"}]"#
        .replace("ID", ID);
    let found = details("db", "docker.io/library/redis:latest", "00ff", false);
    for file in ["overlay-containers/containers.json", "vfs-containers/volatile-containers.json"] {
        let path = format!("var/lib/containers/storage/{file}");
        assert_eq!(look(&[(&path, &list)]), found);
    }
    let spec = (
        "run/containers/storage/overlay-containers/ID/userdata/config.json",
        r#"{"linux": {"resources": {"devices": [{"allow": true, "access": "rwm"}]}}}"#,
    );
    let path = "var/lib/containers/storage/overlay-containers/containers.json";
    assert!(look(&[(path, &list), spec]).expect("found").privileged);
}

#[test]
fn names_are_ids_where_there_are_no_ids() {
    let tree = Tree::new("/nonexistent".into());
    let look = |id: &str, kind| tree.look(&Question { id: id.into(), kind });
    assert_eq!(look("shop", ContainerType::Lxc), details("shop", "", "", false));
    assert_eq!(look("debian", ContainerType::Custom), details("debian", "", "", false));
    assert_eq!(look("c010f5a08549", ContainerType::Lxc), details("c010f5a08549", "", "", false));
    assert_eq!(look("c010f5a08549", ContainerType::Custom), None);
}

/// A runtime at a socket that gives these answers, one after the other. What it was asked.
fn serve(
    socket: &Path,
    answers: Vec<Option<&'static str>>,
) -> std::thread::JoinHandle<Vec<String>> {
    fs::create_dir_all(socket.parent().expect("a folder")).expect("a folder");
    let listener = UnixListener::bind(socket).expect("a socket");
    std::thread::spawn(move || {
        let serve = |answer: Option<&str>| {
            let (mut stream, _) = listener.accept().expect("a connection");
            let mut request = [0; 1024];
            let n = stream.read(&mut request).expect("a request");
            if let Some(answer) = answer {
                stream.write_all(answer.as_bytes()).expect("an answer");
            } else {
                // It does not answer: the other side gives up.
                let _ = stream.read(&mut [0; 1]);
            }
            String::from_utf8_lossy(&request[..n]).into_owned()
        };
        answers.into_iter().map(serve).collect()
    })
}

const GOOD: &str = "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n\
    {\"Name\": \"/api\", \"Image\": \"sha256:00ff\", \"Config\": {\"Image\": \"shop/api\"}, \
    \"HostConfig\": {\"Privileged\": true}}";

#[test]
fn a_socket_is_asked_where_there_are_no_files() {
    let root = tempfile::tempdir().expect("a folder");
    let tree = Tree::new(root.path().to_owned());
    let unknown = "HTTP/1.0 404 Not Found\r\n\r\n{\"message\": \"No such container\"}";
    let served = serve(&root.path().join("run/docker.sock"), vec![Some(unknown), None, Some(GOOD)]);
    assert_eq!(tree.look(&question()), None);
    assert_eq!(tree.look(&question()), None, "it gives up");
    assert_eq!(tree.look(&question()), details("api", "shop/api:latest", "00ff", true));
    let asked = served.join().expect("served");
    assert!(asked[2].starts_with("GET /containers/c010f5a08549/json HTTP/1.0\r\n"), "{asked:?}");
}

#[test]
fn an_answer_comes_when_the_files_do() {
    let root = tempfile::tempdir().expect("a folder");
    let runtimes = Runtimes::begin(root.path().to_owned()).expect("a thread");
    assert!(runtimes.ask(question()));
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(runtimes.answer(), None);
    // Runtimes write files after they have made the control group.
    write(root.path(), DOCKER, r#"{"Name": "/late", "Config": {"Image": "x"}}"#);
    let since = Instant::now();
    let answer = loop {
        assert!(since.elapsed() < Duration::from_secs(60), "no answer");
        match runtimes.answer() {
            Some(answer) => break answer,
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    assert_eq!((&*answer.0, Some(answer.1)), (&ID[..12], details("late", "x:latest", "", false)));
    assert_eq!(runtimes.unknown(), 0);
}
