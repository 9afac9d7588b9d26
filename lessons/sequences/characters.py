# %% [markdown]
# # Characters: a network learns to write, one character after the other
#
# **Lecture.** *Machine Learning II* (TDDC17 AI, Linköping University): "Recurrent Neural
# Networks"
#
# **Question.** The slide's recurrent networks put out one word after the other. How does one
# teach a network to write? And how does one measure whether it is better than counting which
# character follows which?
#
# **You will see.** The manual that comes with Python, as a text to learn from. Perplexity: among
# how many characters a reader is undecided. Counted n-grams against a GRU, on text that neither
# has seen before. What the network writes when it is careful and when it is bold. One number of
# its memory that knows whether a quotation is open.
#
# **Try.** `python -m lessons characters --set "TEMPERATURES=[0.1, 1, 3]"`: at 0.1 the network
# writes the same few words again and again. At 3 nearly nothing is a word.

# %%
import inspect
import re
import textwrap
from collections import Counter

import numpy as np

import tinynet as tn
from lessons.shared import claim, size, table
from lessons.shared.draw import characters as draw
from tinynet.layers import GRU, Dense, Embedding, init

CHARACTERS = size(40_000, 300_000)  # of the text, to learn from and to test with
UNITS = size(64, 192, 256)  # numbers in the network's state
EPOCHS = size(5, 4, 10)  # how often it reads the text
STEPS = 50  # characters between two changes of the weights
TEMPERATURES = [0.5, 1.0, 1.5]
PROMPT = "The "  # how the network's own texts begin
SEED = 0

# %% [markdown]
# ## A text that is already here
#
# Type `help("if")` into Python, and it answers with a page of its manual. All pages of this
# kind come with Python, in the module `pydoc_data`. They are parts of *The Python Language
# Reference* and *The Python Standard Library* (© Python Software Foundation, PSF License). We
# learn from them. A few installations of Python leave them out. Then we take the help texts of
# NumPy (© NumPy Developers, BSD License).
#
# Some paragraphs stand on several pages. We keep each of them once. We leave out tables and
# underlined titles, and shorten long rows of spaces. Of each 100 paragraphs the last ten are
# **held out**: nobody learns from them. They are the text of the test.

# %%
try:
    from pydoc_data.topics import topics
except ImportError:  # this Python has no manual
    topics = {name: inspect.getdoc(getattr(np, name)) or "" for name in np.__all__}

no_text = re.compile(r"\S {3}|---|===|\*\*\*")  # columns, lines
every = [part.strip("\n") for name in sorted(topics) for part in topics[name].split("\n\n")]
once = [part for part in dict.fromkeys(every) if part and not no_text.search(part)]
parts = re.sub(" {5,}", "    ", "\n\n".join(once))[:CHARACTERS].split("\n\n")
learned = "\n\n".join(part for i, part in enumerate(parts) if i % 100 < 90)
held_out = "\n\n".join(part for i, part in enumerate(parts) if i % 100 >= 90)

assert len(held_out) > 500, f"CHARACTERS is {CHARACTERS}. Give at least 30,000."
letters = sorted(set(learned + held_out))  # all characters that occur
K = len(letters)
print(f"{len(learned):,} characters to learn from, {len(held_out):,} held out, {K} different ones")
print(f"A paragraph:\n{max(parts[:20], key=len)[:300]} ...")

# %% [markdown]
# ## How to measure a guess: perplexity
#
# A reader sees the text up to some character and guesses the next one. The reader may be a
# network or a table of counts. It does not name one character. It gives a probability to each of
# the $K$ characters. Then the true one, $c_t$, is uncovered. We want its probability to be high,
# at each of the $T$ places of the text:
#
# $$\text{perplexity} = \exp \Big( -\frac{1}{T} \sum_t \log p(c_t) \Big)$$
#
# In the exponent stands the mean cross-entropy, the loss that we know from classification. A
# reader who gives the same probability $1/K$ to all characters has a perplexity of $K$. **A
# perplexity of 4 means: on average the reader is as undecided as among 4 characters that are
# equally likely.** A perplexity of 1 would be perfect.


# %%
def perplexity(p):  # p: the probabilities of the true characters
    return np.exp(-np.log(p).mean())


