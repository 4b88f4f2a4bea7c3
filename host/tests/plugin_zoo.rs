//! A zoo of files that are not plugins, or not for this machine. Each is refused with a sentence
//! that says what to do, and the host lives on.

#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use common::build::{META, TINY, Tiny, compile, example_c, rust_plugin};
use common::file::{Bytes, CLASS, DATA, MACHINE, SECTIONS};
use common::{C_POWER, POWER, Shelf};
use jumpstarter_host::plugin::{Registry, glibc};

/// What the host says about a file: when it looks at it, and if that goes well, when it loads it.
fn verdict(registry: &Registry, path: &Path) -> String {
    let listed = registry
        .list()
        .into_iter()
        .find(|listing| listing.path == path)
        .unwrap();
    let metadata = match listed.plugin {
        Err(error) => return error.to_string(),
        Ok(metadata) => metadata,
    };
    let type_name = metadata.drivers[0].types[0].clone();
    let found = registry.find_in(path, &type_name).unwrap();
    match registry.load(&found) {
        Err(error) => error.to_string(),
        Ok(_) => "fine".to_owned(),
    }
}

/// Puts a file on a shelf of its own and asks what is wrong with it. `{}` in the expected text
/// stands for the path.
fn refused(name: &str, expected: &str, make: impl FnOnce(&Path)) {
    let shelf = Shelf::new();
    let path = shelf.path(name);
    make(&path);
    let expected = expected.replace("{}", &path.display().to_string());
    assert_eq!(verdict(&shelf.registry(), &path), expected);
}

fn power() -> Bytes {
    Bytes::of(&rust_plugin("power"))
}

fn write(bytes: Bytes) -> impl FnOnce(&Path) {
    move |path| fs::write(path, bytes.0).unwrap()
}

/// The host is alive, and a good plugin still works in it.
fn alive() {
    let shelf = Shelf::with(&example_c());
    let registry = shelf.registry();
    registry.load(&registry.find(C_POWER).unwrap()).unwrap();
}

#[test]
fn things_that_are_no_libraries() {
    refused(
        "x.so",
        "driver plugin {}: No such file or directory",
        |path| {
            symlink("/nowhere/x.so", path).unwrap();
        },
    );
    refused("x.so", "driver plugin {}: not a regular file", |path| {
        fs::create_dir(path).unwrap();
    });
    refused("x.so", "driver plugin {}: not a regular file", |path| {
        nix::unistd::mkfifo(path, nix::sys::stat::Mode::S_IRWXU).unwrap();
    });
    refused("x.so", "driver plugin {}: the file is empty", |path| {
        fs::write(path, "").unwrap();
    });
    refused("x.so", "driver plugin {}: not an ELF file", |path| {
        fs::write(path, "#!/bin/sh\necho I am not a library at all, sorry\n").unwrap();
    });
    refused("x.so", "driver plugin {}: not an ELF file", |path| {
        fs::write(path, "x").unwrap();
    });
    alive();
}

#[test]
fn files_that_were_cut_off() {
    let whole = power();
    let size = whole.len();
    let needs = (whole.number(SECTIONS) as usize).max(size);
    refused(
        "x.so",
        "driver plugin {}: the ELF header is cut off",
        write(whole.clone().cut(10)),
    );
    refused(
        "x.so",
        "driver plugin {}: the ELF header is cut off",
        write(whole.clone().cut(40)),
    );
    refused(
        "x.so",
        "driver plugin {}: cut off inside its program headers",
        write(whole.clone().cut(64)),
    );
    // In between, at the end of the section headers, and by a single byte.
    for length in [
        4096,
        size / 2,
        size * 9 / 10,
        whole.number(SECTIONS) as usize + 64,
        size - 1,
    ] {
        let text = format!(
            "driver plugin {{}}: the file is cut off: it has {length} bytes and needs {needs}; \
             copy it again"
        );
        refused("x.so", &text, write(whole.clone().cut(length)));
    }
    alive();
}

#[test]
fn libraries_for_other_machines() {
    let other_cpu = if cfg!(target_arch = "aarch64") {
        (62, "x86_64")
    } else {
        (183, "aarch64")
    };
    refused(
        "x.so",
        &format!(
            "driver plugin {{}}: built for {}; this machine is {}",
            other_cpu.1,
            std::env::consts::ARCH
        ),
        write(power().at(MACHINE, &[other_cpu.0, 0])),
    );
    refused(
        "x.so",
        &format!(
            "driver plugin {{}}: built for machine type 999; this machine is {}",
            std::env::consts::ARCH
        ),
        write(power().at(MACHINE, &999_u16.to_le_bytes())),
    );
    refused(
        "x.so",
        "driver plugin {}: a 32-bit ELF file; this program is 64-bit",
        write(power().at(CLASS, &[1])),
    );
    refused(
        "x.so",
        "driver plugin {}: a big-endian ELF file; this program is little-endian",
        write(power().at(DATA, &[2])),
    );
    alive();
}

