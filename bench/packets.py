# SPDX-License-Identifier: LGPL-2.1-or-later
"""When the bytes of marks left a server, by the kernel's own times of its packets: what a client does with them isn't in it.
Nothing runs meanwhile: the packets wait in a socket's buffer until the session is over."""
import ctypes, re, socket, struct, time

SO_ATTACH_FILTER, SO_RCVBUFFORCE, SO_TIMESTAMPNS = 26, 33, 35
ETH_P_ALL = 0x0003  # outgoing ones are shown to those who want all
LARGEST = 1 << 16  # of a packet on the loopback device
BUFFER = 1 << 30
MARK = re.compile(rb'(?=(..)\xa5\x00)', re.DOTALL)  # a colour that replay-host draws: 0xa5 and the mark's number


def filter_of(port):
    """Outgoing packets of IPv4 from a TCP port, with a header without options, as the loopback device has them."""
    packet_type = 0xfffff000 + 4  # SKF_AD_OFF + SKF_AD_PKTTYPE
    return [(0x20, 0, 0, packet_type), (0x15, 0, 3, socket.PACKET_OUTGOING),
            (0x28, 0, 0, 20), (0x15, 0, 1, port),
            (0x06, 0, 0, LARGEST), (0x06, 0, 0, 0)]


class Packets:
    """Those that leave a port from now on."""

    def __init__(self, port):
        # no protocol: nothing is received before the filter is there
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
        program = b''.join(struct.pack('HBBI', *line) for line in filter_of(port))
        memory = ctypes.create_string_buffer(program)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER,
                               struct.pack('HP', len(program) // 8, ctypes.addressof(memory)))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.socket.bind(('lo', ETH_P_ALL))
        self.socket.setblocking(False)

    def marks(self):
        """(number, monotonic microseconds) of what looks like a mark, in the order in which it left."""
        found = []
        offset = (time.clock_gettime_ns(time.CLOCK_REALTIME) - time.monotonic_ns()) / 1000
        with self.socket as packets:
            while True:
                try:
                    data, extra, _, _ = packets.recvmsg(LARGEST, 64)
                except BlockingIOError:
                    return found
                seconds, nanoseconds = struct.unpack('qq', extra[0][2])
                at = seconds * 1e6 + nanoseconds / 1e3 - offset
                found += [(struct.unpack('<H', match[1])[0], at) for match in MARK.finditer(data)]


def may_see_packets():
    try:
        Packets(0).socket.close()
    except PermissionError:
        return False
    return True
