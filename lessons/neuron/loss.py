# %% [markdown]
# # Loss: one number that says how wrong predictions are
#
# **Lecture.** *Machine Learning II* (TDDC17 AI, Linköping University): "Example Problem: Will I
# Pass This Class?", "Empirical Loss", "Binary Cross Entropy Loss", "Mean Squared Error Loss";
# *Convolution NN* (handwritten notes, author not named): "Training Using Backpropagation"
#
# **Question.** A neuron predicts 0.1, 0.8 and 0.6 for three students. How wrong is that, in one
# number? And which number should one use?
#
# **You will see.** The slide's three losses and their mean, 1.4743. What two common losses say of
# the same predictions. A neuron that starts with bad weights: it learns who passes with one loss,
# and not with the other.
#
# **Try.** `python -m lessons loss --set "F=[0.001, 0.8, 0.6]"`: the first prediction is a hundred
# times smaller. Its loss grows from 2.30 to 6.91. `python -m lessons loss --set "START=[-1,-1]"`:
# the neuron of the last section starts less wrong. Now it learns with both losses.

# %%
import numpy as np

import tinynet as tn
from lessons.shared import claim, least_squares, size, table
from lessons.shared.draw import loss as draw

X = [[4, 5], [2, 1], [5, 8]]  # the slide's three students
F = [0.1, 0.8, 0.6]  # what the slide's network predicts for them
LABELS = [1, 0, 1]  # 1: passed, 0: failed
START = [-5.0, -5.0]  # bad weights, from which the neuron of the last section must learn
COUNT = size(300, 1000, 10_000)  # invented students to learn from
STEPS = size(400, 600)  # of training

# %% [markdown]
# ## The loss of one prediction
#
# The slide's question is "Will I pass this class?". A network gets two numbers about a student
# and answers with a **prediction** $f$ between 0 and 1: the probability that this student passes.
# Later we learn what happened, the **label** $y$: 1 for passed, 0 for failed. A **loss** is a
# number that measures how wrong the prediction is. It is 0 for a perfect prediction, and larger
# the worse the prediction is.
#
# The slide's table has a cross, a cross and a tick in the column of the labels. They mark which
# predictions were wrong and which were right. The labels themselves did not reach us. But we can
# work them out. Say that a prediction above 1/2 means "passes". Then 0.1 is wrong if the student
# passed, 0.8 is wrong if the student failed, and 0.6 is right if the student passed. So the
# labels are 1, 0, 1. (The lecture from which this slide was taken, MIT 6.S191, has these labels
# too.)
#
# The slide's loss starts from the probability that the network gave to **what happened**. That is
# $f$ for a student who passed, and $1 - f$ for one who failed. The loss is minus the logarithm of
# this probability ($\log$ is the natural logarithm here, as on the slide). It is called **binary
# cross-entropy**, for short BCE:
#
# $$L(f, y) = -\big(y \log f + (1 - y) \log(1 - f)\big)$$
#
# For $y = 1$ the second part is 0, and $-\log f$ is left. For $y = 0$ the first part is 0, and
# $-\log(1 - f)$ is left. (Under the slide's formula both braces say "Actual". The actual value is
# $y$. The predicted value is $f$.)


# %%
def cross_entropy(f, y):
    """Binary cross-entropy of each prediction.  (N,), (N,) -> (N,)"""
    return -(y * tn.log(f) + (1 - y) * tn.log(1 - f))


f, y = tn.Tensor(F), tn.Tensor(LABELS)
losses = cross_entropy(f, y).numpy()
happened = np.where(np.array(LABELS) == 1, F, 1 - np.array(F))
rows = [[i + 1, F[i], LABELS[i], f"{happened[i]:g}", f"{losses[i]:.4f}"] for i in range(len(F))]
table(["student", "prediction f", "label y", "probability of what happened", "loss"], rows)
draw.students(F, LABELS, losses)

