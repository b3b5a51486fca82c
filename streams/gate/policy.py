"""A policy as the gate asks it: its days, languages, templates and reply words, made ready once.

Every answer follows from the policy's record alone. What is remembered here to be quick (days,
readings of replies) changes no answer and has a limit.
"""

import unicodedata
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from streams.gate.codes import CODES, DIGITS
from streams.gate.reading import Reading, read
from streams.gate.reference import KeywordWords, Policy, ReplyWords, Template
from streams.gate.words import Answer, Channel, Keyword, MessageKind

MINUTE_MS = 60_000
DAY_MS = 86_400_000

_EPOCH_DAY = datetime(1970, 1, 1, tzinfo=UTC).toordinal()
# A day is 32 bits in rows and records: six million years to either side.
_FIRST_DAY, _LAST_DAY = -(1 << 31), (1 << 31) - 1
# So that three digits always leave a reply code that was not given out that day.
PROMPTS_PER_DAY_MAX = 200

# Beyond the calendar of Python's datetime (less a day, for zones ahead of UTC) and before the epoch
# no zone is asked: such an order is ahead or stale whatever its zone.
_LAST_INSTANT = int(datetime(9999, 12, 30, tzinfo=UTC).timestamp()) * 1000

# Memory only, no decision depends on them: a week of minutes; the usual spellings of a reply.
_DAYS_KEPT = 10_080
_READINGS_KEPT = 4_096
_READING_LENGTH_KEPT = 64

# Characters of a text that is read whatever they are; no word of any policy is near it. A longer
# one is read only in ASCII, because marks are sorted in the square of their number: 16 KB, 0.3 s.
ANSWER_LENGTH_MAX = 300

# What people put around an answer. Stated here sign by sign, not by Unicode category, because a
# newer Python knows newer signs, and the same reply must be read the same for ever (law 8).
_AROUND_AN_ANSWER = str.maketrans(
    "", "", " \t\r\n\f\v\u200b\u200c\u200d\u2060\ufeff.,;:!?\"'`~…。、，；：！？“”‘’「」『』《》·"
)


def normalise(text: str) -> str:
    """A reply's words as they are compared: width, case, spaces and punctuation do not count."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    bare = "".join(folded.translate(_AROUND_AN_ANSWER).split())
    return unicodedata.normalize("NFKC", bare)  # what a space kept apart may now be one letter


def spoken(text: str) -> str:
    """What a subscriber said, to be compared; empty when it is too long to be an answer."""
    return normalise(text) if len(text) <= ANSWER_LENGTH_MAX or text.isascii() else ""


def utc_day(instant: int) -> int:
    """The UTC day, for what happens while no policy says where the operator is.

    A centre may write any instant into an order; its day still fits a row.
    """
    return max(_FIRST_DAY, min(_LAST_DAY, instant // DAY_MS))


def by_answer(reply_words: tuple[ReplyWords, ...]) -> dict[tuple[bool, str], Answer]:
    """Each normalised spelling and what it means; the key's first half: by voice or by text."""
    return {
        (words.channel is Channel.IVR, normalise(word)): words.answer
        for words in reply_words
        for word in words.words
    }


def spelt_codes(words: dict[tuple[bool, str], Answer], keywords: dict[str, Keyword]) -> set[str]:
    """The reply codes that a subscriber could type by text and mean something else."""
    spelt = {word for voice, word in words if not voice} | set(keywords)
    # A cancellation may go on with the number of what is cancelled.
    begun = tuple(word for word, keyword in keywords.items() if keyword is Keyword.CANCEL and word)
    return {code for code in CODES if code in spelt or code.startswith(begun)}


def by_keyword(keywords: tuple[KeywordWords, ...]) -> dict[str, Keyword]:
    """Each normalised spelling of a keyword and what it asks for."""
    return {normalise(word): each.keyword for each in keywords for word in each.words}


