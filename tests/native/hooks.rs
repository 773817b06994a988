//! The order of the hooks: missing, twice, late, and called by Envoy while the module calls it.

use crate::envoy::Filter;
use crate::module::{
    CHAT, CONTINUE, Configuration, EVENTS, JSON, REQUEST, STOP_BODY, STOP_HEADERS, Stream, address,
    envoy_dynamic_module_on_http_filter_request_headers, parts,
};
use core::ptr;

#[test]
fn a_reply_that_destroys_the_stream_before_it_returns_leaves_one_record() {
    let configuration = Configuration::new(JSON);
    let stream = Stream::new(&configuration, CHAT);
    stream.request_headers();
    stream.end_by_calls();
    assert_eq!(stream.request_body(&[b"[1,", b"2]"], true), STOP_BODY);
    assert!(stream.filter.destroyed.get());
    assert_eq!(stream.record().unwrap()["outcome"], "rejected");
    assert_eq!(stream.filter.replies.borrow().len(), 1);
}

#[test]
fn a_reset_that_destroys_the_stream_before_it_returns_leaves_one_record() {
    let configuration = Configuration::new(JSON);
    let stream = Stream::new(&configuration, CHAT);
    stream.request_headers();
    // The response begins before the request is whole; then the request turns out to be no JSON.
    stream.request_body(&[b"{\"model\":\"m\","], false);
    assert_eq!(stream.response_headers("text/event-stream"), CONTINUE);
    stream.end_by_calls();
    assert_eq!(stream.request_body(&[b"nothing"], true), STOP_BODY);
    assert_eq!((stream.filter.resets.get(), stream.filter.destroyed.get()), (1, true));
    assert_eq!(stream.record().unwrap()["outcome"], "rejected");
}

#[test]
fn a_reply_to_the_headers_that_destroys_the_stream_is_the_end_of_it() {
    let configuration = Configuration::new(JSON);
    let stream = Stream::new(&configuration, "/nowhere");
    stream.end_by_calls();
    assert_eq!(stream.request_headers(), STOP_HEADERS);
    assert!(stream.filter.destroyed.get());
    assert_eq!(stream.record(), None);
}

#[test]
fn hooks_that_are_missing_twice_or_late_change_nothing() {
    let configuration = Configuration::new(JSON);
    let stream = Stream::new(&configuration, CHAT);
    stream.response_headers("application/json");
    stream.request_headers();
    stream.request_headers();
    stream.request_body(&parts(REQUEST, 9), true);
    stream.complete();
    let record = stream.record().unwrap();
    let measured = stream.filter.measured.get();
    stream.filter.state.borrow_mut().clear();
    stream.complete();
    stream.request_body(&[b"late"], true);
    stream.response_headers("application/json");
    stream.response_body(&[b"late"], true);
    assert_eq!(record["outcome"], "aborted_client");
    assert_eq!((stream.record(), stream.filter.measured.get()), (None, measured));
    assert_eq!(stream.body(2), b"late");
    drop(Stream::new(&configuration, CHAT));
}

#[test]
fn a_reply_or_a_reset_during_which_envoy_calls_every_hook_leaves_one_record() {
    let configuration = Configuration::new(JSON);
    for answered in [false, true] {
        let stream = Stream::new(&configuration, CHAT);
        stream.request_headers();
        stream.request_body(&[b"{\"model\":\"m\","], false);
        if answered {
            assert_eq!(stream.response_headers("text/event-stream"), CONTINUE);
        }
        stream.end_by_calls_after_every_hook();
        assert_eq!(stream.request_body(&[b"nothing"], true), STOP_BODY);
        let filter = &stream.filter;
        assert_eq!(
            (filter.replies.borrow().len(), filter.resets.get()),
            (usize::from(!answered), usize::from(answered))
        );
        assert_eq!((filter.records.get(), filter.panicked.get()), (1, false));
        assert_eq!(stream.record().unwrap()["outcome"], "rejected");
    }
}

#[test]
fn hooks_in_any_order_leave_at_most_one_record_and_no_panic() {
    let configuration = Configuration::new(JSON);
    let mut state = 7_u64;
    let mut draw = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let bodies: [&[u8]; 5] = [b"", REQUEST, &REQUEST[..30], &REQUEST[30..], b"[nothing"];
    let mut recorded = 0;
    for _ in 0..5_000 {
        let path = ["/nowhere", CHAT, "/openai/v1/models"][draw(3) as usize];
        let stream = Stream::new(&configuration, path);
        match draw(4) {
            0 => stream.end_by_calls(),
            1 => stream.end_by_calls_after_every_hook(),
            _ => {}
        }
        for _ in 0..draw(12) {
            if stream.filter.destroyed.get() {
                break;
            }
            let body = [bodies[draw(5) as usize], bodies[draw(5) as usize]];
            let parts = &body[..draw(3) as usize];
            match draw(8) {
                0 | 1 => _ = stream.request_headers(),
                2 => _ = stream.request_body(parts, draw(2) == 0),
                3 => _ = stream.request_trailers(),
                4 => _ = stream.response_headers(["application/json", "text/event-stream"][draw(2) as usize]),
                5 => _ = stream.response_body(if draw(2) == 0 { parts } else { &[EVENTS] }, draw(2) == 0),
                6 => _ = stream.response_trailers(),
                _ => stream.complete(),
            }
        }
        recorded += stream.filter.records.get();
        assert!(stream.filter.records.get() <= 1 && !stream.filter.panicked.get());
    }
    assert!(recorded > 500);
}

#[test]
fn a_stream_that_could_not_be_made_is_reset() {
    let filter = Filter::default();
    // SAFETY: Envoy calls the hooks also where `…_new` has returned no stream.
    let flow =
        unsafe { envoy_dynamic_module_on_http_filter_request_headers(address(&filter), ptr::null(), false) };
    assert_eq!((flow, filter.resets.get()), (STOP_HEADERS, 1));
}
