# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the comparisons share: starting the host and the client, and tables of ratios."""
import lzma, os, shutil, socket, statistics, subprocess, sys, threading

COMPRESSIONS = ['off', 'auto-glz', 'auto-lz', 'quic', 'glz', 'lz', 'lz4']
# Where the session stands when the client connects: a desktop is on the screen.
PREFEED = 1500
# A place that the recorded desktop hardly ever draws; replay-host has the same numbers.
MARK_PLACE = ['1008', '0']


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def unpack(build):
    """The recorded desktop session, unpacked once."""
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'workloads', 'desktop.qxl.xz')
    target = os.path.join(build, 'bench', 'desktop.qxl')
    if not os.path.exists(target):
        with lzma.open(source) as packed, open(target + '.part', 'wb') as out:
            shutil.copyfileobj(packed, out)
        os.rename(target + '.part', target)
    return target


def environment(library_path):
    """library_path: where the loader looks first, or None for the deployed libraries."""
    plain = dict(os.environ, G_MESSAGES_DEBUG='')
    if library_path:
        plain['LD_LIBRARY_PATH'] = library_path
    return plain


class Process:
    """A program of the benchmark that talks in lines. One that stalls is killed and named, instead of stopping everything."""

    def __init__(self, arguments, library_path=None, seconds=120):
        self.name = os.path.basename(arguments[0])
        self.lines = []
        self.process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        text=True, env=environment(library_path))
        self.watchdog = threading.Timer(seconds, self.stalled, [library_path])
        self.watchdog.daemon = True
        self.watchdog.start()

    def stalled(self, library_path):
        print('stalled: %s, %s library' % (self.name, 'our' if library_path else 'stock'), file=sys.stderr)
        self.process.kill()

    def wait_for(self, word):
        for line in self.process.stdout:
            self.lines.append(line)
            if line.startswith(word):
                return line
        sys.exit('%s ended before it said "%s"' % (self.name, word))

    def finish(self, text=''):
        """Write a last line, close the input, and wait; returns the words of the last line as a dictionary."""
        try:
            self.process.stdin.write(text)
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        self.lines += self.process.stdout
        self.process.wait(timeout=60)
        self.watchdog.cancel()
        words = self.lines[-1].split() if self.lines else []
        if words and words[0] == 'end':
            words = words[1:]
        if self.process.returncode or len(words) < 4:
            sys.exit('%s failed: %s' % (self.name, self.lines[-1:] or 'it said nothing'))
        return {key: value if key == 'hash' else float(value) for key, value in zip(words[::2], words[1::2])}

    def numbers(self, word):
        """The numbers behind a word, of each line that begins with it."""
        return [[int(n) for n in line.split()[1:]] for line in self.lines if line.startswith(word + ' ')]


def replay_host(build, port, library_path, *arguments, program='replay-host'):
    return Process([os.path.join(build, 'bench', program), '-p', str(port), *arguments, unpack(build)], library_path)


def drain_client(build, port, library_path, *arguments):
    return Process([os.path.join(build, 'bench', 'drain-client'), 'spice://127.0.0.1:%d' % port, *arguments], library_path)


def pairs(runs, one_run):
    """Run stock and ours in turn, beginning with another one each time; two lists of what one_run(ours: bool) returns."""
    stock, ours = [], []
    for turn in range(runs):
        for is_ours in ((False, True) if turn % 2 == 0 else (True, False)):
            (ours if is_ours else stock).append(one_run(is_ours))
    return stock, ours


def median(rows, key):
    return statistics.median(row[key] for row in rows)


def cell(ours, stock, unit, most=None):
    """`0.75  3/4 s`, with '!' before a ratio above its limit; and whether it keeps the limit."""
    ratio = ours / stock if stock else float('inf')
    fine = most is None or ratio <= most
    return '%24s' % ('%s%.2f  %.3g/%.3g %s' % ('' if fine else '! ', ratio, ours, stock, unit)), fine


def same_picture(rows):
    return len({row['hash'] for row in rows}) == 1 and rows[0]['hash'] != 'none'
