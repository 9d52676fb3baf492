#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The vramfs authors
"""A runner that miscounts would hide every other test's failure, so it is tested too.

	test-runner.py SOURCE_ROOT

Feeds scripts/run-tests.py logs made up here and looks at its sums.
"""

import importlib.util
import os
import sys
import unittest

# Nothing may be left in the source tree.
sys.dont_write_bytecode = True


def load_runner():
    path = os.path.join(ROOT, "scripts", "run-tests.py")
    spec = importlib.util.spec_from_file_location("run_tests", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Counting(unittest.TestCase):
    def totals_of(self, names, entries):
        totals = RUNNER.Totals()
        totals.add("default", names, entries)
        return totals

    def test_each_result_is_counted_once(self):
        totals = self.totals_of(
            ["a", "b", "c", "d"],
            [
                {"name": "a", "result": "OK"},
                {"name": "project:base / b", "result": "FAIL"},
                {"name": "c", "result": "TIMEOUT"},
                {"name": "d", "result": "SKIP", "stdout": "one\nneeds root\n\n"},
            ],
        )
        self.assertEqual(totals.passed, 1)
        self.assertEqual(len(totals.failed), 2)
        self.assertEqual(totals.skipped, [("default: d", "needs root")])

    def test_a_test_that_never_ran_is_a_failure(self):
        totals = self.totals_of(["a", "b"], [{"name": "a", "result": "OK"}])
        self.assertEqual(totals.failed, ["default: b (did not run)"])

    def test_an_interrupted_test_is_a_failure(self):
        totals = self.totals_of(["a"], [{"name": "a", "result": "INTERRUPT"}])
        self.assertEqual((totals.passed, len(totals.failed)), (0, 1))

    def test_a_reason_is_found_behind_cmocka(self):
        totals = self.totals_of(
            ["a"],
            [{"name": "a", "result": "SKIP", "stdout": "[====] Running 2 test(s).\n", "stderr": "no GPU\n"}],
        )
        self.assertEqual(totals.skipped, [("default: a", "no GPU")])

    def test_a_skip_without_words_is_still_named(self):
        totals = self.totals_of(["a"], [{"name": "a", "result": "SKIP"}])
        self.assertEqual(totals.skipped, [("default: a", "no reason given")])

    def test_the_status_tells(self):
        totals = self.totals_of(["a"], [{"name": "a", "result": "OK"}])
        self.assertEqual(totals.status(), 0)
        totals.failed.append("b")
        self.assertEqual(totals.status(), 1)
        self.assertEqual(RUNNER.Totals().status(), 1, "nothing ran: that is no success")


if __name__ == "__main__":
    ROOT = os.path.abspath(sys.argv.pop(1))
    RUNNER = load_runner()
    unittest.main()
