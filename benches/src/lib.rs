//! Benchmarks and load generators of the `SysFlow` capture engine.
