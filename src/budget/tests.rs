use super::stated::Stated;
use super::{Budget, Notices};
use crate::api::Api;
use crate::dialect::Dialect;
use crate::headers::{HeaderEdits, Headers};
use crate::step::LocalReply;
use core::time::Duration;

fn headers(limit: &[&str], remaining: &str, reset: &str) -> Headers {
    let limits = limit.iter().map(|limit| ("x-ratelimit-limit".to_owned(), limit.as_bytes().to_vec()));
    let others = [("x-ratelimit-remaining", remaining), ("x-ratelimit-reset", reset)];
    let others = others.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
    Headers::new(limits.chain(others).collect())
}

fn read(limit: &str, remaining: &str, reset: &str) -> Option<[u32; 4]> {
    let stated = Stated::read(&headers(&[limit], remaining, reset))?;
    Some([stated.limit, stated.remaining, stated.window_seconds, stated.reset_seconds])
}

fn budget(limit: u32, remaining: u32) -> Box<Budget> {
    let headers = headers(&[&format!("{limit}, {limit};w=60")], &remaining.to_string(), "7");
    Notices::default().budget(&headers, || Duration::from_millis(1_000_900)).unwrap()
}

#[test]
fn a_budget_is_the_tightest_limit_in_envoys_form() {
    for (limit, window) in [
        ("10, 10;w=60", 60),
        ("10,10;w=60", 60),
        ("10, 10;w=1;name=\"a\"", 1),
        ("10, 500;w=1, 10;w=3600;name=\"a, 7;w=2\"", 3600),
        ("10, 10;w=60, 10;w=3600", 60),
        ("10, 10;w=0, 10;w=3600", 3600),
    ] {
        assert_eq!(read(limit, "4", "30"), Some([10, 4, window, 30]), "{limit}");
    }
    assert_eq!(read("4294967295, 4294967295;w=4294967295", "4294967295", "4294967295"), Some([u32::MAX; 4]));
}

#[test]
fn other_forms_and_overflowing_numbers_are_no_budget() {
    for limit in [
        "",
        "10",
        "10;w=60",
        "10, 20;w=60",
        "10, 10;w=0",
        "10, 10;w=",
        "10, 10;x=60",
        "10, 10",
        "10, ;w=60",
        "10, 10;w=60, x",
        "10, 10;w=60,",
        "+10, 10;w=60",
        "-1, -1;w=60",
        "1e1, 10;w=60",
        "4294967296, 4294967296;w=60",
        "10, 10;w=4294967296",
        "99, 10;w=60;name=\"open, 99;w=60",
    ] {
        assert_eq!(read(limit, "4", "30"), None, "{limit}");
    }
    for (remaining, reset) in [
        ("", "30"),
        ("4", ""),
        ("-1", "30"),
        ("4", "-1"),
        ("4294967296", "30"),
        ("4", "4294967296"),
        ("4", "3.5"),
    ] {
        assert_eq!(read("10, 10;w=60", remaining, reset), None, "{remaining} {reset}");
    }
    assert_eq!(Stated::read(&Headers::default()), None);
}

#[test]
fn the_last_header_of_a_name_counts() {
    let both = |first: &str, last: &str| Stated::read(&headers(&[first, last], "4", "30"));
    assert_eq!(both("x", "10, 10;w=60").map(|stated| stated.limit), Some(10));
    assert_eq!(both("10, 10;w=60", "x"), None);
}

#[test]
fn what_is_used_is_rounded_down_and_below_all_while_requests_pass() {
    for (limit, remaining, used, notice) in [
        (100, 100, "0", None),
        (100, 200, "0", None),
        (100, 50, "0.5", None),
        (3, 2, "0.3333", None),
        (10_000, 2_501, "0.7499", None),
        (100, 25, "0.75", Some("warning")),
        (1_000, 1, "0.99", Some("warning")),
        (100, 0, "0.99", Some("warning")),
        (0, 0, "0.99", Some("warning")),
        (u32::MAX, 1, "0.99", Some("warning")),
    ] {
        let budget = budget(limit, remaining);
        assert_eq!((budget.used().as_str(), budget.notice()), (used, notice), "{limit} {remaining}");
        assert_eq!(budget.resets_at(), Duration::from_secs(1_007));
    }
}

#[test]
fn clients_of_google_and_aws_are_told_at_the_wall_only() {
    let message =
        "AI gateway: a budget for your requests is used up; it opens again at 1970-01-01T00:16:47Z. Ask IT";
    for (dialect, kind, body) in [
        (
            Dialect::Google,
            "RESOURCE_EXHAUSTED",
            format!(
                r#"{{"error":{{"code":429,"message":"{message}","status":"RESOURCE_EXHAUSTED","details":[{{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"7s"}}]}}}}"#
            ),
        ),
        (Dialect::Aws, "ThrottlingException", format!(r#"{{"message":"{message}"}}"#)),
    ] {
        let mut budget = budget(10, 0);
        assert!(budget.is_spent());
        let mut edits = HeaderEdits::default();
        budget.warn(dialect, Api::Messages, &Headers::default(), &mut edits);
        assert_eq!(edits, HeaderEdits::default());
        let notices = Notices { message: "Ask IT".to_owned(), ..Notices::default() };
        let mut reply = LocalReply { status: 429, headers: Vec::new(), body: String::new() };
        notices.refuse(&mut budget, dialect, Api::Messages, &mut reply);
        assert_eq!(reply.body, body);
        let header = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
        assert_eq!(reply.headers, [header("retry-after", "7"), header("x-should-retry", "false")]);
        assert_eq!(budget.error(), Some((kind, message)));
        assert_eq!((budget.used().as_str(), budget.notice()), ("1", Some("exhausted")));
    }
}
