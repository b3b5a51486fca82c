"""How a difference is told to the one who is about to apply it."""

import pytest

from streams import topics
from streams.gate.reference import KeywordWords, Policy, SpendLimit
from streams.gate.words import Keyword
from streams.reference.differences import differences, is_same
from streams.reference.file import load_text
from streams.reference.records import Draft
from tests.reference.examples import SMALL, spoilt


def policy(text: str = SMALL) -> Policy:
    drafts: tuple[Draft, ...] = load_text(text, "file.yaml").drafts
    (record,) = (draft.record for draft in drafts if draft.topic == topics.POLICIES)
    assert isinstance(record, Policy)
    return record


FIRST_RULE = SMALL[SMALL.index("      - name: voice") : SMALL.index("      - name: low-credit")]
SECOND_RULE = SMALL[SMALL.index("      - name: low-credit") : SMALL.index("      - name: others")]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (spoilt("grace: 10s", "grace: 2s"), ["grace: 10s → 2s"]),
        (
            spoilt("prompt_life: 15m", "prompt_life: 90s"),
            ["rules[low-credit].prompt_life: 15m → 90s"],
        ),
        (
            spoilt("credit_below: 60", "credit_below: 60\n        credit_at_least: 5"),
            ["rules[low-credit].credit_at_least: none → 5"],
        ),
        (
            spoilt(
                "lines: [IVR]", "lines: [IVR]\n        until_at: 2011-01-01T00:00:00+08:00"
            ).replace("credit_below: 60", "credit_below: 60\n        lines: [SMS, MMS]"),
            [
                "rules[voice].until_at: none → 2010-12-31T16:00:00Z",
                "rules[low-credit].lines: [] → [SMS, MMS]",
            ],
        ),
        (
            spoilt("name: others", "name: rest"),
            ["rules[others] removed", "rules[rest] added"],
        ),
        (
            spoilt(
                FIRST_RULE + SECOND_RULE,
                SECOND_RULE.replace("credit_below: 60", "lines: [SMS]") + FIRST_RULE,
            ),
            [
                "rules[low-credit].lines: [] → [SMS]",
                "rules[low-credit].credit_below: 60 → none",
                "rules in another order: low-credit, voice, others",
            ],
        ),
        (spoilt("[N, 否]", "[N, 不]"), ["reply_words[NO SMS].words: [N, 否] → [N, 不]"]),
        (
            spoilt("confirm-en", "confirm-2"),
            ["templates[PROMPT IVR en].text: confirm-en → confirm-2"],
        ),
        (
            spoilt(
                "    rules:\n",
                "    complaint_alarms: [12h, 72h]\n    refuse_after_no: true\n    undo: 30m\n"
                "    prompts_per_day_max: 20\n    receipt_interval: 1h\n"
                "    keywords: [{keyword: UNDO, words: [TF]}]\n    rules:\n",
            ),
            [
                "prompts_per_day_max: 100 → 20",
                "refuse_after_no: false → true",
                "receipt_interval: 0s → 1h",
                "undo: 0s → 30m",
                "keywords[UNDO] added",
                "complaint_alarms: [1d, 2d, 3d] → [12h, 3d]",
            ],
        ),
        (
            spoilt(
                "confirmation: OFF",
                "confirmation: SHADOW\n        shadow_of: EVERY_ORDER\n        prompt_life: 15m",
            ).replace(
                "lines: [IVR]",
                "lines: [IVR]\n        call_count_max: 3\n        code_required: true",
            ),
            [
                "rules[voice].code_required: false → true",
                "rules[voice].call_count_max: 0 → 3",
                "rules[others].confirmation: OFF → SHADOW",
                "rules[others].prompt_life: 0s → 15m",
                "rules[others].shadow_of: none → EVERY_ORDER",
            ],
        ),
        (
            spoilt("{province: SC, language: en}", "{province: SC, language: zh}"),
            ["languages[SC].language: en → zh"],
        ),
    ],
)
def test_a_change_is_told_field_by_field(text: str, told: list[str]) -> None:
    """A change is told in the words and forms of the file."""
    assert list(differences(policy(), policy(text))) == told


def test_a_limit_and_a_keyword_are_told_by_what_they_are_for() -> None:
    """A spend limit is told by its currency, the spellings of a keyword by the keyword."""
    limit = SpendLimit("CNY", 5000)
    before = policy()._replace(
        spend_limits=(limit, SpendLimit("USD", 9)),
        keywords=(KeywordWords(Keyword.CANCEL, ("QX",)),),
    )
    after = policy()._replace(
        spend_limits=(limit._replace(per_day_max_minor=6000),),
        keywords=(KeywordWords(Keyword.CANCEL, ("QX", "STOP")),),
    )
    assert list(differences(before, after)) == [
        "spend_limits[USD] removed",
        "spend_limits[CNY].per_day_max_minor: 5000 → 6000",
        "keywords[CANCEL].words: [QX] → [QX, STOP]",
    ]


def test_who_and_why_are_no_difference() -> None:
    """Versions, signatures and keys, which the author does not write, make nothing differ."""
    signed = policy()._replace(version=7, changed_by="li", reason="why", code_key=b"key")
    assert is_same(policy(), signed)


def test_a_name_is_told_in_its_language() -> None:
    """A field within a field is told by both names."""
    before, after = (
        next(draft.record for draft in load_text(text, "file.yaml").drafts)
        for text in (SMALL, spoilt("en: Huayu", "en: Huayu Ltd"))
    )
    assert list(differences(before, after)) == ["name.en: Huayu → Huayu Ltd"]
