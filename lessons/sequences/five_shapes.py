# %% [markdown]
# # Five shapes: one cell captions, judges, translates and watches
#
# **Lecture.** *Machine Learning II* (TDDC17 AI, Linköping University): "Recurrent Neural
# Networks"
#
# **Question.** A dense network gets one thing of a fixed size and answers with one thing.
# Sentences and films have many steps, sometimes more and sometimes fewer. How can one kind of
# network deal with all of them?
#
# **You will see.** The slide's five diagrams, each as a small experiment: read a digit, put a
# face into words, judge an opinion, translate a number, follow a ball. What is fed in at which
# step, and what is read out at which step. One task that is impossible without the order of the
# words, and one that is impossible without a memory. Captions that are right for kinds of faces
# that the network knows, and sometimes wrong for new ones.
#
# **Try.** `python -m lessons five_shapes --set CELL=SimpleRNN`: the plain cell takes the place of
# the GRU, and all else stays the same. It still judges opinions. The captions, the translations
# and the labels of the video become bad.

# %%
from itertools import chain, product

import numpy as np

import tinynet as tn
from lessons.shared import accuracy, claim, data, fit, nearest_picture, size, table
from lessons.shared.draw import five_shapes as draw
from lessons.shared.number_words import in_english, in_portuguese
from tinynet.layers import GRU, Dense, Embedding, Flatten, SimpleRNN, TimeDistributed

SEED = 0  # of the data, the first weights, and the order of the examples
CELL = "GRU"  # or "SimpleRNN"
UNITS = 64  # numbers in the state

# %% [markdown]
# ## A cell, and five ways to use it
#
# A **recurrent cell** reads a sequence step by step. It carries some numbers from each step to
# the next, its **state** $h$. At step $t$ it gets an input $x_t$. It computes the new state from
# this input and from the state before:
#
# $$h_t = f(x_t, h_{t-1})$$
#
# The function $f$ has the same weights at every step. So there may be any number of steps. We can
# read an answer from a state: a dense layer turns it into one number for each possible answer,
# the **logits**. The answer with the largest logit wins.
#
# The lesson `recurrent_cell` shows what is inside of $f$. Here $f$ is a **GRU** (gated recurrent
# unit), and its state has 64 numbers. This lesson is about what is around the cell. At which
# steps do we feed something in? At which steps do we read something out? The slide has five
# answers.
#
# | shape | fed in | read out |
# |---|---|---|
# | one to one | an image | its label |
# | one to many | an image, before the first step | a word at each step |
# | many to one | a word at each step | the sentiment, after the last step |
# | many to many | first all the English words | then a Portuguese word at each step |
# | many to many | a frame of a video at each step | a label at each step |
#
# All five networks are trained in the same way, by the function `train`. The loss is the
# cross-entropy. Where there are answers at many steps, it is the mean over all of them. The
# gradients come back through all steps, from the last one to the first one. On such a long way
# they can become very large. So `clip_norm=1.0` shortens a gradient that is longer than 1.
#
# A network needs a number for each word. We sort all words that occur, and number them from 1 on.
# The number 0 means "no word". It fills up the short sentences, so that all rows are equally
# long.


# %%
cell = {"GRU": GRU, "SimpleRNN": SimpleRNN}.get(CELL)
assert cell, f"CELL is {CELL}. Give GRU or SimpleRNN."


def train(name, model, inputs, target, epochs):
    order = np.random.default_rng((SEED, 1))
    batches = tn.data.batches(*inputs, target, size=50, rng=order)
    rate = tn.schedules.Cosine(0.01, epochs * len(batches))  # falls from 0.01 to 0
    adam = tn.optim.Adam(model.parameters(), rate, clip_norm=1.0)
    return fit(name, model, batches, "cross_entropy", adam, epochs)


def as_numbers(sentences):  # -> (N, T): the numbers of their words, then at least one 0; all words
    words = ["", *sorted({word for sentence in sentences for word in sentence.split()})]
    rows = [[words.index(word) for word in sentence.split()] for sentence in sentences]
    T = 1 + max(len(row) for row in rows)
    return np.array([row + [0] * (T - len(row)) for row in rows]), words


# %% [markdown]
# ## One to one: image in, label out
#
# One image goes in, and one label comes out. There are no steps, so there is nothing to
# remember. This is the dense network that we know: 784 pixels, a layer of 64 neurons, and 10
# logits. We compare it with the nearest picture: it looks for the training digit whose pixels
# differ least, and gives its label.

