"""Matplotlib figures as SVG for a page: text stays text, ink follows the page's colour, equal input gives equal bytes.

A plate is one SVG file that holds panels as nested <svg> elements; a page takes the panels out again and lets them
flow, so that the same file is a poster on its own and a column on a phone.
"""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from matplotlib.figure import Figure

from decay_atlas.runs.records import DamagedFileError

INK = "#010203"
"""Whatever is drawn in this colour takes the text colour of the page it is shown on."""

DEFAULT_INK = "#1f2328"
FONTS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'DejaVu Sans', sans-serif"
GAP = 14.0
_SVG = "http://www.w3.org/2000/svg"
_XLINK = "http://www.w3.org/1999/xlink"
_LONG = re.compile(r"-?\d+\.\d{3,}")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
ET.register_namespace("", _SVG)
ET.register_namespace("xlink", _XLINK)


@dataclass(frozen=True)
class Panel:
    """One figure with what it shows in words, and hover texts by the gid of its artists.

    `key` says what it is of, for a page whose charts follow it.
    """

    figure: Figure
    alt: str
    tips: Mapping[str, str] = field(default_factory=dict)
    key: str = ""


def read_plate(path: str | Path) -> str:
    """A plate's file.

    Raises:
        OSError: there is no such file.
        DamagedFileError: it is not a whole SVG.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
        ET.fromstring(text)
    except (UnicodeDecodeError, ET.ParseError) as error:
        raise DamagedFileError(path, error) from None
    return text


def plate(panels: Sequence[Panel], name: str, columns: int = 2) -> str:
    """One SVG of all panels, `columns` to a row. `name` keeps ids apart where plates share a page.

    Raises:
        ValueError: there is no panel.
    """
    if not panels:
        raise ValueError(f"figure {name}: a plate needs at least one panel; give one that says what is missing")
    drawn = [_panel(panel, f"{name}-{number}") for number, panel in enumerate(panels)]
    columns = min(columns, len(drawn))
    widest = max(width for _, width, _ in drawn)
    total, top = columns * (widest + GAP) - GAP, 0.0
    for start in range(0, len(drawn), columns):
        row = drawn[start : start + columns]
        for column, (element, width, height) in enumerate(row):
            position = {"x": column * (widest + GAP), "y": top, "width": width, "height": height}
            element.attrib.update({key: f"{value:g}" for key, value in position.items()})
        top += max(height for _, _, height in row) + GAP
    root = ET.Element(
        f"{{{_SVG}}}svg",
        {
            "width": f"{total:g}pt",
            "height": f"{top - GAP:g}pt",
            "viewBox": f"0 0 {total:g} {top - GAP:g}",
            "color": DEFAULT_INK,
        },
    )
    root.extend(element for element, _, _ in drawn)
    return ET.tostring(root, encoding="unicode") + "\n"


def panels_of(text: str) -> list[str]:
    """The panels of a plate, each an <svg> of its own without a size, to be laid out by the page."""
    result = []
    for element in ET.fromstring(text):
        for attribute in ("x", "y", "width", "height"):
            element.attrib.pop(attribute, None)
        result.append(ET.tostring(element, encoding="unicode"))
    return result


def _panel(panel: Panel, name: str) -> tuple[ET.Element, float, float]:
    """The panel's element, its width and height in points."""
    buffer = io.StringIO()
    panel.figure.savefig(
        buffer,
        format="svg",
        transparent=True,
        metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")),
    )
    root = ET.fromstring(buffer.getvalue())
    for metadata in root.findall(f"{{{_SVG}}}metadata"):
        root.remove(metadata)
    _point(root, name, panel.tips)
    for element in root.iter():
        if "d" in element.attrib:
            element.set("d", _LONG.sub(lambda match: f"{float(match[0]):.2f}", " ".join(element.attrib["d"].split())))
        for key, value in element.attrib.items():
            if INK in value:
                element.set(key, value.replace(INK, "currentColor"))
            if "'DejaVu Sans'" in value:
                element.set(key, element.attrib[key].replace("'DejaVu Sans'", FONTS))
    width, height = (float(size) for size in root.attrib["viewBox"].split()[2:])
    for attribute in ("width", "height", "version"):
        root.attrib.pop(attribute, None)
    root.attrib.update({"class": "panel", "role": "img", "aria-label": panel.alt})
    if panel.key:
        root.set("data-key", panel.key)
    return root, width, height


def _point(root: ET.Element, name: str, tips: Mapping[str, str]) -> None:
    """Keep the ids that something refers to, made unique by `name`; put hover texts in their elements."""
    used = set()
    for element in root.iter():
        for key, value in element.attrib.items():
            used.update(_REFERENCE.findall(value))
            if key == f"{{{_XLINK}}}href" and value.startswith("#"):
                used.add(value[1:])
    for element in list(root.iter()):
        identity = element.attrib.pop("id", None)
        if identity in used:
            element.set("id", f"{name}-{identity}")
        if identity is not None and identity in tips:
            title = ET.Element(f"{{{_SVG}}}title")
            title.text = tips[identity]
            element.insert(0, title)
            element.set("data-mark", identity)
        for key, value in element.attrib.items():
            if key == f"{{{_XLINK}}}href" and value.startswith("#"):
                element.set(key, f"#{name}-{value[1:]}")
            elif "url(#" in value:
                element.set(key, _REFERENCE.sub(rf"url(#{name}-\1)", value))
