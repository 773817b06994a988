"""Checks that authentication stands in front of the filter and names the caller where the filter reads it."""

from __future__ import annotations

import difflib
import fnmatch
from dataclasses import dataclass, field

from coverage import demands, uncovered
from find import Gateway, leads, override, route_levels
from paths import entered
from place import Findings, Place

# Filters that authenticate: what they refuse must not have reached the filter.
AUTHENTICATES = ("jwt_authn", "ext_authz", "api_key_auth", "basic_auth", "oauth2", "gcp_authn_downstream", "kerberos")
# Filters that may: what they do is in a program.
MAY = ("ext_proc", "lua", "wasm", "golang", "dynamic_modules", "rbac")
PROGRAMS = ("ext_proc", "lua", "wasm", "golang", "dynamic_modules")


def kind_of(http_filter: Place) -> str:
    """The kind of an HTTP filter, such as `jwt_authn`."""
    kind = http_filter["typed_config"].type()
    return kind.split(".http.")[1].split(".")[0] if ".http." in kind else ""


def checks_nobody(http_filter: Place) -> bool:
    """Whether a jwt_authn filter has no rule, and so lets everyone pass."""
    typed = http_filter["typed_config"]
    if kind_of(http_filter) != "jwt_authn" or typed["filter_state_rules"]:
        return False
    return not any(required(rule) for rule in typed["rules"]) and not typed["requirement_map"]


def lets_missing_pass(http_filter: Place) -> bool:
    """Whether no rule of a jwt_authn filter refuses a request that has no token."""
    typed = http_filter["typed_config"]
    return kind_of(http_filter) == "jwt_authn" and not typed["filter_state_rules"] and not any(demands(typed, rule["requires"], rule["requirement_name"].text()) for rule in typed["rules"])


def switched_off(gateway: Gateway, http_filter: Place) -> bool:
    """Whether a filter is `disabled`, and no route enables it."""
    return http_filter["disabled"].value is True and all(override(level, http_filter["name"].text()) is None for level in route_levels(gateway.table))


def checked(fraction: Place) -> float:
    """The share of requests that a runtime fraction takes."""
    default = fraction["default_value"]
    numerator, denominator = default["numerator"].value or 0, default["denominator"].value
    of = 10_000 if denominator in ("TEN_THOUSAND", 1) else 1_000_000 if denominator in ("MILLION", 2) else 100
    return numerator / of if isinstance(numerator, int) else 1.0


def required(rule: Place) -> bool:
    """Whether a rule of jwt_authn asks for a token at all."""
    return bool(rule["requirement_name"]) or any(text.is_called("provider_name") for text in rule["requires"].texts())


def lets_any_pass(http_filter: Place) -> bool:
    """Whether an RBAC filter names no principal, and so refuses no one who asks for what it permits."""
    policies = http_filter.at("typed_config", "rules", "policies")
    action = http_filter.at("typed_config", "rules", "action").value
    return kind_of(http_filter) == "rbac" and not http_filter.at("typed_config", "matcher") and (
        not http_filter.at("typed_config", "rules") or (action in (None, 0, "ALLOW") and any(any(each["any"].value is True for each in policy["principals"]) for _, policy in policies.each())) or action in ("LOG", 2)
    )


def guards(gateway: Gateway) -> list[Place]:
    """What in front of the filter can refuse a caller."""
    found = [each for each in gateway.filters[: gateway.at] if kind_of(each) in (*AUTHENTICATES, *MAY) and not switched_off(gateway, each) and not lets_missing_pass(each) and not lets_any_pass(each)]
    found += [each for each in gateway.filters[: gateway.at] if each["config_discovery"]]
    downstream = gateway.chain.at("transport_socket", "typed_config")
    if downstream["require_client_certificate"].value is True:
        found.append(downstream)
    return found


