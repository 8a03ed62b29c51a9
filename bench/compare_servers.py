# SPDX-License-Identifier: LGPL-2.1-or-later
"""The server library beside the deployed one: the same host programs on both, drained by the same client on the deployed
client library."""
import os, statistics, sys, threading, time
from packets import Packets, may_see_packets
from common import MARK_PLACE, PREFEED, Process, cell, drain_client, free_port, median, pairs, replay_host, same_picture

DELAY_MS, MBIT = 80, 20  # of the slow link: round trip, each direction
LONGEST_STALL_MS = 5
LATEST_US = 1000 * 1000  # what leaves after that time is something else


def host_path(build, is_ours):
    if not is_ours:
        return None
    folder = os.path.join(os.path.abspath(build), 'server')
    if not os.path.exists(os.path.join(folder, 'libspice-server.so.1')):
        sys.exit('there is no server library of ours in ' + folder)
    return folder


def recorded_run(build, compression, is_ours, *arguments):
    """Play the recording once. The host's figures (server CPU without the thread that parses, longest stall of the main loop,
    peak memory), the client's bytes and picture, and how long the marks took."""
    port = free_port()
    host = replay_host(build, port, host_path(build, is_ours), '-c', compression, '--prefeed', str(PREFEED), *arguments)
    host.wait_for('ready')
    packets = Packets(port) if '--marks' in arguments and may_see_packets() else None
    client = drain_client(build, port, None, *MARK_PLACE)
    host.wait_for('fed')
    drained = client.finish('end\n')
    figures = host.finish()
    figures.update(read=drained['read'], hash=drained['hash'], idle=[], busy=[])
    begin = host.numbers('begin')
    arrivals = packets.marks() if packets else client.numbers('seen')
    marks = host.numbers('mark')
    for number, drawn in marks:
        # a newer mark stands for the older ones that it covers; other pixels may look like one by accident
        arrived = [at for n, at in arrivals if number <= n <= marks[-1][0] and drawn <= at < drawn + LATEST_US]
        if arrived:
            figures['idle' if drawn < begin[-1][0] else 'busy'].append((min(arrived) - drawn) / 1000)
    return figures


def percentile(rows, key, share):
    values = sorted(value for row in rows for value in row[key])
    return values[min(len(values) - 1, int(len(values) * share))] if values else float('nan')


def print_row(name, stock, ours, compression, latencies):
    """One line of a table; whether everything keeps its limit."""
    cells = [cell(median(ours, 'cpu'), median(stock, 'cpu'), 's', 0.8),
             cell(median(ours, 'read') / 1e6, median(stock, 'read') / 1e6, 'MB', 0.7 if compression == 'auto-glz' else None),
             cell(median(ours, 'peak_kb') / 1024, median(stock, 'peak_kb') / 1024, 'MB', 1.0)]
    if 'stall_ms' in ours[0]:
        stall = median(ours, 'stall_ms')
        cells.append(('%30s' % ('%s%.1f/%.1f (%.1f/%.1f) ms' %
                                ('' if stall <= LONGEST_STALL_MS else '! ', stall, median(stock, 'stall_ms'),
                                 median(ours, 'work_ms'), median(stock, 'work_ms'))), stall <= LONGEST_STALL_MS))
    for key, share in latencies:
        cells.append(cell(percentile(ours, key, share), percentile(stock, key, share), 'ms', 1.0))
    same = same_picture(ours + stock)
    print('%-9s' % name + ''.join(text for text, _ in cells) + '   ' + ('same' if same else 'DIFFERENT'), flush=True)
    return same and all(within for _, within in cells)


HEAD = '%24s%24s%24s' % ('server CPU (<= 0.8)', 'bytes (glz: <= 0.7)', 'peak memory (<= 1.0)')
STALL = '%30s' % 'stall (<= 5 ms) (of it work)'
LATENCIES = [('idle', 0.5), ('idle', 0.99), ('busy', 0.5), ('busy', 0.99)]


def compare_recorded(build, runs, rate, compressions):
    print('server library: ours / stock, medians of %d pairs, the recorded desktop, %s' %
          (runs, '%d commands per second' % rate if rate else 'as fast as the server goes'))
    latencies = LATENCIES if rate else []
    if rate:
        print("latencies: from a mark's drawing " + ('to its bytes leaving' if may_see_packets() else
                                                     'until a client shows it (packets are not ours to see)'))
    print('%-9s' % 'images' + HEAD + STALL + ''.join('%24s' % ('%s latency %s' % (key, 'median' if share == 0.5 else 'p99'))
                                                     for key, share in latencies) + '   picture')
    fine = True
    for compression in compressions:
        arguments = ['-r', str(rate)] + (['--idle-marks', '150', '--marks', '20'] if rate else [])
        stock, ours = pairs(runs, lambda is_ours: recorded_run(build, compression, is_ours, *arguments))
        fine = print_row(compression, stock, ours, compression, latencies) and fine
    stock, ours = pairs(runs, lambda is_ours: recorded_run(build, 'auto-glz', is_ours, '-r', str(rate), '--update-area', '50'))
    print('the same, with the rendered screen asked for 20 times a second')
    fine = print_row('auto-glz', stock, ours, '', []) and fine
    print()
    return fine


