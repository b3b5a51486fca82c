"""A small reference file without fault, and ways to spoil it."""

from streams.reference.file import load_text
from streams.reference.problems import Problem, Refused

SMALL = """\
reason: a test
provinces:
  - {province: GD, name: {zh: 广东, en: Guangdong}}
  - {province: SC, name: {zh: 四川, en: Sichuan}}
providers:
  - {provider_id: huayu, name: {zh: 华语互动, en: Huayu}, scope: NATIONAL}
  - {provider_id: yuehai, name: {zh: 粤海资讯, en: Yuehai}, scope: LOCAL, home_province: GD}
services:
  - {service_id: joke, provider_id: huayu, line: SMS, name: {zh: 每日笑话, en: Joke},
     price_minor: 100, currency: CNY, charge_code: A1}
  - {service_id: story, provider_id: huayu, line: IVR, name: {zh: 睡前故事, en: Story},
     price_minor: 200, currency: CNY, charge_code: A2}
credits:
  - {change_id: c1, provider_id: huayu, line: SMS, province: GD, cause: opening,
     points: 80, effective_from: 2010-01-01T00:00:00+08:00}
gateways:
  - province: GD
    messages_per_second: 900
    hall_messages_per_second: 400
    effective_from: 2010-01-01T00:00:00+08:00
policies:
  - policy_id: notice
    effective_from: 2010-09-01T00:00:00+08:00
    time_zone: Asia/Shanghai
    sender: 10086
    horizon_days: 3
    grace: 10s
    skew: 5m
    waiting_orders_max: 5
    message_life: 24h
    default_language: zh
    languages:
      - {province: SC, language: en}
    templates:
      - language: zh
        text: 点播{{ provider }}的{{ service }}，{{ price }}，{{ minutes }}分钟内回复{{ yes }}确认
      - language: en
        text: "{{ provider }}: {{ service }} {{ price }}. Reply {{ yes }} to accept."
      - {kind: CLARIFY, language: zh, text: "请回复代码：{{ items }}"}
      - {kind: CLARIFY, language: en, text: "Reply the code: {{ items }}"}
      - {channel: IVR, language: zh, text: confirm-zh}
      - {channel: IVR, language: en, text: confirm-en}
    reply_words:
      - {answer: YES, words: [Y, 是]}
      - {answer: NO, words: [N, 否]}
      - {answer: YES, channel: IVR, words: [1]}
      - {answer: NO, channel: IVR, words: [2]}
    rules:
      - name: voice
        lines: [IVR]
        confirmation: EVERY_ORDER
        prompt_life: 30s
      - name: low-credit
        credit_below: 60
        confirmation: FIRST_OF_DAY
        prompt_life: 15m
        grant_count_max: 20
        grant_amount_max_minor: 3000
      - name: others
        confirmation: OFF
"""


def spoilt(before: str, after: str, text: str = SMALL) -> str:
    """The text with the one occurrence of `before` replaced."""
    assert text.count(before) == 1, f"{before!r} stands {text.count(before)} times in the text"
    return text.replace(before, after)


def problems_of(text: str) -> tuple[Problem, ...]:
    """Everything that is wrong with a text; none when it loads."""
    try:
        load_text(text, "file.yaml")
    except Refused as refused:
        return refused.problems
    return ()
