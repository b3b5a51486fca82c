"""Customer care's side of the gate: an action goes onto the topic, its decision comes back.

Laws: an action that is repeated under its id is the same action, to the last field; no sentence and
no print shows a number; nothing is decided here. `tollgate care` is the only one who uses it; a CRM
writes to the same topic (deploy/publishing.md).
"""

from streams.care.action import BadAction, draw_id, instant_of, is_number
from streams.care.answer import Answer
from streams.care.desk import Desk, Place

__all__ = ["Answer", "BadAction", "Desk", "Place", "draw_id", "instant_of", "is_number"]
