//! The life of an exporter: which lease it serves, when hooks run, what it says about itself, and
//! when it stops.
//!
//! This is a machine and nothing else: [`Event`]s go in, [`Action`]s come out. It reads no clock
//! and touches nothing, so that a test can play every order of events, and throw it away between
//! any two actions (`tests/lease_simulation.rs`). Whoever owns it performs the actions in order
//! and feeds it what comes of them.
//!
//! ```text
//!   Fresh ──Start──► Idle ◄────────────────────────────────────────────┐
//!     │               │ Status: leased                                 │ Closed, no stop
//!     │ Start,        ▼                                                │ (or the next lease)
//!     │ direct     Opening ──failed, 30 s──► Settling                  │
//!     ├──────────────►│                                                │
//!     │ Recovered     │ SessionReady                                   │
//!     └──────────────►├──────────────┐ no beforeLease                  │
//!                     ▼              ▼                                 │
//!                   Before ──ok──► Ready     Broken                    │
//!                     │ │            │         │ ▲                     │
//!                     │ └─unexpected─┼─────────┼─┘                     │
//!              failed,│              │ ended, gone, stop               │
//!      endLease, exit │              ▼         │                       │
//!                     │            After ◄─────┘                       │
//!                     │              │ hook ended                      │
//!                     ▼              ▼                                 │
//!                  Settling ◄────────┘                                 │
//!            exit:  │  │  └─gone, direct─────────────┐                 │
//!          OFFLINE  │  │ 1 s or Seen                ▼                 │
//!                   │  └────────► Releasing ────► Closing ─────────────┘
//!                   ▼                                ▲ │ Closed, stop
//!                Waiting ──gone, stop────────────────┘ ▼
//!                                                   Leaving ──Gone──► Over
//! ```
//!
//! Words of the table: a lease is **gone** when the controller shows another one or none; it is
//! **ended** when a client called `EndSession`; the machine **departs** when it was told to stop,
//! when a hook with `exit` failed, or when this lease is its only one (`exitOnLeaseEnd`). *Wind up*
//! is below. What is not in the table changes nothing, above all every event of an old lease.
//!
//! | phase | event | if | actions | next |
//! |---|---|---|---|---|
//! | Fresh | `Recovered` | afterLease configured and a client, or already started | | Fresh |
//! | | `Recovered` | else | `Forget` | Fresh |
//! | | `Start` | direct | `Open` | Opening |
//! | | `Start` | recovered, afterLease not started | `Open`, wait 30 s | Opening |
//! | | `Start` | recovered, afterLease started | `Release` | Releasing |
//! | | `Start` | else | AVAILABLE | Idle, or Opening as from Idle |
//! | | `Stop` | | `Exit` | Over |
//! | Idle | `Status` | a lease that is not over here | `Open`, wait 30 s | Opening |
//! | | `Stop` | | `Offline` | Leaving |
//! | Opening | `SessionReady` | recovered | wind up | |
//! | | `SessionReady` | ended | wind up; afterLease is not owed | |
//! | | `SessionReady` | beforeLease configured | `Journal`, BEFORE_LEASE_HOOK, `Run`, wait timeout + 30 s | Before |
//! | | `SessionReady` | else | `Journal`, LEASE_READY | Ready |
//! | | `SessionFailed`, 30 s | direct | `Close`; exit code 1 | Closing |
//! | | `SessionFailed`, 30 s | else | BEFORE_LEASE_HOOK_FAILED (recovered: AFTER_LEASE_HOOK_FAILED), wait 1 s | Settling |
//! | | gone | not recovered | AVAILABLE unless departing, `Close` | Closing |
//! | | `Stop` now | | `Close`; what is journaled stays | Closing |
//! | Before | `HookEnded` ok, or failed with `warn` | neither ended nor gone nor stopped now | LEASE_READY | Ready |
//! | | the same | else | wind up; forced: `Close`, what is journaled stays | |
//! | | failed with `endLease` or `exit` | forced | `Forget`, BEFORE_LEASE_HOOK_FAILED, `Close` | Closing |
//! | | failed with `endLease` | direct, not stopping | BEFORE_LEASE_HOOK_FAILED | Waiting |
//! | | failed with `endLease` | else | `Forget`, BEFORE_LEASE_HOOK_FAILED, wait 1 s | Settling |
//! | | failed with `exit` | | `Forget`, BEFORE_LEASE_HOOK_FAILED, wait 2 s; exit code 1 | Settling |
//! | | unexpected, or killed as overdue | neither ended nor gone nor stopped now | BEFORE_LEASE_HOOK_FAILED | Broken |
//! | | unexpected | else | BEFORE_LEASE_HOOK_FAILED, wind up; forced: `Close`, what is journaled stays | |
//! | | killed by `Stop` | | wind up; forced: `Close`, what is journaled stays | |
//! | | `Stop` now, overdue | | `Kill`, wait 15 s; not gone then: unexpected | Before |
//! | Ready, Broken | `EndSession` (not direct), gone, `Stop` now | | wind up | |
//! | *wind up* | | afterLease owed, and a client or direct | `Journal`, AFTER_LEASE_HOOK, `Run`, wait timeout + 30 s | After |
//! | | | else any hook, or gone | `Forget`, AVAILABLE, wait 1 s | Settling |
//! | | | else ended | AVAILABLE | Waiting |
//! | | | else | `Close` | Closing |
//! | After | `HookEnded` ok, or failed with `warn` | | AVAILABLE, wait 1 s | Settling |
//! | | failed with `endLease`, unexpected, overdue | | AFTER_LEASE_HOOK_FAILED, wait 1 s | Settling |
//! | | failed with `exit` | | AFTER_LEASE_HOOK_FAILED, wait 2 s; exit code 1 | Settling |
//! | | any end | forced | `Close` | Closing |
//! | | forced, overdue | | `Kill`, wait 15 s; not gone then: unexpected | After |
//! | Settling | waited, `Seen` | because of `exit`; gone, stopped now, or direct | OFFLINE, `Close` | Closing |
//! | | | because of `exit` | OFFLINE | Waiting |
//! | | | direct | `Close` | Closing |
//! | | | gone | AVAILABLE unless said or departing, `Close` | Closing |
//! | | | else | `Release` | Releasing |
//! | | forced | | `Close` | Closing |
//! | Releasing | `Released`, 10 s | | AVAILABLE unless departing, `Close` | Closing |
//! | | gone, `Stop` now | | wait 10 s | Releasing |
//! | | forced | | `Close` | Closing |
//! | Waiting | gone, `Stop` now | | `Close` | Closing |
//! | Closing | `Closed` | departing | `Forget` unless owed, `Offline` | Leaving |
//! | | `Closed` | direct | `Exit` | Over |
//! | | `Closed` | else | `Forget` | Idle, or Opening as from Idle |
//! | Leaving | `Gone`, forced | | `Sidecar` with `exitOnLeaseEnd`, `Exit` | Over |
//!
//! Rules that hold in every phase:
//!
//! * Of the leases that come while another is wound up only the newest is kept, and dropped when
//!   the controller shows none.
//! * A lease that is over here is not begun again while the controller still shows it.
//! * `Stop` after the lease is noted and acted upon when the lease is over; the first `Stop` now
//!   replaces it, the second is **forced**. Without a controller every `Stop` is now.
//! * AVAILABLE is said to the controller only while the machine does not depart; clients are told
//!   in any case ([`Action::Show`]).
//! * OFFLINE is the last status.
//! * The journal has an entry from before the first hook, or before the client is let in, until
//!   the session is closed; it is marked before the afterLease hook starts. So the hook is never
//!   started twice, and is run by the next process if this one dies before that.

mod action;
mod coming;
mod departure;
mod event;
mod life;
mod phase;
mod setup;
#[cfg(test)]
mod tests;
mod text;
mod turn;
mod wait;

pub use action::Action;
pub use event::{Ended, Event, LeaseId, Stopping, Timer, When};
pub use life::Life;
pub use phase::Phase;
pub use setup::{Mode, Rule, Setup};
