//! Trees of real drivers: those of the power plugin.

#![allow(clippy::unwrap_used)]

mod family;

use std::{collections::HashMap, time::Duration};

use family::{config, open};
use jumpstarter_host::tree::Kind;
use jumpstarter_proto::{descriptor, v1::DriverInstanceReport};

const LIMIT: Duration = Duration::from_secs(2);

fn by_name(reports: &[DriverInstanceReport]) -> HashMap<&str, &DriverInstanceReport> {
    let name = |report: &DriverInstanceReport| (report.uuid.clone(), ());
    assert_eq!(
        reports.iter().map(name).collect::<HashMap<_, _>>().len(),
        reports.len()
    );
    let pair = |report| {
        let report: &DriverInstanceReport = report;
        (
            report
                .labels
                .get("jumpstarter.dev/name")
                .map_or("", String::as_str),
            report,
        )
    };
    reports.iter().map(pair).collect()
}

#[tokio::test]
async fn a_report_says_what_a_client_needs() {
    let mut config = config(
        "  power:
    type: jumpstarter_driver_power.driver.MockPower
    description: Main supply
    methods_description: {\"on\": Light it up, nonsense: kept}
    config: {labels: {shelf: two, jumpstarter.dev/name: overwritten}}
  plain: {type: jumpstarter_driver_power.driver.SyncMockPower, description: ''}
  grp: {children: {}}
  typed:
    type: jumpstarter_driver_composite.driver.Composite
    description: A typed group
    config: {labels: {rack: one}}
    children: {inner: {type: jumpstarter_driver_power.driver.MockPower}}",
    );
    config.description = Some("Bench 1".into());
    let home = open(&config).await.unwrap();
    let reports = by_name(home.tree.reports());

    let root = reports[""];
    assert_eq!(root.parent_uuid, None);
    assert_eq!(root.description.as_deref(), Some("Bench 1"));
    let composite = "jumpstarter_driver_composite.client.CompositeClient";
    assert_eq!(
        root.labels,
        HashMap::from([("jumpstarter.dev/client".into(), composite.into())])
    );
    assert!(root.methods_description.is_empty() && root.file_descriptor_proto.is_none());

    let power = reports["power"];
    assert_eq!(power.parent_uuid.as_ref(), Some(&root.uuid));
    assert_eq!(power.description.as_deref(), Some("Main supply"));
    // Configured help is passed on as it is.
    let expected = [("on", "Light it up"), ("nonsense", "kept")];
    let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!(power.methods_description, HashMap::from(expected));
    let labels = [
        (
            "jumpstarter.dev/client",
            "jumpstarter_driver_power.client.PowerClient",
        ),
        ("jumpstarter.dev/name", "power"),
        ("shelf", "two"),
    ];
    let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!(power.labels, HashMap::from(labels));

    let plain = reports["plain"];
    assert_eq!(plain.description, None);
    // Without configured help there is the plugin's own.
    assert_eq!(plain.methods_description["on"], "Power on");
    let described = plain.file_descriptor_proto.as_deref().unwrap();
    let interface = descriptor::Interface::decode(described).unwrap();
    assert_eq!(interface.name, "SyncMockPower");
    assert_eq!(interface.package, "jumpstarter_driver_power.driver");
    let methods: Vec<_> = interface
        .methods
        .iter()
        .map(|m| (m.name.as_str(), m.kind))
        .collect();
    use descriptor::Kind::{Call, Stream};
    assert_eq!(methods, [("on", Call), ("off", Call), ("read", Stream)]);

    assert_eq!(reports["grp"].labels["jumpstarter.dev/client"], composite);
    let typed = reports["typed"];
    assert_eq!(typed.description.as_deref(), Some("A typed group"));
    assert_eq!(typed.labels["rack"], "one");
    assert_eq!(typed.labels["jumpstarter.dev/client"], composite);
    assert_eq!(reports["inner"].parent_uuid.as_ref(), Some(&typed.uuid));
    home.tree.close(LIMIT).await;
}

#[tokio::test]
async fn methods_are_checked_in_the_words_that_clients_know() {
    let home = open(&config(
        "  power: {type: jumpstarter_driver_power.driver.MockPower}",
    ))
    .await
    .unwrap();
    let power = home.driver("power");
    assert_eq!(
        (power.class.as_str(), power.category.as_str()),
        ("MockPower", "power")
    );
    let told = |name, kind| {
        let error = power.method(name, kind).unwrap_err();
        format!("{:?}: {error}", error.code)
    };
    assert!(power.method("on", Kind::Call).is_ok() && power.method("read", Kind::Stream).is_ok());
    assert_eq!(
        told("rescue", Kind::Call),
        "NotFound: method rescue not found on driver"
    );
    assert_eq!(
        told("read", Kind::Call),
        "NotFound: method read missing marker marker_drivercall"
    );
    assert_eq!(
        told("on", Kind::Stream),
        "NotFound: method on missing marker marker_streamingdrivercall"
    );
    assert_eq!(
        told("on", Kind::Bytes),
        "NotFound: method on missing marker marker_streamcall"
    );
    let root = home.driver("");
    let error = root.method("on", Kind::Call).unwrap_err();
    assert_eq!(error.message, "method on not found on driver");
    assert_eq!(
        root.call("on", &[], None).await.unwrap_err().message,
        error.message
    );
    assert_eq!(
        (root.class.as_str(), root.category.as_str()),
        ("Composite", "composite")
    );
    home.tree.close(LIMIT).await;
}

#[tokio::test]
async fn drivers_of_the_power_plugin_answer() {
    let home = open(&config(
        "  power: {type: jumpstarter_driver_power.driver.MockPower}
  same: {ref: power}",
    ))
    .await
    .unwrap();
    assert_eq!(home.shape(), ["=R", "power=power<R", "same=power<R"]);
    assert_eq!(home.call("power", "on", &[]).await.unwrap(), "null");
    let mut stream = home
        .driver("power")
        .stream("read", &[], None)
        .await
        .unwrap();
    let mut items = Vec::new();
    while let Some(batch) = stream.next_batch().await {
        for item in batch.unwrap() {
            items.push(jumpstarter_value::from_slice::<serde_json::Value>(&item).unwrap());
        }
    }
    assert_eq!(items.len(), 2);
    assert_eq!(items[1]["voltage"], 5.0);
    home.tree.close(LIMIT).await;
    assert!(home.call("power", "on", &[]).await.is_err());
}

#[tokio::test]
async fn uuids_are_new_for_every_tree() {
    let config = config("  power: {type: jumpstarter_driver_power.driver.MockPower}");
    let (first, second) = (open(&config).await.unwrap(), open(&config).await.unwrap());
    assert_ne!(first.tree.reports()[1].uuid, second.tree.reports()[1].uuid);
    first.tree.close(LIMIT).await;
    second.tree.close(LIMIT).await;
}

/// A rack of a thousand relays.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_drivers_open_and_close() {
    let mut export = String::new();
    for number in 0..1000 {
        export +=
            &format!("  relay{number}: {{type: jumpstarter_driver_power.driver.MockPower}}\n");
    }
    let home = open(&config(&export)).await.unwrap();
    let reports = home.tree.reports();
    assert_eq!(reports.len(), 1001, "the root and a thousand relays");
    let uuids: std::collections::BTreeSet<_> = reports.iter().map(|report| &report.uuid).collect();
    assert_eq!(uuids.len(), 1001);
    home.tree.close(LIMIT).await;
}
