//! Programs that call our controller as the usual ones do not: who wants what belongs to others, and
//! who knows less than others.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::time::Duration;

use bytes::Bytes;
use jumpstarter_client::Secret;
use jumpstarter_proto::{
    client_v1::{DeleteLeaseRequest, Lease, UpdateLeaseRequest},
    v1::{
        DialRequest, DriverInstanceReport, GetLeaseRequest, ListenRequest, RegisterRequest,
        ReleaseLeaseRequest, StatusRequest,
    },
};
use jumpstarter_tests::{Controller, Lab, Make, Seen, Standalone, Station};
use tokio::time::timeout;
use tonic::{Code, Status};

const LONG: Duration = Duration::from_secs(600);

#[track_caller]
fn is<T>(answer: Result<T, Status>, code: Code, text: &str) {
    let Err(status) = answer else {
        panic!("it was allowed");
    };
    assert_eq!(
        (status.code(), status.message()),
        (code, text),
        "{status:?}"
    );
}

fn dial(name: &str) -> DialRequest {
    DialRequest {
        lease_name: name.to_owned(),
    }
}

fn listen(name: &str) -> ListenRequest {
    ListenRequest {
        lease_name: name.to_owned(),
    }
}

fn release(name: &str) -> ReleaseLeaseRequest {
    ReleaseLeaseRequest {
        name: name.to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_touches_the_lease_of_another() {
    let lab = Lab::new();
    let controller = Standalone::start(&lab);
    let _station = Station::start(&lab, Make::Ours, &controller, "");
    let name = controller.lease(LONG);
    let full = format!("namespaces/lab/leases/{name}");

    let bob = controller.client(&lab, "bob", &[]).as_client();
    let (mut old, mut new) = (bob.service(), bob.clients());
    is(
        old.dial(dial(&name)).await,
        Code::Unknown,
        "permission denied",
    );
    let asked = GetLeaseRequest { name: name.clone() };
    is(
        old.get_lease(asked).await,
        Code::Unknown,
        "GetLease permission denied",
    );
    let told = "ReleaseLease permission denied";
    is(old.release_lease(release(&name)).await, Code::Unknown, told);
    let change = UpdateLeaseRequest {
        lease: Some(Lease {
            name: full.clone(),
            client: Some("namespaces/lab/clients/bob".to_owned()),
            ..Lease::default()
        }),
        update_mask: None,
    };
    is(
        new.update_lease(change).await,
        Code::Unknown,
        "UpdateLease permission denied",
    );
    let delete = DeleteLeaseRequest { name: full };
    is(
        new.delete_lease(delete).await,
        Code::Unknown,
        "DeleteLease permission denied",
    );

    let other = controller.exporter(&lab, "other", &["--label", "board=other"]);
    let mut service = other.as_exporter().service();
    is(
        service.listen(listen(&name)).await,
        Code::Unknown,
        "permission denied",
    );
    is(
        service.release_lease(release(&name)).await,
        Code::FailedPrecondition,
        &format!("lease {name} is not held by exporter other"),
    );
    is(
        service.release_lease(release("no-such-lease")).await,
        Code::NotFound,
        "lease no-such-lease not found",
    );
    // Each acts only as what it is.
    is(
        service.dial(dial(&name)).await,
        Code::InvalidArgument,
        "object kind mismatch",
    );
    let register = old.register(RegisterRequest::default()).await;
    is(register, Code::InvalidArgument, "object kind mismatch");
    // A token of one is none of another.
    controller
        .client(&lab, "carol", &[])
        .change_token(&controller.tester().token());
    let carol = jumpstarter_tests::Account::of(lab.folder("client-carol.yaml")).as_client();
    let denied = carol.service().dial(dial(&name)).await;
    is(
        denied,
        Code::PermissionDenied,
        "permission denied for client lab/carol",
    );

    let seen = controller.seen();
    assert_eq!(seen.lease.as_ref(), Some(&name), "{seen:?}");
    let mut tester = controller.tester().as_client().service();
    tester.dial(dial(&name)).await.unwrap();
    tester.release_lease(release(&name)).await.unwrap();
    tester.release_lease(release(&name)).await.unwrap();
    controller.wait_free();
    // Late, and not at once: who has not noticed yet would get a lease after the other.
    let late = tester.dial(dial(&name)).await;
    let told = "lease has ended, its exporter is not ready for it";
    is(late, Code::FailedPrecondition, told);
}

/// Exporters before 0.8 never say how they are. They are leased and reached nevertheless, lease
/// after lease.
#[tokio::test(flavor = "multi_thread")]
async fn an_exporter_that_reports_nothing_is_leased_and_reached() {
    let lab = Lab::new();
    let controller = Standalone::start(&lab);
    let exporter = controller.board().as_exporter();
    let mut service = exporter.service();
    let device = DriverInstanceReport {
        uuid: "6f1c2a3e-0000-4000-8000-000000000001".to_owned(),
        ..DriverInstanceReport::default()
    };
    let register = RegisterRequest {
        reports: vec![device],
        ..RegisterRequest::default()
    };
    service.register(register).await.unwrap();
    let mut status = service.status(StatusRequest {}).await.unwrap().into_inner();
    assert!(!status.message().await.unwrap().unwrap().leased);
    let there = |seen: &Seen| seen.online && seen.registered && seen.lease.is_none();
    for _ in 0..3 {
        controller.wait_until("there", there);
        let name = controller.lease(LONG);
        let told = status.message().await.unwrap().unwrap();
        assert_eq!((told.leased, told.lease_name()), (true, &*name));
        assert_eq!(told.client_name(), "tester");

        let client = controller.tester().as_client();
        let mut listening = service.listen(listen(&name)).await.unwrap().into_inner();
        let dialled = client
            .service()
            .dial(dial(&name))
            .await
            .unwrap()
            .into_inner();
        let invited = listening.message().await.unwrap().unwrap();
        let near = Secret::new(dialled.router_token);
        let far = Secret::new(invited.router_token);
        let near = client
            .router(&dialled.router_endpoint, &near)
            .await
            .unwrap();
        let far = exporter
            .router(&invited.router_endpoint, &far)
            .await
            .unwrap();
        let ((_, mut said), (mut heard, _)) = (near.split(), far.split());
        said.send(Bytes::from_static(b"hello")).await.unwrap();
        assert_eq!(heard.next().await.unwrap().unwrap(), "hello");

        controller.end_lease(&name);
        assert!(!status.message().await.unwrap().unwrap().leased);
        // Silence is how an exporter learns nothing new: an end would make it ask again at once.
        let silent = timeout(Duration::from_millis(300), listening.message()).await;
        assert!(silent.is_err(), "{silent:?}");
    }
    drop(status);
    // One that goes without a word, and comes back, is as good as before.
    let mut again = service.status(StatusRequest {}).await.unwrap().into_inner();
    assert!(!again.message().await.unwrap().unwrap().leased);
    controller.wait_until("there", there);
}