@dataclass
class Named:
    """What the filters in front set: headers and metadata."""

    headers: set[str] = field(default_factory=set)
    patterns: list[str] = field(default_factory=list)       # headers that ext_authz may set
    claims: dict[str, list[str]] = field(default_factory=dict)      # the headers that each claim is copied to
    payloads: set[str] = field(default_factory=set)         # headers with the whole payload of a token
    metadata: set[str] = field(default_factory=set)         # keys of jwt_authn's metadata
    programs: list[Place] = field(default_factory=list)     # filters of which only their program says what they set

    def sets(self, header: str) -> bool:
        return header in self.headers or any(fnmatch.fnmatchcase(header, pattern) for pattern in self.patterns)


def named_by(filters: list[Place]) -> Named:
    """What these filters set."""
    named = Named()
    for http_filter in filters:
        kind, typed = kind_of(http_filter), http_filter["typed_config"]
        if kind == "jwt_authn":
            asked = {text.value for rule in [*typed["rules"], typed["requirement_map"], typed["filter_state_rules"]] for text in rule.texts() if text.is_called("provider_name")}
            for name, provider in typed["providers"].each():
                if name not in asked:
                    continue
                for claim in provider["claim_to_headers"]:
                    header = claim["header_name"].text().lower()
                    named.headers.add(header)
                    named.claims.setdefault(claim["claim_name"].text(), []).append(header)
                named.headers.add(provider["forward_payload_header"].text().lower())
                named.payloads.add(provider["forward_payload_header"].text().lower())
                named.metadata.add(provider["payload_in_metadata"].text())
        elif kind == "api_key_auth":
            named.headers.add(typed.at("forwarding", "header").text().lower())
        elif kind == "basic_auth":
            named.headers.add(typed["forward_username_header"].text().lower())
        elif kind == "ext_authz":
            allowed = typed.at("http_service", "authorization_response", "allowed_upstream_headers")
            if typed["http_service"]:
                for pattern in allowed["patterns"]:
                    for match, shape in (("exact", "{}"), ("prefix", "{}*"), ("suffix", "*{}"), ("contains", "*{}*")):
                        if pattern[match].text():
                            named.patterns.append(shape.format(pattern[match].text().lower()))
                    if pattern["safe_regex"]:
                        named.programs.append(http_filter)
            else:
                named.programs.append(http_filter)
        elif kind == "header_mutation":
            for mutation in typed.at("mutations", "request_mutations"):
                named.headers.add(mutation.at("append", "header", "key").text().lower())
        elif kind in PROGRAMS or kind in ("oauth2",) or http_filter["config_discovery"]:
            named.programs.append(http_filter)
    named.headers.discard("")
    return named


def authentication(findings: Findings, gateway: Gateway) -> None:
    """Checks the order of the filters, and who names the caller."""
    behind = [each for each in gateway.filters[gateway.at + 1 :] if kind_of(each) in AUTHENTICATES]
    for each in behind:
        findings.error(each, f"this authentication ({each['name'].text() or kind_of(each)}) stands behind AI Bridge, which has replaced the caller's credentials by then: put it in front of the filter")
    front = [each for each in gateway.filters[: gateway.at] if kind_of(each) in AUTHENTICATES]
    reported = [idle(findings, gateway, each) for each in front]
    whole = [each for each, useless in zip(front, reported) if not useless]
    passes_by(findings, gateway, whole)
    actor(findings, gateway, bool(behind) or any(reported))


