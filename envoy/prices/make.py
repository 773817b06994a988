"""Makes `prices.json` anew: downloads the wheel that `requirements.txt` pins, reads its table and writes the list.

    make prices             (or: python3 envoy/prices/make.py [--table FILE] [--date YYYY-MM-DD])

The wheel is only unpacked, never installed.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import subprocess
import sys
import zipfile
from datetime import date
from pathlib import Path

from table import Unusable, price_list, read, written

HERE = Path(__file__).resolve().parent
LIST = HERE / "prices.json"
REQUIREMENTS = HERE / "requirements.txt"
TABLE = "litellm/model_prices_and_context_window_backup.json"
# The platform of one wheel, so that everyone gets the same; the table is in all of them.
WHEEL = ("--platform", "manylinux_2_28_x86_64", "--python-version", "3.12", "--only-binary", ":all:")


def version() -> str:
    return re.findall(r"^litellm==(\S+)", REQUIREMENTS.read_text(), re.MULTILINE)[0]


def download(folder: Path) -> str:
    """The table out of the pinned wheel; pip checks the hash."""
    folder.mkdir(parents=True, exist_ok=True)
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes"]
    subprocess.run([*pip, *WHEEL, "--dest", str(folder), "--requirement", str(REQUIREMENTS)], check=True)
    (wheel,) = folder.glob(f"litellm-{version()}-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(TABLE).decode()


def main() -> int:
    parser = argparse.ArgumentParser(prog="make.py", description="Makes envoy/prices/prices.json anew.")
    parser.add_argument("--table", type=Path, help="the table, where it is at hand (default: it is downloaded)")
    parser.add_argument("--date", type=date.fromisoformat, default=date.today(), help="the day of the list (default: today)")
    parser.add_argument("--out", type=Path, default=LIST, help="default: %(default)s")
    arguments = parser.parse_args()
    try:
        text = arguments.table.read_text() if arguments.table else download(HERE.parents[1] / "target" / "prices")
        source = {"package": "litellm", "version": version(), "file": TABLE, "sha256": hashlib.sha256(text.encode()).hexdigest(), "licence": "MIT, Copyright (c) 2023 Berri AI"}
        found = price_list(read(text), date=arguments.date.isoformat(), source=source)
    except (Unusable, OSError, ValueError, subprocess.CalledProcessError) as problem:
        print(f"make.py: {problem}", file=sys.stderr)
        return 1
    arguments.out.write_text(written(found))
    print(f"{arguments.out}: {len(found['prices'])} prices of {found['date']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
