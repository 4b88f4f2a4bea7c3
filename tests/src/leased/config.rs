//! Configuration files of those who come to a controller.

use std::path::PathBuf;

use super::{Access, Controller};
use crate::Lab;

// === impl Access ===

impl Access {
    /// The beginning of an exporter's configuration: who it is and where its controller is.
    pub fn exporter_yaml(&self) -> String {
        let Self {
            endpoint,
            ca,
            namespace,
            exporter: (name, token),
            ..
        } = self;
        format!(
            "apiVersion: jumpstarter.dev/v1alpha1\n\
             kind: ExporterConfig\n\
             metadata: {{namespace: {namespace}, name: {name}}}\n\
             endpoint: {endpoint}\n\
             tls: {{ca: \"{ca}\", insecure: false}}\n\
             token: {token}\n"
        )
    }

    /// A client's configuration.
    pub fn client_yaml(&self) -> String {
        let Self {
            endpoint,
            ca,
            namespace,
            client: (name, token),
            ..
        } = self;
        format!(
            "apiVersion: jumpstarter.dev/v1alpha1\n\
             kind: ClientConfig\n\
             metadata: {{namespace: {namespace}, name: {name}}}\n\
             endpoint: {endpoint}\n\
             tls: {{ca: \"{ca}\", insecure: false}}\n\
             token: {token}\n\
             drivers: {{allow: [], unsafe: true}}\n"
        )
    }
}

/// Puts the client's configuration where `--client story` looks for it.
pub(super) fn client_config(lab: &Lab, controller: &impl Controller) -> PathBuf {
    let folder = lab.folder("home/.config/jumpstarter/clients");
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("story.yaml");
    std::fs::write(&file, controller.access().client_yaml()).expect("a file");
    file
}
