#!/usr/bin/env python3
"""Spend, tokens, errors and times from AI Bridge's records, for people: as text, as JSON, as one HTML page.

    python3 report.py records.jsonl more.jsonl.gz        text on standard output
    docker compose logs envoy | python3 report.py        records on standard input
    python3 report.py --since 7d --html report.html records.jsonl

It needs Python 3.10 or later and nothing else: copy this folder (envoy/records) to wherever the records are. A record is one line of JSON
(record.schema.json); it may also be a member of an access log's JSON line (`--member`), and what `docker compose logs`,
`kubectl logs` and a container's own log file put in front of a line is taken off. Lines that hold no record are counted,
skipped and named. A record that comes twice counts once, where the second is among the next 262,144.

Memory is bounded, whatever the size of the files: each list counts up to 20,000 names exactly (tools and errors 2,000,
pairs of provider and model 1,000) and all later ones together, and says so; times from one second on are kept to three digits; a line has at most 32 MiB. Money is counted in
whole millionths of a US dollar. Percentiles are nearest ranks.
"""

from __future__ import annotations

import os
import sys

# Python's option -I leaves the folder of a script out.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True          # nothing is left beside the records

from reporting.command import run  # noqa: E402

if __name__ == "__main__":
    sys.exit(run())
