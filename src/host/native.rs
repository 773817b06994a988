//! The adapter to Envoy's dynamic modules. It carries out steps and decides nothing.
//!
//! Envoy calls this module's exported functions (`hooks.rs`) on Envoy's threads; the module calls functions that Envoy
//! exports (`abi.rs`, `calls.rs`). Only these three files contain unsafe code. Three rules follow from the interface:
//!
//! * Before a call to Envoy returns, Envoy may call a hook of the same stream: a reply or a reset may end and destroy the
//!   stream. So no `RefCell` is borrowed during a call, and a hook holds a reference to its stream.
//! * Envoy has one configuration for all workers, and the core is not `Sync`: each worker builds its own bridge from it.
//! * The module is a part of Envoy's process. A panic is caught in the hook and ends that stream alone.

mod abi;
mod any_stream;
mod attempt;
mod attempt_report;
mod calls;
mod clock;
mod configuration;
mod hooks;
mod logger;
mod metrics;
mod panic;
mod property;
mod shared;
mod stream;
mod ticker;
mod version;

pub(super) use attempt_report::AttemptReport;
pub(super) use clock::Clock;
