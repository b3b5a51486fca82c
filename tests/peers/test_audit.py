"""The audit of W1 names every kind of fault, and calls right what is right."""

from collections.abc import Iterable

import pytest

from tests.peers import workload
from tests.peers.audit import Findings, Model, judge
from tests.peers.generator import plan
from tests.peers.workload import CHARGE, CHARGES, PROMPT, PROMPTS, REPLY, Fields

AT = 1_760_000_000_000
EVENTS = [event.value(AT + place) for place, event in enumerate(plan(200, seed=3))]
Output = tuple[str, bytes | None, bytes]


def outputs(events: Iterable[bytes] = EVENTS) -> list[Output]:
    """What the model says, as an engine would write it."""
    model = Model()
    return [
        output(name, fields)
        for event in events
        for name, fields in model.step(*workload.decode(event))
    ]


def output(name: str, fields: Fields) -> Output:
    """One output with the fields that W1 leaves free."""
    if name == PROMPTS:
        value = workload.encode(PROMPT, {**fields, "text": "?", "expires_at": AT})
    else:
        value = workload.encode(CHARGE, {**fields, "charged_at": AT})
    return name, fields["msisdn"].encode(), value


def judged(written: Iterable[Output], events: Iterable[bytes] = EVENTS) -> Findings:
    return judge(events, written)


def test_what_the_model_says_is_exact() -> None:
    """Every event of the generator causes one output: five prompts and five charges in ten."""
    written = outputs()
    assert judged(written) == Findings(200, 200, 0, 0, 0, 0)
    assert sum(name == CHARGES for name, _, _ in written) == 100


def test_no_output_at_all_is_not_exact() -> None:
    """An engine that does nothing is found as well."""
    assert judged([]) == Findings(200, 0, 200, 0, 0, 0)


def test_an_output_that_is_not_there_is_missing() -> None:
    """Each single one that is left out is found."""
    written = outputs()
    for place in range(len(written)):
        found = judged(written[:place] + written[place + 1 :])
        assert found == Findings(200, 199, 1, 0, 0, 0)
        assert not found.is_exact


def test_an_output_of_nothing_is_unexpected() -> None:
    """A charge for an order that nobody placed is found."""
    name, _, value = outputs()[0]
    fields = workload.decode(value)[1] | {"order_id": "o-nobody"}
    extra = (name, b"861", workload.encode(PROMPT, fields))
    assert judged([*outputs(), extra]) == Findings(200, 201, 0, 1, 0, 0)


def test_a_charge_without_its_yes_is_unexpected() -> None:
    """With the replies gone, every charge is one that nobody approved."""
    silent = [event for event in EVENTS if workload.decode(event)[0] != REPLY]
    assert judged(outputs(), silent).unexpected == 100


def test_an_output_written_twice_is_doubled() -> None:
    """Each single one that comes again is found, also much later."""
    written = outputs()
    for again in written:
        assert judged([*written, again]) == Findings(200, 201, 0, 0, 1, 0)


COPIED = ["msisdn", "sp_id", "service_id", "price_fen"]


@pytest.mark.parametrize(
    ("topic", "field"),
    [
        *((PROMPTS, field) for field in ("prompt_id", *COPIED)),
        *((CHARGES, field) for field in ("charge_id", "consented_at", *COPIED)),
    ],
)
def test_a_field_of_its_own_making_is_wrong(topic: str, field: str) -> None:
    """Every field is compared that an output takes from its order, or a charge from its yes."""
    written = outputs()
    place = next(place for place, (name, _, _) in enumerate(written) if name == topic)
    name, key, value = written[place]
    schema_id, fields = workload.decode(value)
    fields[field] = fields[field] + 1 if isinstance(fields[field], int) else "another"
    written[place] = (name, key, workload.encode(schema_id, fields))
    assert judged(written) == Findings(200, 200, 0, 0, 0, 1)


def test_an_output_of_another_schema_is_wrong() -> None:
    """A charge's record on the topic of prompts is none of its prompts."""
    name, key, value = outputs()[0]
    charge = workload.decode(value)[1] | {"charge_id": "c", "consented_at": AT, "charged_at": AT}
    changed = (name, key, workload.encode(CHARGE, charge))
    assert judged([changed, *outputs()[1:]]).wrong == 1


@pytest.mark.parametrize(
    "value", [b"", b"junk of some length", EVENTS[0][:40], outputs()[0][2][:9]]
)
def test_what_cannot_be_read_is_wrong(value: bytes) -> None:
    """No junk ends the audit: it is counted, and what should be there is missing."""
    _, key, _ = outputs()[0]
    assert judged([(PROMPTS, key, value), *outputs()[1:]]) == Findings(200, 200, 1, 0, 0, 1)


def test_another_key_is_wrong() -> None:
    """An output must lie where its subscriber's next engine looks for it."""
    name, _, value = outputs()[0]
    assert judged([(name, b"861", value), *outputs()[1:]]).wrong == 1


def test_an_order_seen_before_and_a_dropped_prompt_cause_nothing() -> None:
    """A repeated order is ignored; after a no the service may be asked for again."""
    order = _order("o1")
    reply = {"reply_id": "r", "msisdn": "861", "text": "N", "channel": "sms", "received_at": AT}
    model = Model()
    assert [name for name, _ in model.step(workload.ORDER, order)] == [PROMPTS]
    assert model.step(workload.ORDER, order) == []
    assert model.step(workload.ORDER, _order("o2")) == []
    assert model.step(REPLY, reply) == []
    assert model.step(workload.ORDER, _order("o1")) == []
    assert [name for name, _ in model.step(workload.ORDER, _order("o3"))] == [PROMPTS]
    approved = model.step(REPLY, reply | {"text": "Y"})
    assert [fields["charge_id"] for _, fields in approved] == ["c-o3"]


def _order(order_id: str) -> Fields:
    return {
        "order_id": order_id,
        "msisdn": "861",
        "sp_id": "SP-0001",
        "service_id": "SVC-00001",
        "price_fen": 100,
        "ordered_at": AT,
    }
