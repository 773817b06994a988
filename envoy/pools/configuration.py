"""Reads what pools need from the filter's configuration. The filter itself checks all of it when Envoy loads it."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from address import Address, address_of
from mistake import Mistake

# The table of default base URLs is shared with `envoy/verify`.
sys.path.append(str(Path(__file__).resolve().parent.parent / "verify"))
from base_urls import BASE_URLS  # noqa: E402

Json = Any

NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
MEMBERS = (2, 5)
MEMBER_OF_A_POOL = ("name", "key", "cluster", "base_url", "vendor", "key_header", "headers", "models")
WITHOUT_POOLS = ("copilot",)
BODY_BYTES = 32 << 20           # the default of limits.request_body_bytes


@dataclass(frozen=True)
class Member:
    """A member of a pool."""

    name: str
    cluster: str
    address: Address


@dataclass(frozen=True)
class Pool:
    """A provider with a pool."""

    provider: str
    members: tuple[Member, ...]
    by_session: bool            # `"start": "session"`: any member may be the first
    own_keys_cluster: str       # where requests with callers' own keys go

    @property
    def extra_cluster(self) -> str | None:
        """`byok_cluster`, where it is no member's cluster."""
        return None if any(self.own_keys_cluster == each.cluster for each in self.members) else self.own_keys_cluster


@dataclass(frozen=True)
class Configuration:
    """What the generator needs of the filter's configuration."""

    pools: tuple[Pool, ...]
    body_bytes: int             # limits.request_body_bytes
    cluster_header: str
    variables: tuple[str, ...]  # environment variables that keys name, in order


def read(text: str) -> Configuration:
    """Reads the filter's configuration. Raises `Mistake`."""
    try:
        given = json.loads(text, object_pairs_hook=members_once)
    except (ValueError, RecursionError) as problem:
        raise Mistake("", f"not one JSON object: {problem}") from problem
    given = an_object(given, "the configuration")
    providers = given.get("providers")
    if not isinstance(providers, list) or not providers:
        raise Mistake("providers", "expected a list of one or more providers")
    objects = [an_object(each, f"providers[{index}]") for index, each in enumerate(providers)]
    pools = [pool_of(each, f"providers[{index}]") for index, each in enumerate(objects) if "pool" in each]
    if not pools:
        raise Mistake("providers", "none has a `pool`, so there is nothing to generate")
    names = [name_of(each, f"providers[{index}]") for index, each in enumerate(objects)]
    for index, name in enumerate(names):
        if name in names[:index]:
            raise Mistake(f"providers[{index}]", f'another provider is called "{name}" too')
    distinct_clusters(pools, [each for each in objects if "pool" not in each])
    limits = an_object(given.get("limits", {}), "limits")
    header = given.get("cluster_header", "x-ai-bridge-cluster")
    return Configuration(
        tuple(pools),
        a_count(limits.get("request_body_bytes", BODY_BYTES), "limits.request_body_bytes"),
        a_text(header, "cluster_header").lower(),
        variables_of(objects),
    )


def pool_of(provider: dict[str, Json], path: str) -> Pool:
    kind, name = a_text(provider.get("type"), f"{path}.type"), name_of(provider, path)
    if kind not in BASE_URLS:
        raise Mistake(f"{path}.type", f'expected one of {", ".join(BASE_URLS)}, found "{kind}"')
    if kind in WITHOUT_POOLS or "bedrock" in provider:
        raise Mistake(f"{path}.pool", "a pool is not possible " + ("with `bedrock`" if "bedrock" in provider else f"on the type {kind}"))
    for other in ("key", "cluster"):
        if other in provider:
            raise Mistake(f"{path}.{other}", "not beside `pool`: each member has its own")
    start = provider.get("start", "first")
    if start not in ("first", "session"):
        raise Mistake(f"{path}.start", f'expected "first" or "session", found {json.dumps(start)}')
    given = provider["pool"]
    if not isinstance(given, list) or not MEMBERS[0] <= len(given) <= MEMBERS[1]:
        raise Mistake(f"{path}.pool", f"expected a list of {MEMBERS[0]} to {MEMBERS[1]} members" + (f", found {len(given)}" if isinstance(given, list) else ""))
    base_url = provider.get("base_url", BASE_URLS[kind])
    members: list[Member] = []
    for index, each in enumerate(given):
        member = member_of(an_object(each, f"{path}.pool[{index}]"), f"{path}.pool[{index}]", name, base_url)
        if any(member.name == other.name for other in members):
            raise Mistake(f"{path}.pool[{index}].name", f'another member is called "{member.name}" too')
        members.append(member)
    own = a_text(provider["byok_cluster"], f"{path}.byok_cluster") if "byok_cluster" in provider else members[0].cluster
    return Pool(name, tuple(members), start == "session", own)


