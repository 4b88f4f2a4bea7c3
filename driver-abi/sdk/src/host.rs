//! The host, as safe functions: log, other drivers, session folder, resources.
//!
//! Everything that this plugin asks of its host goes through here.

use std::ffi::c_void;

use jumpstarter_completion::{Answer, Pending, begin};
use jumpstarter_driver_abi::ext::{self, LogExt, LogRecord, SessionExt, TransferExt, TreeExt};
use jumpstarter_driver_abi::{ABI_MAJOR, Call, Code, Completion, Host, Slice};

use crate::{Error, Result};

/// The host and what it offers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Services {
    host: Host,
    log: Option<&'static LogExt>,
    tree: Option<&'static TreeExt>,
    session: Option<&'static SessionExt>,
    transfer: Option<&'static TransferExt>,
}

/// Other drivers of the tree.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tree {
    ctx: u64,
    table: &'static TreeExt,
}

/// Data of the client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Transfers {
    ctx: u64,
    table: &'static TransferExt,
}

/// How a method of another driver is called.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Call,
    Stream,
    Bytes,
}

/// A line of the log.
pub(crate) struct Line<'a> {
    pub(crate) node: u64,
    pub(crate) level: i32,
    pub(crate) target: &'a str,
    pub(crate) message: &'a str,
    /// An encoded `google.protobuf.Struct`, or empty.
    pub(crate) fields: &'a [u8],
}

/// Starts work on the other side of the boundary.
pub(crate) fn ask(start: impl FnOnce(Completion)) -> Pending {
    let (pending, done) = begin();
    start(done);
    pending
}

/// The answer, or the error that it is.
pub(crate) fn checked(answer: Answer) -> Result<Answer> {
    match answer.code {
        Code::Ok => Ok(answer),
        code => Err(Error::new(code, &answer.message)),
    }
}

/// The error for something that this host does not offer.
fn missing(what: &str) -> Error {
    Error::unimplemented(format_args!(
        "this exporter gives drivers no access to {what}, a newer one does"
    ))
}

// === impl Services ===

impl Services {
    /// Takes what the host offers, unless it speaks another version of the boundary.
    ///
    /// # Safety
    /// `host` is null or points to a host, whose functions work for as long as the process lives.
    pub(crate) unsafe fn new(host: *const Host) -> Option<Self> {
        // SAFETY: the caller vouches for the pointer.
        let host = *unsafe { host.as_ref() }?;
        if host.abi_major != ABI_MAJOR {
            return None;
        }
        // SAFETY: each name is asked for with the type of its table; tables live for ever.
        Some(unsafe {
            Self {
                host,
                log: table(&host, ext::LOG).map(|at| &*at.cast::<LogExt>()),
                tree: table(&host, ext::TREE).map(|at| &*at.cast::<TreeExt>()),
                session: table(&host, ext::SESSION).map(|at| &*at.cast::<SessionExt>()),
                transfer: table(&host, ext::TRANSFER).map(|at| &*at.cast::<TransferExt>()),
            }
        })
    }

    /// How many threads a plugin should start.
    pub(crate) fn worker_threads(&self) -> usize {
        self.host.worker_threads as usize
    }

    /// The least important level that the host keeps.
    pub(crate) fn max_level(&self) -> i32 {
        // SAFETY: any thread may call it, with the host's own ctx.
        self.log
            .map_or(i32::MAX, |log| unsafe { (log.max_level)(self.host.ctx) })
    }

    /// Writes a line. A host without `jmp.log/1` learns neither driver nor fields.
    pub(crate) fn log(&self, line: &Line<'_>) {
        let (target, message) = (Slice::from(line.target), Slice::from(line.message));
        let Some(log) = self.log else {
            // SAFETY: any thread may call it, with the host's own ctx; the texts live for the call.
            return unsafe { (self.host.log)(self.host.ctx, line.level, target, message) };
        };
        let record = LogRecord {
            level: line.level,
            reserved0: 0,
            node: line.node,
            target,
            message,
            fields: Slice::from(line.fields),
            reserved: [0; 2],
        };
        // SAFETY: any thread may call it, with the host's own ctx; the record and what it borrows
        // live for the call.
        unsafe { (log.log)(self.host.ctx, &record) };
    }

    /// Other drivers.
    pub(crate) fn tree(&self) -> Result<Tree> {
        let table = self.tree.ok_or_else(|| missing("other drivers"))?;
        let ctx = self.host.ctx;
        Ok(Tree { ctx, table })
    }

    /// Asks for the session folder.
    pub(crate) fn folder(&self, node: u64) -> Result<Pending> {
        let table = self.session.ok_or_else(|| missing("a session folder"))?;
        // SAFETY: the host's own ctx; the completion is open.
        Ok(ask(|done| unsafe {
            (table.folder)(self.host.ctx, node, done)
        }))
    }

    /// Data of the client.
    pub(crate) fn transfers(&self) -> Result<Transfers> {
        let table = self.transfer.ok_or_else(|| missing("data of the client"))?;
        let ctx = self.host.ctx;
        Ok(Transfers { ctx, table })
    }
}

