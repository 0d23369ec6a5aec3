// SPDX-License-Identifier: Apache-2.0
//! End-to-end tests: a real recorder, a real driver, a real kernel.
//!
//! They need root and a driver, and skip themselves where there is none.
//! Nothing is linked to the engine: the programs under test are run, so that
//! the same test program runs where there is no cargo.
//!
//! | variable | meaning | default |
//! |---|---|---|
//! | `SYSFLOW_TEST_DRIVER` | driver under test: ebpf or kmod | ebpf |
//! | `SYSFLOW_BIN` | the `sysflow` program | the one cargo built |
//! | `WORKLOAD_BIN` | the `workload` program | the one cargo built |
//! | `SYSFLOW_MODULE` | sysflow.ko, for the recorder to load | where it is installed |
//! | `SYSFLOW_TEST_KILLS` | recorders killed | 50 |
//! | `SYSFLOW_TEST_KEEP` | folder for a capture and its report, to be compared elsewhere | none |
//! | `SYSFLOW_PYTHON` | a Python that has fastavro | python3 |

mod accounting;
mod containers;
mod errors;
mod exact;
mod faults;
mod idle;
mod killed;
mod lifecycle;
mod outputs;
mod recording;
mod selection;
mod service;
mod support;
mod top;
