# SPDX-License-Identifier: LGPL-2.1-or-later
"""A scripted client of a server, by hand and on the wire, whose connection breaks, stalls or is garbled at a byte."""
import base64
import hashlib
import os
import select
import socket
import ssl
import struct
import time

MAIN, DISPLAY, INPUTS, CURSOR = 1, 2, 3, 4
NAMES = {MAIN: "main", DISPLAY: "display", INPUTS: "inputs", CURSOR: "cursor"}
AUTH_SPICE, COMMON_CAPS = 1, 0x0B  # mechanism; AUTH_SELECTION, AUTH_SPICE, MINI_HEADER
CHANNEL_CAPS = {MAIN: [0x0F], DISPLAY: [0x6FBF], INPUTS: [], CURSOR: []}


class Ended(Exception):
    """The connection is over: the fault has happened, or the server has closed it."""


class Fault:
    """What happens to byte number `at` of what the client sends: "close", "stall" or "garble"; None: nothing."""

    def __init__(self, kind=None, at=0):
        self.kind, self.at = kind, at


class Raw:
    """A TCP connection that counts what it sends, and does the fault."""

    def __init__(self, port, fault):
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.fault, self.sent, self.stalled = fault, 0, False

    def send(self, data):
        start, self.sent = self.sent, self.sent + len(data)
        here = self.fault.at - start
        if self.fault.kind and 0 <= here < len(data):
            if self.fault.kind == "garble":
                # Another value than the right one, the same in each run.
                data = bytearray(data)
                data[here] ^= 1 + hashlib.md5(b"%d" % self.fault.at).digest()[0] % 255
            else:
                self._all(data[:here])
                self.stalled = self.fault.kind == "stall"
                raise Ended
        self._all(data)

    def _all(self, data):
        try:
            self.socket.sendall(data)
        except OSError:
            raise Ended from None

    def receive(self, seconds):
        """Some bytes, or b"" after a time without any."""
        try:
            if not select.select([self.socket], [], [], seconds)[0]:
                return b""
            data = self.socket.recv(262144)
        except OSError:
            raise Ended from None
        if not data:
            raise Ended
        return data

    def close(self):
        self.socket.close()


class Tls:
    """TLS over a raw connection: the fault is at a byte of the records."""

    def __init__(self, raw, context):
        self.raw, self.incoming, self.outgoing = raw, ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")
        self._step(self.tls.do_handshake, 10)

    def _flush(self):
        data = self.outgoing.read()
        if data:
            self.raw.send(data)

    def _step(self, action, seconds):
        end = time.monotonic() + seconds
        while True:
            try:
                result = action()
                self._flush()
                return result
            except ssl.SSLWantReadError:
                self._flush()
                data = self.raw.receive(max(end - time.monotonic(), 0))
                if not data:
                    return b""
                self.incoming.write(data)
            except ssl.SSLError:
                raise Ended from None

    def send(self, data):
        self._step(lambda: self.tls.write(data), 10)

    def receive(self, seconds):
        return self._step(lambda: self.tls.read(262144), seconds)

    def close(self):
        self.raw.close()


