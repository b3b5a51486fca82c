"""What is sold in the auditor's stories, by whom, and which confirmation is in force."""

from typing import Any

from streams.topics import CREDITS, GATEWAYS, POLICIES, PROVIDERS, SERVICES
from tests.audit.scribe import GRACE, LIFE, MINUTE, MORNING, Scribe

_BY = {"version": 1, "changed_by": "ops", "reason": "the notice"}
CODE_KEY = b"k"
SERVICES_SOLD = {
    # service: provider, line, price, names
    "ring": ("star", "SMS", 200, ("铃声", "Ringtones")),
    "card": ("star", "MMS", 300, ("彩信卡", "Cards")),
    "talk": ("star", "IVR", 100, ("聊天", "Talk")),
    "news": ("good", "SMS", 50, ("新闻", "News")),
}
NAMES = {"star": ("星空", "Star"), "good": ("好信", "Good")}


def policy(**changes: Any) -> dict[str, Any]:
    """In force: one provider is trusted, calls confirm each time, the rest once a day."""
    open_rule: dict[str, Any] = {
        "provinces": [],
        "lines": [],
        "scope": None,
        "provider_ids": [],
        "prompt_life_ms": LIFE,
        "grant_count_max": 3,
        "grant_amount_max_minor": 1000,
        "receipt": False,
    }
    return {
        "policy_id": "notice",
        "effective_from": MORNING - MINUTE,
        "time_zone": "Asia/Shanghai",
        "sender": "10086",
        "horizon_days": 3,
        "grace_ms": GRACE,
        "skew_ms": MINUTE,
        "waiting_orders_max": 5,
        "message_life_ms": LIFE,
        "default_language": "zh",
        "languages": [],
        "templates": [
            {
                "kind": "PROMPT",
                "channel": "SMS",
                "language": "zh",
                "text": "{{ provider }}的{{ service }}每次{{ price }}，回复{{ yes }}确认。",
            },
            {"kind": "PROMPT", "channel": "IVR", "language": "zh", "text": "ask"},
        ],
        "reply_words": [
            {"answer": "YES", "channel": "SMS", "words": ["Y", "是"]},
            {"answer": "NO", "channel": "SMS", "words": ["n", "否"]},
            {"answer": "YES", "channel": "IVR", "words": ["1"]},
            {"answer": "NO", "channel": "IVR", "words": ["2"]},
        ],
        "code_key": CODE_KEY,
        "rules": [
            open_rule | {"name": "trusted", "provider_ids": ["good"], "confirmation": "OFF"},
            open_rule | {"name": "voice", "lines": ["IVR"], "confirmation": "EVERY_ORDER"},
            open_rule | {"name": "daily", "lines": ["SMS", "MMS"], "confirmation": "FIRST_OF_DAY"},
        ],
        **_BY,
        **changes,
    }


def reference(scribe: Scribe) -> None:
    """What is sold, by whom, and which confirmation is in force."""
    for name, (zh, en) in NAMES.items():
        row = {"provider_id": name, "name": {"zh": zh, "en": en}, "scope": "NATIONAL"}
        scribe.append(PROVIDERS, 0, 0, name.encode(), row | {"status": "ACTIVE"} | _BY)
    for name, (provider, line, price, (zh, en)) in SERVICES_SOLD.items():
        scribe.append(
            SERVICES,
            0,
            0,
            name.encode(),
            {
                "service_id": name,
                "provider_id": provider,
                "line": line,
                "name": {"zh": zh, "en": en},
                "price_minor": price,
                "currency": "CNY",
                "charge_code": f"code-{name}",
                "status": "ON_SALE",
                **_BY,
            },
        )
    credit: dict[str, Any] = {
        "change_id": "c1",
        "provider_id": "star",
        "line": "SMS",
        "province": "gd",
    }
    credit |= {"points": 70, "cause": "audit", "effective_from": 0} | _BY
    scribe.append(CREDITS, 0, 0, b"c1", credit)
    gateway = {"province": "gd", "messages_per_second": 100, "hall_messages_per_second": 10}
    scribe.append(GATEWAYS, 0, 0, b"gd", gateway | {"effective_from": 0} | _BY)
    scribe.append(POLICIES, 0, 0, b"notice", policy())
