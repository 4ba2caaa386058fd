"""What whoever raised something is told by itself: that it arrived, and what is missing. Content, in their language."""

from collections.abc import Sequence

from service.intake.forms import LANGUAGES, Forms

# No names, no promises, nothing of what was sent: a receipt may end up with somebody else.
_RECEIPT = {
    "en": "We have received your message and given it the number {number}. Please keep this number in the subject when"
    " you write to us about it.",
    "es": "Hemos recibido su mensaje y le hemos asignado el número {number}. Conserve este número en el asunto cuando nos"
    " escriba al respecto.",
    "de": "Wir haben Ihre Nachricht erhalten; sie hat die Nummer {number}. Bitte behalten Sie diese Nummer im Betreff, wenn"
    " Sie uns dazu schreiben.",
    "fr": "Nous avons bien reçu votre message ; il porte le numéro {number}. Merci de conserver ce numéro dans l'objet"
    " lorsque vous nous écrivez à ce sujet.",
}
_QUESTION = {
    "en": (
        "To go on with {number} we still need from you:",
        "Please answer this message, or write to us with the number.",
    ),
    "es": (
        "Para continuar con {number} todavía necesitamos:",
        "Responda a este mensaje o escríbanos indicando el número.",
    ),
    "de": (
        "Um {number} weiter zu bearbeiten, brauchen wir noch von Ihnen:",
        "Bitte antworten Sie auf diese Nachricht oder schreiben Sie uns unter Angabe der Nummer.",
    ),
    "fr": (
        "Pour poursuivre le traitement de {number}, il nous manque encore :",
        "Merci de répondre à ce message ou de nous écrire en indiquant le numéro.",
    ),
}


def spoken(language: str) -> str:
    """The language in which somebody is written to."""
    return language if language in LANGUAGES else "en"


def reference(number: int) -> str:
    """What a record is called by."""
    return f"E-{number}"


def receipt(number: int, language: str) -> str:
    """That it arrived, and under which number (DSA Art. 16(4))."""
    return _RECEIPT[spoken(language)].format(number=reference(number))


def question(forms: Forms, number: int, missing: Sequence[str], language: str) -> str:
    """What is still needed, field by field."""
    first, last = _QUESTION[spoken(language)]
    asked = [f"- {forms.fields[name].asked(spoken(language))}" for name in missing if name in forms.fields]
    return "\n".join((first.format(number=reference(number)), *asked, "", last))
