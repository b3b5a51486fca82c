"""Reference data as the gate asks it: providers, credit, services, policies, gateways, acts.

Records are folded in one at a time, in the order of their topics, between turns and only then;
every answer is a pure function of what was folded. A record with a fault is not taken, and the last
good version stays in force (fail closed: nobody is charged by half a policy).

What is remembered to be quick (matching rules, written prompts) is forgotten at every fold, has a
limit, and changes no answer. Knows nothing of subscribers, files or topics' bytes.
"""

from bisect import bisect_right
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from streams.gate import faults
from streams.gate.credit import Credit
from streams.gate.events import Order
from streams.gate.policy import PolicyInForce
from streams.gate.policy_faults import policy_fault
from streams.gate.prompts import Prompt, in_language, write_prompt
from streams.gate.reference import (
    Congestion,
    CreditChange,
    Gateway,
    OperatorAct,
    Policy,
    Provider,
    Rule,
    Service,
)
from streams.gate.words import Channel, Reason

# Memory only, no decision depends on them. A centre may write any province into an order: a name of
# 16 KB is not kept, or as many of them were a gigabyte.
_MATCHES_KEPT = 65_536
_NAME_LENGTH_KEPT = 64
_PROMPTS_KEPT = 65_536

_Record = TypeVar("_Record", Provider, Service, Gateway, OperatorAct, Congestion)
_Place = tuple[str, int, str, Channel, str]


class _Candidates(NamedTuple):
    """The rules that can match an order of one province, line and provider, in order."""

    certain: Rule | None  # when the first of them asks neither for time nor for credit
    rules: tuple[Rule, ...]


