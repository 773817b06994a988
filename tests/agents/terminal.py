"""Runs an agent's terminal interface in a pseudo-terminal: types, and reads what is on the screen."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from pathlib import Path
from typing import Any

ROWS, COLUMNS = 50, 160
# Questions of programs to their terminal, and its answers: where the cursor is, what it is, its colours, its keyboard.
ANSWERS = [
    (re.compile(rb"\x1b\[6n"), b"\x1b[1;1R"),
    (re.compile(rb"\x1b\[0?c"), b"\x1b[?62;22c"),
    (re.compile(rb"\x1b\]10;\?(\x07|\x1b\\)"), b"\x1b]10;rgb:ffff/ffff/ffff\x1b\\"),
    (re.compile(rb"\x1b\]11;\?(\x07|\x1b\\)"), b"\x1b]11;rgb:0000/0000/0000\x1b\\"),
    (re.compile(rb"\x1b\[\?u"), b"\x1b[?0u"),
]
ESCAPES = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[ -/]*[0-~])")


class Terminal:
    """A program in a terminal of its own. Use as a context manager; its exit ends the program."""

    def __init__(self, command: list[Any], directory: Path, environment: dict[str, str]) -> None:
        self._command = [str(word) for word in command]
        self._directory, self._environment = directory, {**environment, "TERM": "xterm-256color", "COLUMNS": str(COLUMNS), "LINES": str(ROWS)}
        self._written = b""
        self._answered = 0

    def __enter__(self) -> "Terminal":
        self._process, self._terminal = pty.fork()
        if self._process == 0:
            os.chdir(self._directory)
            os.execve(self._command[0], self._command, self._environment)
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        return self

    def __exit__(self, *_: object) -> None:
        os.kill(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)
        os.close(self._terminal)

    def type(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def wait_for(self, words: str, seconds: float = 60.0) -> bool:
        """Waits until these words were on the screen, at most so long."""
        end = time.monotonic() + seconds
        while words not in self.text() and time.monotonic() < end:
            self._read(min(0.2, max(0.0, end - time.monotonic())))
        return words in self.text()

    def text(self) -> str:
        """All that was written to the screen until now, without its places."""
        return re.sub(r"\s+", " ", ESCAPES.sub(" ", self._written.decode(errors="replace")))

    def _read(self, seconds: float) -> None:
        if not select.select([self._terminal], [], [], seconds)[0]:
            return
        try:
            self._written += os.read(self._terminal, 65536)
        except OSError:         # the program has ended
            time.sleep(seconds)
            return
        asked = sorted((match.end(), answer) for question, answer in ANSWERS for match in question.finditer(self._written, self._answered))
        for end, answer in asked:
            os.write(self._terminal, answer)
            self._answered = end
