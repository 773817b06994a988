//! One request while it runs: its plan, and what client and provider observe.

use crate::plan::Plan;
use crate::wire::HeaderLines;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// How long client or provider waits for the other side to reach a state.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);

/// A plan while client and provider carry it out.
#[derive(Debug)]
pub(crate) struct Case {
    /// The request's number in this run; part of its `x-request-id` and its actor.
    pub(crate) serial: u64,
    pub(crate) plan: Plan,
    /// How much of the response the client has read.
    pub(crate) reading: watch::Sender<Reading>,
    /// How much of the request the provider has read.
    pub(crate) arriving: watch::Sender<Arriving>,
    provider: Mutex<ProviderSaw>,
}

/// The client's progress: the response's headers have come, bytes of its body, the client has finished.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Reading {
    pub(crate) head: bool,
    pub(crate) body: usize,
    pub(crate) over: bool,
}

/// The provider's progress: the request's headers have come, the request is complete.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Arriving {
    pub(crate) head: bool,
    pub(crate) whole: bool,
}

/// What the client received.
#[derive(Debug, Default)]
pub(crate) struct ClientSaw {
    pub(crate) status: Option<u16>,
    pub(crate) headers: HeaderLines,
    pub(crate) body: Vec<u8>,
    pub(crate) end: End,
    /// Observations that are failures under any plan.
    pub(crate) complaints: Vec<String>,
}

/// How the response ended for the client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum End {
    /// The response was complete.
    Whole,
    /// The gateway broke the response off, with this error.
    Cut(String),
    /// The client left.
    #[default]
    Left,
    /// The client's timeout expired.
    Stuck,
}

/// What the provider received and sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct ProviderSaw {
    pub(crate) arrivals: usize,
    /// How many members of the pool failed before.
    pub(crate) refused: usize,
    /// How many connections still work on the request.
    pub(crate) busy: usize,
    pub(crate) target: String,
    pub(crate) headers: HeaderLines,
    pub(crate) body: Vec<u8>,
    /// The request came to its end.
    pub(crate) whole: bool,
    /// The provider sent the response's headers.
    pub(crate) answered: bool,
    /// How many bytes of the response's body the provider sent or tried to send.
    pub(crate) sent: usize,
    /// The provider sent the end of the response.
    pub(crate) ended: bool,
    pub(crate) complaints: Vec<String>,
}

impl Case {
    pub(crate) fn new(serial: u64, plan: Plan) -> Self {
        let (reading, arriving) = (watch::Sender::default(), watch::Sender::default());
        Self { serial, plan, reading, arriving, provider: Mutex::default() }
    }

    /// What the provider has received and sent until now.
    pub(crate) fn provider(&self) -> MutexGuard<'_, ProviderSaw> {
        self.provider.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The request's `x-request-id`.
    pub(crate) fn request_id(&self) -> String {
        format!("chaos-{}", self.serial)
    }

    /// The serial in a `x-request-id`.
    pub(crate) fn serial_of(request_id: &str) -> Option<u64> {
        request_id.strip_prefix("chaos-")?.parse().ok()
    }

    /// The actor's id, different for each request.
    pub(crate) fn actor(&self) -> String {
        format!("actor-{}", self.serial)
    }
}

/// Waits until `reached` returns true; `false`: [`PATIENCE`] expired first.
pub(crate) async fn wait_for<T: Clone>(progress: &watch::Sender<T>, reached: impl FnMut(&T) -> bool) -> bool {
    let mut receiver = progress.subscribe();
    tokio::time::timeout(PATIENCE, receiver.wait_for(reached)).await.is_ok_and(|waited| waited.is_ok())
}

/// Holds streams until the wanted number of them is open.
#[derive(Debug)]
pub(crate) struct Gate {
    wanted: usize,
    open: watch::Sender<usize>,
}

/// The running requests, in which the provider finds the plan of a request.
#[derive(Debug)]
pub(crate) struct Registry {
    cases: Mutex<HashMap<u64, Arc<Case>>>,
    pub(crate) gate: Gate,
}

impl Gate {
    /// Waits until all wanted streams are open; `false`: a timeout expired first.
    async fn wait(&self) -> bool {
        let mut receiver = self.open.subscribe();
        let all = receiver.wait_for(|open| *open >= self.wanted);
        tokio::time::timeout(2 * PATIENCE, all).await.is_ok_and(|waited| waited.is_ok())
    }

    /// Counts one more open stream, and waits until all wanted streams are open.
    pub(crate) async fn pass(&self) -> bool {
        self.open.send_modify(|open| *open += 1);
        self.wait().await
    }

    /// How many streams were counted.
    pub(crate) fn gathered(&self) -> usize {
        *self.open.borrow()
    }
}

impl Registry {
    /// An empty registry, with a gate for `gathering` streams.
    pub(crate) fn new(gathering: usize) -> Self {
        Self { cases: Mutex::default(), gate: Gate { wanted: gathering, open: watch::Sender::default() } }
    }

    pub(crate) fn add(&self, case: &Arc<Case>) {
        self.cases().insert(case.serial, Arc::clone(case));
    }

    pub(crate) fn find(&self, serial: u64) -> Option<Arc<Case>> {
        self.cases().get(&serial).cloned()
    }

    pub(crate) fn remove(&self, serial: u64) {
        self.cases().remove(&serial);
    }

    fn cases(&self) -> MutexGuard<'_, HashMap<u64, Arc<Case>>> {
        self.cases.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
