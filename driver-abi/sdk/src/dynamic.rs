//! Methods that only one instance of a driver has, because its configuration says so.

use std::fmt;
use std::sync::Arc;

use futures_util::{Stream, StreamExt};
use jumpstarter_value::{ListReader, from_slice, to_vec, validate};
use serde_json::Value;

use crate::class::{BoxFuture, refuse};
use crate::job::{CallJob, StreamJob};
use crate::{Error, Result};

type BoxStream = futures_util::stream::BoxStream<'static, Result<Value>>;

/// A method made at run time, for [`Description::methods`](crate::Description::methods).
///
/// ```
/// use jumpstarter_driver::DynamicMethod;
/// use serde_json::json;
///
/// let method = DynamicMethod::call("greet", |args| async move {
///     Ok(json!(format!("hello {}", args.first().unwrap_or(&json!("you")))))
/// })
/// .doc("Says hello")
/// .param("name", json!({"type": "string"}), true)
/// .result(json!({"type": "string"}));
/// ```
#[derive(Clone)]
pub struct DynamicMethod {
    name: String,
    doc: String,
    params: Vec<Value>,
    result: Option<Value>,
    run: Run,
}

#[derive(Clone)]
enum Run {
    Call(Arc<dyn Fn(Vec<Value>) -> BoxFuture<Result<Value>> + Send + Sync>),
    Stream(Arc<dyn Fn(Vec<Value>) -> BoxStream + Send + Sync>),
}

/// The dynamic method with this name.
pub(crate) fn find<'a>(methods: &'a [DynamicMethod], name: &str) -> Option<&'a DynamicMethod> {
    methods.iter().find(|method| method.name == name)
}

// === impl DynamicMethod ===

impl DynamicMethod {
    /// A method that answers with a value.
    pub fn call<F>(
        name: impl Into<String>,
        method: impl Fn(Vec<Value>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Value>> + Send + 'static,
    {
        Self::new(
            name,
            Run::Call(Arc::new(move |args| Box::pin(method(args)))),
        )
    }

    /// A method that answers with a stream of values.
    pub fn stream<S>(
        name: impl Into<String>,
        method: impl Fn(Vec<Value>) -> S + Send + Sync + 'static,
    ) -> Self
    where
        S: Stream<Item = Result<Value>> + Send + 'static,
    {
        Self::new(
            name,
            Run::Stream(Arc::new(move |args| method(args).boxed())),
        )
    }

    fn new(name: impl Into<String>, run: Run) -> Self {
        Self {
            name: name.into(),
            doc: String::new(),
            params: Vec::new(),
            result: None,
            run,
        }
    }

    /// Its help text.
    #[must_use]
    pub fn doc(mut self, doc: impl Into<String>) -> Self {
        self.doc = doc.into();
        self
    }

    /// A further parameter: name, JSON Schema, and whether it may be left out.
    #[must_use]
    pub fn param(mut self, name: &str, schema: Value, optional: bool) -> Self {
        let param = serde_json::json!({"name": name, "schema": schema, "optional": optional});
        self.params.push(param);
        self
    }

    /// The JSON Schema of its result or of its items.
    #[must_use]
    pub fn result(mut self, schema: Value) -> Self {
        self.result = Some(schema);
        self
    }

    /// Its entry in what `open` answers.
    pub(crate) fn metadata(&self) -> Value {
        let kind = match self.run {
            Run::Call(_) => "call",
            Run::Stream(_) => "stream",
        };
        let mut entry = serde_json::json!({
            "name": self.name,
            "kind": kind,
            "doc": self.doc,
            "params": self.params,
        });
        if let Some(result) = &self.result {
            entry["result"] = result.clone();
        }
        entry
    }

    pub(crate) fn call_job(&self, args: &[u8]) -> Result<CallJob> {
        match &self.run {
            Run::Call(method) => {
                let (method, args) = (Arc::clone(method), self.args(args)?);
                Ok(CallJob::task(async move { method(args).await }))
            }
            Run::Stream(_) => Err(self.refuse("drivercall")),
        }
    }

    pub(crate) fn stream_job(&self, args: &[u8]) -> Result<StreamJob> {
        match &self.run {
            Run::Stream(method) => {
                let (method, args) = (Arc::clone(method), self.args(args)?);
                let encode = |item: Result<Value>| to_vec(&item?).map_err(Error::invalid_argument);
                Ok(StreamJob::encoded(move || method(args).map(encode)))
            }
            Run::Call(_) => Err(self.refuse("streamingdrivercall")),
        }
    }

    /// The error for a method of another kind.
    pub(crate) fn refuse(&self, marker: &str) -> Error {
        refuse(&self.name, true, marker)
    }

    fn args(&self, list: &[u8]) -> Result<Vec<Value>> {
        ListReader::new(list)
            .map(|value| {
                let value = value?;
                validate(value)?;
                from_slice(value)
            })
            .collect::<Result<_, jumpstarter_value::Error>>()
            .map_err(|error| {
                let name = &self.name;
                Error::invalid_argument(format_args!("{name}(): arguments: {error}"))
            })
    }
}

impl fmt::Debug for DynamicMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DynamicMethod({})", self.name)
    }
}
