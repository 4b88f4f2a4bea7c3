//! A client or an exporter of the controller, by the file that was written for it.

use std::{
    ffi::OsStr,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use jumpstarter_client::{
    Secret,
    connect::{ChannelOptions, Tls},
    controller::{Controller, Identity, Kind},
};
use serde_yaml::Value;

use crate::{Lab, Make, Outcome, PATIENCE, Station, run};

/// A configuration file.
#[derive(Clone, Debug)]
pub struct Account {
    name: String,
    file: PathBuf,
}

// === impl Account ===

impl Account {
    /// The account of this file, which nobody else can read.
    pub fn of(file: PathBuf) -> Self {
        let mode = fs::metadata(&file)
            .expect("it is there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{}", file.display());
        let name = text(&read(&file)["metadata"]["name"]);
        Self { name, file }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The token in it now.
    pub fn token(&self) -> String {
        text(&read(&self.file)["token"])
    }

    /// Whom it trusts.
    pub fn ca(&self) -> String {
        text(&read(&self.file)["tls"]["ca"])
    }

    /// `jmp WORDS`, as this client, to its end.
    pub fn jmp<S: AsRef<OsStr>>(
        &self,
        lab: &Lab,
        make: Make,
        words: impl IntoIterator<Item = S>,
    ) -> Outcome {
        let mut command = make.command(lab, "jmp");
        // Tables are not to be broken.
        command.env("COLUMNS", "200");
        command.args(words).arg("--client-config").arg(&self.file);
        run(&mut command, PATIENCE)
    }

    /// `jmp shell`, as this client; add what it is to lease and what is to be run.
    pub fn shell(&self, lab: &Lab, make: Make) -> Command {
        let mut command = make.command(lab, "jmp");
        command.arg("shell").arg("--client-config").arg(&self.file);
        command
    }

    /// Starts this exporter.
    pub fn launch(&self, lab: &Lab, make: Make) -> Station {
        Station::launch(make, &mut Station::command_of(lab, make, &self.file, &[]))
    }

    /// The controller's calls, as this client; within a runtime.
    pub fn as_client(&self) -> Controller {
        self.calls(Kind::Client)
    }

    /// The controller's calls, as this exporter; within a runtime.
    pub fn as_exporter(&self) -> Controller {
        self.calls(Kind::Exporter)
    }

    fn calls(&self, kind: Kind) -> Controller {
        let file = read(&self.file);
        let identity = Identity {
            kind,
            namespace: text(&file["metadata"]["namespace"]),
            name: self.name.clone(),
            token: Secret::new(text(&file["token"])),
        };
        let tls = Tls::from_settings(&text(&file["tls"]["ca"]), false).expect("an authority");
        let options = ChannelOptions::default();
        let controller = Controller::new(&text(&file["endpoint"]), &tls, &identity, &options);
        controller.expect("what the administrators wrote makes sense")
    }

    /// Puts another token into it.
    pub fn change_token(&self, token: &str) {
        let changed = fs::read_to_string(&self.file).expect("it is there");
        let changed = changed.replace(&self.token(), token);
        fs::write(&self.file, changed).expect("it can be written");
    }

    /// Gives the exporter its drivers, as a person with an editor does.
    pub fn with_drivers(self, drivers: &str) -> Self {
        let text = fs::read_to_string(&self.file).expect("it is there");
        assert!(text.contains("export: {}\n"), "{text}");
        fs::write(&self.file, text.replace("export: {}\n", drivers)).expect("it can be written");
        self
    }
}

fn read(file: &Path) -> Value {
    let text = fs::read_to_string(file).expect("it is there");
    serde_yaml::from_str(&text).expect("it is YAML")
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}
