//! The C header is what this crate says, and C and C++ agree with Rust about every size.
//!
//! `JMP_BLESS=1 cargo test -p jumpstarter-driver-abi` writes the header anew.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::mem::size_of;
use std::path::{Path, PathBuf};
use std::process::Command;

use jumpstarter_driver_abi::{
    ABI_HASH, ABI_MAJOR, ABI_MINOR, Call, Completion, ENTRY_SYMBOL, FLAG_END_OF_STREAM, Functions,
    Host, META_SYMBOL, OpenRequest, Plugin, Reply, STREAM_BATCH, Slice, ext,
};

const PREAMBLE: &str = "\
/* The boundary between the Jumpstarter exporter and a driver plugin.
 *
 * Generated from the crate jumpstarter-driver-abi; do not edit. A plugin exports
 *
 *   const char jmp_plugin_meta[]                    a JSON document, see driver-abi/README.md
 *   const jmp_plugin *jmp_driver_entry_v1(void)     its functions
 *
 * and hides everything else (-fvisibility=hidden). Every pointer passed is borrowed for the length of
 * the call it is passed to. Values are encoded google.protobuf.Value; jumpstarter_value.h reads and
 * writes them.
 */";

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn generate() -> String {
    let mut config = cbindgen::Config::from_file(folder().join("cbindgen.toml")).unwrap();
    config.header = Some(PREAMBLE.to_owned());
    config.after_includes = Some(format!(
        "\n\
         #define JMP_ABI_MAJOR {ABI_MAJOR}\n\
         #define JMP_ABI_MINOR {ABI_MINOR}\n\
         #define JMP_ABI_HASH \"{ABI_HASH}\"\n\
         #define JMP_FLAG_END_OF_STREAM {FLAG_END_OF_STREAM}u\n\
         #define JMP_STREAM_BATCH {STREAM_BATCH}u\n\
         #define JMP_EXT_LOG \"{}\"\n\
         #define JMP_EXT_TREE \"{}\"\n\
         #define JMP_EXT_SESSION \"{}\"\n\
         #define JMP_EXT_RESOURCE \"{}\"\n\
         #define JMP_EXT_TRANSFER \"{}\"\n\
         #define JMP_EXT_BYTES \"{}\"\n",
        ext::LOG,
        ext::TREE,
        ext::SESSION,
        ext::RESOURCE,
        ext::TRANSFER,
        ext::BYTES,
    ));
    // The constants above are written by hand because cbindgen does not see through string ones.
    config.export.exclude.extend(
        [
            "ABI_MAJOR",
            "ABI_MINOR",
            "FLAG_END_OF_STREAM",
            "STREAM_BATCH",
            "META_SYMBOL",
            "ENTRY_SYMBOL",
            "ABI_HASH",
            "ROOT_MODULE_NAME",
            "LOG",
            "TREE",
            "SESSION",
            "RESOURCE",
            "TRANSFER",
            "BYTES",
        ]
        .map(String::from),
    );
    let mut sources = cbindgen::Builder::new().with_config(config);
    for file in ["slice", "code", "reply", "call", "host", "plugin", "ext"] {
        sources = sources.with_src(folder().join(format!("src/{file}.rs")));
    }
    let mut text = Vec::new();
    sources.generate().unwrap().write(&mut text);
    without_links(&String::from_utf8(text).unwrap())
}

/// C has no links: ``[`Code`](crate::Code)`` becomes `` `Code` ``, and the lines that only say where
/// a link leads go.
fn without_links(text: &str) -> String {
    let mut plain = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("* [`") && line.contains("`]: ") {
            continue;
        }
        let mut rest = line;
        while let Some(start) = rest.find("[`") {
            let Some(end) = rest[start..].find("`]").map(|end| start + end) else {
                break;
            };
            plain += &rest[..start];
            plain += &rest[start + 1..=end];
            rest = &rest[end + 2..];
            if let Some(target) = rest.strip_prefix('(') {
                rest = target.split_once(')').map_or("", |(_, after)| after);
            }
        }
        plain += rest;
        plain.push('\n');
    }
    plain
}

#[test]
fn the_committed_header_is_the_generated_one() {
    let path = folder().join("include/jumpstarter_driver.h");
    let generated = generate();
    if std::env::var_os("JMP_BLESS").is_some() {
        fs::write(&path, &generated).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        generated == committed,
        "include/jumpstarter_driver.h is out of date: run `JMP_BLESS=1 cargo test -p \
         jumpstarter-driver-abi` and look at the difference"
    );
}

#[test]
fn c_and_cpp_agree_about_sizes() {
    let sizes = [
        ("jmp_slice", size_of::<Slice>()),
        ("jmp_completion", size_of::<Completion>()),
        ("jmp_reply", size_of::<Reply>()),
        ("jmp_call", size_of::<Call>()),
        ("jmp_open_request", size_of::<OpenRequest>()),
        ("jmp_host", size_of::<Host>()),
        ("jmp_functions", size_of::<Functions>()),
        ("jmp_plugin", size_of::<Plugin>()),
        ("jmp_log_record", size_of::<ext::LogRecord>()),
        ("jmp_log_ext", size_of::<ext::LogExt>()),
        ("jmp_tree_ext", size_of::<ext::TreeExt>()),
        ("jmp_session_ext", size_of::<ext::SessionExt>()),
        ("jmp_resource_ext", size_of::<ext::ResourceExt>()),
        ("jmp_transfer_ext", size_of::<ext::TransferExt>()),
        ("jmp_bytes_ext", size_of::<ext::BytesExt>()),
    ];
    let mut source = String::from(
        "#include <assert.h>\n\
         #include \"jumpstarter_driver.h\"\n\
         #include \"jumpstarter_value.h\"\n",
    );
    for (name, size) in sizes {
        source += &format!("static_assert(sizeof({name}) == {size}, \"size of {name}\");\n");
    }
    source += "int main(void) { return 0; }\n";

    let warnings = ["-Wall", "-Wextra", "-Werror", "-pedantic"];
    compile("cc", "c", "-std=c11", &warnings, &source);
    compile("c++", "cpp", "-std=c++17", &warnings, &source);
}

fn compile(compiler: &str, extension: &str, standard: &str, warnings: &[&str], source: &str) {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join(format!("sizes.{extension}"));
    fs::write(&file, source).unwrap();
    let output = Command::new(compiler)
        .arg(standard)
        .args(warnings)
        .arg("-I")
        .arg(folder().join("include"))
        .arg("-o")
        .arg(scratch.path().join("sizes"))
        .arg(&file)
        .output()
        .unwrap_or_else(|error| panic!("{compiler} is needed for this test: {error}"));
    assert!(
        output.status.success(),
        "{compiler} {standard}:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn the_header_names_the_symbols_of_a_plugin() {
    let header = fs::read_to_string(Path::new(&folder()).join("include/jumpstarter_driver.h"))
        .unwrap_or_default();
    assert!(header.contains(META_SYMBOL) && header.contains(ENTRY_SYMBOL));
}
