"""Labelled pictures of a team's own: read, grouped by near-duplicate, and split so that no group lies on both sides.

Pictures are opened where they lie and nothing of them is written anywhere. `python -m eval image` and
`python -m training image` take the same two forms: a folder with one folder for each class and one named `benign`, or
JSON lines {"path", "labels": {class: true or false}} with paths from the file's own folder. A class that nobody looked
for is left out of the labels: it is unknown, not absent.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pyvips
from numpy.typing import NDArray

from labeling.image_classes import IMAGE_CLASS_IDS
from models.image_input import Picture
from models.pdq import BITS, LEAST_QUALITY, RADIUS, pdq

BENIGN = "benign"
# As the service shows them to the model: its plain derivatives have this long side at most.
LONG_SIDE = 1280
# Of one file; above what the service accepts.
MAX_BYTES = 100_000_000
MAX_PICTURES = 1_000_000
SUFFIXES = frozenset({".avif", ".gif", ".jpeg", ".jpg", ".png", ".webp"})

Part = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = get_args(Part)
# How those files begin. libvips would open some dozens of other formats, each with a decoder to trust.
_KINDS = re.compile(rb"\xff\xd8\xff|\x89PNG|GIF8|RIFF....WEBP|....ftypavi[fs]", re.DOTALL)
# Where in 0..1 the next part begins.
_ENDS = (0.7, 0.85, 1.0)


class PictureDataError(ValueError):
    """Labelled pictures that cannot be used; the message names the file or line and how to mend it."""


@dataclass(frozen=True, slots=True)
class LabelledPicture:
    """A picture and what people say of it. `group` names all its near-duplicates; `labels` has only known classes."""

    path: Path
    sha256: str
    labels: Mapping[str, bool]
    group: str

    @property
    def part(self) -> Part:
        """The part that it belongs to, the same wherever this group of pictures turns up."""
        share = int.from_bytes(hashlib.sha256(self.group.encode()).digest()[:8], "big") / 2**64
        return next(part for part, end in zip(PARTS, _ENDS, strict=True) if share < end)


def read_pictures(source: Path) -> list[LabelledPicture]:
    """All pictures of a folder or a file of JSON lines, each content once. Raises PictureDataError."""
    labels: dict[str, dict[str, bool]] = {}
    paths: dict[str, Path] = {}
    prints: list[tuple[int, int]] = []
    for path, given in _folder(source) if source.is_dir() else _lines(source):
        content = _content(path)
        digest = hashlib.sha256(content).hexdigest()
        if digest not in paths:
            if len(paths) == MAX_PICTURES:
                raise PictureDataError(f"{source}: more than {MAX_PICTURES:,} pictures; take a sample of them")
            paths[digest], labels[digest] = path, {}
            found = pdq(decode(content, path))
            prints.append((found.bits, found.quality))
        for name, applies in given.items():
            if labels[digest].setdefault(name, applies) != applies:
                raise PictureDataError(
                    f"{path} and {paths[digest]} are the same picture, labelled {name} and not {name}; decide which"
                )
    if not paths:
        raise PictureDataError(f"{source}: no pictures; docs/image-models.md shows the two forms")
    groups = _groups(list(paths), prints)
    return [LabelledPicture(paths[one], one, labels[one], group) for one, group in zip(paths, groups, strict=True)]


def pixels(picture: LabelledPicture) -> Picture:
    """The picture as the service would show it to a model. Raises PictureDataError."""
    return decode(_content(picture.path), picture.path)


def decode(content: bytes, path: Path) -> Picture:
    """Rows x columns x RGB, upright, the long side at most LONG_SIDE, the first frame. Raises PictureDataError."""
    if not _KINDS.match(content):
        raise PictureDataError(f"{path}: is no JPEG, PNG, WebP, GIF or AVIF picture; save it as one of them")
    try:
        image = pyvips.Image.thumbnail_buffer(content, LONG_SIDE, height=LONG_SIDE, size="down", fail_on="error")
        if image.hasalpha():
            image = image.flatten(background=[128] * (image.bands - 1))
        found: Picture = np.ascontiguousarray(image.colourspace("srgb").numpy())
    except pyvips.Error as error:
        raise PictureDataError(f"{path}: cannot be decoded as a picture; remove it or save it anew") from error
    return found


def describe(pictures: Sequence[LabelledPicture]) -> dict[str, Any]:
    """What a report says of pictures: how many, in how many groups, and one hash over contents and labels."""
    rows = sorted((one.sha256, sorted(one.labels.items())) for one in pictures)
    digest = hashlib.sha256(json.dumps(rows).encode()).hexdigest()
    return {"pictures": len(pictures), "groups": len({one.group for one in pictures}), "sha256": digest}


def _folder(source: Path) -> Iterator[tuple[Path, dict[str, bool]]]:
    for folder in sorted(source.iterdir()):
        if not folder.is_dir():
            continue
        if folder.name not in {*IMAGE_CLASS_IDS, BENIGN}:
            known = ", ".join((*IMAGE_CLASS_IDS, BENIGN))
            raise PictureDataError(f"{folder}: no class of that name; there are {known}")
        labels = dict.fromkeys(IMAGE_CLASS_IDS, False) if folder.name == BENIGN else {folder.name: True}
        for path in sorted(folder.rglob("*")):
            if path.suffix.lower() in SUFFIXES:
                yield path, labels


def _lines(source: Path) -> Iterator[tuple[Path, dict[str, bool]]]:
    try:
        with source.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield _line(source, number, line)
    except (OSError, UnicodeDecodeError) as error:
        raise PictureDataError(f"{source}: cannot be read as JSON lines ({error})") from error


def _line(source: Path, number: int, line: str) -> tuple[Path, dict[str, bool]]:
    place = f"{source}:{number}"
    try:
        row = json.loads(line)
        name, labels = row["path"], row["labels"]
    except (ValueError, RecursionError, KeyError, TypeError) as error:
        raise PictureDataError(f'{place}: {{"path", "labels"}} is needed ({error})') from error
    if not isinstance(name, str) or not isinstance(labels, dict):
        raise PictureDataError(f"{place}: path must be a text and labels an object")
    unknown = sorted(set(labels) - set(IMAGE_CLASS_IDS))
    if unknown:
        raise PictureDataError(f"{place}: unknown class {', '.join(unknown)}; there are {', '.join(IMAGE_CLASS_IDS)}")
    if not all(isinstance(one, bool) for one in labels.values()):
        raise PictureDataError(f"{place}: a label is true or false; leave a class out that nobody looked for")
    return source.parent / name, labels


def _content(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise PictureDataError(f"{path}: more than {MAX_BYTES:,} bytes; remove it or make it smaller")
        return path.read_bytes()
    except OSError as error:
        raise PictureDataError(f"{path}: cannot be read ({error.strerror})") from error


def _groups(digests: Sequence[str], prints: Sequence[tuple[int, int]]) -> list[str]:
    """By picture the least hash of those that are joined to it by near-duplicates.

    Pictures with too little in them to be told apart by a fingerprint stay by themselves.
    """
    packed = np.array([list(bits.to_bytes(BITS // 8, "big")) for bits, _ in prints], np.uint8)
    telling = np.array([place for place, (_, quality) in enumerate(prints) if quality >= LEAST_QUALITY], np.int64)
    parents = list(range(len(digests)))
    find = partial(_root, parents)
    for place, one in enumerate(telling.tolist()):
        for other in _near(packed, one, telling[place + 1 :]):
            parents[find(other)] = find(one)
    least: dict[int, str] = {}
    for each, digest in enumerate(digests):
        least[find(each)] = min(digest, least.get(find(each), digest))
    return [least[find(one)] for one in range(len(digests))]


def _near(packed: NDArray[np.uint8], one: int, others: NDArray[np.integer]) -> list[int]:
    distances = np.bitwise_count(packed[others] ^ packed[one]).sum(1)
    near: list[int] = others[distances <= RADIUS].tolist()
    return near


def _root(parents: list[int], one: int) -> int:
    while parents[one] != one:
        parents[one] = parents[parents[one]]
        one = parents[one]
    return one
