//! Collects what clients, providers and records report of each request, has `verdict` judge it, and prints the progress.

use crate::Run;
use crate::case::{Case, ClientSaw};
use crate::memory::Memory;
use crate::verdict::{Due, Evidence, due, judge};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::UnboundedReceiver;

/// A message to the ledger.
#[derive(Debug)]
pub(crate) enum Event {
    Begun,
    Done(Arc<Case>, ClientSaw),
    /// A line of the gateway's output.
    Record(String),
    /// A failure that belongs to no request.
    Stray(String),
    /// One of the clients has stopped.
    Finished,
}

/// How long to wait for a required record. Envoy writes records within 20 ms, on busy machines later.
const RECORD: Duration = Duration::from_secs(20);
/// How long to wait for a record that may be missing.
const PERHAPS: Duration = Duration::from_secs(5);
/// How long to wait for a record that must not come.
const NONE: Duration = Duration::from_secs(2);
/// How long to wait for a second record, and for the provider to notice that a client has left.
const SECOND: Duration = Duration::from_millis(300);

const PROGRESS: Duration = Duration::from_secs(5);
/// How many failures are printed in full.
const SHOWN: usize = 10;
/// How many failures end the run.
const ENOUGH: usize = 50;

/// A request that is not judged yet.
#[derive(Debug, Default)]
struct Pending {
    case: Option<Arc<Case>>,
    client: Option<(ClientSaw, Instant)>,
    records: Vec<Value>,
}

/// The state of all requests, and the totals.
pub(crate) struct Ledger<'a> {
    run: &'a Run,
    memory: Memory,
    pending: HashMap<u64, Pending>,
    settled: HashSet<u64>,
    /// Judged requests that the registry still has, each with the time of the judgement.
    forgetting: VecDeque<(Instant, u64)>,
    ids: HashSet<u128>,
    begun: u64,
    done: u64,
    finished: usize,
    records: u64,
    outcomes: BTreeMap<String, u64>,
    scenarios: BTreeMap<&'static str, u64>,
    /// Requests that left no record because the gateway may not have seen them.
    unseen: u64,
    /// How many records have so many attempts at the members of the pool.
    attempts: BTreeMap<usize, u64>,
    failures: usize,
}

impl<'a> Ledger<'a> {
    pub(crate) fn new(run: &'a Run, memory: Memory) -> Self {
        Self {
            run,
            memory,
            pending: HashMap::new(),
            settled: HashSet::new(),
            forgetting: VecDeque::new(),
            ids: HashSet::new(),
            begun: 0,
            done: 0,
            finished: 0,
            records: 0,
            outcomes: BTreeMap::new(),
            scenarios: BTreeMap::new(),
            unseen: 0,
            attempts: BTreeMap::new(),
            failures: 0,
        }
    }

