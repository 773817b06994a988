//! A session keeps its member, and stays where it moved.

use super::{answers, exchange_at, names, pool, request_at};
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[test]
fn a_session_is_hashed_to_a_member_and_keeps_it() {
    let bridge = pool(|provider| provider["start"] = json!("session"));
    let agent = ("user-agent", "claude-cli/2.0.0 (external, cli)");
    let list = |lines: &[(&str, &str)]| {
        let world = request_at(&bridge, 0, lines);
        world.sent("x-ai-bridge-pool").unwrap().to_owned()
    };
    let session = |n: usize| format!("session-{n}");
    let lists: BTreeSet<String> =
        (0..50).map(|n| list(&[agent, ("x-claude-code-session-id", session(n).as_str())])).collect();
    assert!(lists.len() > 20, "sessions spread over members and orders: {}", lists.len());
    for n in 0..5 {
        let lines = [agent, ("x-claude-code-session-id", &session(n) as &str)];
        assert_eq!(list(&lines), list(&lines));
    }
    let agents: BTreeSet<String> = (0..20)
        .map(|n| {
            let id = format!("agent-{n}");
            list(&[agent, ("x-claude-code-session-id", "one"), ("x-claude-code-agent-id", &id)])
        })
        .collect();
    assert!(agents.len() > 5, "each agent of a session has a cache of its own: {agents:?}");
    // The actor, else the configured order.
    let actors: BTreeSet<String> = (0..50).map(|n| list(&[("x-actor", &format!("u{n}"))])).collect();
    assert!(actors.len() > 20);
    assert_eq!(list(&[]), "p/a,b,c");
}

#[test]
fn a_session_that_had_to_move_stays_where_it_went_for_an_hour() {
    let bridge = pool(|provider| provider["start"] = json!("session"));
    let lines = [("x-actor", "someone")];
    let home = exchange_at(&bridge, 0, &lines, &[]);
    let home_name = home.1[0].member.clone();
    assert_eq!(home.0.record()["affinity"], json!({"member": home_name}));
    let (moved, asked) =
        exchange_at(&bridge, 1, &lines, &[(&home_name, answers(529, &[("retry-after", "5")]))]);
    let away = asked[1].member.clone();
    assert_eq!(moved.record()["affinity"], json!({"member": away, "moved": true}));
    for second in [2, 10, 3000] {
        let (stays, asked) = exchange_at(&bridge, second, &lines, &[]);
        assert_eq!(names(&asked), std::slice::from_ref(&away), "{second}");
        assert_eq!(stays.record()["affinity"], json!({"member": away}));
    }
    assert_eq!(exchange_at(&bridge, 3700, &lines, &[]).1[0].member, home_name);
    // A session that was not there moves with its first request.
    exchange_at(&bridge, 4000, &[], &[("a", answers(429, &[("retry-after", "600")]))]);
    assert_eq!(exchange_at(&bridge, 4001, &[], &[]).0.record()["affinity"], Value::Null, "no session");
}

#[test]
fn a_session_that_has_to_move_again_stays_at_the_last_member() {
    let bridge = pool(|provider| provider["start"] = json!("session"));
    let lines = [("x-actor", "someone")];
    let aside = answers(429, &[("retry-after", "10")]);
    let home = exchange_at(&bridge, 0, &lines, &[]).1[0].member.clone();
    let first = exchange_at(&bridge, 1, &lines, &[(&home, aside.clone())]).1[1].member.clone();
    let (world, asked) = exchange_at(&bridge, 2, &lines, &[(&first, aside)]);
    let second = asked[1].member.clone();
    assert!(![&home, &first].contains(&&second), "{home} is set aside, too");
    assert_eq!(world.record()["affinity"], json!({"member": second, "moved": true}));
    // The others are back, and the hour counts from the second move.
    for second_of in [3, 20, 3601] {
        let (world, asked) = exchange_at(&bridge, second_of, &lines, &[]);
        assert_eq!(names(&asked), std::slice::from_ref(&second), "{second_of}");
        assert_eq!(world.record()["affinity"], json!({"member": second}));
    }
    assert_eq!(exchange_at(&bridge, 3700, &lines, &[]).1[0].member, home);
}