# %%
digits = data.mnist(size(1000, 3000), 1000)
parts = [Flatten(), Dense(64, activation="relu"), Dense(10)]
reader = tn.Sequential(parts, (28, 28, 1), rng=np.random.default_rng(SEED))
train("one to one", reader, [digits.train], digits.train_labels, size(3, 8))
read = accuracy(reader, digits.test, digits.test_labels)
nearest = nearest_picture(digits.train, digits.train_labels, digits.test) == digits.test_labels
print(f"digits read right: the network {read:.1%}, the nearest picture {nearest.mean():.1%}")

# %% [markdown]
# ## One to many: image in, words out
#
# Now an image goes in and a sentence comes out. The images are drawn faces of 24 x 24 pixels. The
# caption says four things: the mood, glasses or not, the hair style and the hair color. There are
# 2 x 2 x 4 x 4 = 64 **kinds** of faces. The colors of the skin, the eyes, the shirt and the
# background are random, and the caption does not mention them.
#
# There are two tests, with 200 faces each. None of these faces occurs in the training.
#
# - **Known kinds**: the training has other faces with the same captions.
# - **New kinds**: we keep 8 of the 64 kinds away from the training. The network knows each mood,
#   each style and each color from other faces. But it has never seen such a face with all four
#   things together, and it has never read such a caption.


# %%
MOOD, MORE = ["sad", "happy"], ["", " glasses and"]
STYLE, COLOR = ["short", "long", "curly", "spiky"], ["black", "brown", "ginger", "blond"]


def faces(kinds, rng):  # (N, 4): places in these lists -> pictures (N, 24, 24, 3), N captions
    m, s, c, g = kinds.T
    look = {name: rng.random(len(kinds)) for name in ("skin", "eye_color", "shirt", "background")}
    look |= {"smile": np.array([-1, 1])[m], "hair_style": np.array([0, 2, 3, 5])[s]}
    look |= {"hair_color": np.array([0, 0.33, 0.6, 0.82])[c], "glasses": g, "mouth_open": 0.8}
    captions = [
        f"a {MOOD[m]} face with{MORE[g]} {STYLE[s]} {COLOR[c]} hair" for m, s, c, g in kinds
    ]
    return tn.data.draw_faces(look, 24).astype(np.float32) / 255, captions


rng = np.random.default_rng((SEED, 2))
kinds = rng.permutation(list(product(range(2), range(4), range(4), range(2))))  # 64
of_new_kinds, others = rng.integers(8, size=200), rng.integers(8, 64, 200 + size(300, 2500))
pictures, captions = faces(kinds[[*of_new_kinds, *others]], rng)  # the first 400: test
print(f"a test face: {captions[0]}\na training face: {captions[400]}")

# %% [markdown]
# **How does the image come in?** A dense layer makes 64 numbers of it. They are the state before
# the first step, $h_0$. So the image is fed in once. After that, the cell must remember what it
# needs of it until the last word.
#
# **How do the words come out?** At each step the cell gets the word before, and the dense layer
# answers which word comes next:
#
# $$h_0 = A x + b, \qquad h_t = f(w_{t-1}, h_{t-1}), \qquad \text{logits}_t = V h_t + c$$
#
# Here $x$ are the pixels, $w_{t-1}$ is the word before, and $A$, $b$, $V$ and $c$ are weights.
# Before the first word there is none. So we feed in a 0. After the last word the right answer is
# a 0 as well: the sentence has ended.
#
# There are two ways to feed in the word before. In training it is the right word, from the data.
# This is called **teacher forcing**. When the trained network writes, nobody tells it the right
# word. The function `write` feeds in the network's own last word, even if this word is wrong.
#
# A cell that writes a sentence from a state is called a **decoder**. The function `decoder`
# builds one. Four words of the code are new:
#
# - `Embedding` gives each word a row of 32 numbers. They are trained like all weights.
# - `initial_state` is the state before the first step.
# - `return_sequences=True`: the cell returns the states of all steps, and not only the last one.
# - `TimeDistributed` applies the dense layer to each step by itself.


# %%
def decoder(start, state, T, K):  # writes T of K words; start: the input that gives the state
    before = tn.Input((T,))  # at each step the number of the word before
    states = cell(UNITS, return_sequences=True)(Embedding(K, 32)(before), initial_state=state)
    logits = TimeDistributed(Dense(K))(states)
    return tn.Model([start, before], logits, rng=np.random.default_rng(SEED))


