//! What other tools ask of a gRPC server: which services, which types, and are you well.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use jumpstarter_tests::{Lab, dial};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};

const POWER: &str = "power: {type: jumpstarter_driver_power.driver.MockPower}";

#[tokio::test]
async fn the_services_are_listed() {
    let lab = Lab::new();
    let exporter = lab.exporter(POWER).start();
    let mut client = ServerReflectionClient::new(dial(&exporter).await);
    let request = ServerReflectionRequest {
        message_request: Some(MessageRequest::ListServices(String::new())),
        ..Default::default()
    };
    let mut answers = client
        .server_reflection_info(tokio_stream::once(request))
        .await
        .unwrap()
        .into_inner();
    let answer = answers.message().await.unwrap().unwrap();
    let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else {
        panic!("{answer:?}");
    };
    let names: Vec<_> = list
        .service
        .into_iter()
        .map(|service| service.name)
        .collect();
    for name in [
        "jumpstarter.v1.ExporterService",
        "jumpstarter.v1.RouterService",
        "grpc.health.v1.Health",
    ] {
        assert!(names.iter().any(|listed| listed == name), "{names:?}");
    }
}

#[tokio::test]
async fn types_are_served_as_they_were_declared() {
    let lab = Lab::new();
    let exporter = lab.exporter(POWER).start();
    let mut client = ServerReflectionClient::new(dial(&exporter).await);
    let symbol = "jumpstarter.v1.DriverCallRequest".to_owned();
    let request = ServerReflectionRequest {
        message_request: Some(MessageRequest::FileContainingSymbol(symbol)),
        ..Default::default()
    };
    let mut answers = client
        .server_reflection_info(tokio_stream::once(request))
        .await
        .unwrap()
        .into_inner();
    let answer = answers.message().await.unwrap().unwrap();
    let Some(MessageResponse::FileDescriptorResponse(files)) = answer.message_response else {
        panic!("{answer:?}");
    };
    let text = String::from_utf8_lossy(&files.file_descriptor_proto[0]).into_owned();
    assert!(text.contains("google.protobuf.Value"), "args are Values");
}

#[tokio::test]
async fn it_says_that_it_is_well() {
    let lab = Lab::new();
    let exporter = lab.exporter(POWER).start();
    let mut client = HealthClient::new(dial(&exporter).await);
    let service = String::new();
    let answer = client.check(HealthCheckRequest { service }).await.unwrap();
    assert_eq!(answer.into_inner().status(), ServingStatus::Serving);
}
