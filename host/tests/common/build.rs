//! Plugins that the tests need: found where cargo puts them, or built from C on the spot.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// `target/<profile>`, the folder above the one that this test runs from.
pub fn target() -> PathBuf {
    let exe = env::current_exe().unwrap();
    exe.ancestors().nth(2).unwrap().to_owned()
}

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// The plugin of a crate. Cargo does not build other crates' libraries for a test, so somebody has
/// to have done that before.
pub fn rust_plugin(family: &str) -> PathBuf {
    let path = target().join(format!(
        "libjumpstarter_driver_{}.so",
        family.replace('-', "_")
    ));
    assert!(
        path.exists(),
        "{} is missing: run `cargo build -p jumpstarter-driver-{family}` first",
        path.display()
    );
    path
}

/// The C example, built if it is not there or older than its source.
pub fn example_c() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        let folder = target().join("example-c");
        let source = root().join("plugins/example-c");
        run(Command::new("make")
            .arg("-s")
            .arg("-C")
            .arg(source)
            .arg(format!("OUT={}", folder.display())));
        folder.join("libjumpstarter_driver_example_c.so")
    });
    built.clone()
}

/// A plugin of a few lines of C: its metadata, and whatever is to be different about it.
pub struct Tiny<'a> {
    /// The JSON, or the initializer of `jmp_plugin_meta` where `raw` says so.
    pub metadata: &'a str,
    /// C at the end of the file.
    pub code: &'a str,
    /// The C door, if not the usual one.
    pub door: &'a str,
    pub flags: &'a [&'a str],
}

pub const TINY: Tiny<'_> = Tiny {
    metadata: META,
    code: "",
    door: DOOR,
    flags: &[],
};

/// Metadata of a plugin `acme 2.1` with one driver, `acme.Power`.
pub const META: &str =
    r#"{"jmp_abi":"1.0","name":"acme","version":"2.1","drivers":[{"type":["acme.Power"]}]}"#;

const DOOR: &str = "const jmp_plugin *jmp_driver_entry_v1(void) { return &plugin; }";

const BODY: &str = r#"
#include "jumpstarter_driver.h"
static int init(const jmp_host *host) { (void)host; return INIT; }
static void done(jmp_completion d) {
  jmp_reply reply = {.handle = 1, .fd = -1};
  d.done(d.ctx, &reply);
}
static void open_driver(const jmp_open_request *r, jmp_completion d) { (void)r; done(d); }
static void close_driver(uint64_t h, jmp_completion d) { (void)h; done(d); }
static void call(uint64_t h, const jmp_call *c, jmp_completion d) { (void)h; (void)c; done(d); }
static void next(uint64_t h, uint32_t max, jmp_completion d) { (void)h; (void)max; done(d); }
static void close_stream(uint64_t h) { (void)h; }
static void cancel(uint64_t h, uint64_t id) { (void)h; (void)id; }
static const void *extension(jmp_slice id) { (void)id; return NULL; }
static const jmp_plugin plugin = {sizeof plugin, JMP_ABI_MAJOR, JMP_ABI_MINOR,
  {init, open_driver, close_driver, call, call, next, close_stream, call, cancel, extension}};
"#;

impl Tiny<'_> {
    /// Compiles it to `path`.
    pub fn build(&self, path: &Path) -> PathBuf {
        let metadata = self
            .metadata
            .replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', " ");
        let source = format!(
            "{BODY}\nconst char jmp_plugin_meta[] = \"{metadata}\";\n{}\n{}\n",
            self.door, self.code
        );
        compile(&source, path, self.flags);
        path.to_owned()
    }
}

/// Compiles C to a shared library.
pub fn compile(source: &str, path: &Path, flags: &[&str]) {
    let file = path.with_extension("c");
    fs::write(&file, source).unwrap();
    run(Command::new("cc")
        .args(["-shared", "-fPIC", "-w", "-DINIT=0", "-I"])
        .arg(root().join("driver-abi/include"))
        .arg("-o")
        .arg(path)
        .arg(&file)
        .args(flags));
    fs::remove_file(file).unwrap();
}

pub fn run(command: &mut Command) {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?} is needed for this test: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
