"""What may not stand in a published text is found in several scripts, and ordinary sentences pass."""

import pytest

from service.personal import (
    ADDRESS,
    CARD,
    EMAIL,
    HANDLE,
    IBAN,
    LINK,
    NAME,
    PHONE,
    kinds_of,
    personal_data,
)

FOUND = [
    ("write to ana.lopez@mail.example now", EMAIL),
    ("пишите на иван@почта.рус", EMAIL),
    ("ana (at) mail.example", EMAIL),
    ("ａｎａ＠ｍａｉｌ．ｅｘａｍｐｌｅ", EMAIL),
    ("ana\u200b@mail.example", EMAIL),
    ("call +34 612 345 678", PHONE),
    ("Rufen Sie 030 / 1234 oder 0301 234 5678 an", PHONE),
    ("(555) 010-9999-12", PHONE),
    ("اتصل على ٠٥٥١٢٣٤٥٦٧", PHONE),
    ("電話は０３－１２３４－５６７８", PHONE),
    ("फ़ोन +९१ ९८७६५ ४३२१०", PHONE),
    ("see @ana_lopez", HANDLE),
    ("по словам @иван_петров", HANDLE),
    ("pay to DE89 3704 0044 0532 0130 00 please", IBAN),
    ("iban es9121000418450200051332", IBAN),
    ("card 4111 1111 1111 1111", CARD),
    ("kart ４１１１－１１１１－１１１１－１１１１", CARD),
    ("from 192.0.2.44", ADDRESS),
    ("from 2001:db8::8a2e:370:7334", ADDRESS),
    ("https://social.example/@ana", LINK),
    ("https://social.example/user/ana?x=1", LINK),
    ("social.example/profile?username=ana", LINK),
    ("t.me/ana", LINK),
]
CLEAN = [
    "It was reported on 2026-11-30 and again on 1.12.2026, and removed.",
    "Article 17(3)(c) of Regulation (EU) 2022/2065; section 130, paragraphs 1-3.",
    "Seen by 1 200 000 people in 24 hours (12.5 % of them twice).",
    "Version 2026-11.1 of the policy, 3 @ 5 euros each; at 10:30:15.",
    "https://platform.example/rules/harassment#3 and https://eur-lex.europa.eu/eli/reg/2022/2065/oj",
    "Das Angebot nennt keinen Preis. El contenido ataca a un grupo. 内容は規則に反します。 المحتوى يخالف القواعد.",
]


@pytest.mark.parametrize(("text", "kind"), FOUND)
def test_personal_data_is_found(text: str, kind: str) -> None:
    assert kind in kinds_of(text)
    assert all(one.text == text[one.start : one.end] for one in personal_data(text))
    assert personal_data(text) != []


@pytest.mark.parametrize("text", CLEAN)
def test_an_ordinary_sentence_passes(text: str) -> None:
    assert kinds_of(text, ["a", "r1", "ana"]) == []
    assert personal_data(text) == []


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("The post of Ana-Lopez was removed", "ana-lopez"),
        ("reported by r1.", "r1"),
        ("投稿者の田中さんは", "田中"),
        ("كتب والمستخدم_أحمد ذلك", "أحمد"),
        ("от ИВАН_П сказано", "иван_п"),
        ("user ４２ wrote", "42"),
    ],
)
def test_people_of_the_case_are_found_by_their_ids(text: str, known: str) -> None:
    assert kinds_of(text, [known]) == [NAME]
