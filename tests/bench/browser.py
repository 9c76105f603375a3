"""Headless Chromium, timed through its DevTools pipe: how long until a page is parsed, laid out and painted."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from itertools import count
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1400,1000",
    "--remote-debugging-pipe",
)

# Two frames after the load event the first one has certainly been laid out and painted.
_TWO_FRAMES_AFTER_LOAD = """
new Promise(done => {
    const painted = () => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now())));
    document.readyState === "complete" ? painted() : addEventListener("load", painted);
})
"""


def find_browser() -> str | None:
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One browser process with one tab; commands and answers are JSON texts that end in a zero byte."""

    def __init__(self, executable: str, profile: Path) -> None:
        commands, self._commands = os.pipe()
        self._answers, answers = os.pipe()
        script = f'exec "$@" 3<&{commands} 4>&{answers}'
        arguments = [executable, *FLAGS, f"--user-data-dir={profile}", "about:blank"]
        self._process = subprocess.Popen(
            ["/bin/bash", "-c", script, "browser", *arguments],
            pass_fds=(commands, answers),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(commands)
        os.close(answers)
        self._numbers = count(1)
        self._unread = b""
        page = next(t for t in self._call("Target.getTargets")["targetInfos"] if t["type"] == "page")
        self._session = self._call("Target.attachToTarget", targetId=page["targetId"], flatten=True)["sessionId"]
        self._tab("Page.enable")

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        self._call("Browser.close")
        self._process.wait(timeout=20)
        os.close(self._commands)
        os.close(self._answers)

    def seconds_to_paint(self, page: Path) -> float:
        """From the start of navigation to the second frame after ``load``, by the browser's own clock."""
        self._tab("Page.navigate", url=page.as_uri())
        return self.evaluate(_TWO_FRAMES_AFTER_LOAD) / 1000

    def evaluate(self, expression: str) -> Any:
        answer = self._tab("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        return answer["result"]["value"]

    def _tab(self, method: str, **parameters: object) -> dict[str, Any]:
        return self._call(method, self._session, **parameters)

    def _call(self, method: str, session: str | None = None, **parameters: object) -> dict[str, Any]:
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters} | ({"sessionId": session} if session else {})
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while (answer := self._read()).get("id") != number:
            pass
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._unread:
            chunk = os.read(self._answers, 1 << 16)
            if not chunk:
                raise RuntimeError("the browser closed its pipe")
            self._unread += chunk
        text, _, self._unread = self._unread.partition(b"\0")
        return json.loads(text)
