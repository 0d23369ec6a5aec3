// SPDX-License-Identifier: Apache-2.0
//! Container runtimes, recognised by the control group path of a process. The
//! layouts are those that the runtimes document or make: Docker, containerd
//! (CRI, nerdctl), CRI-O, Podman, LXC, systemd-nspawn, libvirt, and below
//! Kubernetes both drivers of the kubelet, cgroupfs and systemd.

use std::borrow::Cow;

use sysflow::record::ContainerType;

/// A container as its control group tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recognised<'a> {
    /// First 12 hexadecimal digits of the runtime's id, or where containers
    /// have no ids (LXC, systemd-nspawn, libvirt) the name.
    pub id: Cow<'a, str>,
    /// Runtime.
    pub kind: ContainerType,
}

/// Layouts of a component of a path, around 64 hexadecimal digits. What watches
/// a container (`crio-conmon-ID.scope`, `libpod-conmon-ID.scope`) is none of
/// them: it runs on the host.
const LAYOUTS: [(&str, &str, ContainerType); 9] = [
    ("docker-", ".scope", ContainerType::Docker),
    ("cri-containerd-", ".scope", ContainerType::Containerd),
    ("nerdctl-", ".scope", ContainerType::Containerd),
    ("crio-", ".scope", ContainerType::Crio),
    ("crio-", "", ContainerType::Crio),
    ("libpod-", ".scope", ContainerType::Custom),
    ("libpod-", "", ContainerType::Custom),
    // podman run --cgroups=split
    ("libpod-payload-", "", ContainerType::Custom),
    ("libpod-payload-", ".scope", ContainerType::Custom),
];

/// The container of a path. The last component that tells one counts: it may
/// be followed by groups that the container made for itself, and a container
/// can run in another.
#[must_use]
pub fn recognise(path: &[u8]) -> Option<Recognised<'_>> {
    let path = str::from_utf8(path).ok()?;
    let mut rest = path;
    // What comes after the component that is looked at.
    let mut below = "";
    while let Some((before, component)) = rest.rsplit_once('/') {
        if let Some(found) = by_id(before, component).or_else(|| by_name(before, component, below))
        {
            return Some(found);
        }
        (rest, below) = (before, component);
    }
    None
}

/// Runtimes that give their containers numbers.
fn by_id<'a>(before: &str, component: &'a str) -> Option<Recognised<'a>> {
    if component.len() < 64 {
        return None;
    }
    // containerd below systemd, with the groups' own driver: "slice:cri-containerd:ID".
    if let Some((_, id)) = component.rsplit_once(":cri-containerd:") {
        return Some(numbered(full_id(id)?, ContainerType::Containerd));
    }
    if let Some(id) = full_id(component) {
        return Some(numbered(id, bare(before)));
    }
    LAYOUTS.iter().find_map(|(prefix, suffix, kind)| {
        let inner = component.strip_prefix(prefix)?.strip_suffix(suffix)?;
        Some(numbered(full_id(inner)?, *kind))
    })
}

fn numbered(id: &str, kind: ContainerType) -> Recognised<'_> {
    Recognised { id: id.into(), kind }
}

/// The runtime of an id that stands alone, by the group above it.
fn bare(before: &str) -> ContainerType {
    let above = before.rsplit('/').next().unwrap_or_default();
    match above {
        // Namespaces of containerd: of nerdctl and ctr, and of its CRI service.
        "default" | "k8s.io" => ContainerType::Containerd,
        // The kubelet's cgroupfs driver: every runtime makes the same name.
        _ if pod_uid(above).is_some() => ContainerType::Cri,
        _ => ContainerType::Docker,
    }
}

