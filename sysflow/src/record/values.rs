// SPDX-License-Identifier: Apache-2.0
//! The enums of the schema.

use super::define::symbols;

symbols! {
    /// Why an entity was written (schema name `SFObjectState`).
    ObjectState {
        /// First sight, with the event that made it.
        Created = "CREATED",
        /// Changed since it was last written.
        Modified = "MODIFIED",
        /// Existed before this file.
        Reup = "REUP",
    }
}

symbols! {
    /// A container runtime.
    ///
    /// The reference collector writes the numbers of its library unchecked; 10 (static), 11
    /// (podman) and 65535 (unknown) have no symbol in the schema and are read as `Custom`.
    ContainerType {
        /// Docker.
        Docker = "CT_DOCKER",
        /// LXC.
        Lxc = "CT_LXC",
        /// LXC under libvirt.
        LibvirtLxc = "CT_LIBVIRT_LXC",
        /// Mesos.
        Mesos = "CT_MESOS",
        /// rkt.
        Rkt = "CT_RKT",
        /// Anything else.
        Custom = "CT_CUSTOM",
        /// A CRI runtime.
        Cri = "CT_CRI",
        /// containerd.
        Containerd = "CT_CONTAINERD",
        /// CRI-O.
        Crio = "CT_CRIO",
        /// BOSH process manager.
        Bpm = "CT_BPM",
    }
    reads 10 | 11 | 0xffff as Custom
}

symbols! {
    /// What happened to a Kubernetes object.
    K8sAction {
        /// Added.
        Added = "K8S_COMPONENT_ADDED",
        /// Modified.
        Modified = "K8S_COMPONENT_MODIFIED",
        /// Deleted.
        Deleted = "K8S_COMPONENT_DELETED",
        /// Error.
        Error = "K8S_COMPONENT_ERROR",
        /// Not existing.
        Nonexistent = "K8S_COMPONENT_NONEXISTENT",
        /// Unknown.
        Unknown = "K8S_COMPONENT_UNKNOWN",
    }
}

symbols! {
    /// A kind of Kubernetes object.
    K8sComponent {
        /// Nodes.
        Nodes = "K8S_NODES",
        /// Namespaces.
        Namespaces = "K8S_NAMESPACES",
        /// Pods.
        Pods = "K8S_PODS",
        /// Replication controllers.
        ReplicationControllers = "K8S_REPLICATIONCONTROLLERS",
        /// Services.
        Services = "K8S_SERVICES",
        /// Events.
        Events = "K8S_EVENTS",
        /// Replica sets.
        ReplicaSets = "K8S_REPLICASETS",
        /// Daemon sets.
        DaemonSets = "K8S_DAEMONSETS",
        /// Deployments.
        Deployments = "K8S_DEPLOYMENTS",
        /// Unknown.
        Unknown = "K8S_UNKNOWN",
    }
}

symbols! {
    /// What kind of operations is counted (since schema version 6).
    OperationClass {
        /// Processes: fork, exec, exit.
        Process = "PROCESS",
        /// Descriptions of files and sockets at their first use.
        Describe = "DESCRIBE",
        /// Files opened and closed.
        File = "FILE",
        /// Connections.
        Net = "NET",
        /// Operations on names.
        Path = "PATH",
        /// Reads, writes, and their kin.
        Io = "IO",
    }
}
