//! Bytes per second of every case, natively: `cargo bench -p micro`, or some: `cargo bench -p micro -- events`.

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use micro::cases;

fn main() {
    divan::main();
}

#[divan::bench(args = cases().into_iter().map(|case| case.name).collect::<Vec<_>>())]
fn read(bencher: Bencher<'_, '_>, name: &str) {
    let Some(case) = cases().into_iter().find(|case| case.name == name) else { return };
    assert!(case.run(), "{name}: not read as it should be");
    bencher.counter(BytesCount::new(case.bytes())).bench_local(|| black_box(&case).run());
}
