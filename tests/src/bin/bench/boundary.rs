//! What one call across the plugin boundary costs, without gRPC: the host's own library, in this
//! process.

use std::time::Instant;

use bytes::Bytes;
use jumpstarter_host::plugin::{Instance, LoadOptions, Registry, Search};
use jumpstarter_tests::{Lab, values};
use tokio::task::JoinSet;

use crate::{
    Effort,
    table::{Goal, Row, Series, Table},
};

const QUICK: &str = "jumpstarter_driver_power.driver.MockPower";
const ASYNC: &str = "jumpstarter_driver_test_rotten.driver.Rotten";
const C: &str = "jumpstarter_driver_example_c.driver.Power";

/// A method called by this many at once.
struct Case {
    work: &'static str,
    class: &'static str,
    method: &'static str,
    args: Vec<Bytes>,
    callers: usize,
    goal: Goal,
}

pub(crate) async fn measure(lab: &Lab, effort: Effort, table: &mut Table) {
    let programs = lab.programs();
    let search = Search::only(&[programs.plugins(), programs.test_plugins()], None, &[]);
    let options = LoadOptions {
        insecure_plugins: false,
        worker_threads: 1,
        state_dir: lab.folder("state"),
    };
    let registry = Registry::new(search, options);
    for case in cases() {
        let driver = open(&registry, case.class).await;
        let mut series = Series::default();
        case.per_call(&driver).await;
        for _ in 0..effort.turns {
            series.push(case.per_call(&driver).await);
        }
        let work = format!("boundary: {}", case.work);
        table.add(Row::ours(work, "ns/call", series, case.goal));
        driver.close().await.unwrap();
    }
}

/// `on` takes nothing, logs a line nobody listens to and answers null; `echo` returns its argument.
fn cases() -> [Case; 4] {
    let case = |work, class, method, callers, goal| Case {
        work,
        class,
        method,
        args: Vec::new(),
        callers,
        goal,
    };
    let echo = |work, callers, goal| Case {
        args: values(["hello"]),
        ..case(work, ASYNC, "echo", callers, goal)
    };
    let inline = Goal::AtMost(1_000.0);
    [
        case("C plugin, inline, 1 caller", C, "on", 1, inline),
        case("Rust plugin, `quick`, 1 caller", QUICK, "on", 1, inline),
        echo("Rust plugin, on its runtime, 1 caller", 1, Goal::None),
        echo(
            "Rust plugin, on its runtime, 64 callers",
            64,
            Goal::AtMost(5_000.0),
        ),
    ]
}

async fn open(registry: &Registry, class: &str) -> Instance {
    let found = registry.find(class).unwrap();
    let library = registry.load(&found).unwrap();
    library.open(0, class, "bench", "{}").await.unwrap().driver
}

// === impl Case ===

impl Case {
    /// Nanoseconds per call.
    async fn per_call(&self, driver: &Instance) -> f64 {
        const CALLS: usize = 20_000;
        let started = Instant::now();
        let mut running = JoinSet::new();
        for _ in 0..self.callers {
            let (driver, method, args) = (driver.clone(), self.method, self.args.clone());
            let calls = CALLS / self.callers;
            running.spawn(async move {
                for _ in 0..calls {
                    driver.call(method, &args, None).await.unwrap();
                }
            });
        }
        running.join_all().await;
        started.elapsed().as_nanos() as f64 / CALLS as f64
    }
}
