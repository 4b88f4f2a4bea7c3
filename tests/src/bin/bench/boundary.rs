//! placeholder
use crate::{Effort, table::Table};
use jumpstarter_tests::Lab;
pub(crate) async fn measure(_: &Lab, _: Effort, _: &mut Table) {}
