//! Calling drivers: reports, values, errors and their texts, logs, giving up.

#![allow(clippy::unwrap_used)]

mod session_support;

use std::time::Duration;

use jumpstarter_proto::v1::{LogSource, ResetRequest};
use session_support::{Exporter, POWER, call, streaming_call, uuid_of};
use tonic::{Code, Request};

const TREE: &str = "
metadata: {namespace: lab, name: bench}
description: the bench
motd: be kind
export:
  power:
    type: jumpstarter_driver_power.driver.MockPower
    description: main supply
    methods_description: {on: switches it on}
  group:
    children:
      inner:
        type: jumpstarter_driver_power.driver.MockPower
        description: ''
  again: {ref: group}
";

#[tokio::test]
async fn the_report_shows_the_tree() {
    let exporter = Exporter::run(TREE, &[]);
    let mut client = exporter.client().await;
    let report = client.get_report(()).await.unwrap().into_inner();
    assert_eq!(report.motd, "be kind");
    assert_eq!(report.labels["jumpstarter.dev/name"], "bench");
    assert_eq!(report.uuid.len(), 36);

    let rows: Vec<_> = report
        .reports
        .iter()
        .map(|report| {
            (
                report
                    .labels
                    .get("jumpstarter.dev/name")
                    .map_or("", String::as_str),
                report.description.as_deref(),
                report.parent_uuid.as_deref(),
                report.uuid.as_str(),
            )
        })
        .collect();
    let [root, power, group, inner, again, repeated] = rows.as_slice() else {
        panic!("{rows:?}");
    };
    assert_eq!((root.0, root.1, root.2), ("", Some("the bench"), None));
    assert_eq!(
        (power.0, power.1, power.2),
        ("power", Some("main supply"), Some(root.3))
    );
    assert_eq!((group.0, group.1, group.2), ("group", None, Some(root.3)));
    assert_eq!((inner.0, inner.1, inner.2), ("inner", None, Some(group.3)));
    // A reference shows its target again, under its own name.
    assert_eq!(
        (again.0, again.2, again.3),
        ("again", Some(root.3), group.3)
    );
    assert_eq!(
        (repeated.0, repeated.2, repeated.3),
        ("inner", Some(group.3), inner.3)
    );
    assert_eq!(
        report.reports[1].methods_description["on"],
        "switches it on"
    );
    assert_eq!(
        report.reports[1].labels["jumpstarter.dev/client"],
        "jumpstarter_driver_power.client.PowerClient"
    );

    // The same session answers the same.
    assert_eq!(client.get_report(()).await.unwrap().into_inner(), report);
}

