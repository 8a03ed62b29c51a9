# SPDX-License-Identifier: LGPL-2.1-or-later
"""Clients of others, looked at from outside: stock remote-viewer, stock spicy-screenshot, spice-html5 in Chromium."""
import base64
import functools
import http.server
import json
import os
import shutil
import struct
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request

from machine import PASSWORD, Display, free_port, read_ppm, wait_until

HTML5 = "/usr/share/spice-html5"


def stock_environment(environment=os.environ):
    """Where the client libraries are the installed ones, whatever a test was started with."""
    return {key: value for key, value in environment.items() if key not in ("LD_LIBRARY_PATH", "LD_PRELOAD")}


def place_of(part, whole):
    """Where a picture is in another one, pixel by pixel: (x, y), or None."""
    width, height, pixels = part
    rows = [pixels[y * width * 3:(y + 1) * width * 3] for y in range(height)]
    # The row with the most to tell: others may be all background.
    key = max(range(height), key=lambda y: len(set(rows[y][i:i + 3] for i in range(0, width * 3, 3))))
    for y in range(key, whole[1] - (height - key) + 1):
        line = whole[2][y * whole[0] * 3:(y + 1) * whole[0] * 3]
        at = line.find(rows[key])
        while at >= 0:
            if at % 3 == 0 and all(
                    whole[2].startswith(rows[i], ((y - key + i) * whole[0]) * 3 + at) for i in range(height)):
                return at // 3, y - key
            at = line.find(rows[key], at + 1)
    return None


class RemoteViewer:
    """Stock remote-viewer in an X display of its own."""

    def __init__(self, machine, *options, size="1400x1000"):
        self.display = Display(size)
        self.folder = tempfile.mkdtemp()
        path = os.path.join(self.folder, "guest.vv")
        with open(path, "w") as f:
            f.write(f"[virt-viewer]\ntype=spice\nhost=127.0.0.1\nport={machine.port}\npassword={PASSWORD}\n"
                    f"title=The guest\nfullscreen=0\n")
        self.words = open(os.path.join(self.folder, "words"), "w+")
        # With a session bus: GTK's clipboard and settings want one.
        launcher = ["dbus-run-session", "--"] if shutil.which("dbus-run-session") else []
        self.process = subprocess.Popen([*launcher, "remote-viewer", "--spice-disable-audio", *options, path], stdin=subprocess.DEVNULL,
                                        stdout=self.words, stderr=self.words,
                                        env=stock_environment(self.display.environment))

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.display.close()
        self.words.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def said(self):
        self.words.seek(0)
        return self.words.read()

    def screen(self):
        """The whole screen of its X display: (width, height, RGB bytes)."""
        # xwd asks about each window on the screen, and fails with BadWindow when one goes away meanwhile.
        for _ in range(20):
            done = subprocess.run(["xwd", "-root", "-silent"], env=self.display.environment, capture_output=True)
            if not done.returncode:
                break
            time.sleep(0.1)
        else:
            raise RuntimeError(f"xwd: {done.returncode}: {done.stderr.decode(errors='replace')}")
        data = done.stdout
        header = struct.unpack(">25I", data[:100])
        size, width, height, step, row, colours = (header[i] for i in (0, 4, 5, 11, 12, 19))
        pixels, step = data[size + 12 * colours:], step // 8
        out = bytearray(width * height * 3)
        for channel in range(3):
            for y in range(height):
                out[y * width * 3 + channel:(y + 1) * width * 3:3] = pixels[y * row + 2 - channel:y * row + width * step:step]
        return width, height, bytes(out)

    def place(self, picture):
        return place_of(picture, self.screen())

    def shows(self, machine, seconds=40):
        """It shows, pixel by pixel, what QEMU says that the guest shows; where, or None."""
        found = []

        def look():
            if self.process.poll() is not None:
                return True
            place = self.place(machine.screendump())
            if place:
                found.append(place)
            return place is not None
        wait_until(look, seconds)
        return found[0] if found else None

    def focus(self, place, x=5, y=5):
        """Put the pointer over a pixel of the guest, so that keys go there."""
        self.display.xdotool("mousemove", str(place[0] + x - 1), str(place[1] + y), "mousemove",
                             str(place[0] + x), str(place[1] + y), "sleep", "0.7")

    def type(self, text):
        self.display.xdotool("type", "--delay", "80", text)

    def resize(self, width, height):
        """Give its window another size."""
        window = self.display.xdotool("search", "--onlyvisible", "--name", "The guest").split()[-1]
        self.display.xdotool("windowsize", "--sync", window, str(width), str(height))

    def copy(self, text):
        """Put a text into its display's clipboard, as another program does."""
        subprocess.run(["xclip", "-i", "-selection", "clipboard"], input=text.encode(), env=self.display.environment,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True, timeout=20)

    def paste(self):
        """What another program gets from its display's clipboard."""
        try:
            return subprocess.run(["xclip", "-o", "-selection", "clipboard"], env=self.display.environment, timeout=10,
                                  capture_output=True).stdout.decode(errors="replace")
        except subprocess.TimeoutExpired:
            return ""

    def key(self, *names):
        self.display.xdotool("key", "--delay", "80", *names)


