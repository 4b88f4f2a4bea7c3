//! The log lines around a driver call: who was asked for what, and how it went.

use std::sync::Arc;

use crate::tree::Driver;

use super::call::Failure;

/// A running call. Says how it ended, also when nobody waits for the end.
pub(super) struct Operation {
    driver: Arc<Driver>,
    method: String,
    ended: bool,
}

// === impl Operation ===

impl Operation {
    pub(super) fn start(driver: Arc<Driver>, method: String) -> Self {
        tracing::info!(
            target: "driver",
            logger = format_args!("driver.{}", driver.class),
            driver_type = driver.category.as_str(),
            operation = method.as_str(),
            "Operation started"
        );
        Self {
            driver,
            method,
            ended: false,
        }
    }

    pub(super) fn driver(&self) -> &Driver {
        &self.driver
    }

    pub(super) fn method(&self) -> &str {
        &self.method
    }

    pub(super) fn completed(&mut self) {
        self.ended = true;
        tracing::info!(
            target: "driver",
            logger = format_args!("driver.{}", self.driver.class),
            driver_type = self.driver.category.as_str(),
            operation = self.method.as_str(),
            result = "success",
            "Operation completed"
        );
    }

    pub(super) fn failed(&mut self, failure: &Failure) {
        self.ended = true;
        tracing::warn!(
            target: "driver",
            logger = format_args!("driver.{}", self.driver.class),
            driver_type = self.driver.category.as_str(),
            operation = self.method.as_str(),
            result = "failure",
            error_type = failure.category(),
            error = %failure,
            "Operation failed"
        );
    }
}

impl Drop for Operation {
    fn drop(&mut self) {
        if !self.ended {
            tracing::info!(
                target: "driver",
                logger = format_args!("driver.{}", self.driver.class),
                driver_type = self.driver.category.as_str(),
                operation = self.method.as_str(),
                "Operation cancelled by the client"
            );
        }
    }
}