/// Runtimes that know their containers by names. `before` and `below`: what is
/// above the component, and the component below it.
fn by_name<'a>(before: &str, component: &'a str, below: &str) -> Option<Recognised<'a>> {
    use ContainerType as T;
    let above = before.rsplit('/').next().unwrap_or_default();
    let (name, kind) = if let Some(name) = component.strip_prefix("lxc.payload.") {
        (name, T::Lxc)
    } else if matches!(above, "lxc" | "lxc.payload") {
        (component, T::Lxc)
    } else if above == "mesos" {
        (component, T::Mesos)
    } else if let Some(name) = component.strip_prefix("systemd-nspawn@") {
        // "supervisor" has systemd-nspawn itself.
        let name = name.strip_suffix(".service").filter(|_| below != "supervisor")?;
        (name, T::Custom)
    } else if let Some(name) = component.strip_suffix(".libvirt-lxc") {
        (name, T::LibvirtLxc)
    } else {
        let name = component.strip_prefix("machine-")?.strip_suffix(".scope")?;
        if let Some(name) = name.strip_prefix("lxc\\x2d") {
            (name, T::LibvirtLxc)
        } else if below == "payload" {
            (name, T::Custom)
        } else {
            // A virtual machine, or what watches a container.
            return None;
        }
    };
    let id = unescaped(name);
    (!id.is_empty()).then_some(Recognised { id, kind })
}

/// A name of a unit without the escapes of systemd.unit(5): `\x2d` and the like.
fn unescaped(name: &str) -> Cow<'_, str> {
    if !name.contains("\\x") {
        return name.into();
    }
    let (mut out, mut rest) = (Vec::with_capacity(name.len()), name);
    while let Some((before, after)) = rest.split_once("\\x") {
        out.extend_from_slice(before.as_bytes());
        match after.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                rest = &after[2..];
            }
            None => {
                out.extend_from_slice(b"\\x");
                rest = after;
            }
        }
    }
    out.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&out).into_owned().into()
}

/// The Kubernetes pod of a path: its UID, as the API server has it. That of a
/// static pod is a hash, without dashes.
#[must_use]
pub fn pod(path: &[u8]) -> Option<String> {
    let path = str::from_utf8(path).ok()?;
    if !path.contains("kubepods") && !path.contains("/pod") {
        return None;
    }
    path.rsplit('/').find_map(pod_uid)
}

/// Of a component: "podUID", "kubepods-burstable-podUID.slice", or that with
/// ":cri-containerd:ID" behind it.
fn pod_uid(component: &str) -> Option<String> {
    let name = component.split_once(':').map_or(component, |(name, _)| name);
    let uid = match name.strip_suffix(".slice") {
        Some(slice) if slice.contains("kubepods") => slice.rsplit_once("-pod")?.1,
        Some(_) => return None,
        None => name.strip_prefix("pod")?,
    };
    // In the name of a slice, dashes part its ancestors: the kubelet writes
    // underscores.
    let uid = uid.replace('_', "-");
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit());
    let dashed = uid.len() == 36
        && uid.split('-').map(str::len).eq([8, 4, 4, 4, 12])
        && uid.split('-').all(digits);
    (dashed || (uid.len() == 32 && digits(&uid))).then_some(uid)
}

/// Layouts that the libraries of captures know, around 64 hexadecimal digits:
/// what is before the last occurrence of the first, and after it. Those of
/// Docker come before those of CRI runtimes.
const LIST_LAYOUTS: [(&str, &str); 7] = [
    ("/", ""),
    ("/docker-", ".scope"),
    ("/crio-", ""),
    ("/cri-containerd-", ".scope"),
    ("/crio-", ".scope"),
    (":cri-containerd:", ""),
    // Podman, of later versions.
    ("/libpod-", ".scope"),
];

/// Short id from a list of control groups, each ended by NUL.
pub(super) fn recognise_in_list(list: &[u8]) -> Option<&str> {
    let groups = || list.split(|b| *b == 0).filter_map(|group| str::from_utf8(group).ok());
    // Most processes are in none: one pass tells.
    if !groups().any(|group| group.len() > 64) {
        return None;
    }
    LIST_LAYOUTS.iter().find_map(|(prefix, suffix)| {
        groups().find_map(|group| {
            let (_, rest) = group.rsplit_once(prefix)?;
            full_id(rest.strip_suffix(suffix)?)
        })
    })
}

fn full_id(text: &str) -> Option<&str> {
    (text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit())).then(|| &text[..12])
}

#[cfg(test)]
mod tests {
    use ContainerType as T;

    use super::*;

