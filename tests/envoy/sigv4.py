"""Recomputes AWS's signature of a received request with botocore, AWS's own library."""

from __future__ import annotations

import hashlib
import re

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

Headers = list[tuple[str, str]]


class Resigner(SigV4Auth):
    """A signer that signs exactly the headers that the request's signature names."""

    def __init__(self, credentials: Credentials, service: str, region: str, names: list[str]) -> None:
        super().__init__(credentials, service, region)
        self._names = names

    def headers_to_sign(self, request):
        kept = super().headers_to_sign(request)
        for name in list(kept.keys()):
            if name not in self._names:
                del kept[name]
        for name in self._names:            # botocore by itself would omit the user agent
            if name not in kept and name in request.headers:
                kept[name] = request.headers[name]
        return kept


def assert_signed(method: str, host: str, target: str, headers: Headers, body: bytes, *, access_key: str, secret_key: str, service: str, region: str) -> list[str]:
    """Fails unless `authorization` is the signature of this very request. Returns the names of the signed headers."""
    found = dict(headers)
    match = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})", found["authorization"])
    assert match, found["authorization"]
    credential, names, signature = match.group(1), match.group(2).split(";"), match.group(3)
    day = found["x-amz-date"][:8]
    assert credential == f"{access_key}/{day}/{region}/{service}/aws4_request"
    assert found["x-amz-content-sha256"] == hashlib.sha256(body).hexdigest()
    assert {"host", "x-amz-date", "x-amz-content-sha256"} <= set(names)

    # Over HTTP/2 the host is the authority.
    kept = {name: value for name, value in headers if name != "authorization" and not name.startswith(":")}
    request = AWSRequest(method=method, url=f"https://{host}{target}", headers={**kept, "host": host}, data=body)
    request.context["timestamp"] = found["x-amz-date"]
    signer = Resigner(Credentials(access_key, secret_key), service, region, names)
    computed = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    assert computed == signature, signer.canonical_request(request)
    return names
