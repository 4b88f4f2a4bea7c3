//! What happens to plugin files while the host runs, and who may have changed them before.

#![allow(clippy::unwrap_used)]

mod common;

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use common::build::{META, TINY, Tiny, compile, example_c};
use common::values::decode;
use common::{C_POWER, Shelf};
use jumpstarter_host::plugin::{Library, LoadOptions, PluginError, Registry, Search};
use serde_json::Value;

const TINY_TYPE: &str = "acme.Power";

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn load(registry: &Registry, type_name: &str) -> Result<Arc<Library>, PluginError> {
    registry.load(&registry.find(type_name)?)
}

/// A plugin whose only method answers with a number.
fn numbered(path: &Path, version: &str, number: u8) {
    let metadata = META.replace("2.1", version);
    let code = format!(
        "static void answer(uint64_t h, const jmp_call *c, jmp_completion d) {{
           static const uint8_t value[] = {{0x11, 0, 0, 0, 0, 0, 0, {high}, 0x40}};
           jmp_reply reply = {{.fd = -1, .body = {{value, sizeof value}}}};
           (void)h; (void)c; d.done(d.ctx, &reply);
         }}
         const jmp_plugin *jmp_driver_entry_v1(void) {{
           static jmp_plugin p; p = plugin; p.functions.call = answer; return &p; }}",
        // Doubles of the form 2 + n/8.
        high = number
    );
    let door = "";
    Tiny {
        metadata: &metadata,
        code: &code,
        door,
        ..TINY
    }
    .build(path);
}

async fn answer(library: &Arc<Library>) -> Value {
    let driver = library.open(0, TINY_TYPE, "x", "{}").await.unwrap().driver;
    decode(&driver.call("get", &[], None).await.unwrap())
}

#[test]
fn files_that_others_could_have_changed() {
    let shelf = Shelf::with(&example_c());
    let file = shelf.path("libjumpstarter_driver_example_c.so");
    let folder = file.parent().unwrap().to_owned();
    let says = || {
        load(&shelf.registry(), C_POWER)
            .map(drop)
            .map_err(|error| error.to_string())
    };
    let shown = file.display();

    for bad in [0o666, 0o664, 0o646] {
        mode(&file, bad);
        assert_eq!(
            says(),
            Err(format!(
                "driver plugin {shown} can be changed by others (mode {bad:o}); remove group and \
                 world write, or start with --insecure-plugins"
            ))
        );
    }
    mode(&file, 0o644);
    says().unwrap();

    for bad in [0o777, 0o770] {
        mode(&folder, bad);
        assert_eq!(
            says(),
            Err(format!(
                "driver plugin {shown} can be changed by others ({} has mode {bad:o}); remove \
                 group and world write, or start with --insecure-plugins",
                folder.display()
            ))
        );
    }
    // In a sticky folder others can add files, and not replace ours.
    mode(&folder, 0o1777);
    says().unwrap();
    mode(&folder, 0o755);

    // Far above the file, too.
    let deep = folder.join("a/b");
    fs::create_dir_all(&deep).unwrap();
    fs::rename(&file, deep.join("x.so")).unwrap();
    mode(&folder.join("a"), 0o777);
    let error = load(&shelf.registry_of(&[deep]), C_POWER)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains(&format!("({} has mode 777)", folder.join("a").display())),
        "{error}"
    );
}

#[test]
fn a_file_of_somebody_else() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("skipped: only root can give files away");
        return;
    }
    let shelf = Shelf::with(&example_c());
    let file = shelf.path("libjumpstarter_driver_example_c.so");
    let says = || load(&shelf.registry(), C_POWER).unwrap_err().to_string();
    let daemon = Some(1);

    chown(&file, daemon, None).unwrap();
    let owner = "belongs to user `daemon`); give it to root or to user `root`, or start with \
                 --insecure-plugins";
    let (file_shown, folder_shown) = (file.display(), file.parent().unwrap().display());
    assert_eq!(
        says(),
        format!("driver plugin {file_shown} can be changed by others ({file_shown} {owner}")
    );
    chown(&file, Some(0), None).unwrap();
    chown(file.parent().unwrap(), daemon, None).unwrap();
    assert_eq!(
        says(),
        format!("driver plugin {file_shown} can be changed by others ({folder_shown} {owner}")
    );
}