# %% [markdown]
# Why a logarithm? Suppose that the students do not influence one another. Then the probability of
# all that happened is the product of the three probabilities. A logarithm turns this product into
# a sum. Minus the logarithm turns "as probable as possible" into "as small as possible". So a
# small sum of losses means that the network gave a high probability to what happened.
#
# ## The loss of all predictions
#
# The **empirical loss** $J$ is the mean of the losses of all $n$ examples. ("Empirical" means
# that it is measured with examples.)
#
# $$J = \frac{1}{n} \sum_{i=1}^n L(f_i, y_i)$$
#
# What if one read cross, cross, tick as the labels 0, 0, 1? Then two of the three predictions
# would be right. The loss would be about half as large.

# %%
product = np.prod(happened)
mean_loss = losses.mean()
mean_of_ticks = tn.bce(f, tn.Tensor([0, 0, 1])).item()  # tinynet's own: it takes the mean itself
print(f"probability of all that happened: {product:.4g}, and -log of it: {-np.log(product):.4f}")
print(f"sum of the losses: {losses.sum():.4f}")
print(f"J = {losses.sum():.4f} / {len(F)} = {mean_loss:.4f}")
print(f"with the labels 0, 0, 1 it would be J = {mean_of_ticks:.4f}")

# %% [markdown]
# ## Mean squared error
#
# What if the network predicts a grade and not a probability? A grade can be any number from 0 to
# 100. Predicting a number is called **regression**. The slide's loss for it is the **mean squared
# error**, for short MSE:
#
# $$J = \frac{1}{n} \sum_{i=1}^n (y_i - f_i)^2$$
#
# The slide predicts 30, 80 and 85 percent. The true grades did not reach us either. MIT 6.S191
# has 90, 20 and 95. These are not on our slide.
#
# The handwritten notes have a third formula, the **total error** over the outputs of one example.
# It is a sum of halves of squares and not a mean. Their network says "cat 0.8, dog 0.2". The
# notes name no target. We assume that it is a cat, so the target is (1, 0):
#
# $$E = \sum_k \frac{1}{2} (t_k - o_k)^2$$

# %%
grades, true_grades = tn.Tensor([30, 80, 85]), tn.Tensor([90, 20, 95])
grade_loss = tn.mse(grades, true_grades).item()
outputs, target = tn.Tensor([0.8, 0.2]), tn.Tensor([1, 0])
total_error = (tn.mse(outputs, target, reduction="sum") / 2).item()

print(f"MSE of the grades: (60² + 60² + 10²) / 3 = {grade_loss:.2f}")
print(f"its square root: {grade_loss**0.5:.1f} points, a typical error")
print(f"total error of cat 0.8, dog 0.2: {total_error:.2f}")

# %% [markdown]
# ## What the two losses punish
#
# A squared error can be computed for probabilities too. What is the difference? Look at a student
# who passed, $y = 1$. Let the prediction become smaller and smaller.
#
# The squared error is never larger than 1. BCE has no upper end: each time that $f$ is divided by
# ten, it grows by $\log 10$, about 2.3. So BCE punishes one thing much harder: a prediction close
# to 0 or 1 that is wrong.

# %%
predictions = [0.9, 0.5, 0.1, 0.01, 0.001]
rows = [[p, f"{(1 - p) ** 2:.3f}", f"{-np.log(p):.3f}"] for p in predictions]
table(["prediction, for a student who passed", "squared error", "BCE"], rows)

# %% [markdown]
# This can decide which of two networks is better. Ten students, of whom nine passed. Network A
# predicts 0.999 for all ten. It is nearly perfect for nine of them, and as wrong as can be for
# one. Network B predicts 0.7 for all ten. It is never far off, and never close.
#
# The squared error prefers A, and BCE prefers B. But both agree on the best answer of all, if all
# ten must get the same: it is 0.9, the share of those who passed. So with both losses the best
# prediction is the true share.

# %%
nine_of_ten = tn.Tensor([1] * 9 + [0])


def of_ten(loss, p):
    """The loss if all ten students get the prediction p."""
    return loss(p * tn.ones(10), nine_of_ten).item()


same = {"A: 0.999": 0.999, "B: 0.7": 0.7, "C: 0.9": 0.9}
rows = [[name, f"{of_ten(tn.mse, p):.4f}", f"{of_ten(tn.bce, p):.4f}"] for name, p in same.items()]
table(["prediction for all ten", "MSE", "BCE"], rows)
constants = np.arange(1, 100) / 100  # 0.01, 0.02, ... 0.99
best = [constants[np.argmin([of_ten(loss, p) for p in constants])] for loss in (tn.mse, tn.bce)]
print(f"best of 99 predictions: {best[0]:.2f} by MSE, {best[1]:.2f} by BCE")

