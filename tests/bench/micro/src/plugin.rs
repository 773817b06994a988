//! A `Wasm` bootstrap extension that reads every case many times inside Envoy's V8 and logs the times.
//! `tests/bench/readers` starts it.

use crate::{Case, cases};
use core::time::Duration;
use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, RootContext};
use proxy_wasm::types::LogLevel;
use std::time::Instant;

/// How long each case is read. V8 recompiles functions that are called often, and optimises them.
const SPAN: Duration = Duration::from_secs(1);
/// The shortest time that is measured at once, because reading the clock costs a call of the host.
const ROUND: Duration = Duration::from_micros(50);

/// The host calls this after the library's start, which has set the filter's root context. Replaces that context.
#[expect(unsafe_code, reason = "the attribute is the only way to export a name")]
#[unsafe(no_mangle)]
extern "C" fn main(_: i32, _: i32) -> i32 {
    proxy_wasm::set_root_context(|_| Box::new(Plugin));
    0
}

#[derive(Debug)]
struct Plugin;

impl Context for Plugin {}

impl RootContext for Plugin {
    fn on_configure(&mut self, _: usize) -> bool {
        let wanted = hostcalls::get_buffer(proxy_wasm::types::BufferType::PluginConfiguration, 0, usize::MAX);
        let wanted =
            wanted.ok().flatten().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
        for case in cases().iter().filter(|case| case.name.contains(&wanted)) {
            let line = match fastest(case) {
                Some(time) => {
                    format!("case {} {} {} {:.0}", case.name, case.bytes(), case.events, time * 1e9)
                }
                None => format!("failed {}", case.name),
            };
            let _ = hostcalls::log(LogLevel::Warn, &line);
        }
        let _ = hostcalls::log(LogLevel::Warn, "over");
        true
    }
}

/// The seconds that one reading takes in the fastest round, because other load only makes rounds slower. `None`: a reading
/// failed.
fn fastest(case: &Case) -> Option<f64> {
    let (begin, mut readings, mut fastest) = (Instant::now(), 1_u32, f64::MAX);
    while begin.elapsed() < SPAN {
        let round = Instant::now();
        for _ in 0..readings {
            if !case.run() {
                return None;
            }
        }
        let passed = round.elapsed();
        fastest = fastest.min(passed.as_secs_f64() / f64::from(readings));
        if passed < ROUND {
            readings = readings.saturating_mul(2);
        }
    }
    Some(fastest)
}
