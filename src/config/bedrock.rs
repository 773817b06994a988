//! `bedrock`: the settings of a provider that is AWS Bedrock's.

use super::model_pattern::{model_pattern, model_patterns};
use super::node::{Members, Node};
use super::quoted::quoted;
use crate::bedrock::request::is_id;
use crate::bedrock::{Bedrock, Invoke, Mode, Table};
use crate::glob::Glob;

/// Bytes of the longest region. AWS's longest has 14.
const LONGEST_REGION_BYTES: usize = 32;
/// Bytes of the longest name of a version, beta or member.
const LONGEST_NAME_BYTES: usize = 128;
/// The largest configurable size of a held body, in bytes.
const MOST_BODY_BYTES: u64 = 64 << 20;

#[derive(Clone, Copy, PartialEq)]
enum ModeName {
    Native,
    Invoke,
    Runtime,
}

const MODES: [(&str, ModeName); 3] =
    [("native", ModeName::Native), ("invoke", ModeName::Invoke), ("runtime", ModeName::Runtime)];

/// The members that only mode `invoke` has.
const OF_INVOKE: [&str; 7] = [
    "host_holds_headers",
    "models",
    "anthropic_version",
    "betas",
    "unsupported_fields",
    "manual_thinking",
    "body_bytes",
];

/// The settings in `node`; `None` after a problem was reported.
pub(super) fn bedrock(node: &Node<'_>) -> Option<Bedrock> {
    node.object("an object", |members| {
        let region = members.required("region", "an AWS region, such as \"us-east-1\"");
        let region = region.and_then(|node| self::region(&node));
        let mode = members.member("mode").map_or(Some(ModeName::Native), |node| node.one_of(&MODES));
        let unchanged = match mode {
            Some(ModeName::Native) => {
                Some((Mode::Native, "only for mode \"invoke\"; \"native\" passes bodies unchanged"))
            }
            Some(ModeName::Runtime) => {
                Some((Mode::Runtime, "only for mode \"invoke\"; \"runtime\" passes bodies unchanged"))
            }
            Some(ModeName::Invoke) | None => None,
        };
        if let Some((mode, problem)) = unchanged {
            for name in OF_INVOKE {
                members.refuse(name, problem);
            }
            return Some(Bedrock { region: region?, mode });
        }
        let invoke = invoke(members);
        if members.member("host_holds_headers").map_or(Some(false), |node| node.bool()) == Some(false) {
            members.problem(
                "host_holds_headers",
                format_args!(
                    "expected true: mode \"invoke\" writes the model into the path, so the headers have to wait for \
                     the body; set `allow_on_headers_stop_iteration: true` beside the filter's `configuration` in \
                     Envoy, and say so here"
                ),
            );
        }
        mode?;
        Some(Bedrock { region: region?, mode: Mode::Invoke(Box::new(invoke)) })
    })?
}

fn invoke(members: &Members<'_>) -> Invoke {
    let default = Invoke::default();
    Invoke {
        models: members.read("models", Vec::new(), model_map),
        anthropic_version: members.read("anthropic_version", default.anthropic_version, |node| {
            name(node, node.text()?, "a version").map(str::to_owned)
        }),
        betas: members.read("betas", default.betas, |node| table(node, "a beta")),
        unsupported_fields: members
            .read("unsupported_fields", default.unsupported_fields, |node| table(node, "a member")),
        manual_thinking: members.read("manual_thinking", default.manual_thinking, model_patterns),
        body_bytes: members.read("body_bytes", default.body_bytes, |node| node.whole(1..=MOST_BODY_BYTES)),
    }
}

fn region(node: &Node<'_>) -> Option<String> {
    let text = node.text()?;
    let is_word = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    let is_region = text.contains('-') && text.len() <= LONGEST_REGION_BYTES && text.split('-').all(is_word);
    if !is_region {
        node.problem(format_args!("expected an AWS region, such as \"us-east-1\", found {}", quoted(text)));
        return None;
    }
    Some(text.to_owned())
}

/// Patterns of models with Bedrock's ids, the longest pattern first. The order of the members does not count: Kubernetes
/// and protobuf's `Struct` do not keep it.
fn model_map(node: &Node<'_>) -> Option<Vec<(Glob, String)>> {
    let entries =
        node.entries("an object: model names, in which * stands for any characters, to Bedrock's ids")?;
    let mapped = entries.into_iter().filter_map(|(pattern, id)| {
        let pattern = model_pattern(&id, pattern);
        Some((pattern, model_id(&id)?))
    });
    let mut models: Vec<(Glob, String)> = Vec::new();
    for (pattern, id) in mapped.filter_map(|(pattern, id)| Some((pattern?, id))) {
        let text = pattern.as_str();
        let place = models.partition_point(|(known, _)| {
            let known = known.as_str();
            (text.len(), known) <= (known.len(), text)
        });
        models.insert(place, (pattern, id));
    }
    Some(models)
}

fn model_id(node: &Node<'_>) -> Option<String> {
    let text = node.text()?;
    if !is_id(text) {
        node.problem(format_args!(
            "expected a Bedrock model id, inference profile or ARN, such as \"us.anthropic.claude-opus-4-6-v1\", \
             found {}",
            quoted(text)
        ));
        return None;
    }
    Some(text.to_owned())
}

/// Names with the models that each holds for.
fn table(node: &Node<'_>, of: &str) -> Option<Table> {
    let entries =
        node.entries("an object: names, in which * stands for any characters, to lists of models")?;
    let rows = entries.into_iter().filter_map(|(written, models)| {
        let name = name(&models, written, of).map(Glob::new);
        let models = model_patterns(&models);
        Some((name?, models?))
    });
    Some(Table(rows.collect()))
}

fn name<'a>(node: &Node<'_>, text: &'a str, what: &str) -> Option<&'a str> {
    if text.is_empty() || text.len() > LONGEST_NAME_BYTES || !text.bytes().all(|byte| byte.is_ascii_graphic())
    {
        node.problem(format_args!(
            "expected the name of {what}: 1 to {LONGEST_NAME_BYTES} visible ASCII characters"
        ));
        return None;
    }
    Some(text)
}
