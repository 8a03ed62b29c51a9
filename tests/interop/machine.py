# SPDX-License-Identifier: LGPL-2.1-or-later
"""Virtual machines of stock QEMU for tests, the programs under test, and TAP."""
import json
import os
import re
import select
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

INSTALLER = "/usr/lib/debian-installer/images/12/amd64/gtk/debian-installer/amd64"
PASSWORD = "one-time"


def assemble(*parts):
    """Bytes from bytes, ":label", and (opcode, "label") short jumps."""
    labels, size = {}, 0
    for part in parts:
        if isinstance(part, str):
            labels[part[1:]] = size
        else:
            size += 2 if isinstance(part, tuple) else len(part)
    code = b""
    for part in parts:
        if isinstance(part, bytes):
            code += part
        elif isinstance(part, tuple):
            code += bytes([part[0], (labels[part[1]] - len(code) - 2) & 0xFF])
    return code


def boot_sector():
    """A guest of 512 bytes: half gradients, half noise in VGA mode 13h, and it prints the keys that it gets.

    It is there in a second, has a picture at rest, and every codec gets something to do."""
    code = assemble(
        b"\x31\xc0\x8e\xd8\x8e\xd0\xbc\x00\x7c",  # ds = ss = 0, sp = 0x7c00
        b"\xb8\x13\x00\xcd\x10",                  # mode 13h: 320 x 200, 256 colours
        b"\xb8\x00\xa0\x8e\xc0\x31\xff\xbb\x01\x00",  # es:di = the picture, bx = 1
        ":pixel",
        b"\x89\xf8\x31\xd2\xb9\x40\x01\xf7\xf1",  # ax = di / 320 (row), dx = column
        b"\x83\xf8\x64", (0x72, "gradient"),      # row < 100
        b"\x69\xdb\x55\x62\x81\xc3\x19\x36\x88\xf8", (0xEB, "store"),  # bx = bx * 25173 + 13849, al = bh
        ":gradient", b"\x30\xd0",                 # al ^= dl
        ":store", b"\xaa\x81\xff\x00\xfa", (0x75, "pixel"),
        ":key", b"\x31\xc0\xcd\x16\xb4\x0e\xbb\x0f\x00\xcd\x10", (0xEB, "key"))  # wait for a key, print it
    return code.ljust(510, b"\0") + b"\x55\xaa"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def make_certificates(folder):
    """A CA and a server certificate for localhost, as QEMU's x509-dir wants them; and another CA."""
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    for name in ("ca", "other-ca"):
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/C=IL/O=Test/CN={name}",
                "-keyout", f"{name}-key.pem", "-out", f"{name}-cert.pem")
    with open(os.path.join(folder, "server.ext"), "w") as f:
        f.write("subjectAltName=DNS:localhost\n")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/C=IL/O=Test/CN=server",
            "-keyout", "server-key.pem", "-out", "server.csr")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca-cert.pem", "-CAkey", "ca-key.pem", "-CAcreateserial",
            "-days", "2", "-extfile", "server.ext", "-out", "server-cert.pem")


# The folder of the libspice-server.so.1 that QEMU runs on; not set: the one that is installed.
SERVER_LIBRARY = os.environ.get("SPICE_SERVER_LIBRARY", "")


EXPECTED = re.compile(r"reset by peer|[Bb]roken pipe|decrypt|modulus|SSL_accept|SSL routines|[Pp]assword|[Tt]icket")


