"""`make run`: runs a mock of the providers, Envoy and the filter on loopback, and prints a line for every request.

It runs the shipped envoy/envoy.yaml (see tests/envoy/render.py for the few things that must differ), and adds what an
operator adds: prices, and names for callers. With `--keys real` the providers are the real ones, with the keys of the
environment.

This file is short, since Ctrl-C may come while Python still reads it. All else is in demo_run.py.
"""

# Built into the interpreter: `signal` and `os` would first import for 20 ms.
import _signal
import posix
import sys


def end_at_once(*_):
    """Ends the process while nothing is running yet."""
    posix.write(1, b"Stopped.\n")
    posix._exit(0)


for each in (_signal.SIGINT, _signal.SIGTERM, _signal.SIGHUP):
    _signal.signal(each, end_at_once)
_signal.pthread_sigmask(_signal.SIG_UNBLOCK, [_signal.SIGINT])     # `make run` blocks it until here
if sys.flags.no_site:           # `make run` starts Python without it, since Ctrl-C there prints a stack trace
    import site

    site.main()

import os  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "envoy")]
try:
    from demo_run import main  # noqa: E402
except ModuleNotFoundError as missing:
    sys.exit(f"The demo lacks the Python package {missing.name}: start it with `make run`.")
sys.exit(main())
