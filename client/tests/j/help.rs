//! What a person sees who asks what there is, or mistypes it.

use crate::program::j;
use crate::{at, lab, run};

#[tokio::test(flavor = "multi_thread")]
async fn help_is_made_from_the_report() {
    let exporter = lab().serve().await;
    let help = run(&exporter, "--help").await;
    let text = &help.succeeds().stdout;
    assert!(text.starts_with("Generic composite device\n\nUsage: j [OPTIONS] COMMAND [ARGS]...\n"));
    let list = "Commands:\n\
                \x20 nested  Generic composite device\n\
                \x20 old     Methods of vendor_old.client.Thing\n\
                \x20 pdu     Outlets that can be switched.\n\
                \x20 power   The board's supply\n";
    assert!(text.contains(list), "{text}");
    assert!(text.contains("--log-level <LEVEL>"), "{text}");

    let power = run(&exporter, "power --help").await;
    let text = &power.succeeds().stdout;
    assert!(text.starts_with("The board's supply\n\nUsage: j power [OPTIONS] COMMAND [ARGS]...\n"));
    let list = "Commands:\n\
                \x20 cycle  Power cycle\n\
                \x20 off    Power off\n\
                \x20 on     Power on\n\
                \x20 read   Read power measurements\n";
    assert!(text.contains(list), "{text}");

    let pdu = run(&exporter, "pdu --help").await;
    let text = &pdu.succeeds().stdout;
    assert!(text.contains("Up to eight of them."), "{text}");
    assert!(
        text.contains("  all        Switch it, as we say here\n"),
        "{text}"
    );
    assert!(text.contains("  not-there"), "{text}");
    assert!(!text.contains("connect"), "{text}");

    let all = run(&exporter, "pdu all --help").await;
    let text = &all.succeeds().stdout;
    assert!(
        text.contains("Usage: j pdu all [OPTIONS] OUTLET ON [MODE] [LABEL]\n"),
        "{text}"
    );
    assert!(text.contains("from 1 (whole number)"), "{text}");
    assert!(text.contains("[possible values: fast, slow]"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_exit_with_1() {
    let exporter = lab().serve().await;
    let outcome = run(&exporter, "nothing").await;
    outcome.fails(1).says(
        "Usage: j [OPTIONS] COMMAND [ARGS]...\n\
         Try 'j --help' for help.\n\
         \n\
         Error: No such command 'nothing'.\n",
    );
    let outcome = run(&exporter, "power nonsense").await;
    outcome
        .fails(1)
        .complains("Usage: j power [OPTIONS] COMMAND [ARGS]...\n");
    let outcome = run(&exporter, "power cycle -w soon").await;
    outcome
        .fails(1)
        .complains("Error: Invalid value for '-w' / '--wait': 'soon' is not a valid integer.\n");
    let outcome = run(&exporter, "power").await;
    outcome
        .fails(1)
        .prints("")
        .complains("Usage: j power [OPTIONS] COMMAND [ARGS]...\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn completion_knows_the_devices() {
    let exporter = lab().serve().await;
    let ask = |words: &'static str, place: &'static str| {
        at(&exporter)
            .env("_J_COMPLETE", "bash_complete")
            .env("COMP_WORDS", words)
            .env("COMP_CWORD", place)
            .run()
    };
    ask("j p", "1")
        .await
        .succeeds()
        .prints("plain,pdu\nplain,power\n");
    ask("j nested inner p2 c", "4")
        .await
        .prints("plain,cycle\n");
    ask("j pdu all 1 on ", "5")
        .await
        .prints("plain,fast\nplain,slow\n");
    let nowhere = j()
        .env("_J_COMPLETE", "bash_complete")
        .env("COMP_WORDS", "j p")
        .env("COMP_CWORD", "1")
        .run()
        .await;
    nowhere.fails(1).prints("").says("");
}