/// # Safety
/// The host's functions work.
unsafe fn table(host: &Host, name: &str) -> Option<*const c_void> {
    // SAFETY: the caller vouches for the function; the name lives for the call.
    let table = unsafe { (host.extension)(host.ctx, Slice::from(name)) };
    (!table.is_null()).then_some(table)
}

// === impl Tree ===

impl Tree {
    /// Asks for the children of `node`.
    pub(crate) fn children(&self, node: u64) -> Pending {
        // SAFETY: the host's own ctx; the completion is open.
        ask(|done| unsafe { (self.table.children)(self.ctx, node, done) })
    }

    /// Calls a method of the child at `path` below `node`.
    pub(crate) fn start(
        &self,
        kind: Kind,
        node: u64,
        path: &str,
        id: u64,
        method: &str,
        args: &[u8],
    ) -> Pending {
        let call = Call {
            id,
            method: Slice::from(method),
            args: Slice::new(args),
            // Whoever runs this has a deadline of its own and gives the call up by dropping it.
            timeout_ms: 0,
            reserved: [0; 4],
        };
        let start = match kind {
            Kind::Call => self.table.call,
            Kind::Stream => self.table.stream_open,
            Kind::Bytes => self.table.connect,
        };
        // SAFETY: the host's own ctx; the completion is open; what is borrowed lives for the call.
        ask(|done| unsafe { start(self.ctx, node, Slice::from(path), &call, done) })
    }

    /// Asks for items of a stream. `&mut` because a stream is asked by one at a time.
    pub(crate) fn next(&mut self, stream: u64, max: u32) -> Pending {
        // SAFETY: the host's own ctx; the completion is open.
        ask(|done| unsafe { (self.table.stream_next)(self.ctx, stream, max, done) })
    }

    /// Lets go of a stream.
    pub(crate) fn close(&mut self, stream: u64) {
        // SAFETY: the host's own ctx.
        unsafe { (self.table.stream_close)(self.ctx, stream) }
    }

    /// Gives up a call.
    pub(crate) fn cancel(&self, node: u64, id: u64) {
        // SAFETY: the host's own ctx.
        unsafe { (self.table.cancel)(self.ctx, node, id) }
    }
}

// === impl Transfers ===

impl Transfers {
    /// Asks for what `resource`, an encoded value, stands for.
    pub(crate) fn take(&self, node: u64, resource: &[u8], direction: u32) -> Pending {
        let resource = Slice::new(resource);
        // SAFETY: the host's own ctx; the completion is open; the value lives for the call.
        ask(|done| unsafe { (self.table.take)(self.ctx, node, resource, direction, done) })
    }

    /// Asks whether all of the data went through.
    pub(crate) fn finished(&self, node: u64, transfer: u64) -> Pending {
        // SAFETY: the host's own ctx; the completion is open.
        ask(|done| unsafe { (self.table.finished)(self.ctx, node, transfer, done) })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Mutex;

    use super::*;

    /// What a host with nothing but the oldest functions was told.
    static TOLD: Mutex<Vec<(i32, String)>> = Mutex::new(Vec::new());

    const OLD: Host = Host {
        abi_major: ABI_MAJOR,
        abi_minor: 0,
        worker_threads: 1,
        reserved0: 0,
        ctx: 7,
        log,
        extension,
        reserved: [0; 4],
    };

    unsafe extern "C" fn log(ctx: u64, level: i32, _target: Slice, message: Slice) {
        assert_eq!(ctx, 7);
        // SAFETY: the text lives for the call.
        let message = unsafe { message.as_str() }.unwrap().to_owned();
        TOLD.lock().unwrap().push((level, message));
    }

    unsafe extern "C" fn extension(_ctx: u64, _id: Slice) -> *const c_void {
        std::ptr::null()
    }

    #[test]
    fn a_host_of_another_version_is_refused() {
        let new = Host {
            abi_major: ABI_MAJOR + 1,
            ..OLD
        };
        // SAFETY: null, or a host that lives for the test.
        unsafe {
            assert!(Services::new(std::ptr::null()).is_none());
            assert!(Services::new(&new).is_none());
        }
    }

    #[test]
    fn what_a_host_lacks_is_named() {
        // SAFETY: its functions are those above.
        let services = unsafe { Services::new(&OLD) }.unwrap();
        for error in [
            services.tree().unwrap_err(),
            services.folder(1).unwrap_err(),
            services.transfers().unwrap_err(),
        ] {
            assert_eq!(error.code(), Code::Unimplemented);
            assert!(
                error
                    .message()
                    .starts_with("this exporter gives drivers no access to ")
            );
        }
    }

    #[test]
    fn lines_reach_a_host_without_the_log_extension() {
        // SAFETY: its functions are those above.
        let services = unsafe { Services::new(&OLD) }.unwrap();
        assert_eq!(services.max_level(), i32::MAX);
        services.log(&Line {
            node: 1,
            level: 3,
            target: "test",
            message: "power on",
            fields: &[],
        });
        assert_eq!(*TOLD.lock().unwrap(), [(3, "power on".to_owned())]);
    }
}