def write(model, x, T):  # word by word, each answer is fed in at the next step -> (N, T)
    written = np.zeros((len(x), T + 1), int)
    for t in range(T):
        logits = tn.predict(model, [x, written[:, :T]])  # (N, T, K)
        written[:, t + 1] = logits[:, t].argmax(axis=1)
    return written[:, 1:]


def learn_to_write(name, start, state, x, texts, epochs, test):
    sentences, words = as_numbers(texts)
    before = np.pad(sentences, ((0, 0), (1, 0)))[:, :-1]  # at each step the word before; first a 0
    model = decoder(start, state, sentences.shape[1], len(words))
    train(name, model, [x[test:], before[test:]], sentences[test:], epochs)
    written = write(model, x[:test], sentences.shape[1])  # the first examples are the test
    right = (written == sentences[:test]).all(axis=1)
    print(f"{name}: {right.mean():.1%} of {test} new sentences are right in every word")
    return [" ".join(words[k] for k in row if k) for row in written], right


name, picture, epochs = "image to words", tn.Input((24, 24, 3)), size(4, 25)
state = Dense(UNITS)(Flatten()(picture))
written, exact = learn_to_write(name, picture, state, pictures, captions, epochs, test=400)
near = nearest_picture(pictures[400:], others[200:], pictures[200:400]) == others[:200]
print(f"known kinds: {exact[200:].mean():.1%} (caption of the nearest picture: {near.mean():.1%})")
print(f"new kinds:   {exact[:200].mean():.1%} (caption of the nearest picture: never right)")
draw.captions(pictures, captions[:200], written[:200])

# %% [markdown]
# The captions of known kinds are right. With new kinds the network is mostly right, but we cannot
# rely on it: we saw no mistake with the seeds 1 and 2 (`--set SEED=1`), and with seed 0 it fails
# for some kinds. Look at a wrong caption in the figure. Many of its words fit the face.
#
# Why does the network not just say what it sees? One reason may be that a decoder has **two
# sources**: the image, through the state, and the words that it has written so far. In training
# they agree. In a new kind they do not: what the image shows has never followed these words.
#
# ## Many to one: words in, sentiment out
#
# Now a sentence goes in, and one answer comes out: does the speaker find it good or bad? Our
# sentences come from a small **grammar**, that is, from rules for making sentences. It makes
# sentences of two forms:
#
# - "the film is **not** boring **but** great": what comes last is meant.
# - "the film is great **and not** boring": what comes first is meant.
#
# So the last word alone is not enough to know the answer. Each sentence has one good word, such
# as "great", and one bad word, such as "boring". Each sentence also has a **partner**, in which
# these two words are exchanged: "the film is not great but boring". It has exactly the same
# words, and the opposite meaning. The test has 300 sentences with their partners, and none of
# them occurs in the training.


# %%
def opinions(opening, negation, degree, good, bad):  # -> two pairs of (sentence, 1 if it is good)
    both = (good, bad), (bad, good)
    one = [(f"{opening} {negation} {a} but {degree}{b}", int(b == good)) for a, b in both]
    two = [(f"{opening} {degree}{a} and {negation} {b}", int(a == good)) for a, b in both]
    return [one, two]


OPENINGS = "the film is", "i found the book", "they say it was"
NEGATIONS, DEGREES = ("not", "never", "hardly"), ("", "very ", "really ")
GOOD, BAD = ("good", "great", "funny", "lovely"), ("bad", "dull", "boring", "awful")
choices = product(OPENINGS, NEGATIONS, DEGREES, GOOD, BAD)
pairs = [pair for choice in choices for pair in opinions(*choice)]
np.random.default_rng((SEED, 3)).shuffle(pairs)  # the first 300 pairs: test
opinion, labels = zip(*chain(*pairs[: 300 + size(500, 600)]), strict=True)
(sentences, words), labels = as_numbers(opinion), np.array(labels)
print(f"label {labels[0]}: {opinion[0]}\nlabel {labels[1]}: {opinion[1]}")

# %% [markdown]
# A **bag of words** is the simplest way to give a sentence to a network. It counts how often each
# word occurs, and forgets the order. Here it must fail, and this can be proved:
#
# 1. A sentence and its partner have the same bag.
# 2. So whatever is computed from the bag, the answer is the same for both.
# 3. Their labels are opposite. So exactly one of the two answers is right.
#
# **Every function of the bag is right for exactly half of the test sentences.** No network and no
# amount of data can change that. We check it: for each bag in the test we count the good and the
# bad sentences that have it. The best answer to a bag is the label that occurs more often.

