#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
"""bench/mount-fio.py measures every case on every filesystem, and leaves nothing behind, also when a signal ends it;
bench/plot-mount.py draws what it wrote.

usage: mount-fio.py BUILD BENCH_DIRECTORY"""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree

from common import no_process_left, require_fuse, run, skip

build, bench = os.path.abspath(sys.argv[1]), pathlib.Path(sys.argv[2])
measure, plot = str(bench / "mount-fio.py"), str(bench / "plot-mount.py")
CASES = {
    "1 MiB": [
        *(f"{pattern} 1 MiB, {jobs}" for pattern in ("read", "write")
          for jobs in ("1 job", "2 jobs, a file each", "2 jobs, one file")),
        "read and write 1 MiB at once, 1 + 1 jobs, sum",
        "read 1 MiB, 1 job, libaio depth 16", "write 1 MiB, 1 job, libaio depth 16",
    ],
    "4 KiB at random": [
        *(f"random {pattern} 4 KiB, {jobs}" for pattern in ("read", "write") for jobs in ("1 job", "2 jobs")),
        "random read 4 KiB, 1 job, libaio depth 16",
    ],
    "page cache": ["read 128 KiB, 1 job, buffered, cold"],
    "copy": ["copy a file by copy_file_range"],
}
FILESYSTEMS = ["vramfs", "empty server", "tmpfs"]

require_fuse()
if not shutil.which("fio"):
    skip("fio is not installed")


def mounts_below(directory):
    with open("/proc/self/mountinfo", encoding="utf-8") as table:
        return [fields[4] for line in table if (fields := line.split())[4].startswith(directory)]


def nothing_left(top):
    assert not mounts_below(top), mounts_below(top)
    assert os.listdir(os.path.join(top, "work")) == [], os.listdir(os.path.join(top, "work"))
    assert os.listdir(os.path.join(top, "peer")) == ["theirs"], os.listdir(os.path.join(top, "peer"))
    assert no_process_left()


def cells_of(line):
    return [cell.strip() for cell in line.strip("|").split("|")]


def check_report(report, filesystems, cases):
    assert [one["name"] for one in report["filesystems"]] == filesystems, report["filesystems"]
    for one in report["filesystems"]:
        has_daemon = one["name"] not in ("peer", "tmpfs")
        assert (one["transport"] in ("uring", "dev")) == has_daemon, one
        assert bool(one["resident_bytes_before"] and one["resident_bytes_after"]) == has_daemon, one
    assert [(row["group"], row["case"]) for row in report["cases"]] == [
        (group, case) for group, names in cases.items() for case in names], report["cases"]
    for row in report["cases"]:
        key = "operations_per_second" if row["unit"] == "IOPS" else "bytes_per_second"
        figures = {name: one[key] for name, one in row["results"].items()}
        others = ["tmpfs"] if row["group"] == "copy" else ["empty server", "tmpfs"]
        assert list(figures) == [name for name in filesystems if name in others or name not in FILESYSTEMS[1:]], row
        assert all(len(one["runs"]) == 1 and one[key] > 0 for one in row["results"].values()), row
        assert list(row["ratios"]) == others, row
        for name in others:
            ratio = figures["vramfs"] / figures[name]
            assert abs(row["ratios"][name] - ratio) < 1e-9 * ratio, row
        if row["unit"] == "IOPS":
            assert all(0 < one["mean_us"] and 0 < one["p99_us"] for one in row["results"].values()), row
        assert all((one["daemon_cpu_seconds_per_gb"] is None) == (name in ("peer", "tmpfs"))
                   for name, one in row["results"].items()), row
    # A clock tick is 10 ms, of which a single short case may not see one.
    assert any(row["results"]["vramfs"]["daemon_cpu_seconds_per_gb"] > 0 for row in report["cases"])


def table_of(text):
    """A dictionary of its columns for each row, by the first."""
    heading, _, *lines = (cells_of(line) for line in text.splitlines())
    assert all(len(cells) == len(heading) for cells in lines), text
    return heading, {cells[0]: dict(zip(heading, cells)) for cells in lines}


