//! How long clients that dial have to wait, and for what. The clock is paused.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use jumpstarter_proto::v1::{DialRequest, DialResponse, ExporterStatus};
use tempfile::TempDir;
use tokio::time::{Instant, pause, resume, sleep};
use tonic::metadata::MetadataMap;
use tonic::{Code, Request, Status};

use super::{Services, Settings};
use crate::dial::Listening;
use crate::identity::{Authenticator, Issuers, Keys, RouterTokens, Rules, TokenRules, Tokens};
use crate::lab::{By, Lab, LeaseUpdate, NewClient, NewExporter, NewLease, Present, Running};
use crate::model::samples::labels;
use crate::model::{Device, Exporter, Key, Labels, Lease, Length, Reported, Wish};
use crate::store::Store;

const ADMIN: &str = "admin:test";
const HOUR: Duration = Duration::from_secs(3600);
/// The longest waits: for the exporter to notice its lease, to listen again, for the client to notice
/// the end.
const NOTICE: Duration = Duration::from_secs(30);
const RECONNECT: Duration = Duration::from_secs(5);
const COOL_DOWN: Duration = Duration::from_millis(2500);

/// A client with a lease, and its exporter.
struct House {
    services: Services,
    lab: Lab,
    lease: Arc<Lease>,
    exporter: Arc<Exporter>,
    headers: MetadataMap,
    _present: Present,
    _running: Running,
    _folder: TempDir,
}

impl House {
    async fn new(routers: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("lab.db")).unwrap();
        let (lab, running) = Lab::open(store).await.unwrap();
        let keys = Keys::open(&folder.path().join("keys")).unwrap();
        let tokens = Tokens::new(keys, TokenRules::default(), lab.clone());
        let router_tokens = RouterTokens::open(&folder.path().join("private/router.key")).unwrap();
        let authenticator = Authenticator::new(
            lab.clone(),
            tokens.clone(),
            Issuers::default(),
            Rules::default(),
        );
        let settings = Settings {
            routers: routers.iter().copied().map(str::to_owned).collect(),
            ..Settings::default()
        };
        let services = Services::new(
            lab.clone(),
            authenticator,
            tokens.clone(),
            router_tokens,
            settings,
        );
        let key = |name: &str| Key::new("lab", name);
        let new = NewExporter {
            key: key("board"),
            labels: labels("board=x"),
            username: None,
            migrated: None,
        };
        let exporter = lab.create_exporter(new, ADMIN).await.unwrap();
        let device = Device {
            uuid: "1".to_owned(),
            parent: None,
            labels: Labels::new(),
        };
        let registered = lab.register(exporter.uid, Labels::new(), vec![device]);
        registered.await.unwrap();
        let present = lab.arrive(exporter.uid).await.unwrap();
        let new = NewClient {
            key: key("alice"),
            labels: Labels::new(),
            username: None,
            migrated: None,
            provisioned: false,
        };
        let alice = lab.create_client(new, ADMIN).await.unwrap();
        let (token, credential) = tokens.for_client(&alice, HOUR).unwrap();
        let kept = lab.keep_credential(credential, key("alice"), None, ADMIN);
        kept.await.unwrap();
        let mut headers = MetadataMap::new();
        let bearer = format!("Bearer {}", token.expose());
        headers.insert("authorization", bearer.parse().unwrap());
        headers.insert("jumpstarter-kind", "Client".parse().unwrap());
        headers.insert("jumpstarter-namespace", "lab".parse().unwrap());
        headers.insert("jumpstarter-name", "alice".parse().unwrap());
        let new = NewLease {
            namespace: "lab".to_owned(),
            name: Some("mine".to_owned()),
            owner: "alice".to_owned(),
            selector: "board=x".parse().unwrap(),
            pinned: None,
            allow_disabled: false,
            wish: Wish {
                duration: Some(Length::from(HOUR)),
                ..Wish::default()
            },
            tags: Labels::new(),
            context: Labels::new(),
            most_tags: 10,
        };
        let lease = lab.create_lease(new).await.unwrap();
        assert!(lease.exporter.is_some());
        Self {
            services,
            lab,
            lease,
            exporter,
            headers,
            _present: present,
            _running: running,
            _folder: folder,
        }
    }

    async fn says(&self, status: ExporterStatus) {
        let message = String::new();
        let said = self
            .lab
            .report(self.exporter.uid, Reported { status, message }, false);
        said.await.unwrap();
    }

    fn listens(&self) -> Listening {
        self.services.listeners().listen(self.lease.uid)
    }

    async fn releases(&self) {
        let by = By::Client("alice".to_owned());
        let released = self.lab.release_lease(self.lease.key.clone(), by);
        released.await.unwrap();
    }

    fn dial(&self) -> impl Future<Output = Result<DialResponse, Status>> + use<> {
        let mut request = Request::new(DialRequest {
            lease_name: "mine".to_owned(),
        });
        *request.metadata_mut() = self.headers.clone();
        let services = self.services.clone();
        async move { services.dial(request).await }
    }

    /// How a client that dials is answered while nothing happens, and how long it had to wait.
    async fn hears(&self) -> (Code, String, Duration) {
        pause();
        let begun = Instant::now();
        let status = self.dial().await.unwrap_err();
        let waited = begun.elapsed();
        resume();
        (status.code(), status.message().to_owned(), waited)
    }

    /// A client that has dialled and waits.
    async fn waiting(&self) -> tokio::task::JoinHandle<Result<DialResponse, Status>> {
        let waiting = tokio::spawn(self.dial());
        sleep(Duration::from_millis(20)).await;
        assert!(!waiting.is_finished());
        waiting
    }
}

