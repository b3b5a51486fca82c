"""The table of contents of reasons: what each is, what a provider reads, what care may read out.

Laws: every Reason has one row; only a row with words for a provider may stand in a verdict, and it
is an approval or a refusal. Refusals stand in the order in which an order's questions are asked, so
the first that is true is the one that is told. Care's words speak to the subscriber: true, polite,
short, and never a reproach.

Nothing is decided by this file: documents, metrics and `tollgate care` read it.
"""

from enum import StrEnum
from typing import NamedTuple, TypeAlias

from streams.gate.words import Reason


class Kind(StrEnum):
    """What a decision with a reason has done."""

    APPROVAL = "approval"  # of an order: charged
    WAITING = "waiting"  # an order waits for the subscriber
    REFUSAL = "refusal"  # of an order: not charged
    REPLY = "reply"  # the subscriber said something beside a clear yes or no
    SETTLEMENT = "settlement"  # billing has spoken
    CARE = "care"  # customer care has done something
    NOTHING = "nothing"  # nothing was done


class Words(NamedTuple):
    """The same in both languages."""

    zh: str
    en: str


class Row(NamedTuple):
    """One reason; `provider` only where it can stand in a verdict."""

    reason: Reason
    kind: Kind
    provider: Words | None
    care: Words


# A row as it is written below: the reason, what a provider reads (zh, en) if it can stand in a
# verdict, what care may say (zh, en).
_Written: TypeAlias = tuple[Reason, str, str] | tuple[Reason, str, str, str, str]


def _of(kind: Kind, *rows: _Written) -> tuple[Row, ...]:
    """The rows of a kind."""
    return tuple(
        Row(row[0], kind, None, Words(row[1], row[2]))
        if len(row) == 3
        else Row(row[0], kind, Words(row[1], row[2]), Words(row[3], row[4]))
        for row in rows
    )


