// SPDX-License-Identifier: Apache-2.0
//! Kubernetes pods and their services (since version 4).

use std::collections::BTreeMap;

use super::define::{nested, record};

record! {
    /// A Kubernetes pod. An address is a list of longs: one for IPv4, first octet lowest.
    Pod {
        /// Time of the event that created or changed it.
        ts: i64 = "ts",
        /// Unique id.
        id: String = "id",
        /// Name.
        name: String = "name",
        /// Name of its node.
        node_name: String = "nodeName",
        /// Addresses of its node.
        host_ip: Vec<i64> = "hostIP",
        /// Addresses of the pod.
        internal_ip: Vec<i64> = "internalIP",
        /// Namespace.
        namespace: String = "namespace",
        /// How often it was restarted.
        restart_count: i64 = "restartCount",
        /// Labels.
        labels: BTreeMap<String, String> = "labels",
        /// Selectors.
        selectors: BTreeMap<String, String> = "selectors",
        /// Services that lead to it.
        services: Vec<Service> = "services",
    }
}

record! {
    /// A Kubernetes service.
    Service {
        /// Name.
        name: String = "name",
        /// Unique id.
        id: String = "id",
        /// Namespace.
        namespace: String = "namespace",
        /// Its ports.
        port_list: Vec<Port> = "portList",
        /// Its addresses inside the cluster, as in [`Pod`].
        cluster_ip: Vec<i64> = "clusterIP",
    }
}

record! {
    /// A port of a service.
    Port {
        /// Port of the service.
        port: i32 = "port",
        /// Port of the pod.
        target_port: i32 = "targetPort",
        /// Port on every node, 0 if none.
        node_port: i32 = "nodePort",
        /// Protocol: "TCP", "UDP", ...
        proto: String = "proto",
    }
}

nested!(Service, Port);