# %%
bags = (sentences[:600, :, None] == np.arange(1, len(words))).sum(axis=1)  # (600, words)
_, which = np.unique(bags, axis=0, return_inverse=True)  # the number of each sentence's bag
goods, alls = np.bincount(which, labels[:600]), np.bincount(which)
best_of_bags = np.maximum(goods, alls - goods).sum() / 600
print(f"the best answers that can be computed from bags: {best_of_bags:.1%} right")

# %% [markdown]
# The recurrent network gets a word at each step. **We read out once, after the last word**:
# without `return_sequences` the cell returns its last state alone. The short sentences end with
# zeros. `mask_zero=True` tells the cell to leave its state as it is where the word is 0. So zeros
# at the end change nothing.

# %%
parts = [Embedding(len(words), 32, mask_zero=True), cell(UNITS), Dense(2)]
judge = tn.Sequential(parts, sentences.shape[1:], rng=np.random.default_rng(SEED))
train("words to sentiment", judge, [sentences[600:]], labels[600:], size(7, 10))
judged = accuracy(judge, sentences[:600], labels[:600])
print(f"sentiments that the {CELL} judges right: {judged:.1%} of the same 600 test sentences")

parts_of_it = sentences[:2, None] * np.tri(sentences.shape[1], dtype=int)  # 1 word, 2 words, ...
logits = np.array([tn.predict(judge, each) for each in parts_of_it])  # of a pair: (2, T, 2)
good = tn.softmax(tn.Tensor(logits)).numpy()[..., 1]
draw.opinions(opinion[:2], good)

# %% [markdown]
# For the figure we take one sentence of the test and its partner. We let the network judge the
# first word alone, then the first two words, and so on. Both sentences begin with the same words,
# so both lines are the same there. In the middle the answers mean little, because the network was
# trained with whole sentences only. But look at the last word: the same words have come in, and
# the answers are as far apart as they can be. The state knows the order.
#
# ## Many to many: English in, Portuguese out
#
# A translation combines the last two shapes. First a cell reads the English sentence, as the cell
# above reads an opinion. It is called the **encoder**. Its last state is all that remains of the
# English sentence. Then a second cell begins with this state and writes the Portuguese sentence.
# This is the `decoder` of the captions, and it learns by teacher forcing, too. Only its first
# state comes from a sentence now, and not from an image. **All inputs come before all outputs.**
# The two sentences may have different lengths, and a Portuguese word may depend on a later
# English one.
#
# Our sentences are the numbers from 0 to 999. The network learns 700 of them and translates the
# 300 others. Each number has a translation of its own. So the right answers of the test never
# occur in the training, and whoever can only repeat answers from there gets 0%.


# %%
order = np.random.default_rng((SEED, 4)).permutation(1000).tolist()  # the first 300: test
english, portuguese = ([spelled(n) for n in order] for spelled in (in_english, in_portuguese))
sources, english_words = as_numbers(english)
name, source, epochs = "English to Portuguese", tn.Input(sources.shape[1:]), size(3, 30)
state = cell(UNITS)(Embedding(len(english_words), 32, mask_zero=True)(source))  # the encoder
translated, right = learn_to_write(name, source, state, sources, portuguese, epochs, test=300)
rows = zip(english[:5], translated[:5], right[:5], strict=True)
table(["English", "the network's Portuguese", "right"], [*rows])

# %% [markdown]
# The whole English sentence must pass through the 64 numbers of one state. For sentences that are
# so short, this is enough. The lesson `translation` goes on from here.
#
# ## Many to many: video in, labels out
#
# In the last shape there is an input and an output at **every** step. A video shows a ball in 8
# frames of 12 x 3 pixels. Before each frame the ball moves by one or two pixels, to the left or
# to the right, and before each move a hit may turn it around (with probability 0.3). A ball that
# leaves on the right comes back on the left. Its height is random and means nothing. The question
# at each frame is: did the ball just fly to the right (label 1) or to the left (label 0)?
#
# **One frame alone knows nothing.** It shows where the ball is. Every place is equally likely,
# whichever way the ball flew. So at the first frame everybody must guess. From the second frame
# on, the last two frames together tell everything. The input has only one of them. The other one
# must be in the state.


# %%
def films(count, rng, T=8):  # -> (N, T, 36) pixels; (N, T) labels, 1: the ball flies to the right
    pixels, labels = np.zeros((count, T, 3, 12), np.float32), np.zeros((count, T), int)
    place, way = rng.integers(12, size=count), rng.choice([-1, 1], count)
    for t in range(T):
        way = np.where(rng.random(count) < 0.3, -way, way)
        place = (place + way * rng.integers(1, 3, count)) % 12
        pixels[np.arange(count), t, rng.integers(3, size=count), place] = 1
        labels[:, t] = way > 0
    return pixels.reshape(count, T, 36), labels


