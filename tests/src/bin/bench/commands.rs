//! How long a person waits for a command.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use jumpstarter_tests::Lab;

use crate::{
    Effort,
    served::{Served, Whose},
    table::{Better, Goal, Row, Series, Table},
};

const TEN: &str = "for i in 1 2 3 4 5 6 7 8 9 10; do j p0 on; done";

pub(crate) async fn measure(lab: &Lab, effort: Effort, table: &mut Table) {
    let (ours, _) = Served::start(lab, Whose::Ours, 1).await;
    let host = format!("127.0.0.1:{}", ours.port());
    let shell = ["shell", "--tls-grpc", &host, "--tls-grpc-insecure", "--"];
    let with = |last: &[&'static str]| -> Vec<String> {
        shell
            .iter()
            .chain(last)
            .map(|&word| word.to_owned())
            .collect()
    };
    let rows: [(&str, &str, Vec<String>, f64); 4] = [
        ("`jmp --help`", "jmp", vec!["--help".to_owned()], 5.0),
        (
            "`j p0 on`",
            "j",
            vec!["p0".to_owned(), "on".to_owned()],
            20.0,
        ),
        (
            "`jmp shell -- j p0 on`",
            "jmp",
            with(&["j", "p0", "on"]),
            50.0,
        ),
        (
            "`jmp shell --` ten times `j p0 on`",
            "jmp",
            with(&["sh", "-c", TEN]),
            150.0,
        ),
    ];
    for (work, program, args, goal) in rows {
        let mut sides = [Series::default(), Series::default()];
        for turn in 0..effort.turns * 2 {
            let path = lab.programs().program(program);
            sides[0].push(time(lab, &path, &args, &host));
            let python = lab.programs().python(program);
            // Seconds each: two turns tell enough.
            if let Some(python) = python.filter(|_| effort.python && turn < 2) {
                sides[1].push(time(lab, &python, &args, &host));
            }
        }
        let [ours, python] = sides;
        table.add(Row {
            work: work.to_owned(),
            unit: "ms",
            better: Better::Less,
            ours,
            limit: Series::default(),
            python,
            goal: Goal::AtMost(goal),
        });
    }
}

/// Runs a command against our exporter; its programs come first on `PATH`, so that the Python `jmp`
/// runs the Python `j`.
fn time(lab: &Lab, program: &Path, args: &[String], host: &str) -> f64 {
    let mut command: Command = lab.foreign(program);
    let folder = program.parent().unwrap().display();
    command
        .args(args)
        .env("PATH", format!("{folder}:/usr/bin:/bin"))
        .env("JUMPSTARTER_HOST", host)
        .env("JMP_GRPC_INSECURE", "1")
        .env("JMP_DRIVERS_ALLOW", "UNSAFE");
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let started = Instant::now();
    let status = command.status().expect("it starts");
    let took = started.elapsed();
    assert!(status.success(), "{command:?}: {status}");
    took.as_secs_f64() * 1e3
}
