"""Puts placeholders for files that are not on this machine, so that Envoy can check the rest."""

from __future__ import annotations

import json
import re
from pathlib import Path

from place import Json

# A certificate that nobody trusts, and its key, which is no secret.
CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIIBgzCCASmgAwIBAgIUfxrjZPNEuui+iSe0R/g79Goq8X8wCgYIKoZIzj0EAwIw
FjEUMBIGA1UEAwwLcGxhY2Vob2xkZXIwIBcNMjYxMTMwMDkwNzU4WhgPMjEyNjEx
MDYwOTA3NThaMBYxFDASBgNVBAMMC3BsYWNlaG9sZGVyMFkwEwYHKoZIzj0CAQYI
KoZIzj0DAQcDQgAEUTuPjhBtnF9G00Ces/D7Q5UVgIxEXLpE8ipPctlMIZVVdVf9
xlE8jFqwembDDH0ou9cGGe2QooFXxpQIhteK5qNTMFEwHQYDVR0OBBYEFMvJnmuj
c+saQa4euyS4R9HgMu+AMB8GA1UdIwQYMBaAFMvJnmujc+saQa4euyS4R9HgMu+A
MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIhAI9wZwauVmUxbLDV
gJkDQ18z9DG1p3RciQAhKZETUSkjAiAyHtXTfidtxRQYkDDtpGBm9lLfo1xyt7Uk
0bfMq6/X7g==
-----END CERTIFICATE-----
"""
KEY = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgfRYXqVj/qdVGpG5P
IaGrkczTtTPC0hqZXGuC/ctIQhShRANCAARRO4+OEG2cX0bTQJ6z8PtDlRWAjERc
ukTyKk9y2UwhlVV1V/3GUTyMWrB6ZsMMfSi71wYZ7ZCigVfGlAiG14rm
-----END PRIVATE KEY-----
"""
JWKS = json.dumps({"keys": [{"kty": "oct", "alg": "HS256", "kid": "placeholder", "k": "cGxhY2Vob2xkZXI"}]})
LOGGERS = ("access_loggers.file.v3.FileAccessLog",)


def put(config: Json, directory: Path) -> None:
    """Replaces what Envoy would read or write elsewhere. Changes `config`."""
    work = [("", config)]
    while work:
        name, value = work.pop()
        if isinstance(value, list):
            work += [(name, each) for each in value]
            continue
        if not isinstance(value, dict):
            continue
        if str(value.get("@type", "")).endswith(LOGGERS) and isinstance(value.get("path"), str):
            value["path"] = "/dev/null"
        file = value.get("filename")
        if isinstance(file, str) and not Path(file).exists():
            value["filename"] = str(placeholder(name, directory))
        if re.fullmatch(r"path_?config_?source", name, re.I) and isinstance(value.get("path"), str) and not Path(value["path"]).exists():
            value["path"] = str(written(directory / "resources.yaml", "resources: []\n"))
            value.pop("watched_directory", None)
            value.pop("watchedDirectory", None)
        work += [(str(key), each) for key, each in value.items()]


def placeholder(name: str, directory: Path) -> Path:
    """A file for a member of this name."""
    if re.search("jwks", name, re.I):
        return written(directory / "jwks.json", JWKS)
    if re.search("private_?key", name, re.I):
        return written(directory / "key.pem", KEY)
    return written(directory / "certificate.pem", CERTIFICATE)


def written(file: Path, text: str) -> Path:
    file.write_text(text)
    return file
