//! Opening a driver, and what it brings along.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jumpstarter_completion::{Answer, Pending, begin};
use jumpstarter_driver_abi::{Completion, OpenRequest, Slice};
use serde::Deserialize;
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::driver::Driver;
use super::error::{CallError, Code};
use super::instance::Instance;
use super::library::Library;
use super::metadata::Method;

/// A driver that takes longer to open is not going to.
const LIMIT: Duration = Duration::from_secs(30);
/// Handles cross as numbers of `google.protobuf.Value`.
const MAX_HANDLE: u64 = 1 << 53;

/// A driver that was just opened.
#[derive(Debug)]
pub struct Opened {
    /// The driver.
    pub driver: Instance,
    /// What it adds to its metadata.
    pub added: Added,
}

/// What a driver adds to its metadata when it is opened.
#[derive(Debug, Default)]
pub struct Added {
    /// Class of the client.
    pub client: Option<String>,
    /// `power`, `storage`, ...
    pub category: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// Labels for the report.
    pub labels: BTreeMap<String, String>,
    /// Help texts of methods, for the report.
    pub methods_description: BTreeMap<String, String>,
    /// Further methods.
    pub methods: Vec<Method>,
    /// Drivers below it, closed together with it.
    pub children: BTreeMap<String, OpenedChild>,
}

/// A driver that another one brought along.
#[derive(Debug)]
pub struct OpenedChild {
    /// Its type, as if it were in the configuration.
    pub type_name: String,
    /// The driver.
    pub driver: Instance,
    /// What it adds.
    pub added: Added,
}

/// The body of the answer, as it is encoded.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Body {
    client: Option<String>,
    category: Option<String>,
    description: Option<String>,
    labels: Option<BTreeMap<String, String>>,
    methods_description: Option<BTreeMap<String, String>>,
    methods: Option<Vec<Method>>,
    children: Option<BTreeMap<String, ChildBody>>,
}

#[derive(Debug, Deserialize)]
struct ChildBody {
    r#type: String,
    handle: u64,
    #[serde(flatten)]
    body: Body,
}

/// What `open` borrows, owned: a plugin that may block is asked from another thread.
struct Order {
    node: u64,
    class: String,
    name: String,
    config: String,
}

/// A driver that is being opened. Given up, it is closed as soon as it is there.
struct Opening<'l> {
    library: &'l Arc<Library>,
    name: &'l str,
    pending: Option<Pending>,
}

// === impl Library ===

impl Library {
    /// Opens a driver of this plugin.
    ///
    /// `node` is the number of a [`Node`](super::Node), or 0; `class` a type of the metadata; `name`
    /// the driver's name in the tree; `config` its configuration, a JSON object.
    ///
    /// # Errors
    /// What the driver answered, or that it broke a rule.
    pub async fn open(
        self: &Arc<Self>,
        node: u64,
        class: &str,
        name: &str,
        config: &str,
    ) -> Result<Opened, CallError> {
        let order = Order {
            node,
            class: class.to_owned(),
            name: name.to_owned(),
            config: config.to_owned(),
        };
        let (pending, completion) = begin();
        if self.may_block() {
            let library = Arc::clone(self);
            // Ends when the plugin's function returns; what comes after `LIMIT` is closed.
            drop(tokio::task::spawn_blocking(move || {
                order.send(&library, completion)
            }));
        } else {
            order.send(self, completion);
        }
        let mut opening = Opening {
            library: self,
            name,
            pending: Some(pending),
        };
        let answer = CallError::check(opening.answer().await?)?;
        let driver = opened(self, name, answer.handle)?;
        let body = parse(&driver, &answer.body)?;
        let added = add(&driver, body)?;
        Ok(Opened {
            driver: Instance::new(driver),
            added,
        })
    }
}

fn opened(library: &Arc<Library>, name: &str, handle: u64) -> Result<Arc<Driver>, CallError> {
    check_handle(handle).map_err(|reason| {
        CallError::broken(format!(
            "plugin {} opened `{name}` with {reason}",
            library.title()
        ))
    })?;
    Ok(Arc::new(Driver::new(
        Arc::clone(library),
        name.to_owned(),
        handle,
    )))
}

fn check_handle(handle: u64) -> Result<(), String> {
    match handle {
        0 => Err("no handle".to_owned()),
        1..MAX_HANDLE => Ok(()),
        MAX_HANDLE.. => Err(format!("the handle {handle}; handles are below 2^53")),
    }
}

fn parse(driver: &Driver, body: &[u8]) -> Result<Body, CallError> {
    jumpstarter_value::validate(body)
        .and_then(|()| jumpstarter_value::from_slice::<Option<Body>>(body))
        .map(Option::unwrap_or_default)
        .map_err(|error| driver.broken(format_args!("describes itself wrongly: {error}")))
}

fn add(driver: &Arc<Driver>, body: Body) -> Result<Added, CallError> {
    let mut children = BTreeMap::new();
    for (name, child) in body.children.unwrap_or_default() {
        check_handle(child.handle).map_err(|reason| {
            driver.broken(format_args!("brings the child `{name}` with {reason}"))
        })?;
        let full_name = format!("{}.{name}", driver.name);
        let child_driver = Arc::new(driver.with_child(full_name, child.handle));
        let added = add(&child_driver, child.body)?;
        let opened = OpenedChild {
            type_name: child.r#type,
            driver: Instance::new(child_driver),
            added,
        };
        children.insert(name, opened);
    }
    Ok(Added {
        client: body.client,
        category: body.category,
        description: body.description,
        labels: body.labels.unwrap_or_default(),
        methods_description: body.methods_description.unwrap_or_default(),
        methods: body.methods.unwrap_or_default(),
        children,
    })
}

// === impl Order ===

impl Order {
    fn send(&self, library: &Library, completion: Completion) {
        let request = OpenRequest {
            node: self.node,
            class: Slice::from(self.class.as_str()),
            name: Slice::from(self.name.as_str()),
            config: Slice::from(self.config.as_str()),
            reserved: [0; 4],
        };
        // SAFETY: `init` has returned; the request and what it borrows live for the call.
        unsafe { (library.functions().open)(&raw const request, completion) }
    }
}

// === impl Opening ===

impl Opening<'_> {
    async fn answer(&mut self) -> Result<Answer, CallError> {
        let Some(pending) = self.pending.as_mut() else {
            return Err(CallError::broken("the driver was opened before"));
        };
        let answer = timeout(LIMIT, pending).await.map_err(|_| {
            CallError::new(
                Code::DeadlineExceeded,
                format!(
                    "driver `{}` did not open within {} s",
                    self.name,
                    LIMIT.as_secs()
                ),
            )
        })?;
        self.pending = None;
        Ok(answer)
    }
}

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        let (Some(pending), Ok(runtime)) = (self.pending.take(), Handle::try_current()) else {
            return;
        };
        let (library, name) = (Arc::clone(self.library), self.name.to_owned());
        // Ends with the answer, and holds nothing but the wish to close what comes with it.
        drop(runtime.spawn(async move {
            if let Ok(answer) = CallError::check(pending.await)
                && let Ok(driver) = opened(&library, &name, answer.handle)
            {
                tracing::warn!("driver `{name}` opened after it was given up, closing it");
                drop(driver);
            }
        }));
    }
}
