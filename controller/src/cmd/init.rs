//! `jmp-controller init`: everything a lab needs before its first exporter.

use std::io::Write as _;
use std::path::Path;

use super::admin::Admin;
use super::output::{line, tell};
use super::{Failure, Outcome, block_on, user};
use crate::admin::types::NewUser;
use crate::cli::Target;
use crate::config::{Config, Folder};
use crate::serve::Installation;

/// Make keys, certificates, the database and an administrator's token
///
/// It prints what to type next. A configuration that is there is used as it is.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # For exporters and clients on this machine
  jmp-controller init
  # For a lab
  jmp-controller init --host lab.example.com --namespace lab")]
pub struct Cmd {
    /// The namespace of the lab
    #[arg(short, long, default_value = "default")]
    namespace: String,

    /// The name or address under which clients and exporters reach this machine
    #[arg(long, value_name = "HOST", default_value = "localhost")]
    host: String,

    /// The administrator
    #[arg(long, default_value = "admin")]
    admin: String,
}

// === impl Cmd ===

impl Cmd {
    pub(super) fn run(self, target: &Target) -> Outcome {
        let folder = target.folder(&Config::default())?;
        if folder.database().exists() {
            let path = folder.path().display();
            return Err(Failure::Error(format!(
                "there is a controller in `{path}` already; `jmp-controller run` runs it"
            )));
        }
        folder.make().map_err(Failure::error)?;
        let path = match &target.config {
            Some(path) => path.clone(),
            None => folder.config(),
        };
        if !path.exists() {
            self.write(&path, &folder)?;
        }
        let given = target;
        let target = Target {
            config: Some(path.clone()),
            data_dir: Some(folder.path().to_owned()),
            ..Target::default()
        };
        let (config, folder) = target.find()?;
        let token = folder.path().join("admin.token");
        block_on(async {
            let lock = folder.lock().map_err(Failure::error)?;
            let lock = lock.ok_or_else(|| Failure::Error("somebody works on it".to_owned()))?;
            let installation = Installation::open(config, folder.clone(), lock).await;
            installation.map_err(Failure::error)?.close().await;
            let admin = Admin::find(&target, None).await?;
            let new = NewUser {
                name: self.admin.clone(),
                lifetime: None,
            };
            let issued = user::create(&admin, new).await;
            admin.close().await;
            user::keep(&token, &issued?)
        })?;
        tell(format_args!("The lab is in {}", folder.path().display()));
        line(self.next(given, &folder))
    }

    /// What to type next.
    fn next(&self, given: &Target, folder: &Folder) -> String {
        let program = match (&given.data_dir, &given.config) {
            (None, None) => "jmp-controller".to_owned(),
            (_, None) => format!("jmp-controller --data-dir {}", folder.path().display()),
            (_, Some(config)) => format!(
                "jmp-controller --config {} --data-dir {}",
                config.display(),
                folder.path().display()
            ),
        };
        let is_alone = self.host == "localhost";
        let (lab_host, desk) = match is_alone {
            true => ("then", "and where you work"),
            false => (
                "then on the lab host, with my-board.yaml",
                "and where you work, with me.yaml",
            ),
        };
        let (file, with) = match is_alone {
            true => ("--save", ""),
            false => ("--out me.yaml", " --client-config me.yaml"),
        };
        format!(
            "# What to type next, here:\n\
             {program} run\n\
             {program} exporter create my-board --label board=mine --out my-board.yaml\n\
             {program} client create me --unsafe {file}\n\
             # {lab_host}, after adding its drivers under `export:`\n\
             jmp run --exporter-config my-board.yaml\n\
             # {desk}:\n\
             jmp shell{with} --selector board=mine"
        )
    }

    fn write(&self, path: &Path, folder: &Folder) -> Outcome {
        let host = match self.host.contains(':') && !self.host.starts_with('[') {
            true => format!("[{}]", self.host),
            false => self.host.clone(),
        };
        let text = format!(
            "# The controller of a lab; `jmp-controller check` reads it without running anything.\n\
             namespace: {}\n\
             data_dir: {}\n\
             public_endpoints:\n  grpc: '{host}:8082'\n  router: '{host}:8083'\n",
            self.namespace,
            serde_json::Value::from(folder.path().to_string_lossy()),
        );
        Config::of(&text, Some(path), &|_| None).map_err(Failure::error)?;
        let mut file = std::fs::File::create_new(path).map_err(Failure::error)?;
        file.write_all(text.as_bytes()).map_err(Failure::error)?;
        tell(format_args!("Configuration written to {}", path.display()));
        Ok(())
    }
}
