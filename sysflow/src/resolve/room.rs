// SPDX-License-Identifier: Apache-2.0
//! How much memory a description takes, about.

use std::collections::BTreeMap;

use crate::record::{Container, File, Pod, Process};

/// What a table needs beside key and value, and the allocator beside a block, rounded up.
const OVERHEAD: usize = 64;

/// Bytes that are kept for something.
pub(super) trait Room {
    fn room(&self) -> usize;
}

fn text(text: &str) -> usize {
    text.len()
}

fn list<T>(list: &[T], of: impl Fn(&T) -> usize) -> usize {
    list.iter().map(|item| size_of::<T>() + of(item)).sum()
}

fn map(map: &BTreeMap<String, String>) -> usize {
    map.iter().map(|(key, value)| 2 * size_of::<String>() + key.len() + value.len()).sum()
}

impl Room for Process {
    fn room(&self) -> usize {
        let Self { exe, exe_args, user_name, group_name, container_id, cwd, env, .. } = self;
        let texts = [exe, exe_args, user_name, group_name, cwd].map(|one| text(one));
        let container = container_id.as_deref().map_or(0, text);
        let texts = texts.iter().sum::<usize>() + container + list(env, |variable| text(variable));
        OVERHEAD + size_of::<Self>() + texts
    }
}

impl Room for File {
    fn room(&self) -> usize {
        let texts = text(&self.path) + self.container_id.as_deref().map_or(0, text);
        OVERHEAD + size_of::<Self>() + texts
    }
}

impl Room for Container {
    fn room(&self) -> usize {
        let Self { id, name, image, imageid, pod_id, .. } = self;
        let texts = 2 * text(id) + text(name) + text(image) + text(imageid);
        OVERHEAD + size_of::<Self>() + texts + pod_id.as_deref().map_or(0, text)
    }
}

impl Room for Pod {
    fn room(&self) -> usize {
        let services = list(&self.services, |service| {
            let ports = list(&service.port_list, |port| text(&port.proto));
            let texts = text(&service.name) + text(&service.id) + text(&service.namespace);
            ports + texts + size_of_val(&*service.cluster_ip)
        });
        let Self { id, name, node_name, namespace, .. } = self;
        let texts = 2 * text(id) + text(name) + text(node_name) + text(namespace);
        let addresses = size_of_val(&*self.host_ip) + size_of_val(&*self.internal_ip);
        let maps = map(&self.labels) + map(&self.selectors);
        OVERHEAD + size_of::<Self>() + texts + addresses + maps + services
    }
}
