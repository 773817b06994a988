#!/usr/bin/env python3
"""Makes envoy.yaml beside this file out of the reference configuration: the same with the dynamic module as its filter.

    python3 envoy/native/sample.py > envoy/native/envoy.yaml

A test compares the two.
"""

from __future__ import annotations

import re
import sys
import textwrap
from pathlib import Path

REFERENCE = Path(__file__).resolve().parents[1] / "envoy.yaml"

HEAD = """\
# AI Bridge as a dynamic module: the reference configuration (../envoy.yaml) with another filter. README.md beside this
# file says what differs. `envoy/native/sample.py` has made it; change what is yours, run
#
#     envoy -c envoy.yaml
#
# It needs Envoy 1.39 or 1.40, the module at /etc/envoy/libai_bridge.so (`make native`), and two environment variables:
# ANTHROPIC_API_KEY and OPENAI_API_KEY. This file contains no secret.
"""

FILTER = """\
          - name: ai_bridge
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.dynamic_modules.v3.DynamicModuleFilter
              filter_name: ai_bridge
              dynamic_module_config:
                # Code that Envoy runs as its own: let only root write this file. On an Envoy that does not know the
                # path, ENVOY_DYNAMIC_MODULES_SEARCH_PATH names a folder, and `name: ai_bridge` stands here instead.
                module: { local: { filename: /etc/envoy/libai_bridge.so } }
                do_not_close: true
              # A provider whose key names a variable that is not set stops Envoy at the start, with a message:
              # export both variables, or delete the `key` line (callers bring their own) or the whole provider.
              # All members and their defaults: envoy/configuration.md.
              filter_config:
                "@type": type.googleapis.com/google.protobuf.StringValue
                value: |
"""

RUNTIME = """\
# The metrics are called ai_bridge_…, as those of the wasm module; Envoy would put `envoy_dynamicmodulescustom_` before them.
layered_runtime:
  layers:
  - name: dynamic_modules
    static_layer: { envoy.reloadable_features.dynamic_modules_strip_custom_stat_prefix: true }

"""


def sample(reference: str) -> str:
    """The text of the sample."""
    text = replaced(reference, r"\A(?:#.*\n)*?(?=#\n# A request's way)", HEAD)
    text = replaced(text, r"# `make run` and the tests use this very file; they replace only.*\n", "")
    configuration = re.search(r"^ *value: \|\n((?: +[^\n]*\n)*?)(?= *vm_config:)", text, re.MULTILINE)
    assert configuration is not None
    json = textwrap.indent(textwrap.dedent(configuration[1]), " " * 18)
    text = replaced(text, r"^ *- name: ai_bridge\n *typed_config:\n(?:.*\n)*?.*ai_bridge\.wasm.*\n", FILTER + json)
    text = replaced(text, r"^# The filter's metrics carry their labels in the raw name.*\n(?:#.*\n)*", RUNTIME)
    text = replaced(text, r"^  stats_tags:\n(?:  - .*\n)*", "")
    return text.replace("prefix: wasmcustom.", "prefix: dynamicmodulescustom.")


def replaced(text: str, pattern: str, by: str) -> str:
    """`text` with the only match of `pattern` replaced."""
    found = re.subn(pattern, lambda _: by, text, flags=re.MULTILINE)
    assert found[1] == 1, f"{found[1]} matches of {pattern}"
    return found[0]


if __name__ == "__main__":
    sys.stdout.write(sample(REFERENCE.read_text()))