ROWS: tuple[Row, ...] = (
    *_of(
        Kind.APPROVAL,
        (
            Reason.APPROVED_CONFIRMED,
            "已批准：用户已确认本次订购。",
            "Approved: the subscriber has confirmed this order.",
            "您已确认这次订购，费用按确认时告知您的价格收取。",
            "You confirmed this order, and it was charged at the price you were told.",
        ),
        (
            Reason.APPROVED_GRANTED,
            "已批准：在用户当日对该业务的确认范围内。",
            "Approved: covered by the subscriber's confirmation of the day.",
            "您当天已确认过该业务，这次订购在确认的范围之内。",
            "You had confirmed this service that day, and this order was covered.",
        ),
        (
            Reason.APPROVED_NOT_ASKED,
            "已批准：该订购目前无需用户确认。",
            "Approved: no confirmation is asked for here.",
            "该业务目前不需要确认，这次订购按公布的价格收费。",
            "No confirmation is asked for this service at present; it was charged at its price.",
        ),
        (
            Reason.APPROVED_WOULD_ASK,
            "该业务的确认正在试行，这次已收费；正式启用后会先请您确认。",
            "Charged: confirmation is on trial here; once in force, we will ask you first.",
        ),
        (
            Reason.APPROVED_WOULD_COVER,
            "该业务的确认正在试行，这次已收费；正式启用后当天确认一次即可。",
            "Charged: confirmation is on trial here; once in force, one will do for the day.",
        ),
        (
            Reason.APPROVED_WOULD_REFUSE,
            "该业务的确认正在试行，这次已收费；正式启用后这样的订购不会收费。",
            "Charged: confirmation is on trial here; once in force, this would not be charged.",
        ),
    ),
    *_of(
        Kind.WAITING,
        (
            Reason.PROMPTED,
            "我们已请您确认这次订购，正在等您的答复；没有您的确认不会收费。",
            "We have asked you to confirm; nothing is charged without your answer.",
        ),
        (
            Reason.WAITING,
            "这次订购与先前的一起等您的答复；没有您的确认不会收费。",
            "This order waits for the same answer; nothing is charged without it.",
        ),
    ),
    *_of(
        Kind.REFUSAL,
        (
            Reason.NO_POLICY,
            "未批准：订购时尚无生效的规则。",
            "Refused: no policy was in force yet.",
            "系统当时尚未启用，这次订购没有收费。",
            "The system was not in service yet; not charged.",
        ),
        (
            Reason.STALE,
            "未批准：订购时间过早，已超过保留期。",
            "Refused: ordered longer ago than is remembered.",
            "这次订购到达系统时已超过有效期，没有收费。",
            "This order reached us too long after it was placed; it was not charged.",
        ),
        (
            Reason.NUMBER_RELEASED,
            "未批准：该号码此后已更换用户。",
            "Refused: the number has another subscriber since.",
            "这次订购早于该号码的现用户，没有收费。",
            "This order is from before the number's present subscriber; it was not charged.",
        ),
        (
            Reason.SERVICE_UNKNOWN,
            "未批准：没有该业务。",
            "Refused: there is no such service.",
            "没有找到该业务，这次订购没有收费。",
            "There is no such service; it was not charged.",
        ),
        (
            Reason.SERVICE_NOT_ON_SALE,
            "未批准：该业务已暂停或下线。",
            "Refused: the service is suspended or withdrawn.",
            "该业务目前不提供，这次订购没有收费。",
            "The service is not available at present; the order was not charged.",
        ),
        (
            Reason.PROVIDER_MISMATCH,
            "未批准：该业务由其他提供方登记。",
            "Refused: the service is another provider's.",
            "订购的业务与提供方不符，没有收费。",
            "Service and provider did not match; the order was not charged.",
        ),
        (
            Reason.PROVIDER_UNKNOWN,
            "未批准：没有该提供方。",
            "Refused: there is no such provider.",
            "没有找到该提供方，这次订购没有收费。",
            "There is no such provider; it was not charged.",
        ),
        (
            Reason.PROVIDER_NOT_ACTIVE,
            "未批准：提供方已暂停或停用。",
            "Refused: the provider is suspended or blacklisted.",
            "该提供方目前不能提供业务，这次订购没有收费。",
            "The provider cannot offer services at present; the order was not charged.",
        ),
        (
            Reason.LINE_MISMATCH,
            "未批准：订购渠道与业务类型不符。",
            "Refused: it is sold on another line.",
            "该业务不支持这种订购方式，没有收费。",
            "The service cannot be ordered this way; the order was not charged.",
        ),
        (
            Reason.PRICE_MISMATCH,
            "未批准：价格与登记的不符。",
            "Refused: the price is not the registered one.",
            "告知您的价格与登记的不符，这次订购没有收费。",
            "The price you were told is not the registered one; the order was not charged.",
        ),
        (
            Reason.CALL_MISSING,
            "未批准：语音订购缺少通话标识。",
            "Refused: a voice order must name its call.",
            "未能在通话中请您确认，这次订购没有收费。",
            "We could not ask you to confirm in the call; the order was not charged.",
        ),
        (
            Reason.NO_RULE,
            "未批准：没有适用于该订购的规则。",
            "Refused: no rule of the policy fits such an order.",
            "目前不能这样订购，没有收费。",
            "Such orders are not possible at present; not charged.",
        ),
        (
            Reason.REFUSED_BY_POLICY,
            "未批准：现行规则不允许。",
            "Refused: the policy in force does not allow it.",
            "按现行规定暂不能订购该业务，没有收费。",
            "Under the present rules this service cannot be ordered; it was not charged.",
        ),
        (
            Reason.DECLINED_TODAY,
            "未批准：用户当日已拒绝该业务。",
            "Refused: the subscriber said no to it that day.",
            "您当天已表示不需要该业务，所以没有再询问，也没有收费。",
            "You had said no to this service that day, so we did not ask again or charge it.",
        ),
        (
            Reason.CALL_LIMIT,
            "未批准：超过单次通话的上限。",
            "Refused: it would go over what one call may cost.",
            "为保护您的话费，单次通话的消费有上限，这次订购没有收费。",
            "To protect you, what one call may cost is limited; this order was not charged.",
        ),
        (
            Reason.SPEND_LIMIT,
            "未批准：超过用户的每日消费上限。",
            "Refused: it would go over the day's spend limit.",
            "为保护您的话费，每日消费有上限，这次订购没有收费。",
            "To protect you, what a day may cost is limited; this order was not charged.",
        ),
        (
            Reason.WAITING_LIMIT,
            "未批准：等待同一确认的订购过多。",
            "Refused: too many orders wait for the same answer.",
            "同一业务已有多次订购在等您的答复，这次没有收费。",
            "Several orders already waited for your answer; this one was not charged.",
        ),
        (
            Reason.UNASKABLE,
            "未批准：确认内容无法写入一条短信。",
            "Refused: the question does not fit one message.",
            "未能向您发送确认请求，这次订购没有收费。",
            "We could not send you a request to confirm; the order was not charged.",
        ),
        (
            Reason.PROMPT_LIMIT,
            "未批准：当日询问用户的次数已达上限。",
            "Refused: the subscriber was asked often enough.",
            "为避免打扰，每天询问的次数有上限，这次订购没有收费。",
            "So as not to disturb you, we ask only so often a day; this order was not charged.",
        ),
        (
            Reason.DECLINED,
            "未批准：用户拒绝。",
            "Refused: the subscriber said no.",
            "您已表示不需要，这次订购没有收费。",
            "You said no to this order; it was not charged.",
        ),
        (
            Reason.SILENCE,
            "未批准：用户未在期限内答复。",
            "Refused: the subscriber did not answer in time.",
            "期限内没有收到您的确认，这次订购没有收费。",
            "No confirmation reached us in time; the order was not charged.",
        ),
        (
            Reason.GRANT_EXHAUSTED,
            "未批准：超出用户确认的范围。",
            "Refused: beyond what the subscriber's yes covers.",
            "这次订购超出了您确认的次数或金额，没有收费。",
            "This order was beyond what your confirmation covers; it was not charged.",
        ),
    ),
    *_of(
        Kind.REPLY,
        (Reason.NOT_ANSWERING, "您回复时没有等待确认的订购。", "No order was waiting then."),
        (
            Reason.AMBIGUOUS,
            "您有多项订购待确认，请回复短信中的确认码。",
            "Several orders are waiting; please reply with the code of the one you mean.",
        ),
        (
            Reason.TOO_LATE,
            "您的答复在确认期限之外收到，没有收费；如仍需要，请重新订购。",
            "Your answer came outside the time to confirm; please order again if you wish.",
        ),
        (
            Reason.UNCLEAR,
            "我们没能读懂您的答复，请按短信中的提示回复。",
            "We could not read your answer; please reply as the message says.",
        ),
        (Reason.LISTED, "当天的订购清单已发给您。", "We have sent you the list of the day."),
        (
            Reason.CANCELLED,
            "您的确认已取消，之后的订购会重新询问您。",
            "Your confirmation has been taken back; we will ask you about further orders.",
        ),
        (Reason.UNDONE, "上一笔费用已申请退还。", "We asked to refund your last charge."),
    ),
    *_of(
        Kind.SETTLEMENT,
        (Reason.SETTLED, "费用已收取。", "The charge has been collected."),
        (
            Reason.CHARGE_FAILED,
            "费用未能收取，您没有支付。",
            "The charge could not be collected; you have not paid it.",
        ),
        (Reason.REFUNDED, "费用已退还给您。", "The money has been refunded."),
        (
            Reason.REFUND_FAILED,
            "退费暂未成功，我们正在处理。",
            "The refund has not gone through yet; we are looking into it.",
        ),
    ),
    *_of(
        Kind.CARE,
        (
            Reason.REVOKED,
            "确认已取消，之后的订购会重新询问您。",
            "The confirmation has been taken back; further orders will be asked about.",
        ),
        (
            Reason.RELEASED,
            "号码已登记新用户，先前的确认和订购不再有效。",
            "The number is registered to a new subscriber; nothing carries over.",
        ),
        (
            Reason.COMPLAINT_OPENED,
            "您的投诉已受理，我们会尽快答复您。",
            "Your complaint has been taken; we will answer soon.",
        ),
        (Reason.COMPLAINT_ANSWERED, "您的投诉已答复。", "Your complaint has been answered."),
        (
            Reason.COMPLAINT_UPHELD,
            "您的投诉成立，感谢您的反馈；如有可退费用，我们会另行告知退还金额。",
            "Your complaint is upheld, thank you for telling us; a refund that is due is named.",
        ),
        (
            Reason.COMPLAINT_REJECTED,
            "经核实，这笔费用予以保留。",
            "We looked into it; by our records the charge stands.",
        ),
        (
            Reason.COMPLAINT_OVERDUE,
            "很抱歉让您久等，我们正在加紧处理您的投诉。",
            "We are sorry to keep you waiting; your complaint is being attended to.",
        ),
        (Reason.REFUND_REQUESTED, "退费已申请，正在办理。", "The refund is under way."),
    ),
    *_of(
        Kind.NOTHING,
        (Reason.NOTHING_TO_CANCEL, "目前没有可以取消的确认。", "There is nothing to take back."),
        (Reason.NOTHING_TO_UNDO, "目前没有可以撤销的费用。", "There is nothing to undo."),
        (Reason.NOTHING_TO_REVOKE, "目前没有可以取消的确认。", "There is nothing to take back."),
        (Reason.COMPLAINT_KNOWN, "该投诉已在处理中。", "It is being attended to already."),
        (Reason.COMPLAINT_UNKNOWN, "没有找到处理中的该投诉。", "There is no such open complaint."),
        (Reason.CHARGE_UNKNOWN, "没有找到这笔费用的记录。", "No such charge is remembered."),
        (Reason.NOTHING_TO_REFUND, "这笔费用没有可退的金额。", "Nothing is left to refund."),
        (
            Reason.REFUND_EXCEEDS,
            "金额超过这笔费用可退的部分。",
            "It is more than is left to refund.",
        ),
        (Reason.NOTED, "已记录。", "It has been written down."),
        (Reason.REPEATED, "先前已处理，没有重复处理。", "It came before; nothing was done again."),
        (
            Reason.CONFLICT,
            "同一编号先前用于其他内容，没有处理，也没有收费。",
            "Its id came before with other content; nothing was done or charged.",
        ),
        (
            Reason.DEAD_LETTER,
            "系统未能读取这条记录，没有处理，也没有收费。",
            "The record could not be read; nothing was done or charged.",
        ),
        (Reason.UNKNOWN, "原因由较新的系统版本记录。", "Written by a newer version."),
    ),
)
"""Every reason, in the order in which documents show them."""

BY_REASON: dict[Reason, Row] = {row.reason: row for row in ROWS}
