//! The vendors behind the hosts of base URLs (`envoy/behaviour.md#credentials-and-vendors`).

use crate::credential::Vendor;

/// Domains with the vendor that answers there and at every subdomain; `None`: hosts that a vendor's customers run.
/// The first row that fits counts. `*` stands for one label, such as a region. Each row has its source.
pub const HOSTS: [(&str, Option<Vendor>); 53] = [
    // https://docs.anthropic.com/en/api/overview
    ("anthropic.com", Some(Vendor::Anthropic)),
    // https://platform.claude.com/docs
    ("claude.com", Some(Vendor::Anthropic)),
    // https://support.claude.com/en/articles/8114487: the application, with its logins
    ("claude.ai", Some(Vendor::Anthropic)),
    // https://platform.openai.com/docs/api-reference; regions: https://platform.openai.com/docs/guides/your-data
    ("openai.com", Some(Vendor::OpenAi)),
    // https://developers.openai.com/codex/auth: Codex with a ChatGPT login
    ("chatgpt.com", Some(Vendor::OpenAi)),
    // https://docs.github.com/en/copilot/reference/copilot-allowlist-reference
    ("githubcopilot.com", Some(Vendor::GitHub)),
    // The same page.
    ("github.com", Some(Vendor::GitHub)),
    // https://docs.github.com/en/enterprise-cloud@latest/admin/data-residency: enterprises with data residency
    ("ghe.com", Some(Vendor::GitHub)),
    // https://docs.github.com/en/rest/models/inference
    ("models.github.ai", Some(Vendor::GitHub)),
    // https://docs.github.com/en/github-models: the earlier endpoint of GitHub Models takes GitHub's tokens
    ("models.inference.ai.azure.com", Some(Vendor::GitHub)),
    // https://ai.google.dev/gemini-api/docs/openai and https://cloud.google.com/vertex-ai/docs/reference/rest
    ("googleapis.com", Some(Vendor::Google)),
    // https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html
    ("elb.amazonaws.com", None),
    // https://docs.aws.amazon.com/elasticloadbalancing/latest/network/network-load-balancers.html
    ("elb.*.amazonaws.com", None),
    // https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-call-api.html
    ("execute-api.*.amazonaws.com", None),
    // https://docs.aws.amazon.com/vpc/latest/userguide/vpc-dns.html#vpc-dns-hostnames
    ("compute.amazonaws.com", None),
    // The same page: us-east-1.
    ("compute-1.amazonaws.com", None),
    // https://docs.aws.amazon.com/vpc/latest/privatelink/privatelink-share-your-services.html: customers' services
    ("vpce-svc-*.*.vpce.amazonaws.com", None),
    // https://docs.aws.amazon.com/general/latest/gr/bedrock.html
    ("amazonaws.com", Some(Vendor::Aws)),
    // The same in China, where AWS has no Bedrock but customers have relays:
    // https://docs.amazonaws.cn/en_us/aws/latest/userguide/endpoints-arns.html
    ("elb.*.amazonaws.com.cn", None),
    ("*.elb.amazonaws.com.cn", None),
    ("execute-api.*.amazonaws.com.cn", None),
    ("compute.amazonaws.com.cn", None),
    ("vpce-svc-*.*.vpce.amazonaws.com.cn", None),
    // The same page.
    ("amazonaws.com.cn", Some(Vendor::Aws)),
    // https://docs.aws.amazon.com/bedrock/latest/userguide/bedrock-mantle.html
    ("api.aws", Some(Vendor::Aws)),
    // https://learn.microsoft.com/azure/foundry/how-to/develop/sdk-overview
    ("openai.azure.com", Some(Vendor::Azure)),
    // The same page (`services.ai.azure.com`); serverless deployments:
    // https://learn.microsoft.com/azure/ai-foundry/foundry-models/concepts/endpoints
    ("ai.azure.com", Some(Vendor::Azure)),
    // https://learn.microsoft.com/azure/ai-services/cognitive-services-custom-subdomains
    ("cognitiveservices.azure.com", Some(Vendor::Azure)),
    // https://learn.microsoft.com/azure/machine-learning/how-to-deploy-online-endpoints
    ("inference.ml.azure.com", Some(Vendor::Azure)),
    // https://learn.microsoft.com/azure/azure-government/compare-azure-government-global-azure
    ("openai.azure.us", Some(Vendor::Azure)),
    // The same page.
    ("cognitiveservices.azure.us", Some(Vendor::Azure)),
    // https://docs.azure.cn/en-us/articles/guidance/developerdifferences
    ("openai.azure.cn", Some(Vendor::Azure)),
    // The same page.
    ("cognitiveservices.azure.cn", Some(Vendor::Azure)),
    // https://docs.x.ai/docs/overview
    ("x.ai", Some(Vendor::XAi)),
    // https://console.groq.com/docs/openai
    ("groq.com", Some(Vendor::Groq)),
    // https://openrouter.ai/docs/quickstart
    ("openrouter.ai", Some(Vendor::OpenRouter)),
    // https://docs.mistral.ai/api/
    ("mistral.ai", Some(Vendor::Mistral)),
    // https://api-docs.deepseek.com/
    ("deepseek.com", Some(Vendor::DeepSeek)),
    // https://platform.moonshot.ai/docs/api/chat
    ("moonshot.ai", Some(Vendor::Moonshot)),
    // https://platform.moonshot.cn/docs/api/chat
    ("moonshot.cn", Some(Vendor::Moonshot)),
    // https://www.kimi.com/coding/docs/en/: Kimi Code
    ("kimi.com", Some(Vendor::Moonshot)),
    // https://platform.kimi.ai/docs/overview
    ("kimi.ai", Some(Vendor::Moonshot)),
    // https://docs.z.ai/api-reference/introduction
    ("z.ai", Some(Vendor::Zai)),
    // https://docs.bigmodel.cn/: the same company in China
    ("bigmodel.cn", Some(Vendor::Zai)),
    // https://platform.minimax.io/docs/api-reference/text-anthropic-api
    ("minimax.io", Some(Vendor::MiniMax)),
    // https://platform.minimaxi.com/docs/api-reference/text-anthropic-api
    ("minimaxi.com", Some(Vendor::MiniMax)),
    // https://vercel.com/docs/ai-gateway (`ai-gateway.vercel.sh`)
    ("vercel.sh", Some(Vendor::Vercel)),
    // https://vercel.com/docs/rest-api
    ("api.vercel.com", Some(Vendor::Vercel)),
    // https://docs.perplexity.ai/api-reference/chat-completions-post
    ("perplexity.ai", Some(Vendor::Perplexity)),
    // https://docs.together.ai/docs/openai-api-compatibility
    ("together.xyz", Some(Vendor::Together)),
    // https://docs.together.ai/reference/chat-completions-1
    ("together.ai", Some(Vendor::Together)),
    // https://docs.fireworks.ai/tools-sdks/openai-compatibility
    ("fireworks.ai", Some(Vendor::Fireworks)),
    // https://inference-docs.cerebras.ai/resources/openai
    ("cerebras.ai", Some(Vendor::Cerebras)),
];

