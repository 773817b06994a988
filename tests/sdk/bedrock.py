"""Asks the same with Anthropic's client for Bedrock, directly, and with its usual client through the gateway; prints one JSON
line each of what a program gets to see.

    python bedrock.py BEDROCK GATEWAY      (base URLs)
"""

import json
import sys

import anthropic

QUESTION = {"max_tokens": 64, "messages": [{"role": "user", "content": "Why is the sky blue?"}]}


def main(bedrock_url, gateway_url):
    direct = anthropic.AnthropicBedrock(
        aws_region="us-east-1", aws_access_key="AKIDEXAMPLE", aws_secret_key="secret", base_url=bedrock_url, max_retries=0
    )
    bridged = anthropic.Anthropic(auth_token="gw_test", base_url=gateway_url, max_retries=0)
    for stream in (True, False):
        for client, model in ((direct, "us.anthropic.claude-sonnet-4-5-20250929-v1:0"), (bridged, "claude-sonnet-4-5")):
            print(json.dumps(ask(client, model, stream)))


def ask(client, model, stream):
    """Everything that a program sees of one call."""
    seen = []
    try:
        answer = client.messages.create(model=model, stream=stream, **QUESTION)
        for part in answer if stream else [answer]:
            seen.append(part.to_dict(mode="json", warnings=False))
    except anthropic.APIError as error:
        seen.append({"error": type(error).__name__, "body": error.body, "request": getattr(error, "request_id", None)})
    return seen


if __name__ == "__main__":
    main(*sys.argv[1:])