def member_of(given: dict[str, Json], path: str, provider: str, base_url: Json) -> Member:
    for each in given:
        if each not in MEMBER_OF_A_POOL:
            raise Mistake(f"{path}.{each}", f"unknown member; known are {', '.join(MEMBER_OF_A_POOL)}")
    for each in ("name", "key"):
        if each not in given:
            raise Mistake(f"{path}.{each}", "missing")
    name = a_name(given["name"], f"{path}.name")
    cluster = a_text(given.get("cluster", f"{provider}-{name}"), f"{path}.cluster")
    if given.get("base_url", base_url) == "":
        raise Mistake(f"{path}.base_url", "missing here and in the provider, whose type has no default")
    where = f"{path}.base_url"
    return Member(name, cluster, address_of(a_text(given.get("base_url", base_url), where), where))


def distinct_clusters(pools: list[Pool], others: list[dict[str, Json]]) -> None:
    """Raises unless every cluster of a pool is only that member's: the cluster decides whose key a request gets."""
    owner: dict[str, str] = {}
    for each in others:
        name = str(each.get("name") or each.get("type"))
        owner |= {str(each.get(member) or each.get("cluster") or name): f"the provider {name}" for member in ("cluster", "byok_cluster")}
    for pool in pools:
        named = [(member.cluster, f"{pool.provider}/{member.name}") for member in pool.members]
        if pool.extra_cluster:
            named.append((pool.extra_cluster, f"byok_cluster of {pool.provider}"))
        elif pool.own_keys_cluster != pool.members[0].cluster:
            raise Mistake("", f'byok_cluster of {pool.provider}: "{pool.own_keys_cluster}" is the cluster of a member that is not the first; callers\' own keys go to the first member\'s host')
        for cluster, what in named:
            if cluster in owner:
                raise Mistake("", f'the cluster "{cluster}" is that of {owner[cluster]} and of {what}: each needs one of its own')
            owner[cluster] = what


def variables_of(providers: list[dict[str, Json]]) -> tuple[str, ...]:
    """The environment variables that keys name, each once."""
    keys = [each.get("key") for provider in providers for each in (provider, *(provider.get("pool") or [])) if isinstance(each, dict)]
    return tuple(dict.fromkeys(key["env"] for key in keys if isinstance(key, dict) and isinstance(key.get("env"), str)))


def name_of(provider: dict[str, Json], path: str) -> str:
    return a_name(provider.get("name", provider.get("type")), f"{path}.name" if "name" in provider else f"{path}.type")


def a_name(given: Json, path: str) -> str:
    if not NAME.fullmatch(a_text(given, path)):
        raise Mistake(path, f'"{given}" is no name of lower-case letters, digits and single hyphens')
    return given


def a_text(given: Json, path: str) -> str:
    if not isinstance(given, str) or not given:
        raise Mistake(path, "missing" if given is None else "expected a text that is not empty")
    return given


def a_count(given: Json, path: str) -> int:
    if not isinstance(given, int) or isinstance(given, bool) or given < 1:
        raise Mistake(path, "expected a whole number of 1 or more")
    return given


def an_object(given: Json, path: str) -> dict[str, Json]:
    if not isinstance(given, dict):
        raise Mistake(path, "expected an object")
    return given


def members_once(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the member {next(name for name in names if names.count(name) > 1)!r} is there twice")
    return found
