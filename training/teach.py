"""What other models say of the training rows: an ensemble whose opinion fills areas that nobody labelled (distillation).

A source that was only labelled for hate says nothing about fraud. Left masked, the network is free to answer from which
source a text looks like; filled with what an ensemble expects, it is not (Hinton et al. 2015; Furlanello et al. 2018).
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from eval.scores import ScoreError
from labeling.records import LabelledText, RecordError
from training.data import TAUGHT


def teach(rows: Sequence[LabelledText], teachers: Sequence[Path]) -> list[LabelledText]:
    """The rows, each with the mean of what the score files of `teachers` say of it, area by area, as field TAUGHT.

    Files are as `python -m eval score` writes them. Rows that no file knows stay as they are. Raises ScoreError for
    a line that is none, RecordError where a file knows not a single row: then it was made from other data.
    """
    wanted = {row.id for row in rows}
    heard: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for path in teachers:
        said = _read(path, wanted)
        if not said:
            raise RecordError(f"{path}: has no score of any of the {len(rows)} rows; score the same train file")
        for row_id, areas in said.items():
            for area, probability in areas.items():
                heard[row_id][area].append(probability)
    return [_taught(row, heard[row.id]) if row.id in heard else row for row in rows]


def _taught(row: LabelledText, heard: dict[str, list[float]]) -> LabelledText:
    means = {area: round(sum(values) / len(values), 4) for area, values in heard.items()}
    return replace(row, extra={**row.extra, TAUGHT: means})


def _read(path: Path, wanted: set[str]) -> dict[str, dict[str, float]]:
    said: dict[str, dict[str, float]] = {}
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                values = json.loads(line)
                if values["id"] in wanted:
                    said[values["id"]] = {area: float(probability) for area, probability in values["areas"].items()}
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise ScoreError(f"{path}:{number}: not a line of scores ({error!r})") from error
    return said
