"""What the codes of statements of reasons mean, in the words of the interface."""

from collections.abc import Mapping

from service.pages.language import N_, _

STATES: Mapping[str, str] = {
    "waiting": N_("can still be undone"),
    "ready": N_("ready to hand out"),
    "batched": N_("handed out"),
    "published": N_("in the database"),
    "refused": N_("refused by the database"),
    "withdrawn": N_("withdrawn"),
    "exempt": N_("exempt"),
}
CODES: Mapping[str, str] = {
    "STATEMENT_CATEGORY_ANIMAL_WELFARE": N_("Animal welfare"),
    "STATEMENT_CATEGORY_CONSUMER_INFORMATION": N_("Consumer information"),
    "STATEMENT_CATEGORY_CYBER_VIOLENCE": N_("Cyber violence"),
    "STATEMENT_CATEGORY_CYBER_VIOLENCE_AGAINST_WOMEN": N_("Cyber violence against women"),
    "STATEMENT_CATEGORY_DATA_PROTECTION_AND_PRIVACY_VIOLATIONS": N_("Data protection and privacy"),
    "STATEMENT_CATEGORY_ILLEGAL_OR_HARMFUL_SPEECH": N_("Illegal or harmful speech"),
    "STATEMENT_CATEGORY_INTELLECTUAL_PROPERTY_INFRINGEMENTS": N_("Intellectual property"),
    "STATEMENT_CATEGORY_NEGATIVE_EFFECTS_ON_CIVIC_DISCOURSE_OR_ELECTIONS": N_("Civic discourse or elections"),
    "STATEMENT_CATEGORY_NOT_SPECIFIED_NOTICE": N_("Not specified by the notice"),
    "STATEMENT_CATEGORY_OTHER_VIOLATION_TC": N_("Other breach of the terms"),
    "STATEMENT_CATEGORY_PROTECTION_OF_MINORS": N_("Protection of minors"),
    "STATEMENT_CATEGORY_RISK_FOR_PUBLIC_SECURITY": N_("Risk for public security"),
    "STATEMENT_CATEGORY_SCAMS_AND_FRAUD": N_("Scams and fraud"),
    "STATEMENT_CATEGORY_SELF_HARM": N_("Self-harm"),
    "STATEMENT_CATEGORY_UNSAFE_AND_PROHIBITED_PRODUCTS": N_("Unsafe and prohibited products"),
    "STATEMENT_CATEGORY_VIOLENCE": N_("Violence"),
    "DECISION_GROUND_ILLEGAL_CONTENT": N_("Illegal"),
    "DECISION_GROUND_INCOMPATIBLE_CONTENT": N_("Against the terms"),
    "SOURCE_ARTICLE_16": N_("Notice under Article 16"),
    "SOURCE_TRUSTED_FLAGGER": N_("Trusted flagger"),
    "SOURCE_TYPE_OTHER_NOTIFICATION": N_("Other notification"),
    "SOURCE_VOLUNTARY": N_("Own initiative"),
    "Yes": N_("Found by automated means"),
    "No": N_("Not found by automated means"),
    "AUTOMATED_DECISION_FULLY": N_("Decided fully by automated means"),
    "AUTOMATED_DECISION_PARTIALLY": N_("Decided partly by automated means"),
    "AUTOMATED_DECISION_NOT_AUTOMATED": N_("Decided without automated means"),
}
EXEMPTIONS: Mapping[str, str] = {
    "high_volume": N_("Deceptive high-volume commercial content needs none (DSA Article 17(2))."),
    "article_9_order": N_("What follows an order of an authority needs none (DSA Articles 9 and 17(5))."),
}
FIGURES: Mapping[str, str] = {
    "category": N_("Category"),
    "ground": N_("Ground"),
    "source_type": N_("Where it came from"),
    "automated_detection": N_("How it was found"),
    "automated_decision": N_("How it was decided"),
}
FIELDS: Mapping[str, str] = {
    "content_date": N_("Nobody said when the content was made: the day it was first reported stands in its place."),
}
LANGUAGES: Mapping[str, str] = {"en": "English", "es": "Español", "de": "Deutsch", "fr": "Français"}


def code_words(code: str) -> str:
    """A code as people say it; one without words as it is."""
    return _(CODES[code]) if code in CODES else code


def state_words(state: str) -> str:
    """How a statement stands."""
    return _(STATES[state])
