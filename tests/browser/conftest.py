"""A real browser: Debian's Chromium, driven by playwright. Without one the tests are skipped and say so."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="package")  # what it sets in the environment must not reach the tests of other folders
def browser() -> Iterator[Any]:
    if not CHROMIUM:
        pytest.skip("没有找到 Chromium：请安装（apt install chromium）或用环境变量 CHROMIUM 指定")
    from playwright.sync_api import sync_playwright

    # playwright runs an event loop in this thread, and Django would refuse the test's own database calls beside it.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        flags = ["--no-sandbox"] if os.geteuid() == 0 else []
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=[*flags, "--disable-gpu"])
        yield running
        running.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


class Watched:
    """A page, and what the browser complained of while it was open."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.errors: list[str] = []
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _hear(self, message: Any) -> None:
        if "Content Security Policy" in message.text or "Content-Security-Policy" in message.text:
            self.complaints.append(f"{self.page.url}: {message.text[:300]}")
        elif message.type == "error":
            self.errors.append(f"{self.page.url}: {message.text[:300]}")


@pytest.fixture
def watched(browser: Any) -> Iterator[Watched]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="zh-CN")
    context.set_default_timeout(15_000)
    yield Watched(context.new_page())
    context.close()
