"""Statements of reasons for tests: whole records, and what is known of a case."""

from datetime import date
from typing import Any

from service.statements.building import Known

ON = date(2026, 11, 30)
KNOWN = Known(
    kind="post",
    language="en-GB",
    has_text=True,
    created_on=date(2026, 11, 20),
    first_seen=date(2026, 11, 25),
    channels=["user"],
    flags=[],
    media=["image"],
    suggested=True,
    policy_title="Kindness",
    policy_number=3,
)
# Both hold something in every field that they may: so each of them can be broken.
WHOLE: dict[str, Any] = {
    "puid": "ct-0001",
    "decision_visibility": ["DECISION_VISIBILITY_CONTENT_REMOVED", "DECISION_VISIBILITY_OTHER"],
    "decision_visibility_other": "shown to nobody new",
    "decision_monetary": "DECISION_MONETARY_OTHER",
    "decision_monetary_other": "paid later",
    "decision_provision": "DECISION_PROVISION_PARTIAL_SUSPENSION",
    "account_type": "ACCOUNT_TYPE_PRIVATE",
    "decision_ground": "DECISION_GROUND_INCOMPATIBLE_CONTENT",
    "decision_ground_reference_url": "https://platform.example/rules#kindness",
    "incompatible_content_ground": "Policy on kindness",
    "incompatible_content_explanation": "It is not kind.",
    "incompatible_content_illegal": "No",
    "category": "STATEMENT_CATEGORY_CYBER_VIOLENCE",
    "category_addition": ["STATEMENT_CATEGORY_OTHER_VIOLATION_TC"],
    "category_specification": ["KEYWORD_CYBER_HARASSMENT", "KEYWORD_OTHER"],
    "category_specification_other": "mockery",
    "content_type": ["CONTENT_TYPE_TEXT", "CONTENT_TYPE_OTHER"],
    "content_type_other": "post",
    "content_language": "EN",
    "content_date": "2026-11-20",
    "content_id": {"EAN-13": "4006381333931"},
    "territorial_scope": ["DE", "FR"],
    "application_date": "2026-11-30",
    "end_date_visibility_restriction": "2027-11-30",
    "decision_facts": "It was reported and looked at.",
    "source_type": "SOURCE_ARTICLE_16",
    "source_identity": "a notifier",
    "automated_detection": "No",
    "automated_decision": "AUTOMATED_DECISION_NOT_AUTOMATED",
}
ILLEGAL_ONE: dict[str, Any] = {
    "puid": "ct-0002",
    "decision_account": "DECISION_ACCOUNT_SUSPENDED",
    "decision_ground": "DECISION_GROUND_ILLEGAL_CONTENT",
    "illegal_content_legal_ground": "Section 130 of the criminal code",
    "illegal_content_explanation": "It incites hatred.",
    "category": "STATEMENT_CATEGORY_ILLEGAL_OR_HARMFUL_SPEECH",
    "content_type": ["CONTENT_TYPE_TEXT"],
    "content_date": "2026-11-20",
    "application_date": "2026-11-30",
    "decision_facts": "It was reported and looked at.",
    "source_type": "SOURCE_VOLUNTARY",
    "automated_detection": "Yes",
    "automated_decision": "AUTOMATED_DECISION_PARTIALLY",
}
