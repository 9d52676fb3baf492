#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
"""How fast is a mount? vramfs beside a FUSE server that does nothing (empty-server.c) and beside tmpfs.

Everything is mounted by this program, and unmounted at its end. Each case runs on one filesystem after the other, so
that they meet the same machine, and is repeated; the figures are medians. fio does the work. The table goes to
standard output, and which case runs to standard error. Needs root and fio.
"""

import argparse
import collections
import contextlib
import datetime
import errno
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time

from filesystems import (Failed, borrowed_directory, empty_directory, mounted_empty_server, mounted_tmpfs,
                         mounted_vramfs, signals)

KIB, MIB = 1 << 10, 1 << 20

# PATTERNS has what each of fio's jobs does. SHARED: all have one file, each a part of it, else each one of its own.
# CACHED: one pass over all files, through the page cache, instead of a time with O_DIRECT. CPU: it is one of the
# cases whose processor time is shown, too.
Case = collections.namedtuple("Case", "group name unit block_bytes patterns shared depth cached cpu",
                              defaults=[False, 0, False, False])
GROUP_1M, GROUP_4K, GROUP_CACHED, GROUP_COPY = "1 MiB", "4 KiB at random", "page cache", "copy"
GIGABYTES, OPERATIONS = "GB/s", "IOPS"
COPY = "copy_file_range"


def count_jobs(count):
    return "1 job" if count == 1 else f"{count} jobs"