# %% [markdown]
# ## What the two losses ask for
#
# A neuron makes its prediction from a weighted sum $z$ (lesson `perceptron`): $f$ is the sigmoid
# of $z$. **Training** changes the weights a little, again and again, so that the loss falls. How
# much the loss falls when $z$ grows a little is minus the **slope** of the loss along $z$:
#
# $$\text{slope of BCE} = f - y$$
#
# $$\text{slope of the squared error} = 2 (f - y) \, f (1 - f)$$
#
# Both follow from the chain rule. The slope of the sigmoid is $f (1 - f)$. Along $f$ the squared
# error has the slope $2 (f - y)$. BCE has the slope $-1/f$ along $f$ if $y = 1$, and $-1/f$ times
# $f (1 - f)$ is $f - 1$. If $y = 0$ it has the slope $1 / (1 - f)$, and this times $f (1 - f)$ is
# $f$.
#
# The squared error has the factor $f (1 - f)$. It is nearly 0 where $f$ is nearly 0 or 1. So for
# a prediction that is close to 0 and wrong, the squared error hardly falls when $z$ grows a
# little. The weights then hardly change, and the neuron does not learn from its worst mistakes.
# In BCE this factor cancels. The figure shows both losses and both slopes.

# %%
draw.punish(predictions=np.linspace(0.005, 0.995, 199), marked=0.01)

# %% [markdown]
# ## Will I pass this class?
#
# Now a neuron learns it. It needs students of whom the result is known. The slide has three, and
# what its two columns count did not reach us. We **invent** the students: the first number is
# lectures attended (0 to 6), the second hours of work (0 to 10). We also invent the rule by which
# they pass: a lecture counts as much as two hours, and
#
# $$P(\text{passes}) = \text{sigmoid}(\text{lectures} + \tfrac{1}{2}\,\text{hours} - 5)$$
#
# The rule is chosen so that the slide's three students most probably get the labels 1, 0, 1. A
# random number decides each result. So no one can predict all of them, not even someone who knows
# the rule.
#
# The neuron does not know the rule. It starts with some weights, and takes small steps against
# the slope of its loss (lesson `gradient_descent` shows how). We train four: with each loss, from
# weights of 0 and from the bad weights `START`. With the bad weights the neuron predicts nearly 0
# for almost everybody.


# %%
def rule_sum(x):
    """The weighted sum of the rule.  (N, 2) -> (N,)"""
    return x @ np.float32([1, 0.5]) - 5


def students(count, rng):
    """Invented students (N, 2), and whether they passed (N,)"""
    x = rng.random((count, 2), dtype=np.float32) * np.float32([6, 10])
    return x, np.float32(rng.random(count) < tn.sigmoid(rule_sum(x)).numpy())


def squared_error(z, y):
    """The squared error of a neuron with the weighted sums z."""
    return tn.mse(tn.sigmoid(z), y)


LOSSES = {"BCE": tn.bce_with_logits, "squared error": squared_error}  # both of z and y


def train(x, y, loss, start):
    """A neuron that starts with weights: its weights, its bias, and the BCE at every step."""
    w = tn.Tensor(np.float32(start), requires_grad=True)
    b = tn.Tensor(0.0, requires_grad=True)
    optimizer = tn.optim.SGD([w, b], 0.05, momentum=0.9)
    history = []
    for _ in range(STEPS):
        z = tn.Tensor(x) @ w + b
        history.append(tn.bce_with_logits(z, tn.Tensor(y)).item())
        optimizer.zero_grad()
        loss(z, tn.Tensor(y)).backward()  # the slopes of the loss along w and b
        optimizer.step()  # a small step against them
    return w.numpy(), b.item(), history


x, passed = students(COUNT, np.random.default_rng(0))
new_x, new_passed = students(1000, np.random.default_rng(100))  # never seen in training
neurons = {
    f"{name}, from {where}": train(x, passed, loss, start)
    for where, start in (("0", [0, 0]), ("START", START))
    for name, loss in LOSSES.items()
}

