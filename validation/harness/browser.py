"""A headless Chromium for tests of pages."""

import base64
import contextlib
import json
import os
import shutil
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service


def find_browser() -> tuple[str, str]:
    """Paths of Chromium and of its driver. Skips the test, with the reason, where there are none, as on Ubuntu: its package is a
    snap, which does not install in a container."""
    browser = os.environ.get("PTYCHOSCALE_BROWSER") or shutil.which("chromium") or shutil.which("google-chrome")
    driver = os.environ.get("PTYCHOSCALE_BROWSER_DRIVER") or shutil.which("chromedriver")
    if not browser or not driver:
        pytest.skip(
            "no browser: needs Chromium and its driver (Debian: chromium, chromium-driver; elsewhere name both in PTYCHOSCALE_BROWSER "
            "and PTYCHOSCALE_BROWSER_DRIVER)"
        )
    return browser, driver


@contextlib.contextmanager
def opened(page: Path, profile: Path, width: int = 1280, height: int = 900):
    """The page in a window of CSS pixels, as a phone has them when narrow; network requests and console messages are kept."""
    browser, driver = find_browser()
    options = Options()
    options.binary_location = browser
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", f"--user-data-dir={profile}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    window = webdriver.Chrome(options=options, service=Service(driver))
    try:
        resize(window, width, height)
        window.get(page.resolve().as_uri())
        yield window
    finally:
        window.quit()


def resize(window, width: int, height: int = 900) -> None:
    """Sets the size of the page's area; a window of its own cannot be as narrow as a phone."""
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    window.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def requests_of(window) -> dict[str, str | None]:
    """Addresses that the present page requested, each with why it failed; the browser's own pages do not count."""
    events = [json.loads(entry["message"])["message"] for entry in window.get_log("performance")]
    sent = [event["params"] for event in events if event["method"] == "Network.requestWillBeSent"]
    failed = {e["params"]["requestId"]: e["params"]["errorText"] for e in events if e["method"] == "Network.loadingFailed"}
    page = window.current_url
    return {each["request"]["url"]: failed.get(each["requestId"]) for each in sent if each["documentURL"] == page}


def print_to_pdf(window) -> bytes:
    """The page as it would be printed on A4."""
    result = window.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True, "printBackground": False})
    return base64.b64decode(result["data"])
