"""run.py MODULE RESULTS: runs the tests of a module and writes one JSON object
a line for each that ended: {"test", "outcome", "detail", "seconds"}. Standard
error is the kernels' own."""
import json
import sys
import time
import unittest


class Results(unittest.TestResult):
    def __init__(self, out):
        super().__init__()
        self.out = out

    def write(self, test, outcome, detail=""):
        self.out.write(json.dumps({
            "test": test.id().split(".", 1)[-1], "outcome": outcome, "detail": detail,
            "seconds": time.monotonic() - getattr(self, "begun", time.monotonic()),
        }) + "\n")
        self.out.flush()

    def startTest(self, test):
        self.begun = time.monotonic()
        self.bad = False
        super().startTest(test)

    def addSuccess(self, test):
        self.write(test, "ok")

    def addError(self, test, err):
        self.write(test, "error", self._exc_info_to_string(err, test))

    def addFailure(self, test, err):
        self.write(test, "failed", self._exc_info_to_string(err, test))

    def addSkip(self, test, reason):
        self.write(test, "skipped", reason)

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.write(test, "failed", str(subtest) + "\n" + self._exc_info_to_string(err, test))


with open(sys.argv[2], "w") as out:
    unittest.defaultTestLoader.loadTestsFromName(sys.argv[1]).run(Results(out))