class WebSocket:
    """A websocket over a raw connection or over TLS; frames are masked, and cut small."""

    def __init__(self, below):
        self.below, self.buffer = below, b""
        key = base64.b64encode(b"0123456789abcdef").decode()
        self.below.send(f"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
                        "Sec-WebSocket-Protocol: binary\r\n\r\n".encode())
        while b"\r\n\r\n" not in self.buffer:
            self._more(5)
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        if b" 101 " not in head:
            raise Ended

    def _more(self, seconds):
        data = self.below.receive(seconds)
        if not data:
            raise Ended
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
            self._more(5)
        opcode, data, self.buffer = self.buffer[0] & 15, self.buffer[at:need], self.buffer[need:]
        if opcode == 8:
            raise Ended
        return data if opcode < 8 else self.receive(seconds)

    def close(self):
        self.below.close()


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
        self.kind, self.buffer = kind, b""
        # What is there is closed also when the fault comes in the middle of it.
        self.stream = self.raw = Raw(server.tls_port if server.tls else server.port, fault)
        try:
            if server.tls:
                self.stream = Tls(self.raw, server.context)
            if server.websocket:
                self.stream = WebSocket(self.stream)
            self._link(server.password, session)
        except Ended:
            if not self.raw.stalled:
                self.close()
            raise

    def _link(self, password, session):
        caps = CHANNEL_CAPS[self.kind]
        message = struct.pack("<IBBIII", session, self.kind, 0, 1, len(caps), 18)
        message += struct.pack(f"<{1 + len(caps)}I", COMMON_CAPS, *caps)
        self.stream.send(struct.pack("<4sIII", b"REDQ", 2, 2, len(message)) + message)
        _magic, _major, _minor, size = struct.unpack("<4sIII", self.take(16))
        reply = self.take(min(size, 4096))
        if struct.unpack_from("<I", reply)[0] != 0:
            raise Ended
        self.stream.send(struct.pack("<I", AUTH_SPICE))
        self.stream.send(encrypt_ticket(reply[4:166], password))
        if struct.unpack("<I", self.take(4))[0] != 0:
            raise Ended

    def take(self, size, seconds=10):
        end = time.monotonic() + seconds
        while len(self.buffer) < size:
            data = self.stream.receive(max(end - time.monotonic(), 0))
            if not data and time.monotonic() >= end:
                raise Ended
            self.buffer += data
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

    def message(self, seconds=5):
        """One message of the server: (number, body); it answers pings."""
        number, size = struct.unpack("<HI", self.take(6, seconds))
        body = self.take(size)
        if number == 4:
            self.send(3, body[:12])
        return number, body

    def wait_for(self, number, seconds=5):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            got, body = self.message(seconds)
            if got == number:
                return body
        raise Ended

    def drain(self, seconds=0.02):
        """Take what the server has to say, until it is silent for so long."""
        while True:
            if len(self.buffer) < 6:
                data = self.stream.receive(seconds)
                if not data:
                    return
                self.buffer += data
            else:
                self.message()

    def send(self, number, body=b""):
        self.stream.send(struct.pack("<HI", number, len(body)) + body)

    def close(self):
        self.raw.close()


def agent_message(number, body):
    return struct.pack("<IIQI", 1, number, 0, len(body)) + body


def play(channel):
    """What a client says on a channel; every kind of message that this issue's server takes from it."""
    send = channel.send
    if channel.kind == MAIN:
        send(104)
        send(105, struct.pack("<H", 2))
        send(106, struct.pack("<I", 10))
        send(107, agent_message(6, struct.pack("<II", 1, 0x7FF)))
        send(107, agent_message(2, struct.pack("<II5I", 1, 0, 600, 800, 32, 0, 0)))
        grab = agent_message(7, struct.pack("<4xI", 1))
        send(107, grab[:22])
        send(107, grab[22:])
        send(108, struct.pack("<I", 5))
        send(105, struct.pack("<H", 1))
        channel.drain()
    elif channel.kind == DISPLAY:
        send(101, struct.pack("<BqBi", 1, 4 << 20, 1, 4 << 20))
        send(103, b"\x05")
        generation = channel.wait_for(3)
        send(1, generation[:4])
        channel.drain()
        for _ in range(3):
            send(2)
        send(102, struct.pack("<IIIIIIiI", 0, 1, 2, 3, 4, 5, 6, 7))
        send(105, b"\x02\x01\x02")
    elif channel.kind == INPUTS:
        channel.wait_for(101)
        send(101, struct.pack("<I", 0x1E))
        send(102, struct.pack("<I", 0x9E))
        send(104, b"\x1e\x9e\xe0\x48\xe0\xc8")
        send(103, struct.pack("<H", 4))
        send(111, struct.pack("<iiH", 5, -5, 0))
        send(112, struct.pack("<IIHB", 100, 100, 0, 0))
        send(113, struct.pack("<BH", 1, 1))
        send(114, struct.pack("<BH", 1, 0))
    else:
        generation = channel.wait_for(3)
        send(1, generation[:4])
        send(2)
    send(6, struct.pack("<QI", 0, 0))
    channel.drain()
