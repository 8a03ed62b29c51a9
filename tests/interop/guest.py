# SPDX-License-Identifier: LGPL-2.1-or-later
"""The guests that build-guest makes: they boot in seconds, and run what a test tells them."""
import base64
import os
import socket
import subprocess
import time

from machine import Machine, wait_until

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.environ.get("SPICE_GUEST_FOLDER") or os.path.join(HERE, "..", "..", "build", "guest")


def build():
    """Make the guests if they are not there; a minute and a half."""
    start = time.monotonic()
    done = subprocess.run([os.path.join(HERE, "build-guest"), FOLDER], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"build-guest: {done.stdout}{done.stderr}")
    print(f"# guests built or found in {time.monotonic() - start:.0f} s", flush=True)


class Guest(Machine):
    """A machine with the guest "desktop", "desktop-ums" (the X driver draws by itself, without the kernel's) or "micro".

    Its disk is an overlay in the folder, so that the guest can be saved in it (save(), and saved= of another Guest
    with the same devices). The guest runs commands once ready() is over."""

    def __init__(self, folder, guest="desktop", cards=1, tablet=True, agent=True, saved=None, card="qxl-vga", disk=None,
                 **more):
        self.devices = ["-device", f"{card},id=card0,max_outputs=4"]
        for number in range(1, cards):
            self.devices += ["-device", f"qxl,id=card{number}"]
        self.devices += ["-device", "qemu-xhci,id=usb"] + \
            ["-device", "usb-tablet,id=pointer" if tablet else "usb-mouse,id=pointer"]
        if agent:
            self.devices += ["-device", "virtio-serial-pci", "-chardev", "spicevmc,id=agent,name=vdagent",
                             "-device", "virtserialport,chardev=agent,name=com.redhat.spice.0"]
        self.serial_path = os.path.join(folder, f"serial-{os.getpid()}-{time.monotonic_ns()}")
        self.devices += ["-serial", f"file:{self.serial_path}.console",
                         "-chardev", f"socket,id=commands,path={self.serial_path},server=on,wait=off",
                         "-device", "isa-serial,chardev=commands"]
        self.saved, self.disk, self.serial, self.kind, self.cards = saved, disk, None, guest, cards
        super().__init__(folder, guest=guest, **more)

    def guest(self, kind):
        disk = self.disk or os.path.join(self.folder, "disk.qcow2")
        backing = os.path.realpath(os.path.join(FOLDER, "desktop.img"))
        if not os.path.exists(disk):
            subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", backing, disk], check=True)
        files = [os.path.join(FOLDER, name) for name in
                 ("desktop.kernel", "micro.initrd" if kind == "micro" else "desktop.initrd")]
        options = "console=ttyS0 quiet"
        if kind != "micro":
            options += " root=/dev/vda rw systemd.show_status=0 vt.global_cursor_default=0 fsck.mode=skip"
        if self.cards > 1:
            # The kernel puts a console on each card, so that each has a picture.
            options += " fbcon=map:" + "".join(str(number) for number in range(self.cards))
        if kind == "desktop-ums":
            options += " nomodeset"
        arguments = ["-m", "256" if kind == "micro" else "512", "-kernel", files[0], "-initrd", files[1],
                     "-append", options, "-drive", f"file={disk},format=qcow2,if=virtio,cache=unsafe"]
        return arguments + (["-loadvm", self.saved] if self.saved else [])

    def __enter__(self):
        super().__enter__()
        self.serial = socket.socket(socket.AF_UNIX)
        self.serial.connect(self.serial_path)
        self.input = b""
        return self

    def __exit__(self, *error):
        if self.serial:
            self.serial.close()
        super().__exit__(*error)

    def _line(self, seconds):
        end = time.monotonic() + seconds
        while b"\n" not in self.input:
            self.serial.settimeout(max(end - time.monotonic(), 0.1))
            try:
                piece = self.serial.recv(65536)
            except TimeoutError:
                piece = None
            if piece == b"" or (piece is None and time.monotonic() > end):
                # On a host with much else to do that may be all that is wrong.
                raise RuntimeError(f"the guest doesn't answer; load of the host: {os.getloadavg()}")
            self.input += piece or b""
        line, self.input = self.input.split(b"\n", 1)
        return line.strip()

    def ready(self, seconds=240):
        """Wait until the guest takes commands, and until its desktop is there."""
        while self._line(seconds) != b"ready":
            pass
        if self.kind != "micro" and not wait_until(
                lambda: self.x("xdotool search --onlyvisible --class xterm && pgrep -x spice-vdagentd", seconds)[0] == 0,
                seconds):
            raise RuntimeError("no desktop in the guest: " + self.run("cat /tmp/x.log; ps ax")[1])

    def run(self, script, seconds=120):
        """Run a shell script as the guest's root: (exit status, output)."""
        self.serial.sendall(base64.b64encode(script.encode()) + b"\n")
        while True:
            words = self._line(seconds).split(b" ")
            if words != [b"ready"]:
                break
        return int(words[-1]), base64.b64decode(words[0]).decode(errors="replace") if len(words) > 1 else ""

    def x(self, script, seconds=120):
        """The same as the desktop's user, with the display; what must run on is put in the background with setsid."""
        body = base64.b64encode(script.encode()).decode()
        return self.run(f"echo {body} | base64 -d >/tmp/x.script; "
                        "XAUTHORITY=$(ls -t /tmp/serverauth.* /home/guest/.Xauthority 2>/dev/null | head -n1) "
                        "DISPLAY=:0 setpriv --reuid guest --regid guest --init-groups sh /tmp/x.script", seconds)

    def write(self, path, data, append=False):
        """Put bytes into a file of the guest."""
        body = base64.b64encode(data).decode()
        self.run(f"echo {body} | base64 -d {'>>' if append else '>'}{path}")

    def hmp(self, line):
        """A command of QEMU's human monitor: what it prints."""
        return self.qmp("human-monitor-command", **{"command-line": line}).strip()

    def save(self, name):
        """Save the guest in its disk."""
        words = self.hmp(f"savevm {name}")
        if words:
            raise RuntimeError(f"savevm: {words}")

    def rest(self, seconds=60, still=1.5):
        """The guest's picture once it has not changed for a while."""
        end, last, since = time.monotonic() + seconds, None, time.monotonic()
        while time.monotonic() < end:
            now = self.screendump()
            if now != last:
                last, since = now, time.monotonic()
            elif time.monotonic() - since >= still:
                return now
            time.sleep(0.2)
        raise RuntimeError("the guest's picture doesn't come to rest")
