//! `key`: the operator's credential of a provider. No problem repeats a key.

use super::node::Node;
use super::quoted::{looks_like_a_key, quoted};
use crate::credential::{Key, Secret};

/// Bytes of the longest key.
const LONGEST_KEY_BYTES: usize = 8192;
/// Bytes of the longest name of an environment variable.
const LONGEST_VARIABLE_BYTES: usize = 128;

/// Looks up an environment variable of the host.
pub(super) type Environment<'e> = &'e dyn Fn(&str) -> Option<String>;

/// The problem of a variable that is not set, and the name of one in other problems. Both say where the operator sets it.
#[cfg(not(feature = "native"))]
macro_rules! of_variable {
    (not set) => {
        "the environment variable {} is not set; set it for the proxy and name it in `host_env_keys` of the filter's vm_config"
    };
    (unusable) => {
        "the environment variable {} (see `host_env_keys`)"
    };
}

/// The same for a dynamic module, which can read every variable of Envoy's process.
#[cfg(feature = "native")]
macro_rules! of_variable {
    (not set) => {
        "the environment variable {} is not set; a dynamic module reads the environment of Envoy's process, which no \
         `host_env_keys` selects: set it there and start Envoy again"
    };
    (unusable) => {
        "the environment variable {} (of Envoy's process)"
    };
}

/// The key in `node`; `None` after a problem was reported.
pub(super) fn key(node: &Node<'_>, environment: Environment<'_>) -> Option<Key> {
    const EXPECTED: &str = "an object with exactly one of `env`, `value`, `external` and `none`";
    node.object(EXPECTED, |members| {
        let [env, value, external, none] =
            ["env", "value", "external", "none"].map(|name| members.member(name));
        match (&env, &value, &external, &none) {
            (Some(env), None, None, None) => from_environment(env, environment),
            (None, Some(value), None, None) => secret(value, value.text()?, "the key"),
            (None, None, Some(external), None) => marker(external, Key::External),
            (None, None, None, Some(none)) => marker(none, Key::NotNeeded),
            (None, None, None, None) => {
                node.problem(format_args!("expected {EXPECTED}, found none of them"));
                None
            }
            _ => {
                node.problem(format_args!("expected {EXPECTED}, found several"));
                None
            }
        }
    })?
}

/// `key`, where `node` is true.
fn marker(node: &Node<'_>, key: Key) -> Option<Key> {
    let is_set = node.bool()?;
    if !is_set {
        node.problem(format_args!("expected true; without a key leave `key` out"));
    }
    is_set.then_some(key)
}

fn from_environment(node: &Node<'_>, environment: Environment<'_>) -> Option<Key> {
    let name = node.text()?;
    let starts_well = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !starts_well || !is_name || name.len() > LONGEST_VARIABLE_BYTES || may_be_a_key(name) {
        // The text is not repeated: it may be the key itself.
        node.problem(format_args!("expected the name of an environment variable: letters, digits and _"));
        return None;
    }
    let Some(value) = environment(name) else {
        node.problem(format_args!(of_variable!(not set), quoted(name)));
        return None;
    };
    secret(node, &value, &format!(of_variable!(unusable), quoted(name)))
}

/// Whether a well-formed variable name is more likely a key that was written in place of the name.
fn may_be_a_key(name: &str) -> bool {
    let random = name.len() >= 20
        && name.bytes().any(|byte| byte.is_ascii_lowercase())
        && name.bytes().any(|byte| byte.is_ascii_digit());
    random || looks_like_a_key(name)
}

/// `text` as a key that fits into a header. It is trimmed, because files and variables often end in a line break.
fn secret(node: &Node<'_>, text: &str, what: &str) -> Option<Key> {
    let text = text.trim();
    if text.is_empty() {
        node.problem(format_args!("{what} is empty"));
    } else if text.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("bearer ")) {
        node.problem(format_args!("{what} begins with \"Bearer\"; give the key alone"));
    } else if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        node.problem(format_args!("{what} holds something else than visible ASCII characters"));
    } else if text.len() > LONGEST_KEY_BYTES {
        node.problem(format_args!("{what} is longer than {LONGEST_KEY_BYTES} bytes"));
    } else {
        return Some(Key::Central(Secret::new(text)));
    }
    None
}
