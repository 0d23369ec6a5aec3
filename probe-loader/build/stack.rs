// SPDX-License-Identifier: Apache-2.0
//! How deep the stack of the eBPF programs gets, read from the object file.
//!
//! The kernel allows 512 bytes to a chain of calls, and before 6.8 it counts
//! the frames of functions that are verified by themselves too
//! (`check_max_stack_depth` of `kernel/bpf/verifier.c`). Whether the programs
//! load there depends on the compiler, so it is checked where they are built.
//! Code that the loader switches off is counted as well.

/// Bytes that the kernel allows: `MAX_BPF_STACK`.
pub(crate) const LIMIT: u32 = 512;

/// Frames are rounded up to this, and none is empty.
const ROUND: u32 = 32;

/// A function of the object.
#[derive(Debug, Default)]
pub(crate) struct Function {
    /// As in the source.
    pub(crate) name: String,
    /// Bytes of its own.
    pub(crate) frame: u32,
    /// What it calls, by place in the list.
    pub(crate) calls: Vec<usize>,
}

/// A chain of calls and what it takes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Chain {
    /// Bytes, rounded as the kernel rounds them.
    pub(crate) bytes: u32,
    /// Functions, the caller first.
    pub(crate) functions: Vec<usize>,
}

impl Chain {
    /// The chain, for people: each function with its frame.
    pub(crate) fn text(&self, functions: &[Function]) -> String {
        let links = self.functions.iter().filter_map(|n| functions.get(*n));
        let links: Vec<_> = links.map(|f| format!("{} ({})", f.name, f.frame)).collect();
        links.join(" > ")
    }
}

/// The deepest chain. BPF has no recursion: the verifier refuses it, so a
/// function that calls itself is left to that.
pub(crate) fn deepest(functions: &[Function]) -> Chain {
    let mut known: Vec<Option<Chain>> = functions.iter().map(|_| None).collect();
    for n in 0..functions.len() {
        below(functions, n, &mut known);
    }
    known.into_iter().flatten().max_by_key(|chain| chain.bytes).unwrap_or_default()
}

fn below<'a>(
    functions: &[Function],
    n: usize,
    known: &'a mut [Option<Chain>],
) -> Option<&'a Chain> {
    if known.get(n)?.is_none() {
        let function = functions.get(n)?;
        // For a call back to this function, while it is looked at.
        known[n] = Some(Chain::default());
        let mut deepest = Chain::default();
        for call in &function.calls {
            if let Some(chain) = below(functions, *call, known).filter(|c| c.bytes > deepest.bytes)
            {
                deepest = Chain { bytes: chain.bytes, functions: chain.functions.clone() };
            }
        }
        deepest.bytes += function.frame.max(1).next_multiple_of(ROUND);
        deepest.functions.insert(0, n);
        known[n] = Some(deepest);
    }
    known[n].as_ref()
}

/// The functions of an object file (ELF, 64-bit, little-endian).
pub(crate) fn functions(elf: &[u8]) -> Option<Vec<Function>> {
    let object = Object::read(elf)?;
    let mut functions = Vec::new();
    for place in &object.functions {
        let symbol = object.symbols.get(*place)?;
        functions.push(object.function(symbol)?);
    }
    Some(functions)
}

/// A row of the section table.
struct Section {
    kind: u32,
    flags: u64,
    bytes: (usize, usize),
    link: usize,
    info: usize,
}

/// A row of the symbol table.
struct Symbol {
    name: String,
    kind: u8,
    section: usize,
    value: u64,
    size: u64,
}

struct Object<'a> {
    elf: &'a [u8],
    sections: Vec<Section>,
    symbols: Vec<Symbol>,
    /// Symbols that are functions.
    functions: Vec<usize>,
}

const SHT_SYMTAB: u32 = 2;
const SHT_REL: u32 = 9;
const SHF_EXECINSTR: u64 = 4;
const STT_FUNC: u8 = 2;
const STT_SECTION: u8 = 3;

/// Bytes of an instruction.
const INSN: usize = 8;
const LD_IMM64: u8 = 0x18;
const CALL: u8 = 0x85;
/// `rX = rY` and `rX += imm`, 64-bit.
const MOV: u8 = 0xbf;
const ADD_IMM: u8 = 0x07;
/// The frame pointer.
const R10: u8 = 10;

fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<u64> {
    let part = bytes.get(at..)?.first_chunk::<N>()?;
    let mut word = [0; 8];
    word[..N].copy_from_slice(part);
    Some(u64::from_le_bytes(word))
}

fn place<const N: usize>(bytes: &[u8], at: usize) -> Option<usize> {
    usize::try_from(number::<N>(bytes, at)?).ok()
}

