# SPDX-License-Identifier: LGPL-2.1-or-later
"""A scripted client of a server, by hand and on the wire, whose connection breaks, stalls or is garbled at a byte."""
import base64
import hashlib
import itertools
import os
import random
import select
import socket
import ssl
import struct
import time

MAIN, DISPLAY, INPUTS, CURSOR = 1, 2, 3, 4
NAMES = {MAIN: "main", DISPLAY: "display", INPUTS: "inputs", CURSOR: "cursor"}
KINDS = ["close", "stall", "garble", "noise"]
AUTH_SPICE, COMMON_CAPS = 1, 0x0B  # mechanism; AUTH_SELECTION, AUTH_SPICE, MINI_HEADER
CHANNEL_CAPS = {MAIN: [0x0F], DISPLAY: [0x6FBF], INPUTS: [], CURSOR: []}
# Seconds for an answer that must come, and for one that may not come because the question was spoilt.
ANSWER, MAYBE = 15, 0.4


class Ended(Exception):
    """The connection is over: the fault has happened, or the server has closed it."""


class Silent(Ended):
    """The server has said nothing for too long."""


class Said(Ended):
    """All has been said that this client has to say."""


class Fault:
    """What happens to byte number `at` of what the client sends: it is not sent, and the connection is closed ("close")
    or stays ("stall"); it has another value ("garble"); or from there on everything is noise. None: nothing happens."""

    def __init__(self, kind=None, at=0):
        self.kind, self.at = kind, at

    def apply(self, data, here):
        """What is sent instead of the data, whose byte number `here` is the one."""
        if self.kind == "garble":
            return data[:here] + bytes([data[here] ^ self.mask()]) + data[here + 1:]
        if self.kind == "noise":
            dice = random.Random(self.at)
            return data[:here] + dice.randbytes(dice.randrange(1, 3000))
        return data[:here]

    def mask(self):
        """Makes another value of the right one, the same in each run."""
        return 1 + hashlib.md5(b"%d" % self.at).digest()[0] % 255


class Raw:
    """A TCP connection that counts what it sends, and does the fault."""

    numbers = itertools.count()

    def __init__(self, port, fault):
        self.fault, self.said, self.happened = fault, bytearray(), False
        self.socket = socket.socket()
        self.socket.settimeout(ANSWER)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Each from an address of its own: the server holds up an address from which wrong passwords have come.
        number = next(self.numbers)
        self.socket.bind((f"127.{1 + (number >> 16) % 250}.{number >> 8 & 255}.{number & 255}", 0))
        try:
            self.socket.connect(("127.0.0.1", port))
        except OSError:
            self.socket.close()
            raise Ended from None  # nobody listens, or nobody takes it

    def send(self, data):
        start = len(self.said)
        self.said += data
        here = self.fault.at - start
        if not self.fault.kind or not 0 <= here < len(data):
            self._all(data)
            return
        self.happened = True
        self._all(self.fault.apply(bytes(data), here))
        if self.fault.kind != "garble":
            raise Said

    def _all(self, data):
        try:
            self.socket.sendall(data)
        except OSError:
            raise Ended from None

    def receive(self, seconds):
        """Some bytes, or b"" after a time without any."""
        try:
            waiter = select.poll()  # select() knows 1024 descriptors only
            waiter.register(self.socket, select.POLLIN)
            if not waiter.poll(seconds * 1000):
                return b""
            data = self.socket.recv(262144)
        except OSError:
            raise Ended from None
        if not data:
            raise Ended
        return data

    def patience(self):
        """Seconds to wait for the server."""
        return MAYBE if self.happened else ANSWER

    def ends(self, seconds):
        """Take what comes until the server has closed, too. False: it has not."""
        end = time.monotonic() + seconds
        try:
            while time.monotonic() < end:
                self.receive(max(end - time.monotonic(), 0))
        except Ended:
            self.close()
            return True
        return False

    def finish(self):
        """Nothing more is sent; the server has to see it, and to let go."""
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it has let go already
        return self.ends(ANSWER)

    def close(self):
        self.socket.close()


class Tls:
    """TLS over a raw connection: the fault is at a byte of the records."""

    def __init__(self, raw, context):
        self.raw, self.incoming, self.outgoing = raw, ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")
        self._step(self.tls.do_handshake)

    def _flush(self):
        data = self.outgoing.read()
        if data:
            self.raw.send(data)

    def _step(self, action, seconds=None):
        """What the action gives; b"" if the server stays silent, or Silent if no time was given for it."""
        end = time.monotonic() + (self.raw.patience() if seconds is None else seconds)
        while True:
            try:
                result = action()
                self._flush()
                return result
            except ssl.SSLWantReadError:
                self._flush()
                data = self.raw.receive(max(end - time.monotonic(), 0))
                if not data and seconds is None:
                    raise Silent from None
                if not data:
                    return b""
                self.incoming.write(data)
            except ssl.SSLError:
                raise Ended from None

    def send(self, data):
        self._step(lambda: self.tls.write(data))

    def receive(self, seconds):
        return self._step(lambda: self.tls.read(262144), seconds)


