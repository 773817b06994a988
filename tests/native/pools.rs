//! Pools: main filter and upstream filters of several threads.

use crate::envoy::{GAUGES, SCHEDULERS};
use crate::module::{
    CONTINUE, Configuration, STOP_HEADERS, Stream, address,
    envoy_dynamic_module_on_http_filter_config_scheduled,
    envoy_dynamic_module_on_http_filter_response_headers, pairs,
};
use core::ptr;
use std::sync::atomic::Ordering;

const MEMBERS: [&str; 5] = ["a", "b", "c", "d", "e"];

/// The configuration of a provider that is a pool.
fn pool(provider: &str) -> Configuration {
    let member = |name: &str| {
        format!(
            r#"{{"name": "{name}", "key": {{"value": "key-of-{name}-0123456789"}}, "base_url": "https://{name}.example"}}"#
        )
    };
    let members = MEMBERS.map(member).join(", ");
    Configuration::new(&format!(
        r#"{{"providers": [{{"type": "anthropic", "name": "{provider}", "pool": [{members}]}}]}}"#
    ))
}

/// The configuration of the upstream filter of a member.
fn upstream(provider: &str, member: &str) -> Configuration {
    Configuration::new(&format!(r#"{{"upstream": {{"provider": "{provider}", "member": "{member}"}}}}"#))
}

impl Stream {
    fn to_pool(configuration: &Configuration, provider: &str) -> Self {
        let stream = Self::new(configuration, &format!("/{provider}/v1/messages"));
        assert_eq!(stream.request_headers(), CONTINUE);
        stream
    }

    /// An attempt at the request of this stream.
    fn attempt(&self, configuration: &Configuration) -> Self {
        let attempt = Self::new(configuration, "/v1/messages");
        (*attempt.filter.state.borrow_mut()).clone_from(&self.filter.state.borrow());
        assert_eq!(attempt.request_headers(), CONTINUE);
        attempt
    }

    fn answers(&self, status: &str) {
        *self.filter.headers[2].borrow_mut() = pairs(&[(":status", status)]);
        // SAFETY: as above.
        let flow = unsafe {
            envoy_dynamic_module_on_http_filter_response_headers(address(&self.filter), self.module, false)
        };
        assert_eq!(flow, CONTINUE);
    }

    fn sent(&self, name: &str) -> Option<String> {
        let headers = self.filter.headers[0].borrow();
        let value = headers.iter().find(|(known, _)| known == name);
        value.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
    }
}

#[test]
fn an_attempt_that_outlives_its_client_still_sets_its_member_aside() {
    let (main, first) = (pool("outlives"), upstream("outlives", "a"));
    let stream = Stream::to_pool(&main, "outlives");
    let (attempt, unanswered) = (stream.attempt(&first), stream.attempt(&first));
    assert_eq!(attempt.sent("x-api-key").unwrap(), "key-of-a-0123456789");
    stream.complete();
    drop(stream);
    drop(unanswered);
    attempt.answers("429");
    drop(attempt);
    drop(first);
    let next = Stream::to_pool(&main, "outlives");
    assert!(next.sent("x-ai-bridge-pool").unwrap().starts_with("outlives/b"));
}

#[test]
fn an_attempt_without_a_ticket_is_refused_even_where_the_reply_destroys_it() {
    let configuration = upstream("nothing", "a");
    for destroys in [false, true] {
        let attempt = Stream::new(&configuration, "/v1/messages");
        if destroys {
            attempt.end_by_calls();
        }
        assert_eq!(attempt.request_headers(), STOP_HEADERS);
        assert_eq!(attempt.filter.destroyed.get(), destroys);
        assert_eq!(attempt.filter.replies.borrow()[0].0, 503);
    }
}

#[test]
fn members_that_workers_set_aside_at_the_same_time_are_all_aside() {
    for round in 0..300 {
        let provider = format!("race-{round}");
        let main = pool(&provider);
        let upstreams = MEMBERS.map(|member| upstream(&provider, member));
        let begin = std::sync::Barrier::new(MEMBERS.len() - 1);
        std::thread::scope(|scope| {
            for upstream in &upstreams[..MEMBERS.len() - 1] {
                scope.spawn(|| {
                    let stream = Stream::to_pool(&main, &provider);
                    let attempt = stream.attempt(upstream);
                    begin.wait();
                    attempt.answers("429");
                });
            }
        });
        let next = Stream::to_pool(&main, &provider);
        assert_eq!(next.sent("x-ai-bridge-pool").unwrap(), format!("{provider}/e"));
    }
}

#[test]
fn the_gauges_of_a_pool_are_shown_without_a_request() {
    let configuration = pool("idle");
    let before = GAUGES.load(Ordering::Relaxed);
    // SAFETY: the configuration is not destroyed.
    unsafe { envoy_dynamic_module_on_http_filter_config_scheduled(ptr::null_mut(), configuration.0, 0) };
    assert_eq!(GAUGES.load(Ordering::Relaxed), before + MEMBERS.len());
}

#[test]
fn no_thread_outlives_its_configuration() {
    let configurations: Vec<_> = (0..50).map(|_| pool("threads")).collect();
    assert!(SCHEDULERS.load(Ordering::Relaxed) >= configurations.len());
    drop(configurations);
    // Other tests have pools of their own at this time, at most this many.
    assert!(SCHEDULERS.load(Ordering::Relaxed) < 20);
}