# %% [markdown]
# ## Counting: n-grams
#
# After "th" there is often an "e": the program prints how often. To know that, counting is
# enough. An **n-gram** is a piece of $n$ characters. To guess a character $c$, we look at the $n
# - 1$ characters before it, the **context** $h$. In the text to learn from we count how often $h$
# occurs, $N(h)$, and how often $c$ follows it, $N(hc)$. Then $N(hc) / N(h)$ is the probability of
# $c$.
#
# A long context says more, but it is rare. A pair $hc$ that never occurred would get the
# probability 0, and the perplexity would be infinite. So we mix in what the shorter context says,
# $p_{n-1}$. Let $d(h)$ be the number of different characters that have followed $h$. We act as
# if $d(h)$ more characters had followed $h$, divided as the shorter context says. A context with
# many different followers is likely to get one more:
#
# $$p_n(c) = \frac{N(hc) + d(h) \, p_{n-1}(c)}{N(h) + d(h)}$$
#
# This is called **smoothing**; the rule is by Witten and Bell (1991). It begins with $p_0 = 1/K$.
# A context that never occurred leaves the answer to the shorter one.


# %%
def count(n, shorter):  # -> p of each held-out character, whether h is new; shorter: p by n - 1
    N = Counter(learned[i : i + n] for i in range(len(learned) - n + 1))  # of hc
    N_h, d = Counter(), Counter()
    for gram, times in N.items():
        N_h[gram[:-1]] += times
        d[gram[:-1]] += 1
    grams = [held_out[max(0, i - n + 1) : i + 1] for i in range(len(held_out))]
    of_hc = np.array([N[gram] for gram in grams])
    of_h = np.array([N_h[gram[:-1]] for gram in grams])
    mixed = np.array([max(1, d[gram[:-1]]) for gram in grams])  # 1: a new h leaves p as it is
    return (of_hc + mixed * shorter) / (of_h + mixed), of_h == 0


th, the = learned.count("th"), learned.count("the")
print(f'"th" occurs {th:,} times, "the" {the:,} times: after "th", "e" has p = {the / th:.2f}')
counted, new = [np.full(len(held_out), 1 / K)], [0]
for n in range(1, 8):
    p, is_new = count(n, counted[-1])
    counted, new = [*counted, p], [*new, is_new.mean()]
by_count = [perplexity(p) for p in counted]
best = int(np.argmin(by_count))
rows = [[n, max(0, n - 1), f"{by_count[n]:.2f}", f"{new[n]:.1%}"] for n in range(8)]
table(["n", "characters before", "perplexity", "contexts that are new"], rows)

# %% [markdown]
# The row $n = 0$ is the guess $1/K$. The row $n = 1$ only knows which characters are frequent.
# Each further character helps, up to a point. Then the counts become too thin. More and more
# contexts are new and add nothing. Others occurred only a few times, and so few counts mislead.
# **Counting cannot look far back.**
#
# ## A network that keeps on reading
#
# A recurrent network has no fixed limit. It carries a state from character to character. Ours has
# three parts.
#
# - `Embedding` gives each character a row of 32 numbers, which are learned.
# - `GRU` computes the new state, 192 numbers, from this row and the old state. (The lesson
#   `recurrent_cell` opens it.)
# - `Dense` makes $K$ logits from the state, one for each character that may come next. The
#   softmax makes probabilities of them.
#
# $$h_t = \text{GRU}(E(c_t), h_{t-1}), \qquad p(c_{t+1}) = \text{softmax}(h_t V + b)$$
#
# Here $E(c_t)$ is the row of the character $c_t$. The numbers $V$ and $b$ are the weights of
# `Dense`.
#
# (The rows begin with normal numbers of standard deviation 1, larger than in Keras. So the
# characters differ clearly from the start.)


# %%
class Writer(tn.Module):
    def __init__(self):
        self.embedding = Embedding(K, 32, embeddings_initializer=init.normal(1.0))
        self.cell = GRU(UNITS, return_sequences=True)
        self.dense = Dense(K)

    def forward(self, inputs):  # (N, T), a state (N, U) -> logits (N, T, K), states (N, T, U)
        x, state = inputs
        states = self.cell(self.embedding(x), initial_state=state)
        return self.dense(states), states


def as_numbers(text):
    return np.array([letters.index(letter) for letter in text])


def start(count):
    return np.zeros((count, UNITS), np.float32)


def read(text):  # -> p of each character but the first, and the states before them
    x = as_numbers(text)
    with tn.no_grad():
        logits, states = writer([x[None, :-1], start(1)])
        p = tn.softmax(logits[0]).numpy()  # (T - 1, K)
    return p[np.arange(len(p)), x[1:]], states.numpy()[0]


told = f"STEPS is {STEPS}, UNITS is {UNITS}, EPOCHS is {EPOCHS}. Give numbers of at least 1."
assert min(STEPS, UNITS, EPOCHS) >= 1, told
writer = Writer().build([(STEPS,), (UNITS,)], rng=np.random.default_rng(SEED))
guesses, untrained = read(held_out)
print(f"{UNITS} numbers in the state. Before the training: perplexity {perplexity(guesses):.1f}.")

