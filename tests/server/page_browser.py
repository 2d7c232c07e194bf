#!/usr/bin/python3
"""The page for operators in Chromium: by keyboard, on a phone, with none and with a thousand jobs, and what axe-core
finds wrong with it.

    page_browser.py SERVER GENERATE [--screenshots FOLDER]

About half a minute. With --screenshots there are pictures of it to look at."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

import fhir_server
import page
from chromium import PATIENCE, Chromium

ROOT = pathlib.Path(__file__).resolve().parents[2]
AXE = ROOT / "build" / "browser" / "node_modules" / "axe-core" / "axe.min.js"
TOKEN = page.TOKENS[0]
GENERATE = ""
SCREENSHOTS = None
JOBS = 1000
ROWS = 50
# A client may be called anything by a host.
CLIENT = "<img src=x onerror=\"document.title='broken'\"> & co"


class BrowserTest(unittest.TestCase):
    """One server and one browser for all tests of a class, which follow each other by their names."""

    server = browser = folder = None

    @classmethod
    def setUpClass(cls):
        cls.place = tempfile.TemporaryDirectory(prefix="fhx-page-")
        cls.addClassCleanup(cls.place.cleanup)
        cls.folder = cls.place.name
        cls.server = cls.start_server()
        cls.addClassCleanup(cls.server.end, keep=True)
        cls.browser = Chromium()
        cls.addClassCleanup(cls.browser.close)
        cls.browser.resize(1280, 900)

    @property
    def url(self):
        return self.server.base_url[:-len("/fhir")] + "/exports"

    def text(self, selector):
        return self.browser.evaluate(f"document.querySelector({json.dumps(selector)}).textContent")

    def wait_for_text(self, selector, wanted):
        self.browser.wait(f"document.querySelector({json.dumps(selector)}).textContent.includes({json.dumps(wanted)})")

    def focused(self, attribute="id"):
        return self.browser.evaluate(f"document.activeElement.{attribute}")

    def tab_to(self, condition, shift=False):
        """Presses Tab until the focus is where the condition on `e` holds."""
        for _ in range(60):
            if self.browser.evaluate(f"(e => {condition})(document.activeElement)"):
                return
            self.browser.press("Tab", shift)
        self.fail(f"the keyboard does not come to {condition}")

    def log_in(self):
        self.browser.open(self.url)
        self.assertEqual(self.focused(), "token")
        self.browser.type(TOKEN)
        self.browser.press("Enter")
        self.browser.wait("document.getElementById('connection')?.textContent === 'Live'")

    def look(self, name):
        if SCREENSHOTS:
            self.browser.screenshot(os.path.join(SCREENSHOTS, name + ".png"))

    def check_axe(self, name, schemes=("light",)):
        """No findings, serious or not."""
        self.look(name)
        if not self.browser.evaluate("typeof axe === 'object'"):
            self.browser.evaluate(AXE.read_text(encoding="utf-8") + "; true")
        for scheme in schemes:
            self.browser.prefer(scheme)
            found = self.browser.evaluate("axe.run(document, {resultTypes: ['violations']})")
            self.assertGreater(len(found["passes"]), 10)
            told = [(one["impact"], one["id"], [node["html"] for node in one["nodes"]][:3]) for one in found["violations"]]
            self.assertEqual(told, [], f"{name}, {scheme}")

    def check_width(self):
        wide = self.browser.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        self.assertEqual(wide, 0, "the page is wider than the screen")

    def check_quiet(self, *expected):
        """The console has nothing but what was to come."""
        found = [one for one in self.browser.problems() if not any(text in one for text in expected)]
        self.assertEqual(found, [])


class Small(BrowserTest):
    """From the login to a file."""

    @classmethod
    def start_server(cls):
        data = os.path.join(cls.folder, "data")
        os.mkdir(data)
        subprocess.run([GENERATE, "--out", data, "--patients", "30"], check=True, stdout=subprocess.DEVNULL)
        return page.PageServer("--load", data, folder=cls.folder)

    def test_1_login(self):
        self.browser.open(self.url)
        self.check_axe("login", ("dark", "light"))
        self.browser.type("wrong-token-0123456789-0123456789-ab")
        self.browser.press("Enter")
        self.browser.wait("document.getElementById('message')?.textContent.length > 0")
        self.check_axe("login-refused")
        self.log_in()
        self.assertEqual(self.browser.evaluate("[location.href, document.cookie]"), [self.url, ""])

    def test_2_empty(self):
        self.wait_for_text("#empty", "There are no jobs.")
        self.assertEqual(self.text("#chart-text"), "– nothing was exported")
        self.check_axe("empty")
        self.browser.resize(390, 844, is_phone=True)
        self.check_width()
        self.look("empty-phone")
        # It is drawn anew for the width that there is now.
        self.browser.wait("document.querySelector('#chart svg').viewBox.baseVal.width < 390")
        self.browser.resize(1280, 900)

    def test_3_start_and_watch(self):
        self.browser.evaluate("""window.news = []; new MutationObserver(() => news.push(
            document.getElementById('news').textContent)).observe(document.getElementById('news'), {childList: true});
            document.activeElement.blur(); true""")
        # By keyboard alone: all patients, two types.
        self.tab_to("e.id === 'level'")
        self.browser.press("ArrowDown")
        self.assertEqual(self.browser.evaluate("document.getElementById('level').value"), "patient")
        self.tab_to("e.id === 'types'")
        self.browser.type("Patient, Observation")
        self.tab_to("e.textContent === 'Start'")
        self.browser.press("Enter")
        # It waits a second until all writes are there, and so is seen running.
        self.browser.wait("document.querySelector('.state.running, .state.complete')")
        self.browser.wait("document.querySelector('.state.complete')")
        self.assertEqual(self.focused("textContent"), "Start")
        self.browser.wait("news.some(text => text.includes('is complete'))")
        self.assertIn("is started", self.browser.evaluate("news[0]"))
        row = self.browser.evaluate("[...document.querySelectorAll('#rows tr:first-child td')].map(e => e.innerText)")
        self.assertEqual((row[2], row[3], row[7], row[8], row[9]), ("this page", "_type", "2", "0", "0"))
        self.assertEqual(self.text("#count-complete"), "1")
        self.browser.wait("document.querySelector('#chart .curve')")
        self.browser.wait("!document.getElementById('rate-now').textContent.startsWith('0 ')"
                          " || document.getElementById('chart-text').textContent.includes('at most')")
        self.check_axe("complete", ("dark", "light"))

    def test_4_refused(self):
        self.browser.evaluate("document.getElementById('types').value = 'Nothing'; true")
        self.tab_to("e.textContent === 'Start'")
        self.browser.press("Enter")
        self.wait_for_text("#start-message", "Nothing is not a resource type")
        self.assertEqual(self.browser.evaluate("document.getElementById('start-message').role"), "alert")
        self.assertEqual(self.browser.evaluate("document.querySelectorAll('#rows tr').length"), 1)

    def test_5_download(self):
        downloads = os.path.join(self.folder, "downloads")
        os.mkdir(downloads)
        self.browser.call("Page.setDownloadBehavior", behavior="allow", downloadPath=downloads)
        self.tab_to("e.textContent === 'Files'")
        self.browser.press("Enter")
        self.browser.wait("document.querySelectorAll('#files a').length === 2")
        self.check_axe("files")
        self.tab_to("e.textContent.startsWith('Patient')")
        self.browser.press("Enter")
        end = time.monotonic() + PATIENCE
        while not any(name.endswith(".ndjson") for name in os.listdir(downloads)):
            self.assertLess(time.monotonic(), end, "nothing was downloaded")
            time.sleep(0.05)
        name, = os.listdir(downloads)
        self.assertRegex(name, r"^Patient-[0-9-]+\.ndjson$")
        with open(os.path.join(downloads, name), encoding="utf-8") as file:
            kinds = [json.loads(line)["resourceType"] for line in file]
        self.assertEqual(kinds, ["Patient"] * 30)
        self.browser.press("Escape")
        self.browser.wait("!document.getElementById('files-dialog').open")
        self.assertEqual(self.focused("textContent"), "Files")

    def test_6_remove(self):
        self.tab_to("e.textContent === 'Remove'", shift=True)
        self.browser.press("Enter")
        self.browser.wait("document.getElementById('cancel-dialog').open")
        self.check_axe("remove")
        self.browser.press("Escape")
        self.browser.wait("!document.getElementById('cancel-dialog').open")
        self.assertEqual(self.text("#count-complete"), "1")
        self.browser.press("Enter")
        self.tab_to("e.textContent === 'Remove it'")
        self.browser.press("Enter")
        self.browser.wait("document.querySelectorAll('#rows tr').length === 0")
        self.wait_for_text("#empty", "There are no jobs.")
        # What had the focus is gone; it is not lost.
        self.assertEqual(self.focused(), "jobs")
        self.wait_for_text("#news", "is gone")

    def test_7_logout(self):
        self.browser.evaluate("document.getElementById('logout').click()")
        self.browser.wait("document.getElementById('token')")
        self.check_quiet("401 (Unauthorized)", "400 (Bad Request)")

    def test_8_lost(self):
        self.log_in()
        self.server.stop(keep=True)
        self.wait_for_text("#connection", "The server cannot be reached")
        self.check_axe("lost")


class Many(BrowserTest):
    """A thousand jobs, one of which another process runs."""

    @classmethod
    def start_server(cls):
        page.fill_jobs(cls.folder, JOBS)
        jobs = page.many_jobs.Jobs(os.path.join(cls.folder, "jobs"))
        run = jobs.store.execute
        run("UPDATE job SET client = ?", (CLIENT,))
        run("UPDATE task SET fence = 3 WHERE job_key % 5 = 0 AND task_index = 1 AND state = 3")
        run("UPDATE job SET state = 3, reason_status = -9, reason = 'the source came to no end in 5 attempts'"
            " WHERE job_key % 100 = 7")
        jobs.close()
        return page.PageServer(*page.jobs_options(cls.folder), folder=cls.folder)

    def test_1_all(self):
        self.log_in()
        self.wait_for_text("#range", f"1–{ROWS} of {JOBS + 1:,}")
        self.assertEqual(self.text("#count-running"), "1")
        self.assertEqual(self.text("#count-failed"), "10")
        self.assertEqual(self.browser.evaluate("document.querySelectorAll('#rows tr').length"), ROWS)
        self.assertEqual(self.text("#rows td.client span"), CLIENT)
        self.assertEqual(self.browser.evaluate("[document.title, document.querySelectorAll('main img').length]"),
                         ["Exports", 0])
        self.check_axe("many")
        self.check_width()

    def test_2_pages(self):
        seen = set()
        for number in range((JOBS + ROWS) // ROWS):
            self.wait_for_text("#range", f"{number * ROWS + 1:,}–")
            seen |= set(self.browser.evaluate("[...document.querySelectorAll('#rows .note[title]')].map(e => e.title)"))
            self.browser.evaluate("document.getElementById('older').click()")
        self.wait_for_text("#range", f"{JOBS + 1:,}–{JOBS + 1:,} of")
        seen |= set(self.browser.evaluate("[...document.querySelectorAll('#rows .note[title]')].map(e => e.title)"))
        self.assertEqual(len(seen), JOBS + 1)
        self.assertTrue(self.browser.evaluate("document.getElementById('older').disabled"))

    def test_3_filter(self):
        for state, count in (("failed", 10), ("running", 1)):
            self.browser.evaluate(f"""document.getElementById('filter').value = '{state}';
                document.getElementById('filter').dispatchEvent(new Event('change')); true""")
            self.assertEqual(self.browser.evaluate("document.querySelectorAll('#rows tr').length"), count)
            if state == "failed":
                self.assertIn("came to no end", self.text("#rows .reason"))
                self.check_axe("failed", ("dark", "light"))

    def test_4_phone(self):
        self.browser.resize(390, 844, is_phone=True)
        self.browser.evaluate("""document.getElementById('filter').value = '';
            document.getElementById('filter').dispatchEvent(new Event('change')); true""")
        self.check_width()
        self.check_axe("phone")
        # As large as a finger.
        small = self.browser.evaluate("""[...document.querySelectorAll('button, select, input')]
            .map(e => e.getBoundingClientRect()).filter(r => r.height > 0 && (r.height < 40 || r.width < 40)).length""")
        self.assertEqual(small, 0)
        self.browser.resize(768, 1024, is_phone=True)
        self.check_width()
        self.look("tablet")
        self.browser.resize(1280, 900)

    def test_5_cancel(self):
        self.tab_to("e.textContent === 'Cancel'")
        self.browser.press("Enter")
        self.wait_for_text("#cancel-text", CLIENT)
        self.tab_to("e.textContent === 'Cancel it'")
        self.browser.press("Enter")
        self.wait_for_text("#count-running", "0")
        self.wait_for_text("#range", f"of {JOBS:,}")
        self.assertEqual(self.server.page("GET", "/jobs?states=running").json()["jobs"], [])
        self.check_quiet("401 (Unauthorized)")


def main():
    global GENERATE, SCREENSHOTS
    if "--screenshots" in sys.argv:
        at = sys.argv.index("--screenshots")
        SCREENSHOTS = os.path.abspath(sys.argv[at + 1])
        os.makedirs(SCREENSHOTS, exist_ok=True)
        del sys.argv[at:at + 2]
    if not AXE.exists():
        sys.exit(f"page_browser.py: {AXE} is missing: tests/run.sh installs it, or say --without chromium")
    GENERATE = os.path.abspath(sys.argv.pop(2))
    fhir_server.run_tests()


if __name__ == "__main__":
    main()
