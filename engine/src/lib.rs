//! The `SysFlow` capture engine.
