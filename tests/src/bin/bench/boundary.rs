//! What one call across the plugin boundary costs, without gRPC: the host's own library, in this
//! process.

use std::time::Instant;

use jumpstarter_host::plugin::{Instance, LoadOptions, Registry, Search};
use jumpstarter_tests::Lab;
use tokio::task::JoinSet;

use crate::{
    Effort,
    table::{Goal, Row, Series, Table},
};

const RUST: &str = "jumpstarter_driver_power.driver.MockPower";
const C: &str = "jumpstarter_driver_example_c.driver.Power";

pub(crate) async fn measure(lab: &Lab, effort: Effort, table: &mut Table) {
    let search = Search::only(&[lab.programs().plugins()], None, &[]);
    let options = LoadOptions {
        insecure_plugins: false,
        worker_threads: 1,
        state_dir: lab.folder("state"),
    };
    let registry = Registry::new(search, options);
    for (work, class, callers, goal) in [
        (
            "C plugin, answered inline, 1 caller",
            C,
            1,
            Goal::AtMost(1_000.0),
        ),
        (
            "Rust plugin, `async fn` on its runtime, 1 caller",
            RUST,
            1,
            Goal::None,
        ),
        (
            "Rust plugin, `async fn` on its runtime, 64 callers",
            RUST,
            64,
            Goal::AtMost(5_000.0),
        ),
    ] {
        let driver = open(&registry, class).await;
        let mut series = Series::default();
        per_call(&driver, callers).await;
        for _ in 0..effort.turns {
            series.push(per_call(&driver, callers).await);
        }
        table.add(Row::ours(
            format!("boundary: {work}"),
            "ns/call",
            series,
            goal,
        ));
        driver.close().await.unwrap();
    }
}

async fn open(registry: &Registry, class: &str) -> Instance {
    let found = registry.find(class).unwrap();
    let library = registry.load(&found).unwrap();
    library.open(0, class, "power", "{}").await.unwrap().driver
}

/// Nanoseconds per call of `on`, which takes nothing, logs a line nobody listens to and answers null.
async fn per_call(driver: &Instance, callers: usize) -> f64 {
    const CALLS: usize = 20_000;
    let started = Instant::now();
    let mut running = JoinSet::new();
    for _ in 0..callers {
        let driver = driver.clone();
        running.spawn(async move {
            for _ in 0..CALLS / callers {
                driver.call("on", &[], None).await.unwrap();
            }
        });
    }
    running.join_all().await;
    started.elapsed().as_nanos() as f64 / CALLS as f64
}
