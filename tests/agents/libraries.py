"""Asks one question with a Python library and prints the answer, or the error as a program would print it.

    python libraries.py NAME BASE_URL KEY PROMPT
"""

import os
import sys

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"      # no download of prices
os.environ["LANGSMITH_TRACING"] = "false"


def langchain_openai(base_url, key, prompt):
    from langchain_openai import ChatOpenAI

    return ChatOpenAI(model="gpt-5.5", base_url=base_url, api_key=key).invoke(prompt).content


def langchain_anthropic(base_url, key, prompt):
    from langchain_anthropic import ChatAnthropic

    return ChatAnthropic(model="claude-opus-4-8", base_url=base_url, api_key=key).invoke(prompt).content


def litellm(base_url, key, prompt):
    import litellm

    litellm.suppress_debug_info = True
    model = "anthropic/claude-opus-4-8" if base_url.endswith("/anthropic") else "openai/gpt-5.5"
    answer = litellm.completion(model=model, api_base=base_url, api_key=key, messages=[{"role": "user", "content": prompt}])
    return answer.choices[0].message.content


def main(name, base_url, key, prompt):
    try:
        print({"langchain-openai": langchain_openai, "langchain-anthropic": langchain_anthropic, "litellm": litellm}[name](base_url, key, prompt))
    except Exception as error:
        print(error)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main(*sys.argv[1:])
