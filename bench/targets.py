"""What each benchmark must reach, in one table."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Target:
    """The bound of one figure; `meaning` says in a sentence what the figure compares."""

    direction: Literal["at least", "at most"]
    bound: float
    unit: str
    meaning: str

    def met(self, value: float) -> bool:
        """Whether a measured value is on the right side of the bound."""
        return value >= self.bound if self.direction == "at least" else value <= self.bound

    def __str__(self) -> str:
        """The bound in words, such as "at least 0.3"."""
        return f"{self.direction} {self.bound:g}"


# Cheap ones first, so that an interrupted run has shown most of them.
TARGETS = {
    "score_one_text_ms": Target("at most", 25.0, "ms", "median time to score one text of 128 tokens on one thread"),
    "blur_vs_pillow": Target(
        "at least", 8.0, "times", "blurred preview of a 12-megapixel JPEG against decode, blur and resize in Pillow"
    ),
    "contact_sheet_vs_full_decode": Target(
        "at least", 10.0, "times", "decoding 60 s of 1080p video in full against its contact sheet"
    ),
    "blur_vs_bare_decode": Target(
        "at most", 1.5, "ratio", "the same preview against bare shrink-on-load decoding to its size, without blur"
    ),
    "claim_cost_1e6_vs_1e3": Target(
        "at most", 1.3, "ratio", "median time of a claim with 1,000,000 open cases against one with 1,000"
    ),
    "next_case_painted_ms": Target(
        "at most",
        150.0,
        "ms",
        "median time from the deciding key press to the next case painted, 100,000 cases waiting",
    ),
    "lens_tile_p95_ms": Target(
        "at most", 60.0, "ms", "95th percentile of one tile of the lens over HTTP, of a picture of 12 megapixels"
    ),
    "similar_p95_ms": Target(
        "at most", 10.0, "ms", "95th percentile of finding a case's near-duplicates among 1,000,000 texts, exactly"
    ),
    "pdq_search_p95_ms": Target(
        "at most", 10.0, "ms", "95th percentile of looking a picture up among 1,000,000 hashes of banks, exactly"
    ),
    "search_p95_ms": Target(
        "at most",
        200.0,
        "ms",
        "95th percentile of a search of many kinds among 100,000 cases, answers and counts included",
    ),
    "claim_full_cost_1e6_vs_1e3": Target(
        "at most",
        1.3,
        "ratio",
        "the same with guard, languages, consents, exposure budget and random share at work",
    ),
    "rerank_vs_update": Target(
        "at most", 5.0, "ratio", "re-ranking one subject, by its views or in full, against the bare UPDATE of its case"
    ),
    "claim_p99_during_view_batch_vs_quiet": Target(
        "at most", 3.0, "ratio", "99th percentile of a claim over HTTP while 100,000 views are applied against quiet"
    ),
    "claim_http_vs_sql": Target("at least", 0.3, "ratio", "claims a second over HTTP against the bare claim statement"),
    "claim_full_vs_sql": Target(
        "at least",
        0.4,
        "ratio",
        "the same for reviewers with languages, consents and exposure on record, random share at work",
    ),
    "intake_http_vs_sql": Target(
        "at least", 0.3, "ratio", "reports a second over HTTP against the bare intake statement"
    ),
    "scoring_loop_vs_onnxruntime": Target(
        "at least", 0.7, "ratio", "texts a second through the scoring loop against bare onnxruntime on the same batches"
    ),
    "int8_vs_own_torch": Target(
        "at least", 3.0, "times", "the int8 bundle in batches against the same network in torch fp32, text by text"
    ),
    "int8_vs_bert_base_torch": Target(
        "at least", 12.0, "times", "the int8 bundle in batches against a BERT-base in torch fp32, text by text"
    ),
}
