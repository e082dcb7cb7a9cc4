"""The three pages that are compared: an almost empty one (the floor), ours, and the peer's."""

from __future__ import annotations

import shutil
from pathlib import Path

CASE = "brain-mni152"

# The least that a widget page can be: one canvas with a pattern on it.
FLOOR = '''
import anywidget

class Floor(anywidget.AnyWidget):
    _esm = """
    function render({ el }) {
      const canvas = Object.assign(document.createElement("canvas"), { width: 512, height: 512 });
      const context = canvas.getContext("2d");
      for (let i = 0; i < 8; i++) { context.fillStyle = i % 2 ? "#fff" : "#000"; context.fillRect(i * 64, 0, 64, 512); }
      el.append(canvas);
    }
    export default { render };
    """

Floor()
'''

OURS = f"""
from clerkship_widgets import ReadingRoom

ReadingRoom({CASE!r})
"""

PEER = """
from ipyniivue import NiiVue

viewer = NiiVue(height=560)
viewer.load_volumes([{"path": "volume.nii.gz"}])
viewer
"""


def write_pages(folder: Path) -> None:
    """Write the notebooks, and the peer's copy of the very same volume."""
    import nbformat
    from nbformat.v4 import new_code_cell, new_notebook

    from clerkship_cases import open_case

    source = open_case(CASE).record.source
    shutil.copyfile(_package_file(source.package, source.file), folder / "volume.nii.gz")
    for name, code in (("floor", FLOOR), ("ours", OURS), ("peer", PEER)):
        notebook = new_notebook(
            cells=[new_code_cell(code.strip())],
            metadata={
                "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
            },
        )
        nbformat.write(notebook, folder / f"{name}.ipynb")


def _package_file(package: str, file: str) -> Path:
    from importlib import metadata

    return Path(str(metadata.distribution(package).locate_file(file)))
