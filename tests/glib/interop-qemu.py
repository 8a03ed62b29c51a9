#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The library, through its introspection, against stock QEMU and the stock server library: password, wrong password, Unix socket,
keys and mouse, orders of emission. Exit status 77 when something that it needs isn't there.

usage: interop-qemu.py FOLDER_OF_LIBRARY_AND_TYPELIB"""
import gc, os, shutil, socket, subprocess, sys, tempfile, time

build = os.path.abspath(sys.argv[1])
qemu = shutil.which('qemu-system-x86_64')
if os.environ.get('GI_TYPELIB_PATH') != build:
    python = '/usr/bin/python3' if os.path.exists('/usr/bin/python3') else sys.executable
    libraries = ':'.join(filter(None, [build, os.environ.get('LD_LIBRARY_PATH')]))
    os.execve(python, [python] + sys.argv, dict(os.environ, GI_TYPELIB_PATH=build, LD_LIBRARY_PATH=libraries))
try:
    import gi
    gi.require_version('SpiceClientGLib', '2.0')
    from gi.repository import GLib, GObject, SpiceClientGLib as Spice
except (ImportError, ValueError) as error:
    print('skipped:', error)
    sys.exit(77)
if not qemu:
    print('skipped: no qemu-system-x86_64')
    sys.exit(77)

names = {1: 'main', 2: 'display', 3: 'inputs', 4: 'cursor'}
folder = tempfile.mkdtemp(prefix='spice-test-')
number = 0


def check(what, ok, details=''):
    global number
    number += 1
    print('%sok %d - %s' % ('' if ok else 'not ', number, what))
    if not ok:
        print('# ' + str(details).replace('\n', '\n# '))
        raise SystemExit(1)


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


class Guest:
    """QEMU without an operating system: firmware messages on a QXL screen."""

    def __init__(self, spice):
        self.process = subprocess.Popen(
            [qemu, '-accel', 'tcg', '-display', 'none', '-vga', 'qxl', '-m', '32', '-name', 'interop', '-monitor', 'none',
             '-uuid', '00112233-4455-6677-8899-aabbccddeeff', '-object', 'secret,id=pw,data=s3cret', '-spice',
             spice + ',password-secret=pw'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def wait_for(self, family, address):
        for _ in range(200):
            with socket.socket(family) as s:
                if s.connect_ex(address) == 0:
                    return
            time.sleep(0.1)
        raise SystemExit('QEMU does not listen')

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Client:
    def __init__(self, **properties):
        self.lines, self.error = [], None
        self.session = Spice.Session()
        for name, value in properties.items():
            self.session.set_property(name.replace('_', '-'), value)
        GObject.Object.connect(self.session, 'channel-new', self.on_new)
        GObject.Object.connect(self.session, 'disconnected', lambda *a: self.lines.append('disconnected'))
        self.channels = {}

    def on_new(self, session, channel):
        name = names[channel.get_property('channel-type')]
        self.channels[name] = channel
        self.lines.append('new ' + name)
        GObject.Object.connect(channel, 'channel-event', self.on_event, name)
        if name == 'inputs':
            GObject.Object.connect(channel, 'inputs-modifiers', lambda *a: self.lines.append('inputs modifiers'))
        if name == 'display':
            GObject.Object.connect(channel, 'display-primary-create', lambda c, f, w, h, *a: self.lines.append('display primary'))
        if name != 'main':
            channel.connect()

    def on_event(self, channel, event, name):
        self.lines.append('%s %s' % (name, event.value_nick))
        if channel.get_error():
            self.error = channel.get_error().message

    def wait(self, line, seconds=30):
        loop, end = GLib.MainContext.default(), time.monotonic() + seconds
        tick = GLib.timeout_add(20, lambda: True)
        while line not in self.lines and time.monotonic() < end:
            loop.iteration(True)
        GLib.source_remove(tick)
        check('"%s"' % line, line in self.lines, self.lines)

    def close(self):
        self.session.disconnect()
        self.channels.clear()
        gc.collect()
        self.wait('disconnected')


port = free_port()
guest = Guest('port=%d,addr=127.0.0.1' % port)
try:
    guest.wait_for(socket.AF_INET, ('127.0.0.1', port))

    client = Client(host='127.0.0.1', port=str(port), password='wrong')
    check('connect', client.session.connect())
    client.wait('main error-auth')
    check('words of a wrong password', client.error == 'Authentication failed: wrong password?', client.error)
    client.session.set_property('password', 's3cret')
    check('connect again', client.session.connect())
    client.wait('main opened')
    client.wait('inputs modifiers')
    client.wait('display primary')
    check('name', client.session.get_property('name') == 'interop', client.session.get_property('name'))
    check('mouse mode', client.channels['main'].get_property('mouse-mode') in (1, 2))
    inputs = client.channels['inputs']
    for _ in range(40):
        inputs.motion(1, 1, 0)
    inputs.button_press(1, 0)
    inputs.button_release(1, 0)
    inputs.key_press_and_release(0x1c)
    flushed = []
    inputs.flush_async(None, lambda c, result: flushed.append(c.flush_finish(result)))
    while not flushed:
        GLib.MainContext.default().iteration(True)
    check('everything is sent', flushed == [True])
    check('no channel has failed', not [l for l in client.lines if 'closed' in l or 'error-' in l and 'auth' not in l], client.lines)
    del inputs  # "disconnected" waits for the last reference
    client.close()

    view = Client(host='127.0.0.1', port=str(port), password='s3cret', read_only=True)
    view.session.connect()
    view.wait('inputs modifiers')
    view.channels['inputs'].key_press(0x1c)
    view.close()

    lost = Client(host='127.0.0.1', port=str(port), password='s3cret')
    lost.session.connect()
    lost.wait('inputs modifiers')
    guest.stop()
    lost.wait('main closed')
    lost.wait('inputs closed')
    lost.close()
finally:
    guest.stop()

path = os.path.join(folder, 'socket')
guest = Guest('unix=on,addr=' + path)
try:
    guest.wait_for(socket.AF_UNIX, path)
    client = Client(uri='spice+unix://' + path, password='s3cret')
    client.session.connect()
    client.wait('inputs modifiers')
    client.wait('display primary')
    client.close()
finally:
    guest.stop()
    shutil.rmtree(folder)
print('1..%d' % number)
