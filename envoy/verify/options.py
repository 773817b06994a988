"""What the command line says."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

TARGET = Path(__file__).resolve().parents[2] / "target"
MODULE = TARGET / "wasm32-wasip1" / "release" / "ai_bridge.wasm"
LIBRARY = TARGET / "release" / "libai_bridge.so"


@dataclass
class Options:
    """What the command line says."""

    envoy: str | None = None
    runs_envoy: bool = True
    wasm: Path | None = None            # the file that will be at the module's place on the gateway
    library: Path | None = None         # the same of the dynamic module
    prices_of: date | None = None
    today: date = field(default_factory=date.today)

    def module(self, native: bool) -> Path:
        """The module that Envoy loads here where the named one is not on this machine."""
        return self.library or LIBRARY if native else self.wasm or MODULE
