"""Checks that an Envoy configuration has the clusters and routes of the pools in the filter's configuration."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Iterator

from filter_entry import any_entry_of, configuration_of, is_native, is_ours
from find import Gateway, enabled, name_of
from place import Findings, Json, Place
from resources import Plugin, Resources
from routing import virtual_host
from tls import HTTP_OPTIONS, tls_context

# What the routes and clusters have to be is written once, in the generator.
GENERATOR = Path(__file__).resolve().parent.parent / "pools"
AGAIN = "generate it anew: python3 envoy/pools"
FEW_RETRIES = 100
DEFAULT_RETRIES = 3
SPECIFIER = "PriorityGroupClusterSpecifier"
POOL_HEADER = "x-ai-bridge-pool"
RELOADS = "with FAIL_RELOAD a VM that has stopped is replaced; FAIL_OPEN lets requests past the filter, with the client's own headers"


def pools(findings: Findings, gateway: Gateway) -> None:
    """Checks clusters, upstream filters and routes of every enabled provider with a pool."""
    expected = expectation(findings, gateway.settings)
    if expected is None:
        return
    anew = gateway.anew = renamed(findings, gateway, expected)
    # Of a member that has no cluster it is not reported that it has no route either.
    absent = {f"{pool.provider}/{each.name}" for pool in expected.pools for each in pool.members if each.cluster not in gateway.clusters}
    check_clusters(findings, gateway, expected, anew)
    table = gateway.table
    # Without a table: reported with the other routes. A route is chosen before a member is: the filter writes the first
    # member's host.
    hosts = [virtual_host(table, pool.members[0].address.authority) for pool in expected.pools] if table else []
    for host in {each.path: each for each in hosts if each is not None}.values():
        check_routes(findings, list(host["routes"]), host.at_name("routes"), [host, table], expected, anew, absent)


def pools_of_resources(findings: Findings, plugin: Plugin, found: Resources) -> None:
    """The same of what an EnvoyPatchPolicy adds. On Istio the filter itself has to be loaded in another way."""
    expected = expectation(findings, plugin.settings)
    if expected is None:
        return
    if plugin.istio:
        findings.error(plugin.settings.at_name("providers"), "Istio gives the VM of this kind a variable of its own, so that the members' clusters share no VM with it and answer 503 `pool_not_ready`: load the filter as envoy/pools/istio.yaml does")
        return
    clusters: dict[str, Place] = {}
    routes: dict[str, list[Place]] = {}         # by the name of their table
    vms: dict[str, Place] = {}                  # by the name of their listener
    for root in found.all("EnvoyPatchPolicy"):
        for patch in root.at("spec", "jsonPatches"):
            value, name = patch.at("operation", "value"), patch["name"].text()
            if patch["type"].text().endswith("Listener"):
                if value["code"]:
                    vms[name] = value
                elif patch.at("operation", "path").text() == "failure_policy" and "ai_bridge" in patch.at("operation", "jsonPath").text() and value.value not in ("FAIL_RELOAD", 1):
                    findings.error(value, RELOADS)
            elif patch["type"].text().endswith("Cluster") and value["load_assignment"]:
                clusters[value["name"].text()] = value
            elif pool_of(value, POOL_HEADER) is not None:
                routes.setdefault(name, []).append(value)
    missing = [cluster for cluster in expected_clusters(expected) if cluster not in clusters]
    if missing:
        findings.error(plugin.settings.at_name("providers"), f"no EnvoyPatchPolicy adds the clusters of its pools ({', '.join(missing)}): python3 envoy/pools --for envoy-gateway")
        return
    if plugin.native:
        findings.leave_out("the clusters of its pools: the generator makes those of the wasm module")
        return
    # A listener and its route table have the same name of this form. Of other forms the two differ.
    listeners = {name for name in (*vms, *routes) if name.count("/") == 2}
    without = sorted(listeners - set(vms))
    if not vms or without:
        where = f" in the listener {without[0]}" if vms else ""
        findings.error(plugin.settings.at_name("providers"), f"no EnvoyPatchPolicy loads the filter from a file{where}, so it shares no VM with the members' clusters, and these answer 503 `pool_not_ready`: python3 envoy/pools --for envoy-gateway")
        return
    main = next(iter(vms.values()))
    for other in vms.values():
        if other.value != main.value:
            findings.error(other, f"differs from the VM of another listener ({main.path}), so that members answer 503 `pool_not_ready` to one of them: {AGAIN}")
    config = Place({"root_id": "ai_bridge", "vm_config": main.value})
    gateway = Gateway(Place({}), Place({}), [], 0, config, {}, settings=plugin.settings, clusters=clusters)
    anew = renamed(findings, gateway, expected)
    check_clusters(findings, gateway, expected, anew)
    for name in sorted(listeners | set(routes)) or [""]:
        check_routes(findings, routes.get(name, []), plugin.settings.at_name("providers"), [], expected, anew, set())


def expectation(findings: Findings, settings: Place) -> Any:
    """What the generator makes of the enabled providers with a pool; `None` if there is none, or if it cannot be made."""
    providers = [each for each in enabled(settings) if isinstance(each["pool"].value, list)]
    if not providers:
        return None
    if not GENERATOR.is_dir():
        findings.leave_out("the clusters and routes of pools: the folder envoy/pools is not beside envoy/verify")
        return None
    sys.path.append(str(GENERATOR))
    import configuration
    from mistake import Mistake

    try:
        # With the others, too: a member's cluster must not be that of another provider.
        return configuration.read(json.dumps({**settings.value, "providers": [each.value for each in enabled(settings)]}))
    except Mistake as mistake:
        findings.error(settings if mistake.path.startswith("limits") else providers[0], f"no clusters and routes can be made for its pools: {mistake.problem}")
        return None


# === clusters ===


def expected_clusters(expected: Any) -> list[str]:
    return [cluster for pool in expected.pools for cluster in (*(each.cluster for each in pool.members), pool.extra_cluster) if cluster]


def renamed(findings: Findings, gateway: Gateway, expected: Any) -> set[str]:
    """Finds pools with a member, or under a name, that the clusters do not know while they know another one. That is one
    mistake: the rest of what it changes is not reported. Returns the providers, and the names that the clusters know."""
    known: dict[str, set[str]] = {}
    for cluster in gateway.clusters.values():
        for each in cluster.at("typed_extension_protocol_options", HTTP_OPTIONS)["http_filters"]:
            names = configured(each) if is_upstream_filter(each) else None
            if isinstance(names, dict):
                known.setdefault(str(names.get("provider")), set()).add(str(names.get("member")))
    others = sorted(set(known) - {pool.provider for pool in expected.pools})
    anew: set[str] = set()
    for pool in expected.pools:
        provider = next(each for each in gateway.enabled() if name_of(each.value) == pool.provider)
        has, wants = known.get(pool.provider, set()), [each.name for each in pool.members]
        missing, strange = [each for each in wants if each not in has], sorted(has - set(wants))
        if not has and others:
            place = provider["name"] if provider["name"].value is not None else provider
            findings.error(place, f'no cluster or route is for the pool of "{pool.provider}"; they are for {", ".join(json.dumps(each) for each in others)}: take the old name again, or {AGAIN}')
            anew |= {pool.provider, *others}
        elif missing and strange:
            place = next((each["name"] for each in provider["pool"] if each["name"].value == missing[0]), provider)
            findings.error(place, f'no cluster or route is for "{missing[0]}" of the pool of {pool.provider}; they are for {", ".join(json.dumps(each) for each in strange)}: take the old name again, or {AGAIN}')
            anew.add(pool.provider)
    return anew


def check_clusters(findings: Findings, gateway: Gateway, expected: Any, anew: set[str]) -> None:
    for pool in expected.pools:
        if pool.provider in anew:
            continue
        for member in pool.members:
            check_cluster(findings, gateway, member.cluster, pool.provider, member)
        if pool.extra_cluster:
            check_cluster(findings, gateway, pool.extra_cluster, pool.provider, pool.members[0])
    strangers(findings, gateway, expected, anew)


def check_cluster(findings: Findings, gateway: Gateway, name: str, provider: str, member: Any) -> None:
    """Checks the cluster of a member; whether it is there is checked with all others."""
    cluster = gateway.clusters.get(name)
    if cluster is None:
        return
    for each in ("outlier_detection", "health_checks"):
        if cluster[each]:
            findings.error(cluster.at_name(each), f"the pool of {provider} uses this cluster: while Envoy keeps its host out, it answers 503 and asks no other member. Remove it; the filter sets members aside")
    addresses = cluster.at("load_assignment", "endpoints")
    if cluster["type"].text() in ("STRICT_DNS", "LOGICAL_DNS") and not any(each["priority"].value for each in addresses):
        findings.warn(cluster.at_name("load_assignment"), f"while its name has no address, Envoy answers 503 and asks no other member: give it the second endpoint that envoy/pools generates (port 0)")
    retries = [each["max_retries"].value if each["max_retries"].value is not None else DEFAULT_RETRIES for each in cluster.at("circuit_breakers", "thresholds") if each["priority"].value in (None, "DEFAULT")]
    most = max((each for each in retries if isinstance(each, int)), default=DEFAULT_RETRIES)
    if most < FEW_RETRIES:
        findings.error(cluster.at_name("circuit_breakers"), f"`max_retries` allows {most} failovers at a time; all further ones get the first member's error: set it to 20000")
    options = cluster.at("typed_extension_protocol_options", HTTP_OPTIONS)
    if options.at("upstream_http_protocol_options", "auto_sni").value is True:
        findings.error(options["upstream_http_protocol_options"].at_name("auto_sni"), "Envoy takes the name from the first attempt's host, for every member: set `sni` and match_typed_subject_alt_names in the TLS context instead")
    context = tls_context(cluster["transport_socket"])
    sni = context["sni"] if context is not None else Place(None)
    if sni.text() and not member.address.is_ip and sni.text().lower() != member.address.host:
        findings.error(sni, f'the base URL of {provider}/{member.name} has the host "{member.address.host}": the key would go to another one')
    upstream_filter(findings, gateway, cluster, options, {"provider": provider, "member": member.name})


def upstream_filter(findings: Findings, gateway: Gateway, cluster: Place, options: Place, names: dict[str, str]) -> None:
    """Checks the filter in a member's cluster: without it the member gets no key."""
    who = f"{names['provider']}/{names['member']}"
    filters = list(options["http_filters"])
    ours = [index for index, each in enumerate(filters) if is_upstream_filter(each) and configured(each) is not None]
    if len(ours) != 1:
        place = options.at_name("http_filters") if options else cluster
        findings.error(place, f"{len(ours)} upstream filters of AI Bridge, where {who} needs one in front of envoy.filters.http.upstream_codec: {AGAIN}")
        return
    if not filters[-1]["typed_config"].type().endswith("UpstreamCodec"):
        findings.error(filters[-1], "the last upstream filter has to be envoy.filters.http.upstream_codec")
    config = any_entry_of(filters[ours[0]]["typed_config"])
    assert config is not None       # what is_upstream_filter says
    if configured(filters[ours[0]]) != names:
        findings.error(configuration_of(config).at_name("value"), f'expected {json.dumps({"upstream": names})}: this cluster would get another member\'s key, or none')
    if is_native(config) != gateway.native():
        findings.error(config, f"{'a dynamic module' if is_native(config) else 'a Wasm filter'}, where the main filter is {'a dynamic module' if gateway.native() else 'a Wasm filter'}: the two have to be the same, else this member gets no key")
        return
    if gateway.native():
        same_library(findings, gateway, config)
        return
    if config["root_id"].value != gateway.config["root_id"].value:
        findings.error(config.at_name("root_id"), f"differs from the main filter's {json.dumps(gateway.config['root_id'].value)}")
    if config["failure_policy"].value != "FAIL_RELOAD":
        findings.error(config.at_name("failure_policy"), RELOADS)
    vm, main = config["vm_config"], gateway.config["vm_config"]
    # What a control plane sets is not known here.
    for member in ("vm_id", "runtime", "code", "configuration") if main["code"] else ():
        if vm[member].value != main[member].value:
            findings.error(vm.at_name(member), f"differs from the main filter's ({main.path}.{member}), so the two share no VM and this member answers 503 `pool_not_ready`")
    mine, mains = variables(vm), variables(main)
    if mine != mains:
        missing = ", ".join(sorted(mains - mine)) or "none"
        findings.error(vm.at_name("environment_variables"), f"differs from the main filter's (missing here: {missing}): so the two share no VM and this member answers 503 `pool_not_ready`")


