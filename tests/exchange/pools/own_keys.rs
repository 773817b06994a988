//! A caller's own key goes once, to the first member.

use super::{answers, exchange, exchange_at, list_at, pool, request_at};
use ai_bridge::headers::Headers;
use ai_bridge::pool::AttemptStream;
use serde_json::{Value, json};

#[test]
fn a_callers_own_key_reaches_no_host_but_the_first_members() {
    let world = request_at(&pool(|_| {}), 0, &[("x-api-key", "sk-ant-own-0123456789")]);
    let begin = |member| {
        AttemptStream::begin(&world.ticket(), "p", member, world.moment(), Headers::default).is_some()
    };
    assert_eq!(["a", "b", "e"].map(begin), [true, false, false]);
}

#[test]
fn a_callers_own_key_goes_once_to_the_first_member_untouched() {
    let bridge = pool(|provider| provider["byok_cluster"] = json!("own"));
    exchange(&bridge, &[("a", answers(429, &[("retry-after", "600")]))]);
    let own = [("x-api-key", "sk-ant-own-0123456789"), ("x-both", "client")];
    let (world, asked) = exchange_at(&bridge, 1, &own, &[("a", answers(429, &[("retry-after", "9")]))]);
    assert_eq!(world.sent("x-ai-bridge-pool"), Some("p"));
    assert_eq!(world.sent("x-ai-bridge-cluster"), Some("own"));
    let [a] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!(a.headers.text("x-api-key"), Some("sk-ant-own-0123456789"));
    assert_eq!(
        (a.headers.text(":path"), a.headers.text(":authority")),
        (Some("/base-a/v1/messages?x=%2F"), Some("a.example"))
    );
    assert!(!a.headers.contains("x-ai-bridge-pool"));
    assert_eq!(world.client_headers.as_ref().unwrap().text("retry-after"), Some("9"));
    let record = world.record();
    assert_eq!(
        (record["attempts"].clone(), record["affinity"].clone(), record["notes"].clone()),
        (Value::Null, Value::Null, json!([]))
    );
    assert_eq!(
        (record["credential"]["kind"].as_str(), record["upstream"]["cluster"].as_str()),
        (Some("byok"), Some("own"))
    );
    // Its success tells nothing of the member's key.
    exchange_at(&bridge, 2, &own, &[]);
    assert_eq!(list_at(&bridge, 3), "b,c,d");
}