class PolicyInForce:
    """One version of a policy, ready to be asked; `record` is the policy as it was published."""

    __slots__ = (
        "_days",
        "_has_yes",
        "_keywords",
        "_languages",
        "_readings",
        "_said",
        "_spend_limits",
        "_templates",
        "_texts",
        "_words",
        "_zone",
        "codes_spelt",
        "digits_no",
        "effective_from",
        "grace_ms",
        "horizon_days",
        "policy_id",
        "record",
        "sender",
        "skew_ms",
        "template_version",
        "version",
        "waiting_orders_max",
    )

    def __init__(self, record: Policy) -> None:
        self.record = record
        self.policy_id = record.policy_id
        self.version = record.version
        self.effective_from = record.effective_from
        self.sender = record.sender
        self.horizon_days = record.horizon_days
        self.grace_ms = record.grace_ms
        self.skew_ms = record.skew_ms
        self.waiting_orders_max = record.waiting_orders_max
        self.template_version = f"{record.policy_id}/{record.version}"
        self._zone = ZoneInfo(record.time_zone)
        self._languages = {each.province: each.language for each in record.languages}
        self._templates = {
            (each.kind, each.channel, each.language): each for each in record.templates
        }
        self._words = by_answer(record.reply_words)
        self._has_yes = {voice for (voice, _), means in self._words.items() if means is Answer.YES}
        self._texts = {word: means for (voice, word), means in self._words.items() if not voice}
        self._keywords = by_keyword(record.keywords)
        self.codes_spelt = spelt_codes(self._words, self._keywords)
        self.digits_no = {d for d in DIGITS if self._words.get((True, d)) is Answer.NO}
        self._spend_limits = {each.currency: each.per_day_max_minor for each in record.spend_limits}
        self._days: dict[int, int] = {}
        self._readings: dict[tuple[bool, str], Answer | None] = {}
        self._said: dict[str, Reading] = {}

    def day_of(self, instant: int) -> int:
        """The operator-local calendar day of an instant, as days since 1970-01-01."""
        # Zones change their offset on whole minutes at most once in a minute, so a minute whose
        # two ends agree lies within one day; a longer step would not survive every zone's history.
        minute = instant // MINUTE_MS
        day = self._days.get(minute)
        if day is not None:
            return day
        day = self._local_day(instant)
        start = minute * MINUTE_MS
        if self._local_day(start) == day == self._local_day(start + MINUTE_MS - 1):
            if len(self._days) >= _DAYS_KEPT:
                self._days.clear()
            self._days[minute] = day
        return day

    def _local_day(self, instant: int) -> int:
        if not 0 <= instant < _LAST_INSTANT:
            return utc_day(instant)
        return datetime.fromtimestamp(instant // 1000, self._zone).toordinal() - _EPOCH_DAY

    def language(self, province: str) -> str:
        """The language of a province's subscribers."""
        return self._languages.get(province, self.record.default_language)

    def can_ask(self, channel: Channel, province: str) -> bool:
        """Whether the policy has a prompt for a province on a channel, and a yes to answer it."""
        if (channel is Channel.IVR) not in self._has_yes:
            return False
        return (MessageKind.PROMPT, channel, self.language(province)) in self._templates

    def can_tell(self, kind: MessageKind, language: str) -> bool:
        """Whether the policy has words for a message by text in a language."""
        return (kind, Channel.SMS, language) in self._templates

    def template(self, kind: MessageKind, channel: Channel, language: str) -> Template:
        """The template of a message; the policy was not taken without those it needs."""
        return self._templates[kind, channel, language]

    def answer(self, channel: Channel, text: str) -> Answer | None:
        """What a word says; None when it is neither a clear yes nor a clear no (law 5)."""
        voice = channel is Channel.IVR
        key = (voice, text)
        if key in self._readings:
            return self._readings[key]
        answer = self._words.get((voice, spoken(text)))
        if len(text) <= _READING_LENGTH_KEPT:
            if len(self._readings) >= _READINGS_KEPT:
                self._readings.clear()
            self._readings[key] = answer
        return answer

    def reading(self, text: str) -> Reading:
        """What a text to the one number says: an answer, a keyword, or nothing clear."""
        if text in self._said:
            return self._said[text]
        reading = read(spoken(text), self._texts, self._keywords)
        if len(text) <= _READING_LENGTH_KEPT:
            if len(self._said) >= _READINGS_KEPT:
                self._said.clear()
            self._said[text] = reading
        return reading

    def word(self, answer: Answer, channel: Channel) -> str:
        """The spelling of an answer that a prompt names: the first of the policy's."""
        voice = channel is Channel.IVR
        return next(
            words.words[0]
            for words in self.record.reply_words
            if words.answer is answer and (words.channel is Channel.IVR) is voice and words.words
        )

    def keyword_word(self, keyword: Keyword) -> str:
        """The spelling of a keyword that messages name; empty when the policy has none."""
        for each in self.record.keywords:
            if each.keyword is keyword and each.words:
                return each.words[0]
        return ""

    def spend_limit(self, currency: str) -> int | None:
        """What a subscriber may spend on one day in a currency; None without a limit."""
        return self._spend_limits.get(currency)