def same_library(findings: Findings, gateway: Gateway, config: Place) -> None:
    """Checks that a member's dynamic module is the main filter's."""
    for member in ("filter_name", "dynamic_module_config"):
        if config[member].value != gateway.config[member].value:
            findings.error(config.at_name(member), f"differs from the main filter's ({gateway.config.path}.{member}), so the two share nothing and this member answers 503 `pool_not_ready`")


def is_upstream_filter(http_filter: Place) -> bool:
    """Whether an HTTP filter of a cluster is this filter."""
    entry = any_entry_of(http_filter["typed_config"])
    return entry is not None and (is_ours(entry) or configured(http_filter) is not None)


def configured(http_filter: Place) -> Json | None:
    """The `upstream` object of an upstream filter's configuration."""
    entry = any_entry_of(http_filter["typed_config"])
    try:
        given = json.loads(configuration_of(entry)["value"].value) if entry is not None else None
    except (TypeError, ValueError, RecursionError):
        return None
    upstream = given.get("upstream") if isinstance(given, dict) else None
    return upstream if isinstance(upstream, dict) else None


def variables(vm: Place) -> set[str]:
    environment = vm["environment_variables"]
    return {str(each.value) for each in environment["host_env_keys"]} | set(environment["key_values"].members())


def strangers(findings: Findings, gateway: Gateway, expected: Any, anew: set[str]) -> None:
    """Finds clusters with an upstream filter for a member that no pool has."""
    known = set(expected_clusters(expected))
    for name, cluster in gateway.clusters.items():
        names = [] if name in known else [each for http_filter in cluster.at("typed_extension_protocol_options", HTTP_OPTIONS)["http_filters"] if is_upstream_filter(http_filter) and (each := configured(http_filter))]
        of = next((member.cluster for pool in expected.pools for member in pool.members if {"provider": pool.provider, "member": member.name} in names and member.cluster not in gateway.clusters), None)
        if of is not None:
            gateway.said.add(of)
            findings.error(cluster["name"], f'this cluster has the key of the pool\'s "{of}", and no other is called so: take that name again, or {AGAIN}')
        elif any(str(each.get("provider")) not in anew for each in names):
            findings.error(cluster, f'the cluster "{name}" has the upstream filter, but is no member of a pool: remove it, or {AGAIN}')


