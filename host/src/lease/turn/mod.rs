//! What news mean for a lease, one file per phase. Every function takes the lease and gives back
//! what the machine is busy with afterwards; news that mean nothing in a phase change nothing.

mod after;
mod before;
mod end;
mod opening;
mod ready;
mod release;
mod settle;

use super::Life;
use super::life::News;
use super::phase::{Lease, State, Step};

// === impl Life ===

impl Life {
    pub(super) fn turn(&mut self, lease: Lease, news: News) -> State {
        match lease.step {
            Step::Opening => self.opening(lease, news),
            Step::Before { killed } => self.before(lease, news, killed),
            Step::Ready | Step::Broken => self.ready(lease, news),
            Step::After { killed } => self.after(lease, news, killed),
            Step::Settling(then) => self.settling(lease, news, then),
            Step::Releasing => self.releasing(lease, news),
            Step::Waiting => self.waiting(lease, news),
            Step::Closing => self.closing(lease, news),
        }
    }
}