/// The vendor that answers at `authority`, a host with or without a port. `None`: the table does not name one, as for a
/// relay or an address of an own network.
#[must_use]
pub fn vendor_at(authority: &str) -> Option<Vendor> {
    let host = authority.split(':').next().unwrap_or_default();
    // A name may end in the dot of the root (RFC 1034 §3.1).
    let host = host.trim_end_matches('.');
    HOSTS.iter().find(|(domain, _)| is_within(host, domain)).and_then(|(_, vendor)| *vendor)
}

/// Whether `host` is `domain` or a subdomain of it. Hosts have no case (RFC 3986 §3.2.2).
fn is_within(host: &str, domain: &str) -> bool {
    let mut labels = host.rsplit('.');
    domain.rsplit('.').all(|wanted| labels.next().is_some_and(|label| fits(label, wanted)))
}

/// Whether `wanted`, which may end in `*`, stands for `label`.
fn fits(label: &str, wanted: &str) -> bool {
    match wanted.strip_suffix('*') {
        Some(begin) => label.get(..begin.len()).is_some_and(|found| found.eq_ignore_ascii_case(begin)),
        None => label.eq_ignore_ascii_case(wanted),
    }
}

#[cfg(test)]
mod tests {
    use super::{HOSTS, vendor_at};
    use crate::credential::Vendor;