def all_cases(most_jobs):
    cases = []
    for pattern in ("read", "write"):
        for count in sorted({1, min(4, most_jobs), most_jobs}):
            for shared in (False, True) if count > 1 else (False,):
                files = ("" if count == 1 else ", one file" if shared else ", a file each")
                cases.append(Case(GROUP_1M, f"{pattern} 1 MiB, {count_jobs(count)}{files}", GIGABYTES, MIB,
                                  [pattern] * count, shared, cpu=count in (1, most_jobs) and not shared))
    half = max(1, most_jobs // 2)
    cases.append(Case(GROUP_1M, f"read and write 1 MiB at once, {half} + {half} jobs, sum", GIGABYTES, MIB,
                      ["read", "write"] * half))
    for pattern in ("read", "write"):
        cases.append(Case(GROUP_1M, f"{pattern} 1 MiB, 1 job, libaio depth 16", GIGABYTES, MIB, [pattern], depth=16))
    for pattern in ("read", "write"):
        for count in sorted({1, most_jobs}):
            cases.append(Case(GROUP_4K, f"random {pattern} 4 KiB, {count_jobs(count)}", OPERATIONS, 4 * KIB,
                              [f"rand{pattern}"] * count, cpu=count == most_jobs))
    cases.append(Case(GROUP_4K, "random read 4 KiB, 1 job, libaio depth 16", OPERATIONS, 4 * KIB, ["randread"],
                      depth=16))
    cases.append(Case(GROUP_CACHED, "read 128 KiB, 1 job, buffered, cold", GIGABYTES, 128 * KIB, ["read"],
                      cached=True))
    cases.append(Case(GROUP_COPY, "copy a file by copy_file_range", GIGABYTES, 0, [COPY]))
    return cases


def file_name(number):
    return f"file.{number}"


class Measurement:
    """The files that the cases have, and how long they take."""

    def __init__(self, filesystems, file_bytes, jobs, seconds):
        self.filesystems, self.file_bytes, self.seconds = filesystems, file_bytes, seconds
        self.files = max(jobs, 2)

    def fill(self):
        """Write every file whole, so that no case meets holes."""
        case = Case("", "fill", "", MIB, ["write"] * self.files)
        run_fio(self.job_file(case, [one for one in self.filesystems if one.keeps_data], timed=False))

    def job_file(self, case, filesystems, timed=True):
        """fio's description of CASE on one filesystem after the other, each a group with figures of its own."""
        lines = ["[global]", "group_reporting=1", "fallocate=none", "overwrite=1", "norandommap=1", "invalidate=1",
                 f"bs={case.block_bytes}", f"ioengine={'libaio' if case.depth else 'psync'}",
                 f"iodepth={max(1, case.depth)}"]
        if timed:
            lines.append(f"runtime={self.seconds * 1000:.0f}ms")
            # Round and round, but for what shall be cold.
            lines.append(f"time_based={0 if case.cached else 1}")
        part = self.file_bytes // len(case.patterns) // MIB * MIB if case.shared else self.file_bytes
        for filesystem in filesystems:
            for number, pattern in enumerate(case.patterns):
                lines += [f"[job{number}]", f"directory={filesystem.directory}", f"rw={pattern}",
                          f"direct={int(filesystem.direct and not case.cached)}"]
                if not number:
                    lines += ["stonewall", "new_group"]
                if case.cached:
                    names = ":".join(file_name(i) for i in range(self.files))
                    lines += [f"filename={names}", "file_service_type=sequential", f"size={part * self.files}"]
                else:
                    lines += [f"filename={file_name(0 if case.shared else number)}", f"size={part}",
                              f"offset={part * number if case.shared else 0}"]
        return "\n".join(lines) + "\n"

    def run(self, case):
        """One run of CASE: the figures of each filesystem that has any, by name."""
        if case.patterns == [COPY]:
            return {one.name: copied for one in self.filesystems if one.keeps_data and (copied := self.copy(one))}
        before = {one.name: one.cpu_seconds() for one in self.filesystems}
        groups = run_fio(self.job_file(case, self.filesystems))
        figures = {}
        for filesystem, group in zip(self.filesystems, groups, strict=True):
            # The other daemons had nothing to do meanwhile, so that all of what one took was for its own group.
            daemon = filesystem.cpu_seconds() - before[filesystem.name]
            figures[filesystem.name] = figures_of(group, filesystem, daemon)
        return figures

    def copy(self, filesystem):
        """A file to a new one, again and again; None where copy_file_range(2) is not to be had."""
        source_path, target_path = (os.path.join(filesystem.directory, name) for name in (file_name(0), "copy"))
        moved, elapsed, client, daemon = 0, 0.0, time.process_time(), filesystem.cpu_seconds()
        while elapsed < self.seconds:
            begin = time.monotonic()
            try:
                with open(source_path, "rb") as source, open(target_path, "wb") as target:
                    while count := os.copy_file_range(source.fileno(), target.fileno(), self.file_bytes):
                        moved += count
            except OSError as error:
                if error.errno in (errno.ENOSYS, errno.EXDEV, errno.EOPNOTSUPP, errno.EINVAL):
                    return None
                raise
            elapsed += time.monotonic() - begin
            os.unlink(target_path)
        return rates(moved, moved / elapsed, filesystem, filesystem.cpu_seconds() - daemon,
                     time.process_time() - client)


def stop(process):
    if process and process.poll() is None:
        process.terminate()
        try:
            process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def run_fio(job_file):
    """Have fio do it, and give its figures, group by group."""
    fio = None
    try:
        with signals.held():
            fio = subprocess.Popen(["fio", "--output-format=json", "-"], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
        output, errors = fio.communicate(job_file)
    finally:
        with signals.held():
            # Its jobs are in sessions of their own, so that only fio itself can end them.
            stop(fio)
    # There may be warnings in front of the JSON.
    groups = json.loads(output[output.index("{"):])["jobs"] if "{" in output else []
    if fio.returncode or not groups or any(group["error"] for group in groups):
        raise Failed("fio: " + (errors.strip() or output.split("{")[0].strip() or "failed").splitlines()[-1])
    return groups


def rates(moved_bytes, bytes_per_second, filesystem, daemon_seconds, client_seconds):
    gigabytes = moved_bytes / 1e9
    return {
        "bytes_per_second": bytes_per_second,
        "daemon_cpu_seconds_per_gb": daemon_seconds / gigabytes if filesystem.daemon else None,
        "client_cpu_seconds_per_gb": client_seconds / gigabytes,
    }


def figures_of(group, filesystem, daemon_seconds):
    sides = [group[side] for side in ("read", "write") if group[side]["total_ios"]]
    if not sides:
        raise Failed(f"fio: nothing was moved on {filesystem.name}; more --seconds may help")
    busiest = max(sides, key=lambda side: side["total_ios"])
    client_seconds = (group["usr_cpu"] + group["sys_cpu"]) / 100 * group["job_runtime"] / 1000
    figures = rates(sum(side["io_bytes"] for side in sides), sum(side["bw_bytes"] for side in sides), filesystem,
                    daemon_seconds, client_seconds)
    figures["operations_per_second"] = sum(side["iops"] for side in sides)
    figures["mean_us"] = busiest["clat_ns"]["mean"] / 1000
    figures["p99_us"] = busiest["clat_ns"]["percentile"]["99.000000"] / 1000
    return figures


def medians(runs):
    """Of each figure by itself."""
    return {key: None if runs[0][key] is None else statistics.median(run[key] for run in runs) for key in runs[0]}


def measure(measurement, cases, repeat, base):
    """What each case comes to: per filesystem medians and the runs behind them, and BASE's ratios to others."""
    rows = []
    for number, case in enumerate(cases, 1):
        print(f"[{number}/{len(cases)}] {case.name}", file=sys.stderr, flush=True)
        runs = [measurement.run(case) for _ in range(repeat)]
        results = {name: {**medians([run[name] for run in runs]), "runs": [run[name] for run in runs]}
                   for name in runs[0]}
        key = "operations_per_second" if case.unit == OPERATIONS else "bytes_per_second"
        ratios = {name: results[base][key] / results[name][key]
                  for name in results if name in ("empty server", "tmpfs") and base in results}
        rows.append({"group": case.group, "case": case.name, "unit": case.unit, "cpu": case.cpu,
                     "results": results, "ratios": ratios})
    return rows


def show_figures(row, name):
    if name not in row["results"]:
        return "–"
    figures = row["results"][name]
    if row["unit"] == GIGABYTES:
        return f"{figures['bytes_per_second'] / 1e9:.2f} GB/s"
    return (f"{figures['operations_per_second'] / 1000:.1f} k, "
            f"{figures['mean_us']:.1f} / {figures['p99_us']:.1f} µs")


def show_cpu(figures):
    if figures["daemon_cpu_seconds_per_gb"] is None:
        return f"{figures['client_cpu_seconds_per_gb']:.2f}"
    return f"{figures['daemon_cpu_seconds_per_gb']:.2f} + {figures['client_cpu_seconds_per_gb']:.2f}"


def print_table(heading, rows):
    print("| " + " | ".join(heading) + " |")
    print("|" + "---|" * len(heading))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()


def print_report(report):
    names = [one["name"] for one in report["filesystems"]]
    print(f"vramfs on {report['device']} ({report['device_name']}), {report['code']}, requests over "
          f"{report['transport']}; Linux {report['kernel']}, {report['processors']} processors; {report['fio']}, "
          f"files of {report['file_bytes'] / MIB:g} MiB, {report['seconds']:g} s a case, median of "
          f"{report['repeat']}; {report['date']}")
    buffered = [one["name"] for one in report["filesystems"] if not one["direct"]]
    print("O_DIRECT and psync where a case says nothing else"
          + (f" (without O_DIRECT: {', '.join(buffered)})" if buffered else "")
          + "; of 4 KiB: operations a second, mean and 99th percentile of latency.\n")
    others = ("empty server", "tmpfs")
    print_table(["case", *names, *(f"vramfs / {other}" for other in others)],
                [[row["case"], *(show_figures(row, name) for name in names),
                  *(f"{row['ratios'][other]:.2f}" if other in row["ratios"] else "–" for other in others)]
                 for row in report["cases"]])
    memory = [f"{one['resident_bytes_before'] / MIB:.0f} / {one['resident_bytes_after'] / MIB:.0f} MiB"
              if one["resident_bytes_before"] is not None else "–" for one in report["filesystems"]]
    print_table(["processor seconds per GB, daemon + client", *names],
                [[row["case"], *(show_cpu(row["results"][name]) for name in names)]
                 for row in report["cases"] if row["cpu"]]
                + [["memory of the daemon (RSS), before / after", *memory]])


def parse_size(text):
    """Bytes, or a number and K, M, G or T."""
    factors = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
    factor = factors.get(text[-1:].lower(), 1)
    return int(text[:-1] if factor > 1 else text) * factor


def parse_difference(text):
    return dict(word.split("=", 1) for word in text.split(","))


def parse_pair(text):
    name, value = text.split("=", 1)
    if not name or not value or ":" in value:
        raise ValueError
    return name, value


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0], epilog=" ".join(__doc__.split("\n")[2:]))
    parser.add_argument("--device", default="auto", help="what to mount on (auto)")
    parser.add_argument("--ecc", default="rs136", metavar="CODE", help="rs136, rs128 or none (rs136)")
    parser.add_argument("--transport", default="auto", choices=["auto", "uring", "dev"],
                        help="of vramfs and of the empty server (auto)")
    parser.add_argument("--also", action="append", default=[], type=parse_difference, metavar="OPTION=VALUE,...",
                        help="a further vramfs with these mount options, as ecc=none or transport=dev")
    parser.add_argument("--beside", action="append", default=[], type=parse_pair, metavar="NAME=DIR",
                        help="a further directory, already mounted, in which a folder is made and removed")
    parser.add_argument("--daemon", action="append", default=[], type=parse_pair, metavar="NAME=PID",
                        help="the process that serves the --beside of that name")
    parser.add_argument("--jobs", type=int, default=min(os.cpu_count(), 16), metavar="N",
                        help="the most jobs at once (processors, at most 16)")
    parser.add_argument("--file-size", type=parse_size, metavar="SIZE", help="of each job's file (256M)")
    parser.add_argument("--seconds", type=float, metavar="S", help="how long each case runs (3)")
    parser.add_argument("--repeat", type=int, metavar="N", help="how often each case runs (3)")
    parser.add_argument("--only", metavar="TEXT", help="only the cases in whose names TEXT is")
    parser.add_argument("--quick", action="store_true",
                        help="shows that it works: files of 16M, 0.1 s a case, once, at most 2 jobs")
    parser.add_argument("--json", metavar="FILE", help="write all of it there, too")
    parser.add_argument("build", metavar="BUILD", help="the build directory, with src/cli/vramfs and bench/empty-server")
    arguments = parser.parse_args()
    usual = (16 * MIB, 0.1, 1) if arguments.quick else (256 * MIB, 3.0, 3)
    for name, value in zip(("file_size", "seconds", "repeat"), usual):
        if getattr(arguments, name) is None:
            setattr(arguments, name, value)
    if arguments.quick:
        arguments.jobs = min(arguments.jobs, 2)
    if arguments.jobs < 1 or arguments.repeat < 1 or arguments.seconds <= 0:
        parser.error("--jobs, --repeat and --seconds begin above 0")
    if arguments.file_size < arguments.jobs * MIB or arguments.file_size % MIB:
        parser.error("--file-size: whole MiB, and 1 for each job at least")
    arguments.cases = [case for case in all_cases(arguments.jobs) if (arguments.only or "") in case.name]
    if not arguments.cases:
        parser.error(f"--only: no case has '{arguments.only}' in its name")
    return arguments


