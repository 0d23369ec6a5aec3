// SPDX-License-Identifier: Apache-2.0
//! Kubernetes pods and their services (since version 4).

use std::collections::BTreeMap;

use super::define::{nested, record};

record! {
    /// A Kubernetes pod. An address is a list of longs: one for IPv4, first octet lowest.
    ///
    /// Beside its texts, what else may be borrowed has a parameter of its own: lists of numbers,
    /// maps, the list of services.
    Pod<
        S: Text = String,
        N: Put = Vec<i64>,
        M: Put = BTreeMap<String, String>,
        V: Put = Vec<Service>
    > {
        /// Time of the event that created or changed it.
        ts: i64 = "ts",
        /// Unique id.
        id: S = "id",
        /// Name.
        name: S = "name",
        /// Name of its node.
        node_name: S = "nodeName",
        /// Addresses of its node.
        host_ip: N = "hostIP",
        /// Addresses of the pod.
        internal_ip: N = "internalIP",
        /// Namespace.
        namespace: S = "namespace",
        /// How often it was restarted.
        restart_count: i64 = "restartCount",
        /// Labels.
        labels: M = "labels",
        /// Selectors.
        selectors: M = "selectors",
        /// Services that lead to it.
        services: V = "services",
    }
}

record! {
    /// A Kubernetes service.
    Service<S: Text = String, N: Put = Vec<i64>, P: Put = Vec<Port>> {
        /// Name.
        name: S = "name",
        /// Unique id.
        id: S = "id",
        /// Namespace.
        namespace: S = "namespace",
        /// Its ports.
        port_list: P = "portList",
        /// Its addresses inside the cluster, as in [`Pod`].
        cluster_ip: N = "clusterIP",
    }
}

record! {
    /// A port of a service.
    Port<S: Text = String> {
        /// Port of the service.
        port: i32 = "port",
        /// Port of the pod.
        target_port: i32 = "targetPort",
        /// Port on every node, 0 if none.
        node_port: i32 = "nodePort",
        /// Protocol: "TCP", "UDP", ...
        proto: S = "proto",
    }
}

nested!(Service<S, N, P>, Port<S>);