# %% [markdown]
# All four are judged by new students. How many results do they predict right ($f$ above 1/2 means
# "passes")? And what is their BCE? Three lines of the table are there for comparison. One gives
# the same prediction to everyone: the share of those who passed, which is above 1/2 and means
# "passes". One is a straight line by least squares, which needs no training in steps. One is the
# rule itself.


# %%
def judged(z):
    """The share of right answers for the new students, and the BCE, of their sums z."""
    bce = tn.bce_with_logits(tn.Tensor(np.float32(z)), tn.Tensor(new_passed)).item()
    return float(((z > 0) == new_passed).mean()), bce


share = passed.mean()  # of those who passed: the best prediction that is the same for everyone
sums = {"the same for everyone": np.full(len(new_x), np.log(share / (1 - share)))}
sums |= {name: new_x @ w + b for name, (w, b, _) in neurons.items()}
sums |= {"the rule itself": rule_sum(new_x)}
scores = {name: judged(z) for name, z in sums.items()}
line = (least_squares(x, passed.astype(int), new_x) == new_passed).mean()
rows = [[name, f"{right:.1%}", f"{bce:.3f}"] for name, (right, bce) in scores.items()]
rows.insert(1, ["least squares", f"{line:.1%}", "no probabilities"])
table(["1000 new students", "right answers", "BCE"], rows)
histories = {name: history for name, (_, _, history) in neurons.items()}
draw.training(histories, scores["the rule itself"][1])

# %% [markdown]
# With BCE it makes no difference at the end where the neuron starts. With the squared error it
# does: after the bad start the loss stays where it was. This is why networks that predict
# probabilities are trained with cross-entropy. The squared error is for numbers such as grades.
#
# Least squares gives as many right answers, for a neuron too draws a straight line. But the
# neuron also gives probabilities.
#
# (Why does the loss of BCE go up and down after the bad start? The first steps are large and go
# too far.)
#
# Finally, the slide's question for its three students, asked of the neuron that was trained with
# BCE.

# %%
w, b, _ = neurons["BCE, from 0"]
answers = tn.sigmoid(np.float32(X) @ w + b).numpy()
by_rule = tn.sigmoid(rule_sum(np.float32(X))).numpy()
table(
    ["student", "lectures", "hours", "predicted", "by the rule"],
    [[i + 1, *X[i], f"{answers[i]:.2f}", f"{by_rule[i]:.2f}"] for i in range(len(X))],
)
draw.passing(x, passed, X, answers, w, b)

# %% [markdown]
# ## Claims
#
# The program checks what this lesson says, each time that it runs.

# %%
base, rule = scores["the same for everyone"], scores["the rule itself"]
good, late, stuck = (
    scores[name] for name in ("BCE, from 0", "BCE, from START", "squared error, from START")
)
claim(
    "The slide's BCE is 1.4743 with the labels 1, 0, 1, and 0.7419 with 0, 0, 1",
    (round(float(mean_loss), 4), round(mean_of_ticks, 4)) == (1.4743, 0.7419),
    f"{mean_loss:.4f} and {mean_of_ticks:.4f}",
)
claim(
    'A neuron trained with BCE is right for 15 of 100 new students more than "passes" for everyone',
    good[0] >= base[0] + 0.15,
    f"{good[0]:.1%} against {base[0]:.1%}",
)
claim(
    "For new students the BCE of this neuron is at most 0.03 above that of the rule itself",
    good[1] <= rule[1] + 0.03,
    f"{good[1]:.3f} against {rule[1]:.3f}",
)
claim(
    "From bad weights BCE leads to as many right answers, within 2 of 100",
    abs(late[0] - good[0]) <= 0.02,
    f"{late[0]:.1%} against {good[0]:.1%}",
)
claim(
    'From bad weights the squared error leads to fewer right answers than "passes" for everyone',
    stuck[0] < base[0],
    f"{stuck[0]:.1%} against {base[0]:.1%}",
)
claim(
    "For the slide's three students the trained neuron predicts the labels 1, 0, 1",
    [int(p > 0.5) for p in answers] == [1, 0, 1],
    ", ".join(f"{p:.2f}" for p in answers),
)
