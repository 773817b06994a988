from __future__ import annotations
def check(findings, documents, served, options):
    findings.leave_out("resources")
