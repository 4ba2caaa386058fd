"""Reads text in pictures with RapidOCR. Everything heavy is imported when the first picture is to be read, in a worker.

Its models lie in its package and are named by path: left to itself it would look for others and fetch them.
"""

import importlib
import os
import sys
import threading
from collections.abc import Callable
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from models.preprocess import NOTHING, SPACE
from service.media.sniff import sniff
from service.reading.lines import MOST_CHARACTERS, MOST_LINES, Line, in_reading_order

# Larger pictures are shrunk while they are decoded; text that is smaller than a few pixels is not read.
MOST_SIDE = 1_280
MOST_BYTES = 40_000_000
# Below this the reader mostly guesses.
LEAST_CONFIDENCE = 0.5
# As nice as a thread can be: whatever else wants the processor gets it first.
NICENESS = 19

_MODELS = {
    "Det.model_path": "PP-OCRv6_det_small.onnx",
    "Cls.model_path": "ch_ppocr_mobile_v2.0_cls_mobile.onnx",
    "Rec.model_path": "PP-OCRv6_rec_small.onnx",
}
# What derivatives and clean copies of pictures are; no other decoder gets to see a file here.
_OURS = ("image/jpeg", "image/png", "image/webp", "image/gif")


class UnreadablePictureError(ValueError):
    """A file that is no picture of ours, or one that the reader cannot take."""


class Reader(Protocol):
    """Reads the lines of a picture file, in reading order."""

    def read(self, data: bytes) -> list[Line]:
        """Raises UnreadablePictureError for a file that cannot be read, whenever it is tried."""
        ...


class PictureReader:
    """Reads Latin and Chinese script, with one thread. Not to be called by two threads at once."""

    def read(self, data: bytes) -> list[Line]:
        pixels = self._pixels(data)
        height, width = pixels.shape[:2]
        try:
            found = self._engine(pixels)
        except Exception as error:  # it raises classes of its own and of OpenCV that have nothing in common
            raise UnreadablePictureError(f"the reader failed ({type(error).__name__})") from error
        if found.boxes is None:
            return []
        shares = np.clip(np.asarray(found.boxes, dtype=np.float64) / [width, height], 0, 1).round(4)
        lines = [
            Line(text, tuple((float(x), float(y)) for x, y in box), float(confidence))  # type: ignore[arg-type]
            for box, written, confidence in zip(shares, found.txts, found.scores, strict=True)
            for text in [_one_line(written)]
            if text and confidence >= LEAST_CONFIDENCE
        ]
        return in_reading_order(lines)

    @cached_property
    def _engine(self) -> Callable[[Any], Any]:
        importlib.import_module("cv2").setNumThreads(1)
        rapidocr = importlib.import_module("rapidocr")
        folder = Path(str(resources.files(rapidocr))) / "models"
        params: dict[str, Any] = {
            "Global.log_level": "critical",
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            "Det.max_candidates": MOST_LINES,
            **{name: str(folder / file) for name, file in _MODELS.items()},
        }
        engine: Callable[[Any], Any] = rapidocr.RapidOCR(params=params)
        return engine

    def _pixels(self, data: bytes) -> Any:
        """Rows x columns x BGR, on grey where the picture is transparent."""
        if not data or len(data) > MOST_BYTES:
            raise UnreadablePictureError("the file is empty or too large")
        kind = sniff(data)
        if kind is None or kind.mime not in _OURS:
            raise UnreadablePictureError("no kind of picture that we make")
        pyvips = importlib.import_module("pyvips")
        try:
            image = pyvips.Image.thumbnail_buffer(data, MOST_SIDE, height=MOST_SIDE, size="down", fail_on="error")
            image = image.colourspace("srgb")
            if image.hasalpha():
                image = image.flatten(background=[128] * 3)
            return np.ascontiguousarray(image.cast("uchar").numpy()[:, :, ::-1])
        except pyvips.Error as error:
            raise UnreadablePictureError("the picture cannot be decoded") from error


def step_back() -> None:
    """Let everything else go first. Of a thread Linux alone can be told so."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


def _one_line(text: str) -> str:
    return SPACE.sub(" ", NOTHING.sub("", text)).strip()[:MOST_CHARACTERS]
