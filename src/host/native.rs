//! The adapter to Envoy's dynamic modules. It carries out steps and decides nothing.
//!
//! Envoy calls exported functions (`hooks.rs`) on its own threads and is called back through functions that it exports
//! (`abi.rs`, `calls.rs`); only these three files contain unsafe code. Three rules follow from the interface:
//!
//! * A call to Envoy may call a hook of the same stream before it returns: a reply or a reset may end and destroy the
//!   stream. So nothing is borrowed across a call, and a hook holds its stream.
//! * One configuration serves all workers, and the core shares without locks: each worker builds its own bridge from it.
//! * The module is a part of Envoy's process. A panic is caught in the hook and ends that stream alone.

mod abi;
mod any_stream;
mod attempt;
mod calls;
mod configuration;
mod hooks;
mod logger;
mod metrics;
mod panic;
mod property;
mod shared;
mod stream;
mod tickets;
mod version;