    const ID: &str = "c010f5a08549aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const OTHER: &str = "0b5d3bd6c6ae41b5dc0b5eb7c24e8a7e8dbc7b7f0e3ad08f7c3ce90e44a3fd0a";
    const POD: &str = "33b35f4f-6d9e-4d3c-8c8e-4b9d6c0a5d11";
    const STATIC_POD: &str = "8a3c1b0b39df9dc4a3c8e3b7b0f6c2d1";

    /// `ID` and `POD` in a path stand for those above, `P_O_D` for the pod with
    /// underscores.
    fn path(layout: &str) -> String {
        layout
            .replace("P_O_D", &POD.replace('-', "_"))
            .replace("STATIC", STATIC_POD)
            .replace("POD", POD)
            .replace("OTHER", OTHER)
            .replace("ID", ID)
    }

    #[test]
    fn runtimes_are_recognised_in_both_hierarchies_and_with_both_drivers() {
        for (layout, kind, in_pod) in [
            // Docker: cgroupfs, systemd, with groups of its own, rootless, in Docker.
            ("/docker/ID", T::Docker, false),
            ("/system.slice/docker-ID.scope", T::Docker, false),
            ("/system.slice/docker-ID.scope/init", T::Docker, false),
            (
                "/user.slice/user-1000.slice/user@1000.service/user.slice/docker-ID.scope",
                T::Docker,
                false,
            ),
            ("/docker/OTHER/docker/ID", T::Docker, false),
            ("/docker/ID/system.slice/cron.service", T::Docker, false),
            ("/ecs/2f1a1b2c3d4e5f60718293a4b5c6d7e8/ID", T::Docker, false),
            // A reader in a control group namespace of its own.
            ("/../../docker-ID.scope", T::Docker, false),
            // containerd: nerdctl and ctr.
            ("/default/ID", T::Containerd, false),
            ("/system.slice/nerdctl-ID.scope", T::Containerd, false),
            // Kubernetes with containerd: systemd driver, all classes of service.
            (
                "/kubepods.slice/kubepods-podP_O_D.slice/cri-containerd-ID.scope",
                T::Containerd,
                true,
            ),
            (
                "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podP_O_D.slice/cri-containerd-ID.scope",
                T::Containerd,
                true,
            ),
            (
                "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-podP_O_D.slice/cri-containerd-ID.scope/x.service",
                T::Containerd,
                true,
            ),
            // kind: Kubernetes in Docker.
            (
                "/docker/OTHER/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/cri-containerd-ID.scope",
                T::Containerd,
                false,
            ),
            (
                "/system.slice/containerd.service/kubepods-burstable-podP_O_D.slice:cri-containerd:ID",
                T::Containerd,
                true,
            ),
            ("/system.slice/k.slice:cri-containerd:ID", T::Containerd, false),
            ("/k8s.io/ID", T::Containerd, false),
            // cgroupfs driver: the name does not tell the runtime.
            ("/kubepods/burstable/podPOD/ID", T::Cri, true),
            ("/kubepods/podPOD/ID", T::Cri, true),
            // Kubernetes with Docker.
            ("/kubepods.slice/kubepods-podP_O_D.slice/docker-ID.scope", T::Docker, true),
            // CRI-O.
            ("/kubepods.slice/kubepods-podP_O_D.slice/crio-ID.scope", T::Crio, true),
            ("/kubepods.slice/kubepods-podP_O_D.slice/crio-ID.scope/container", T::Crio, true),
            ("/kubepods/besteffort/podPOD/crio-ID", T::Crio, true),
            // Podman: root, without, in a pod of its own, cgroupfs, split.
            ("/machine.slice/libpod-ID.scope", T::Custom, false),
            ("/machine.slice/libpod-ID.scope/container", T::Custom, false),
            (
                "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-ID.scope/container",
                T::Custom,
                false,
            ),
            ("/machine.slice/machine-libpod_pod_OTHER.slice/libpod-ID.scope", T::Custom, false),
            ("/libpod_parent/libpod-ID", T::Custom, false),
            ("/system.slice/web.service/libpod-payload-ID", T::Custom, false),
        ] {
            let path = path(layout);
            let found = recognise(path.as_bytes());
            let expected = Recognised { id: "c010f5a08549".into(), kind };
            assert_eq!(found, Some(expected), "{path}");
            assert_eq!(pod(path.as_bytes()).as_deref(), in_pod.then_some(POD), "{path}");
        }
    }

