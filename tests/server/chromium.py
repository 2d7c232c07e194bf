"""Headless Chromium for tests: the DevTools protocol over the pipe that --remote-debugging-pipe makes, so that
nothing but Chromium and Python is needed."""
import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-dev-shm-usage", "--force-color-profile=srgb", "--remote-debugging-pipe")
# How long anything is waited for, on a machine that does other things as well.
PATIENCE = 300


class Fault(Exception):
    """The browser says no, or says nothing."""


class Chromium:
    """A browser with one page."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="fhx-chromium-")
        to_browser, self.write_end = os.pipe()
        self.read_end, from_browser = os.pipe()
        # Chromium reads from descriptor 3 and writes to 4.
        command = ["sh", "-c", f"exec \"$@\" 3<&{to_browser} 4>&{from_browser}", "sh",
                   shutil.which("chromium"), *FLAGS, f"--user-data-dir={self.folder}/profile", "about:blank"]
        with open(os.path.join(self.folder, "log"), "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            pass_fds=(to_browser, from_browser),
                                            env={**os.environ, "HOME": self.folder})
        os.close(to_browser)
        os.close(from_browser)
        self.received = b""
        self.number = 0
        # What has happened: (method, parameters).
        self.events = []
        self.session = None
        targets = self.call("Target.getTargets")["targetInfos"]
        target = next(info["targetId"] for info in targets if info["type"] == "page")
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    # --- the protocol ---

    def receive(self, seconds):
        """The next message; None if none comes in that time."""
        end = time.monotonic() + seconds
        while b"\0" not in self.received:
            if not select.select([self.read_end], [], [], max(0, end - time.monotonic()))[0]:
                return None
            piece = os.read(self.read_end, 1 << 20)
            if not piece:
                raise Fault("Chromium has ended: " + self.log())
            self.received += piece
        message, _, self.received = self.received.partition(b"\0")
        return json.loads(message)

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session is not None:
            message["sessionId"] = self.session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.write_end, data):]
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            answer = self.receive(end - time.monotonic())
            if answer is None:
                break
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise Fault(f"{method}: {answer['error']}")
                return answer["result"]
            if "method" in answer:
                self.events.append((answer["method"], answer["params"]))
        raise Fault(f"{method} was not answered: {self.log()}")

    def log(self):
        with open(os.path.join(self.folder, "log"), encoding="utf-8", errors="replace") as file:
            return file.read()[-2000:]

    # --- the page ---

    def evaluate(self, expression):
        """The value of JavaScript, awaited if it is a promise."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True,
                           awaitPromise=True, userGesture=True)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise Fault(f"{expression[:100]}: {details.get('exception', details).get('description', details)}")
        return answer["result"].get("value")

    def wait(self, expression):
        """Until the expression is true. While a page changes to another there is nothing to ask."""
        end = time.monotonic() + PATIENCE
        fault = ""
        while time.monotonic() < end:
            try:
                if self.evaluate(f"Boolean({expression})"):
                    return
            except Fault as error:
                fault = str(error)
            time.sleep(0.05)
        raise Fault(f"this did not become true: {expression} {fault}")

    def open(self, url):
        self.evaluate("window.isOld = true")
        self.call("Page.navigate", url=url)
        self.wait("!window.isOld && document.readyState === 'complete'")

    def resize(self, width, height, is_phone=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                  mobile=is_phone)

    def prefer(self, scheme):
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def press(self, key, shift=False):
        codes = {"Tab": 9, "Enter": 13, "Escape": 27, " ": 32, "ArrowDown": 40, "ArrowUp": 38}
        texts = {"Enter": "\r", " ": " "}
        event = {"key": key, "windowsVirtualKeyCode": codes[key], "modifiers": 8 if shift else 0}
        if key != " ":
            event["code"] = key
        text = {"text": texts[key]} if key in texts else {}
        self.call("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", **text, **event)
        self.call("Input.dispatchKeyEvent", type="keyUp", **event)

    def type(self, text):
        self.call("Input.insertText", text=text)

    def screenshot(self, path, whole=True):
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def problems(self):
        """What the console and the log of the page have complained of."""
        found = []
        for method, parameters in self.events:
            if method == "Runtime.exceptionThrown":
                found.append(str(parameters["exceptionDetails"]))
            elif method == "Log.entryAdded" and parameters["entry"]["level"] == "error":
                found.append(parameters["entry"]["text"])
        return found

    def close(self):
        try:
            if self.process.poll() is None:
                self.session = None
                self.call("Browser.close")
                self.process.wait(20)
        except (Fault, OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        os.close(self.read_end)
        os.close(self.write_end)
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
