//! Chooses, loads and checks a `SysFlow` driver and hands out its rings.
