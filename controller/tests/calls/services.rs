//! Every method, used as it is meant, with the generated clients.

use jumpstarter_proto::client_v1::{
    CreateLeaseRequest, DeleteLeaseRequest, GetExporterRequest, GetLeaseRequest, Lease,
    ListExportersRequest, ListLeasesRequest, RotateTokenRequest, UpdateLeaseRequest,
};
use jumpstarter_proto::v1::{
    self, DialRequest, ExporterStatus, GetServiceEndpointsRequest, LabelSelector, ListenRequest,
    RegisterRequest, ReleaseLeaseRequest, ReportStatusRequest, RequestLeaseRequest, StatusRequest,
    UnregisterRequest,
};

use crate::lab::Lab;
use crate::methods::{seconds, wish};

const PARENT: &str = "namespaces/lab";
const MINE: &str = "namespaces/lab/leases/mine";

fn condition(lease: &Lease) -> Vec<(&str, &str, &str)> {
    let conditions = lease.conditions.iter();
    conditions
        .map(|condition| (condition.r#type(), condition.status(), condition.reason()))
        .collect()
}

#[tokio::test]
async fn a_client_leases_an_exporter() {
    let lab = Lab::started();
    let (alice, mut board) = (lab.client("alice"), lab.board("board").await);
    let mut clients = alice.clients();
    let parent = || PARENT.to_owned();

    let listing = ListExportersRequest {
        parent: parent(),
        filter: "name=board".to_owned(),
        ..Default::default()
    };
    let exporters = clients
        .list_exporters(listing)
        .await
        .unwrap()
        .into_inner()
        .exporters;
    let name = "namespaces/lab/exporters/board".to_owned();
    let exporter = clients
        .get_exporter(GetExporterRequest {
            name,
            show_hidden_labels: false,
        })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(exporters, std::slice::from_ref(&exporter));
    assert_eq!(
        (exporter.status(), exporter.enabled),
        (ExporterStatus::Available, Some(true))
    );
    assert_eq!(exporter.labels["name"], "board");

    let creating = CreateLeaseRequest {
        parent: parent(),
        lease_id: "mine".to_owned(),
        lease: Some(wish("name=board")),
    };
    let lease = clients.create_lease(creating).await.unwrap().into_inner();
    assert_eq!(lease.name, MINE);
    assert_eq!(
        lease.exporter.as_deref(),
        Some("namespaces/lab/exporters/board")
    );
    assert_eq!(
        lease.client.as_deref(),
        Some("namespaces/lab/clients/alice")
    );
    assert_eq!(condition(&lease), [("Ready", "True", "Ready")]);
    let told = board.next().await;
    assert_eq!(
        (told.leased, told.lease_name(), told.client_name()),
        (true, "mine", "alice")
    );

    let change = Lease {
        name: MINE.to_owned(),
        duration: seconds(7200),
        ..Lease::default()
    };
    let updating = UpdateLeaseRequest {
        lease: Some(change),
        update_mask: None,
    };
    let lease = clients.update_lease(updating).await.unwrap().into_inner();
    assert_eq!(
        (lease.duration, lease.selector.as_str()),
        (seconds(7200), "name=board")
    );
    let listing = |only_active| ListLeasesRequest {
        parent: parent(),
        only_active,
        ..Default::default()
    };
    let leases = clients
        .list_leases(listing(None))
        .await
        .unwrap()
        .into_inner()
        .leases;
    assert_eq!((leases.len(), leases[0].name.as_str()), (1, MINE));

    clients
        .delete_lease(DeleteLeaseRequest {
            name: MINE.to_owned(),
        })
        .await
        .unwrap();
    assert!(!board.next().await.leased);
    let lease = clients
        .get_lease(GetLeaseRequest {
            name: MINE.to_owned(),
        })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(condition(&lease), [("Ready", "False", "Released")]);
    assert!(lease.effective_end_time.is_some() && lease.exporter.is_some());
    for (only_active, count) in [(None, 0), (Some(true), 0), (Some(false), 1)] {
        let leases = clients
            .list_leases(listing(only_active))
            .await
            .unwrap()
            .into_inner()
            .leases;
        assert_eq!(leases.len(), count, "{only_active:?}");
    }
    let rotated = clients
        .rotate_token(RotateTokenRequest { parent: parent() })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(rotated.token.split('.').count(), 3);
}

#[tokio::test]
async fn an_exporter_comes_serves_and_goes() {
    let lab = Lab::started();
    let alice = lab.client("alice");
    let board = lab.exporter("board");
    let mut service = board.service();
    let labels = [("jumpstarter.dev/name", "board"), ("team", "mine")];
    let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let registering = RegisterRequest {
        labels: labels.into(),
        ..crate::lab::device()
    };
    let uuid = service
        .register(registering.clone())
        .await
        .unwrap()
        .into_inner()
        .uuid;
    assert_eq!(
        service
            .register(registering)
            .await
            .unwrap()
            .into_inner()
            .uuid,
        uuid
    );
    let endpoints = service
        .get_service_endpoints(GetServiceEndpointsRequest {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!(endpoints.telemetry_endpoints, []);
    let mut status = service.status(StatusRequest {}).await.unwrap().into_inner();
    assert_eq!(
        status.message().await.unwrap().unwrap(),
        v1::StatusResponse::default()
    );
    let report = |status: ExporterStatus, message: &str, release: bool| ReportStatusRequest {
        status: status.into(),
        message: Some(message.to_owned()),
        release_lease: Some(release),
    };
    service
        .report_status(report(ExporterStatus::Available, "here", false))
        .await
        .unwrap();

    let selector = LabelSelector {
        match_labels: [("name".to_owned(), "board".to_owned())].into(),
        ..Default::default()
    };
    let asking = RequestLeaseRequest {
        duration: seconds(3600),
        selector: Some(selector.clone()),
    };
    let name = alice
        .service()
        .request_lease(asking.clone())
        .await
        .unwrap()
        .into_inner()
        .name;
    let told = status.message().await.unwrap().unwrap();
    assert_eq!((told.leased, told.lease_name()), (true, name.as_str()));
    let mut listening = service
        .listen(ListenRequest {
            lease_name: name.clone(),
        })
        .await
        .unwrap()
        .into_inner();
    service
        .report_status(report(ExporterStatus::LeaseReady, "", false))
        .await
        .unwrap();
    let dialled = alice
        .service()
        .dial(DialRequest {
            lease_name: name.clone(),
        })
        .await
        .unwrap()
        .into_inner();
    let invited = listening.message().await.unwrap().unwrap();
    assert_eq!(invited.router_endpoint, dialled.router_endpoint);
    // A newer stream takes over; the older one ends, and that is no mistake.
    let _newer = service
        .listen(ListenRequest {
            lease_name: name.clone(),
        })
        .await
        .unwrap();
    assert_eq!(listening.message().await.unwrap(), None);

    let lease = alice
        .service()
        .get_lease(v1::GetLeaseRequest { name: name.clone() })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (lease.duration, lease.selector, lease.exporter_uuid),
        (seconds(3600), Some(selector), Some(uuid))
    );
    assert!(lease.begin_time.is_some() && lease.conditions.len() == 1);
    let names = alice
        .service()
        .list_leases(v1::ListLeasesRequest {})
        .await
        .unwrap()
        .into_inner()
        .names;
    assert_eq!(names, std::slice::from_ref(&name));

    service
        .release_lease(ReleaseLeaseRequest { name: name.clone() })
        .await
        .unwrap();
    assert!(!status.message().await.unwrap().unwrap().leased);
    // It listens to what is over in silence, as long as it likes.
    let mut silent = service
        .listen(ListenRequest {
            lease_name: name.clone(),
        })
        .await
        .unwrap()
        .into_inner();
    // The other way to give a lease back.
    service
        .report_status(report(ExporterStatus::Available, "", false))
        .await
        .unwrap();
    let second = alice
        .service()
        .request_lease(asking)
        .await
        .unwrap()
        .into_inner()
        .name;
    assert_eq!(
        status.message().await.unwrap().unwrap().lease_name(),
        second
    );
    service
        .report_status(report(ExporterStatus::AfterLeaseHook, "", true))
        .await
        .unwrap();
    assert!(!status.message().await.unwrap().unwrap().leased);
    let moment = std::time::Duration::from_millis(50);
    assert!(
        tokio::time::timeout(moment, silent.message())
            .await
            .is_err()
    );

    service
        .unregister(UnregisterRequest {
            reason: "lunch".to_owned(),
        })
        .await
        .unwrap();
    let name = "namespaces/lab/exporters/board".to_owned();
    let asking = GetExporterRequest {
        name,
        show_hidden_labels: false,
    };
    let exporter = alice
        .clients()
        .get_exporter(asking)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (exporter.status(), exporter.status_message.as_str()),
        (ExporterStatus::Offline, "lunch")
    );
    assert_eq!(
        exporter
            .labels
            .get("jumpstarter.dev/name")
            .map(String::as_str),
        Some("board")
    );
    assert!(
        !exporter.labels.contains_key("team"),
        "labels are for administrators"
    );
}

/// What the configuration says about labels.
#[tokio::test]
async fn hidden_and_deprecated_labels_are_not_shown_and_can_be_used() {
    let lab = Lab::started_with(
        "hiddenLabels: {keys: [rack]}\ndeprecatedLabels: {keys: {kind: 'use board'}}\n",
    );
    let alice = lab.client("alice");
    lab.works(&[
        "exporter", "create", "board", "-l", "rack=7", "-l", "kind=x", "-l", "board=y",
    ]);
    let mut clients = alice.clients();
    for (show_hidden_labels, labels) in [(false, 1), (true, 3)] {
        let name = "namespaces/lab/exporters/board".to_owned();
        let asking = GetExporterRequest {
            name,
            show_hidden_labels,
        };
        let exporter = clients.get_exporter(asking).await.unwrap().into_inner();
        assert_eq!(exporter.labels.len(), labels, "{exporter:?}");
        assert_eq!(exporter.deprecated_labels["kind"], "use board");
        let filter = "rack=7,kind=x".to_owned();
        let listing = ListExportersRequest {
            parent: PARENT.to_owned(),
            filter,
            show_hidden_labels,
            ..Default::default()
        };
        let all = clients
            .list_exporters(listing)
            .await
            .unwrap()
            .into_inner()
            .exporters;
        assert_eq!(all, [exporter]);
    }
    let lease = Some(wish("kind=x,rack=7"));
    let creating = CreateLeaseRequest {
        parent: PARENT.to_owned(),
        lease,
        ..Default::default()
    };
    let lease = clients.create_lease(creating).await.unwrap().into_inner();
    assert_eq!(
        lease.deprecated_labels,
        [("kind".to_owned(), "use board".to_owned())].into()
    );
}
