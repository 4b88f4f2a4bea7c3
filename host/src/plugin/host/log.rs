//! `log` of the host's table, and `jmp.log/1`.

use std::collections::BTreeMap;

use jumpstarter_driver_abi::ext::{LogExt, LogRecord};
use jumpstarter_driver_abi::{LogLevel, Slice};
use serde_json::Value;
use tracing::Level;
use tracing::level_filters::LevelFilter;

use super::guarded;
use crate::plugin::services::{self, Record};

pub(super) static TABLE: LogExt = LogExt { log, max_level };

/// The plain form, without a driver and without fields.
pub(super) unsafe extern "C" fn plain(ctx: u64, level: i32, target: Slice, message: Slice) {
    guarded("log", || {
        // SAFETY: the plugin's promise for every slice that it passes.
        let (target, message) = unsafe { (target.as_bytes(), message.as_bytes()) };
        take(ctx, 0, level, target, message, &[]);
    });
}

unsafe extern "C" fn log(ctx: u64, record: *const LogRecord) {
    guarded("jmp.log/1 log", || {
        // SAFETY: null, or a record that lives for the call, is what the plugin promises.
        let Some(record) = (unsafe { record.as_ref() }) else {
            return;
        };
        // SAFETY: the plugin's promise for every slice that it passes.
        let (target, message, fields) = unsafe {
            (
                record.target.as_bytes(),
                record.message.as_bytes(),
                record.fields.as_bytes(),
            )
        };
        take(ctx, record.node, record.level, target, message, fields);
    });
}

unsafe extern "C" fn max_level(_ctx: u64) -> i32 {
    let filter = LevelFilter::current();
    let level = filter.into_level().map(|level| match level {
        Level::ERROR => LogLevel::Error,
        Level::WARN => LogLevel::Warn,
        Level::INFO => LogLevel::Info,
        Level::DEBUG => LogLevel::Debug,
        Level::TRACE => LogLevel::Trace,
    });
    level.map_or(0, |level| level as i32)
}

fn take(ctx: u64, node: u64, level: i32, target: &[u8], message: &[u8], fields: &[u8]) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    services::log(Record {
        node: (node != 0).then_some(node),
        plugin: super::plugin(ctx),
        level: match level {
            ..=1 => Level::ERROR,
            2 => Level::WARN,
            3 => Level::INFO,
            4 => Level::DEBUG,
            5.. => Level::TRACE,
        },
        target: text(target),
        message: text(message),
        fields: parse(fields),
    });
}

/// Fields are an extra: a line with fields that cannot be read is still a line.
fn parse(fields: &[u8]) -> Vec<(String, String)> {
    if fields.is_empty() {
        return Vec::new();
    }
    let map: BTreeMap<String, Value> = jumpstarter_value::from_struct(fields).unwrap_or_default();
    let text = |value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    map.into_iter()
        .map(|(key, value)| (key, text(value)))
        .collect()
}
