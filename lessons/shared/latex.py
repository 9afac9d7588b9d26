# ruff: noqa: RUF001 (Greek letters are meant)
r"""LaTeX as a terminal can show it: \frac{\partial L}{\partial w_1} becomes ∂L/∂w₁."""

from __future__ import annotations

import re

SYMBOLS = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "eta": "η",
    "theta": "θ", "lambda": "λ", "mu": "μ", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ",
    "phi": "φ", "omega": "ω", "Delta": "Δ", "Sigma": "Σ", "Phi": "Φ", "nabla": "∇", "ell": "ℓ",
    "partial": "∂", "sum": "Σ", "prod": "Π", "int": "∫", "infty": "∞", "cdot": "·", "times": "×",
    "le": "≤", "leq": "≤", "ge": "≥", "geq": "≥", "ne": "≠", "neq": "≠", "approx": "≈", "pm": "±",
    "in": "∈", "to": "→", "rightarrow": "→", "leftarrow": "←", "gets": "←", "mapsto": "↦",
    "ldots": "...", "cdots": "...", "dots": "...", "quad": "   ", "qquad": "      ", "top": "ᵀ",
    "odot": "⊙", "ast": "*", "sim": "~", "propto": "∝", "lfloor": "⌊", "rfloor": "⌋", "mid": "|",
    "lceil": "⌈", "rceil": "⌉", "star": "*", "equiv": "≡", "circ": "∘", "ll": "≪", "gg": "≫",
    "lVert": "‖", "rVert": "‖", "Vert": "‖", "lvert": "|", "rvert": "|", "varepsilon": "ε",
    "Rightarrow": "⇒", "Leftrightarrow": "⇔", "forall": "∀", "langle": "⟨", "rangle": "⟩",
}  # fmt: skip
SPACED = "≤≥≠≈∈→←↦∝~⇒⇔×·"
RAISED = dict(zip("0123456789+-=()niTtkmx*", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱᵀᵗᵏᵐˣ*", strict=True))
LOWERED = dict(zip("0123456789+-=()aeijkmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑᵢⱼₖₘₙₒₚᵣₛₜᵤᵥₓ", strict=True))
OVER = {"hat": "\u0302", "bar": "\u0304", "tilde": "\u0303", "dot": "\u0307", "vec": "\u20d7"}
PLAIN = "text|mathrm|mathbf|operatorname|mathcal|boldsymbol|mathbb|textbf"
GROUP = r"\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}"  # braces, with two levels inside


def text(latex: str) -> str:
    """What stands between dollars, for a terminal.  It may become several lines."""
    latex = re.sub(r"\\begin\{(aligned|align|cases|gathered)\}", "", latex)
    latex = re.sub(r"\\end\{(aligned|align|cases|gathered)\}", "", latex)
    latex = re.sub(r"\\begin\{[bp]?matrix\}(.*?)\\end\{[bp]?matrix\}", _matrix, latex, flags=re.S)
    lines = [_line(line) for line in re.split(r"\\\\(?:\[\w+\])?", latex)]
    return "\n".join(line for line in lines if line)


def of_markdown(markdown: str) -> str:
    """A text's paragraph with its inline mathematics and its emphasis, for a terminal."""
    markdown = re.sub(r"\$([^$]+)\$", lambda m: " ".join(text(m[1]).split()), markdown)
    markdown = re.sub(r"\*\*(.+?)\*\*", r"\1", markdown)
    markdown = re.sub(r"(?<![\w*])\*(\S(?:[^*\n]*\S)?)\*(?![\w*])", r"\1", markdown)
    return markdown.replace("`", "")


def _matrix(found: re.Match[str]) -> str:
    rows = [" ".join(row.replace("&", " ").split()) for row in found[1].split(r"\\")]
    return "[" + "; ".join(row for row in rows if row) + "]"


def _line(latex: str) -> str:
    latex = " ".join(latex.replace("&", " ").split())
    latex = re.sub(
        r"\\(?:left|right|bigl?|bigr?|Bigl?|Bigr?|displaystyle|limits)(?![a-z])", "", latex
    )
    latex = re.sub(r"\\[,;:! ]", " ", latex)
    latex = re.sub(r"\\[dt]?frac(\w)(\w)", r"\\frac{\1}{\2}", latex)
    before = None
    while before != latex:  # from the inside out
        before = latex
        for name, mark in OVER.items():
            below = r"\\" + name + r"(?![A-Za-z])(?:" + GROUP + r"|\s*(\w))"
            latex = re.sub(below, lambda m, mark=mark: _over(m[1] or m[2], mark), latex)
        latex = re.sub(r"\\[dt]?frac" + GROUP + GROUP, _fraction, latex)
        latex = re.sub(r"\\sqrt" + GROUP, lambda m: "√" + _grouped(m[1]), latex)
        latex = re.sub(rf"\\(?:{PLAIN}){GROUP}", r"\1", latex)
    limits = rf"\\(sum|prod|int)_(?:{GROUP}|(\w))(?:\^(?:{GROUP}|(\w)))?"
    latex = re.sub(limits, _limits, latex)
    latex = re.sub(r"\\([A-Za-z]+) ?", _symbol, latex)
    latex = re.sub(
        r"\^(?:" + GROUP + r"|(\S))", lambda m: _script(m[1] or m[2], RAISED, "^"), latex
    )
    latex = re.sub(
        r"_(?:" + GROUP + r"|(\S))", lambda m: _script(m[1] or m[2], LOWERED, "_"), latex
    )
    return " ".join(re.sub(r"(?<!\\)[{}]", "", latex).replace("\\", "").split())


def _over(part: str, mark: str) -> str:
    part = re.sub(r"\\([A-Za-z]+) ?", _symbol, part)
    return part[:1] + mark + part[1:]


def _symbol(found: re.Match[str]) -> str:
    name, sign = found[1], SYMBOLS.get(found[1])
    if sign is None:
        return found[0].removeprefix("\\")  # a function: log, exp, max
    if sign in SPACED:
        return f" {sign} "
    return sign if name in ("partial", "nabla", "Delta") else sign + found[0][len(name) + 1 :]


def _limits(found: re.Match[str]) -> str:
    r"""\\sum_{i=1}^{n} as Σ(i=1..n)"""
    first, last = found[2] or found[3], found[4] or found[5]
    return f"{SYMBOLS[found[1]]}({first}..{last}) " if last else f"{SYMBOLS[found[1]]}({first}) "


def _fraction(found: re.Match[str]) -> str:
    return f"{_grouped(found[1])}/{_grouped(found[2])}"


def _grouped(part: str) -> str:
    """In brackets, unless it is one thing."""
    part = part.strip()
    simple = re.fullmatch(
        r"\\?[\w.]*(?:\\[a-zA-Z]+ ?)?[\w.'\u0300-\u036f]*(?:[_^](?:\w|\{[^{}]*\}))*", part
    )
    return part if simple else f"({part})"


def _script(part: str, letters: dict[str, str], mark: str) -> str:
    part = part.strip().replace(" ", "")
    if all(letter in letters for letter in part):
        return "".join(letters[letter] for letter in part)
    return f"{mark}{part}" if len(part) == 1 else f"{mark}({part})"
