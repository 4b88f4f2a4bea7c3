//! The family plugin, and what every test of the tree does.

#![allow(dead_code, reason = "every test program uses its own part of it")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

use jumpstarter_host::{
    config::{Env, ExporterConfig, Source, parse},
    plugin::{LoadOptions, Registry, Search},
    tree::{Driver, Tree, TreeErrors},
};

/// The folder with the built plugin. It stays: nothing of a test program ends so late that it could
/// remove what is loaded for as long as the program runs.
static BUILT: LazyLock<PathBuf> = LazyLock::new(|| {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let folder = target.join("family");
    fs::create_dir_all(&folder).unwrap();
    // Test programs may run at once: each builds a file of its own, and takes the name in one step.
    let built = target.join(format!("family-{}.so", std::process::id()));
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let status = Command::new("cc")
        .args([
            "-std=c11", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-O1",
        ])
        .args(["-fvisibility=hidden", "-Wl,-z,now", "-I"])
        .arg(here.join("../driver-abi/include"))
        .arg("-o")
        .arg(&built)
        .arg(here.join("tests/family/family.c"))
        .status()
        .expect("a C compiler");
    assert!(status.success());
    fs::rename(built, folder.join("libfamily.so")).unwrap();
    folder
});

/// The folder with the family plugin.
pub(crate) fn built() -> &'static Path {
    &BUILT
}

/// Where cargo puts the plugins of this workspace.
pub(crate) fn target() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    // target/debug/deps/tree_…
    program.parent().unwrap().parent().unwrap().to_owned()
}

/// A configuration whose tree is `export`.
pub(crate) fn config(export: &str) -> ExporterConfig {
    let text = format!("metadata: {{namespace: lab, name: bench}}\nexport:\n{export}\n");
    let source = Source::new(Path::new("lab.yaml"), &text);
    parse(&source, &Env::default()).unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) fn registry(folders: &[PathBuf], state: &Path) -> Registry {
    let mut all = vec![BUILT.to_owned()];
    all.extend_from_slice(folders);
    let options = LoadOptions {
        insecure_plugins: true,
        worker_threads: 1,
        state_dir: state.to_owned(),
    };
    let mut search = Search::new(&[], None, &[]);
    search.folders = all;
    Registry::new(search, options)
}

/// An open tree and its folders.
pub(crate) struct Home {
    pub(crate) tree: Tree,
    pub(crate) folder: tempfile::TempDir,
}

pub(crate) async fn open(config: &ExporterConfig) -> Result<Home, TreeErrors> {
    let folder = tempfile::tempdir().unwrap();
    let registry = registry(&[target()], &folder.path().join("state"));
    let tree = Tree::open(config, &registry, &folder.path().join("session")).await?;
    Ok(Home { tree, folder })
}

impl Home {
    /// The driver at a dotted path.
    pub(crate) fn driver(&self, path: &str) -> &Driver {
        let reports = self.tree.reports().iter();
        let mut drivers = reports.map(|report| {
            let uuid = report.uuid.parse().unwrap();
            self.tree.driver(&uuid).unwrap()
        });
        drivers
            .find(|driver| driver.name == path)
            .unwrap_or_else(|| panic!("no driver {path}"))
    }

    /// Calls a method with texts; the answer as JSON.
    pub(crate) async fn call(
        &self,
        path: &str,
        method: &str,
        args: &[&str],
    ) -> Result<String, String> {
        let args: Vec<_> = args
            .iter()
            .map(|arg| jumpstarter_value::to_vec(arg).unwrap().into())
            .collect();
        let answer = self.driver(path).call(method, &args, None).await;
        let bytes = answer.map_err(|error| format!("{:?}: {error}", error.code))?;
        let value: serde_json::Value = jumpstarter_value::from_slice(&bytes).unwrap();
        Ok(value.to_string())
    }

    /// The report, a line per entry: `name=driver<parent`.
    pub(crate) fn shape(&self) -> Vec<String> {
        let label = |uuid: &str| {
            let driver = self.tree.driver(&uuid.parse().unwrap()).unwrap();
            if driver.name.is_empty() {
                "R".to_owned()
            } else {
                driver.name.clone()
            }
        };
        let line = |report: &jumpstarter_proto::v1::DriverInstanceReport| {
            let name = report
                .labels
                .get("jumpstarter.dev/name")
                .map_or("", String::as_str);
            let parent = report
                .parent_uuid
                .as_deref()
                .map_or_else(String::new, |uuid| format!("<{}", label(uuid)));
            format!("{name}={}{parent}", label(&report.uuid))
        };
        self.tree.reports().iter().map(line).collect()
    }
}
