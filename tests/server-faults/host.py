# SPDX-License-Identifier: LGPL-2.1-or-later
"""The host whose server is mistreated, what it takes from the system, and a client that behaves."""
import os
import random
import select
import ssl
import struct
import subprocess
import time

from machine import EXPECTED, PASSWORD, free_port
from session import CURSOR, DISPLAY, INPUTS, MAIN, Channel, Ended, Silent

PATIENCE = 15  # seconds for what takes milliseconds when all is well
WHITE = 0xFFFFFF
CURSOR_SET, DRAW_FILL = 103, 302


class Broken(Exception):
    """Words about what is wrong with the host."""


def soon(condition, seconds=None):
    """True as soon as it holds; looks often, since it does at once nearly always."""
    end, pause = time.monotonic() + (seconds or PATIENCE), 0.001
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(pause)
        pause = min(pause * 2, 0.1)
    return True


class Host:
    """A fault-host. Several clients at a time: the deployed way to allow them; else each one throws out the last."""

    def __init__(self, program, folder, library="", several=False, transport=(False, False), flaw=None):
        self.port, self.tls_port, self.password = free_port(), free_port(), PASSWORD
        self.tls, self.websocket = transport
        self.several = several
        self.context = ssl.create_default_context(cafile=os.path.join(folder, "ca-cert.pem"))
        # Memory is counted exactly: nothing that is free stays in caches of GLib's and of malloc's.
        environment = {**os.environ, "G_SLICE": "always-malloc",
                       "GLIBC_TUNABLES": "glibc.malloc.tcache_count=0:glibc.malloc.mxfast=0"}
        if library:
            environment["LD_LIBRARY_PATH"] = library
        if several:
            environment["SPICE_DEBUG_ALLOW_MC"] = "1"
        self.words = open(os.path.join(folder, f"words-{self.port}"), "w+")
        self.process = subprocess.Popen([program, str(self.port), str(self.tls_port), folder, PASSWORD] +
                                        ([flaw] if flaw else []), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.words, env=environment)
        self.output = b""
        if self.line() != "ready":
            raise Broken("the host did not start")
        self.usual = 0  # memory in use when all that is made once is there

    def said(self):
        """What is worth telling of what it said, and how it ended."""
        self.words.seek(0)
        lines = [line for line in self.words if line.strip() and not EXPECTED.search(line)]
        return f"{''.join(lines[-12:])}status {self.process.poll()}"

    def line(self):
        end = time.monotonic() + PATIENCE
        while b"\n" not in self.output:
            if not select.select([self.process.stdout], [], [], max(end - time.monotonic(), 0))[0]:
                raise Broken("the host's main loop stands still")
            data = os.read(self.process.stdout.fileno(), 4096)
            if not data:
                raise Broken("the host is dead")
            self.output += data
        line, self.output = self.output.split(b"\n", 1)
        return line.decode()

    def ask(self, command):
        try:
            self.process.stdin.write(command.encode() + b"\n")
            self.process.stdin.flush()
        except OSError:
            raise Broken("the host is dead") from None
        return self.line()

    def memory(self):
        return int(self.ask("memory"))

    def threads(self):
        return len(os.listdir(f"/proc/{self.process.pid}/task"))

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def library(self):
        with open(f"/proc/{self.process.pid}/maps") as f:
            return next((line.split()[-1] for line in f if "libspice-server" in line), "")

    def uri(self):
        return f"spice://127.0.0.1:{self.port}"

    def close(self):
        """Its exit status."""
        try:
            self.process.stdin.close()
        except OSError:
            pass  # a command that a dead host has not read
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return "killed"


class Witness:
    """A client with all channels that behaves, and shows that the host serves it."""

    keys = bytes(range(2, 12))  # those of the digits

    def __init__(self, host):
        self.host, self.channels = host, []
        self.dice = random.Random(host.port)
        try:
            self.main = self._open(MAIN)
            self.identity = struct.unpack_from("<I", self.main.wait_for(103))[0]
            self.display, self.inputs, self.cursor = (self._open(kind) for kind in (DISPLAY, INPUTS, CURSOR))
            # Caches for hardly more than one picture: they are full soon, and the host's memory stays the same then.
            self.display.send(101, struct.pack("<BqBi", 1, 1 << 14, 1, 1 << 14))
            self.display.acknowledge()
            self.cursor.acknowledge()
            self.display.wait_for(102)
            self.inputs.wait_for(101)
        except Ended:
            self.close()
            raise Broken(f"a client that behaves is not served ({self.opened()})") from None

    def opened(self):
        return f"{sum(bool(channel.linked) for channel in self.channels)} of its channels were let in"

    def _open(self, kind):
        channel = Channel(self.host, kind, 0 if kind == MAIN else self.identity)
        self.channels.append(channel)
        return channel.link()

    def look(self):
        """All four channels have to do their work."""
        for name, works in ("main", self._lists), ("inputs", self._types), ("display and cursor", self._sees):
            try:
                if not works():
                    raise Broken(f"{name} of a client that behaves: what it does has no effect")
            except Ended as error:
                how = "silent" if isinstance(error, Silent) else "closed"
                raise Broken(f"{name} of a client that behaves: {how}") from None

    def _lists(self):
        self.main.send(104)
        return self.main.wait_for(104)

    def _types(self):
        keys = bytes(self.dice.choices(self.keys, k=16))
        self.inputs.send(104, keys)
        return soon(lambda: self.host.ask(f"typed {keys.hex()}") == "yes")

    def _sees(self):
        """A new colour comes to the pointer, and to the picture as a command. It may have become a part of pictures that were
        drawn before it, of which the display had to catch up; it has nothing to catch up with then, the next time."""
        for _ in range(3):
            colour = self.dice.randrange(0x010101, WHITE)
            self.host.ask(f"paint {colour:06x}")
            self.cursor.wait_for(CURSOR_SET, struct.pack("<I", colour)[:3])
            try:
                return self.display.wait_for(DRAW_FILL, struct.pack("<I", colour))
            except Silent:
                print("# RETRY")
        return None

    def close(self):
        for channel in self.channels:
            channel.close()
