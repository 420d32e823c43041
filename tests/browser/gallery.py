"""The pictures in docs/gallery, from the reports of the demo and of the simulated study, which `make gallery` makes."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import CHROMIUM

ROOT = Path(__file__).parents[2]
COLOURS = 256


class Shot(NamedTuple):
    """A picture: its name, the study, the screen, and the part of the page between two elements."""

    name: str
    study: str
    width: int
    scheme: Any
    first: str
    last: str


SHOTS = (
    Shot("verdict", "demo", 1000, "light", "header", "#setting"),
    Shot("landscapes", "demo", 1000, "dark", "#landscapes h2", "#landscapes figure:nth-of-type(5)"),
    Shot("cell", "demo", 1000, "light", "#cell-network", "#curves-chart"),
    Shot("runs", "simulated", 1000, "dark", "#runs", "#runs"),
    Shot("phone", "simulated", 390, "light", "header", "#set .advice"),
)


def take(browser: Browser, shot: Shot) -> bytes:
    """One picture as PNG with few colours, which is small and loses nothing that one sees."""
    with browser.new_context(viewport={"width": shot.width, "height": 900}, color_scheme=shot.scheme) as context:
        page = context.new_page()
        page.goto((ROOT / f"results/{shot.study}/report.html").as_uri())
        for section in page.locator("section").all():
            section.scroll_into_view_if_needed()
        page.wait_for_timeout(500)
        page.evaluate("window.scrollTo(0, 0)")
        picture = Image.open(io.BytesIO(page.screenshot(full_page=True, clip=between(page, shot))))
    small = io.BytesIO()
    picture.convert("RGB").quantize(COLOURS).save(small, "PNG", optimize=True)
    return small.getvalue()


def between(page: Page, shot: Shot) -> Any:
    """The part of the page from one element to another, over its whole width."""
    top, bottom = (page.locator(one).first.bounding_box() for one in (shot.first, shot.last))
    assert top is not None
    assert bottom is not None
    start = max(0, top["y"] - 24)
    return {"x": 0, "y": start, "width": shot.width, "height": bottom["y"] + bottom["height"] + 24 - start}


def main() -> None:
    """Take all pictures anew."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for shot in SHOTS:
            (ROOT / f"docs/gallery/{shot.name}.png").write_bytes(take(browser, shot))
        browser.close()


if __name__ == "__main__":
    main()