class Catalogue:
    """All reference data taken so far."""

    __slots__ = (
        "_matches",
        "_prompts",
        "_starts",
        "_timeline",
        "_versions",
        "acts",
        "congestion",
        "credit",
        "gateways",
        "policies",
        "providers",
        "services",
        "standing",
    )

    def __init__(self) -> None:
        self.providers: dict[str, Provider] = {}
        self.services: dict[str, Service] = {}
        self.gateways: dict[str, Gateway] = {}
        self.acts: dict[str, OperatorAct] = {}
        self.congestion: dict[str, Congestion] = {}
        self.credit = Credit()
        self.policies: dict[int, PolicyInForce] = {}  # by effective_from, of all ids and versions
        self._versions: dict[str, int] = {}
        self._starts: list[int] = []
        self._timeline: list[PolicyInForce] = []
        self._matches: dict[_Place, _Candidates] = {}
        self._prompts: dict[tuple[object, ...], Prompt] = {}
        # Objections already found (see objections.py), by provider and service.
        self.standing: dict[tuple[str, str], Reason | None] = {}

    # Taking records

    def fold(self, topic_name: str, record: Any) -> str | None:
        """Take a reference record: None when it was taken, else a sentence saying what is wrong."""
        fault = self._take(topic_name, record)
        if fault is None:
            self._matches.clear()
            self._prompts.clear()
            self.standing.clear()
        return fault

    def _take(self, topic_name: str, record: Any) -> str | None:
        match topic_name:  # as in streams/topics.py, which the gate does not import
            case "providers.v1":
                return _put(self.providers, record.provider_id, record, faults.provider_fault)
            case "services.v1":
                return _put(self.services, record.service_id, record, faults.service_fault)
            case "gateways.v1":
                return _put(self.gateways, record.province, record, faults.gateway_fault)
            case "acts.v1":
                return _put(self.acts, record.act_id, record, faults.act_fault)
            case "congestion.v1":
                return _put(self.congestion, record.province, record, faults.congestion_fault)
            case "credits.v1":
                return self._take_credit(record)
            case "policies.v1":
                return self._take_policy(record)
        raise LookupError(f"{topic_name} is not a topic of reference data")

    def _take_credit(self, record: CreditChange) -> str | None:
        before = self.credit.version(record.change_id)
        fault = _version_fault(record.change_id, before, record.version)
        fault = fault or faults.credit_fault(record)
        if fault is None:
            self.credit.take(record)
        return fault

    def _take_policy(self, record: Policy) -> str | None:
        before = self._versions.get(record.policy_id, 0)
        if fault := _version_fault(record.policy_id, before, record.version):
            return fault
        if other := self.policies.get(record.effective_from):
            return _same_instant(record, other)
        if fault := policy_fault(record):
            return fault
        # Made first: a record at which that fails must leave nothing behind.
        in_force = PolicyInForce(record)
        self._versions[record.policy_id] = record.version
        self.policies[record.effective_from] = in_force
        self._starts = sorted(self.policies)
        self._timeline = [self.policies[start] for start in self._starts]
        return None

    # Answering

    def policy_at(self, at: int) -> PolicyInForce | None:
        """The policy in force at an instant: the latest that has taken effect."""
        place = bisect_right(self._starts, at)
        return self._timeline[place - 1] if place else None

    def policy_version(self, policy_id: str) -> int:
        """The last version taken of a policy; 0 when there is none."""
        return self._versions.get(policy_id, 0)

    def provider(self, provider_id: str) -> Provider | None:
        """A provider as last published."""
        return self.providers.get(provider_id)

    def service(self, service_id: str) -> Service | None:
        """A service as last published."""
        return self.services.get(service_id)

    def service_name(self, service_id: str, language: str) -> str:
        """What subscribers of a language know a service by; its id where no record of it is in
        force any more, since an operator set aside what it was sold by.
        """
        service = self.services.get(service_id)
        return service_id if service is None else in_language(service.name, language)

    def points(self, provider_id: str, line: Channel, province: str, at: int) -> int:
        """Credit points that count there and then."""
        return self.credit.points(provider_id, line, province, at)

    def rule_for(self, policy: PolicyInForce, order: Order, at: int) -> Rule | None:
        """The first of the policy's rules that matches an order at its record time."""
        key = (
            policy.policy_id,
            policy.version,
            order.province,
            order.channel,
            order.provider_id,
        )
        candidates = self._matches.get(key)
        if candidates is None:
            candidates = self._match(policy, order)
            if len(order.province) <= _NAME_LENGTH_KEPT:
                if len(self._matches) >= _MATCHES_KEPT:
                    self._matches.clear()
                self._matches[key] = candidates
        if candidates.certain is not None:
            return candidates.certain
        return next((rule for rule in candidates.rules if self._holds(rule, order, at)), None)

    def _match(self, policy: PolicyInForce, order: Order) -> _Candidates:
        provider = self.providers.get(order.provider_id)
        rules = tuple(
            rule
            for rule in policy.record.rules
            if (not rule.provinces or order.province in rule.provinces)
            and (not rule.lines or order.channel in rule.lines)
            and (not rule.provider_ids or order.provider_id in rule.provider_ids)
            and (rule.scope is None or (provider is not None and provider.scope is rule.scope))
        )
        first = rules[0] if rules else None
        return _Candidates(first if first and _is_unconditional(first) else None, rules)

    def _holds(self, rule: Rule, order: Order, at: int) -> bool:
        """Whether a rule's conditions on time and credit hold for an order."""
        if rule.from_at is not None and at < rule.from_at:
            return False
        if rule.until_at is not None and at >= rule.until_at:
            return False
        if rule.credit_below is None and rule.credit_at_least is None:
            return True
        points = self.credit.points(order.provider_id, order.channel, order.province, at)
        if rule.credit_below is not None and points >= rule.credit_below:
            return False
        return rule.credit_at_least is None or points >= rule.credit_at_least

    def prompt(
        self,
        policy: PolicyInForce,
        channel: Channel,
        province: str,
        service_id: str,
        price_minor: int,
        currency: str,
        life_ms: int,
    ) -> Prompt:
        """How a subscriber of a province is asked about a known service, on SMS or IVR."""
        language = policy.language(province)
        key = (
            policy.template_version,
            channel,
            language,
            service_id,
            price_minor,
            currency,
            life_ms,
        )
        prompt = self._prompts.get(key)
        if prompt is None:
            service = self.services[service_id]
            provider = self.providers[service.provider_id]
            prompt = write_prompt(
                policy, channel, language, provider, service, price_minor, currency, life_ms
            )
            if len(self._prompts) >= _PROMPTS_KEPT:
                self._prompts.clear()
            self._prompts[key] = prompt
        return prompt


def _is_unconditional(rule: Rule) -> bool:
    bounds = (rule.from_at, rule.until_at, rule.credit_below, rule.credit_at_least)
    return bounds == (None, None, None, None)


def _same_instant(record: Policy, other: PolicyInForce) -> str:
    name = f"policy {record.policy_id} version {record.version}"
    if other.policy_id == record.policy_id:
        return (
            f"{name} takes effect at the same instant as version {other.version}, and what was"
            " decided by that one must stay as it was; give it a later effective_from"
        )
    return (
        f"{name} takes effect at the same instant as policy {other.policy_id} version"
        f" {other.version}; choose another one"
    )


def _version_fault(record_id: str, before: int, version: int) -> str | None:
    if version == before + 1:
        return None
    return f"{record_id} comes as version {version}, but its next version is {before + 1}"


def _put(
    records: dict[str, _Record],
    record_id: str,
    record: _Record,
    fault_of: Callable[[_Record], str | None],
) -> str | None:
    """Take the next version of a record that is without fault."""
    before = records.get(record_id)
    fault = _version_fault(record_id, before.version if before else 0, record.version)
    fault = fault or fault_of(record)
    if fault is None:
        records[record_id] = record
    return fault