def spicy_screenshot(machine, folder, timeout=60):
    """What stock spicy-screenshot saves: a picture."""
    path = os.path.join(folder, "spicy.ppm")
    if os.path.exists(path):
        os.unlink(path)
    done = subprocess.run(["spicy-screenshot", "-h", "127.0.0.1", "-p", str(machine.port), "-w", PASSWORD, "-o", path],
                          capture_output=True, text=True, timeout=timeout, env=stock_environment())
    if done.returncode or not os.path.exists(path):
        raise RuntimeError(f"spicy-screenshot: {done.returncode}: {done.stdout}{done.stderr}")
    return read_ppm(path)


class Html5:
    """The page of spice-html5 in headless Chromium, by WebDriver. One browser serves many connections."""

    def __init__(self):
        self.folder = tempfile.mkdtemp()
        handler = type("Handler", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(handler, directory=HTML5))
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        port = free_port()
        self.driver = subprocess.Popen(["chromedriver", f"--port={port}"], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL, env=stock_environment({**os.environ, "HOME": self.folder}))
        self.base = f"http://127.0.0.1:{port}"
        if not wait_until(self._ready, 60):
            raise RuntimeError("chromedriver did not start")
        arguments = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
                     "--disable-background-networking", "--disable-component-update", "--window-size=1300,1000",
                     "--force-device-scale-factor=1", f"--user-data-dir={self.folder}/profile"]
        session = self._call("/session", {"capabilities": {"alwaysMatch": {"goog:chromeOptions": {
            "args": arguments, "binary": "/usr/bin/chromium"}, "goog:loggingPrefs": {"browser": "ALL"}}}})
        self.session = f"/session/{session['sessionId']}"

    def _ready(self):
        try:
            return self._call("/status")["ready"]
        except (OSError, RuntimeError):
            return False

    def _call(self, path, body=None, method=None):
        request = urllib.request.Request(self.base + path, method=method or ("POST" if body is not None else "GET"),
                                         data=json.dumps(body).encode() if body is not None else None,
                                         headers={"Content-Type": "application/json"})
        try:
            # Straight to loopback, whatever proxy the machine has.
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=120) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"chromedriver: {error.read().decode(errors='replace')[:500]}") from None

    def __enter__(self):
        return self

    def __exit__(self, *error):
        try:
            self._call(self.session, method="DELETE")
        except (OSError, RuntimeError):
            pass
        self.driver.terminate()
        self.driver.wait()
        self.server.shutdown()
        shutil.rmtree(self.folder, ignore_errors=True)

    def script(self, text, *arguments):
        return self._call(self.session + "/execute/sync", {"script": text, "args": list(arguments)})

    def connect(self, port, password=PASSWORD):
        """Fill in the page's form and press its button, as a person does; again when it was told that the password is
        wrong: one time in some, the page encrypts it to a number that is larger than the key's modulus."""
        for _ in range(6):
            self._try(port, password)
            if not wait_until(lambda: self.picture() or "Permission denied" in self.log(), 20) or self.picture():
                return

    def _try(self, port, password):
        self._call(self.session + "/url", {"url": f"http://127.0.0.1:{self.server.server_port}/spice.html"})
        self.script("document.getElementById('host').value = '127.0.0.1';"
                    "document.getElementById('port').value = arguments[0];"
                    "document.getElementById('password').value = arguments[1];", str(port), password)
        # The form is in a folded panel: the button is there, but a pointer can't reach it.
        self.log()
        self.script("document.getElementById('connectButton').click();")

    def picture(self):
        """The pixels of its canvas, or None while there is none."""
        found = self.script("""
            var canvas = document.querySelector('#spice-screen canvas');
            if (!canvas || !canvas.width) return null;
            var data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
            var parts = [];
            for (var at = 0; at < data.length; at += 32768)
                parts.push(String.fromCharCode.apply(null, data.subarray(at, at + 32768)));
            return [canvas.width, canvas.height, btoa(parts.join(''))];""")
        if not found:
            return None
        data, out = base64.b64decode(found[2]), bytearray(found[0] * found[1] * 3)
        for channel in range(3):
            out[channel::3] = data[channel::4]
        return found[0], found[1], bytes(out)

    def shows(self, machine, seconds=60):
        return wait_until(lambda: self.picture() == machine.screendump(), seconds)

    def said(self):
        """What the page says, and what is in the browser's log."""
        return self.script("return document.body.innerText") + self.log()

    def log(self):
        """What is new in the browser's log."""
        return "\n".join(entry["message"] for entry in self._call(self.session + "/se/log", {"type": "browser"})[-20:])

    def type(self, text):
        """Keys, one after the other, to what has the focus."""
        actions = []
        for letter in text:
            actions += [{"type": "keyDown", "value": letter}, {"type": "pause", "duration": 60},
                        {"type": "keyUp", "value": letter}, {"type": "pause", "duration": 40}]
        self._call(self.session + "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})