#[test]
fn a_link_counts_as_what_it_leads_to() {
    let shelf = Shelf::new();
    let elsewhere = Shelf::with(&example_c());
    let file = elsewhere.path("libjumpstarter_driver_example_c.so");
    symlink(&file, shelf.path("link.so")).unwrap();
    load(&shelf.registry(), C_POWER).unwrap();
    mode(&file, 0o666);
    let error = load(&shelf.registry(), C_POWER).unwrap_err().to_string();
    assert!(error.contains("One file was refused"), "{error}");
    let error = shelf
        .registry()
        .find_in(&shelf.path("link.so"), C_POWER)
        .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with(&format!("driver plugin {} can be changed", file.display())),
        "{error}"
    );
}

#[test]
fn whoever_insists_gets_a_warning_instead() {
    let shelf = Shelf::with(&example_c());
    mode(&shelf.path("libjumpstarter_driver_example_c.so"), 0o666);
    let options = LoadOptions {
        insecure_plugins: true,
        ..shelf.options()
    };
    let search = Search::only(&[shelf.plugins.path().to_owned()], None, &[]);
    load(&Registry::new(search, options), C_POWER).unwrap();
}

#[test]
fn a_plugin_is_loaded_from_a_private_copy() {
    let shelf = Shelf::new();
    Tiny {
        metadata: &META.replace("2.1", "private"),
        ..TINY
    }
    .build(&shelf.path("x.so"));
    let library = load(&shelf.registry(), TINY_TYPE).unwrap();
    let copy = shelf
        .state
        .path()
        .join(format!("plugins/{}.so", library.sha256()));
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    assert!(maps.contains(copy.to_str().unwrap()), "the copy is mapped");
    assert!(
        !maps.contains(shelf.path("x.so").to_str().unwrap()),
        "the original is not"
    );
    assert_eq!(
        fs::metadata(&copy).unwrap().permissions().mode() & 0o777,
        0o500
    );
    assert_eq!(
        fs::read(copy).unwrap(),
        fs::read(shelf.path("x.so")).unwrap()
    );
}

#[tokio::test]
async fn a_file_replaced_by_rename_is_a_new_library_beside_the_old() {
    let shelf = Shelf::new();
    let path = shelf.path("x.so");
    let registry = shelf.registry();
    numbered(&path, "1.0", 0);
    let old = load(&registry, TINY_TYPE).unwrap();
    assert_eq!(answer(&old).await, 2);

    let next = shelf.path("next");
    numbered(&next, "2.0", 8);
    fs::rename(&next, &path).unwrap();
    let new = load(&registry, TINY_TYPE).unwrap();
    assert_eq!(new.metadata().version, "2.0");
    assert_eq!(answer(&new).await, 3);
    assert_eq!(answer(&old).await, 2, "both live");
}

#[tokio::test]
async fn a_file_overwritten_in_place_changes_nothing_that_runs() {
    let shelf = Shelf::new();
    let path = shelf.path("x.so");
    let registry = shelf.registry();
    numbered(&path, "3.0", 4);
    let library = load(&registry, TINY_TYPE).unwrap();
    let length = fs::metadata(&path).unwrap().len() as usize;
    fs::write(&path, vec![0xcc; length]).unwrap();
    assert_eq!(answer(&library).await, 2.5);
}

#[test]
fn a_file_swapped_between_the_look_and_the_load_is_noticed() {
    let shelf = Shelf::new();
    let path = shelf.path("x.so");
    let registry = shelf.registry();
    numbered(&path, "4.0", 0);
    let found = registry.find(TINY_TYPE).unwrap();
    let next = shelf.path("next");
    numbered(&next, "5.0", 0);
    fs::rename(&next, &path).unwrap();
    assert_eq!(
        registry.load(&found).unwrap_err().to_string(),
        format!(
            "driver plugin {}: the file changed while it was being loaded; try again",
            path.display()
        )
    );
    // And so is one that became somebody's plaything meanwhile.
    let found = registry.find(TINY_TYPE).unwrap();
    mode(&path, 0o666);
    assert!(matches!(
        registry.load(&found),
        Err(PluginError::Untrusted(_))
    ));
}

#[test]
fn a_copy_that_was_spoiled_is_made_again() {
    let shelf = Shelf::new();
    let path = shelf.path("x.so");
    Tiny {
        metadata: &META.replace("2.1", "spoiled"),
        ..TINY
    }
    .build(&path);
    let bytes = fs::read(&path).unwrap();
    let sha256 = shelf.registry().inspect(&path).unwrap().sha256;
    let copies = shelf.state.path().join("plugins");
    fs::create_dir(&copies).unwrap();
    mode(&copies, 0o700);
    let copy = copies.join(format!("{sha256}.so"));
    fs::write(&copy, &bytes[..4096]).unwrap();
    mode(&copy, 0o500);
    load(&shelf.registry(), TINY_TYPE).unwrap();
    assert_eq!(fs::read(copy).unwrap(), bytes);
}