# === routes ===


def check_routes(findings: Findings, given: list[Place], place: Place, levels: list[Place], expected: Any, anew: set[str], absent: set[str]) -> None:
    """Checks routes in their order. `place` is that of their list, `levels` what surrounds it."""
    from routes import buffer_limit, routes

    made = {route["match"]["headers"][0]["string_match"]["exact"]: route for route in routes(expected)}
    made = {value: route for value, route in made.items() if value.partition("/")[0] not in anew}
    found: dict[str, Place] = {}
    others: Place | None = None
    for route in given:
        value = pool_of(route, POOL_HEADER)
        if value is None:
            others = others or route
            continue
        if others is not None:
            findings.error(route, f"a pool's route has to be in front of all others: what matches before it ({others.path}) gets the request without its members")
        if value in found:
            findings.warn(route, f'"{value}" has a route already, in front of this one')
        elif value not in made and value.partition("/")[0] not in anew:
            findings.warn(route, f'the filter never chooses "{value}": remove it, or {AGAIN}')
        found.setdefault(value, route)
    missing = [value for value in made if value not in found and not any(f"{value.partition('/')[0]}/{member}" in absent for member in value.partition("/")[2].split(","))]
    if missing:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        findings.error(place, f"no route for {POOL_HEADER}: {', '.join(missing[:3])}{more}: such a request is asked of one member only, or of none; {AGAIN}")
    for value, route in found.items():
        if value in made:
            compare(findings, made[value], route, [route, *levels], value, buffer_limit(expected))


