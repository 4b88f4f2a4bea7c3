//! Devices that only their interface tells about, or nothing.

use crate::{at, lab, run};

#[tokio::test(flavor = "multi_thread")]
async fn arguments_are_parsed_by_type() {
    let exporter = lab().serve().await;
    run(&exporter, "pdu all 3 yes")
        .await
        .succeeds()
        .prints("[3,true,null,null]\n");
    run(&exporter, "pdu all 0x10 off slow 7")
        .await
        .prints("[16,false,\"slow\",\"7\"]\n");
    run(&exporter, "pdu all -1 on")
        .await
        .prints("[-1,true,null,null]\n");
    let point = at(&exporter)
        .words("pdu echo")
        .arg(r#"{"x": 1, "y": 2}"#)
        .run()
        .await;
    point.succeeds().prints("{\"x\":1,\"y\":2.0}\n");
    assert_eq!(
        exporter.calls()[0],
        "pdu.all [3,true,null,null]",
        "omitted arguments travel as null"
    );
    for (words, expected) in [
        ("pdu all", "Error: Missing argument 'OUTLET'.\n"),
        ("pdu all 3", "Error: Missing argument 'ON'.\n"),
        (
            "pdu all 3.5 on",
            "Error: Invalid value for 'OUTLET': '3.5' is not a valid integer.\n",
        ),
        (
            "pdu all 3 maybe",
            "Error: Invalid value for 'ON': 'maybe' is not a valid boolean.\n",
        ),
        (
            "pdu all 3 on warp",
            "Error: Invalid value for 'MODE': 'warp' is not one of 'fast', 'slow'.\n",
        ),
        (
            "pdu all 3 on fast x y",
            "Error: Got unexpected extra argument (y)\n",
        ),
        (
            "pdu echo 7",
            "Error: Invalid value for 'POINT': '7' is not a JSON object.\n",
        ),
    ] {
        run(&exporter, words)
            .await
            .fails(1)
            .prints("")
            .complains(expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn results_are_printed_plainly() {
    let exporter = lab().serve().await;
    run(&exporter, "pdu text")
        .await
        .succeeds()
        .prints("plain\ntext\n");
    run(&exporter, "pdu nothing").await.succeeds().prints("");
    run(&exporter, "pdu items")
        .await
        .succeeds()
        .prints("1\ntwo\n{\"three\":3.5}\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_told_in_full() {
    let exporter = lab().serve().await;
    let outcome = run(&exporter, "pdu refuse").await;
    outcome
        .fails(1)
        .says("Error: DriverCall 'refuse' failed with gRPC INVALID_ARGUMENT: not like this\n");
    let outcome = run(&exporter, "pdu not-there").await;
    outcome.fails(1).says(
        "Error: DriverCall 'not_there' failed with gRPC NOT_FOUND: \
         method not_there not found on driver\n",
    );
    // What came before the mistake was printed.
    let outcome = run(&exporter, "pdu breaks").await;
    outcome
        .fails(1)
        .prints("first\n")
        .says("Error: the wire came off\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_without_an_interface_can_still_be_called() {
    let exporter = lab().serve().await;
    let help = run(&exporter, "old --help").await;
    for text in [
        "  call    ",
        "  echo    Say it again\n",
        "  items   Count things\n",
        "  stream  ",
    ] {
        assert!(help.succeeds().stdout.contains(text), "{text}: {help:?}");
    }
    run(&exporter, "old echo [1,2]")
        .await
        .succeeds()
        .prints("[1,2]\n");
    run(&exporter, "old echo word")
        .await
        .succeeds()
        .prints("word\n");
    // It turns out to be a stream.
    run(&exporter, "old items")
        .await
        .succeeds()
        .prints("1\ntwo\n{\"three\":3.5}\n");
    run(&exporter, "old call all 1 true x")
        .await
        .succeeds()
        .prints("[1,true,\"x\"]\n");
    run(&exporter, "old stream items")
        .await
        .succeeds()
        .prints("1\ntwo\n{\"three\":3.5}\n");
    run(&exporter, "old call")
        .await
        .fails(1)
        .complains("Error: Missing argument 'METHOD'.\n");
}
