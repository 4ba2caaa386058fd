"""Which texts a page masks, and what stands under one mask. Whoever may read the text may uncover it, and nobody else."""

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from anyio import to_thread
from sqlalchemy import Row

from service.appeals.schemas import AppealFeedbackOut as FeedbackOnAppeal
from service.appeals.schemas import JudgedOut
from service.cases.schemas import CaseHistoryOut
from service.masking import Masking, no_such_part
from service.quality.calibration.schemas import CalibrationOut
from service.quality.feedback.schemas import CheckFeedbackListOut, ObjectionsOut
from service.quality.reviews.schemas import ContentOut, DisputedOut
from service.settings import Settings
from service.spans.schemas import SpansOut

# Hexadecimal digits of a name: chance makes two of the texts of a page the same once in 10^12 pages.
NAME_CHARACTERS = 16


@dataclass(frozen=True, slots=True)
class Covering:
    """The list of masked words, and the settings, whose secret texts are named with: made when it is first needed."""

    masking: Masking
    settings: Settings

    def name(self, text: str) -> str:
        """A name for a text that tells nothing of it, so that it may stand in addresses: other words, another name."""
        return hmac.digest(self.settings.signing_key.encode(), b"masked\0" + text.encode(), "sha256").hex()[
            :NAME_CHARACTERS
        ]

    def has(self, texts: Iterable[str], of: str) -> bool:
        """Whether one of these texts has that name."""
        return any(hmac.compare_digest(self.name(text), of) for text in texts)

    async def answer(self, texts: Iterable[str], of: str, index: int | None) -> SpansOut:
        """As `uncover`, beside the event loop: to look through a long text takes a while."""
        return await to_thread.run_sync(self.uncover, texts, of, index)

    def uncover(self, texts: Iterable[str], of: str, index: int | None) -> SpansOut:
        """One masked part, or all, of the text of that name. Raises NotFoundError where it is none of these texts."""
        found = next((text for text in texts if hmac.compare_digest(self.name(text), of)), None)
        if found is None:
            raise no_such_part()
        return SpansOut(words=self.masking.uncover(found, index))


def of_case(case: CaseHistoryOut) -> list[str]:
    """Content, what was read in its pictures, what reporters wrote, and notes of decisions."""
    decisions = [note for one in case.decisions for note in (one.note, one.corrected.note if one.corrected else "")]
    question = case.second_opinion.question if case.second_opinion else ""
    return _some([*_of_shown(case), *decisions, question])


def of_content(content: ContentOut | None) -> list[str]:
    """What somebody who checks is shown: content, its pictures, and what reporters wrote."""
    return _some(_of_shown(content)) if content else []


def of_disputed(disputed: DisputedOut) -> list[str]:
    """Content on which answers differ, and notes of the answers."""
    notes = [answer.note for one in disputed.items for answer in one.answers]
    return _some([*(text for one in disputed.items for text in of_content(one)), *notes])


def of_objections(found: ObjectionsOut) -> list[str]:
    """Content, note and objection."""
    return _some(text for one in found.objections for text in (one.text, one.note, one.objection))


def of_feedback(found: CheckFeedbackListOut, on_appeal: Iterable[FeedbackOnAppeal] = ()) -> list[str]:
    """Content and note, what the reader objected, and the reply; of decisions that did not hold on appeal likewise."""
    said = [text for one in found.feedback for text in (one.text, one.note, one.objection, one.reply)]
    return _some([*said, *(text for one in on_appeal for text in (one.text, one.note))])


def of_appeal(appeal: Row[Any], judged: JudgedOut | None) -> list[str]:
    """What was said about an appeal and, where it is in hand, the content that it is about."""
    said = [appeal.reasons, appeal.explanation, appeal.note]
    if judged is not None:
        said += [
            judged.text,
            judged.text_now,
            *(one.text for one in judged.media),
            *(one.note for one in judged.reports),
        ]
    return _some(said)


def of_session(session: CalibrationOut) -> list[str]:
    """Content and notes of a calibration session."""
    notes = [text for item in session.contents for text in (item.note, *(one.note for one in item.answers))]
    return _some([session.guidance, *(item.text for item in session.contents), *notes])


def _of_shown(shown: CaseHistoryOut | ContentOut) -> list[str | None]:
    return [shown.subject.text, *(one.text for one in shown.media), *(report.note for report in shown.reports)]


def _some(texts: Iterable[str | None]) -> list[str]:
    return [text for text in texts if text]
