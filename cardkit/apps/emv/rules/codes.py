"""Codes of languages (ISO 639-1), countries (ISO 3166-1, numeric) and currencies (ISO 4217), from memory."""

from __future__ import annotations

_LANGUAGES = """
    aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en
    eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka
    kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl
    nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw
    ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu"""
LANGUAGES = frozenset(_LANGUAGES.split())

_COUNTRIES = """
    4 8 10 12 16 20 24 28 31 32 36 40 44 48 50 51 52 56 60 64 68 70 72 74 76 84 86 90 92 96 100 104 108
    112 116 120 124 132 136 140 144 148 152 156 158 162 166 170 174 175 178 180 184 188 191 192 196 203 204 208 212 214
    218 222 226 231 232 233 234 238 239 242 246 248 250 254 258 260 262 266 268 270 275 276 288 292 296 300 304 308 312
    316 320 324 328 332 334 336 340 344 348 352 356 360 364 368 372 376 380 384 388 392 398 400 404 408 410 414 417 418
    422 426 428 430 434 438 440 442 446 450 454 458 462 466 470 474 478 480 484 492 496 498 499 500 504 508 512 516 520
    524 528 531 533 534 535 540 548 554 558 562 566 570 574 578 580 581 583 584 585 586 591 598 600 604 608 612 616 620
    624 626 630 634 638 642 643 646 652 654 659 660 662 663 666 670 674 678 682 686 688 690 694 702 703 704 705 706 710
    716 724 728 729 732 740 744 748 752 756 760 762 764 768 772 776 780 784 788 792 795 796 798 800 804 807 818 826 831
    832 833 834 840 850 854 858 860 862 876 882 887 894"""
COUNTRIES = frozenset(map(int, _COUNTRIES.split()))

_TWO_DIGITS = """8 12 32 36 44 50 51 52 60 64 68 72 84 90 96 104 116 124 132 136 144 156 170 188 191 192 203 208 214
    222 230 232 238 242 270 292 320 328 332 340 344 348 356 360 364 376 388 398 404 408 417 418 422 426 430 446 454 458
    462 480 484 496 498 504 516 524 532 533 554 558 566 578 586 590 598 604 608 634 643 646 654 682 690 702 706 710 728
    748 752 756 760 764 776 780 784 807 818 826 834 840 858 860 882 886 901 924 925 926 927 928 929 930 931 932 933 934
    936 938 941 943 944 946 947 948 949 965 967 968 969 970 971 972 973 975 976 977 978 979 980 981 984 985 986 997"""
_NO_DIGITS = "108 152 174 262 324 352 392 410 548 600 704 800 940 950 952 953"
_THREE_DIGITS = "48 368 400 414 434 512 788"
_FOUR_DIGITS = "990"

CURRENCIES = {
    int(code): digits
    for digits, codes in ((2, _TWO_DIGITS), (0, _NO_DIGITS), (3, _THREE_DIGITS), (4, _FOUR_DIGITS))
    for code in codes.split()
}
"""Digits behind the decimal point by currency."""
