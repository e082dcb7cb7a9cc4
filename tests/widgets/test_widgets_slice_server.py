"""Slices on demand: lossless, small, quick, and nothing but slices."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from clerkship_cases import Volume, Window, open_case
from clerkship_widgets.planes import acquired_plane, planes_of
from clerkship_widgets.slice_server import (
    LARGEST_FRAME_BYTES,
    encode_slice,
    first_image,
    preview,
    slice_answer,
)

JS = Path(__file__).resolve().parents[2] / "widgets" / "js" / "reading_room"
NODE = Path(sys.executable).parent / "node"

# The browser's own decoder, run by Node on what Python coded.
DECODE = """
import { decodeSlice } from "./slice_decoding.ts";
const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const out = [];
for (const { coded, type, rows, columns, samples } of JSON.parse(Buffer.concat(chunks))) {
  const pixels = await decodeSlice(Buffer.from(coded, "base64"), type, rows, columns, samples);
  out.push(Buffer.from(pixels.buffer, pixels.byteOffset, pixels.byteLength).toString("base64"));
}
console.log(JSON.stringify(out));
"""


def decoded_by_the_browser(images: list[np.ndarray]) -> list[np.ndarray]:
    from base64 import b64decode, b64encode

    request = [
        {
            "coded": b64encode(encode_slice(image)).decode(),
            "type": image.dtype.name,
            "rows": image.shape[0],
            "columns": image.shape[1],
            "samples": image.shape[2] if image.ndim == 3 else 1,
        }
        for image in images
    ]
    answer = subprocess.run(
        [NODE, "--disable-warning=ExperimentalWarning", "--input-type=module", "--eval", DECODE],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        cwd=JS,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    coded = json.loads(answer.stdout)
    return [
        np.frombuffer(b64decode(data), image.dtype).reshape(image.shape)
        for data, image in zip(coded, images, strict=True)
    ]


def extremes(kind: str) -> np.ndarray:
    info = np.iinfo(kind)
    return np.array([[info.min, info.max, info.min, 0], [info.max, info.max, 1, info.min]], kind)


def test_the_browser_decodes_exactly_what_the_kernel_coded() -> None:
    noise = np.random.default_rng(7)
    images: list[np.ndarray] = [extremes(kind) for kind in ("uint8", "int16", "uint16")]
    images += [
        noise.integers(-1024, 3071, (37, 53)).astype(np.int16),
        noise.integers(0, 65535, (5, 1)).astype(np.uint16),
        noise.normal(0, 1e-3, (9, 8)).astype(np.float32),
        np.array([[np.inf, -np.inf, 0, -0.0, 3.4e38, 1e-45]], np.float32),
        np.zeros((1, 1), np.uint8),
        np.arange(60, dtype=np.int16).reshape(6, 10)[
            ::-1, ::-2
        ],  # a flipped view, as planes give them
        noise.integers(0, 255, (11, 7, 3)).astype(np.uint8),  # red, green, blue
        noise.integers(0, 255, (6, 9, 3)).astype(np.uint8)[::-1, ::-1],
        np.array([[[0, 255, 0], [255, 0, 128]]], np.uint8),
    ]
    for sent, came in zip(images, decoded_by_the_browser(images), strict=True):
        assert came.tobytes() == np.ascontiguousarray(sent).tobytes()


@given(
    image=hnp.arrays(
        st.sampled_from([np.uint8, np.int16, np.uint16]),
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=12),
    )
)
@settings(max_examples=50, deadline=None)
def test_coding_can_be_undone_whatever_the_values(image: np.ndarray) -> None:
    import zlib

    size = image.dtype.itemsize
    planes = np.frombuffer(zlib.decompress(encode_slice(image), -15), np.uint8).reshape(size, -1)
    folded = np.ascontiguousarray(planes.T).view(f"<u{size}").reshape(image.shape).astype(np.int64)
    steps = (folded >> 1) ^ -(folded & 1)
    undone = np.cumsum(steps, axis=1).astype(image.dtype)  # wraps as the coder did
    assert np.array_equal(undone, image)


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros((2, 2), np.int64),
        np.zeros(4, np.int16),
        np.zeros((1, 2, 2), np.uint8),
        np.zeros((2, 2, 3), np.int16),
    ],
)
def test_only_images_of_the_four_types_are_coded(bad: np.ndarray) -> None:
    with pytest.raises(TypeError, match="uint8, int16, uint16, float32"):
        encode_slice(bad)


def test_a_radiograph_crosses_the_wire_in_a_quarter_of_its_size() -> None:
    volume = open_case("tibia-nof").volume
    assert len(encode_slice(volume.array[0])) < volume.array[0].nbytes / 4


def test_the_first_picture_of_a_radiograph_is_small_and_looks_like_it() -> None:
    volume = open_case("tibia-nof").volume
    described, data = first_image(volume, acquired_plane(volume), 0, longest_px=900)
    assert described["preview"] == 2
    assert (described["rows"], described["columns"]) == (880, 880)
    assert len(data) < 400_000


def test_a_preview_is_the_window_applied_to_block_means() -> None:
    ramp = np.tile(np.arange(8, dtype=np.int16) * 100, (6, 1))
    grey, factor = preview(ramp, Window("all", 350, 701), inverted=False, longest_px=4)
    assert factor == 2
    assert grey.shape == (3, 4)
    assert np.array_equal(
        grey[0], np.rint((np.array([50, 250, 450, 650]) + 0.5) / 700 * 255).astype(np.uint8)
    )
    inverted, _ = preview(ramp, Window("all", 350, 701), inverted=True, longest_px=4)
    assert np.array_equal(inverted, 255 - grey)


def test_a_preview_of_colours_is_their_mean_whatever_the_window() -> None:
    checks = np.zeros((6, 8, 3), np.uint8)
    checks[::2, :, 0] = 200  # every other row red
    checks[..., 2] = 31
    small, factor = preview(checks, Window("any", 5, 2), inverted=True, longest_px=4)
    assert factor == 2
    assert np.array_equal(small, np.full((3, 4, 3), (100, 0, 31)))


def test_a_small_slice_comes_whole_at_once() -> None:
    volume = open_case("brain-mni152").volume
    for plane in planes_of(volume):
        described, data = first_image(volume, plane, plane.size[2] // 2)
        assert "preview" not in described
        assert len(data) < 60_000


@pytest.mark.parametrize(
    "asked",
    [
        None, [], "axial", {}, {"plane": "axial"}, {"plane": "axial", "index": -1}, {"plane": "axial", "index": 189},
        {"plane": "axial", "index": True}, {"plane": "axial", "index": 1.0}, {"plane": "oblique", "index": 0},
        {"plane": ["axial"], "index": 0},
    ],
)  # fmt: skip
def test_what_is_no_slice_gets_no_answer(asked: object) -> None:
    volume = Volume(
        np.zeros((189, 20, 20), np.uint8), np.eye(4), "1", "MR", frame_of_reference_uid="1.2"
    )
    assert slice_answer(volume, {plane.name: plane for plane in planes_of(volume)}, asked) is None


def test_no_frame_is_too_large_for_a_proxy() -> None:
    noise = np.random.default_rng(1).integers(0, 65535, (1, 2400, 2400)).astype(np.uint16)
    volume = Volume(noise, np.eye(4), "1", "CR", is_calibrated=False)
    plane = acquired_plane(volume)
    described, data = slice_answer(
        volume, {"acquired": plane}, {"plane": "acquired", "index": 0}
    ) or ({}, b"")
    assert len(data) <= LARGEST_FRAME_BYTES
    assert "too large" in described["error"]
