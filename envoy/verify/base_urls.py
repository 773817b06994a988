"""The default base URL of each provider type, as in `src/provider/*.rs`. `envoy/pools` reads this table too."""

BASE_URLS = {
    "anthropic": "https://api.anthropic.com",
    "openai": "https://api.openai.com/v1",
    "copilot": "https://api.individual.githubcopilot.com",
    "gemini": "https://generativelanguage.googleapis.com",
    # Each resource or region has a host of its own.
    "azure": "",
    "vertex": "",
}
