//! Reads every case twice, for a counting profiler; or one case many times, for a sampling profiler: `micro NAME TIMES`.
//! Prints each case that it reads, with its bytes and its events, in that order.
#![expect(clippy::print_stdout, reason = "the program's output")]

use micro::cases;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (wanted, times) = (arguments.next(), arguments.next());
    let times = times.and_then(|times| times.parse().ok()).unwrap_or(2_usize);
    for case in cases() {
        if wanted.as_ref().is_some_and(|wanted| *wanted != case.name) {
            continue;
        }
        println!("{} {} {}", case.name, case.bytes(), case.events);
        if !(0..times).all(|_| case.run()) {
            println!("not read as it should be");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
