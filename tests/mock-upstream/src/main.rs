//! A mock of Anthropic, OpenAI and GitHub Copilot for the demo, the tests and the benchmark.
//!
//! It is **not** a model, and keeps nothing: every answer follows from its request alone. Answers are complete and truthful
//! in the provider's wire format, over HTTP/1.1 and cleartext HTTP/2. It never prints a body.
//!
//! A request is read as a [`question`]. Its [`answer`] is written by [`messages`], [`chat`] or [`responses`], with the
//! faults that its [`behaviour`] asks for.
#![forbid(unsafe_code)]

mod answer;
mod arguments;
mod behaviour;
mod chat;
mod event;
mod frame;
mod gemini;
mod hosted;
mod ids;
mod line;
mod messages;
mod models;
mod pace;
mod question;
mod refusal;
mod responses;
mod route;
mod sample;
mod serve;
mod signature;
mod tool;
mod words;

use arguments::{Command, HELP};
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use line::Line;
use serve::Server;
use std::convert::Infallible;
use std::io::{Error, Read as _, Write as _};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};

/// How long a health check waits for a response.
const PATIENCE: Duration = Duration::from_secs(1);

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a command speaks to its user")]
fn main() -> ExitCode {
    let result = match Command::parse(std::env::args().skip(1)) {
        Ok(Command::Help) => {
            print!("{HELP}");
            Ok(())
        }
        Ok(Command::Healthcheck(address)) => {
            healthcheck(address).map_err(|error| format!("{address}: {error}"))
        }
        Ok(Command::Serve { listen, log }) => {
            serve(listen, log).map_err(|error| format!("{listen}: {error}"))
        }
        Err(problem) => Err(problem),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("mock-upstream: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// Serves until a signal ends it. One thread is enough, because the mock itself is never measured.
fn serve(listen: SocketAddr, log: bool) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(listen).await?;
        announce(&listener)?;
        // The first process of a container ignores every signal that it does not handle.
        let (mut terminate, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let asked_to_end = async move {
            tokio::select! { _ = terminate.recv() => {} _ = interrupt.recv() => {} }
        };
        let server = Arc::new(Server::new());
        tokio::select! {
            () = asked_to_end => Ok(()),
            () = accept(listener, server, log) => Ok(()),
        }
    })
}

async fn accept(listener: TcpListener, server: Arc<Server>, log: bool) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(connection(stream, Arc::clone(&server), log));
            }
            // No descriptor is free, or the client has left. Later connections may succeed.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

async fn connection(stream: TcpStream, server: Arc<Server>, log: bool) {
    let _ = stream.set_nodelay(true);
    let reset = Arc::new(AtomicBool::new(false));
    let line = TokioIo::new(Line::new(stream, Arc::clone(&reset)));
    let service = service_fn(move |request: Request<Incoming>| {
        let (server, reset) = (Arc::clone(&server), Arc::clone(&reset));
        async move {
            let asked = log.then(|| format!("{} {}", request.method(), request.uri().path()));
            let response = server.answer(request, reset).await;
            if let Some(asked) = asked {
                let _ = writeln!(std::io::stdout(), "{asked} {}", response.status().as_u16());
            }
            Ok::<_, Infallible>(response)
        }
    });
    // A connection that breaks needs no handling here.
    let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(line, service).await;
}

/// Prints the bound address as the first line, so that a script can ask for any free port.
fn announce(listener: &TcpListener) -> Result<(), Error> {
    let mut out = std::io::stdout();
    writeln!(out, "{}", listener.local_addr()?)?;
    out.flush()
}

fn healthcheck(address: SocketAddr) -> Result<(), Error> {
    let mut stream = std::net::TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: mock\r\nconnection: close\r\n\r\n")?;
    let mut status = [0; 12];
    stream.read_exact(&mut status)?;
    if &status == b"HTTP/1.1 200" { Ok(()) } else { Err(Error::other("not healthy")) }
}