# %% [markdown]
# Backpropagation has to go back through all steps, and it needs what was computed in each of
# them: more than 1,000 numbers. For a text of 300,000 characters that would be hundreds of
# millions. So the text is read in pieces of 50 characters. The state goes on from piece to piece,
# but the gradient does not: `detach()` keeps the numbers of a state and forgets how they were
# computed. This is called **truncated backpropagation through time**. The price: no gradient goes
# back beyond its piece.
#
# To use the computer well, 32 readers work at once. They share their weights. Each of them
# has its own part of the text, and its own state.


# %%
x = as_numbers(learned)
length = (len(x) - 1) // 32
now, after = x[: 32 * length].reshape(32, length), x[1 : 32 * length + 1].reshape(32, length)
pieces = range(0, length - STEPS + 1, STEPS)
assert pieces, f"STEPS is {STEPS}. Give 1 to {length}."

falling = tn.schedules.Cosine(0.01, EPOCHS * len(pieces))  # the learning rate
optimizer = tn.optim.Adam(writer.parameters(), falling, clip_norm=1.0)  # clipped gradients
for epoch in range(1, EPOCHS + 1):
    state, losses = start(32), []
    for i in pieces:
        logits, states = writer([now[:, i : i + STEPS], state])
        loss = tn.cross_entropy(logits, after[:, i : i + STEPS])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        state = states[:, -1].detach()  # go on from here, but do not go back beyond
        losses.append(loss.item())
    if epoch % max(1, EPOCHS // 4) == 0:
        print(f"epoch {epoch}: perplexity {np.exp(np.mean(losses)):.2f} during training")

# %% [markdown]
# ## Who guesses better?
#
# Now the network reads the held-out text, as the n-grams did. The program also tries a mix of
# both: the mean of the network's probability and of the best n-gram's. (That n-gram was chosen on
# this same text, which favors it.) The lower the perplexity, the better.

# %%
guesses, states = read(held_out)
network, both = perplexity(guesses), perplexity((guesses + counted[best][1:]) / 2)
print(f"n-gram, n = {best}: {by_count[best]:.2f}; network: {network:.2f}; mean of both: {both:.2f}")
draw.perplexities(by_count, network, both)

# %% [markdown]
# The network is less undecided than the best n-gram. (It is more undecided than at the end of its
# training: it also knows some of its training text by heart.) The mean of both is still better.
# This suggests that each knows something that the other one does not. The counts may know rare
# pieces of the text by heart, and the network what comes from farther back.
#
# ## Writing, carefully or boldly
#
# The network can also write. It reads a beginning, gives the probabilities of the next character,
# and we draw one by chance with these probabilities. The drawn character is the next one to read,
# and so on.
#
# One number makes the writer more careful or bolder, the **temperature** $\tau$ (the Greek letter
# tau). All logits $z$ are divided by it:
#
# $$p = \text{softmax}(z / \tau)$$
#
# At $\tau = 1$ these are the probabilities that the network has learned. Below 1 the likely
# characters become even more likely. The closer $\tau$ comes to 0, the more the likeliest
# character takes everything. Above 1 the probabilities become more equal.
#
# The program writes 20 texts for each temperature and prints the first. (Long lines are wrapped.)
# It counts two things: how many of the words are **real**, that is, stand in the text to learn
# from, and how many of them are different from each other. (Words of one or two letters do not
# count.) For comparison it counts the same in a piece of the held-out manual, of the same length.
# Then it shuffles the characters of this piece. This shows how often chance makes a real word.


# %%
def write(temperature, count, length, rng):  # -> so many texts of so many characters
    x, state, texts = np.tile(as_numbers(PROMPT), (count, 1)), start(count), [PROMPT] * count
    for _ in range(length):
        with tn.no_grad():
            logits, states = writer([x, state])
            p = tn.softmax(logits[:, -1] / temperature).numpy()  # (count, K)
        chosen = (rng.random((count, 1)) > p.cumsum(axis=1)).sum(axis=1).clip(max=K - 1)
        texts = [text + letters[k] for text, k in zip(texts, chosen, strict=True)]
        x, state = chosen[:, None], states[:, -1]
    return texts


def words(texts):
    return [word for text in texts for word in re.findall("[A-Za-z]{3,}", text)]


assert PROMPT and set(PROMPT) <= set(letters), f"PROMPT is {PROMPT!r}. Give characters of the text."
assert min(TEMPERATURES) > 0, f"TEMPERATURES has {min(TEMPERATURES)}. Give numbers above 0."
rng = np.random.default_rng(SEED)
written = {
    f"temperature {each:g}": write(each, size(5, 20), 400, rng) for each in sorted(TEMPERATURES)
}
for name, texts in written.items():
    print(f"{name}:")
    for line in filter(str.strip, texts[0].splitlines()):  # without empty lines
        print(textwrap.fill(line, 94, initial_indent="    ", subsequent_indent="    "))
piece = held_out[: sum(map(len, texts))]  # as long as the texts of a temperature
written["the manual"], written["shuffled"] = [piece], ["".join(rng.permutation(list(piece)))]
known, found = set(words([learned])), {name: words(texts) for name, texts in written.items()}
real = {name: np.mean([word in known for word in found[name]]) for name in found}
different = {name: len(set(found[name])) / len(found[name]) for name in found}
rows = [[name, f"{real[name]:.1%}", f"{different[name]:.1%}"] for name in found]
table(["text", "real words", "different words"], rows)

# %% [markdown]
# At the low temperature nearly all words are real. But the network repeats itself: only a quarter
# of the words are different, and in the manual far more. At the high temperature there are many
# different words, and most of them do not exist. **One has to choose between errors and
# monotony.** Its texts have the look of a manual: indented lines, code in quotation marks, names
# with underscores. But they mean nothing. Guessing the next character well is not the same as
# having something to say.
#
# ## What a number of the state knows
#
# Nobody told the network what to keep in its state. In the manual, code stands in quotation marks
# ("). Between them other characters are likely than outside, and at the end the quotation has to
# be closed. Does the state have a number that remembers whether one is open?
#
# For each number of the state we take its mean inside of quotations and its mean outside, in the
# held-out text. The middle between both is the limit: on one side of it the number says "inside",
# on the other "outside". Most characters are outside. So we take the mean of two shares: of the
# characters inside that it tells right, and of those outside. Chance is 50%. We choose the best
# number on the held-out text itself, so its share is a little too high. The best of 192 numbers
# is above chance even without learning anything. So we do the same with the network as it was
# before the training.


# %%
opened = [np.cumsum([c == '"' for c in part + "\n\n"]) for part in held_out.split("\n\n")]
inside = np.concatenate(opened)[: len(states)] % 2 == 1  # an odd number of marks: one is open


def best_number(states):  # -> which tells inside best, its sign inside, its share, the median
    on, off = states[inside].mean(axis=0), states[~inside].mean(axis=0)  # (U,) each
    says = (states > (on + off) / 2) == (on > off)  # (T - 1, U): "inside"
    right = (says[inside].mean(axis=0) + 1 - says[~inside].mean(axis=0)) / 2
    best = int(right.argmax())
    return best, np.sign(on - off)[best], right[best], np.median(right)


number, sign, told, median = best_number(states)
*_, told_before, _ = best_number(untrained)
print(f"The best of {UNITS}, number {number}, tells {told:.1%} right, the median one {median:.1%}.")
print(f"Before the training the best one tells {told_before:.1%} right.")
draw.quotations(held_out, sign * states[:, number], inside)

# %% [markdown]
# In the figure each character stands on the color of this number after the character has been
# read. When a quotation opens, the number jumps to the red side, and nearly always it stays there
# to the end. The closing quotation mark does not count as inside, but the number turns only after
# it. The way back may take some characters, and at times the number is red without a quotation.
#
# The training has found this memory, because it helps to guess the next character. With another
# `SEED` it is another number, more or less clear. Most numbers of the state cannot be read so
# easily: look at the median.
#
# ## Claims
#
# The program checks what this lesson says, each time that it runs.

# %%
least, ngram = size(0.2, 0.6), by_count[best]
what = f"The network's perplexity is at least {least:.0%} below that of counted pairs (n = 2)"
claim(what, network <= (1 - least) * by_count[2], f"{network:.2f} and {by_count[2]:.2f}")
what = "Its perplexity is at least 2% below that of the best n-gram, the mean of both at least 10%"
shown = f"{network:.2f}, n-gram {ngram:.2f}, mean {both:.2f}"
claim(what, network <= 0.98 * ngram and both <= 0.9 * ngram, shown, quick=False)
low, high = (f"temperature {extreme(TEMPERATURES):g}" for extreme in (min, max))
what = "At the lowest temperature at least 90% of the words are real, at the highest at most 65%"
shown = f"{real[low]:.1%} and {real[high]:.1%}"
claim(what, real[low] >= 0.9 and real[high] <= 0.65, shown, quick=False)
few, some = different[low], different["the manual"]
what = "At the lowest temperature fewer words are different than in the manual"
claim(what, few < some, f"{few:.1%} and {some:.1%}", quick=False)
if "if" in topics:  # NumPy's help texts have too few quotations
    what = "One number tells at least 85% right about the quotations, before training at most 75%"
    shown = f"{told:.1%} and {told_before:.1%}"
    claim(what, told >= 0.85 and told_before <= 0.75, shown, quick=False)