    /// Handles messages until every request is judged. `true`: no failure was found.
    pub(crate) async fn keep(mut self, mut inbox: UnboundedReceiver<Event>) -> bool {
        let mut look = tokio::time::interval(Duration::from_millis(50));
        let (mut next_sample, mut next_progress) = (Duration::ZERO, PROGRESS);
        let mut quiet_since = None;
        loop {
            tokio::select! {
                event = inbox.recv() => match event {
                    Some(event) => self.take(event),
                    None => break,
                },
                _ = look.tick() => {}
            }
            let now = self.run.began.elapsed();
            self.settle();
            self.forget();
            if now >= next_sample {
                self.memory.sample(now);
                next_sample = now + Duration::from_secs(1);
            }
            if now >= next_progress {
                self.tell_progress(now);
                next_progress = now + PROGRESS;
            }
            let over = self.finished == self.run.arguments.in_flight
                && self.begun == self.done
                && self.pending.is_empty()
                && self.gathering_is_over();
            quiet_since = over.then(|| quiet_since.unwrap_or_else(Instant::now));
            if quiet_since.is_some_and(|since| since.elapsed() > NONE) {
                break;
            }
        }
        self.tell_all()
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Begun => self.begun += 1,
            Event::Finished => self.finished += 1,
            Event::Stray(complaint) => self.fail(None, &[complaint], ""),
            Event::Done(case, saw) => {
                self.done += 1;
                let pending = self.pending.entry(case.serial).or_default();
                pending.client = Some((saw, Instant::now()));
                pending.case = Some(case);
            }
            Event::Record(line) => self.take_record(&line),
        }
    }

    fn take_record(&mut self, line: &str) {
        self.records += 1;
        let record: Value = match serde_json::from_str(line) {
            Ok(record) => record,
            Err(error) => {
                return self.fail(None, &[format!("a line that is no record ({error}): {line}")], "");
            }
        };
        let text = |name: &str| record.get(name).and_then(Value::as_str).unwrap_or_default();
        let Some(serial) = Case::serial_of(text("request_id")) else {
            return self.fail(None, &[format!("a record of a request that nobody sent: {line}")], "");
        };
        let id = u128::from_str_radix(&text("id").replace('-', ""), 16);
        if !id.is_ok_and(|id| self.ids.insert(id)) {
            self.fail(None, &[format!("no id, or one that was there before: {line}")], "");
        }
        if self.settled.contains(&serial) {
            return self.fail(None, &[format!("a second record, or a late one: {line}")], "");
        }
        *self.outcomes.entry(text("outcome").to_owned()).or_default() += 1;
        if let Some(attempts) = record.get("attempts").and_then(Value::as_array) {
            *self.attempts.entry(attempts.len()).or_default() += 1;
        }
        self.pending.entry(serial).or_default().records.push(record);
    }

    /// Whether all gathered streams are judged, or no more of them are expected.
    fn gathering_is_over(&self) -> bool {
        let arguments = &self.run.arguments;
        let all = self.scenarios.get("many at once").copied().unwrap_or(0) >= arguments.gathering;
        arguments.only.is_some() || all || self.run.stop.load(Ordering::Relaxed)
    }

    /// Removes requests that were judged long ago. They stay that long because a busy provider may receive a request
    /// after its client has left and it was judged.
    fn forget(&mut self) {
        while let Some((_, serial)) = self.forgetting.pop_front_if(|(since, _)| since.elapsed() > RECORD) {
            self.run.registry.remove(serial);
        }
    }

    /// Judges the requests for which nothing more is expected.
    fn settle(&mut self) {
        let ready: Vec<u64> = self
            .pending
            .iter()
            .filter(|(_, pending)| pending.is_ready())
            .map(|(serial, _)| *serial)
            .collect();
        for serial in ready {
            let Some(Pending { case: Some(case), client: Some((client, _)), records }) =
                self.pending.remove(&serial)
            else {
                continue;
            };
            self.settled.insert(serial);
            self.forgetting.push_back((Instant::now(), serial));
            *self.scenarios.entry(case.plan.scenario()).or_default() += 1;
            let provider = case.provider().clone();
            let evidence =
                Evidence { case: &case, client: &client, provider: &provider, record: records.first() };
            let mut complaints = judge(evidence);
            let perhaps = due(&case, &client, &provider) == Due::Perhaps;
            self.unseen += u64::from(perhaps && records.is_empty());
            if records.len() > 1 {
                complaints.push(format!("{} records: {}", records.len(), Value::Array(records.clone())));
            }
            if provider.busy > 0 {
                complaints.push("the provider never got to an end".to_owned());
            }
            if !complaints.is_empty() {
                let known = format!(
                    "client: {:?}, {:?}, {} bytes; provider: {} bytes{}, sent {} bytes{}",
                    client.status,
                    client.end,
                    client.body.len(),
                    provider.body.len(),
                    if provider.whole { " and the end" } else { "" },
                    provider.sent,
                    if provider.ended { " and the end" } else { "" },
                );
                self.fail(Some(&case), &complaints, &known);
            }
        }
    }

    fn fail(&mut self, case: Option<&Case>, complaints: &[String], known: &str) {
        self.failures += 1;
        if self.failures == ENOUGH {
            self.run.stop.store(true, Ordering::Relaxed);
        }
        if self.failures > SHOWN {
            return;
        }
        let seed = self.run.arguments.seed;
        match case {
            None => println!("\nFAILED (seed {seed})"),
            Some(case) => {
                let number = case.plan.number;
                println!("\nFAILED: request {number} of seed {seed}: {}\n  {known}", case.plan.story());
                println!("  repeat it alone: make chaos SEED={seed} ONLY={number}   (more often: TIMES=100)");
            }
        }
        for complaint in complaints {
            println!("  {}", complaint.chars().take(6000).collect::<String>());
        }
    }

    fn tell_progress(&self, now: Duration) {
        let rate = self.done * 1000 / u64::try_from(now.as_millis()).unwrap_or(1).max(1);
        let outcomes: Vec<String> =
            self.outcomes.iter().map(|(outcome, count)| format!("{outcome} {count}")).collect();
        println!(
            "{:4} s  {} requests, {rate}/s, {} in flight, {} unsettled | {} | Envoy {} | {} failed",
            now.as_secs(),
            self.done,
            self.begun - self.done,
            self.pending.len(),
            outcomes.join(", "),
            self.memory.now(),
            self.failures,
        );
    }

    fn tell_all(&self) -> bool {
        let (figures, flat) = self.memory.verdict();
        println!("\n{} requests with seed {}, {} records", self.done, self.run.arguments.seed, self.records);
        for (scenario, count) in &self.scenarios {
            println!("  {count:7}  {scenario}");
        }
        println!("outcomes:");
        for (outcome, count) in &self.outcomes {
            println!("  {count:7}  {outcome}");
        }
        println!(
            "  {:7}  no record: the client was gone before the gateway can have seen the request",
            self.unseen
        );
        for (attempts, count) in &self.attempts {
            println!("  {count:7}  requests to the pool with {attempts} attempts");
        }
        if self.run.arguments.gathering > 0 {
            println!("{} streams were open at once", self.run.registry.gate.gathered());
        }
        println!("Envoy's memory: {figures}");
        if self.failures > SHOWN {
            println!("{} failures, of which {SHOWN} are told above", self.failures);
        } else {
            println!("{} failures", self.failures);
        }
        self.failures == 0 && flat && self.done > 0
    }
}

impl Pending {
    fn is_ready(&self) -> bool {
        let (Some(case), Some((client, done))) = (&self.case, &self.client) else { return false };
        let waited = done.elapsed();
        let provider = case.provider();
        if provider.busy > 0 && waited < RECORD {
            return false;
        }
        let patience = match (due(case, client, &provider), self.records.is_empty()) {
            (Due::One | Due::Perhaps, false) => SECOND,
            (Due::One, true) => RECORD,
            (Due::Perhaps, true) => PERHAPS,
            (Due::None, _) => NONE,
        };
        waited >= patience
    }
}
