//! The log: lines go to Envoy's log, logger `dynamic_modules`.

use super::abi::LogLevel;
use super::calls;
use log::{Level, LevelFilter, Log, Metadata, Record};

struct Logger;

static LOGGER: Logger = Logger;

/// Sends the crate's log lines to Envoy from now on.
pub(super) fn start() {
    // An error means that the module was loaded before, and that the logger is set.
    if log::set_logger(&LOGGER).is_ok() {
        log::set_max_level(LevelFilter::Info);
    }
}

const fn level(level: Level) -> LogLevel {
    match level {
        Level::Error => LogLevel::Error,
        Level::Warn => LogLevel::Warn,
        Level::Info => LogLevel::Info,
        Level::Debug => LogLevel::Debug,
        Level::Trace => LogLevel::Trace,
    }
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        calls::logs(level(metadata.level()))
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            calls::log(level(record.level()), &format!("ai_bridge: {}", record.args()));
        }
    }

    fn flush(&self) {}
}
