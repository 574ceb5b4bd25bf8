# SPDX-License-Identifier: Apache-2.0
"""Headless Chromium through chromedriver's HTTP protocol, with nothing but the standard library."""

import base64
import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request


def missing():
    """Why pages cannot be tested here, or None."""
    absent = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
    return f"{' and '.join(absent)} not installed (scripts/install_deps.sh --tools)" if absent else None


class Browser:
    """One window of a headless Chromium that writes down what it fetches and what pages log."""

    def __init__(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self._driver = subprocess.Popen(["chromedriver", f"--port={self._port}"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._session = None
        self._wait_until_ready()
        self._session = self._call("POST", "/session", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
            "goog:chromeOptions": {"binary": shutil.which("chromium"), "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                "--no-first-run", "--disable-background-networking", "--hide-scrollbars"]}}}})["sessionId"]

    def _wait_until_ready(self):
        for _ in range(200):
            try:
                if self._call("GET", "/status")["ready"]:
                    return
            except (OSError, urllib.error.URLError):
                pass
            time.sleep(0.05)
        raise RuntimeError("chromedriver does not answer")

    def _call(self, method, path, body=None):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._port}{path}", method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(error.read().decode(errors="replace")[:500]) from error

    def _in_session(self, method, path, body=None):
        return self._call(method, f"/session/{self._session}{path}", body)

    def command(self, name, **parameters):
        """A command of the DevTools protocol."""
        return self._in_session("POST", "/goog/cdp/execute", {"cmd": name, "params": parameters})

    def open(self, url):
        self._in_session("POST", "/url", {"url": url})

    def run(self, script, *arguments):
        return self._in_session("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def set_width(self, width, height=900, mobile=False):
        self.command("Emulation.setDeviceMetricsOverride", width=width, height=height,
                     deviceScaleFactor=1, mobile=mobile)

    def set_dark(self, dark):
        self.command("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def screenshot(self, path):
        """The whole page, however long."""
        size = self.command("Page.getLayoutMetrics")["cssContentSize"]
        shot = self.command("Page.captureScreenshot", captureBeyondViewport=True,
                            clip={**size, "scale": 1})
        path.write_bytes(base64.b64decode(shot["data"]))

    def pdf(self):
        printed = self.command("Page.printToPDF", printBackground=False, paperWidth=8.27,
                               paperHeight=11.69)
        return base64.b64decode(printed["data"])

    def logged(self, kind):
        """Since the last call: "browser" gives what pages log, "performance" what is fetched."""
        return self._in_session("POST", "/se/log", {"type": kind})

    def requests(self):
        """Addresses asked for since the last call."""
        events = (json.loads(entry["message"])["message"] for entry in self.logged("performance"))
        return [event["params"]["request"]["url"] for event in events
                if event["method"] == "Network.requestWillBeSent"]

    def close(self):
        try:
            if self._session is not None:
                self._in_session("DELETE", "")
        finally:
            self._driver.terminate()
            self._driver.wait(timeout=30)
