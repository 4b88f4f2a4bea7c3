//! Every method there is, and short ways to call them.

use jumpstarter_proto::{client_v1, v1};
use prost::Message;

/// A method, and what it is sent.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) path: &'static str,
    pub(crate) message: Vec<u8>,
}

pub(crate) fn call(path: &'static str, message: &impl Message) -> Call {
    Call {
        path,
        message: message.encode_to_vec(),
    }
}

macro_rules! methods {
    ($($name:ident = $path:literal;)*) => {
        $(pub(crate) const $name: &str = $path;)*
    };
}

methods! {
    REGISTER = "jumpstarter.v1.ControllerService/Register";
    UNREGISTER = "jumpstarter.v1.ControllerService/Unregister";
    REPORT_STATUS = "jumpstarter.v1.ControllerService/ReportStatus";
    LISTEN = "jumpstarter.v1.ControllerService/Listen";
    STATUS = "jumpstarter.v1.ControllerService/Status";
    DIAL = "jumpstarter.v1.ControllerService/Dial";
    AUDIT_STREAM = "jumpstarter.v1.ControllerService/AuditStream";
    OLD_GET_LEASE = "jumpstarter.v1.ControllerService/GetLease";
    REQUEST_LEASE = "jumpstarter.v1.ControllerService/RequestLease";
    RELEASE_LEASE = "jumpstarter.v1.ControllerService/ReleaseLease";
    OLD_LIST_LEASES = "jumpstarter.v1.ControllerService/ListLeases";
    SERVICE_ENDPOINTS = "jumpstarter.v1.ControllerService/GetServiceEndpoints";
    GET_EXPORTER = "jumpstarter.client.v1.ClientService/GetExporter";
    LIST_EXPORTERS = "jumpstarter.client.v1.ClientService/ListExporters";
    GET_LEASE = "jumpstarter.client.v1.ClientService/GetLease";
    LIST_LEASES = "jumpstarter.client.v1.ClientService/ListLeases";
    CREATE_LEASE = "jumpstarter.client.v1.ClientService/CreateLease";
    UPDATE_LEASE = "jumpstarter.client.v1.ClientService/UpdateLease";
    DELETE_LEASE = "jumpstarter.client.v1.ClientService/DeleteLease";
    ROTATE_TOKEN = "jumpstarter.client.v1.ClientService/RotateToken";
    PUSH_LOGS = "jumpstarter.v1.TelemetryService/PushLogs";
    STREAM = "jumpstarter.v1.RouterService/Stream";
}

/// What exporters call, each with a message that can be read.
pub(crate) fn of_exporters() -> Vec<Call> {
    vec![
        call(REGISTER, &crate::lab::device()),
        call(UNREGISTER, &v1::UnregisterRequest::default()),
        call(REPORT_STATUS, &v1::ReportStatusRequest::default()),
        listen("mine"),
        call(STATUS, &v1::StatusRequest {}),
        call(AUDIT_STREAM, &v1::AuditStreamRequest::default()),
        call(SERVICE_ENDPOINTS, &v1::GetServiceEndpointsRequest {}),
    ]
}

/// What clients call, likewise.
pub(crate) fn of_clients() -> Vec<Call> {
    vec![
        dial("mine"),
        call(OLD_GET_LEASE, &v1::GetLeaseRequest::default()),
        call(REQUEST_LEASE, &v1::RequestLeaseRequest::default()),
        call(OLD_LIST_LEASES, &v1::ListLeasesRequest {}),
        get_exporter("namespaces/lab/exporters/board"),
        list_exporters("", 0, ""),
        get_lease("namespaces/lab/leases/mine"),
        list_leases(client_v1::ListLeasesRequest::default()),
        create("", client_v1::Lease::default()),
        update(lease_named("mine"), &[]),
        delete("namespaces/lab/leases/mine"),
        rotate("namespaces/lab"),
    ]
}

pub(crate) fn dial(lease: &str) -> Call {
    let lease_name = lease.to_owned();
    call(DIAL, &v1::DialRequest { lease_name })
}

pub(crate) fn listen(lease: &str) -> Call {
    let lease_name = lease.to_owned();
    call(LISTEN, &v1::ListenRequest { lease_name })
}

pub(crate) fn release(lease: &str) -> Call {
    let name = lease.to_owned();
    call(RELEASE_LEASE, &v1::ReleaseLeaseRequest { name })
}

pub(crate) fn old_get_lease(lease: &str) -> Call {
    let name = lease.to_owned();
    call(OLD_GET_LEASE, &v1::GetLeaseRequest { name })
}

pub(crate) fn get_exporter(name: &str) -> Call {
    let message = client_v1::GetExporterRequest {
        name: name.to_owned(),
        show_hidden_labels: false,
    };
    call(GET_EXPORTER, &message)
}

pub(crate) fn list_exporters(filter: &str, page_size: i32, page_token: &str) -> Call {
    let message = client_v1::ListExportersRequest {
        parent: "namespaces/lab".to_owned(),
        page_size,
        page_token: page_token.to_owned(),
        filter: filter.to_owned(),
        show_hidden_labels: false,
    };
    call(LIST_EXPORTERS, &message)
}

pub(crate) fn get_lease(name: &str) -> Call {
    let name = name.to_owned();
    call(GET_LEASE, &client_v1::GetLeaseRequest { name })
}

pub(crate) fn list_leases(request: client_v1::ListLeasesRequest) -> Call {
    let message = client_v1::ListLeasesRequest {
        parent: "namespaces/lab".to_owned(),
        ..request
    };
    call(LIST_LEASES, &message)
}

pub(crate) fn create(id: &str, lease: client_v1::Lease) -> Call {
    let message = client_v1::CreateLeaseRequest {
        parent: "namespaces/lab".to_owned(),
        lease_id: id.to_owned(),
        lease: Some(lease),
    };
    call(CREATE_LEASE, &message)
}

pub(crate) fn update(lease: client_v1::Lease, mask: &[&str]) -> Call {
    let paths = mask.iter().copied().map(str::to_owned).collect();
    let message = client_v1::UpdateLeaseRequest {
        lease: Some(lease),
        update_mask: Some(prost_types::FieldMask { paths }),
    };
    call(UPDATE_LEASE, &message)
}

pub(crate) fn delete(name: &str) -> Call {
    let name = name.to_owned();
    call(DELETE_LEASE, &client_v1::DeleteLeaseRequest { name })
}

pub(crate) fn rotate(parent: &str) -> Call {
    let parent = parent.to_owned();
    call(ROTATE_TOKEN, &client_v1::RotateTokenRequest { parent })
}

/// A lease to be changed.
pub(crate) fn lease_named(name: &str) -> client_v1::Lease {
    client_v1::Lease {
        name: format!("namespaces/lab/leases/{name}"),
        ..client_v1::Lease::default()
    }
}

/// A lease to be made, for an hour.
pub(crate) fn wish(selector: &str) -> client_v1::Lease {
    client_v1::Lease {
        selector: selector.to_owned(),
        duration: seconds(3600),
        // As the Python client does.
        exporter_name: Some(String::new()),
        ..client_v1::Lease::default()
    }
}

pub(crate) fn seconds(seconds: i64) -> Option<prost_types::Duration> {
    Some(prost_types::Duration { seconds, nanos: 0 })
}

pub(crate) fn at(seconds: i64) -> Option<prost_types::Timestamp> {
    Some(prost_types::Timestamp { seconds, nanos: 0 })
}