class WebSocket:
    """A websocket over a raw connection or over TLS; frames are masked, and cut small."""

    def __init__(self, below, raw):
        self.below, self.raw, self.buffer = below, raw, b""
        key = base64.b64encode(b"0123456789abcdef").decode()
        self.below.send(f"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
                        "Sec-WebSocket-Protocol: binary\r\n\r\n".encode())
        while b"\r\n\r\n" not in self.buffer:
            self._more()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        if b" 101 " not in head:
            raise Ended

    def _more(self):
        data = self.below.receive(self.raw.patience())
        if not data:
            raise Silent
        self.buffer += data

    def send(self, data):
        mask = b"\x11\x22\x33\x44"
        frames = b""
        for at in range(0, len(data), 100):
            piece = data[at:at + 100]
            frames += bytes([0x82, 0x80 | len(piece)]) + mask
            frames += bytes(byte ^ mask[i % 4] for i, byte in enumerate(piece))
        self.below.send(frames)

    def receive(self, seconds):
        if not self.buffer:
            self.buffer = self.below.receive(seconds)
            if not self.buffer:
                return b""
        while True:
            need, size, at = 2, 0, 2
            if len(self.buffer) >= 2:
                size = self.buffer[1] & 127
                at = {126: 4, 127: 10}.get(size, 2)
                if len(self.buffer) >= at > 2:
                    size = int.from_bytes(self.buffer[2:at], "big")
                need = at + size
            if len(self.buffer) >= max(need, at):
                break
            self._more()
        opcode, data, self.buffer = self.buffer[0] & 15, self.buffer[at:need], self.buffer[need:]
        if opcode == 8:
            raise Ended
        return data if opcode < 8 else self.receive(seconds)


