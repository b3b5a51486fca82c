"""A prompt's life and the grace have passed without an answer: silence is no (law 5)."""

from typing import NamedTuple

from streams.gate.asking import service_day, with_refs, without_prompt, without_ref
from streams.gate.charging import refuse_waiting
from streams.gate.decision import KEEP, Decision, Remembered, state_of
from streams.gate.facts import Facts
from streams.gate.keys import read_due_token
from streams.gate.words import Reason


class Lapse(NamedTuple):
    """A prompt has become due: the watermark has passed due_at."""

    day: int
    msisdn: str
    service_id: str
    prompt_id: str
    due_at: int


def lapse_of(token: bytes, due_at: int) -> Lapse:
    """The lapse that a due token stands for."""
    day, msisdn, service_id, prompt_id = read_due_token(token)
    return Lapse(day, msisdn, service_id, prompt_id, due_at)


def lapse(remembered: Remembered, event: Lapse, facts: Facts) -> Decision | None:
    """Refuse what waits on a prompt that is due; None when it is no longer open."""
    row = remembered.service_day
    prompts = () if row is None else row.prompts
    prompt = next((each for each in prompts if each.prompt_id == event.prompt_id), None)
    if row is None or prompt is None or prompt.due_at != event.due_at:
        return None
    after = service_day(row.grant, without_prompt(row, event.prompt_id), row.shadow)
    asked_about = prompt.waiting[0]
    return Decision(
        Reason.SILENCE,
        state_of(row),
        state_of(after),
        asked_about.rule,
        asked_about.order_id,
        prompt.prompt_id,
        None,  # charge_id
        None,  # complaint_id
        prompt.channel,
        asked_about.province,
        prompt.provider_id,
        event.service_id,
        prompt.price_minor,
        KEEP,
        after,
        with_refs(remembered.subscriber, without_ref(remembered.subscriber, event.prompt_id)),
        refuse_waiting(
            facts,
            event.msisdn,
            event.service_id,
            prompt.provider_id,
            prompt.waiting,
            Reason.SILENCE,
        ),
        (),
    )
