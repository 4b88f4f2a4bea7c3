//! Reads a shared library as a file, before anything in it can run.
//!
//! `dlopen` trusts the headers: a file that was cut off while it was copied kills the process with
//! SIGBUS, and a library for another CPU is reported as missing. So the headers are read first, with
//! a few small reads, and every table that the dynamic linker will touch has to lie inside the file.
//!
//! ```text
//!   ELF header ─► program headers ─► is every segment inside the file?
//!              └► section headers ─► dynamic symbols ─► jmp_plugin_meta ─► its bytes
//!                                 ├► needed libraries
//!                                 └► needed symbol versions (glibc)
//! ```

use std::fs::File;
use std::os::unix::fs::FileExt;

use jumpstarter_driver_abi::META_SYMBOL;
use object::elf::{
    self, DT_NEEDED, EM_X86_64, ET_DYN, FileHeader64, Machine, PT_LOAD, ProgramHeader64, SHN_UNDEF,
    SHT_DYNSYM,
};
use object::read::elf::{Dyn, FileHeader, ProgramHeader, SectionHeader, SectionTable, Sym};
use object::read::{ReadCache, ReadRef};
use object::{LittleEndian, SectionIndex};

use super::door;

const ENDIAN: LittleEndian = LittleEndian;
const IDENT: usize = 16;
const HEADER: u64 = size_of::<Header>() as u64;
/// Metadata beyond this size is a mistake.
const MAX_METADATA: u64 = 4 << 20;
const GLIBC: &str = "GLIBC_";

type Header = FileHeader64<LittleEndian>;
type Source<'f> = ReadCache<&'f File>;

/// A file whose headers make sense.
#[derive(Clone, Copy)]
struct View<'d, 'f> {
    source: &'d Source<'f>,
    segments: &'d [ProgramHeader64<LittleEndian>],
    sections: SectionTable<'d, Header, &'d Source<'f>>,
}

/// What a plugin file says without being run.
#[derive(Clone, Debug)]
pub(super) struct Elf {
    /// The bytes of the metadata symbol, or nothing if there is no such symbol.
    pub(super) metadata: Option<Vec<u8>>,
    /// Libraries it is linked with.
    pub(super) needed: Vec<String>,
    /// The newest version of the C library it asks for, such as `2.34`.
    pub(super) glibc: Option<String>,
    /// Names of the symbols it exports, as far as they matter: the doors.
    pub(super) doors: Vec<&'static str>,
}

/// Why a file cannot be a plugin of this machine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// The system refused to open or read it.
    #[error("{0}")]
    Io(String),
    /// A folder, a device, a pipe.
    #[error("not a regular file")]
    NotRegular,
    /// No bytes at all.
    #[error("the file is empty")]
    Empty,
    /// Something else.
    #[error("not an ELF file")]
    NotElf,
    /// Shorter than a header.
    #[error("the ELF header is cut off")]
    HeaderCutOff,
    /// Shorter than its table of segments.
    #[error("cut off inside its program headers")]
    ProgramHeadersCutOff,
    /// Shorter than its headers say.
    #[error("the file is cut off: it has {has} bytes and needs {needs}; copy it again")]
    CutOff {
        /// Size of the file.
        has: u64,
        /// Size according to the headers.
        needs: u64,
    },
    /// For another word size.
    #[error("a 32-bit ELF file; this program is 64-bit")]
    Bits32,
    /// For the other byte order.
    #[error("a big-endian ELF file; this program is little-endian")]
    BigEndian,
    /// For another CPU.
    #[error("built for {0}; this machine is {arch}", arch = std::env::consts::ARCH)]
    Machine(String),
    /// An object file, a core dump, or a program at a fixed address.
    #[error("not a shared library")]
    NotShared,
    /// The headers contradict each other.
    #[error("the file is damaged: {0}")]
    Damaged(&'static str),
}

#[cfg(target_arch = "x86_64")]
const MACHINE: Machine = EM_X86_64;
#[cfg(target_arch = "aarch64")]
const MACHINE: Machine = elf::EM_AARCH64;
#[cfg(target_arch = "riscv64")]
const MACHINE: Machine = elf::EM_RISCV;

