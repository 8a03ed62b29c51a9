#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Random drawings of every type leave the same pixels in the guest's memory with our server library as with the deployed one.
usage: test-qxl-pixels.py QXL_PIXELS FOLDER_OF_OUR_LIBRARY"""
import os, subprocess, sys

program, folder = sys.argv[1:3]
failed = 0
SEEDS = range(1, 9)


def run(seed, environment):
    result = subprocess.run([program, str(seed)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=100)
    return result.returncode, result.stdout.splitlines()


for n, seed in enumerate(SEEDS, 1):
    deployed = run(seed, dict(os.environ))
    ours = run(seed, dict(os.environ, LD_LIBRARY_PATH=folder))
    fine = deployed[0] == ours[0] == 0 and len(deployed[1]) > 50 and deployed == ours
    if not fine:
        failed += 1
        print('# exit %d and %d, %d and %d lines' % (deployed[0], ours[0], len(deployed[1]), len(ours[1])))
        for a, b in zip(deployed[1], ours[1]):
            if a != b:
                print('# deployed: %s; ours: %s' % (a, b))
                break
    print('%s %d - seed %d: the same pixels after each few drawings' % ('ok' if fine else 'not ok', n, seed), flush=True)
print('1..%d' % len(SEEDS))
sys.exit(failed > 0)