def mount_all(arguments, stack):
    """The filesystems in the order of the columns, the first of which is the vramfs that is compared."""
    top = stack.enter_context(empty_directory())
    program, empty = (os.path.join(arguments.build, name) for name in ("src/cli/vramfs", "bench/empty-server"))
    # Room for the files, a copy of one, which the kernel may let go of late, parity and a little more.
    size = (max(arguments.jobs, 2) + 3) * arguments.file_size * 5 // 4 + 64 * MIB
    options = {"device": arguments.device, "ecc": arguments.ecc, "transport": arguments.transport, "size": size}
    daemons = dict(arguments.daemon)
    filesystems = [stack.enter_context(mounted_vramfs("vramfs", top, program, options))]
    for difference in arguments.also:
        name = "vramfs, " + ", ".join(f"{key}={value}" for key, value in difference.items())
        filesystems.append(stack.enter_context(mounted_vramfs(name, top, program, {**options, **difference})))
    for name, directory in arguments.beside:
        filesystems.append(stack.enter_context(borrowed_directory(name, directory, daemons.pop(name, None))))
    if daemons:
        raise Failed(f"--daemon {next(iter(daemons))}: no --beside of that name")
    filesystems.append(stack.enter_context(
        mounted_empty_server(top, empty, arguments.file_size, arguments.transport)))
    filesystems.append(stack.enter_context(mounted_tmpfs(top, size)))
    if len({one.name for one in filesystems}) < len(filesystems):
        raise Failed("two columns have the same name")
    return filesystems


