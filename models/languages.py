"""Languages by one name each, however a platform writes them."""

UNKNOWN_LANGUAGE = "und"

# What platforms write although BCP 47 asks for the shortest code, and tags that name no language.
_ALSO_WRITTEN = {
    "ara": "ar",
    "ben": "bn",
    "chi": "zh",
    "cmn": "zh",
    "deu": "de",
    "dut": "nl",
    "eng": "en",
    "fas": "fa",
    "fil": "tl",
    "fra": "fr",
    "fre": "fr",
    "ger": "de",
    "guj": "gu",
    "heb": "he",
    "hin": "hi",
    "in": "id",
    "ind": "id",
    "ita": "it",
    "iw": "he",
    "jpn": "ja",
    "kan": "kn",
    "kor": "ko",
    "mal": "ml",
    "mar": "mr",
    "may": "ms",
    "msa": "ms",
    "nld": "nl",
    "pan": "pa",
    "per": "fa",
    "pol": "pl",
    "por": "pt",
    "ron": "ro",
    "rum": "ro",
    "rus": "ru",
    "spa": "es",
    "swa": "sw",
    "swe": "sv",
    "tam": "ta",
    "tel": "te",
    "tgl": "tl",
    "tha": "th",
    "tur": "tr",
    "ukr": "uk",
    "urd": "ur",
    "vie": "vi",
    "zho": "zh",
    "zlm": "ms",
    "mul": "und",
    "mis": "und",
    "zxx": "und",
}


def primary_language(tag: str | None) -> str:
    """The primary subtag of a BCP 47 tag in lower case: `pt-BR` is `pt`, `eng` is `en`; `und` where there is no telling."""
    spoken = tag.replace("_", "-").partition("-")[0].lower() if tag else UNKNOWN_LANGUAGE
    return _ALSO_WRITTEN.get(spoken, spoken)