class Machine:
    """A guest in QEMU: `with Machine(folder, ...) as m`. SPICE by TCP and TLS, or by a Unix socket.

    With a state, that save_state() of a machine with the same guest has written, the guest goes on from there; with
    incoming, it waits for one that another machine sends to m.incoming. It runs on the server library of the
    environment, or on the one in the folder library ("": the installed one).
    What QEMU and its libraries say on standard error is in the file m.words."""

    devices = ["-device", "qxl-vga", "-device", "qemu-xhci", "-device", "usb-tablet"]

    def __init__(self, folder, compression="auto_glz", unix=False, guest="boot", name="test guest", state=None,
                 spice="", incoming=False, library=SERVER_LIBRARY):
        self.folder, self.unix, self.state = folder, unix, state
        self.qmp_path = os.path.join(folder, f"qmp-{os.getpid()}-{free_port()}")
        self.words = self.qmp_path + ".words"
        options = [f"password-secret=ticket,image-compression={compression}"] + ([spice] if spice else [])
        if unix:
            self.path = self.qmp_path + ".spice"
            options.append(f"unix=on,addr={self.path}")
            self.uri = f"spice+unix://{self.path}"
        else:
            self.port, self.tls_port = free_port(), free_port()
            options.append(f"addr=127.0.0.1,port={self.port},tls-port={self.tls_port},x509-dir={folder}")
            self.uri = f"spice://127.0.0.1:{self.port}"
            self.tls_uri = f"spice+tls://localhost:{self.tls_port}"
        command = ["qemu-system-x86_64", "-name", name, "-accel", "tcg", "-nodefaults", "-display", "none",
                   "-vga", "none", *self.devices,
                   "-object", f"secret,id=ticket,data={PASSWORD}", "-spice", ",".join(options),
                   "-qmp", f"unix:{self.qmp_path},server=on,wait=off", *self.guest(guest)]
        if state:
            command += ["-incoming", f"exec:cat {shlex.quote(state)}"]
        if incoming:
            self.incoming = f"tcp:127.0.0.1:{free_port()}"
            command += ["-incoming", self.incoming]
        environment = dict(os.environ)
        environment.pop("LD_LIBRARY_PATH", None)  # meson's
        if library:
            environment["LD_LIBRARY_PATH"] = library
        with open(self.words, "wb") as words:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=words, env=environment)

    def guest(self, kind):
        """QEMU's arguments for what it boots."""
        if kind == "boot":
            image = os.path.join(self.folder, "boot.img")
            if not os.path.exists(image):  # else another machine is reading it
                with open(image, "wb") as f:
                    f.write(boot_sector().ljust(1474560, b"\0"))
            return ["-m", "64", "-drive", f"file={image},format=raw,if=floppy,readonly=on"]
        return ["-m", "1024", "-kernel", f"{INSTALLER}/linux", "-initrd", f"{INSTALLER}/initrd.gz",
                "-append", "vga=788 --- quiet"]

    def __enter__(self):
        end = time.monotonic() + 30
        while True:
            if self.process.poll() is not None:
                raise RuntimeError(f"QEMU ended with status {self.process.returncode}: {self.said()}")
            try:
                self.socket = socket.socket(socket.AF_UNIX)
                self.socket.connect(self.qmp_path)
                break
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)
        self.file = self.socket.makefile("rw")
        self.file.readline()
        self.qmp("qmp_capabilities")
        if self.state and not wait_until(lambda: self.qmp("query-status")["status"] == "running", 120):
            raise RuntimeError("the saved guest doesn't go on")
        return self

    def __exit__(self, *error):
        try:
            self.file.close()
        except OSError:
            pass  # QEMU has ended already, with words of ours under way
        self.socket.close()
        self.process.kill()
        self.process.wait()
        for line in self.said().splitlines():
            print(f"# QEMU: {line}", flush=True)

    def said(self):
        """What QEMU and its libraries have said so far."""
        with open(self.words, errors="replace") as f:
            return f.read()

    def complaints(self):
        """The lines in which the server library warns or worse. What may be told of: a client that goes away without
        a word, and a ticket that is wrong (spice-html5 sometimes gets it wrong)."""
        return "\n".join(line for line in self.said().splitlines()
                         if ("Spice" in line or "CRITICAL" in line or "ERROR" in line) and not EXPECTED.search(line))

    def library(self):
        """The file of the server library that QEMU has loaded."""
        with open(f"/proc/{self.process.pid}/maps") as f:
            return next((line.split()[-1] for line in f if "libspice-server" in line), None)

    def qmp(self, command, **arguments):
        self.file.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.file.flush()
        while True:
            answer = json.loads(self.file.readline())
            if "error" in answer:
                raise RuntimeError(f"{command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]

    def save_state(self, path):
        """Write the whole guest to a file; it stands still from then on."""
        self.qmp("migrate", uri=f"exec:cat > {shlex.quote(path)}")
        if not wait_until(lambda: self.qmp("query-migrate").get("status") in ("completed", "failed"), 300) or \
                self.qmp("query-migrate")["status"] != "completed":
            raise RuntimeError("the guest can't be saved")

    def press(self, key):
        """A key that comes from QEMU itself, not from a client."""
        self.qmp("send-key", keys=[{"type": "qcode", "data": key}])

    def has_client(self, kind=2):
        """A client has opened its display channel, or a channel of another kind."""
        return any(channel["channel-type"] == kind for channel in self.qmp("query-spice").get("channels", []))

    def memory(self, address, size):
        """Bytes of the guest's memory."""
        said = self.qmp("human-monitor-command", **{"command-line": f"xp /{size}bx {address:#x}"})
        return [int(byte, 16) for byte in re.findall(r"\b0x[0-9a-f]{2}\b", said)]

    def screendump(self):
        """QEMU's own picture: (width, height, RGB bytes)."""
        path = os.path.join(self.folder, "screendump.ppm")
        self.qmp("screendump", filename=path)
        return read_ppm(path)


def read_ppm(path):
    with open(path, "rb") as f:
        data = f.read()
    magic, width, height, depth, pixels = data.split(None, 4) if data[:2] != b"P6" else _split(data)
    width, height = int(width), int(height)
    # QEMU 7.2's screendump writes the padding of its rows, too, where the width is no multiple of 4.
    padded = (width * 3 + 3) // 4 * 4
    if padded != width * 3 and len(pixels) == padded * height:
        pixels = b"".join(pixels[y * padded:y * padded + width * 3] for y in range(height))
    return width, height, pixels


def _split(data):
    # Pixels may begin with a byte that looks like a space, so exactly one is cut off behind the header.
    fields, at = [], 0
    while len(fields) < 4:
        start = at
        while data[at:at + 1] not in (b" ", b"\n", b"\t"):
            at += 1
        fields.append(data[start:at])
        at += 1
    return (*fields, data[at:])


def differing_pixels(a, b):
    if a[:2] != b[:2]:
        return f"{a[0]} x {a[1]} and {b[0]} x {b[1]}"
    return sum(a[2][i:i + 3] != b[2][i:i + 3] for i in range(0, len(a[2]), 3)) if a[2] != b[2] else 0


class Cli:
    """spice-cli with a password; run() gives (status, output)."""

    def __init__(self, program, folder):
        self.program, self.folder = program, folder

    def start(self, *arguments):
        """The same in the background: a process."""
        return subprocess.Popen([self.program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                env={**os.environ, "SPICE_PASSWORD": PASSWORD, "LC_ALL": "C.UTF-8"})

    def run(self, *arguments, password=PASSWORD, timeout=600):
        environment = {**os.environ, "SPICE_PASSWORD": password, "LC_ALL": "C.UTF-8"}
        if password is None:
            del environment["SPICE_PASSWORD"]
        done = subprocess.run([self.program, *arguments], capture_output=True, text=True, timeout=timeout,
                              env=environment)
        return done.returncode, done.stdout + done.stderr

    def screenshot(self, uri, *options):
        path = os.path.join(self.folder, "screenshot.ppm")
        status, output = self.run("screenshot", "--graphics", *options, uri, path)
        if status:
            raise RuntimeError(f"spice-cli screenshot: {status}: {output}")
        return read_ppm(path)


class Display:
    """An X display of its own for a viewer, with a window manager if there is one. Its keys don't repeat: where all is
    slow, each press would be a long one."""

    def __init__(self, size="1280x900"):
        read_end, write_end = os.pipe()
        self.xvfb = subprocess.Popen(["Xvfb", "-displayfd", str(write_end), "-screen", "0", f"{size}x24",
                                      "-nolisten", "tcp", "-r"], pass_fds=[write_end], stderr=subprocess.DEVNULL)
        os.close(write_end)
        with os.fdopen(read_end) as f:
            ready, _, _ = select.select([f], [], [], 60)
            number = f.readline().strip() if ready else ""
        if not number:
            self.xvfb.kill()
            raise RuntimeError("Xvfb did not start")
        self.home = tempfile.mkdtemp()
        self.environment = {**os.environ, "DISPLAY": f":{number}", "HOME": self.home, "GDK_BACKEND": "x11",
                            "NO_AT_BRIDGE": "1", "GTK_THEME": "Adwaita", "XDG_CONFIG_HOME": self.home + "/config",
                            "XDG_DATA_HOME": self.home + "/data", "GSETTINGS_BACKEND": "memory"}
        self.environment.pop("WAYLAND_DISPLAY", None)
        self.manager = None
        if shutil.which("openbox"):
            self.manager = subprocess.Popen(["openbox"], env=self.environment, stdout=subprocess.DEVNULL,
                                            stderr=subprocess.DEVNULL)

    def close(self):
        for process in (self.manager, self.xvfb):
            if process:
                process.terminate()
                try:
                    process.wait(5)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        shutil.rmtree(self.home, ignore_errors=True)

    def xdotool(self, *arguments, check=True):
        return subprocess.run(["xdotool", *arguments], env=self.environment, check=check, text=True,
                              capture_output=True, timeout=60).stdout.strip()

    def titles(self):
        found = []
        for window in self.xdotool("search", "--onlyvisible", "--name", ".", check=False).split():
            found.append(self.xdotool("getwindowname", window, check=False))
        return found

    def wait_for_title(self, words, seconds=30):
        return wait_until(lambda: any(words in title for title in self.titles()), seconds)


def wait_until(condition, seconds=30):
    """Poll, as a person looks; True as soon as it holds."""
    end = time.monotonic() + seconds
    while True:
        if condition():
            return True
        if time.monotonic() > end:
            return False
        time.sleep(0.2)


class Tap:
    """Counts and prints."""

    def __init__(self):
        self.count, self.failed = 0, 0

    def check(self, ok, name, detail=""):
        self.count += 1
        self.failed += not ok
        print(f"{'ok' if ok else 'not ok'} {self.count} - {name}", flush=True)
        if not ok and detail:
            print("".join(f"# {line}\n" for line in str(detail).splitlines()), end="", flush=True)
        return ok

    def done(self):
        print(f"1..{self.count}", flush=True)
        sys.exit(1 if self.failed or not self.count else 0)


def end_with_parent():
    """Kill what we have started when the test is stopped from outside."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
