"""A real browser for the tests of the map: Debian's chromium, driven by its chromedriver over the
WebDriver protocol (W3C) with what Python has. Without both, `missing()` says what to install."""

import base64
import http.client
import json
import os
import re
import shutil
import subprocess
import tempfile

from rig import wait_for

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # WebDriver's name for a reference
KEYS = {"Tab": "\ue004", "Enter": "\ue007", "Escape": "\ue00c", "Space": "\ue00d", "ArrowLeft": "\ue012",
        "ArrowUp": "\ue013", "ArrowRight": "\ue014", "ArrowDown": "\ue015"}
ANSWER_S = 60
STARTS_MAX = 5


def missing():
    """What a test that is left out prints, or None."""
    lacks = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
    return f"no {' and no '.join(lacks)}: apt install chromium chromium-driver" if lacks else None


class Browser:
    """One window. `touch` makes it a phone of that size; `dark` and `calm` are what its user prefers."""

    def __init__(self, width=1280, height=800, touch=False, dark=False, calm=False, ratio=1, trace=False):
        self.folder = tempfile.mkdtemp(prefix="zherd-browser-")
        port = None
        for _ in range(STARTS_MAX):
            port = port or self._start()
        if port is None:
            raise AssertionError("chromedriver did not start")
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_S)
        self.session = ""
        try:
            self._open(width, height, touch, dark, calm, ratio, trace)
        except BaseException:
            self.close()
            raise

    def _start(self):
        """The driver's port, or None where it ended at once, as it was seen to do: its port may be
        taken in the other family of addresses."""
        self.driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE,
                                       stderr=subprocess.DEVNULL, text=True,
                                       env={**os.environ, "HOME": self.folder})
        for line in self.driver.stdout:
            found = re.search(r"started successfully on port (\d+)", line)
            if found:
                return int(found.group(1))
        self.driver.stdout.close()
        self.driver.wait()
        return None

    def _open(self, width, height, touch, dark, calm, ratio, trace):
        arguments = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                     "--hide-scrollbars", "--no-first-run", "--lang=en",
                     f"--user-data-dir={self.folder}/profile", f"--force-device-scale-factor={ratio}",
                     f"--window-size={width},{height}"]
        if calm:
            arguments.append("--force-prefers-reduced-motion")
        options = {"args": arguments}
        wanted = {"browserName": "chrome", "goog:chromeOptions": options,
                  "goog:loggingPrefs": {"browser": "ALL"}}
        if trace:
            options["perfLoggingPrefs"] = {"traceCategories": "viz", "enableNetwork": False, "enablePage": False}
            wanted["goog:loggingPrefs"]["performance"] = "ALL"
        made = self._ask("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self.session = f"/session/{made['sessionId']}"
        self.develop("Emulation.setDeviceMetricsOverride", width=width, height=height,
                     deviceScaleFactor=ratio, mobile=touch)
        self.develop("Emulation.setTouchEmulationEnabled", enabled=touch)
        self.prefer(dark)

    def _ask(self, method, path, body=None):
        self.connection.request(method, path, None if body is None else json.dumps(body),
                                {"Content-Type": "application/json"})
        answer = json.loads(self.connection.getresponse().read())["value"]
        if isinstance(answer, dict) and "error" in answer:
            raise AssertionError(f"{method} {path}: {answer['error']}: {answer.get('message')}")
        return answer

    def ask(self, method, path, body=None):
        return self._ask(method, self.session + path, body)

    def develop(self, command, **parameters):
        """A command of the DevTools protocol."""
        return self.ask("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def prefer(self, dark):
        self.develop("Emulation.setEmulatedMedia",
                     features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def go(self, url):
        self.ask("POST", "/url", {"url": url})

    def run(self, script, *arguments):
        """What the script returns, a body of a function; a promise is waited for."""
        return self.ask("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def text(self, selector):
        return self.run("return document.querySelector(arguments[0])?.innerText ?? null", selector)

    def shows(self, selector, text, seconds=15):
        """Waits until the element's text holds that."""
        return wait_for(f"{text!r} in {selector}", lambda: text in (self.text(selector) or ""), seconds)

    def find(self, selector):
        return self.ask("POST", "/element", {"using": "css selector", "value": selector})[ELEMENT]

    def click(self, selector):
        self.ask("POST", f"/element/{self.find(selector)}/click", {})

    def press(self, *keys):
        """Keys or texts, to whatever has the focus."""
        actions = []
        for key in keys:
            for character in [KEYS[key]] if key in KEYS else key:
                actions += [{"type": "keyDown", "value": character}, {"type": "keyUp", "value": character}]
        self.ask("POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": actions}]})

    def point(self, *steps):
        """A mouse or finger: (x, y) moves there, "down" and "up" press and let go."""
        actions = [{"type": "pointerDown" if step == "down" else "pointerUp", "button": 0}
                   if isinstance(step, str) else
                   {"type": "pointerMove", "duration": 20, "x": int(step[0]), "y": int(step[1])}
                   for step in steps]
        self.ask("POST", "/actions", {"actions": [
            {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": actions}]})

    def picture(self):
        """A PNG of the window."""
        return base64.b64decode(self.ask("GET", "/screenshot"))

    def log(self, kind="browser"):
        """What was logged since the last time."""
        return self.ask("POST", "/se/log", {"type": kind})

    def close(self):
        try:
            if self.session:
                self._ask("DELETE", self.session)
        finally:
            self.connection.close()
            self.driver.terminate()
            self.driver.wait()
            self.driver.stdout.close()
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
