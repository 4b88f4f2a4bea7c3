//! Plugins of other times: built for an older or newer minor version, with another `abi_stable`, or
//! for another program.

#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;

use common::build::{META, TINY, Tiny, rust_plugin};
use common::file::Bytes;
use common::{POWER, Shelf};
use jumpstarter_host::plugin::{Library, PluginError};

fn load(shelf: &Shelf, type_name: &str) -> Result<Arc<Library>, PluginError> {
    let registry = shelf.registry();
    registry.load(&registry.find(type_name)?)
}

/// The power plugin with other bytes in it.
fn power(change: impl FnOnce(Bytes) -> Bytes) -> Shelf {
    let shelf = Shelf::new();
    let bytes = change(Bytes::of(&rust_plugin("power")));
    shelf.put_as("libjumpstarter_driver_power.so", &bytes.0);
    shelf
}

async fn works(library: &Arc<Library>, type_name: &str, method: &str) {
    let driver = library.open(0, type_name, "x", "{}").await.unwrap().driver;
    driver.call(method, &[], None).await.unwrap();
    driver.close().await.unwrap();
}

#[tokio::test]
async fn a_plugin_of_a_later_minor_version() {
    let shelf = Shelf::new();
    // It has a function more, and says more about itself.
    let door = "
        typedef struct { jmp_plugin plugin; void *more; } jmp_plugin_later;
        const jmp_plugin *jmp_driver_entry_v1(void) {
          static jmp_plugin_later later;
          later.plugin = plugin;
          later.plugin.size = sizeof later;
          later.plugin.abi_minor = 7;
          return &later.plugin;
        }";
    let metadata = META
        .replace("1.0", "1.7")
        .replace(r#""name""#, r#""weather":"fine","name""#);
    Tiny {
        metadata: &metadata,
        door,
        ..TINY
    }
    .build(&shelf.path("x.so"));
    let library = load(&shelf, "acme.Power").unwrap();
    works(&library, "acme.Power", "on").await;
    assert!(!library.has_extension("jmp.of_the_future/1"));
}

#[tokio::test]
async fn a_plugin_built_with_another_abi_stable_comes_through_the_c_door() {
    let magic = "abi stable library for Rust";
    let shelf = power(|bytes| bytes.replace(magic, "abi stable library for Dust"));
    let library = load(&shelf, POWER).unwrap();
    works(&library, POWER, "on").await;
}

#[test]
fn a_rust_library_of_another_program() {
    let shelf = power(|bytes| bytes.replace("driver plugin", "dinner plugin"));
    assert_eq!(
        load(&shelf, POWER).unwrap_err().to_string(),
        format!(
            "{}: an abi_stable library of `dinner plugin`, not a jumpstarter driver plugin",
            shelf.path("libjumpstarter_driver_power.so").display()
        )
    );
}

#[test]
fn a_plugin_whose_structs_were_modified() {
    let hash = jumpstarter_driver_abi::ABI_HASH;
    let shelf = power(|bytes| bytes.replace(hash, "0123456789abcdef"));
    let error = load(&shelf, POWER).unwrap_err().to_string();
    assert!(
        error.contains("its structs do not match driver ABI 1.0 (hash 0123456789abcdef"),
        "{error}"
    );
}

#[tokio::test]
async fn two_versions_of_a_rust_plugin_side_by_side() {
    let now = load(&power(|bytes| bytes), POWER).unwrap();
    let other = power(|bytes| bytes.replace("Mock power switches", "Soft power switches"));
    let other = load(&other, POWER).unwrap();
    assert!(!Arc::ptr_eq(&now, &other));
    works(&now, POWER, "on").await;
    works(&other, POWER, "on").await;
    works(&now, POWER, "on").await;
}
