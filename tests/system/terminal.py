"""A terminal that tests look at and type into."""

import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from fcntl import ioctl


class Terminal:
    """A terminal of our own, the one that controls the command: keeps what is written to it and
    paints it as a real one would."""

    def __init__(self, command, env, width, height):
        self.width, self.height = width, height
        self.bytes = b""
        ours, theirs = pty.openpty()
        ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        self.process = subprocess.Popen(command, env=env, stdin=theirs, stdout=theirs,
                                        stderr=theirs, start_new_session=True,
                                        preexec_fn=lambda: ioctl(0, termios.TIOCSCTTY, 0))
        os.close(theirs)
        self.fd = ours

    def read_until(self, condition, timeout=120):
        deadline = time.monotonic() + timeout
        while not condition(self.bytes):
            ready, _, _ = select.select([self.fd], [], [], max(0, deadline - time.monotonic()))
            assert ready, self.bytes.decode()[-2000:]
            try:
                chunk = os.read(self.fd, 65536)
            except OSError:  # All of the other side is closed.
                chunk = b""
            if not chunk:
                break
            self.bytes += chunk

    def type(self, text):
        os.write(self.fd, text.encode())

    def close(self):
        """Ends the command if it still runs."""
        self.process.kill()
        self.process.wait()
        os.close(self.fd)

    def lines(self):
        """Everything from the first line on, as it stands now, scrolled-off lines included."""
        lines, row = [""], 0
        for part in re.findall(r"\x1b\[[\d;]*[A-Za-z]|\r|\n|[^\x1b\r\n]+", self.bytes.decode()):
            if part.startswith("\x1b"):
                number = part[2:-1]
                if part[-1] == "A":
                    # It cannot go above what is on the screen.
                    row = max(row - int(number), len(lines) - self.height, 0)
                elif part[-1] == "J":
                    del lines[row + 1:]
                    lines[row] = ""
                elif part[-1] == "K":
                    lines[row] = ""
            elif part == "\n":
                row += 1
                if row == len(lines):
                    lines.append("")
            elif part != "\r":
                lines[row] += part
        return lines
