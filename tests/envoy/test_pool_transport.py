"""Members that fail below HTTP: certificates, handshakes, connections, resets. What the record calls them, and who is asked next."""

from __future__ import annotations

import socket
import ssl
import struct
import subprocess
import threading
from pathlib import Path
from typing import Any, Iterator

import pytest

from client import Http1
from conftest import Records, assert_alive
from gateway import Gateway
from pools import Member, configuration, key_of, plugin_of, refusal, tried
from pools import members  # noqa: F401 (a fixture)
from render import cluster_of
from samples import JSON, MESSAGE, MESSAGES, TOKEN, messages_request
from upstream import Exchange, json_answer

BODY = messages_request(stream=False)
OWN = ("x-api-key", "sk-ant-api03-own-0123456789")

Json = Any


# === certificates ===


class Authority:
    """A certificate authority of the test."""

    def __init__(self, directory: Path, name: str) -> None:
        self.directory, self.name = directory, name
        self.key, self.certificate = directory / f"{name}.key", directory / f"{name}.pem"
        run("openssl", "req", "-x509", *NEW_KEY, "-days", "2", "-subj", f"/CN={name}", "-keyout", self.key, "-out", self.certificate)

    def context(self, name: str) -> ssl.SSLContext:
        """A server with a certificate for `name`."""
        key, request, chain, names = (self.directory / f"{self.name}-{name}.{end}" for end in ("key", "csr", "crt", "cnf"))
        names.write_text(f"subjectAltName=DNS:{name}\n")
        run("openssl", "req", *NEW_KEY, "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        run("openssl", "x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial", "-days", "2", "-extfile", names, "-out", chain)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain, key)
        return context


NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def run(*command: str | Path) -> None:
    subprocess.run([str(each) for each in command], check=True, capture_output=True, timeout=60)


@pytest.fixture(scope="module")
def authorities(tmp_path_factory) -> tuple[Authority, Authority]:
    """One that the clusters trust, and another one."""
    directory = tmp_path_factory.mktemp("authorities")
    return Authority(directory, "trusted"), Authority(directory, "other")


class TlsMember(Member):
    """A member at `https://NAME.test`."""

    def __init__(self, name: str) -> None:
        super().__init__(name, json_answer(MESSAGE))
        self.names: list[str | None] = []

    def present(self, authority: Authority, name: str | None = None) -> None:
        """Presents a certificate, for its own name if no other is given, and keeps the names that are asked for."""
        context = authority.context(name or f"{self.name}.test")
        context.sni_callback = lambda _socket, asked, _context: self.names.append(asked)
        self.secure(context)

    def entry(self, **more: Json) -> Json:
        return {**super().entry(**more), "base_url": f"https://{self.name}.test:{self.address[1]}"}


def to_loopback(config: Json, members: list[TlsMember]) -> None:
    """No DNS knows the members: their generated clusters get an address of this machine. TLS stays as it is."""
    for member in members:
        [cluster] = [each for each in config["static_resources"]["clusters"] if each["name"] == f"anthropic-{member.name}"]
        address = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"]["socket_address"]
        assert (cluster["type"], address["address"], address["port_value"]) == ("STRICT_DNS", f"{member.name}.test", member.address[1])
        cluster["type"], address["address"] = "STATIC", "127.0.0.1"


@pytest.fixture
def secure(authorities) -> Iterator[tuple[Gateway, list[TlsMember]]]:
    """A gateway with two members that speak TLS."""
    members = [TlsMember("one"), TlsMember("two")]
    for each in members:
        each.present(authorities[0])
    config = configuration(plugin_of([each.entry() for each in members]), "--trusted-ca", str(authorities[0].certificate))
    to_loopback(config, members)
    with Gateway(config, concurrency=2, environment={}) as gateway:
        yield gateway, members
        assert_alive(gateway)
    for each in members:
        each.close()
        assert not each.failures


def ask(gateway: Gateway, *headers: tuple[str, str], body: bytes = BODY) -> Any:
    with Http1(gateway.address) as client:
        return client.request("POST", MESSAGES, [JSON, *(headers or (TOKEN,))], body)


def test_each_member_is_asked_for_by_its_own_name_and_gets_its_own_key(secure):
    gateway, (one, two) = secure
    one.script = refusal(429, retry_after="60")
    records = Records(gateway)
    assert ask(gateway).status == 200
    assert tried(records.one()) == [("one", 429), ("two", 200)]
    for member in (one, two):
        received = member.only()
        assert (member.names, received.header("host"), key_of(received)) == ([f"{member.name}.test"], f"{member.name}.test:{member.address[1]}", member.key)
        assert received.head.count(b"sk-ant-") == 1 and bytes(received.body) == BODY


@pytest.mark.parametrize("wrong", ["name", "authority"])
def test_a_member_with_a_wrong_certificate_gets_no_byte_and_is_not_connected(secure, authorities, wrong):
    gateway, (one, two) = secure
    trusted, other = authorities
    if wrong == "name":
        one.present(trusted, "two.test")
    else:
        one.present(other)
    records = Records(gateway)
    for _ in range(3):
        assert ask(gateway).status == 200
    assert [tried(each) for each in records.all()] == [[("one", "connect_failure"), ("two", 200)]] * 3
    assert one.requests == [] and set(one.names) == {"one.test"} and len(two.requests) == 3
    found = [(labels["from"], labels["reason"], value) for labels, value in gateway.prometheus("ai_bridge_failover_total")]
    assert found == [("one", "connect_failure", 3.0)]
    # It is not set aside: its own key, and the first place, are as before.
    one.present(trusted)
    assert ask(gateway).status == 200 and key_of(one.only()) == one.key


def test_a_callers_own_key_is_not_sent_to_a_host_with_a_wrong_certificate(secure, authorities):
    gateway, (one, two) = secure
    one.present(authorities[1])
    answer = ask(gateway, OWN)
    assert (answer.status, answer.json()["type"]) == (503, "error")
    assert one.requests == two.requests == []


def test_a_reset_within_tls_is_a_reset(secure):
    gateway, (one, two) = secure

    def reset(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.reset()

    one.script = reset
    records = Records(gateway)
    assert ask(gateway).status == 200
    assert tried(records.one()) == [("one", "reset"), ("two", 200)]


# === connections ===


def gateway_for(entries: list[Json], connect_timeout: str = "3s") -> Gateway:
    config = configuration(plugin_of(entries))
    for cluster in config["static_resources"]["clusters"]:
        cluster["connect_timeout"] = connect_timeout
    return Gateway(config, concurrency=2, environment={})


def resets(exchange: Exchange) -> None:
    exchange.read_body()
    exchange.reset()


def closes(exchange: Exchange) -> None:
    exchange.read_body()
    exchange.close()


def no_http(exchange: Exchange) -> None:
    exchange.read_body()
    exchange.send(b"\x00\x01 this is no HTTP\r\n\r\n")
    exchange.close()


def half_a_head(exchange: Exchange) -> None:
    exchange.read_body()
    exchange.send(b"HTTP/1.1 200 OK\r\ncontent-type: appl")
    exchange.close()


class Names:
    """A DNS server that knows an IPv6 and an IPv4 address, both of this machine, for every name. Use as a context manager."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> "Names":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # A datagram without a question ends the thread, which a closed socket would not wake.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
            own.sendto(b"", self.socket.getsockname())
        self._thread.join(10)
        self.socket.close()

    def _serve(self) -> None:
        addresses = {1: socket.inet_aton("127.0.0.1"), 28: socket.inet_pton(socket.AF_INET6, "::1")}
        while True:
            query, sender = self.socket.recvfrom(512)
            if not query:
                return
            question = query[12 : query.index(b"\0", 12) + 5]
            kind = int.from_bytes(question[-4:-2], "big")
            address = addresses.get(kind)
            answer = b"\xc0\x0c" + question[-4:] + struct.pack(">IH", 60, len(address)) + address if address else b""
            self.socket.sendto(query[:2] + struct.pack(">HHHHH", 0x8180, 1, bool(address), 0, 0) + question + answer, sender)

    def resolver(self) -> Json:
        """Envoy's configuration of a resolver that asks this server."""
        address = {"socket_address": {"address": "127.0.0.1", "port_value": self.socket.getsockname()[1]}}
        return {"name": "envoy.network.dns_resolver.cares", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig", "resolvers": [address]}}


def test_a_name_with_addresses_of_both_kinds_is_reached_by_ipv4(members):
    """As many hosts have no route to IPv6 addresses. The member listens on IPv4 alone."""
    one, two, _ = members
    config = configuration(plugin_of([one.entry(base_url=f"http://member.test:{one.address[1]}"), two.entry()]))
    with Names() as names:
        cluster_of(config, "anthropic-one")["typed_dns_resolver_config"] = names.resolver()
        with Gateway(config, concurrency=2, environment={}) as gateway:
            records = Records(gateway)
            assert ask(gateway).status == 200
            assert tried(records.one()) == [("one", 200)]


@pytest.mark.parametrize("first,script", [("reset", resets), ("reset", closes), ("reset", no_http), ("reset", half_a_head), ("connect_failure", resets)])
def test_what_breaks_before_whole_response_headers_is_a_reset(members, first, script):
    """The reason of one attempt is not that of the next."""
    one, two, three = members
    one.script = two.script = script
    if first == "connect_failure":
        one.refuse()
    with gateway_for([each.entry() for each in members]) as gateway:
        records = Records(gateway)
        for _ in range(4):
            assert ask(gateway).status == 200
        assert [tried(each) for each in records.all()] == [[("one", first), ("two", "reset"), ("three", 200)]] * 4
        assert_alive(gateway)


def test_a_connection_that_is_used_again_may_be_reset_and_not_refused(members):
    """Envoy has connected for an earlier request."""
    one = members[0]
    with gateway_for([each.entry() for each in members]) as gateway, Http1(gateway.address) as client:
        records = Records(gateway)
        for script in (json_answer(MESSAGE), resets, json_answer(MESSAGE), no_http):
            one.script = script
            assert client.request("POST", MESSAGES, [JSON, TOKEN], BODY).status == 200
        assert [tried(each) for each in records.all()] == [[("one", 200)], [("one", "reset"), ("two", 200)]] * 2
        assert_alive(gateway)


class Unreachable:
    """An address where no connection is made: its queue is full, so the system drops what comes."""

    def __init__(self) -> None:
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(0)
        self.port = self.listener.getsockname()[1]
        self.waiting = []
        for _ in range(8):
            each = socket.socket()
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", self.port))
            self.waiting.append(each)

    def __enter__(self) -> "Unreachable":
        return self

    def __exit__(self, *_: object) -> None:
        for each in (*self.waiting, self.listener):
            each.close()


def test_a_host_that_does_not_answer_is_a_connect_failure(members):
    with Unreachable() as nowhere:
        entries = [{"name": "nowhere", "key": {"value": "sk-ant-nowhere-0123456789"}, "base_url": f"http://127.0.0.1:{nowhere.port}"}, members[1].entry()]
        with gateway_for(entries, connect_timeout="0.3s") as gateway:
            records = Records(gateway)
            assert ask(gateway).status == 200
            record = records.one()
            assert tried(record) == [("nowhere", "connect_failure"), ("two", 200)]
            assert record["attempts"][0]["ms"] >= 250
            assert_alive(gateway)
