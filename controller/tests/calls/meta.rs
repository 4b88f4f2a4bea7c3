//! What tools ask before they ask anything else: health, and which services there are.

use prost::Message;
use tonic::Code;

use crate::lab::Lab;
use crate::line::Line;
use crate::methods::Call;
use crate::people::plain;

/// `grpc.health.v1.HealthCheckRequest` and `…Response`, of which we need no more.
#[derive(Clone, PartialEq, Message)]
struct Check {
    #[prost(string, tag = "1")]
    service: String,
}

#[derive(Clone, PartialEq, Message)]
struct Checked {
    #[prost(int32, tag = "1")]
    status: i32,
}

/// The requests of reflection that tools make, and what they look at in the answers.
#[derive(Clone, PartialEq, Message)]
struct Question {
    #[prost(oneof = "Wanted", tags = "3, 4, 7")]
    wanted: Option<Wanted>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Wanted {
    #[prost(string, tag = "3")]
    File(String),
    #[prost(string, tag = "4")]
    Symbol(String),
    #[prost(string, tag = "7")]
    Services(String),
}

#[derive(Clone, PartialEq, Message)]
struct Answer {
    #[prost(message, optional, tag = "4")]
    files: Option<Files>,
    #[prost(message, optional, tag = "6")]
    services: Option<Services>,
}

#[derive(Clone, PartialEq, Message)]
struct Files {
    #[prost(bytes = "vec", repeated, tag = "1")]
    files: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
struct Services {
    #[prost(message, repeated, tag = "1")]
    services: Vec<Service>,
}

#[derive(Clone, PartialEq, Message)]
struct Service {
    #[prost(string, tag = "1")]
    name: String,
}

#[tokio::test]
async fn health_is_told_to_everybody() {
    let lab = Lab::started();
    for port in [lab.ports.grpc, lab.ports.router] {
        let line = lab.line_to(port, 1 << 20).await;
        let check = |service: &str| Call {
            path: "grpc.health.v1.Health/Check",
            message: Check {
                service: service.to_owned(),
            }
            .encode_to_vec(),
        };
        let checked: Checked = line.get(&plain(), &check("")).await;
        assert_eq!(checked.status, 1);
        let (code, _) = line.refusal(&plain(), &check("nothing")).await;
        assert_eq!(code, Code::NotFound);
    }
}

fn question(path: &'static str, wanted: Wanted) -> Call {
    let question = Question {
        wanted: Some(wanted),
    };
    let message = question.encode_to_vec();
    Call { path, message }
}

async fn reflect(line: &Line, path: &'static str, wanted: Wanted) -> Answer {
    line.get(&plain(), &question(path, wanted)).await
}

#[tokio::test]
async fn services_can_be_listed_and_looked_into() {
    let lab = Lab::started();
    for port in [lab.ports.grpc, lab.ports.router] {
        let line = lab.line_to(port, 1 << 20).await;
        for path in [
            "grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
            "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        ] {
            let answer = reflect(&line, path, Wanted::Services(String::new())).await;
            let services = answer.services.unwrap().services;
            let names: Vec<&str> = services
                .iter()
                .map(|service| service.name.as_str())
                .collect();
            let needed = [
                "grpc.health.v1.Health",
                "jumpstarter.client.v1.ClientService",
                "jumpstarter.v1.ControllerService",
                "jumpstarter.v1.RouterService",
            ];
            for name in needed {
                assert!(names.contains(&name), "{name} {names:?}");
                let answer = reflect(&line, path, Wanted::Symbol(name.to_owned())).await;
                let files = answer.files.unwrap().files;
                let file = prost_types::FileDescriptorProto::decode(&files[0][..]).unwrap();
                let last = name.rsplit('.').next().unwrap();
                assert!(
                    file.service.iter().any(|service| service.name() == last),
                    "{name}"
                );
                // Tools follow its imports.
                for import in &file.dependency {
                    let answer = reflect(&line, path, Wanted::File(import.clone())).await;
                    assert!(answer.files.is_some(), "{import}: {answer:?}");
                }
            }
            let unknown = question(path, Wanted::Symbol("nothing.at.All".to_owned()));
            let (code, _) = line.refusal(&plain(), &unknown).await;
            assert_eq!(code, Code::NotFound);
        }
    }
}
