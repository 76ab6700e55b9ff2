"""Makes effects.md: tables from the processors' own ranges, a picture of each, and the loss over a delay's length.

::

    python docs/make_effects.py          # everything
    python docs/make_effects.py --text   # tables only, in a second

It writes below the mark of ``docs/effects.md``, and ``docs/pictures/effects/``. The same machine and packages give the
same files again.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import effects_page as text


def main(words: list[str]) -> None:
    """Writes the page, with the pictures unless only the text is wanted."""
    figures: dict[str, str] = {}
    if "--text" in words:
        figures = json.loads(text.FIGURES.read_text(encoding="utf-8"))
    else:
        figures = pictures()
        text.FIGURES.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    text.PAGE.write_text(text.page(text.PAGE.read_text(encoding="utf-8"), figures), encoding="utf-8")


def pictures() -> dict[str, str]:
    """Draws everything; what was measured on the way."""
    import delay_loss
    import effects_pictures
    import matplotlib.pyplot as plt
    import torch
    from make_pictures import STYLE, save

    torch.set_num_threads(1)
    plt.rcParams.update(STYLE)
    text.PICTURES.mkdir(parents=True, exist_ok=True)
    for old in text.PICTURES.glob("*.png"):
        old.unlink()
    for name, part in text.single().items():
        save(effects_pictures.draw(name, part), name, text.PICTURES, dpi=80)
    figure, figures = delay_loss.draw()
    save(figure, "delay-loss", text.PICTURES, dpi=80)
    return figures


if __name__ == "__main__":
    main(sys.argv[1:])
