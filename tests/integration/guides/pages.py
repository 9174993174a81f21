"""What the documents show, by page, heading and language.

    pages.py FILE.md LANGUAGE INDEX     prints one block of a page
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PARTS = re.compile(r"^```(?P<language>[a-z]*)\n(?P<text>.*?)^```$|^(?:#+ |\*\*)(?P<heading>[^*\n]+)", re.M | re.S)


def blocks(page: str, language: str, heading: str = "") -> list[str]:
    """The page's blocks in that language, in order; with `heading` only those right below it."""
    found, below = [], ""
    for part in PARTS.finditer((ROOT / page).read_text()):
        if part["heading"]:
            below = part["heading"]
        elif part["language"] == language and heading in ("", below):
            found.append(part["text"])
    if not found:
        raise LookupError(f"{page} has no {language} block" + (f" below {heading!r}" if heading else ""))
    return found


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    print(blocks(sys.argv[1], sys.argv[2])[int(sys.argv[3])], end="")
