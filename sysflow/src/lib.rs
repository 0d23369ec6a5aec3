//! The `SysFlow` format: records, container files, printing.
