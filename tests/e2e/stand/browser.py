"""Debian's Chromium with one page, by the driver of tests/integration/ui."""

import json
import os
import subprocess
from pathlib import Path


class Browser:
    """A context. Selectors are Playwright's. A step that fails says what was on the page, and leaves a picture "failed"."""

    def __init__(self, modules: Path, pictures: Path):
        pictures.mkdir(parents=True, exist_ok=True)
        self._driver = subprocess.Popen(
            ["node", Path(__file__).with_suffix(".mjs")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "UI_TEST_MODULES": str(modules), "UI_TEST_PICTURES": str(pictures)})

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, *_) -> None:
        self._driver.stdin.close()
        try:
            self._driver.wait(20)
        finally:
            self._driver.kill()

    def open(self, url: str) -> None:
        self._do("open", url=url)

    def fill(self, selector: str, text: str) -> None:
        self._do("fill", selector=selector, text=text)

    def press(self, key: str) -> None:
        self._do("press", key=key)

    def see(self, selector: str, text: str = "", seconds: float = 60) -> None:
        """Waits until it is shown, with that text in it."""
        self._do("see", selector=selector, text=text, limit=seconds * 1000)

    def miss(self, selector: str, seconds: float = 60) -> None:
        """Waits until it is not there."""
        self._do("miss", selector=selector, limit=seconds * 1000)

    def read(self, selector: str) -> str:
        return self._do("read", selector=selector)

    def picture(self, name: str) -> None:
        self._do("picture", name=name)

    def faults(self) -> dict:
        """`errors` on the page, and what it asked for from `outside`."""
        return self._do("faults")

    def _do(self, step: str, **arguments):
        answer = self._ask(step, arguments)
        if "error" in answer:
            shown = self._ask("read", {"selector": "body"}).get("value")
            self._ask("picture", {"name": "failed"})
            raise AssertionError(f"{step} {arguments}: {answer['error']}\nthe page: {shown}\n{self._ask('faults', {})}")
        return answer["value"]

    def _ask(self, step: str, arguments: dict) -> dict:
        self._driver.stdin.write(json.dumps({"step": step, **arguments}) + "\n")
        self._driver.stdin.flush()
        line = self._driver.stdout.readline()
        assert line, f"the browser has ended: {self._driver.poll()}"
        return json.loads(line)
