"""Makes the calls of calls.json with the official Python SDKs and prints, one JSON line each, what a program gets to see.

    python calls.py ANTHROPIC OPENAI COPILOT      (base URLs)

It judges nothing: tests/envoy/test_sdks.py runs it against the providers' stand-in and through the gateway, and compares.
"""

import json
import operator
import pathlib
import sys

import anthropic
import openai

CALLS = json.loads((pathlib.Path(__file__).parent / "calls.json").read_text())


def main(anthropic_url, openai_url, copilot_url):
    answers = []        # status and headers of everything that came back

    def keep(response):
        answers.append({"status": response.status_code, "headers": sorted(response.headers.multi_items())})

    def options(sdk, url):
        return {"base_url": url, "max_retries": 0, "http_client": sdk.DefaultHttpxClient(event_hooks={"response": [keep]})}

    clients = {
        "anthropic": anthropic.Anthropic(auth_token="gw_test", **options(anthropic, anthropic_url)),
        "openai": openai.OpenAI(api_key="gw_test", **options(openai, openai_url)),
        "copilot": openai.OpenAI(api_key="ghu_0123456789", **options(openai, copilot_url)),
        "copilot_anthropic": anthropic.Anthropic(auth_token="ghu_0123456789", **options(anthropic, copilot_url)),
    }
    for call in CALLS:
        method = operator.attrgetter(call["method"])(clients[call["client"]])
        seen, final = ask(method, call["arguments"])
        turns = [seen]
        if final is not None and "tool_result" in call:
            turns.append(ask(method, next_turn(call["arguments"], final, call["tool_result"]))[0])
        print(json.dumps({"name": call["name"], "answers": answers, "turns": turns}))
        answers.clear()


def ask(method, arguments):
    """Everything that a program sees of one call, and the whole answer where there is one."""
    seen, final = [], None
    try:
        answer = method(**arguments)
        if method.__name__ == "stream":                     # the SDK's helper puts the answer together
            with answer as stream:
                seen += [event.type for event in stream]
                final = getattr(stream, "get_final_message", None) or getattr(stream, "get_final_completion", None) or stream.get_final_response
                final = final()
                seen.append(shown(final))
        elif arguments.get("stream"):
            for event in answer:
                seen.append(shown(event))
        elif method.__name__ == "list":
            seen += [shown(item) for item in answer]
        else:
            final = answer
            seen.append(shown(final))
    except (anthropic.APIError, openai.APIError) as error:
        seen.append({"error": type(error).__name__, "status": getattr(error, "status_code", None), "message": str(error), "body": error.body})
    return seen, final


def shown(thing):
    """An object of the SDK as its class and its members."""
    return {"class": type(thing).__name__, **thing.to_dict(mode="json", warnings=False)}


def next_turn(arguments, answer, result):
    """The conversation with the tool's result."""
    document = answer.to_dict(mode="json", warnings=False)
    if document.get("content"):
        call = next(block for block in document["content"] if block["type"] == "tool_use")
        back = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call["id"], "content": result}]}
        return {**arguments, "messages": [*arguments["messages"], {"role": "assistant", "content": document["content"]}, back]}
    if document.get("choices"):
        calls = [{**call, "function": {key: call["function"][key] for key in ("name", "arguments")}} for call in document["choices"][0]["message"]["tool_calls"]]
        said = {"role": "assistant", "content": None, "tool_calls": [{key: call[key] for key in ("id", "type", "function")} for call in calls]}
        back = {"role": "tool", "tool_call_id": calls[0]["id"], "content": result}
        return {**arguments, "messages": [*arguments["messages"], said, back]}
    call = next(item for item in document["output"] if item["type"] == "function_call")
    said = {key: call[key] for key in ("type", "call_id", "name", "arguments")}
    back = {"type": "function_call_output", "call_id": call["call_id"], "output": result}
    return {**arguments, "input": [*arguments["input"], said, back]}


if __name__ == "__main__":
    main(*sys.argv[1:])