def encrypt_ticket(der, password):
    """RSA-OAEP with SHA-1 (wire.md 5) under the 1024-bit key of a link reply."""
    at = der.index(b"\x02\x81\x81\x00")
    modulus = int.from_bytes(der[at + 4:at + 132], "big")
    exponent = int.from_bytes(der[at + 134:at + 134 + der[at + 133]], "big")
    message, size = password.encode() + b"\0", 128

    def mask(seed, length):
        return b"".join(hashlib.sha1(seed + struct.pack(">I", i)).digest() for i in range(length // 20 + 1))[:length]

    def xor(a, b):
        return bytes(x ^ y for x, y in zip(a, b))
    block = hashlib.sha1(b"").digest() + bytes(size - len(message) - 42) + b"\1" + message
    seed = os.urandom(20)
    block = xor(block, mask(seed, len(block)))
    seed = xor(seed, mask(block, 20))
    return pow(int.from_bytes(b"\0" + seed + block, "big"), exponent, modulus).to_bytes(size, "big")


class Channel:
    """A channel of a client: link stage, then messages with mini headers."""

    def __init__(self, server, kind, session=0, fault=Fault()):
        self.server, self.kind, self.session, self.fault = server, kind, session, fault
        self.stream = self.raw = None
        self.buffer, self.window, self.received = b"", 0, 0
        self.linked = 0  # bytes that had been sent when the server had let it in

    def link(self):
        server = self.server
        self.stream = self.raw = Raw(server.tls_port if server.tls else server.port, self.fault)
        if server.tls:
            self.stream = Tls(self.raw, server.context)
        if server.websocket:
            self.stream = WebSocket(self.stream, self.raw)
        caps = CHANNEL_CAPS[self.kind]
        message = struct.pack("<IBBIII", self.session, self.kind, 0, 1, len(caps), 18)
        message += struct.pack(f"<{1 + len(caps)}I", COMMON_CAPS, *caps)
        self.stream.send(struct.pack("<4sIII", b"REDQ", 2, 2, len(message)) + message)
        _magic, _major, _minor, size = struct.unpack("<4sIII", self.take(16))
        reply = self.take(min(size, 4096))
        if struct.unpack_from("<I", reply)[0] != 0:
            raise Ended
        self.stream.send(struct.pack("<I", AUTH_SPICE))
        self.stream.send(encrypt_ticket(reply[4:166], server.password))
        if struct.unpack("<I", self.take(4))[0] != 0:
            raise Ended
        self.linked = len(self.raw.said)
        return self

    def take(self, size):
        end = time.monotonic() + self.raw.patience()
        while len(self.buffer) < size:
            data = self.stream.receive(max(end - time.monotonic(), 0))
            if not data and time.monotonic() >= end:
                raise Silent
            self.buffer += data
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

    def message(self):
        """One message of the server: (number, body). Pings are answered, and acknowledgements given, if asked for."""
        number, size = struct.unpack("<HI", self.take(6))
        body = self.take(size)
        self.received += 1
        if number == 4:
            self.send(3, body[:12])
        if self.window and self.received % self.window == 0:
            self.send(2)
        return number, body

    def wait_for(self, number, holds=b""):
        """The body of the next message with that number (None: any) that holds these bytes."""
        end = time.monotonic() + self.raw.patience()
        while time.monotonic() < end:
            got, body = self.message()
            if number in (None, got) and holds in body:
                return body
        raise Silent

    def acknowledge(self):
        """Take the server's window for acknowledgements, and keep to it from now on."""
        body = self.wait_for(3)
        self.send(1, body[:4])
        self.window, self.received = struct.unpack_from("<I", body, 4)[0], 0

    def send(self, number, body=b""):
        self.stream.send(struct.pack("<HI", number, len(body)) + body)

    def close(self):
        if self.raw:
            self.raw.close()


def agent_message(number, body):
    return struct.pack("<IIQI", 1, number, 0, len(body)) + body


def play_main(channel, has_agent):
    send = channel.send
    send(104)
    channel.wait_for(104)
    send(105, struct.pack("<H", 2))
    send(106, struct.pack("<I", 10))
    send(107, agent_message(6, struct.pack("<II", 1, 0x7FF)))
    send(107, agent_message(2, struct.pack("<II5I", 1, 0, 600, 800, 32, 0, 0)))
    if has_agent:
        channel.wait_for(109)  # it announces itself, too
    grab = agent_message(7, struct.pack("<4xI", 1))
    send(107, grab[:22])
    send(107, grab[22:])
    send(108, struct.pack("<I", 5))
    send(105, struct.pack("<H", 1))


def play_display(channel):
    send = channel.send
    send(101, struct.pack("<BqBi", 1, 1 << 14, 1, 1 << 14))
    send(103, b"\x05")
    generation = channel.wait_for(3)
    send(1, generation[:4])
    channel.wait_for(102)  # the picture can be shown
    for _ in range(3):
        send(2)
    send(102, struct.pack("<IIIIIIiI", 0, 1, 2, 3, 4, 5, 6, 7))
    send(105, b"\x02\x01\x02")


def play_inputs(channel):
    send = channel.send
    channel.wait_for(101)
    send(101, struct.pack("<I", 0x1E))
    send(102, struct.pack("<I", 0x9E))
    send(104, b"\x1e\x9e\xe0\x48\xe0\xc8")
    send(103, struct.pack("<H", 4))
    send(111, struct.pack("<iiH", 5, -5, 0))
    send(112, struct.pack("<IIHB", 100, 100, 0, 0))
    send(113, struct.pack("<BH", 1, 1))
    send(114, struct.pack("<BH", 1, 0))


def play_cursor(channel):
    generation = channel.wait_for(3)
    channel.send(1, generation[:4])
    channel.send(2)
    channel.wait_for(101)


class Session:
    """A client with a main channel, and another one unless the fault is to be on main. It says every kind of message that
    the server takes on that channel, until the fault has happened and what comes of it. Afterwards:

    problem: words, if the server let it down before the fault, or doesn't let go of it; left: channels that are stalled."""

    def __init__(self, server, kind, fault=Fault(), has_agent=False):
        self.kind, self.fault, self.has_agent = kind, fault, has_agent
        self.problem, self.left = None, []
        self.main = self.channel = Channel(server, MAIN, 0, fault if kind == MAIN else Fault())
        try:
            self._talk(server)
        except Said:
            pass
        except (Ended, OSError) as error:
            if not self.happened():
                how = "is silent" if isinstance(error, Silent) else f"has closed ({type(error).__name__})"
                self.problem = f"the server {how} behind {self.progress()}"
        self._end()

    def happened(self):
        return bool(self.channel.raw and self.channel.raw.happened)

    def progress(self):
        said = len(self.channel.raw.said) if self.channel.raw else 0
        return f"{said} bytes on {NAMES[self.channel.kind]}{'' if self.channel.linked else ', not let in'}"

    def _talk(self, server):
        identity = int.from_bytes(self.main.link().wait_for(103)[:4], "little")
        if self.kind == MAIN:
            play_main(self.main, self.has_agent)
        else:
            self.channel = Channel(server, self.kind, identity, self.fault)
            self.channel.link()
            {DISPLAY: play_display, INPUTS: play_inputs, CURSOR: play_cursor}[self.kind](self.channel)
        self.channel.send(6, struct.pack("<QI", 0, 0))

    def _end(self):
        """A stalled client stays; others say no more, and wait until the server has let go, or just go."""
        channels = [self.channel] + ([self.main] if self.main is not self.channel else [])
        if self.fault.kind == "stall" and self.happened():
            self.left = channels
            return
        for channel in channels:
            if self.problem or not channel.raw or (self.fault.kind == "close" and channel is self.channel):
                channel.close()
            elif not channel.raw.finish():
                self.problem = f"the server doesn't let go of {NAMES[channel.kind]}, which says no more"
                channel.close()

    def close(self):
        for channel in self.left:
            channel.close()
        self.left = []