/// Reads the headers of an open file.
pub(super) fn read(file: &File) -> Result<Elf, FileError> {
    let metadata = file
        .metadata()
        .map_err(|error| FileError::Io(error.to_string()))?;
    if !metadata.is_file() {
        return Err(FileError::NotRegular);
    }
    let size = metadata.len();
    check_ident(file, size)?;

    let source = Source::new(file);
    let header = Header::parse(&source).map_err(|_| FileError::NotElf)?;
    check_header(header)?;
    check_extent(header, &source, size)?;

    let view = View {
        source: &source,
        segments: header
            .program_headers(ENDIAN, &source)
            .map_err(|_| FileError::Damaged("its program headers are unreadable"))?,
        sections: header
            .sections(ENDIAN, &source)
            .map_err(|_| FileError::Damaged("its section headers are unreadable"))?,
    };
    let (metadata, doors) = view.symbols()?;
    Ok(Elf {
        metadata,
        doors,
        needed: view
            .needed()
            .ok_or(FileError::Damaged("its dynamic section is unreadable"))?,
        glibc: view
            .glibc()
            .ok_or(FileError::Damaged("its symbol versions are unreadable"))?,
    })
}

/// The first bytes, which tell what the rest of the header looks like.
fn check_ident(file: &File, size: u64) -> Result<(), FileError> {
    let mut ident = [0; IDENT];
    let there = ident.len().min(size as usize);
    file.read_exact_at(&mut ident[..there], 0)
        .map_err(|error| FileError::Io(error.to_string()))?;
    let magic = &elf::ELFMAG[..there.min(elf::ELFMAG.len())];
    match () {
        () if size == 0 => Err(FileError::Empty),
        () if !ident.starts_with(magic) => Err(FileError::NotElf),
        () if there < ident.len() => Err(FileError::HeaderCutOff),
        () if ident[4] == elf::ELFCLASS32.0 => Err(FileError::Bits32),
        () if ident[5] == elf::ELFDATA2MSB.0 => Err(FileError::BigEndian),
        () if size < HEADER => Err(FileError::HeaderCutOff),
        () => Ok(()),
    }
}

fn check_header(header: &Header) -> Result<(), FileError> {
    let machine = header.e_machine(ENDIAN);
    if machine != MACHINE {
        return Err(FileError::Machine(machine_name(machine)));
    }
    if header.e_type(ENDIAN) != ET_DYN {
        return Err(FileError::NotShared);
    }
    Ok(())
}

/// Every segment and the section headers have to lie inside the file.
fn check_extent(header: &Header, source: &Source<'_>, size: u64) -> Result<(), FileError> {
    let table = |start: u64, count: u16, entry: u16| {
        start.saturating_add(u64::from(count) * u64::from(entry))
    };
    let segments_end = table(
        header.e_phoff(ENDIAN),
        header.e_phnum(ENDIAN),
        header.e_phentsize(ENDIAN),
    );
    if segments_end > size {
        return Err(FileError::ProgramHeadersCutOff);
    }
    let segments = header
        .program_headers(ENDIAN, source)
        .map_err(|_| FileError::Damaged("its program headers are unreadable"))?;
    let loaded = segments
        .iter()
        .filter(|segment| segment.p_type(ENDIAN) == PT_LOAD)
        .map(|segment| {
            segment
                .p_offset(ENDIAN)
                .saturating_add(segment.p_filesz(ENDIAN))
        });
    let sections_end = table(
        header.e_shoff(ENDIAN),
        header.e_shnum(ENDIAN),
        header.e_shentsize(ENDIAN),
    );
    let needs = loaded.chain([sections_end]).max().unwrap_or(0);
    if needs > size {
        return Err(FileError::CutOff { has: size, needs });
    }
    Ok(())
}

fn name(strings: &[u8], offset: u32) -> Option<&str> {
    let rest = strings.get(offset as usize..)?;
    let end = rest.iter().position(|byte| *byte == 0)?;
    std::str::from_utf8(&rest[..end]).ok()
}

/// Compares versions such as `2.9` and `2.34` by number.
pub(super) fn newer(left: &str, right: &str) -> bool {
    let numbers = |version: &str| -> Vec<u32> {
        version
            .split('.')
            .map(|part| part.parse().unwrap_or(0))
            .collect()
    };
    numbers(left) > numbers(right)
}

