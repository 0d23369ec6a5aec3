// SPDX-License-Identifier: Apache-2.0
//! An empty program on `sys_exit` (`tp_btf`): the floor for every driver that
//! hooks there.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use libbpf_sys as bpf;

/// `r0 = 0; exit`.
const NOTHING: [bpf::bpf_insn; 2] = [instruction(0xb7), instruction(0x95)];

const fn instruction(code: u8) -> bpf::bpf_insn {
    bpf::bpf_insn {
        code,
        _bitfield_align_1: [],
        _bitfield_1: bpf::__BindgenBitfieldUnit::new([0]),
        off: 0,
        imm: 0,
    }
}

const NAME: &CStr = c"sysflow_nothing";

/// The program, loaded.
pub struct NullProbe {
    program: OwnedFd,
    link: Option<OwnedFd>,
}

impl NullProbe {
    /// Loads the program.
    ///
    /// # Errors
    /// The kernel's.
    pub fn load() -> io::Result<Self> {
        // SAFETY: a terminated name, which the call does not keep.
        let id = checked(unsafe {
            bpf::libbpf_find_vmlinux_btf_id(c"sys_exit".as_ptr(), bpf::BPF_TRACE_RAW_TP)
        })?;
        let options = bpf::bpf_prog_load_opts {
            sz: size_of::<bpf::bpf_prog_load_opts>() as bpf::size_t,
            expected_attach_type: bpf::BPF_TRACE_RAW_TP,
            attach_btf_id: id.cast_unsigned(),
            ..Default::default()
        };
        // SAFETY: the strings are terminated; instructions and options are
        // valid for the lengths given, and the call keeps none of them.
        let fd = checked(unsafe {
            bpf::bpf_prog_load(
                bpf::BPF_PROG_TYPE_TRACING,
                NAME.as_ptr(),
                c"GPL".as_ptr(),
                NOTHING.as_ptr(),
                NOTHING.len() as bpf::size_t,
                (&raw const options).cast_mut(),
            )
        })?;
        // SAFETY: just opened, and owned by nobody else.
        Ok(Self { program: unsafe { OwnedFd::from_raw_fd(fd) }, link: None })
    }

    /// Attaches it.
    ///
    /// # Errors
    /// The kernel's.
    pub fn attach(&mut self) -> io::Result<()> {
        // SAFETY: the program is open; a null name says that the program
        // itself knows its place.
        let fd = checked(unsafe {
            bpf::bpf_raw_tracepoint_open(std::ptr::null(), self.program.as_raw_fd())
        })?;
        // SAFETY: just opened, and owned by nobody else.
        self.link = Some(unsafe { OwnedFd::from_raw_fd(fd) });
        Ok(())
    }

    /// Detaches it.
    pub fn detach(&mut self) {
        self.link = None;
    }
}

/// libbpf's results: negative errno.
fn checked(result: i32) -> io::Result<i32> {
    if result < 0 { Err(io::Error::from_raw_os_error(-result)) } else { Ok(result) }
}
