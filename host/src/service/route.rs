//! Which service a method path belongs to.

/// A service of this exporter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    Exporter,
    Health,
    Reflection,
    ReflectionAlpha,
}

// === impl Route ===

impl Route {
    /// The service that has this method; nothing for a method that no service has.
    pub(super) fn of(path: &str) -> Option<Self> {
        let (service, method) = path.strip_prefix('/')?.split_once('/')?;
        let (route, methods): (Self, &[&str]) = match service {
            "jumpstarter.v1.ExporterService" => (
                Self::Exporter,
                &[
                    "DriverCall",
                    "StreamingDriverCall",
                    "GetStatus",
                    "GetReport",
                    "LogStream",
                    "EndSession",
                    "Reset",
                ],
            ),
            "grpc.health.v1.Health" => (Self::Health, &["Check", "Watch"]),
            "grpc.reflection.v1.ServerReflection" => (Self::Reflection, &["ServerReflectionInfo"]),
            "grpc.reflection.v1alpha.ServerReflection" => {
                (Self::ReflectionAlpha, &["ServerReflectionInfo"])
            }
            _ => return None,
        };
        methods.contains(&method).then_some(route)
    }
}

#[cfg(test)]
mod tests {
    use jumpstarter_proto::FILE_DESCRIPTOR_SET;
    use prost::Message;
    use prost_types::FileDescriptorSet;

    use super::Route;

    #[test]
    fn knows_every_method_of_the_exporter_service() {
        let set = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap_or_default();
        let service = set
            .file
            .iter()
            .flat_map(|file| &file.service)
            .find(|service| service.name() == "ExporterService");
        let methods = service.map(|service| service.method.as_slice());
        assert!(methods.is_some_and(|methods| methods.len() >= 7));
        for method in methods.unwrap_or_default() {
            let path = format!("/jumpstarter.v1.ExporterService/{}", method.name());
            assert_eq!(Route::of(&path), Some(Route::Exporter), "{path}");
        }
    }

    #[test]
    fn knows_nothing_else() {
        for path in [
            "",
            "/",
            "/jumpstarter.v1.ExporterService",
            "/jumpstarter.v1.ExporterService/",
            "/jumpstarter.v1.ExporterService/Nope",
            "/jumpstarter.v1.ControllerService/Register",
        ] {
            assert_eq!(Route::of(path), None, "{path}");
        }
    }
}
