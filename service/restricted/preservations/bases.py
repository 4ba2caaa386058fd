"""Default bases of preservation. They are defaults as of November 2026, to be confirmed by counsel: no legal advice."""

from service.restricted.preservations.schemas import BasisOut

BASES = (
    BasisOut(
        text="18 USC 2258A(h): reported child sexual exploitation, 1 year",
        days=365,
        source="18 U.S.C. § 2258A(h)(1), as amended by the REPORT Act, Pub. L. 118-59 (7 May 2024)",
    ),
    BasisOut(
        text="EU 2021/784 Art. 6: content removed as terrorist, 6 months",
        days=183,
        source="Regulation (EU) 2021/784, Article 6(2), applied since 7 June 2022",
    ),
    BasisOut(
        text="18 USC 2703(f): request of a governmental entity, 90 days",
        days=90,
        source="18 U.S.C. § 2703(f)(2): 90 days, extended for another 90 upon a renewed request",
    ),
    BasisOut(
        text="Budapest Convention Art. 16: expedited preservation, up to 90 days",
        days=90,
        source="Council of Europe, ETS No. 185, Article 16(2), as implemented by national law",
    ),
)
