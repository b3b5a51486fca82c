"""Each mistake in a reference file is refused with its line, what is wrong and what to do."""

from typing import NamedTuple

import pytest

from streams.errors import Cause
from streams.reference.file import load_text
from streams.reference.problems import Refused
from tests.reference.examples import SMALL, problems_of, spoilt


class Mistake(NamedTuple):
    """One slip of an author: what is replaced by what, where it shows, and what is said."""

    before: str
    after: str
    line_of: str  # text that stands in the line that is named
    said: str


RULE = "      - name: low-credit\n"
TRIAL = (
    "confirmation: SHADOW\n        prompt_life: 15m\n        grant_count_max: 20\n"
    "        grant_amount_max_minor: 3000\n"
)
SECOND_POLICY = SMALL[SMALL.index("  - policy_id") :]

MISTAKES = {
    "unknown section": Mistake(
        "gateways:", "gatewys:", "gatewys:", "no section gatewys; did you mean gateways?"
    ),
    "unknown field": Mistake(
        "    grace: 10s", "    grce: 10s", "grce", "no field grce here; did you mean grace?"
    ),
    "unknown field of a rule": Mistake(
        "prompt_life: 15m", "prompt_lif: 15m", "prompt_lif", "did you mean prompt_life?"
    ),
    "missing field": Mistake(
        "    time_zone: Asia/Shanghai\n", "", "policy_id: notice", "time_zone is missing; add it"
    ),
    "wrong type": Mistake(
        "horizon_days: 3", "horizon_days: three", "horizon_days", "write a whole number"
    ),
    "unknown word": Mistake(
        "scope: NATIONAL",
        "scope: NATONAL",
        "NATONAL",
        "NATONAL is no Scope; did you mean NATIONAL?",
    ),
    "the symbol for newer readers": Mistake(
        "line: SMS, name", "line: UNKNOWN, name", "UNKNOWN", "UNKNOWN is no Channel"
    ),
    "span without unit": Mistake("grace: 10s", "grace: 10", "grace: 10", "write it with its unit"),
    "span beyond reason": Mistake("skew: 5m", "skew: 25h", "skew: 25h", "write 1d or less"),
    "time without zone": Mistake(
        "effective_from: 2010-09-01T00:00:00+08:00",
        "effective_from: 2010-09-01T00:00:00",
        "effective_from: 2010-09-01T00:00:00",
        "has no zone",
    ),
    "impossible time": Mistake(
        "effective_from: 2010-09-01T00:00:00+08:00",
        "effective_from: 2010-09-31T00:00:00+08:00",
        "2010-09-31",
        "is not a time",
    ),
    "bar in an id": Mistake("service_id: joke", "service_id: jo|ke", "jo|ke", "does not do here"),
    "repeated id": Mistake(
        "service_id: story",
        "service_id: joke",
        "line: IVR",
        "service_id joke stands already in line",
    ),
    "repeated key": Mistake(
        "    skew: 5m\n",
        "    skew: 5m\n    skew: 5m\n",
        "skew: 5m\n    wait",
        "skew is given twice",
    ),
    "negative price": Mistake(
        "price_minor: 100", "price_minor: -1", "price_minor: -1", "write 0 or more"
    ),
    "price of zero": Mistake(
        "price_minor: 100", "price_minor: 0", "price_minor: 0", "has a price of 0; give its price"
    ),
    "free with a price": Mistake(
        "charge_code: A1", "charge_code: A1, free: true", "free: true", "remove one of the two"
    ),
    "service of nobody": Mistake(
        "service_id: joke, provider_id: huayu",
        "service_id: joke, provider_id: huayo",
        "huayo",
        "provider huayo is not in the list of providers; did you mean huayu?",
    ),
    "credit of nobody": Mistake(
        "change_id: c1, provider_id: huayu",
        "change_id: c1, provider_id: hua",
        "change_id: c1",
        "provider hua is not in the list of providers",
    ),
    "credit in no province": Mistake(
        "line: SMS, province: GD", "line: SMS, province: GDD", "GDD", "did you mean GD?"
    ),
    "points and delta": Mistake(
        "points: 80", "points: 80, delta: 1", "change_id: c1", "must say either points or delta"
    ),
    "neither points nor delta": Mistake(
        "points: 80, ", "", "change_id: c1", "must say either points or delta"
    ),
    "two credits at once": Mistake(
        "gateways:",
        "  - {change_id: c2, provider_id: huayu, line: SMS, province: GD, cause: twice,\n"
        "     points: 70, effective_from: 2010-01-01T00:00:00+08:00}\ngateways:",
        "points: 70",
        "credit c2 changes the same points at the same time as c1",
    ),
    "shared charge code": Mistake(
        "charge_code: A2", "charge_code: A1", "price_minor: 200", "already that of service joke"
    ),
    "local without home": Mistake(
        ", home_province: GD", "", "yuehai", "local provider yuehai has no home_province"
    ),
    "national with home": Mistake(
        "scope: NATIONAL",
        "scope: NATIONAL, home_province: GD",
        "huayu, name",
        "has a home_province",
    ),
    "gateway of no province": Mistake(
        "  - province: GD\n", "  - province: XX\n", "province: XX", "province XX is not in the list"
    ),
    "gateway without capacity": Mistake(
        "messages_per_second: 900", "messages_per_second: 0", "second: 0", "write 1 or more"
    ),
    "unknown time zone": Mistake(
        "Asia/Shanghai", "Asia/Shangai", "Shangai", "did you mean Asia/Shanghai?"
    ),
    "unknown language": Mistake(
        "default_language: zh", "default_language: fr", "language: fr", "write zh or en"
    ),
    "two languages": Mistake(
        "      - {province: SC, language: en}\n",
        "      - {province: SC, language: en}\n      - {province: SC, language: zh}\n",
        "SC, language: zh",
        "province SC has two languages",
    ),
    "two policies at once": Mistake(
        "        confirmation: OFF\n",
        "        confirmation: OFF\n"
        + SECOND_POLICY.replace("policy_id: notice", "policy_id: two"),
        "",
        "policy two takes effect at the same instant as notice",
    ),
    "rule for no province": Mistake(
        RULE, f"{RULE}        provinces: [GD, SCC]\n", "SCC", "SCC is not in the list"
    ),
    "rule for no provider": Mistake(
        RULE, f"{RULE}        provider_ids: [yuehia]\n", "yuehia", "did you mean yuehai?"
    ),
    "two rules of one name": Mistake(
        RULE, "      - name: voice\n", "name: voice\n        credit", "has the name of the rule in"
    ),
    "a trial without time": Mistake(
        "confirmation: OFF",
        "confirmation: SHADOW",
        "name: others",
        "rule others tries out asking the subscriber but gives no time to answer; add prompt_life",
    ),
    "a trial without a grant": Mistake(
        "confirmation: OFF",
        "confirmation: SHADOW\n        prompt_life: 15m",
        "name: others",
        "rule others: a yes for the day needs grant_count_max; add grant_count_max",
    ),
    "a trial of nothing": Mistake(
        "confirmation: OFF",
        f"{TRIAL}        shadow_of: OFF\n",
        "shadow_of",
        "rule others tries out OFF, where nobody is asked; use shadow_of: FIRST_OF_DAY or EVERY",
    ),
    "shadow_of without a trial": Mistake(
        "confirmation: OFF",
        "confirmation: OFF\n        shadow_of: EVERY_ORDER",
        "shadow_of",
        "rule others has shadow_of, but is OFF; remove shadow_of",
    ),
    "a trial of voice once a day": Mistake(
        "        lines: [IVR]\n        confirmation: EVERY_ORDER\n        prompt_life: 30s\n",
        "        lines: [IVR]\n        confirmation: SHADOW\n        shadow_of: FIRST_OF_DAY\n"
        "        prompt_life: 30s\n        grant_count_max: 1\n        grant_amount_max_minor: 9\n",
        "name: voice",
        "rule voice would ask callers (IVR) only once a day; voice confirms in every call",
    ),
    "a code where nobody is asked": Mistake(
        "confirmation: OFF",
        "confirmation: OFF\n        code_required: true",
        "code_required",
        "rule others wants a code, but is OFF, where nobody is asked; remove code_required",
    ),
    "no digit left": Mistake(
        "channel: IVR, words: [2]}\n    rules:\n      - name: voice\n",
        "channel: IVR, words: [1, 2, 3, 4, 5, 6, 7, 8, 9]}\n"
        "    rules:\n      - name: voice\n        code_required: true\n",
        "reply_words",
        "rule voice wants a digit pressed, but each of them is a word for NO on IVR; leave a digit",
    ),
    "a ceiling where nobody calls": Mistake(
        "        credit_below: 60\n",
        "        credit_below: 60\n        lines: [SMS]\n        call_count_max: 3\n",
        "call_count_max",
        "rule low-credit has call_count_max, but can match no call; remove it",
    ),
    "an amount where nobody calls": Mistake(
        "        credit_below: 60\n",
        "        credit_below: 60\n        lines: [SMS]\n        call_amount_max_minor: 3\n",
        "call_amount_max_minor",
        "rule low-credit has call_amount_max_minor, but can match no call; remove it",
    ),
    "receipts of nothing": Mistake(
        "confirmation: OFF",
        "confirmation: REFUSE\n        receipt: true",
        "receipt",
        "rule others gives receipts, but charges nobody; remove receipt",
    ),
    "receipts without words": Mistake(
        "confirmation: OFF",
        "confirmation: OFF\n        receipt: true",
        "templates:",
        "has no RECEIPT SMS template in en, but rule others gives receipts; add one with kind",
    ),
    "a spend limit without words": Mistake(
        "    rules:\n",
        "    spend_limits: [{currency: CNY, per_day_max_minor: 5000}]\n    rules:\n",
        "templates:",
        "has no NOTICE SMS template in zh, to say that half of a spend limit is reached; add one",
    ),
    "a list without words": Mistake(
        "    rules:\n",
        '    keywords: [{keyword: LIST, words: ["0000"]}]\n    rules:\n',
        "templates:",
        "has no LISTING SMS template in zh, but it has the keyword LIST; add one",
    ),
    "nothing to clarify with": Mistake(
        '      - {kind: CLARIFY, language: en, text: "Reply the code: {{ items }}"}\n',
        "",
        "templates:",
        "has no CLARIFY SMS template in en, for a yes that could mean several prompts; add one",
    ),
    "two spend limits": Mistake(
        "    rules:\n",
        "    spend_limits:\n      - {currency: CNY, per_day_max_minor: 5000}\n"
        "      - {currency: CNY, per_day_max_minor: 6000}\n    rules:\n",
        "6000",
        "there is already a spend limit in CNY; keep one of them",
    ),
    "a spend limit below a price": Mistake(
        "    rules:\n",
        "    spend_limits:\n      - {currency: CNY, per_day_max_minor: 199}\n    rules:\n",
        "199",
        "the spend limit of 199 is less than the price 200 of service story (line 11), which",
    ),
    "a spend limit in no currency": Mistake(
        "    rules:\n",
        "    spend_limits: [{currency: yuan, per_day_max_minor: 199}]\n    rules:\n",
        "yuan",
        "currency: 'yuan' does not do here; write the ISO 4217 code",
    ),
    "an unknown field of a spend limit": Mistake(
        "    rules:\n",
        "    spend_limits: [{currency: CNY, per_day_max: 199}]\n    rules:\n",
        "per_day_max",
        "there is no field per_day_max here; did you mean per_day_max_minor?",
    ),
    "no prompts at all": Mistake(
        "    rules:\n",
        "    prompts_per_day_max: 0\n    rules:\n",
        "prompts_per",
        "prompts_per_day_max is 0; write 1 or more",
    ),
    "more prompts than codes": Mistake(
        "    rules:\n",
        "    prompts_per_day_max: 201\n    rules:\n",
        "prompts_per",
        "prompts_per_day_max is 201; write 200 or less",
    ),
    "no segment": Mistake(
        "    rules:\n",
        "    text_segments_max: 0\n    rules:\n",
        "text_segments",
        "text_segments_max is 0; write 1 or more",
    ),
    "alarms out of order": Mistake(
        "    rules:\n",
        "    complaint_alarms: [24h, 72h, 48h]\n    rules:\n",
        "complaint_alarms",
        "the alarm at 2d is not after the one at 3d; list them from the first to the last",
    ),
    "an alarm at once": Mistake(
        "    rules:\n",
        "    complaint_alarms: [0s]\n    rules:\n",
        "complaint_alarms",
        "complaint_alarms is 0s; write 1ms or more",
    ),
    "an alarm of every dead letter": Mistake(
        "    rules:\n",
        "    alarm_dead_letters: 0\n    rules:\n",
        "alarm_dead",
        "alarm_dead_letters is 0; write 1 or more",
    ),
    "an undo beyond a day": Mistake(
        "    rules:\n", "    undo: 25h\n    rules:\n", "undo:", "undo is 25h; write 1d or less"
    ),
    "an undo that nobody can say": Mistake(
        "    rules:\n",
        "    undo: 30m\n    rules:\n",
        "undo:",
        "policy notice lets subscribers undo a charge, but has no word for it; add {keyword: UNDO",
    ),
    "a word for no undo": Mistake(
        "    rules:\n",
        "    keywords: [{keyword: UNDO, words: [TF]}]\n    rules:\n",
        "keywords:",
        "policy notice has the keyword UNDO, but nothing can ever be undone; add undo",
    ),
    "a text that promises an undo": Mistake(
        "      - {channel: IVR, language: zh",
        "      - {kind: RECEIPT, language: zh,\n"
        '         text: "{{ provider }} {{ service }} {{ price }} {{ undo }}"}\n'
        "      - {channel: IVR, language: zh",
        "{{ undo",
        "the zh RECEIPT template names undo; add the keyword UNDO to the policy, or take it out",
    ),
    "a text that promises minutes": Mistake(
        "      - {channel: IVR, language: zh",
        "      - {kind: RECEIPT, language: zh,\n"
        '         text: "{{ provider }} {{ service }} {{ price }} {{ undo_minutes }}"}\n'
        "      - {channel: IVR, language: zh",
        "{{ undo",
        "the zh RECEIPT template names undo_minutes; add undo to the policy, or take it out",
    ),
    "a text that promises to cancel": Mistake(
        "      - {channel: IVR, language: zh",
        '      - {kind: LISTING, language: zh, text: "{{ items }} {{ cancel }}"}\n'
        "      - {channel: IVR, language: zh",
        "LISTING",
        "the zh LISTING template names cancel; add the keyword CANCEL to the policy, or take it",
    ),
    "an unknown keyword": Mistake(
        "    rules:\n",
        "    keywords: [{keyword: STOP, words: [TF]}]\n    rules:\n",
        "keywords:",
        "keyword: STOP is no Keyword; use one of CANCEL, LIST, UNDO",
    ),
    "a keyword of nothing": Mistake(
        "    rules:\n",
        '    keywords: [{keyword: CANCEL, words: ["。"]}]\n    rules:\n',
        "keywords:",
        "keyword 。: nothing is left of it without spaces and punctuation; remove it",
    ),
    "a keyword with two meanings": Mistake(
        "    rules:\n",
        "    keywords:\n      - {keyword: CANCEL, words: [QX]}\n"
        "      - {keyword: LIST, words: [ｑｘ]}\n    rules:\n",
        "ｑｘ",
        "keyword ｑｘ means both CANCEL and LIST; keep it in one of the two lists",
    ),
    "a keyword that is a word for no": Mistake(
        "    rules:\n",
        "    keywords: [{keyword: CANCEL, words: [否]}]\n    rules:\n",
        "keywords:",
        "keyword 否 of CANCEL is also a word for NO; keep it in one of the two lists",
    ),
    "a keyword like a code": Mistake(
        "    rules:\n",
        '    keywords: [{keyword: CANCEL, words: ["100"]}]\n    rules:\n',
        "keywords:",
        "keyword 100 is three digits, as the reply codes are; spell it otherwise",
    ),
    "a keyword like a cancellation": Mistake(
        "    rules:\n",
        "    undo: 1h\n    keywords:\n      - {keyword: CANCEL, words: [QX]}\n"
        "      - {keyword: UNDO, words: [QX0]}\n    rules:\n",
        "QX0",
        "keyword QX0 is 'qx', which takes a number, and the number 0; spell it otherwise",
    ),
    "a word like a code": Mistake(
        "[N, 否]", "[N, 否, 900]", "900", "reply word 900 is three digits, as the reply codes are"
    ),
    "a word like a word and a code": Mistake(
        "[N, 否]", "[N, 否, Y900]", "900", "reply word Y900 is 'y' and a reply code; spell it"
    ),
    "no time to answer": Mistake(
        "        prompt_life: 15m\n", "", "name: low-credit", "gives no time to answer"
    ),
    "no grant": Mistake(
        "        grant_count_max: 20\n", "", "name: low-credit", "needs grant_count_max; add grant"
    ),
    "a grant of nothing": Mistake(
        "grant_count_max: 20",
        "grant_count_max: 0",
        "grant_count_max",
        "rule low-credit: grant_count_max is 0, so a yes would cover nothing; write 1 or more",
    ),
    "a grant of no money": Mistake(
        "grant_amount_max_minor: 3000",
        "grant_amount_max_minor: 0",
        "grant_amount_max_minor",
        "rule low-credit: grant_amount_max_minor is 0, so a yes would cover nothing; write 1 or",
    ),
    "grant below the price": Mistake(
        "grant_amount_max_minor: 3000",
        "grant_amount_max_minor: 99",
        "minor: 99",
        "less than the price",
    ),
    "voice once a day": Mistake(
        "        lines: [IVR]\n",
        "        lines: [IVR]\n        provinces: [GD]\n",
        "name: low-credit",
        "rule low-credit would ask callers (IVR) only once a day",
    ),
    "hidden rule": Mistake(
        "      - name: others\n",
        "      - name: hidden\n        credit_below: 50\n        confirmation: OFF\n"
        "      - name: others\n",
        "name: hidden",
        "rule hidden can never match: rules above it",
    ),
    "empty credit band": Mistake(
        "credit_below: 60",
        "credit_below: 60\n        credit_at_least: 60",
        "name: low-credit",
        "no credit is at least 60 and below 60",
    ),
    "empty time": Mistake(
        RULE,
        f"{RULE}        from_at: 2010-10-01T00:00:00Z\n        until_at: 2010-10-01T00:00:00Z\n",
        "name: low-credit",
        "until_at is not after from_at",
    ),
    "over before the policy": Mistake(
        RULE,
        f"{RULE}        until_at: 2010-01-01T00:00:00Z\n",
        "name: low-credit",
        "it ends before the policy takes effect",
    ),
    "scope of none of its providers": Mistake(
        RULE,
        f"{RULE}        provider_ids: [huayu]\n        scope: LOCAL\n",
        "scope: LOCAL\n",
        "no provider of it is LOCAL",
    ),
    "no template": Mistake(
        "      - language: en\n"
        '        text: "{{ provider }}: {{ service }} {{ price }}. Reply {{ yes }} to accept."\n',
        "",
        "templates:",
        "has no SMS template in en",
    ),
    "no voice template": Mistake(
        "      - {channel: IVR, language: en, text: confirm-en}\n",
        "",
        "templates:",
        "has no IVR template in en",
    ),
    "template twice": Mistake(
        "{channel: IVR, language: en, text",
        "{channel: IVR, language: zh, text",
        "confirm-en",
        "already",
    ),
    "a receipt that names nothing": Mistake(
        "{channel: IVR, language: en, text",
        "{kind: RECEIPT, language: en, text",
        "confirm-en",
        "the en RECEIPT template does not say provider, service, price; a receipt names all",
    ),
    "a spoken receipt": Mistake(
        "{channel: IVR, language: en, text",
        "{kind: RECEIPT, channel: IVR, language: en, text",
        "RECEIPT",
        "a RECEIPT is never spoken; use channel: SMS",
    ),
    "a name of another kind": Mistake(
        "Reply the code: {{ items }}",
        "Reply the code: {{ items }} {{ price }}",
        "the code",
        "the en CLARIFY template names price, which is no value of a clarify",
    ),
    "template for MMS": Mistake(
        "{channel: IVR, language: en, text", "{channel: MMS, language: en, text", "MMS", "by SMS"
    ),
    "voice prompt that is text": Mistake(
        "confirm-zh", "请按 1 确认", "请按", "is not a voice prompt's id"
    ),
    "template without price": Mistake(
        "{{ price }}. Reply", ". Reply", ". Reply", "does not say price; a prompt names all of them"
    ),
    "template without answer": Mistake("Reply {{ yes }}", "Reply Y", "Reply Y", "does not say yes"),
    "template with an unknown name": Mistake(
        "{{ provider }}:",
        "{{ provder }}:",
        "provder",
        "names provder, which is no value of a prompt; did you",
    ),
    "template that computes": Mistake(
        "{{ price }}. Reply", "{{ price * 2 }}. Reply", "* 2", "does more than name values"
    ),
    "template that loops": Mistake(
        "{{ price }}. Reply",
        "{% for x in yes %}{{ price }}{% endfor %}. Reply",
        "endfor",
        "does more than name values",
    ),
    "template that filters": Mistake(
        "{{ price }}. Reply", "{{ price|upper }}. Reply", "upper", "does more than name values"
    ),
    "template with a comment": Mistake(
        "to accept.", "to accept.{# politely #}", "politely", "would be filled differently"
    ),
    "template that is none": Mistake(
        "{{ price }}. Reply", "{{ price }. Reply", "price }. Reply", "is no template"
    ),
    "prompt of two segments": Mistake(
        "en: Joke", f"en: {'J' * 160}", "Reply {{ yes }}", "160 fit one SMS; shorten the template"
    ),
    "prompt of two segments in Chinese": Mistake(
        "zh: 每日笑话",
        f"zh: {'笑' * 60}",
        "分钟内",
        "with service joke, 70 fit one SMS; shorten",
    ),
    "a letter outside the GSM alphabet": Mistake(
        "en: Joke", f"en: Joke’s{' on' * 20} you", "Reply {{ yes }}", "(because ’ is not in the GSM"
    ),
    "no word for yes": Mistake(
        "      - {answer: YES, words: [Y, 是]}\n", "", "reply_words:", "lists no word for YES"
    ),
    "no word for no": Mistake(
        "      - {answer: NO, words: [N, 否]}\n", "", "reply_words:", "lists no word for NO"
    ),
    "no key for yes": Mistake(
        "      - {answer: YES, channel: IVR, words: [1]}\n",
        "",
        "reply_words:",
        "asks by IVR but lists no word for YES",
    ),
    "a number for yes": Mistake("[Y, 是]", "[Y, 是, 1]", "是, 1", "a bare number is no clear yes"),
    "a word for a caller": Mistake("words: [1]", "words: [好]", "[好]", "use digits, * or #"),
    "a word of nothing": Mistake("[N, 否]", '[N, 否, "！"]', "！", "nothing is left of it"),
    "a word that means both": Mistake(
        "[N, 否]", "[N, 否, ｙ]", "ｙ", "reply word ｙ means both YES and NO"
    ),
    "words for MMS": Mistake(
        "{answer: NO, channel: IVR", "{answer: NO, channel: MMS", "channel: MMS", "use channel: SMS"
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_refused_at_its_line(mistake: Mistake) -> None:
    """A mistake is told at the line where it stands, in words that say what to do."""
    text = spoilt(mistake.before, mistake.after)
    told = [str(problem) for problem in problems_of(text)]
    if mistake.line_of:
        line = text[: text.rindex(mistake.line_of)].count("\n") + 1
    else:  # the start of the second policy
        line = text[: text.rindex("effective_from")].count("\n") + 1
    fitting = [each for each in told if mistake.said in each]
    assert fitting, told
    assert fitting[0].startswith(f"file.yaml:{line}: ")


def test_the_small_file_has_no_fault() -> None:
    """The file that the mistakes are made in is itself without fault."""
    assert not problems_of(SMALL)


def test_all_problems_are_told_at_once() -> None:
    """Faults of shape, of names and of texts in different sections come in one refusal, by line."""
    text = spoilt("scope: NATIONAL", "scope: NOWHERE")
    text = spoilt("currency: CNY, charge_code: A1", "currency: yuan, charge_code: A1", text)
    text = spoilt("points: 80", "points: -80", text)
    text = spoilt("Asia/Shanghai", "Shanghai", text)
    text = spoilt("Reply {{ yes }}", "Reply", text)
    text = spoilt("confirmation: OFF", "confirmation: OFF\n        code_required: true", text)
    told = problems_of(text)
    assert len(told) == 6
    assert [problem.line for problem in told] == sorted(problem.line for problem in told)


def test_a_faulty_entry_is_not_called_dangling_too() -> None:
    """What names an entry that is faulty itself is not blamed for it."""
    told = problems_of(spoilt("scope: NATIONAL", "scope: NOWHERE"))
    assert [problem.line for problem in told] == [6]


def test_a_refusal_ends_with_its_exit_code() -> None:
    """A refused file has the cause that commands end with, and its text names every line."""
    with pytest.raises(Refused) as refused:
        load_text(spoilt("scope: NATIONAL", "scope: NOWHERE"), "file.yaml")
    assert refused.value.cause is Cause.REFERENCE_REFUSED
    assert "file.yaml:6: scope: NOWHERE is no Scope" in str(refused.value)
    assert "nothing has been written" in str(refused.value)


def test_a_service_may_be_free_when_that_is_said() -> None:
    """A price of 0 is taken when the entry says free: true."""
    assert not problems_of(spoilt("price_minor: 100", "price_minor: 0, free: true"))
