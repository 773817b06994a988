//! The vendors behind the hosts of base URLs.

use crate::credential::Vendor;

/// Host, and the vendor that answers there. `*-` at the start of a host stands for one label's beginning, such as a
/// region. Each row has its source.
const HOSTS: [(&str, Vendor); 3] = [
    // https://ai.google.dev/gemini-api/docs/openai
    ("generativelanguage.googleapis.com", Vendor::Google),
    // https://cloud.google.com/vertex-ai/docs/reference/rest#rest_endpoints: the global endpoint
    ("aiplatform.googleapis.com", Vendor::Google),
    // The same page: the endpoints of regions.
    ("*-aiplatform.googleapis.com", Vendor::Google),
];

/// The vendor that answers at `authority`, a host with or without a port. `None`: the table does not have the host.
pub(super) fn vendor_at(authority: &str) -> Option<Vendor> {
    let host = authority.split(':').next().unwrap_or_default();
    HOSTS.iter().find(|(pattern, _)| is_at(host, pattern)).map(|(_, vendor)| *vendor)
}

/// Whether `pattern` stands for `host`. Hosts have no case (RFC 3986 §3.2.2).
fn is_at(host: &str, pattern: &str) -> bool {
    let Some(end) = pattern.strip_prefix('*') else { return host.eq_ignore_ascii_case(pattern) };
    let Some(begin) = host.len().checked_sub(end.len()).filter(|begin| *begin > 0) else { return false };
    let (Some(label), Some(rest)) = (host.get(..begin), host.get(begin..)) else { return false };
    rest.eq_ignore_ascii_case(end) && !label.contains('.')
}

#[cfg(test)]
mod tests {
    use super::vendor_at;
    use crate::credential::Vendor;

    #[test]
    fn a_known_host_names_its_vendor() {
        for host in [
            "generativelanguage.googleapis.com",
            "GenerativeLanguage.googleapis.com:8443",
            "aiplatform.googleapis.com",
            "europe-west4-aiplatform.googleapis.com",
        ] {
            assert_eq!(vendor_at(host), Some(Vendor::Google), "{host}");
        }
    }

    #[test]
    fn another_host_names_no_vendor() {
        for host in [
            "",
            "googleapis.com",
            "-aiplatform.googleapis.com",
            "evil.generativelanguage.googleapis.com.example",
            "a.b-aiplatform.googleapis.com",
            "generativelanguage.googleapis.com.example",
            "127.0.0.1:8080",
        ] {
            assert_eq!(vendor_at(host), None, "{host}");
        }
    }
}
