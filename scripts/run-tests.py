#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
"""Build and test vramfs in every configuration that this machine can run.

	scripts/run-tests.py [--configuration NAME]... [NAME-OF-A-TEST]...

The configurations:

	default    everything, on the host device and on OpenCL
	cuda       the tests of the default build that use a device, once more on the first CUDA device
	sanitize   the layers up to the FUSE dispatcher with the address and undefined-behaviour sanitizers
	thread     the same with the thread sanitizer
	fuzz       the fuzzers of the FUSE dispatcher and of the decoder, for a short while, with both of the
	           former sanitizers

The sanitized ones run on the host device only: what a GPU driver does inside is not ours to check.
Prints each skipped test with its reason, and one last line with the sums. Exits with 1 if a test failed
or a configuration did not build.
"""

import argparse
import ctypes
import json
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# The layers that the sanitizers see. The command line and real mounts are left to the default build.
SANITIZED_SUITES = {"base", "rs", "kernels", "device", "store", "fs", "fuse", "posix"}

OPENCL_SUFFIX = "-opencl"

CONFIGURATIONS = {
    "default": {"directory": "build-test", "options": [], "multiplier": 1},
    "cuda": {"directory": "build-test", "options": [], "multiplier": 1},
    "sanitize": {
        "directory": "build-sanitize",
        "options": ["-Db_sanitize=address,undefined", "-Doptimization=1"],
        "multiplier": 4,
    },
    "thread": {
        "directory": "build-thread",
        "options": ["-Db_sanitize=thread", "-Doptimization=1"],
        "multiplier": 6,
    },
    "fuzz": {
        "directory": "build-fuzz",
        "options": ["-Dfuzz=true", "-Db_sanitize=address,undefined", "-Db_lundef=false", "-Doptimization=1"],
        "compiler": "clang",
        # The rest of the tests is no use there, and does not link.
        "targets": ["tests/fuzz/fuzz-dispatch", "tests/fuzz/fuzz-decode"],
        "multiplier": 1,
    },
}

# A sanitizer's find must end the test, not only be written somewhere; and no GPU driver is let in.
SANITIZER_ENVIRONMENT = {
    "CUDA_VISIBLE_DEVICES": "",
    "OCL_ICD_VENDORS": "/dev/null",
    "ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
}


def say(text):
    print(text, flush=True)