#[test]
fn libraries_and_programs_that_are_no_plugins() {
    let no_plugin = "{}: not a jumpstarter driver plugin (no symbol jmp_plugin_meta)";
    refused("x.so", no_plugin, |path| {
        compile("int crc32(int x) { return x; }", path, &[]);
    });
    refused("x.so", no_plugin, |path| {
        fs::copy("/bin/sh", path).unwrap();
    });
    refused("x.so", "driver plugin {}: not a shared library", |path| {
        compile("int x;", path, &["-c", "-no-pie"]);
    });
    // It uses the symbol and does not have it.
    refused("x.so", no_plugin, |path| {
        compile(
            "extern char jmp_plugin_meta[]; char *f(void) { return jmp_plugin_meta; }",
            path,
            &[],
        );
    });
    refused(
        "x.so",
        "driver plugin acme 2.1: exports neither `jmp_driver_entry_v1` nor an abi_stable root \
         module that this jmp can read",
        |path| drop(Tiny { door: "", ..TINY }.build(path)),
    );
    alive();
}

#[test]
fn metadata_that_makes_no_sense() {
    let with = |json: &'static str| {
        move |path: &Path| {
            drop(
                Tiny {
                    metadata: json,
                    ..TINY
                }
                .build(path),
            )
        }
    };
    refused(
        "x.so",
        "driver plugin {}: its metadata is not JSON: expected value at line 1 column 1",
        with("Acme"),
    );
    refused(
        "x.so",
        "driver plugin {}: its metadata is wrong: missing field `version`",
        with(r#"{"jmp_abi":"1.0","name":"acme","drivers":[]}"#),
    );
    refused(
        "x.so",
        "driver plugin {}: its metadata is wrong: missing field `type`",
        with(r#"{"jmp_abi":"1.0","name":"acme","version":"2.1","drivers":[{}]}"#),
    );
    refused(
        "x.so",
        "driver plugin {}: its metadata is wrong: unknown variant `pipe`, expected one of `call`, \
         `stream`, `bytes`",
        with(
            r#"{"jmp_abi":"1.0","name":"acme","version":"2.1","drivers":[{"type":["acme.Power"],
               "methods":[{"name":"on","kind":"pipe"}]}]}"#,
        ),
    );
    refused(
        "x.so",
        "driver plugin {}: its metadata is empty: `jmp_plugin_meta` must be an array of char, not \
         a pointer",
        |path| compile("const char *jmp_plugin_meta = \"{}\";", path, &[]),
    );
    alive();
}

