//! `jmp-controller router`: routers on other machines.

use std::path::{Path, PathBuf};

use clap::{Subcommand, ValueHint};

use super::output::{line, tell};
use super::{Failure, Outcome};
use crate::cli::Target;
use crate::config::{Config, Folder};
use crate::identity::files;
use crate::tls::{Authority, Names};

/// Make routers for other machines
///
/// Byte streams then meet there instead of here. Clients and exporters have to reach that machine, and
/// trust the same authority as before.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # The folder goes to that machine
  jmp-controller router create r2 --host r2.example.com
  scp -r r2 r2.example.com:
  # and there
  jmp-controller --data-dir r2 run --role router
  # Its certificate is good for three months; this makes another one
  jmp-controller router create r2 --host r2.example.com --renew")]
pub struct Cmd {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Write a folder with all that a router needs: a key, a certificate, a configuration
    Create(Create),
}

#[derive(Debug, clap::Args)]
struct Create {
    /// The folder
    #[arg(value_hint = ValueHint::DirPath)]
    folder: PathBuf,

    /// The name or address under which clients and exporters reach that machine
    #[arg(long)]
    host: String,

    /// Its port
    #[arg(long, default_value_t = 8083)]
    port: u16,

    /// Replace only the certificate in a folder that is there
    #[arg(long)]
    renew: bool,
}

// === impl Cmd ===

impl Cmd {
    pub(super) fn run(self, target: &Target) -> Outcome {
        if target.server.is_some() {
            return Err(Failure::Usage(
                "a router is made on the controller's machine".to_owned(),
            ));
        }
        let (config, folder) = target.find()?;
        match self.what {
            What::Create(create) => create.run(&config, &folder),
        }
    }
}

// === impl Create ===

impl Create {
    fn run(self, config: &Config, folder: &Folder) -> Outcome {
        if !folder.database().exists() {
            let path = folder.path().display();
            return Err(Failure::Error(format!(
                "there is no controller in `{path}`; make one with `jmp-controller init`, or name \
                 its folder with `--data-dir`"
            )));
        }
        if config.tls.is_some() {
            return Err(Failure::Error(
                "the certificate of this controller is somebody else's; get one for the router there, \
                 and give it the text of the router key as ROUTER_KEY"
                    .to_owned(),
            ));
        }
        let host = match self.host.contains(':') && !self.host.starts_with('[') {
            true => format!("[{}]", self.host),
            false => self.host.clone(),
        };
        let endpoint = format!("{host}:{}", self.port);
        let names = Names::of([&endpoint]).map_err(Failure::error)?;
        if self.folder.join("router.key").exists() != self.renew {
            let path = self.folder.display();
            return Err(Failure::Error(match self.renew {
                true => format!("there is no router in `{path}`; leave out --renew to make one"),
                false => format!("there is a router in `{path}`; --renew gives it a certificate"),
            }));
        }
        let authority = Authority::open(&folder.authority()).map_err(Failure::error)?;
        let leaf = authority.issue(&names).map_err(Failure::error)?;
        files::folder(&self.folder).map_err(Failure::error)?;
        // Key first: the router, which looks for both files, then never finds a pair that does not
        // match.
        self.write("tls.key", leaf.key.expose())?;
        self.write("tls.crt", &leaf.chain)?;
        if self.renew {
            let path = self.folder.display();
            return line(format_args!("Another certificate is in {path}"));
        }
        let key = match &config.router_key {
            Some(key) => key.expose().clone(),
            None => {
                // The key may not exist yet, as it is made at the first start.
                crate::identity::RouterTokens::open(&folder.router_key())
                    .map_err(Failure::error)?;
                let key = files::read(&folder.router_key()).map_err(Failure::error)?;
                key.unwrap_or_default()
            }
        };
        self.write("controller.yaml", &self.settings(config, &endpoint)?)?;
        self.write("router.key", &key)?;
        tell(format_args!(
            "The router is in {}; copy it to {host}, and there: jmp-controller --data-dir {} run --role router",
            self.folder.display(),
            name(&self.folder),
        ));
        line(format_args!(
            "# Into the configuration of this controller, and then `systemctl reload jmp-controller`:\n\
             router:\n  default: {{endpoint: '{endpoint}'}}"
        ))
    }

    /// The configuration of a program that is only a router.
    fn settings(&self, config: &Config, endpoint: &str) -> Result<String, Failure> {
        let text = format!(
            "# The router of the lab at {0}: jmp-controller --data-dir FOLDER run --role router\n\
             namespace: {1}\n\
             listen:\n  router: ':{2}'\n\
             public_endpoints:\n  router: '{endpoint}'\n\
             # Beside this file; looked at again when they change.\n\
             tls:\n  certificate: tls.crt\n  key: tls.key\n",
            config.public.grpc, config.namespace, self.port
        );
        let path = self.folder.join("controller.yaml");
        Config::of(&text, Some(&path), &|_| None).map_err(Failure::error)?;
        Ok(text)
    }

    fn write(&self, name: &str, text: &str) -> Outcome {
        files::write(&self.folder.join(name), text).map_err(Failure::error)
    }
}

/// The name of the folder, without its path.
fn name(folder: &Path) -> String {
    let name = folder.file_name().unwrap_or(folder.as_os_str());
    name.to_string_lossy().into_owned()
}