def check_tables(text, report, filesystems):
    about, *tables = text.strip().split("\n\n")
    for word in ["host:0", "rs136", report["transport"], report["kernel"], "processors", "fio-", report["date"],
                 "O_DIRECT"]:
        assert word in about, (word, about)
    assert len(tables) == 2, text
    heading, rows = table_of(tables[0])
    assert heading == ["case", *filesystems, "vramfs / empty server", "vramfs / tmpfs"], heading
    assert list(rows) == [row["case"] for row in report["cases"]], text
    for row in report["cases"]:
        shown = rows[row["case"]]
        for name in filesystems:
            unit = "µs" if row["unit"] == "IOPS" else "GB/s"
            assert shown[name].endswith(unit if name in row["results"] else "–"), shown
        for name in ["empty server", "tmpfs"]:
            ratio = shown[f"vramfs / {name}"]
            assert ratio == (f"{row['ratios'][name]:.2f}" if name in row["ratios"] else "–"), shown
    heading, rows = table_of(tables[1])
    assert heading[1:] == filesystems, heading
    assert list(rows)[:-1] == [row["case"] for row in report["cases"] if row["cpu"]], tables[1]
    memory = rows["memory of the daemon (RSS), before / after"]
    assert all(memory[name].endswith("–" if name in ("peer", "tmpfs") else "MiB") for name in filesystems), memory


def measured(command, environment, path, filesystems, cases):
    done = run(*command, "--json", path, build, env=environment, timeout=150)
    assert done.returncode == 0, done.stdout + done.stderr
    nothing_left(top)
    report = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    check_report(report, filesystems, cases)
    check_tables(done.stdout, report, filesystems)
    print(done.stdout)
    return report


def interrupt(command, environment, awaited, number):
    """Send the signal once AWAITED(process) has waited, and see that the program ends by it."""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env=environment) as process:
        try:
            awaited(process)
            process.send_signal(number)
            output, errors = process.communicate(timeout=30)
        finally:
            process.terminate()
        assert process.returncode == 128 + number and not output, (process.returncode, output, errors)
    nothing_left(top)


def first_mount(process):
    while not mounts_below(top):
        assert process.poll() is None, process.communicate()
        time.sleep(0.001)


def first_case(process):
    """All is mounted then, a second vramfs with its difference, too, and fio is at work."""
    line = next((line for line in process.stderr if "[1/" in line), None)
    codes = [re.search(r"^code (.*)$", os.getxattr(directory, "vramfs.stats").decode(), re.M)[1]
             for directory in mounts_below(top)[:2]]
    assert line and codes == ["rs136", "none"] and len(mounts_below(top)) == 4, (codes, mounts_below(top))
    time.sleep(1)



# In memory, because a disk may be too busy to move anything in the short time that a case has here.
memory_directory = "/dev/shm" if os.path.isdir("/dev/shm") else None
with tempfile.TemporaryDirectory(prefix="vramfs-mount-fio-", dir=memory_directory) as top:
    for name in ["work", "peer"]:
        os.mkdir(os.path.join(top, name))
    pathlib.Path(top, "peer", "theirs").touch()
    environment = {**os.environ, "TMPDIR": os.path.join(top, "work")}
    json_path, svg_path = os.path.join(top, "mount.json"), os.path.join(top, "mount.svg")
    command = [sys.executable, measure, "--quick", "--device", "host", "--jobs", "2"]
    more = [*command, "--also", "ecc=none", "--beside", f"peer={top}/peer"]

    for words, status, saying in [([], 2, "usage"), (["--repeat", "0", build], 2, "--repeat"),
                                  (["--file-size", "1M", build], 2, "--file-size"),
                                  (["--beside", "nowhere", build], 2, "--beside"),
                                  (["--only", "x", build], 2, "--only"),
                                  (["--daemon", "other=1", build], 1, "--daemon other"),
                                  (["--ecc", "rs5", build], 1, "rs136")]:
        wrong = run(*command, *words, env=environment)
        assert wrong.returncode == status and saying in wrong.stderr and not wrong.stdout, wrong
        nothing_left(top)

    interrupt([*more, build], environment, first_mount, signal.SIGINT)
    interrupt([*more, "--seconds", "60", build], environment, first_case, signal.SIGTERM)
    report = measured(command, environment, json_path, FILESYSTEMS, CASES)

    drawn = run(sys.executable, plot, json_path, svg_path)
    assert drawn.returncode == 0, drawn.stderr
    texts = "".join(xml.etree.ElementTree.parse(svg_path).getroot().itertext())
    for word in [report["device_name"], *FILESYSTEMS, *CASES, *(row["case"] for row in report["cases"])]:
        assert word in texts, word
    assert run(sys.executable, plot, svg_path, svg_path).returncode == 1

    measured([*more, "--only", "cold"], environment, json_path,
             ["vramfs", "vramfs, ecc=none", "peer", "empty server", "tmpfs"], {"page cache": CASES["page cache"]})
