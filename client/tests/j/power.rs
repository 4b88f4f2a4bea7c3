//! Power, word for word.

use crate::fake::{DriverReport, Fake, driver};
use crate::program::Program;
use crate::{lab, run};

#[tokio::test(flavor = "multi_thread")]
async fn power_speaks_as_ever() {
    let exporter = lab().serve().await;
    run(&exporter, "power on")
        .await
        .succeeds()
        .prints("")
        .says("");
    run(&exporter, "power off").await.succeeds().prints("");
    run(&exporter, "power read").await.succeeds().prints(
        "voltage=0.0 V  current=0.0 A  apparent_power=0.0 VA\n\
         voltage=5.0 V  current=2.0 A  apparent_power=10.0 VA\n",
    );
    let cycle = run(&exporter, "nested inner p2 cycle -w 0").await;
    cycle
        .succeeds()
        .prints("Power cycling with 0 seconds wait time...\n")
        .complains("Starting power cycle sequence\n")
        .complains("Waiting 0 seconds...\n")
        .complains("Power cycle sequence complete\n");
    assert_eq!(
        exporter.calls(),
        [
            "power.on []",
            "power.off []",
            "power.read []",
            "p2.off []",
            "p2.on []"
        ]
    );
    let twice = run(&exporter, "power read -n 2 -i 0").await;
    assert_eq!(twice.succeeds().stdout.lines().count(), 4);
    let quiet = run(&exporter, "--log-level ERROR power cycle -w 0").await;
    quiet.succeeds().says("");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_virtual_machine_can_be_destroyed() {
    let class = "jumpstarter_driver_power.client.VirtualPowerClient";
    let exporter = Fake::new([driver("vm", class)]).serve().await;
    run(&exporter, "vm off").await.succeeds();
    run(&exporter, "vm off --destroy").await.succeeds();
    assert_eq!(exporter.calls(), ["vm.off [false]", "vm.off [true]"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_goes_away_ends_an_endless_read() {
    let exporter = lab().serve().await;
    let script = format!("{} power read -n 0 -i 0 | head -1", env!("CARGO_BIN_EXE_j"));
    let outcome = Program::new("sh")
        .arg("-c")
        .arg(script)
        .env("JUMPSTARTER_HOST", &exporter.address)
        .env("JMP_GRPC_INSECURE", "1")
        .env("JMP_DRIVERS_ALLOW", "UNSAFE")
        .run()
        .await;
    outcome
        .succeeds()
        .prints("voltage=0.0 V  current=0.0 A  apparent_power=0.0 VA\n")
        .says("");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_single_driver_needs_no_name() {
    // As some tests serve one: the root is the driver itself.
    let exporter = Fake::only(DriverReport::power("power")).serve().await;
    run(&exporter, "on").await.succeeds();
    assert_eq!(exporter.calls(), ["power.on []"]);
}
