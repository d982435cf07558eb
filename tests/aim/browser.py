# SPDX-License-Identifier: Apache-2.0
"""A real browser without a screen, told over its DevTools protocol what to open, click and type.

It reaches nothing but this machine, and keeps what went wrong on a page: exceptions, errors that
the page logs, and answers of the server that are errors.
"""

import base64
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import urllib.request

from websockets.sync.client import connect

PROGRAMS = ["chromium", "chromium-headless-shell", "chromium-browser", "google-chrome"]
WIDTH, HEIGHT = 1280, 720
START_S, ANSWER_S, WAIT_S = 60, 60, 60
# What slides or fades has moved in MOVE_S, and is still after REST_S.
MOVE_S, REST_S = 0.2, 1.0


def find_browser():
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


class Browser:
    """One page of a browser, until the end of the block."""

    def __init__(self):
        self.profile = pathlib.Path(tempfile.mkdtemp(prefix="aimlog-browser."))
        self.count = 0
        self.troubles, self.requests = [], {}

    def __enter__(self):
        words = [
            find_browser(), "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--disable-dev-shm-usage", "--disable-extensions", "--hide-scrollbars",
            "--disable-background-networking", "--force-color-profile=srgb",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            f"--window-size={WIDTH},{HEIGHT}", "--remote-debugging-port=0",
            f"--user-data-dir={self.profile}", "about:blank",
        ]  # fmt: skip
        self.process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        try:
            self.socket = connect(self.page_address(), max_size=None, compression=None)
            for domain in ("Page", "Runtime", "Log", "Network"):
                self.call(domain + ".enable")
            size = {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False}
            self.call("Emulation.setDeviceMetricsOverride", **size)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        os.killpg(self.process.pid, 9)
        self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)

    def page_address(self):
        port_file = self.profile / "DevToolsActivePort"
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            if port_file.exists() and port_file.read_text().count("\n"):
                port = port_file.read_text().splitlines()[0]
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list") as answer:
                    pages = [each for each in json.loads(answer.read()) if each["type"] == "page"]
                if pages:
                    return pages[0]["webSocketDebuggerUrl"]
            if self.process.poll() is not None:
                raise RuntimeError(f"the browser ended with {self.process.returncode}")
            time.sleep(0.1)
        raise TimeoutError("the browser does not answer")

    def call(self, method, **params):
        """One command of the protocol, and its result."""
        self.count += 1
        self.socket.send(json.dumps({"id": self.count, "method": method, "params": params}))
        end = time.monotonic() + ANSWER_S
        while True:
            message = json.loads(self.socket.recv(timeout=max(0.0, end - time.monotonic())))
            if message.get("id") == self.count:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return message["result"]
            self.note(message.get("method"), message.get("params", {}))

    def note(self, event, told):
        """Keeps what a user of the page's console would see in red."""
        if event == "Runtime.exceptionThrown":
            details = told["exceptionDetails"]
            self.troubles.append(details.get("exception", {}).get("description", details["text"]))
        elif event == "Runtime.consoleAPICalled" and told["type"] in ("error", "assert"):
            texts = [str(each.get("value", each.get("description"))) for each in told["args"]]
            self.troubles.append("console: " + " ".join(texts))
        elif event == "Log.entryAdded" and told["entry"]["level"] == "error":
            self.troubles.append(f"{told['entry']['text']} {told['entry'].get('url', '')}")
        elif event == "Network.requestWillBeSent":
            self.requests[told["requestId"]] = told["request"]["url"]
        elif event == "Network.responseReceived" and told["response"]["status"] >= 400:
            response = told["response"]
            self.troubles.append(f"HTTP {response['status']} {response['url']}")

    def open(self, address):
        self.call("Page.navigate", url=address)

    def run(self, script):
        """The value of a JavaScript expression."""
        told = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in told:
            raise RuntimeError(f"{script}: {told['exceptionDetails']}")
        return told["result"].get("value")

    def text(self):
        return self.run("document.body?.innerText ?? ''")

    def wait(self, script, what, seconds=WAIT_S):
        """Waits until an expression is true, and gives its value."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            value = self.run(script)
            if value:
                return value
            time.sleep(0.2)
        raise TimeoutError(f"{what}; the page says: {self.text()!r}")

    def wait_text(self, text):
        script = f"document.body?.innerText.includes({json.dumps(text)})"
        return self.wait(script, f"the text {text!r} does not appear")

    def click(self, selector, text=""):
        """Presses the mouse where the first element that matches and can be clicked is, once it
        has come to rest there."""
        find = f"""(() => {{
            for (const each of document.querySelectorAll({json.dumps(selector)})) {{
                const box = each.getBoundingClientRect();
                const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
                const top = document.elementFromPoint(x, y);
                if (!each.disabled && each.textContent.includes({json.dumps(text)})
                    && each.contains(top)) return [x, y];
            }}
        }})()"""
        place, before = None, ()
        while place != before:
            before = place
            place = self.wait(find, f"nothing to click: {selector} {text}")
            time.sleep(MOVE_S)
        x, y = place
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def type(self, text):
        self.call("Input.insertText", text=text)

    def picture(self, path):
        time.sleep(REST_S)
        data = self.call("Page.captureScreenshot", format="png")["data"]
        pathlib.Path(path).write_bytes(base64.b64decode(data))
