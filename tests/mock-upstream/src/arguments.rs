//! Parses the command line.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// What `--help` prints.
pub(crate) const HELP: &str = "\
mock-upstream: stands in for Anthropic, OpenAI and GitHub Copilot

  mock-upstream [--listen ADDRESS] [--log]    serve; the first line printed is the bound address
  mock-upstream healthcheck [--listen ADDRESS]  ask a running one; exit status 0 when it answers

  --listen ADDRESS  default 127.0.0.1:8081; port 0 is any free port
  --log             one line a request: method, path, status

The name of the model in a request asks for special behaviour; words can be joined, as in mock-events-100-pace-10:
  mock-error-<status>  that status       mock-events-<n>  n small text deltas    mock-bytes-<n>  about n bytes
  mock-pace-<ms>       pauses            mock-cut-<n>     reset after n events   mock-stall      silence after one event
  mock-overloaded      an error event in mid-stream
The header x-mock-unread names it instead where the body is not to be read, however large: no stream, no tokens counted.

Otherwise the last prompt is repeated. With tools in the request and the word \"tool\" in the prompt, the tool that the
prompt names (\"use the Bash tool with `echo hello`\"), or else the first one, is called once, with what stands between
backticks. Words are counted as tokens.
";

/// What the command line asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Serve requests.
    Serve {
        /// The address to listen on.
        listen: SocketAddr,
        /// Whether to print a line for each request.
        log: bool,
    },
    /// Check that the server at this address responds.
    Healthcheck(SocketAddr),
    /// Print the help text.
    Help,
}

impl Command {
    /// Reads the arguments after the program's name.
    ///
    /// # Errors
    /// The first argument that is unknown or invalid.
    pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 8081));
        let (mut log, mut is_check) = (false, false);
        let mut arguments = arguments;
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--help" | "-h" | "help" => return Ok(Self::Help),
                "--log" => log = true,
                "healthcheck" => is_check = true,
                "--listen" => {
                    let address = arguments.next().unwrap_or_default();
                    listen = address.parse().map_err(|_| {
                        format!("--listen {address}: expected an address like 127.0.0.1:8081")
                    })?;
                }
                _ => return Err(format!("{argument}: not understood, see --help")),
            }
        }
        Ok(if is_check { Self::Healthcheck(reachable(listen)) } else { Self::Serve { listen, log } })
    }
}

/// The address to connect to: loopback for a server that listens on all addresses.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Command, String> {
        Command::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn the_default_is_to_serve_on_loopback() {
        assert_eq!(parse(""), Ok(Command::Serve { listen: "127.0.0.1:8081".parse().unwrap(), log: false }));
    }

    #[test]
    fn a_healthcheck_asks_where_the_server_listens() {
        assert_eq!(
            parse("healthcheck --listen 0.0.0.0:9"),
            Ok(Command::Healthcheck("127.0.0.1:9".parse().unwrap()))
        );
    }

    #[test]
    fn a_typing_error_is_not_ignored() {
        assert!(
            parse("--lisen x").is_err() && parse("--listen").is_err() && parse("--listen localhost").is_err()
        );
    }
}