#[test]
fn one_file_is_loaded_once_whatever_leads_to_it() {
    let first = Shelf::with(&example_c());
    let second = Shelf::with(&example_c());
    let one = load(&first.registry(), C_POWER).unwrap();
    let two = load(&first.registry(), C_POWER).unwrap();
    let three = load(&second.registry(), C_POWER).unwrap();
    assert!(Arc::ptr_eq(&one, &two));
    assert!(
        Arc::ptr_eq(&one, &three),
        "the same bytes are the same library"
    );
}

#[test]
fn a_type_is_looked_for_in_its_own_file_first() {
    let shelf = Shelf::new();
    let metadata = |name: &str| {
        META.replace("acme", name)
            .replace(&format!("{name}.Power"), "my_board.driver.Power")
    };
    let build = |file: &str, name: &str| {
        Tiny {
            metadata: &metadata(name),
            ..TINY
        }
        .build(&shelf.path(file));
    };
    build("aaa.so", "aaa");
    assert_eq!(
        shelf.find("my_board.driver.Power").unwrap().metadata.name,
        "aaa"
    );
    build("libmy_board.so", "own");
    assert_eq!(
        shelf.find("my_board.driver.Power").unwrap().metadata.name,
        "own"
    );

    // Without the own file, two others are one too many.
    fs::remove_file(shelf.path("libmy_board.so")).unwrap();
    build("bbb.so", "bbb");
    assert_eq!(
        shelf.find("my_board.driver.Power").unwrap_err().to_string(),
        format!(
            "driver class `my_board.driver.Power` is in both {} and {}; remove one of them or take \
             its folder off the search path",
            shelf.path("aaa.so").display(),
            shelf.path("bbb.so").display()
        )
    );
    // A copy of the same plugin is not another plugin; the first on the path is taken.
    fs::copy(shelf.path("aaa.so"), shelf.path("bbb.so")).unwrap();
    let found = shelf.find("my_board.driver.Power").unwrap();
    assert_eq!(found.path, shelf.path("aaa.so"));
    // Nor is a second name of the same file.
    fs::remove_file(shelf.path("bbb.so")).unwrap();
    symlink(shelf.path("aaa.so"), shelf.path("ccc.so")).unwrap();
    shelf.find("my_board.driver.Power").unwrap();
}

#[test]
fn the_own_file_says_more_than_the_lack_of_a_type() {
    let shelf = Shelf::with(&example_c());
    let own = shelf.put_as("libmy_board.so", b"");
    assert_eq!(
        shelf.find("my_board.driver.Power").unwrap_err().to_string(),
        format!("driver plugin {}: the file is empty", own.display())
    );
}

#[test]
fn nothing_is_found_where_nothing_is() {
    let shelf = Shelf::new();
    let folders = [PathBuf::from("/nowhere"), shelf.plugins.path().to_owned()];
    let registry = shelf.registry_of(&folders);
    assert_eq!(
        registry.find("acme.Power").unwrap_err().to_string(),
        format!(
            "no driver class `acme.Power` in any plugin; no usable plugins in /nowhere, {}",
            shelf.plugins.path().display()
        )
    );
    assert_eq!(
        registry
            .locate(Path::new("power.so"))
            .unwrap_err()
            .to_string(),
        format!(
            "driver plugin power.so: not found in /nowhere, {}",
            shelf.plugins.path().display()
        )
    );
}

#[test]
fn a_library_beside_the_plugin_is_distrusted_as_well() {
    let shelf = Shelf::new();
    let library = shelf.path("libacmebeside.so.1");
    compile(
        "int dep_fn(void) { return 1; }",
        &library,
        &["-Wl,-soname,libacmebeside.so.1"],
    );
    let code = "int dep_fn(void); int uses(void) { return dep_fn(); }";
    let flags = [library.to_str().unwrap()];
    let metadata = META.replace("2.1", "beside");
    Tiny {
        metadata: &metadata,
        code,
        flags: &flags,
        ..TINY
    }
    .build(&shelf.path("x.so"));
    mode(&library, 0o666);
    let error = load(&shelf.registry(), TINY_TYPE).unwrap_err();
    assert!(matches!(error, PluginError::Untrusted(_)), "{error}");
    mode(&library, 0o644);
    load(&shelf.registry(), TINY_TYPE).unwrap();
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    assert!(
        !maps.contains(library.to_str().unwrap()),
        "it runs from a copy, too"
    );
}
