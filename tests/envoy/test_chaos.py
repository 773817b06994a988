"""Half a minute of `make chaos`: clients and providers that misbehave cause no failure."""

from __future__ import annotations

import subprocess
import sys

import pytest

from render import REPOSITORY

CHAOS = REPOSITORY / "tests" / "chaos" / "run.py"
PROGRAM = REPOSITORY / "target" / "debug" / "chaos"

SECONDS = 30
# A fixed seed, so that an unrelated change cannot fail here. `make chaos` draws other seeds.
SEED = 1

pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason="the chaos program is not built: use `make e2e`")


def test_half_a_minute_of_chaos_has_no_failure():
    done = subprocess.run([sys.executable, CHAOS, "--seconds", str(SECONDS), "--seed", str(SEED)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=10 * SECONDS)
    assert done.returncode == 0, done.stdout
    assert "chaos: everything was as it must be" in done.stdout, done.stdout
