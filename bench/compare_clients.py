# SPDX-License-Identifier: LGPL-2.1-or-later
"""The client library beside the deployed one: a recorded session, played into the deployed server library, is drained by the
same client program on both."""
import os
from common import PREFEED, cell, drain_client, free_port, median, pairs, replay_host, same_picture

# What must hold: figure of the report line, name, largest allowed ratio, unit, divisor.
FIGURES = [('cpu', 'client CPU', 0.8, 's', 1), ('main', 'main thread CPU', 0.2, 's', 1),
           ('peak_kb', 'peak memory', 1.1, 'MB', 1024), ('first', 'first picture', 1.0, 'ms', 1)]


def one_run(build, compression, rate, library_path):
    port = free_port()
    # with streaming, as it always was here: the client must cope with what comes
    host = replay_host(build, port, None, '-c', compression, '-r', str(rate), '--prefeed', str(PREFEED), '--streaming',
                       program='replay-host-deployed')
    host.wait_for('ready')
    client = drain_client(build, port, library_path)
    host.wait_for('fed')
    figures = client.finish('end\n')
    host.finish()
    return figures


def compare(build, runs, rate, compressions):
    ours_path = os.path.join(os.path.abspath(build), 'spice-glib')
    fine = True
    print('client library: ours / stock, medians of %d pairs, %s' %
          (runs, '%d commands per second' % rate if rate else 'as fast as the server goes'))
    print('%-9s' % 'images' + ''.join('%24s' % ('%s (<= %.1f)' % figure[1:3]) for figure in FIGURES) + '   picture')
    for compression in compressions:
        stock, ours = pairs(runs, lambda is_ours: one_run(build, compression, rate, ours_path if is_ours else None))
        line = '%-9s' % compression
        for key, _, most, unit, divisor in FIGURES:
            text, within = cell(median(ours, key) / divisor, median(stock, key) / divisor, unit, most)
            line += text
            fine = fine and within
        same = same_picture(ours + stock)
        fine = fine and same
        print(line + '   ' + ('same' if same else 'DIFFERENT'), flush=True)
    return fine
