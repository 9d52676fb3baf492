#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
"""`vramfs devices` as a table and as JSON, also where drivers are missing.

usage: devices.py VRAMFS"""

import json
import sys

from common import run

vramfs = sys.argv[1]
listed = run(vramfs, "devices", "--json")
assert listed.returncode == 0, listed.stderr
devices = json.loads(listed.stdout)
table = run(vramfs, "devices")
assert table.returncode == 0, table.stderr

host = [device for device in devices if device["kind"] == "host"]
assert len(host) == 1 and host[0]["usable"] and host[0]["device"] == "host:0", host
assert 0 < host[0]["free_bytes"] <= host[0]["memory_bytes"], host
assert {"cuda", "opencl", "host"} <= {device["kind"] for device in devices}, devices
for device in devices:
    assert device["usable"] == (device["why"] == ""), device
    lines = [line for line in table.stdout.splitlines()
             if line.split()[0] == device["device"]]
    assert len(lines) == 1, (device, table.stdout)
    if device["usable"]:
        assert device["name"] in lines[0] and device["driver"] in lines[0], lines
        assert device["memory_bytes"] > 0 and device["processors"] > 0, device
    else:
        assert device["why"] in lines[0], lines
assert not any(line != line.rstrip() for line in table.stdout.splitlines())
print(f"{len(devices)} devices or drivers listed")