fn machine_name(machine: Machine) -> String {
    let known = match machine {
        EM_X86_64 => "x86_64",
        elf::EM_AARCH64 => "aarch64",
        elf::EM_ARM => "arm",
        elf::EM_386 => "x86",
        elf::EM_RISCV => "riscv64",
        elf::EM_PPC64 => "powerpc64",
        elf::EM_S390 => "s390x",
        elf::EM_LOONGARCH => "loongarch64",
        Machine(number) => return format!("machine type {number}"),
    };
    known.to_owned()
}

// === impl View ===

impl View<'_, '_> {
    /// The bytes of the metadata symbol, and which doors there are.
    #[allow(clippy::type_complexity)]
    fn symbols(&self) -> Result<(Option<Vec<u8>>, Vec<&'static str>), FileError> {
        const DAMAGED: FileError = FileError::Damaged("its symbol table is unreadable");
        let table = self
            .sections
            .symbols(ENDIAN, self.source, SHT_DYNSYM)
            .map_err(|_| DAMAGED)?;
        let (mut metadata, mut doors) = (None, Vec::new());
        if table.symbols().is_empty() {
            return Ok((metadata, doors));
        }
        let names = self.strings(table.string_section()).ok_or(DAMAGED)?;
        for symbol in table.symbols() {
            if symbol.st_shndx(ENDIAN) == SHN_UNDEF {
                continue;
            }
            let name = name(names, symbol.st_name(ENDIAN)).ok_or(DAMAGED)?;
            if name == META_SYMBOL {
                metadata = Some(self.memory(symbol.st_value(ENDIAN), symbol.st_size(ENDIAN))?);
            }
            doors.extend(door::SYMBOLS.iter().find(|door| **door == name));
        }
        Ok((metadata, doors))
    }

    /// What will be at an address in memory.
    fn memory(&self, address: u64, size: u64) -> Result<Vec<u8>, FileError> {
        if size > MAX_METADATA {
            return Err(FileError::Damaged("its metadata is too long"));
        }
        let offset = self
            .segments
            .iter()
            .filter(|segment| segment.p_type(ENDIAN) == PT_LOAD)
            .find_map(|segment| {
                let inside = address.checked_sub(segment.p_vaddr(ENDIAN))?;
                let fits = inside.checked_add(size)? <= segment.p_filesz(ENDIAN);
                fits.then(|| segment.p_offset(ENDIAN).checked_add(inside))?
            });
        let bytes = offset.and_then(|offset| self.source.read_bytes_at(offset, size).ok());
        bytes
            .map(<[u8]>::to_vec)
            .ok_or(FileError::Damaged("its metadata is in no segment"))
    }

    /// The names of a string section in one slice: one read instead of one per name.
    fn strings(&self, index: SectionIndex) -> Option<&[u8]> {
        self.sections
            .section(index)
            .ok()?
            .data(ENDIAN, self.source)
            .ok()
    }

    fn needed(&self) -> Option<Vec<String>> {
        let Some((entries, link)) = self.sections.dynamic(ENDIAN, self.source).ok()? else {
            return Some(Vec::new());
        };
        let strings = self.strings(link)?;
        entries
            .iter()
            .filter(|entry| entry.d_tag(ENDIAN) == DT_NEEDED)
            .map(|entry| {
                let offset = u32::try_from(entry.d_val(ENDIAN)).ok()?;
                name(strings, offset).map(str::to_owned)
            })
            .collect()
    }

    /// `Some(None)` if no version of the C library is asked for, `None` if the table is broken.
    #[allow(clippy::option_option)]
    fn glibc(&self) -> Option<Option<String>> {
        let Some((mut needs, link)) = self.sections.gnu_verneed(ENDIAN, self.source).ok()? else {
            return Some(None);
        };
        let strings = self.strings(link)?;
        let mut newest: Option<&str> = None;
        while let Some((_, mut versions)) = needs.next().ok()? {
            while let Some(version) = versions.next().ok()? {
                let full = name(strings, version.vna_name.get(ENDIAN))?;
                if let Some(version) = full.strip_prefix(GLIBC)
                    && newest.is_none_or(|old| newer(version, old))
                {
                    newest = Some(version);
                }
            }
        }
        Some(newest.map(str::to_owned))
    }
}
