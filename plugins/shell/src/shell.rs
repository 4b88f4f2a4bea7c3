//! The driver.

use std::sync::Arc;

use futures_util::future::Either;
use futures_util::stream::{self, Stream, StreamExt};
use jumpstarter_driver::{Context, Description, Driver, DynamicMethod, Result, driver};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tracing::info;

use crate::config::Config;
use crate::group::Leaving;
use crate::order::Order;
use crate::script;

/// Scripts of the lab host.
pub(crate) struct Shell {
    config: Arc<Config>,
    leaving: Arc<Leaving>,
    cx: Context,
}

impl Driver for Shell {
    type Config = Config;

    async fn open(config: Config, cx: Context) -> Result<Self> {
        config.check()?;
        Ok(Self {
            config: Arc::new(config),
            leaving: Arc::default(),
            cx,
        })
    }

    async fn close(&self) {
        self.leaving.end().await;
    }

    fn describe(&self) -> Description {
        let described = self.config.methods.iter().filter_map(|(name, entry)| {
            let text = entry.description.clone()?;
            Some((name.to_owned(), text))
        });
        Description {
            methods_description: described.collect(),
            methods: vec![self.call_method()],
            ..Description::default()
        }
    }
}

/// Scripts of the lab host, run on behalf of clients.
#[driver(
    type = "jumpstarter_driver_shell.driver.Shell",
    client = "jumpstarter_driver_shell.client.ShellClient",
    category = "shell",
    dynamic
)]
impl Shell {
    /// The names of the scripts
    #[export(quick)]
    async fn get_methods(&self) -> Result<Vec<String>> {
        Ok(self.config.methods.names().map(str::to_owned).collect())
    }

    /// Made by hand because it takes any number of arguments.
    fn call_method(&self) -> DynamicMethod {
        let (config, cx) = (Arc::clone(&self.config), self.cx.clone());
        let leaving = Arc::clone(&self.leaving);
        let method = move |args| run(&config, &cx, &leaving, args);
        DynamicMethod::stream("call_method", method)
            .doc("Runs a script: its name, its environment, then what it gets as `$1`, `$2`, ...")
            .param("method", json!({"type": "string"}), false)
            .param("env", json!({"type": ["object", "null"]}), false)
            .result(json!({
                "type": "array",
                "prefixItems": [
                    {"type": "string"},
                    {"type": "string"},
                    {"type": ["integer", "null"]},
                ],
            }))
    }
}

fn run(
    config: &Config,
    cx: &Context,
    leaving: &Arc<Leaving>,
    args: Vec<Value>,
) -> impl Stream<Item = Result<Value>> + use<> {
    let order = match Order::new(config, args) {
        Ok(order) => order,
        Err(refusal) => {
            return Either::Left(stream::iter([Err(refusal.into_error())]));
        }
    };
    let method = &order.method;
    // Values may be secrets, names are not.
    let names: Vec<_> = order.env.iter().map(|(name, _)| name.as_str()).collect();
    info!(env = names.join(" "), "calling {method}");
    let (items, mut queue) = mpsc::channel(1);
    cx.spawn(script::run(order, Arc::clone(leaving), items));
    Either::Right(stream::poll_fn(move |cx| queue.poll_recv(cx)).fuse())
}
