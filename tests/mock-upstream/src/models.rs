//! Lists of models as the three providers write them, and the other small documents that clients ask for.

use crate::route::{Catalogue, Small};
use crate::signature::rfc3339;
use serde_json::{Value, json};

/// Some models of each vendor. Requests for any other model are answered too.
const ANTHROPIC: [&str; 3] = ["claude-opus-4-8", "claude-sonnet-4-6", "claude-haiku-4-5"];
const OPENAI: [&str; 3] = ["gpt-5.5", "gpt-5.5-codex", "gpt-5-mini"];
/// Models of Copilot that support only Chat Completions.
const OTHERS: [&str; 1] = ["gemini-3-pro"];
/// The creation time of all models: 2026-01-01.
const CREATED: u64 = 1_767_225_600;

/// All models.
pub(crate) fn list(catalogue: Catalogue) -> Value {
    let each = |names: &[&str]| names.iter().map(|name| one(catalogue, name)).collect::<Vec<Value>>();
    match catalogue {
        Catalogue::Anthropic => json!({
            "data": each(&ANTHROPIC), "has_more": false, "first_id": ANTHROPIC.first(), "last_id": ANTHROPIC.last(),
        }),
        Catalogue::OpenAi => json!({"object": "list", "data": each(&OPENAI)}),
        Catalogue::Copilot => {
            let data = [each(&OPENAI), each(&OTHERS), each(&ANTHROPIC)].concat();
            json!({"object": "list", "data": data})
        }
    }
}

/// One model, whatever its name.
pub(crate) fn one(catalogue: Catalogue, id: &str) -> Value {
    match catalogue {
        Catalogue::Anthropic => json!({
            "type": "model", "id": id, "display_name": id, "created_at": rfc3339(CREATED), "lifecycle": "active",
            "max_input_tokens": 200_000, "max_tokens": 64_000,
        }),
        Catalogue::OpenAi => json!({"id": id, "object": "model", "created": CREATED, "owned_by": "openai"}),
        Catalogue::Copilot => copilot(id),
    }
}

fn copilot(id: &str) -> Value {
    let (vendor, endpoints) = if id.starts_with("claude") {
        ("Anthropic", json!(["/chat/completions", "/v1/messages"]))
    } else if OTHERS.contains(&id) {
        ("Google", json!(["/chat/completions"]))
    } else {
        ("OpenAI", json!(["/chat/completions", "/responses", "ws:/responses"]))
    };
    json!({
        "id": id, "name": id, "object": "model", "version": id, "vendor": vendor, "preview": false,
        "created": CREATED, "owned_by": vendor, "model_picker_enabled": true, "is_chat_default": id == "gpt-5.5",
        "is_chat_fallback": id == "gpt-5-mini", "supported_endpoints": endpoints, "policy": {"state": "enabled", "terms": ""},
        "billing": {"is_premium": false, "multiplier": 0},
        "capabilities": {
            "type": "chat", "family": id, "object": "model_capabilities", "tokenizer": "o200k_base",
            "limits": {"max_context_window_tokens": 200_000, "max_prompt_tokens": 128_000, "max_output_tokens": 64_000},
            "supports": {"streaming": true, "tool_calls": true, "parallel_tool_calls": true, "vision": false, "structured_outputs": true},
        },
    })
}

/// The document for a small call. `host`: the authority that the client used for this server.
pub(crate) fn small(small: Small, host: &str, now: u64) -> Value {
    let base = format!("http://{host}");
    let endpoints = json!({"api": base, "proxy": base, "telemetry": base, "origin-tracker": base});
    match small {
        Small::Health | Small::Ping => json!({"status": "ok"}),
        Small::Hello | Small::CopilotOther => json!({}),
        Small::Telemetry => json!({"accepted_count": 0, "rejected_count": 0}),
        Small::CopilotUser => json!({
            "login": "mock-user", "id": 1, "access_type_sku": "copilot_enterprise_seat_quota", "copilot_plan": "enterprise",
            "assigned_date": rfc3339(CREATED), "can_signup_for_limited": false, "chat_enabled": true, "cli_enabled": true,
            "is_mcp_enabled": true, "analytics_tracking_id": "mock", "organization_login_list": [], "organization_list": [],
            "endpoints": endpoints,
        }),
        Small::CopilotToken => json!({
            "token": "mock-copilot-token", "expires_at": now.saturating_add(1_800), "refresh_in": 1_500, "sku": "copilot_enterprise_seat",
            "chat_enabled": true, "individual": false, "endpoints": endpoints,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_list_has_models() {
        for (catalogue, models) in
            [(Catalogue::Anthropic, 3), (Catalogue::OpenAi, 3), (Catalogue::Copilot, 7)]
        {
            assert_eq!(list(catalogue)["data"].as_array().unwrap().len(), models);
        }
    }

    #[test]
    fn copilot_says_which_apis_a_model_speaks() {
        let speaks = |id: &str| one(Catalogue::Copilot, id)["supported_endpoints"].clone();
        assert_eq!(speaks("gemini-3-pro"), json!(["/chat/completions"]));
        assert_eq!(speaks("claude-opus-4-8"), json!(["/chat/completions", "/v1/messages"]));
        assert_eq!(speaks("gpt-5.5"), json!(["/chat/completions", "/responses", "ws:/responses"]));
    }

    #[test]
    fn any_model_name_is_found() {
        assert_eq!(one(Catalogue::Anthropic, "mock-stall")["id"], "mock-stall");
    }
}
