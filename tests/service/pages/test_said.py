"""What the page of a record says of the fields of its form."""

from types import SimpleNamespace
from typing import Any

from labeling.taxonomy import load_taxonomy
from service.intake.workflow import configured
from service.pages.intake import said
from service.settings import Settings

QUESTION = "They print tomorrow, and want to know why four posts of a charity were removed on Sunday."


def test_what_came_in_is_said_once_in_the_order_and_the_words_of_its_form() -> None:
    fields = {
        "own_field": "x",
        "deadline": "2026-11-30T18:00:00+01:00",
        "question": QUESTION,
        "urls": "https://a.example",
        "requester_name": "Robin Reader",
        "requester_email": "other@daily.example",
    }
    row = SimpleNamespace(
        fields=fields, summary=QUESTION, requester={"name": "Robin Reader", "email": "robin@daily.example"}
    )
    forms = configured(Settings(), load_taxonomy())
    seen: Any = SimpleNamespace(
        request=SimpleNamespace(app=SimpleNamespace(state=SimpleNamespace(forms=forms))), row=row
    )
    told = said(seen)
    labels = [forms.fields[name].label for name in forms.fields if name in ("deadline", "urls", "requester_email")]
    assert [label for _, label, _, _ in told] == [*labels, ""]
    assert {value: when and when.isoformat() for _, _, value, when in told}[fields["deadline"]] == fields["deadline"]