def idle(findings: Findings, gateway: Gateway, http_filter: Place) -> bool:
    """Reports an authentication filter in front that checks nobody. Returns whether it is one."""
    typed = http_filter["typed_config"]
    if switched_off(gateway, http_filter):
        findings.error(http_filter["disabled"], "this authentication is switched off, so it checks nobody: remove `disabled`")
        return True
    if checks_nobody(http_filter):
        findings.error(http_filter, "jwt_authn without a rule that requires a provider lets everyone pass: add `rules: [ { match: { prefix: / }, requires: { provider_name: … } } ]`")
        return True
    enabled = typed.at("filter_enabled", "default_value", "numerator")
    if kind_of(http_filter) == "ext_authz" and typed["filter_enabled"] and checked(typed["filter_enabled"]) < 1:
        none = not enabled.value
        findings.error(enabled, "ext_authz checks no request" if none else f"ext_authz lets {100 * (1 - checked(typed['filter_enabled'])):g} % of all requests pass unchecked: leave `filter_enabled` out")
        return none
    if kind_of(http_filter) != "jwt_authn":
        if typed["failure_mode_allow"].value is True:
            findings.warn(typed["failure_mode_allow"], "while the authorization service does not answer, everyone passes and uses your keys: set it to false")
        return False
    known = typed["providers"].members()
    wrong = [text for rules in (typed["rules"], typed["requirement_map"]) for text in rules.texts() if text.is_called("provider_name") and text.text() not in known]
    for text in wrong:
        near = difflib.get_close_matches(text.text(), known, 1)
        findings.error(text, f'jwt_authn has no provider "{text.text()}", so Envoy refuses the configuration' + (f'; did you mean "{near[0]}"?' if near else ""))
    return bool(wrong)


def passes_by(findings: Findings, gateway: Gateway, front: list[Place]) -> None:
    """Reports ways past the authentication: paths that no rule names, and routes that switch it off."""
    tokens = [each for each in front if kind_of(each) == "jwt_authn"]
    others = [each for each in guards(gateway) if each not in tokens]
    if tokens and not others:
        uncovered(findings, gateway, tokens)
    names = {each["name"].text() for each in front}
    for level in route_levels(gateway.table):
        for name, given in ((name, override(level, name)) for name in sorted(names)):
            if given is None:
                continue
            if reaches_ours(gateway, level):
                by_name(findings, next(each for each in front if each["name"].text() == name), given)
            switch = given["disabled"]
            if switch.value is True and reaches_ours(gateway, level):
                findings.error(switch, f"{name} is switched off here, so requests reach AI Bridge without authentication: remove it from the way of these requests")


def reaches_ours(gateway: Gateway, level: Place) -> bool:
    """Whether requests to the filter can enter at this level: a table, a host, the filter's own route, or the first that takes a provider's path."""
    return not level["match"] or leads(level, gateway.cluster_header()) or level.path in entered(gateway)


def by_name(findings: Findings, http_filter: Place, given: Place) -> None:
    """Checks the requirement of jwt_authn that a route names."""
    name = given["requirement_name"]
    if kind_of(http_filter) != "jwt_authn" or not name.text():
        return
    known = http_filter.at("typed_config", "requirement_map")
    if name.text() not in known.members():
        findings.error(name, f'jwt_authn has no requirement "{name.text()}" in its `requirement_map`, so that it refuses every request here with 403')
    elif not demands(http_filter["typed_config"], known[name.text()]):
        findings.error(name, f'the requirement "{name.text()}" lets requests without a token pass, so they reach AI Bridge without authentication')


def actor(findings: Findings, gateway: Gateway, reported: bool) -> None:
    """Checks that headers that name the caller come from the gateway, not from the client. `reported`: why nobody sets them."""
    removed: set[str] = set()
    for extension in gateway.manager["early_header_mutation_extensions"]:
        removed |= {str(each["remove"].value).lower() for each in extension.at("typed_config", "mutations")}
    for http_filter in gateway.filters[: gateway.at]:
        removed |= {str(each["remove"].value).lower() for each in http_filter.at("typed_config", "mutations", "request_mutations")}
    where = gateway.manager.at_name("early_header_mutation_extensions")
    named = None if reported else named_by(gateway.filters[: gateway.at])
    is_named(findings, gateway.settings["actor"], named, removed, where, bool(guards(gateway)), gateway.manager.at_name("http_filters"))


