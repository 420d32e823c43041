"""The programs that a page carries."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from decay_atlas.reporting import html

TEMPLATES = Path(html.__file__).with_name("templates")
VENDOR = TEMPLATES / "vendor"


def test_libraries_are_those_that_their_page_names() -> None:
    named = dict(re.findall(r"^\| `(\S+\.js)` .* `([0-9a-f]{16})` \|", (VENDOR / "README.md").read_text(), re.M))
    found = {file.name: hashlib.sha256(file.read_bytes()).hexdigest()[:16] for file in VENDOR.glob("*.js")}
    assert found == named


def test_every_program_is_part_of_the_page_and_none_ends_its_script_early() -> None:
    files = {str(file.relative_to(TEMPLATES)) for file in TEMPLATES.rglob("*.js")}
    assert set(html.SCRIPTS) == files
    assert not any("</script" in script for script in html.scripts())
