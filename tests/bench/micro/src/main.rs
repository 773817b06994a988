//! Reads one case so many times, for a profiler that counts: `micro NAME TIMES`. `micro` alone lists the cases, each
//! with its bytes and its events.
#![expect(clippy::print_stdout, reason = "what it is for")]

use micro::cases;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (name, times) = (arguments.next(), arguments.next().and_then(|times| times.parse().ok()));
    let cases = cases();
    let Some(name) = name else {
        for case in cases {
            println!("{} {} {}", case.name, case.bytes(), case.events);
        }
        return ExitCode::SUCCESS;
    };
    let (Some(case), Some(times)) = (cases.iter().find(|case| case.name == name), times) else {
        return ExitCode::FAILURE;
    };
    let read: u64 = (0..times).map(|_| u64::from(case.run())).sum();
    if read == times { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