def is_named(findings: Findings, given: Place, named: Named | None, removed: set[str], where: Place, guarded: bool, filters: Place) -> None:
    """Checks who names the caller. `named`: what authentication sets, `None` if it is known that it sets nothing; `removed`: the
    headers that are taken from clients, `where`; `guarded`: whether there is authentication, among the `filters`."""
    if not isinstance(given.value, dict):
        return
    wanted = [(given["header"], given["header"].text().lower())] if given["header"].text() else []
    wanted += [(each, each.text().lower()) for _, each in given["metadata_headers"].each() if each.text()]
    for place, header in wanted:
        if header not in removed and not (named is not None and not named.sets(header) and named.headers - {name for _, name in wanted} & removed):
            findings.error(where, f"{header} is not removed from what clients send, and {place.path} trusts it: anybody could be anybody. Remove it here, ahead of the authentication")
    if named is None:
        return
    path = [str(each) for each in given["property"].value] if isinstance(given["property"].value, list) else []
    requires = given["required"].value is True
    source = "metadata/filter_metadata/envoy.filters.http.jwt_authn"
    by_property = bool(path) and ("/".join(path[:3]) != source or (len(path) > 3 and path[3] in named.metadata) or bool(named.programs))
    if path and not by_property:
        key = path[3] if len(path) > 3 else "…"
        report = findings.error if requires else findings.warn
        report(given["property"], f"no authentication writes this metadata: jwt_authn needs `payload_in_metadata: {key}` in a provider that a rule requires")
    if not given["header"].text() and not path and requires:
        findings.error(given["required"], "an actor is required, but neither `header` nor `property` says where it is: every request would be 401")
    for place, header in wanted:
        if header in named.payloads and header not in (each for headers in named.claims.values() for each in headers):
            findings.error(place, f"{header} holds the whole payload of the token in base64 (`forward_payload_header`), which differs with every token: copy one claim to it with `claim_to_headers`")
    missing = [(place, header) for place, header in wanted if not named.sets(header)]
    if missing and not guarded and not named.headers:
        if requires and not by_property:
            findings.error(given, "no authentication filter stands in front of the filter, so nobody sets the headers that `actor` names, and every request is 401: add one, as in budgets/envoy.yaml")
        else:
            findings.warn(filters, "no authentication filter stands in front of the filter, so nobody sets the headers that `actor` names")
        return
    if len(missing) == len(wanted) > 1 and not named.headers and not named.patterns and not named.programs:
        first, *others = [header for _, header in wanted]
        which = f"neither {first} nor {others[0]}" if len(others) == 1 else f"none of {', '.join((first, *others))}"
        refuses = requires and not by_property
        report, then = (findings.error, ", and every request is 401") if refuses else (findings.warn, "")
        report(given, f"authentication in front sets {which}, so no caller has a name{then}: let it copy claims to them (`claim_to_headers`)")
        return
    for place, header in missing:
        set_by_nobody(findings, place, header, named, requires, by_property, [name for _, name in wanted])


def set_by_nobody(findings: Findings, place: Place, header: str, named: Named, requires: bool, by_property: bool, wanted: list[str]) -> None:
    """Reports a header of `actor` that authentication does not set."""
    if named.programs:
        findings.leave_out(f"whether {named.programs[0]['name'].text() or 'a filter in front'} sets {header}, which {place.path} reads: only its program says so")
        return
    is_actor = place.is_called("header")
    key = "sub" if is_actor else place.path.rpartition(".")[2]
    elsewhere = next((headers for claim, headers in named.claims.items() if claim == key or claim.rpartition(".")[2] == key), [])
    instead = [each for each in elsewhere if each not in wanted] or sorted(named.headers - set(wanted))
    fix = f"; authentication sets {', '.join(instead)}: make both the same" if instead else ": let authentication copy a claim to it"
    if is_actor and not requires:
        findings.warn(place, f"no authentication in front sets {header}, so no caller has a name{fix}")
    elif is_actor and not by_property:
        findings.error(place, f"no authentication in front sets {header}, and an actor is required: every request would be 401{fix}")
    elif not is_actor:
        findings.error(place, f"no authentication in front sets {header}, so this is never known, and budgets by it hold for nobody{fix}")
