"""Finds secrets that are typed where the name of a variable belongs, and keeps secrets out of what is printed."""

from __future__ import annotations

import re
from typing import Iterable

from place import Findings, Place

# Keys by their beginning (behaviour.md#credentials-and-vendors), and tokens.
KEY = re.compile(
    r"(?<![A-Za-z0-9_-])(?:sk-[A-Za-z0-9_-]{6,}|gh[opusr]_[A-Za-z0-9]{6,}|github_pat_\w{6,}|AIza[\w-]{6,}|(?:AKIA|ASIA|ABSK)[A-Za-z0-9+/=]{8,}|xai-[\w-]{6,}|gsk_\w{6,}"
    r"|vck_\w{6,}|ya29\.[\w.-]{6,}|eyJ[\w-]{8,}\.[\w.-]+|gw_[\w.-]{12,})"
)
# Examples in documents: no secrets.
EXAMPLE = re.compile(r"the key|your[-_ ]|\.\.\.|…|not-a-key|example", re.I)
ANY = "*"
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
REFERENCE = re.compile(r"\$(?:\{|\()?([A-Z_][A-Z0-9_]*)(?:\}|\))?")       # as a shell writes it
SECRET_MEMBERS = ("inline_string", "credential", "secret", "password", "client_secret", "hmac_secret", "token_secret")


def is_secret(text: str) -> bool:
    """Whether a text that should be a variable's name looks like the secret itself."""
    if KEY.search(text):
        return True
    if not VARIABLE.fullmatch(text):
        return len(text) >= 8
    kinds = sum(bool(re.search(kind, text)) for kind in ("[a-z]", "[A-Z]", "[0-9]"))
    return len(text) >= 16 and (kinds == 3 or (kinds == 2 and bool(re.search("[0-9]", text)) and "_" not in text))


def typed(findings: Findings, place: Place, text: str) -> bool:
    """Reports a secret in the place of a variable's name, without repeating it. Returns whether it is one."""
    reference = REFERENCE.fullmatch(text)
    if reference:
        findings.error(place, f"the name of the variable belongs here alone: write {reference.group(1)}")
        return True
    if not is_secret(text):
        return False
    findings.error(place, f"a secret, as it seems ({len(text)} characters), where the name of an environment variable belongs: put it into the environment of Envoy, write the variable's name here, and make a new key, for this one was in a file")
    return True


def secrets_of(roots: Iterable[Place]) -> set[str]:
    """The secrets of a configuration, as far as they can be told."""
    found: set[str] = set()
    for root in roots:
        for place in root.all():
            if isinstance(place.value, dict):
                found |= {name for name in place.members() if KEY.search(name)}
            text = place.text()
            if not text:
                continue
            found |= {match.group() for match in KEY.finditer(text)}
            last = re.sub(r"\[\d+\]", "", place.path).rpartition(".")[2]
            of_a_key = re.search(r"(?:providers|pool)\[\d+\]\.key$", place.path) or place.path.endswith(".key.value") or place.path.endswith(".key.env") or last in SECRET_MEMBERS or ".key_values" in place.path or ".keyValues" in place.path or "stringData" in place.path
            if of_a_key and len(text) >= 8 and (is_secret(text) or not VARIABLE.fullmatch(text)):
                found.add(text)
    return {each for each in found if not EXAMPLE.search(each) and "\n" not in each}


def redacted(text: str, secrets: Iterable[str]) -> str:
    """A text without these secrets, and without anything that looks like a key."""
    for each in sorted(secrets, key=len, reverse=True):
        text = text.replace(each, "<secret>")
    return KEY.sub("<secret>", text)


def variables(findings: Findings, settings: Place, names: set[str], at: Place) -> None:
    """Checks the variables that the filter's configuration names. `names`: those that it may read; `at`: where they are listed."""
    for provider in settings["providers"]:
        if provider["enabled"].value is False:
            continue
        for holder in (provider, *provider["pool"]):
            if holder["key"].text():
                if not typed(findings, holder["key"], holder["key"].text()):
                    findings.error(holder["key"], f'write {{"env": "{holder["key"].text()}"}}: a key is an object')
                continue
            written(findings, holder.at("key", "value"))
            variable = holder.at("key", "env")
            if variable.value is None or not isinstance(variable.value, str):
                continue
            if typed(findings, variable, variable.value):
                continue
            if variable.value not in names and ANY not in names:
                findings.error(at, f"{variable.value} is not in it, but {variable.path} names it: the filter cannot read the variable")


def in_headers(findings: Findings, root: Place) -> None:
    """Warns of secrets in headers that Envoy adds."""
    for place in root.all():
        if place.is_called("value") and ".header." in place.path and KEY.search(place.text()) and not EXAMPLE.search(place.text()):
            findings.warn(place, "a secret in the file, where everyone who reads it has the key: let the filter add the key (`key` of the provider), or take it from a file (envoy/keys)")


def written(findings: Findings, place: Place) -> None:
    """Warns of a key that stands in the file itself."""
    reference = REFERENCE.fullmatch(place.text())
    if reference:
        findings.warn(place, f"taken as it is written, for nothing replaces {reference.group()} by the variable's value: name {reference.group(1)} in `env` and in `host_env_keys` instead")
    elif len(place.text()) >= 20 and is_secret(place.text()) and not EXAMPLE.search(place.text()):
        findings.warn(place, 'a secret in the file, where everyone who reads it has the key: put it into the environment of Envoy, and name the variable in `env` and `host_env_keys`')


def listed(findings: Findings, names: Place) -> set[str]:
    """The names of a list of variables; reports secrets among them. With `ANY` in it where a secret took a name's place."""
    found = set()
    for each in names:
        if isinstance(each.value, str):
            found.add(ANY if typed(findings, each, each.value) else each.value)
    return found
