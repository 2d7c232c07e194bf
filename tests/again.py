#!/usr/bin/python3
"""Which failures .ci/again lets run once more, and which are final.

    again.py SOURCE_DIR
"""
import os
import subprocess
import sys
import tempfile
import unittest

AGAIN = os.path.join(sys.argv.pop(1), ".ci", "again")
SECTION = """{number}/9 Testing: {name}
Command: "{name}"
Output:
----------------------------------------------------------
{printed}
<end of output>
"""


class Again(unittest.TestCase):
    def asked(self, printed, failed, told=""):
        """Its exit code and what it says, of tests that have printed something, and of what ctest has told."""
        with tempfile.TemporaryDirectory() as build:
            folder = os.path.join(build, "Testing", "Temporary")
            os.makedirs(folder)
            with open(os.path.join(folder, "LastTest.log"), "w", encoding="utf-8") as log:
                log.writelines(SECTION.format(number=number, name=name, printed=text)
                               for number, (name, text) in enumerate(printed.items(), 1))
            if failed:
                with open(os.path.join(folder, "LastTestsFailed.log"), "w", encoding="utf-8") as log:
                    log.writelines(f"{number}:{name}\n" for number, name in enumerate(failed, 1))
            with open(os.path.join(build, "ctest.log"), "w", encoding="utf-8") as log:
                log.write(told)
            done = subprocess.run([AGAIN, build], capture_output=True, text=True, check=False)
            return done.returncode, done.stdout

    def test_time(self):
        self.assertEqual(self.asked({"a": "120 s and no answer", "b": "0 missing, 0 doubled"}, ["a", "b"]),
                         (0, "a: may run again\nb: may run again\n"))

    def test_final(self):
        for text in ("==7==ERROR: AddressSanitizer: heap-use-after-free", "x.c:1:2: runtime error: shift",
                     "WARNING: ThreadSanitizer: data race", "ThreadSanitizer:DEADLYSIGNAL",
                     "==12== Invalid read of size 8", "FAILED with seed 3: 1 missing, 0 doubled",
                     "Segmentation fault", "AssertionError: -11 != 0", "the export ended with -6",
                     "Patient/1 was exported twice", "a line came twice", "orphans: ['a']", "missing: [('Patient', '1')]",
                     "3 are missing", "0 missing, []; 3 too many"):
            code, said = self.asked({"a": "late", "b": "as usual\n" + text}, ["a", "b"])
            self.assertEqual((code, said.split("\n")[0]), (1, "a: may run again"), text)
            self.assertIn("b: final: ", said)

    def test_crash(self):
        told = "1/2 Test #1: a ...........***Failed    0.1 sec\n2/2 Test  #20: b.c ......***Exception: SegFault  0.1 sec\n"
        self.assertEqual(self.asked({"a": "late", "b.c": "late"}, ["a", "b.c"], told),
                         (1, "a: may run again\nb.c: final: a crash\n"))

    def test_of_others(self):
        """What a test that passed has printed does not count."""
        self.assertEqual(self.asked({"a": "late", "b": "Segmentation fault"}, ["a"])[0], 0)

    def test_too_many(self):
        names = [f"test{number}" for number in range(6)]
        self.assertEqual(self.asked(dict.fromkeys(names, "late"), names)[0], 1)
        self.assertEqual(self.asked(dict.fromkeys(names, "late"), names[1:])[0], 0)

    def test_no_test(self):
        self.assertEqual(self.asked({"a": "fine"}, [])[0], 1)


if __name__ == "__main__":
    unittest.main(verbosity=1)
