"""The report as a study grows: its size, and what a browser needs to open it and draw its charts.

Simulated studies are run through the whole workflow, then their pages are opened in Chromium (apt install chromium).
The baseline is the study of 300 runs. `open` ends with the browser's load event, `charts` when both are drawn:
simulated runs have no learning curves, whose chart would be the third.

    python benchmarks/report.py 300 2400 24000
"""

from __future__ import annotations

import argparse
import shutil
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from planning import PACKS, SHAPES, call, project
from playwright.sync_api import Browser, sync_playwright

DRAWN = "document.querySelectorAll('.chart :is(svg, canvas)').length >= 2"


def measure(runs: int, browser: Browser) -> tuple[float, float, float, float]:
    """MB of the page, seconds to open it, seconds until its charts are drawn, and MB of the script heap."""
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        project(folder, runs, PACKS["a network"])
        call(folder, "--quiet", "all")
        file = folder / "results/size/report.html"
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        began = time.perf_counter()
        page.goto(file.as_uri())
        opened = time.perf_counter() - began
        page.locator("#parallel-chart").scroll_into_view_if_needed()
        page.wait_for_function(DRAWN)
        drawn = time.perf_counter() - began
        heap = page.evaluate("performance.memory.usedJSHeapSize") / 1e6
        page.close()
        return file.stat().st_size / 1e6, opened, drawn, heap


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=int, choices=SHAPES, help="sizes of studies")
    options = parser.parse_args()
    print("| runs | page MB | open s | charts s | heap MB | size against the first |\n|---|---|---|---|---|---|")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        first = None
        for runs in options.runs:
            size, opened, drawn, heap = measure(runs, browser)
            first = first or size
            print(
                f"| {runs:,} | {size:.1f} | {opened:.2f} | {drawn:.2f} | {heap:.0f} | ×{size / first:.1f} |", flush=True
            )
        browser.close()


if __name__ == "__main__":
    main()