def pool_of(route: Place, header: str) -> str | None:
    """The value of the pool's header that a route matches exactly."""
    for each in route.at("match", "headers"):
        if each["name"].text().lower() == header:
            return each.at("string_match", "exact").text() or each["exact_match"].text()
    return None


def compare(findings: Findings, made: Json, route: Place, levels: list[Place], value: str, copied: int) -> None:
    """Compares a route with the generated one, as far as the two have to agree."""
    if route.at("match", "prefix").value != "/":
        findings.error(route["match"], 'expected `prefix: "/"`: the path is the provider\'s, and every one has to match')
    action = route["route"]
    if "cluster" in made["route"]:
        own_keys(findings, made, route, levels, value)
        return
    groups = list(groups_of(action))
    wanted = [group["clusters"][0]["cluster_name"] for group in made["route"]["inline_cluster_specifier_plugin"]["extension"]["typed_config"]["priority_groups"]]
    if groups != wanted:
        findings.error(action, f"expected one priority group for each of {', '.join(wanted)}, in this order; found {', '.join(groups) or 'none'}: a member would get another one's request, or none")
    policy = action["retry_policy"]
    retries = policy["num_retries"].value
    if (retries if policy else 0) != len(wanted) - 1:
        findings.error(action.at_name("retry_policy"), f"`num_retries` has to be {len(wanted) - 1}, one less than its members; found {'none' if retries is None else retries}")
    if len(wanted) > 1:
        retry_policy(findings, made["route"]["retry_policy"], action, policy)
        limit = next((each["request_body_buffer_limit"] for each in levels if each["request_body_buffer_limit"].value is not None), Place(None))
        if not isinstance(limit.value, int) or limit.value < copied:
            found = "Envoy's default" if limit.value is None else limit.value
            findings.error(route.at_name("request_body_buffer_limit"), f"expected {copied} (limits.request_body_bytes, at most 48 MiB), found {found}: larger requests reach no second member")


