//! One request while it runs: its plan, and what client and provider see of it.

use crate::plan::Plan;
use crate::wire::HeaderLines;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// How long one side waits for what the other side must see.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);

/// A plan that is carried out.
#[derive(Debug)]
pub(crate) struct Case {
    /// Of the request, in its `x-request-id` and its actor.
    pub(crate) serial: u64,
    pub(crate) plan: Plan,
    /// How far the client is with the answer.
    pub(crate) reading: watch::Sender<Reading>,
    /// How far the provider is with the request.
    pub(crate) arriving: watch::Sender<Arriving>,
    provider: Mutex<ProviderSaw>,
}

/// Of the client.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Reading {
    pub(crate) head: bool,
    pub(crate) body: usize,
    pub(crate) over: bool,
}

/// Of the provider.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Arriving {
    pub(crate) head: bool,
    pub(crate) whole: bool,
}

/// What the client saw.
#[derive(Debug, Default)]
pub(crate) struct ClientSaw {
    pub(crate) status: Option<u16>,
    pub(crate) headers: HeaderLines,
    pub(crate) body: Vec<u8>,
    pub(crate) end: End,
    /// What must not be, whatever the plan.
    pub(crate) complaints: Vec<String>,
}

/// How it ended for the client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum End {
    /// The answer ended in good order.
    Whole,
    /// The gateway broke it off.
    Cut(String),
    /// The client left.
    #[default]
    Left,
    /// Nothing happened for too long.
    Stuck,
}

/// What the provider saw and did.
#[derive(Clone, Debug, Default)]
pub(crate) struct ProviderSaw {
    pub(crate) arrivals: usize,
    /// It is still at it.
    pub(crate) busy: bool,
    pub(crate) target: String,
    pub(crate) headers: HeaderLines,
    pub(crate) body: Vec<u8>,
    /// The request came with its end.
    pub(crate) whole: bool,
    /// The answer's headers were sent.
    pub(crate) answered: bool,
    /// So many bytes of the answer's body were sent, or tried.
    pub(crate) sent: usize,
    /// And its end.
    pub(crate) ended: bool,
    pub(crate) complaints: Vec<String>,
}

impl Case {
    pub(crate) fn new(serial: u64, plan: Plan) -> Self {
        let (reading, arriving) = (watch::Sender::default(), watch::Sender::default());
        Self { serial, plan, reading, arriving, provider: Mutex::default() }
    }

    /// What the provider has seen until now.
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

    /// The actor.
    pub(crate) fn actor(&self) -> String {
        format!("actor-{}", self.serial)
    }
}

/// Waits until `reached` holds; false if it never does.
pub(crate) async fn wait_for<T: Clone>(progress: &watch::Sender<T>, reached: impl FnMut(&T) -> bool) -> bool {
    let mut receiver = progress.subscribe();
    tokio::time::timeout(PATIENCE, receiver.wait_for(reached)).await.is_ok_and(|waited| waited.is_ok())
}

/// Where streams wait until as many are open as were wanted.
#[derive(Debug)]
pub(crate) struct Gate {
    wanted: usize,
    open: watch::Sender<usize>,
}

/// The requests on their way, for the provider to find.
#[derive(Debug)]
pub(crate) struct Registry {
    cases: Mutex<HashMap<u64, Arc<Case>>>,
    pub(crate) gate: Gate,
}

impl Gate {
    /// Waits for all the others; false if they never come.
    async fn wait(&self) -> bool {
        let mut receiver = self.open.subscribe();
        let all = receiver.wait_for(|open| *open >= self.wanted);
        tokio::time::timeout(2 * PATIENCE, all).await.is_ok_and(|waited| waited.is_ok())
    }

    /// One more stream is open; waits for all the others.
    pub(crate) async fn pass(&self) -> bool {
        self.open.send_modify(|open| *open += 1);
        self.wait().await
    }

    /// How many were open at once.
    pub(crate) fn gathered(&self) -> usize {
        *self.open.borrow()
    }
}

impl Registry {
    /// With a gate for so many streams.
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
