// SPDX-License-Identifier: Apache-2.0
//! Flags, identities and addresses.

use std::net::Ipv4Addr;

use proptest::prelude::*;
use sysflow::record::{Ip4, OpFlags, OpenFlags, RestType};

#[test]
fn operations_have_the_bits_of_the_specification() {
    let names = "CLONE EXEC EXIT SETUID SETNS ACCEPT CONNECT OPEN READ_RECV WRITE_SEND CLOSE \
        TRUNCATE SHUTDOWN MMAP DIGEST MKDIR RMDIR LINK UNLINK SYMLINK RENAME";
    for (bit, name) in names.split_whitespace().enumerate() {
        assert_eq!(name.parse(), Ok(OpFlags(1 << bit)));
    }
}

#[test]
fn flags_are_shown_by_name() {
    assert_eq!((OpFlags::OPEN | OpFlags::READ_RECV).to_string(), "OPEN|READ_RECV");
    assert_eq!(OpFlags::NONE.to_string(), "NONE");
    assert_eq!((OpFlags::CLOSE | OpFlags(1 << 30)).to_string(), "CLOSE|0x40000000");
    assert_eq!((OpenFlags::RDWR | OpenFlags::CREAT).to_string(), "RDWR|CREAT");
    assert_eq!(OpenFlags(0x1000).to_string(), "CLOEXEC");
    assert!("OPEN|FLY".parse::<OpFlags>().unwrap_err().to_string().contains("FLY"));
}

#[test]
fn open_flags_of_the_reference_captures() {
    // What the programs in the captures asked for, and what the reference recorded.
    let wronly_creat_trunc = 0o1 | 0o100 | 0o1000;
    assert_eq!(OpenFlags::from_linux(wronly_creat_trunc).bits(), 262);
    assert_eq!(OpenFlags::from_linux(0o1 | 0o100 | 0o2000).bits(), 14);
    assert_eq!(OpenFlags::from_linux(0o2 | 0o100 | 0o1000).bits(), 263);
    let directory = OpenFlags::DIRECTORY.to_linux();
    assert_eq!(OpenFlags::from_linux(0o2000000 | directory).bits(), 5121);
    assert_eq!(OpenFlags::from_linux(0o2000000).bits(), 4097);
    assert_eq!(OpenFlags::from_linux(0o4000), OpenFlags::RDONLY | OpenFlags::NONBLOCK);
}

proptest! {
    #[test]
    fn names_of_flags_can_be_read_back(bits in any::<i32>()) {
        prop_assert_eq!(OpFlags(bits).to_string().parse(), Ok(OpFlags(bits)));
        prop_assert_eq!(OpenFlags(bits).to_string().parse(), Ok(OpenFlags(bits)));
    }

    #[test]
    fn open_flags_survive_the_way_through_linux(o_flags in any::<i32>()) {
        let flags = OpenFlags::from_linux(o_flags);
        prop_assert_eq!(OpenFlags::from_linux(flags.to_linux()), flags);
        prop_assert!(flags.intersects(OpenFlags::RDWR));
    }

    #[test]
    fn addresses_are_their_octets(octets in any::<[u8; 4]>()) {
        let addr = Ipv4Addr::from(octets);
        prop_assert_eq!(Ipv4Addr::from(Ip4::from(addr)), addr);
        prop_assert_eq!(Ip4::from(addr).to_string(), addr.to_string());
    }
}

#[test]
fn the_first_octet_is_lowest() {
    assert_eq!(Ip4::from(Ipv4Addr::LOCALHOST), Ip4(16_777_343));
    assert_eq!(Ip4::from(Ipv4Addr::new(192, 168, 0, 1)), Ip4(16_820_416));
}

#[test]
fn resource_types_are_letters() {
    assert_eq!(RestType::FILE.0, 102);
    assert_eq!(RestType::PIPE.to_string(), "p");
    assert_eq!(RestType(-1).to_string(), "?");
}

#[test]
fn readers_and_writers_can_move_to_another_thread() {
    fn is_send<T: Send>() {}
    is_send::<sysflow::read::Reader<&[u8]>>();
    is_send::<sysflow::write::OutputFile>();
    is_send::<sysflow::resolve::Resolver>();
}