def cuda_missing():
    """Why no CUDA device can be used here, or None if one can."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return "no NVIDIA driver (libcuda.so.1) on this machine"
    result = driver.cuInit(0)
    if result != 0:
        return f"the NVIDIA driver does not start (cuInit: error {result})"
    count = ctypes.c_int(0)
    result = driver.cuDeviceGetCount(ctypes.byref(count))
    if result != 0 or count.value == 0:
        return "the NVIDIA driver finds no device"
    return None


def fixed_addresses():
    """The command that runs another without address randomisation, which the thread sanitizer of gcc 12
    can't cope with on newer kernels; empty where that is not permitted."""
    command = ["setarch", "-R"]
    try:
        subprocess.run(command + ["true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return []
    return command


def build(configuration):
    directory = os.path.join(ROOT, configuration["directory"])
    if not os.path.exists(os.path.join(directory, "build.ninja")):
        command = ["meson", "setup", directory, ROOT, "-Dtests=true"] + configuration["options"]
        environment = dict(os.environ)
        if "compiler" in configuration:
            environment["CC"] = configuration["compiler"]
        if subprocess.run(command, stdin=subprocess.DEVNULL, env=environment).returncode != 0:
            return False
    command = ["ninja", "-C", directory] + configuration.get("targets", [])
    return subprocess.run(command, stdin=subprocess.DEVNULL).returncode == 0


def suites_of(test):
    return {suite.split(":")[-1] for suite in test["suite"]}


def choose_tests(name, configuration, wanted):
    """The names of the tests to run, as Meson knows them."""
    directory = os.path.join(ROOT, configuration["directory"])
    listing = subprocess.run(
        ["meson", "introspect", "--tests", directory], check=True, capture_output=True, text=True
    )
    tests = json.loads(listing.stdout)
    if wanted:
        tests = [test for test in tests if test["name"] in wanted]
    names = {test["name"] for test in tests}

    if name == "cuda":
        # What can run on OpenCL can run on any device.
        return [test["name"] for test in tests if test["name"] + OPENCL_SUFFIX in names]
    if name == "fuzz":
        return [test["name"] for test in tests if "fuzz" in suites_of(test)]
    if name in ("sanitize", "thread"):
        return [
            test["name"]
            for test in tests
            if suites_of(test) & SANITIZED_SUITES
            and not test["env"].get("VRAMFS_TEST_DEVICE", "").startswith(("opencl", "cuda"))
        ]
    return [test["name"] for test in tests]


def read_log(path):
    with open(path, encoding="utf-8") as log:
        return [json.loads(line) for line in log if line.strip()]


def reason_of(entry):
    """The last line that a skipped test wrote itself; lines in brackets are cmocka's."""
    for stream in ("stdout", "stderr"):
        lines = [line.strip() for line in (entry.get(stream) or "").splitlines()]
        lines = [line for line in lines if line and not line.startswith("[")]
        if lines:
            return lines[-1]
    return "no reason given"


class Totals:
    def __init__(self):
        self.passed = 0
        self.failed = []
        self.skipped = []

    def add(self, configuration, names, entries):
        """Count the ENTRIES of a log of Meson's; NAMES are the tests that should have run."""
        seen = set()
        for entry in entries:
            name = entry["name"].split(" / ")[-1]
            label = f"{configuration}: {name}"
            seen.add(name)
            if entry["result"] in ("OK", "EXPECTEDFAIL"):
                self.passed += 1
            elif entry["result"] == "SKIP":
                self.skipped.append((label, reason_of(entry)))
            else:
                self.failed.append(f"{label} ({entry['result'].lower()})")
        # Whatever Meson did not get to is no pass.
        self.failed += [f"{configuration}: {name} (did not run)" for name in names if name not in seen]

    def status(self):
        return 1 if self.failed or self.passed == 0 else 0


def run(name, configuration, wanted, totals):
    say(f"\n=== {name} ===")
    if not build(configuration):
        totals.failed.append(f"{name}: the build")
        return
    if name == "cuda":
        missing = cuda_missing()
        if missing:
            totals.skipped.append(("cuda: every test that uses a device", missing))
            return

    names = choose_tests(name, configuration, wanted)
    if not names:
        return
    directory = os.path.join(ROOT, configuration["directory"])
    logbase = f"testlog-{name}"
    log = os.path.join(directory, "meson-logs", f"{logbase}.json")
    if os.path.exists(log):
        os.unlink(log)
    command = fixed_addresses() if name == "thread" else []
    command += ["meson", "test", "-C", directory, "--no-rebuild", "--print-errorlogs"]
    command += ["--logbase", logbase, "-t", str(configuration["multiplier"])]
    if name == "cuda":
        # A wrapper, because what a test itself says of its environment outdoes ours.
        command += ["--wrapper", "env VRAMFS_TEST_DEVICE=cuda:0"]
    environment = dict(os.environ)
    if name in ("sanitize", "thread", "fuzz"):
        environment.update(SANITIZER_ENVIRONMENT)
    subprocess.run(command + names, stdin=subprocess.DEVNULL, env=environment)
    totals.add(name, names, read_log(log) if os.path.exists(log) else [])


def main():
    parser = argparse.ArgumentParser(description="Build and test vramfs in every configuration.")
    parser.add_argument(
        "--configuration",
        action="append",
        choices=CONFIGURATIONS,
        help="only this one (may be repeated)",
    )
    parser.add_argument("test", nargs="*", help="only the tests of these names")
    arguments = parser.parse_args()

    totals = Totals()
    for name in arguments.configuration or CONFIGURATIONS:
        run(name, CONFIGURATIONS[name], set(arguments.test), totals)

    say("")
    for label, reason in totals.skipped:
        say(f"skipped  {label}: {reason}")
    for label in totals.failed:
        say(f"FAILED   {label}")
    say(
        f"{totals.passed} passed, {len(totals.failed)} failed, {len(totals.skipped)} skipped"
    )
    return totals.status()


if __name__ == "__main__":
    sys.exit(main())
