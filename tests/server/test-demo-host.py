#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The demo host shows the same desktop on every server library, and what is typed into it.
usage: test-demo-host.py DEMO_HOST SPICE_CLI [FOLDER_OF_OUR_LIBRARY]"""
import os, re, socket, subprocess, sys, tempfile, time

demo_host, spice_cli = sys.argv[1:3]
libraries = [('deployed', None)] + [('ours', folder) for folder in sys.argv[3:]]
results = []


def check(ok, name):
    results.append(ok)
    print('%s %d - %s' % ('ok' if ok else 'not ok', len(results), name), flush=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


class Host:
    def __init__(self, folder, *arguments):
        self.port = free_port()
        environment = dict(os.environ)
        if folder:
            environment['LD_LIBRARY_PATH'] = folder
        self.process = subprocess.Popen([demo_host, '-p', str(self.port), '-d', *arguments], env=environment,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.line = self.process.stdout.readline()

    def library(self):
        """The folder that the running host has its library from."""
        with open('/proc/%d/maps' % self.process.pid) as maps:
            return {os.path.dirname(found) for found in re.findall(r'/\S*libspice-server\.so\S*', maps.read())}

    def cli(self, command, *arguments):
        return subprocess.run([spice_cli, command, 'spice://127.0.0.1:%d' % self.port, *arguments],
                              stdout=subprocess.DEVNULL, timeout=60).returncode == 0

    def wait(self):
        try:
            return self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return None

    def kill(self):
        self.process.kill()
        self.process.wait()


pictures = {}
with tempfile.TemporaryDirectory() as folder:
    for name, path in libraries:
        host = Host(path, '-n', '300', '-f', '0')
        check(host.line == 'listening on 127.0.0.1, port %d\n' % host.port, '%s: says where it listens' % name)
        check(host.wait() == 0, '%s: ends after its drawings when no client is there' % name)

        host = Host(path, '-n', '400', '-f', '0', '--wait')
        check((path in host.library()) == bool(path), '%s: this library is in use' % name)
        picture = os.path.join(folder, name + '.png')
        check(host.cli('screenshot', picture), '%s: a screenshot at rest' % name)
        check(host.wait() == 0, '%s: ends when the last client has gone' % name)
        with open(picture, 'rb') as file:
            pictures[name] = file.read()

        shots = []
        for turn in range(2):
            host = Host(path, '-n', '400', '-f', '20', '--wait')
            check(host.cli('type', 'spice'), '%s: typing' % name)
            shots.append(os.path.join(folder, '%s-%d.png' % (name, turn)))
            check(host.cli('screenshot', shots[-1]), '%s: a screenshot after typing' % name)
            host.kill()
        shots = [open(shot, 'rb').read() for shot in shots]
        check(shots[0] == shots[1] != pictures[name], '%s: what is typed appears' % name)
    check(len(set(pictures.values())) == 1, 'the picture is the same on every library')
print('1..%d' % len(results))
sys.exit(not all(results))
