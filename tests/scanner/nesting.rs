//! The bound of the depth.

use crate::log::{Known, Log, read_all};
use ai_bridge::json::{Error, Kind, Problem, Scanner, Want};

/// The result of scanning this many nested arrays.
fn nested(depth_bytes: usize, levels: usize, wants: fn(&[Known], Kind, u64) -> Want) -> Result<(), Error> {
    let mut scanner = Scanner::any(depth_bytes);
    let mut log = Log { wants, calls: Vec::new() };
    scanner.feed("[".repeat(levels).as_bytes(), &mut log)?;
    scanner.feed("]".repeat(levels).as_bytes(), &mut log)?;
    scanner.finish(&mut log)
}

#[test]
fn eight_levels_of_nesting_fit_into_each_byte() {
    for wants in [read_all, |_: &_, _, _| Want::Skip, |_: &_, _, _| Want::Raw] {
        assert_eq!(nested(65_536, 524_288, wants), Ok(()));
        let error = Error { problem: Problem::TooDeep, offset: 524_288 };
        assert_eq!(nested(65_536, 524_289, wants), Err(error));
    }
}