#[test]
fn metadata_of_another_world() {
    let with = |old: &'static str, new: &'static str| {
        let json = META.replace(old, new);
        move |path: &Path| {
            drop(
                Tiny {
                    metadata: &json,
                    ..TINY
                }
                .build(path),
            )
        }
    };
    refused(
        "x.so",
        "driver plugin acme 2.1 ({}): built for driver ABI 2.0; this jmp speaks 1.x. Use a newer \
         jmp or an older plugin.",
        with(r#""1.0""#, r#""2.0""#),
    );
    refused(
        "x.so",
        "driver plugin acme 2.1 ({}): built for driver ABI 0.9; this jmp speaks 1.x. Use a newer \
         plugin or an older jmp.",
        with(r#""1.0""#, r#""0.9""#),
    );
    refused(
        "x.so",
        &format!(
            "driver plugin acme 2.1 ({{}}): its structs do not match driver ABI 1.0 (hash \
             0123456789abcdef, this jmp has {}); it was built with a modified \
             jumpstarter-driver-abi",
            jumpstarter_driver_abi::ABI_HASH
        ),
        with(r#""name""#, r#""abi_hash":"0123456789abcdef","name""#),
    );
    refused(
        "x.so",
        "driver plugin acme 2.1 ({}): built with `panic = \"abort\"`, so a panic in it would end \
         the exporter; build it with `panic = \"unwind\"`",
        with(r#""name""#, r#""panic":"abort","name""#),
    );
    alive();
}

#[test]
fn libraries_that_do_not_link_here() {
    refused(
        "x.so",
        "driver plugin acme 2.1: undefined symbol: dep_fn; it was linked without a library that it \
         needs",
        |path| {
            let code = "void dep_fn(void); void uses(void) { dep_fn(); }";
            Tiny { code, ..TINY }.build(path);
        },
    );
    refused(
        "x.so",
        "driver plugin acme 2.1: libacmedep.so.1: cannot open shared object file: No such file or \
         directory. Install that library or put it beside the plugin.",
        |path| fs::remove_file(build_with_dependency(path)).unwrap(),
    );
    refused("x.so", "fine", |path| drop(build_with_dependency(path)));
    let text = format!(
        "driver plugin acme 2.1: needs GLIBC_2.9999; this machine has {}",
        glibc()
    );
    refused("x.so", &text, build_for_newer_glibc);
    alive();
}

/// A plugin that needs `libacmedep.so.1`, and that library beside it.
fn build_with_dependency(path: &Path) -> PathBuf {
    let library = path.with_file_name("libacmedep.so.1");
    compile(
        "int dep_fn(void) { return 1; }",
        &library,
        &["-Wl,-soname,libacmedep.so.1"],
    );
    let flags = ["-Wl,--no-as-needed", library.to_str().unwrap()];
    let code = "int dep_fn(void); int uses(void) { return dep_fn(); }";
    Tiny {
        code,
        flags: &flags,
        ..TINY
    }
    .build(path);
    library
}

/// A plugin that was linked against a C library of the future.
fn build_for_newer_glibc(path: &Path) {
    let script = path.with_file_name("versions");
    fs::write(&script, "GLIBC_2.9999 { global: newest; };").unwrap();
    let future = path.with_file_name("libc.so.6");
    let script_flag = format!("-Wl,--version-script={}", script.display());
    compile(
        "int newest(void) { return 1; }",
        &future,
        &["-nostdlib", "-Wl,-soname,libc.so.6", &script_flag],
    );
    let code = "int newest(void); int uses(void) { return newest(); }";
    Tiny {
        code,
        flags: &[future.to_str().unwrap()],
        ..TINY
    }
    .build(path);
}

#[test]
fn doors_that_lead_nowhere() {
    let door =
        |code: &'static str| move |path: &Path| drop(Tiny { door: code, ..TINY }.build(path));
    let says = |reason: &str| format!("driver plugin acme 2.1: {reason}");
    refused(
        "x.so",
        &says("says that it cannot be used in this process"),
        door("const jmp_plugin *jmp_driver_entry_v1(void) { return NULL; }"),
    );
    refused(
        "x.so",
        &says("its function table is of driver ABI 2; this jmp speaks 1.x"),
        door(
            "const jmp_plugin *jmp_driver_entry_v1(void) {
               static jmp_plugin p; p = plugin; p.abi_major = 2; return &p; }",
        ),
    );
    refused(
        "x.so",
        &says("its function table has 88 bytes and needs 96"),
        door(
            "const jmp_plugin *jmp_driver_entry_v1(void) {
               static jmp_plugin p; p = plugin; p.size = 88; return &p; }",
        ),
    );
    refused(
        "x.so",
        &says("its function table lacks `stream_next`"),
        door(
            "const jmp_plugin *jmp_driver_entry_v1(void) {
               static jmp_plugin p; p = plugin; p.functions.stream_next = NULL; return &p; }",
        ),
    );
    refused(
        "x.so",
        &says("cannot be used here: its init failed with 3"),
        |path| {
            Tiny {
                flags: &["-UINIT", "-DINIT=3"],
                ..TINY
            }
            .build(path);
        },
    );
    alive();
}

#[test]
fn a_folder_full_of_them_hides_no_good_plugin() {
    let shelf = Shelf::with(&rust_plugin("power"));
    shelf.put_as("a.so", b"");
    shelf.put_as("b.so", &power().cut(5000).0);
    shelf.put_as("z.so", &power().at(CLASS, &[1]).0);
    let registry = shelf.registry();
    assert_eq!(registry.list().len(), 4);
    assert_eq!(
        registry
            .list()
            .iter()
            .filter(|listing| listing.plugin.is_ok())
            .count(),
        1
    );
    registry.load(&registry.find(POWER).unwrap()).unwrap();

    let error = registry
        .find("jumpstarter_driver_power.driver.MockPowr")
        .unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with("no driver class `jumpstarter_driver_power.driver.MockPowr` in any plugin; did you mean `jumpstarter_driver_power.driver.MockPower` ("), "{text}");
    assert!(text.ends_with("a.so: the file is empty"), "{text}");
}
