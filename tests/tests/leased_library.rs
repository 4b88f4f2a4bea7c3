//! Leases from a program, without the commands.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::{panic::AssertUnwindSafe, time::Duration};

use jumpstarter_client::{
    Host, Secret, Session,
    connect::{ChannelOptions, Options, Tls, connect},
    controller::{Controller as Way, Identity, Kind},
    lease::{Leases, Moment, ReadyError, Request, TakeError},
};
use jumpstarter_tests::{Controller, Double, Lab, Make, PATIENCE, Station};
use tokio::runtime::Runtime;

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// Must be called within a runtime.
fn leases(controller: &Double) -> Leases {
    let access = controller.access();
    let (name, token) = access.client;
    let identity = Identity {
        kind: Kind::Client,
        namespace: access.namespace.clone(),
        name: name.clone(),
        token: Secret::new(token),
    };
    let tls = Tls::from_settings(&access.ca, false).unwrap();
    let way = Way::new(
        &access.endpoint,
        &tls,
        &identity,
        &ChannelOptions::default(),
    );
    Leases::new(way.unwrap(), access.namespace, name)
}

fn request() -> Request {
    Request::matching("board=story").lasting(Duration::from_secs(600))
}

#[test]
fn a_program_leases_an_exporter() {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let _station = Station::start(&lab, Make::of_exporter(), &controller, "");
    runtime().block_on(async {
        let mut held = leases(&controller).hold(request()).await.unwrap();
        let lease = held
            .ready(PATIENCE, |progress| println!("{progress}"))
            .await
            .unwrap();
        assert_eq!(lease.exporter.as_deref(), Some("board"));
        held.dial(PATIENCE).await.unwrap();
        assert_eq!(held.labels().await.unwrap()["board"], "story");
        let tunnel = held.tunnel().unwrap();
        let host = Host::Unix(tunnel.path().to_owned());
        let session = Session::open(connect(&host, &Options::default()).await.unwrap());
        let power = session.await.unwrap().root().child("power").unwrap();
        power.call::<()>("on", ()).await.unwrap();

        let longer = held.extend(Duration::from_secs(900)).await.unwrap();
        assert_eq!(longer.duration, Some(Duration::from_secs(900)));
        let (path, name) = (tunnel.path().to_owned(), held.name().to_owned());
        drop(tunnel);
        assert!(!path.exists());
        held.release().await.unwrap();
        let again = leases(&controller).take(&name).await.unwrap_err();
        assert!(matches!(again, TakeError::Ended(_)), "{again}");
    });
    controller.wait_free();
}

#[test]
fn a_panic_gives_the_lease_back() {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let panicked = std::panic::catch_unwind(AssertUnwindSafe(|| {
        runtime().block_on(async {
            let _held = leases(&controller).hold(request()).await.unwrap();
            assert_eq!(controller.open_leases().len(), 1);
            panic!("the roof is on fire");
        });
    }));
    assert!(panicked.is_err());
    // Without waiting: the panic has waited.
    assert_eq!(controller.open_leases(), [""; 0]);
}

#[test]
fn a_lease_that_nobody_waits_for_is_given_back_soon() {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    runtime().block_on(async {
        let held = leases(&controller).hold(request()).await.unwrap();
        drop(held);
    });
    controller.wait_for_calls(jumpstarter_tests::Rpc::DeleteLease, 1);
    controller.wait_until("given back", |_| controller.open_leases().is_empty());
}

#[test]
fn a_lease_that_is_kept_or_handed_over_is_not_given_back() {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    runtime().block_on(async {
        let leases = leases(&controller);
        leases.hold(request()).await.unwrap().keep();
        let mut given = leases.hold(request()).await.unwrap();
        let lease = given.transfer("somebody-else").await.unwrap();
        assert_eq!(lease.client, "somebody-else");
        let name = given.name().to_owned();
        given.release().await.unwrap();
        let theirs = leases.take(&name).await.unwrap_err();
        assert!(matches!(theirs, TakeError::NotOurs { .. }), "{theirs}");
        assert_eq!(leases.active().await.unwrap().len(), 1);
    });
    assert_eq!(controller.open_leases().len(), 2);
}

#[test]
fn the_end_is_heard_of() {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let _station = Station::start(&lab, Make::of_exporter(), &controller, "");
    runtime().block_on(async {
        let short = request().lasting(Duration::from_secs(3));
        let mut held = leases(&controller).hold(short).await.unwrap();
        held.ready(PATIENCE, |_| ()).await.unwrap();
        let mut watch = held.watch();
        let moment = tokio::time::timeout(PATIENCE, watch.next()).await.unwrap();
        assert!(
            matches!(
                moment,
                Moment::Ended {
                    confirmed: true,
                    ..
                }
            ),
            "{moment:?}"
        );
        let late = held.ready(PATIENCE, |_| ()).await.unwrap_err();
        assert!(matches!(late, ReadyError::Over { .. }), "{late}");
    });
}
