//! Which service a method path belongs to.

/// A service of this exporter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    Exporter,
    Router,
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
            "jumpstarter.v1.RouterService" => (Self::Router, &["Stream"]),
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
    fn knows_every_method_of_its_services() {
        let set = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap_or_default();
        for (name, route, count) in [
            ("ExporterService", Route::Exporter, 7),
            ("RouterService", Route::Router, 1),
        ] {
            let service = set
                .file
                .iter()
                .flat_map(|file| &file.service)
                .find(|service| service.name() == name);
            let methods = service.map(|service| service.method.as_slice());
            assert!(methods.is_some_and(|methods| methods.len() >= count));
            for method in methods.unwrap_or_default() {
                let path = format!("/jumpstarter.v1.{name}/{}", method.name());
                assert_eq!(Route::of(&path), Some(route), "{path}");
            }
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
            "/jumpstarter.v1.RouterService/Nope",
            "/jumpstarter.v1.ControllerService/Register",
        ] {
            assert_eq!(Route::of(path), None, "{path}");
        }
    }
}
