"""The reference data of a run: policies of every kind, services and providers that come and go.

A clerk publishes it: versions follow one another, policies begin later than anything that was
decided, and now and then a record is one that the gate must not take.
"""

from collections.abc import Mapping
from random import Random
from typing import Any, NamedTuple

from streams.gate.reference import OperatorAct, Policy, Provider, Service, SpendLimit
from streams.gate.words import (
    ActKind,
    Channel,
    Confirmation,
    ProviderStatus,
    ServiceStatus,
)
from tests.audit import stroll
from tests.gate import rules
from tests.gate.examples import (
    HOUR,
    LOCAL_PROVIDER,
    MINUTE,
    PROVIDER,
    REFUSE,
    SECOND,
    SERVICES,
    VOICE,
    credit,
    policy,
    rule,
)
from tests.sim.kit import HARD, TOPIC_OF, encoded

BY_CREDIT = rule(
    "by-credit", Confirmation.OFF, lines=(Channel.SMS,), credit_at_least=50, receipt=True
)
RULE_SETS = (
    *stroll.RULE_SETS,
    *stroll.RULE_SETS,
    (VOICE, rules.SMALL),
    (VOICE, rules.CHOSEN, stroll.FREE),
    (BY_CREDIT, stroll.DAILY, VOICE),
    (VOICE, REFUSE),
)


class Publication(NamedTuple):
    """A reference record to be written."""

    topic: str
    """Catalogue name."""
    key: bytes
    value: bytes


def published(record: Any) -> Publication:
    return Publication(TOPIC_OF[type(record)], str(record[0]).encode(), encoded(record))


class Market:
    """What the clerk has published so far."""

    def __init__(self, draw: Random, begins_at: int) -> None:
        self._draw = draw
        self.providers = {each.provider_id: each for each in (PROVIDER, LOCAL_PROVIDER)}
        self.services = {each.service_id: each for each in SERVICES}
        self.policies: list[Policy] = [self._policy(begins_at)]
        self._acts = 0
        self._faults = 0

    def first(self) -> list[Publication]:
        """What is there before the first order."""
        draw, begins_at = self._draw, self.policies[0].effective_from
        points = credit(draw.choice((40, 60)), effective_from=begins_at)
        records: list[Any] = [
            *self.providers.values(),
            *self.services.values(),
            points,
            self.policies[0],
        ]
        return [published(each) for each in records]

    def _policy(self, effective_from: int) -> Policy:
        draw = self._draw
        limits = ((), (), (SpendLimit("CNY", 1_000),), (SpendLimit("CNY", 3_000),))
        version = len(self.policies) + 1 if hasattr(self, "policies") else 1
        return policy(
            *draw.choice(RULE_SETS),
            version=version,
            effective_from=effective_from,
            templates=draw.choice((stroll.ALL_TEMPLATES, stroll.ALL_TEMPLATES, rules.TEMPLATES)),
            prompts_per_day_max=draw.choice((3, 10, 100)),
            spend_limits=draw.choice(limits),
            refuse_after_no=draw.choice((True, False)),
            receipt_interval_ms=draw.choice((0, 0, 5 * MINUTE)),
            undo_ms=draw.choice((0, 10 * MINUTE)),
            waiting_orders_max=draw.choice((2, 3)),
            complaint_alarms_ms=draw.choice(((MINUTE, HOUR), (HOUR, 24 * HOUR), (5 * SECOND,))),
            alarm_window_ms=draw.choice((MINUTE, HOUR)),
            alarm_dead_letters=draw.choice((2, 5)),
            alarm_limit_refusals=draw.choice((2, 5)),
        )

    def new_policy(self, now_ms: int) -> Publication:
        """Another policy, in force soon."""
        later = self._draw.choice((2 * SECOND, MINUTE, 10 * MINUTE))
        made = self._policy(max(now_ms, self.policies[-1].effective_from) + later)
        self.policies.append(made)
        return published(made)

    def change(self) -> Publication:
        """A service leaves the market or comes back or costs something else; or its provider."""
        draw = self._draw
        service: Service = self.services[draw.choice(SERVICES).service_id]
        if draw.random() < 0.7:
            status = draw.choice((*[ServiceStatus.ON_SALE] * 5, ServiceStatus.WITHDRAWN))
            price = max(0, service.price_minor + draw.choice((0, 0, 0, 50, -50)))
            after = service._replace(status=status, price_minor=price, version=service.version + 1)
            self.services[after.service_id] = after
            return published(after)
        provider: Provider = self.providers[service.provider_id]
        active = provider.status is not ProviderStatus.ACTIVE or draw.random() < 0.6
        standing = ProviderStatus.ACTIVE if active else ProviderStatus.SUSPENDED
        changed = provider._replace(status=standing, version=provider.version + 1)
        self.providers[changed.provider_id] = changed
        return published(changed)

    def faulty(self) -> Publication:
        """A record that must not be taken: its place is the dead letters."""
        draw = self._draw
        self._faults += 1
        service: Service = self.services[draw.choice(SERVICES).service_id]
        good = published(service._replace(version=service.version + 1))
        spoilt = (
            published(service._replace(version=service.version + 7)),
            published(service._replace(version=service.version + 1, price_minor=-1)),
            good._replace(key=b"another"),
            good._replace(value=good.value[:-3]),
            good._replace(value=b"junk"),
        )
        return draw.choice(spoilt)

    def hard(self) -> Publication:
        """A good next version that the workers' version of the program fails at."""
        service: Service = self.services[self._draw.choice(SERVICES).service_id]
        price = service.price_minor + 50
        return published(
            service._replace(version=service.version + 1, price_minor=price, charge_code=HARD)
        )

    def follow(self, in_force: Mapping[str, Service]) -> None:
        """What is sold since an act took a record out of force."""
        for service_id, service in self.services.items():
            # One of which no record is left begins again.
            self.services[service_id] = in_force.get(service_id, service._replace(version=0))

    def act(self, kind: ActKind, topic: str, partition: int, offset: int) -> Publication:
        """An operator's act on a record."""
        self._acts += 1
        name = f"act-{self._acts}"
        record = OperatorAct(name, kind, topic, partition, offset, 1, "operator", "a test")
        return published(record)