#[tokio::test]
async fn calls_and_streams_of_values() {
    let exporter = Exporter::run(POWER, &[]);
    let mut client = exporter.client().await;
    let uuid = uuid_of(&mut client, "power").await;

    let first = client
        .driver_call(call(&uuid, "on", vec![]))
        .await
        .unwrap()
        .into_inner();
    let second = client
        .driver_call(call(&uuid, "off", vec![]))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(&*first.result, jumpstarter_value::NULL);
    assert_eq!(first.uuid.len(), 36);
    assert_ne!(first.uuid, second.uuid);

    let mut items = client
        .streaming_driver_call(streaming_call(&uuid, "read", vec![]))
        .await
        .unwrap()
        .into_inner();
    let mut readings = Vec::new();
    while let Some(item) = items.message().await.unwrap() {
        readings.push(jumpstarter_value::from_slice::<serde_json::Value>(&item.result).unwrap());
    }
    assert_eq!(
        readings,
        [
            serde_json::json!({"voltage": 0, "current": 0}),
            serde_json::json!({"voltage": 5, "current": 2}),
        ]
    );

    // Any spelling of the UUID will do.
    for spelling in [
        uuid.to_uppercase(),
        uuid.replace('-', ""),
        format!("{{{uuid}}}"),
        format!("urn:uuid:{uuid}"),
    ] {
        client
            .driver_call(call(&spelling, "on", vec![]))
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn calls_that_reach_no_method() {
    let exporter = Exporter::run(POWER, &[]);
    let mut client = exporter.client().await;
    let uuid = uuid_of(&mut client, "power").await;
    let stranger = "A1B2C3D4-0000-4000-8000-0123456789ab";
    let cases = [
        (
            "power",
            "on",
            Code::Unknown,
            "Unexpected <class 'ValueError'>: badly formed hexadecimal UUID string",
        ),
        (
            stranger,
            "on",
            Code::Unknown,
            "Unexpected <class 'KeyError'>: UUID('a1b2c3d4-0000-4000-8000-0123456789ab')",
        ),
        (
            &uuid,
            "fly",
            Code::NotFound,
            "method fly not found on driver",
        ),
    ];
    for (uuid, method, code, text) in cases {
        let unary = client
            .driver_call(call(uuid, method, vec![]))
            .await
            .unwrap_err();
        assert_eq!((unary.code(), unary.message()), (code, text));
        let streaming = client
            .streaming_driver_call(streaming_call(uuid, method, vec![]))
            .await
            .unwrap_err();
        assert_eq!((streaming.code(), streaming.message()), (code, text));
    }

    let unary = client
        .driver_call(call(&uuid, "read", vec![]))
        .await
        .unwrap_err();
    assert_eq!(
        (unary.code(), unary.message()),
        (
            Code::NotFound,
            "method read missing marker marker_drivercall"
        )
    );
    let streaming = client
        .streaming_driver_call(streaming_call(&uuid, "on", vec![]))
        .await
        .unwrap_err();
    assert_eq!(
        (streaming.code(), streaming.message()),
        (
            Code::NotFound,
            "method on missing marker marker_streamingdrivercall"
        )
    );

    let reset = client.reset(ResetRequest {}).await.unwrap_err();
    assert_eq!(
        (reset.code(), reset.message()),
        (
            Code::Unimplemented,
            "Unexpected <class 'NotImplementedError'>: Method not implemented!"
        )
    );
}

#[tokio::test]
async fn a_message_beyond_the_limit_is_refused_and_harms_nobody() {
    let exporter = Exporter::run(POWER, &[]);
    let mut client = exporter.client().await;
    let uuid = uuid_of(&mut client, "power").await;
    let big = jumpstarter_value::to_vec(&"x".repeat(5 << 20)).unwrap();
    let error = client
        .driver_call(call(&uuid, "on", vec![big.into()]))
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::OutOfRange, "{error}");
    client.driver_call(call(&uuid, "on", vec![])).await.unwrap();
}

#[tokio::test]
async fn a_client_hears_what_drivers_say() {
    let exporter = Exporter::run(POWER, &[]);
    let mut client = exporter.client().await;
    let uuid = uuid_of(&mut client, "power").await;
    // Said before anybody listens, and kept.
    client.driver_call(call(&uuid, "on", vec![])).await.unwrap();
    client
        .driver_call(call(&uuid, "fly", vec![]))
        .await
        .unwrap_err();

    let mut lines = client.log_stream(()).await.unwrap().into_inner();
    let mut seen = Vec::new();
    while !seen
        .iter()
        .any(|line: &String| line.contains("Operation completed"))
    {
        let line = lines.message().await.unwrap().unwrap();
        assert_eq!(line.uuid, "");
        if line.source() == LogSource::Driver {
            assert_eq!(line.severity, "INFO");
        }
        assert!(line.timestamp.is_some());
        let mut fields: Vec<_> = line.structured_fields.iter().collect();
        fields.sort();
        seen.push(format!(
            "{} {:?} {:?} {} {fields:?}",
            match line.source() {
                LogSource::Driver => "driver",
                LogSource::System => "system",
                other => panic!("{other:?}"),
            },
            line.driver_type,
            line.operation,
            line.message,
        ));
    }
    assert!(
        seen.iter()
            .any(|line| line.starts_with("system None None Session server started on")),
        "{seen:#?}"
    );
    let driver: Vec<_> = seen
        .iter()
        .filter(|line| line.starts_with("driver"))
        .collect();
    assert_eq!(
        driver,
        [
            r#"driver Some("power") Some("on") Operation started []"#,
            driver[1],
            r#"driver Some("power") Some("on") Operation completed [("result", "success")]"#,
        ]
    );
    assert!(driver[1].contains("power on"), "{driver:?}");

    // From now on, lines arrive as they are said, also when nothing follows them.
    let mut caller = exporter.client().await;
    for _ in 0..5 {
        let off = call(&uuid, "off", vec![]);
        caller.driver_call(off).await.unwrap();
        while lines.message().await.unwrap().unwrap().message != "Operation completed" {}
    }
}

#[tokio::test]
async fn the_last_256_lines_are_kept_in_order() {
    let exporter = Exporter::run(POWER, &[]);
    let mut client = exporter.client().await;
    let uuid = uuid_of(&mut client, "power").await;
    for _ in 0..200 {
        client.driver_call(call(&uuid, "on", vec![])).await.unwrap();
    }
    client
        .driver_call(call(&uuid, "off", vec![]))
        .await
        .unwrap();
    let mut lines = client.log_stream(()).await.unwrap().into_inner();
    let mut kept = Vec::new();
    loop {
        let line = lines.message().await.unwrap().unwrap();
        let last =
            line.message == "Operation completed" && line.operation.as_deref() == Some("off");
        kept.push(line);
        if last {
            break;
        }
    }
    assert_eq!(kept.len(), 256);
    let stamps: Vec<_> = kept
        .iter()
        .map(|line| {
            line.timestamp
                .as_ref()
                .map(|stamp| (stamp.seconds, stamp.nanos))
        })
        .collect();
    assert!(stamps.is_sorted());
}

#[tokio::test]
async fn each_line_goes_to_one_reader() {
    let exporter = Exporter::run(POWER, &[]);
    let mut client = exporter.client().await;
    let uuid = uuid_of(&mut client, "power").await;
    let mut one = client.log_stream(()).await.unwrap().into_inner();
    let mut two = exporter
        .client()
        .await
        .log_stream(())
        .await
        .unwrap()
        .into_inner();
    for _ in 0..50 {
        client.driver_call(call(&uuid, "on", vec![])).await.unwrap();
    }
    client
        .driver_call(call(&uuid, "off", vec![]))
        .await
        .unwrap();
    let mut completed = 0;
    let quiet = Duration::from_millis(300);
    loop {
        let line = tokio::select! {
            line = one.message() => line,
            line = two.message() => line,
            () = tokio::time::sleep(quiet) => break,
        };
        completed += usize::from(line.unwrap().unwrap().message == "Operation completed");
    }
    assert_eq!(completed, 51);
}

#[tokio::test]
async fn a_client_that_has_no_time_gets_an_answer_or_a_deadline() {
    let exporter = Exporter::run(POWER, &[]);
    let mut client = exporter.client().await;
    let uuid = uuid_of(&mut client, "power").await;
    let mut request = Request::new(call(&uuid, "on", vec![]));
    request.set_timeout(Duration::from_secs(10));
    client.driver_call(request).await.unwrap();
}