rng = np.random.default_rng((SEED, 5))
(shown, ways_shown), (film, flies) = films(1000, rng), films(2000, rng)
parts = [cell(UNITS, return_sequences=True), TimeDistributed(Dense(2))]
watcher = tn.Sequential(parts, film.shape[1:], rng=np.random.default_rng(SEED))
history = train("video to labels", watcher, [shown], ways_shown, size(8, 15))
seen = tn.predict(watcher, film).argmax(axis=2)  # (2000, 8)
by_frame = (seen == flies).mean(axis=0)
table(["frame", *range(1, 9)], [["right", *(f"{share:.1%}" for share in by_frame)]])
print(f"loss: {history['loss'][-1]:.4f}, and log(2) / 8 = {np.log(2) / 8:.4f}")

# %% [markdown]
# At the first frame the network guesses, and from then on it knows. The loss tells the same. A
# guess with probability 1/2 costs $\log 2$, and sure and right answers at the 7 other frames cost
# nothing. The mean is $(\log 2) / 8$, and the loss ends near it.
#
# ## The five shapes in one figure
#
# Here are the slide's five diagrams. Each red or blue box has what really went in or came out,
# for the first example of each test. A red ✗ marks a wrong answer. Follow the arrows, and say of
# each diagram what is fed in where.
#
# Two details are not on the slide. The dashed arrows are the words that a decoder gets back. And
# the green boxes of the translation are two cells with different weights: the encoder has the red
# boxes, and the decoder has the blue ones. In the other rows all green boxes of a diagram are the
# same cell, at different times.

# %%
draw.five_shapes(
    (digits.test[0], tn.predict(reader, digits.test[:1]).argmax()),
    (pictures[0], written[0].split()),
    (opinion[0].split(), good[0, -1]),
    (english[0].split(), translated[0].split()),
    (film[0].reshape(-1, 3, 12), seen[0], flies[0]),
)

# %% [markdown]
# ## Claims
#
# The program checks what this lesson says, each time that it runs.

# %%
first, rest = by_frame[0], by_frame[1:].min()
for sentence, share, least, at_quick in (
    ("Captions of new faces of known kinds, right in every word", exact[200:].mean(), 0.95, False),
    ("Opinions in new sentences, judged right", judged, 0.97, True),
    ("New numbers in Portuguese, right in every word", right.mean(), 0.9, False),
    ("The way of the ball, at the worst frame from the second one on", rest, 0.95, True),
):
    claim(f"{sentence}: at least {least:.0%}", share >= least, f"{share:.1%}", quick=at_quick)
told = "What is computed from bags of words is right for at most half of the same opinions"
claim(told, best_of_bags <= 0.5, f"{best_of_bags:.1%}")
claim("The way of the ball, at the first frame: at most 55%", first <= 0.55, f"{first:.1%}")

# %% [markdown]
# ## Quiz
#
# 1. Which of the five shapes has no steps? *One to one. A dense network is enough for it.*
# 2. Where does the image come into the captioning network? *Once, before the first word: a dense
#    layer turns it into the first state.*
# 3. The captioning network has just written "face". What does the cell get as its next input?
#    *The word "face", its own last answer.*
# 4. And during the training? *The right word of the caption, whatever the network answers. This
#    is teacher forcing.*
# 5. How does a decoder say that its sentence has ended? *It answers 0, "no word".*
# 6. Which shape needs `return_sequences=True`: words to sentiment, or video to labels? *Video to
#    labels: it reads out the states of all steps. For the sentiment the last state is enough.*
# 7. A bag of words gets twice as many sentences to learn from. How many of our opinions can it
#    judge right? *Still one half: a sentence and its partner have the same bag and opposite
#    labels.*
# 8. A network with a bag of words should tell "good" from "not good". Can it? *Yes: the two bags
#    differ, for only one has the word "not". The bag fails where the same words in another order
#    mean something else.*
# 9. Why does the encoder read the whole English sentence before the decoder writes its first
#    word? *The first Portuguese word may depend on a later English one: "two" becomes "dois", and
#    "two hundred" becomes "duzentos".*
# 10. At the first frame the video network is right for about half of the videos. Would a larger
#     network be better there? *No. One frame does not show which way the ball flew.*