def retry_policy(findings: Findings, made: Json, action: Place, policy: Place) -> None:
    conditions = {each.strip() for each in policy["retry_on"].text().split(",")}
    missing = [each for each in made["retry_on"].split(",") if each not in conditions]
    if missing:
        findings.error(action.at_name("retry_policy"), f"`retry_on` lacks {', '.join(missing)}: such a failure reaches the client although other members are usable")
    wrong = sorted(conditions & {"5xx", "gateway-error", "retriable-status-codes", "retriable-4xx"})
    if wrong:
        findings.error(policy.at_name("retry_on"), f"{', '.join(wrong)} retries without asking the filter, which alone knows whether another member may answer")
    name = made["retriable_headers"][0]["name"]
    if not any(each["name"].text().lower() == name for each in policy["retriable_headers"]):
        findings.error(action.at_name("retry_policy"), f"`retriable_headers` lacks {name}: no answer would be followed by another attempt")
    if policy["refresh_cluster_on_retry"].value is not True:
        findings.error(action.at_name("retry_policy"), "without `refresh_cluster_on_retry: true` every attempt goes to the first member")


def own_keys(findings: Findings, made: Json, route: Place, levels: list[Place], value: str) -> None:
    action = route["route"]
    if action["cluster"].value != made["route"]["cluster"]:
        findings.error(action, f'callers\' own keys for {value} go to the cluster "{made["route"]["cluster"]}", found {json.dumps(action["cluster"].value)}')
    for level in (action, *levels[1:]):
        if level["retry_policy"]:
            findings.error(level.at_name("retry_policy"), f"the route of callers' own keys ({value}) must have none: Envoy would send a caller's key again, and bill the caller again, without asking the filter")
            return


def groups_of(action: Place) -> Iterator[str]:
    typed = action.at("inline_cluster_specifier_plugin", "extension", "typed_config")
    if typed.type().endswith("TypedStruct") and typed["type_url"].text().endswith(SPECIFIER):
        typed = typed["value"]
    elif not typed.type().endswith(SPECIFIER):
        typed = Place(None)
    if typed:
        for group in typed["priority_groups"]:
            yield "+".join(each["cluster_name"].text() for each in group["clusters"])