impl<'a> Object<'a> {
    fn read(elf: &'a [u8]) -> Option<Self> {
        if !elf.starts_with(b"\x7fELF\x02\x01") {
            return None;
        }
        let (table, count) = (place::<8>(elf, 0x28)?, place::<2>(elf, 0x3c)?);
        let sections: Option<Vec<_>> = (0..count)
            .map(|n| {
                let row = elf.get(table + n * 64..)?.first_chunk::<64>()?;
                Some(Section {
                    kind: u32::try_from(number::<4>(row, 4)?).ok()?,
                    flags: number::<8>(row, 8)?,
                    bytes: (place::<8>(row, 24)?, place::<8>(row, 32)?),
                    link: place::<4>(row, 40)?,
                    info: place::<4>(row, 44)?,
                })
            })
            .collect();
        let mut object =
            Self { elf, sections: sections?, symbols: Vec::new(), functions: Vec::new() };
        object.symbols = object.symbols()?;
        object.functions = (0..object.symbols.len())
            .filter(|n| object.symbols[*n].kind == STT_FUNC && object.symbols[*n].section != 0)
            .collect();
        Some(object)
    }

    fn bytes(&self, section: &Section) -> Option<&'a [u8]> {
        let (start, len) = section.bytes;
        self.elf.get(start..start.checked_add(len)?)
    }

    fn symbols(&self) -> Option<Vec<Symbol>> {
        let table = self.sections.iter().find(|section| section.kind == SHT_SYMTAB)?;
        let names = self.bytes(self.sections.get(table.link)?)?;
        let row = |row: &[u8]| {
            let name = names.get(place::<4>(row, 0)?..)?.split(|byte| *byte == 0).next()?;
            Some(Symbol {
                name: String::from_utf8_lossy(name).into_owned(),
                kind: row.get(4)? & 0xf,
                section: place::<2>(row, 6)?,
                value: number::<8>(row, 8)?,
                size: number::<8>(row, 16)?,
            })
        };
        self.bytes(table)?.chunks_exact(24).map(row).collect()
    }

    /// The function that covers a place of a section.
    fn at(&self, section: usize, offset: u64) -> Option<usize> {
        self.functions.iter().position(|n| {
            let symbol = &self.symbols[*n];
            symbol.section == section
                && (symbol.value..symbol.value + symbol.size).contains(&offset)
        })
    }

    /// Frame and calls of one.
    fn function(&self, symbol: &Symbol) -> Option<Function> {
        let code = self.bytes(self.sections.get(symbol.section)?)?;
        let start = usize::try_from(symbol.value).ok()?;
        let end = start + usize::try_from(symbol.size).ok()?;
        let mut function = Function { name: symbol.name.clone(), ..Function::default() };
        let mut frame = Frame::default();
        let mut at = start;
        while at < end {
            let insn = code.get(at..)?.first_chunk::<INSN>()?;
            frame.see(insn);
            if insn[0] == CALL && insn[1] >> 4 == 1 {
                function.calls.extend(self.called(symbol.section, at, insn));
            }
            at += if insn[0] == LD_IMM64 { 2 * INSN } else { INSN };
        }
        function.calls.sort_unstable();
        function.calls.dedup();
        function.frame = frame.bytes;
        Some(function)
    }

    /// What a call goes to; nothing when it is the kernel.
    fn called(&self, section: usize, at: usize, insn: &[u8; INSN]) -> Option<usize> {
        let words = i64::from(i32::from_le_bytes(*insn.last_chunk::<4>()?));
        let Some(symbol) = self.relocation(section, at) else {
            let target = i64::try_from(at / INSN).ok()? + 1 + words;
            return self.at(section, u64::try_from(target).ok()? * INSN as u64);
        };
        let offset = match symbol.kind {
            STT_SECTION => u64::try_from(words + 1).ok()? * INSN as u64,
            _ => symbol.value,
        };
        let code = self.sections.get(symbol.section)?.flags & SHF_EXECINSTR != 0;
        code.then(|| self.at(symbol.section, offset)).flatten()
    }

    fn relocation(&self, section: usize, at: usize) -> Option<&Symbol> {
        let table = self.sections.iter().find(|s| s.kind == SHT_REL && s.info == section)?;
        let mut rows = self.bytes(table)?.chunks_exact(16);
        let row = rows.find(|row| number::<8>(row, 0) == Some(at as u64))?;
        self.symbols.get(place::<4>(row, 12)?)
    }
}

/// What a function uses below its frame pointer.
#[derive(Default)]
struct Frame {
    bytes: u32,
    /// Registers that hold the frame pointer.
    copies: [bool; 16],
}

impl Frame {
    fn see(&mut self, insn: &[u8; INSN]) {
        let (code, to, from) = (insn[0], insn[1] & 0xf, insn[1] >> 4);
        let offset = i16::from_le_bytes([insn[2], insn[3]]);
        let value = i32::from_le_bytes([insn[4], insn[5], insn[6], insn[7]]);
        match code & 7 {
            // LDX reads through the source, ST and STX write through the
            // destination.
            1 if from == R10 => self.reach(-i32::from(offset)),
            2 | 3 if to == R10 => self.reach(-i32::from(offset)),
            _ => {}
        }
        if code == ADD_IMM && self.copies[usize::from(to)] {
            self.reach(value.saturating_neg());
        }
        // A call leaves its result, and its arguments are gone.
        if code == CALL {
            self.copies[..6].fill(false);
        } else if matches!(code & 7, 0 | 1 | 4 | 7) {
            self.copies[usize::from(to)] = code == MOV && from == R10;
        }
    }

    fn reach(&mut self, depth: i32) {
        self.bytes = self.bytes.max(u32::try_from(depth).unwrap_or(0));
    }
}