def make_report(arguments):
    with contextlib.ExitStack() as stack:
        filesystems = mount_all(arguments, stack)
        base = filesystems[0]
        before = [one.resident_bytes() for one in filesystems]
        measurement = Measurement(filesystems, arguments.file_size, arguments.jobs, arguments.seconds)
        measurement.fill()
        cases = measure(measurement, arguments.cases, arguments.repeat, base.name)
        return {
            "device": base.stats["device"], "device_name": base.stats["device_name"], "code": base.stats["code"],
            "transport": base.transport, "kernel": platform.release(), "processors": os.cpu_count(),
            "fio": subprocess.run(["fio", "--version"], capture_output=True, text=True, check=True).stdout.strip(),
            "date": datetime.date.today().isoformat(), "jobs": arguments.jobs, "file_bytes": arguments.file_size,
            "seconds": arguments.seconds, "repeat": arguments.repeat,
            "filesystems": [
                {"name": one.name, "transport": one.transport, "direct": one.direct,
                 "resident_bytes_before": resident, "resident_bytes_after": one.resident_bytes()}
                for one, resident in zip(filesystems, before)],
            "cases": cases,
        }


def main():
    arguments = parse_arguments()
    if os.geteuid() or not shutil.which("fio"):
        sys.exit("mount-fio.py: needs root and fio")
    signals.watch()
    try:
        report = make_report(arguments)
        if arguments.json:
            with open(arguments.json, "w", encoding="utf-8") as file:
                json.dump(report, file, indent=1)
    except (Failed, OSError) as error:
        sys.exit(f"mount-fio.py: {error}")
    print_report(report)


if __name__ == "__main__":
    main()
