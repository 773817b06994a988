"""The gateway of envoy/compose with another application behind it: the shipped configuration, changed as the README there says."""

from __future__ import annotations

import re
import textwrap

from budgets import CONFIGURATION
from containers import COMPOSE

TITLE = "## Another application behind the same gateway"
CLUSTERS_END = "\n# The filter's metrics carry their labels"


def section() -> str:
    """The README's section about a shared gateway."""
    return (COMPOSE / "README.md").read_text().split(f"\n{TITLE}\n")[1].split("\n## ")[0]


def blocks() -> list[str]:
    """The YAML blocks of that section: routes, cluster, service."""
    return [textwrap.dedent(block) for block in re.findall(r"^ *```yaml\n(.*?)^ *```$", section(), re.MULTILINE | re.DOTALL)]


def replaced(text: str, pattern: str, by: str) -> str:
    """Replaces the pattern, which must match exactly once."""
    new, count = re.subn(pattern, lambda _: by, text, flags=re.MULTILINE)
    assert count == 1, f"{pattern} stands in {count} places"
    return new


def configuration(*, routes: str | None = None, mutation: bool = True) -> str:
    """The text of budgets/envoy.yaml with the README's four changes. `routes`: used instead of the README's; `mutation`: whether to add its mutation."""
    said = section()
    of_readme, cluster, _ = blocks()
    text = CONFIGURATION.read_text()
    for piece in ('"root": "/ai",', '"providers": ['):
        assert f"`{piece}`" in said
    text = replaced(text, r'(?<=^ {22})"providers": \[$', '"root": "/ai", "providers": [')
    (entry,) = re.findall(r"`(\{ remove: [\w-]+ \})`", said)
    if mutation:
        text = replaced(text, r"\{ remove: x-team \} \]$", f"{{ remove: x-team }}, {entry} ]")
    text = replaced(text, r"^ *- name: nothing_else\n.*\n.*\n", textwrap.indent(of_readme if routes is None else routes, " " * 14))
    assert text.count(CLUSTERS_END) == 1
    return text.replace(CLUSTERS_END, "\n" + textwrap.indent(cluster, "  ") + CLUSTERS_END)
