"""The report on AI Bridge's records, in parts. `report.py` beside this folder runs it."""