    #[test]
    fn a_known_host_and_its_subdomains_name_their_vendor() {
        for (host, vendor) in [
            ("api.anthropic.com", Vendor::Anthropic),
            ("api.openai.com", Vendor::OpenAi),
            ("eu.api.openai.com", Vendor::OpenAi),
            ("chatgpt.com", Vendor::OpenAi),
            ("api.business.githubcopilot.com", Vendor::GitHub),
            ("copilot-api.octocorp.ghe.com", Vendor::GitHub),
            ("models.inference.ai.azure.com", Vendor::GitHub),
            ("generativelanguage.googleapis.com", Vendor::Google),
            ("GenerativeLanguage.googleapis.com:8443", Vendor::Google),
            ("aiplatform.googleapis.com", Vendor::Google),
            ("europe-west4-aiplatform.googleapis.com", Vendor::Google),
            ("aiplatform.eu.rep.googleapis.com", Vendor::Google),
            ("bedrock-runtime.us-east-1.amazonaws.com", Vendor::Aws),
            ("bedrock-runtime-fips.us-gov-west-1.amazonaws.com", Vendor::Aws),
            ("vpce-0a1b-2c.bedrock-runtime.eu-west-1.vpce.amazonaws.com", Vendor::Aws),
            ("bedrock-mantle.eu-west-1.api.aws", Vendor::Aws),
            ("acme.openai.azure.com", Vendor::Azure),
            ("acme.services.ai.azure.com", Vendor::Azure),
            ("acme.cognitiveservices.azure.com:443", Vendor::Azure),
            ("api.x.ai", Vendor::XAi),
            ("eu-west-1.api.x.ai", Vendor::XAi),
            ("api.groq.com", Vendor::Groq),
            ("openrouter.ai", Vendor::OpenRouter),
            ("api.mistral.ai", Vendor::Mistral),
            ("codestral.mistral.ai", Vendor::Mistral),
            ("api.deepseek.com", Vendor::DeepSeek),
            ("api.moonshot.cn", Vendor::Moonshot),
            ("api.kimi.com", Vendor::Moonshot),
            ("api.z.ai", Vendor::Zai),
            ("open.bigmodel.cn", Vendor::Zai),
            ("api.minimax.io", Vendor::MiniMax),
            ("ai-gateway.vercel.sh", Vendor::Vercel),
            ("api.perplexity.ai", Vendor::Perplexity),
            ("api.together.xyz", Vendor::Together),
            ("api.fireworks.ai", Vendor::Fireworks),
            ("api.cerebras.ai", Vendor::Cerebras),
            ("API.OPENAI.COM.", Vendor::OpenAi),
            ("api.openai.com.:8443", Vendor::OpenAi),
        ] {
            assert_eq!(vendor_at(host), Some(vendor), "{host}");
        }
    }

    #[test]
    fn another_host_names_no_vendor() {
        for host in [
            "",
            "localhost:11434",
            "127.0.0.1:8080",
            "[::1]:8080",
            "com",
            "openai.com.example",
            "api.openai.com.evil.example",
            "xopenai.com",
            "notx.ai",
            "azure.com",
            "acme.azure-api.net",
            "acme.vercel.app",
            "relay-1.us-east-1.elb.amazonaws.com",
            "relay-1.elb.us-east-1.amazonaws.com",
            "abc.execute-api.us-east-1.amazonaws.com",
            "ec2-1-2-3-4.eu-west-1.compute.amazonaws.com",
            "ec2-1-2-3-4.compute-1.amazonaws.com",
            "vpce-0a-1b.vpce-svc-2c.eu-west-1.vpce.amazonaws.com",
            "relay-1.elb.cn-north-1.amazonaws.com.cn",
            "relay-1.cn-north-1.elb.amazonaws.com.cn",
            "abc.execute-api.cn-north-1.amazonaws.com.cn",
            "ec2-1-2-3-4.cn-north-1.compute.amazonaws.com.cn",
        ] {
            assert_eq!(vendor_at(host), None, "{host}");
        }
    }

    #[test]
    fn every_vendor_has_a_host_and_every_row_is_reached() {
        for (name, vendor) in Vendor::ALL {
            assert!(HOSTS.iter().any(|(_, at)| *at == Some(vendor)), "{name}");
        }
        for (domain, vendor) in HOSTS {
            assert_eq!(vendor_at(&domain.replace('*', "x")), vendor, "{domain}");
        }
    }
}