def process_seconds(pid):
    seconds = 0
    for thread in os.listdir('/proc/%d/task' % pid):
        with open('/proc/%d/task/%s/schedstat' % (pid, thread)) as file:
            seconds += int(file.read().split()[0]) / 1e9
    return seconds


def demo_run(build, compression, fps, commands, is_ours):
    """The demo host's made-up desktop. Server CPU is that of the process from the moment before a client connects, without the
    time that drawing takes."""
    port = free_port()
    host = Process([os.path.join(build, 'examples', 'demo-host'), '-p', str(port), '-c', compression, '-f', str(fps),
                    '-n', str(commands), '--wait', '--deterministic'], host_path(build, is_ours))
    host.wait_for('listening')
    pid = host.process.pid
    start = process_seconds(pid)
    client = drain_client(build, port, None)
    peak = 0

    def watch():
        nonlocal peak
        while not over:
            try:
                with open('/proc/%d/status' % pid) as file:
                    peak = max(peak, *(int(line.split()[1]) for line in file if line.startswith('VmHWM')), 0)
            except (OSError, IndexError, ValueError, TypeError):
                return
            time.sleep(0.02)

    over = False
    watcher = threading.Thread(target=watch)
    watcher.start()
    words = host.wait_for('').split()
    figures = client.finish('end\n') if words[1:] and words[1] == 'drawings,' else {}
    _, status, usage = os.wait4(pid, 0)
    over = True
    watcher.join()
    host.watchdog.cancel()
    host.process.returncode = status
    if status or not figures:
        sys.exit('demo-host failed')
    return {'cpu': usage.ru_utime + usage.ru_stime - start - float(words[4]), 'read': figures['read'], 'hash': figures['hash'], 'peak_kb': peak}


def compare_demo(build, runs, compressions):
    fine = True
    for fps, commands in (0, 8000), (60, 2500):
        print('server library: ours / stock, medians of %d pairs, the demo host, %s' %
              (runs, '%d frames per second' % fps if fps else 'as fast as the server goes'))
        print('%-9s' % 'images' + HEAD + '   picture')
        for compression in compressions:
            stock, ours = pairs(runs, lambda is_ours: demo_run(build, compression, fps, commands, is_ours))
            fine = print_row(compression, stock, ours, '', []) and fine
        print()
    return fine


def burst_run(build, compression, is_ours):
    """Seconds from the beginning of a burst until its last state is on the client's screen, over the slow link."""
    port, far = free_port(), free_port()
    host = replay_host(build, port, host_path(build, is_ours), '-c', compression, '-r', '0', '--prefeed', str(PREFEED),
                       '--limit', str(PREFEED + 1500), '--mark-at-end')
    host.wait_for('ready')
    relay = Process([sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), 'relay'), str(far), str(port),
                     '--delay', str(DELAY_MS / 2), '--mbit', str(MBIT)])
    relay.wait_for('ready')
    client = drain_client(build, far, None, *MARK_PLACE)
    host.wait_for('fed')
    figures = client.finish('end\n')
    host.finish()
    relay.process.kill()
    relay.watchdog.cancel()
    seen = client.numbers('seen')
    if not seen:
        sys.exit('the last state never arrived')
    return {'newest': (seen[-1][1] - host.numbers('begin')[-1][0]) / 1e6, 'read': figures['read']}


def compare_slow_link(build, runs, compressions):
    print('server library: ours / stock, medians of %d pairs, %d ms round trip and %d Mbit/s: a burst of 1500 commands' %
          (runs, DELAY_MS, MBIT))
    print('%-9s%24s%24s' % ('images', 'newest state shown', 'bytes'))
    for compression in compressions:
        stock, ours = pairs(runs, lambda is_ours: burst_run(build, compression, is_ours))
        print('%-9s' % compression + cell(median(ours, 'newest'), median(stock, 'newest'), 's')[0] +
              cell(median(ours, 'read') / 1e6, median(stock, 'read') / 1e6, 'MB')[0], flush=True)
    print()
    return True
