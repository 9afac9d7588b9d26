"""The numbers from 0 to 999 in words, in English and in (European) Portuguese."""

from __future__ import annotations

ENGLISH = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen
    fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty
    ninety""".split()  # noqa: SIM905
HUNDREDS = [f"{digit} hundred" for digit in ENGLISH[1:10]]
PORTUGUESE = """zero um dois três quatro cinco seis sete oito nove dez onze doze treze catorze
    quinze dezasseis dezassete dezoito dezanove vinte trinta quarenta cinquenta sessenta setenta
    oitenta noventa cento duzentos trezentos quatrocentos quinhentos seiscentos setecentos
    oitocentos novecentos""".split()  # noqa: SIM905


def in_english(n: int) -> str:
    """268 -> "two hundred and sixty eight".  n: from 0 to 999"""
    return _spelled(n, ENGLISH + HUNDREDS, " ", " and ")


def in_portuguese(n: int) -> str:
    """268 -> "duzentos e sessenta e oito".  n: from 0 to 999"""
    return "cem" if n == 100 else _spelled(n, PORTUGUESE, " e ", " e ")


def _spelled(n: int, names: list[str], after_tens: str, after_hundreds: str) -> str:
    """names: of 0 to 19, of 20, 30, ..., 90, and of 100, 200, ..., 900"""
    if n < 20:
        return names[n]
    if n < 100:
        k, rest, joint = 18 + n // 10, n % 10, after_tens
    else:
        k, rest, joint = 27 + n // 100, n % 100, after_hundreds
    return names[k] + (joint + _spelled(rest, names, after_tens, after_hundreds) if rest else "")