fn is_about(waited: Duration, expected: Duration) -> bool {
    (expected..expected + Duration::from_millis(100)).contains(&waited)
}

#[tokio::test]
async fn an_exporter_has_time_to_notice_and_to_come_back() {
    let house = House::new(&["router:1"]).await;
    house.says(ExporterStatus::Available).await;
    let (code, text, waited) = house.hears().await;
    assert_eq!(
        (code, text.as_str()),
        (
            Code::FailedPrecondition,
            "exporter is not ready (status: Available)"
        )
    );
    assert!(is_about(waited, NOTICE), "{waited:?}");

    house.says(ExporterStatus::LeaseReady).await;
    let (code, text, waited) = house.hears().await;
    assert_eq!(
        (code, text.as_str()),
        (Code::Unavailable, "exporter is not listening on lease mine")
    );
    assert!(is_about(waited, RECONNECT), "{waited:?}");

    house.releases().await;
    let (code, text, waited) = house.hears().await;
    assert_eq!(
        (code, text.as_str()),
        (
            Code::FailedPrecondition,
            "lease has ended, its exporter is not ready for it"
        )
    );
    assert!(is_about(waited, COOL_DOWN), "{waited:?}");
}

#[tokio::test]
async fn a_client_that_waits_gets_through_as_soon_as_it_can() {
    let house = House::new(&["router:1", "router:2"]).await;
    for status in [
        ExporterStatus::LeaseReady,
        ExporterStatus::BeforeLeaseHook,
        ExporterStatus::AfterLeaseHook,
    ] {
        house.says(ExporterStatus::Available).await;
        // First it waits for the word of the exporter, then for its stream.
        let first = house.waiting().await;
        house.says(status).await;
        let second = house.waiting().await;
        assert!(!first.is_finished(), "{status:?}");
        let mut listening = house.listens();
        for dialled in [first, second] {
            let dialled = dialled.await.unwrap().unwrap();
            assert_eq!(dialled.router_endpoint, "router:1", "{status:?}");
            let invited = listening.next().await.unwrap();
            assert_eq!(invited.endpoint, "router:1");
        }
    }
}

#[tokio::test]
async fn a_client_does_not_wait_for_what_cannot_come() {
    let house = House::new(&["router:1"]).await;
    house.says(ExporterStatus::Available).await;
    for (status, text) in [
        (ExporterStatus::Offline, "exporter is offline"),
        (
            ExporterStatus::BeforeLeaseHookFailed,
            "exporter beforeLease hook failed",
        ),
        (
            ExporterStatus::AfterLeaseHookFailed,
            "exporter afterLease hook failed",
        ),
    ] {
        let waiting = house.waiting().await;
        house.says(status).await;
        let told = waiting.await.unwrap().unwrap_err();
        assert_eq!(
            (told.code(), told.message()),
            (Code::FailedPrecondition, text)
        );
        assert!(!told.message().contains("not ready"));
        house.says(ExporterStatus::Available).await;
    }
    // It says goodbye while somebody waits for it to listen.
    house.says(ExporterStatus::LeaseReady).await;
    let waiting = house.waiting().await;
    house.says(ExporterStatus::Offline).await;
    assert_eq!(
        waiting.await.unwrap().unwrap_err().code(),
        Code::Unavailable
    );
    // The lease ends.
    house.says(ExporterStatus::Available).await;
    let waiting = house.waiting().await;
    house.releases().await;
    let told = waiting.await.unwrap().unwrap_err();
    assert_eq!(
        told.message(),
        "lease has ended, its exporter is not ready for it"
    );
}

#[tokio::test]
async fn an_exporter_that_is_deleted_is_not_found() {
    let house = House::new(&["router:1"]).await;
    house.says(ExporterStatus::Available).await;
    let waiting = house.waiting().await;
    let key = house.exporter.key.clone();
    house.lab.delete_exporter(key, ADMIN).await.unwrap();
    let told = waiting.await.unwrap().unwrap_err();
    assert_eq!(
        (told.code(), told.message()),
        (
            Code::Unknown,
            r#"exporters.jumpstarter.dev "board" not found"#
        )
    );
}

#[tokio::test]
async fn without_a_router_nobody_meets() {
    let house = House::new(&[]).await;
    house.says(ExporterStatus::LeaseReady).await;
    let _listening = house.listens();
    let told = house.dial().await.unwrap_err();
    assert_eq!(
        (told.code(), told.message()),
        (Code::Unknown, "no router available")
    );
}

#[tokio::test]
async fn whoever_hands_a_lease_over_while_he_waits_gets_no_tunnel() {
    let house = House::new(&["router:1"]).await;
    let new = NewClient {
        key: Key::new("lab", "bob"),
        labels: Labels::new(),
        username: None,
        migrated: None,
        provisioned: false,
    };
    house.lab.create_client(new, ADMIN).await.unwrap();
    let hand = async |to: &str| {
        let update = LeaseUpdate {
            owner: Some(to.to_owned()),
            ..LeaseUpdate::default()
        };
        let key = house.lease.key.clone();
        house.lab.update_lease(key, None, update).await.unwrap();
    };
    // The client waits for the exporter's status, or for its stream.
    for status in [ExporterStatus::Available, ExporterStatus::LeaseReady] {
        house.says(status).await;
        let waiting = house.waiting().await;
        hand("bob").await;
        house.says(ExporterStatus::LeaseReady).await;
        let _listening = house.listens();
        let told = waiting.await.unwrap().unwrap_err();
        assert_eq!(told.message(), "permission denied", "{status:?}");
        hand("alice").await;
    }
}
