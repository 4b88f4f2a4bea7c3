//! Tunnels of clients through the router: at once, refused, cut.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::{fs::File, thread, time::Duration};

use jumpstarter_proto::v1::{DriverCallRequest, ExporterStatus, GetStatusRequest};
use jumpstarter_tests::{
    Controller, Double, Hooks, Lab, Make, PATIENCE, Rpc, Stage, Standalone, Station, Tunnel,
    Visitor, run,
};

/// Told at the stand-in, and at our controller.
macro_rules! at_both {
    ($($story:ident),* $(,)?) => {
        mod at_the_stand_in {
            $(#[test] fn $story() { super::$story::<super::Double>(); })*
        }
        mod at_our_controller {
            $(#[test] fn $story() { super::$story::<super::Standalone>(); })*
        }
    };
}

at_both![
    a_client_is_let_in_before_the_first_hook_has_ended_and_may_only_look,
    the_end_of_a_lease_ends_its_tunnels,
];

const LONG: Duration = Duration::from_secs(600);

fn station(lab: &Lab, controller: &impl Controller, more: &str) -> Station {
    Station::start(lab, Make::of_exporter(), controller, more)
}

fn a_client_is_let_in_before_the_first_hook_has_ended_and_may_only_look<At: Stage>() {
    let reason = "0.9.0 lets nobody in before the hook has ended";
    if Make::but_not_the_reference(reason).is_none() {
        return;
    }
    let lab = Lab::new();
    let controller = At::start(&lab);
    let hooks = Hooks::new(&lab);
    let _station = station(&lab, &controller, &hooks.yaml());
    hooks.hold_before();
    let lease = controller.lease(LONG);
    hooks.wait_for("before", 1);
    let tunnel = Tunnel::open(&controller, &lease);
    let status = tunnel.status().unwrap();
    assert_eq!(status.status(), ExporterStatus::BeforeLeaseHook);
    let refused = tunnel.ask(|mut client| async move {
        let report = client.get_report(()).await.unwrap().into_inner();
        let power = report
            .reports
            .iter()
            .find(|r| r.parent_uuid.is_some())
            .unwrap();
        let call = DriverCallRequest {
            uuid: power.uuid.clone(),
            method: "on".into(),
            args: Vec::new(),
        };
        client.driver_call(call.clone()).await.unwrap_err()
    });
    println!("{refused:?}");
    assert_eq!(
        refused.code(),
        tonic::Code::FailedPrecondition,
        "{refused:?}"
    );
    hooks.let_before_go();
    tunnel.wait_status(&[ExporterStatus::LeaseReady]).unwrap();
    Visitor::new(&lab, &controller, Make::Ours).works_through(&tunnel);
    visitor_leaves(&controller, &lease, &tunnel);
}

fn visitor_leaves(controller: &impl Stage, lease: &str, tunnel: &Tunnel) {
    tunnel.end_session().unwrap();
    controller.wait_until("released", |seen| seen.lease.as_deref() != Some(lease));
    controller.wait_free();
}

#[test]
fn a_refused_token_costs_one_connection() {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let station = station(&lab, &controller, "");
    let lease = controller.lease(LONG);
    controller.wait_status(ExporterStatus::LeaseReady);
    controller.spoil_tokens(1);
    let tunnel = Tunnel::open(&controller, &lease);
    // The router lets our end in, and it waits for an exporter that never comes.
    tunnel.ask(|mut client| async move {
        let asked = client.get_status(GetStatusRequest {});
        let answer = tokio::time::timeout(Duration::from_secs(3), asked).await;
        assert!(answer.is_err(), "{answer:?}");
    });
    Visitor::new(&lab, &controller, Make::Ours).works_through(&tunnel);
    let log = station.log().text();
    if Make::of_exporter() == Make::Ours {
        assert!(log.contains("Failed to handle client connection"), "{log}");
    }
    assert!(!log.contains("-damaged"), "a token is in the log:\n{log}");
    controller.end_lease(&lease);
    controller.wait_free();
}

#[test]
fn tunnels_that_are_cut_end_no_session() {
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let station = station(&lab, &controller, "");
    let visitor = Visitor::new(&lab, &controller, Make::Ours);
    let lease = controller.lease(LONG);
    let tunnel = Tunnel::open(&controller, &lease);
    visitor.works_through(&tunnel);
    for _ in 0..3 {
        controller.cut_tunnels();
        visitor.works_through(&tunnel);
    }
    controller.router_gone();
    let mut shell = visitor.through(&tunnel);
    let lost = run(shell.args(["--", "j", "power", "on"]), PATIENCE);
    assert_ne!(lost.code, 0, "{lost}");
    controller.router_back();
    visitor.works_through(&tunnel);
    controller.end_lease(&lease);
    controller.wait_free();
    assert!(
        !station.log().text().contains("panicked"),
        "{}",
        station.log().text()
    );
}

#[test]
fn a_tunnel_that_is_cut_while_an_image_is_written_fails_that_writing_only() {
    let reason = "this story's image goes to a folder that only our driver is given";
    let Some(make) = Make::but_not_the_reference(reason) else {
        return;
    };
    let lab = Lab::new();
    let controller = Double::start(&lab);
    let root = lab.folder("root");
    let yaml = format!(
        "{}export:\n  storage:\n    type: jumpstarter_driver_opendal.driver.Opendal\n    \
         config: {{scheme: fs, kwargs: {{root: {}}}}}\n  \
         power: {{type: jumpstarter_driver_power.driver.MockPower}}\n",
        controller.access().exporter_yaml(),
        root.display()
    );
    let station = Station::launch(make, &mut Station::command_from(&lab, make, &yaml));
    controller.wait_free();
    let visitor = Visitor::new(&lab, &controller, Make::Ours);
    let lease = controller.lease(LONG);
    let tunnel = Tunnel::open(&controller, &lease);
    let image = lab.folder("image.raw");
    File::create(&image).unwrap().set_len(2 << 30).unwrap();
    let mut flash = visitor.through(&tunnel);
    flash
        .args(["--", "j", "storage", "write-from-path", "image.raw"])
        .arg(&image);
    let flashing = thread::spawn(move || run(&mut flash, PATIENCE * 3));
    let part = root.join("image.raw");
    while std::fs::metadata(&part).map_or(0, |file| file.len()) < 16 << 20 {
        assert!(!flashing.is_finished(), "{}", flashing.join().unwrap());
        thread::sleep(Duration::from_millis(5));
    }
    controller.cut_tunnels();
    let broken = flashing.join().unwrap();
    assert_ne!(broken.code, 0, "{broken}");
    assert!(std::fs::metadata(&part).unwrap().len() < 2 << 30);
    // The same session takes a whole one.
    File::create(&image).unwrap().set_len(64 << 20).unwrap();
    let mut flash = visitor.through(&tunnel);
    flash
        .args(["--", "j", "storage", "write-from-path", "whole.raw"])
        .arg(&image);
    run(&mut flash, PATIENCE).succeeds();
    assert_eq!(
        std::fs::metadata(root.join("whole.raw")).unwrap().len(),
        64 << 20
    );
    visitor.leave(&lease, &tunnel);
    controller.wait_free();
    assert!(
        !station.log().text().contains("panicked"),
        "{}",
        station.log().text()
    );
}

fn the_end_of_a_lease_ends_its_tunnels<At: Stage>() {
    let lab = Lab::new();
    let controller = At::start(&lab);
    let _station = station(&lab, &controller, "");
    let lease = controller.lease(LONG);
    let tunnel = Tunnel::open(&controller, &lease);
    tunnel.wait_status(&[ExporterStatus::LeaseReady]).unwrap();
    // A log that is followed ends with the session, not with the next time somebody writes.
    tunnel.ask(|mut client| {
        let (controller, lease) = (&controller, &lease);
        async move {
            let mut logs = client.log_stream(()).await.unwrap().into_inner();
            controller.end_lease(lease);
            while let Ok(Some(_)) = logs.message().await {}
        }
    });
    controller.wait_free();
    // What the next client meets is a session of its own.
    let next = controller.lease(LONG);
    let fresh = Tunnel::open(&controller, &next);
    assert_eq!(fresh.status().unwrap().status(), ExporterStatus::LeaseReady);
}

/// As many as the stand-in lets wait for an exporter that is slow to listen. Like the reference, it
/// turns further ones away.
const AT_ONCE: usize = 8;

#[test]
fn many_clients_have_a_tunnel_each() {
    many_clients(|controller: &Double| {
        let tunnels = controller.calls(Rpc::Tunnel).len();
        let ends = 2 * (1 + AT_ONCE);
        assert!(tunnels >= ends, "two ends each: {tunnels}");
    });
}

#[test]
fn many_clients_have_a_tunnel_each_at_our_controller() {
    many_clients(|_: &Standalone| ());
}

fn many_clients<At: Stage>(and: impl Fn(&At)) {
    let lab = Lab::new();
    let controller = At::start(&lab);
    let _station = station(&lab, &controller, "");
    let visitor = Visitor::new(&lab, &controller, Make::Ours);
    let lease = controller.lease(LONG);
    let tunnel = Tunnel::open(&controller, &lease);
    tunnel.wait_status(&[ExporterStatus::LeaseReady]).unwrap();
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| tunnel_works(&tunnel));
        }
    });
    visitor.works_through(&tunnel);
    and(&controller);
    controller.end_lease(&lease);
    controller.wait_free();
}

fn tunnel_works(tunnel: &Tunnel) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(async {
        let channel = tunnel.connect();
        let mut client =
            jumpstarter_proto::v1::exporter_service_client::ExporterServiceClient::new(channel);
        for _ in 0..20 {
            client.get_report(()).await.unwrap();
        }
    });
}