    #[test]
    fn runtimes_without_ids_tell_names() {
        for (path, id, kind) in [
            // LXC 3 and before, 4 and later, on the unified hierarchy; LXD, Proxmox.
            ("/lxc/web", "web", T::Lxc),
            ("/lxc/101/ns/system.slice/ssh.service", "101", T::Lxc),
            ("/lxc.payload/web", "web", T::Lxc),
            ("/lxc.payload.web", "web", T::Lxc),
            ("/lxc.payload.user-1000_web/init.scope", "user-1000_web", T::Lxc),
            // systemd-nspawn, as a service and by hand.
            ("/machine.slice/systemd-nspawn@box.service/payload", "box", T::Custom),
            (
                "/machine.slice/systemd-nspawn@box.service/payload/system.slice/cron.service",
                "box",
                T::Custom,
            ),
            ("/machine.slice/systemd-nspawn@box.service", "box", T::Custom),
            ("/machine.slice/machine-my\\x2dbox.scope/payload/init.scope", "my-box", T::Custom),
            ("/machine.slice/machine-box.scope/payload", "box", T::Custom),
            (
                "/mesos/4f1f7d2e-3f0c-4a5e-9d0e-6a5c7d1b2a3f",
                "4f1f7d2e-3f0c-4a5e-9d0e-6a5c7d1b2a3f",
                T::Mesos,
            ),
            // libvirt
            ("/machine.slice/machine-lxc\\x2d7\\x2dweb.scope", "7-web", T::LibvirtLxc),
            ("/machine/web.libvirt-lxc", "web", T::LibvirtLxc),
        ] {
            let found = recognise(path.as_bytes());
            assert_eq!(found, Some(Recognised { id: id.into(), kind }), "{path}");
        }
    }

    #[test]
    fn other_groups_are_the_host() {
        for layout in [
            "",
            "/",
            "/init.scope",
            "/user.slice/user-0.slice/session-1.scope",
            "/system.slice/docker.service",
            "/system.slice/containerd.service",
            "/docker/c010f5a08549",
            "/kubepods.slice",
            "/kubepods.slice/kubepods-podP_O_D.slice",
            // What watches containers runs on the host.
            "/kubepods.slice/kubepods-podP_O_D.slice/crio-conmon-ID.scope",
            "/machine.slice/libpod-conmon-ID.scope",
            "/machine.slice/systemd-nspawn@box.service/supervisor",
            "/machine.slice/machine-box.scope/supervisor",
            "/lxc.monitor.web",
            "/lxc.monitor/web",
            // Virtual machines are no containers.
            "/machine.slice/machine-qemu\\x2d1\\x2dvm.scope/libvirt/emulator",
            "/lxc",
            "/lxc.payload.",
        ] {
            assert_eq!(recognise(path(layout).as_bytes()), None, "{layout}");
        }
        assert_eq!(recognise(b"/docker/\xff"), None);
    }

    #[test]
    fn pods_are_told_as_the_api_server_knows_them() {
        let of = |layout: &str| pod(path(layout).as_bytes());
        let fixed = of("/kubepods/burstable/podSTATIC/ID");
        assert_eq!(fixed.as_deref(), Some(STATIC_POD));
        assert_eq!(of("/kubepods.slice/kubepods-burstable-podSTATIC.slice/crio-ID.scope"), fixed);
        for none in ["/podman/x", "/pods/podx", "/system.slice/podPOD.slice/x", "/kubepods.slice"] {
            assert_eq!(of(none), None, "{none}");
        }
    }

    #[test]
    fn escapes_that_are_none_stay() {
        assert_eq!(unescaped("a\\x2db\\xzz\\x"), "a-b\\xzz\\x");
        assert_eq!(unescaped("\\xe2\\x82\\xac"), "€");
    }
}
