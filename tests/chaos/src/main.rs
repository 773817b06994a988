//! Chaos: clients and providers on both sides of one gateway. They pause, break off and misbehave at random, but
//! repeatably. Every request is checked: the bytes on both sides, the status, the number of records (one), and their
//! members.
//!
//! `run.py` is the other half of `make chaos`: it starts Envoy, passes Envoy's records to this program line by line on
//! standard input, and changes the filter's configuration meanwhile.
//!
//! The run's seed and a request's number determine its [`plan`]. [`client`] and [`provider`] carry it out and note in its
//! [`case`] what they observe; the [`ledger`] adds the record, and [`verdict`] judges.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a command speaks to its user")]

mod arguments;
mod case;
mod client;
mod ending;
mod ledger;
mod memory;
mod plan;
mod provider;
mod random;
mod transcript;
mod verdict;
mod wire;

use arguments::Arguments;
use case::{Case, Registry};
use client::Client;
use ledger::{Event, Ledger};
use memory::Memory;
use provider::Member;
use serde_json::Value;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use transcript::Transcript;

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let done = match runtime {
        Err(error) => Err(error.to_string()),
        Ok(runtime) => {
            let done = runtime.block_on(run());
            // Does not wait for the task that reads standard input: it never ends.
            runtime.shutdown_background();
            done
        }
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("chaos could not run: {error}");
            ExitCode::from(2)
        }
    }
}

/// The number of the first gathered stream. Numbers from here on are not used for other requests.
const GATHERED: u64 = 1 << 40;
/// How many connections may wait to be accepted; the kernel may lower it (`net.core.somaxconn`).
const QUEUE: u32 = 8192;

/// What all clients share.
struct Run {
    arguments: Arguments,
    transcripts: Vec<Arc<Transcript>>,
    registry: Arc<Registry>,
    next: AtomicU64,
    stop: AtomicBool,
    began: Instant,
}

async fn run() -> Result<bool, String> {
    let arguments = Arguments::parse(std::env::args().skip(1))?;
    let transcripts = Transcript::all(&arguments.transcripts, &arguments.apis)?;
    let listener = listen().map_err(|error| error.to_string())?;
    let mut members = Vec::new();
    for name in plan::MEMBERS {
        let listener = listen().map_err(|error| error.to_string())?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        members.push((listener, Member { name, address }));
    }
    let addresses = members.iter().map(|(_, member)| format!(" {}", member.address)).collect::<String>();
    println!("listening {}{addresses}", listener.local_addr().map_err(|error| error.to_string())?);

    let mut input = BufReader::new(tokio::io::stdin()).lines();
    let first = input.next_line().await.map_err(|error| error.to_string())?.unwrap_or_default();
    let setup: Value = serde_json::from_str(&first).map_err(|error| format!("{first:?}: {error}"))?;
    let text = |name: &str| setup.get(name).and_then(Value::as_str).unwrap_or_default();
    let gateway: SocketAddr =
        text("gateway").parse().map_err(|error| format!("the gateway's address: {error}"))?;
    // The gathered streams begin ten seconds before the end.
    let gathering = Duration::from_secs(arguments.seconds.saturating_sub(10));
    let memory = Memory::of(setup.get("pid").and_then(Value::as_u64).unwrap_or_default(), gathering);

    let (events, inbox) = unbounded_channel();
    let wanted = if arguments.only.is_some() { 1 } else { arguments.gathering };
    let registry = Arc::new(Registry::new(usize::try_from(wanted).unwrap_or(1)));
    let run = Arc::new(Run {
        arguments,
        transcripts,
        registry: Arc::clone(&registry),
        next: AtomicU64::new(0),
        stop: AtomicBool::new(false),
        began: Instant::now(),
    });
    let records = events.clone();
    tokio::spawn(async move {
        while let Ok(Some(line)) = input.next_line().await {
            if records.send(Event::Record(line)).is_err() {
                break;
            }
        }
    });
    let (complain, mut complaints) = unbounded_channel();
    for (listener, member) in members {
        tokio::spawn(provider::serve(listener, Some(member), Arc::clone(&registry), complain.clone()));
    }
    tokio::spawn(provider::serve(listener, None, Arc::clone(&registry), complain));
    let strays = events.clone();
    tokio::spawn(async move {
        while let Some(complaint) = complaints.recv().await {
            let _ = strays.send(Event::Stray(complaint));
        }
    });
    if run.arguments.only.is_none() {
        for serial in (GATHERED..).take(wanted as usize) {
            let (run, events) = (Arc::clone(&run), events.clone());
            tokio::spawn(async move {
                // One every millisecond, because listening queues are finite, Envoy's too.
                tokio::time::sleep(gathering + Duration::from_millis(serial - GATHERED)).await;
                run.one(&mut Client::new(gateway), serial, serial, &events).await;
            });
        }
    }
    for _ in 0..run.arguments.in_flight {
        tokio::spawn(work(Arc::clone(&run), gateway, events.clone()));
    }
    drop(events);
    Ok(Ledger::new(&run, memory).keep(inbox).await)
}

/// The providers' listener. Its queue is long: when thousands connect at once, a short one drops some of them, and Envoy
/// replies with 503.
fn listen() -> std::io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    socket.listen(QUEUE)
}

/// Runs one client: one request after the other until the time is over.
async fn work(run: Arc<Run>, gateway: SocketAddr, events: UnboundedSender<Event>) {
    let mut client = Client::new(gateway);
    while let Some((serial, number)) = run.next_number() {
        if !run.one(&mut client, serial, number, &events).await {
            break;
        }
    }
    let _ = events.send(Event::Finished);
}

impl Run {
    /// Carries out plan `number`. `false`: there is no such plan, or the ledger has stopped.
    async fn one(
        &self,
        client: &mut Client,
        serial: u64,
        number: u64,
        events: &UnboundedSender<Event>,
    ) -> bool {
        let draw = if number >= GATHERED { plan::draw_gathered } else { plan::draw };
        let Some(plan) = draw(self.arguments.seed, number, &self.transcripts) else { return false };
        let case = Arc::new(Case::new(serial, plan));
        if self.arguments.only.is_some() && serial == 0 {
            println!("request {number} of seed {}: {}", self.arguments.seed, case.plan.story());
        }
        self.registry.add(&case);
        let _ = events.send(Event::Begun);
        let saw = client.run(&case).await;
        events.send(Event::Done(case, saw)).is_ok()
    }

    /// The next request's serial, and the number from which its plan is drawn.
    fn next_number(&self) -> Option<(u64, u64)> {
        let over = self.began.elapsed() >= Duration::from_secs(self.arguments.seconds);
        if self.stop.load(Ordering::Relaxed) || over && self.arguments.only.is_none() {
            return None;
        }
        let serial = self.next.fetch_add(1, Ordering::Relaxed);
        match self.arguments.only {
            None => Some((serial, serial)),
            Some(number) => (serial < self.arguments.times).then_some((serial, number)),
        }
    }
}
