//! `jmp.session/1`.

use jumpstarter_driver_abi::Completion;
use jumpstarter_driver_abi::ext::SessionExt;

use super::{Done, guarded};
use crate::plugin::error::CallError;
use crate::plugin::services;

pub(super) static TABLE: SessionExt = SessionExt { folder };

unsafe extern "C" fn folder(_ctx: u64, node: u64, done: Completion) {
    let done = Done::new(done);
    guarded("jmp.session/1 folder", move || match find(node) {
        Ok(path) => done.body(&path),
        Err(error) => done.fail(&error),
    });
}

fn find(node: u64) -> Result<Vec<u8>, CallError> {
    let path = services::station(node)?.services()?.folder(node)?;
    jumpstarter_value::to_vec(&path.to_string_lossy())
        .map_err(|error| CallError::broken(error.to_string()))
}
