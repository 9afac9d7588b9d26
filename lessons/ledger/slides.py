"""An index from each slide of the five lectures to the lessons that treat it.

`python -m lessons slides` prints it.  The ledger takes from here the slide of each of its rows.
"""

from __future__ import annotations

import itertools
import textwrap
from typing import NamedTuple

from .. import CHAPTERS

WIDTHS = (58, 36)  # of the columns; with the margin and two blanks between them at most 98


class Slide(NamedTuple):
    line: int  # where it begins in the text of its lecture
    title: str
    lessons: tuple[str, ...]


class Lecture(NamedTuple):
    title: str
    course: str
    slides: tuple[Slide, ...]


def _slides(table: str) -> tuple[Slide, ...]:
    """Of lines such as `118 The Perceptron: Forward Propagation | perceptron`."""
    found = []
    for row in table.strip().splitlines():
        place, lessons = row.split("|")
        line, title = place.split(maxsplit=1)
        found.append(Slide(int(line), title.strip(), tuple(lessons.replace("-", " ").split())))
    return tuple(found)


LECTURES = {
    "000": Lecture(
        "Classification of Machine Learning Problems",
        "slides that name no course; this is the title of the first one",
        _slides("""
  5 Classification of Machine Learning Problems | -
  8 Discrete Value and Probability Distribution: Representations for smile latent attribute \
| latent_attribute
 22 Vectors, Matrices, Tensors, Color Images | numbers
 50 2D Convolutions | sharpen
 67 Convolution Neural Networks (CNNs) | mnist
 77 Convolution Operations/Layers | volume
 79 Dropout Layer | dropout
 88 CNN Summary | pooling
105 Probability Estimation (fig03, fig06, fig07, fig09, fig10) | probability
125 Original Formulation | reparameterization
136 Reparameterized Formulation | reparameterization
146 Example 2: Generation of Fashion Shapes | fashion_vae
158 Example 3: Generation of Cartoon Faces | faces_vae
"""),
    ),
    "001": Lecture(
        "Machine Learning II",
        "TDDC17 AI, LE10, HT2024, Linköping University",
        _slides("""
  29 What is Deep Learning? | -
  53 Why Deep Learning? | xo
  78 Why Now? | speed gpu
 113 The Perceptron | perceptron
 118 The Perceptron: Forward Propagation | perceptron
 142 Activation Functions | activations
 153 Common Activation Functions | activations
 189 Importance of Activation Functions | dense
 202 The Perceptron: Example | perceptron
 242 Building Neural Networks with Perceptrons | dense
 244 The Perceptron Simplified | perceptron
 258 Multi Output Perceptron | dense
 267 Single Layer Neural Network | dense
 280 Deep Neural Network | dense
 285 Example Problem: Will I Pass This Class? | loss
 310 Empirical Loss | loss
 327 Binary Cross Entropy Loss | loss
 350 Mean Squared Error Loss | loss
 379 Training Neural Networks | gradient_descent
 381 Loss Optimization | gradient_descent
 429 Gradient Descent | gradient_descent
 447 Computing Gradients: Backpropagation | backprop autograd
 496 Gradient Descent | gradient_descent
 526 Stochastic Gradient Descent | gradient_descent batch_size
 587 Mini-Batches while Training | batch_size gradient_descent gpu
 608 Neural Networks Summary | optimizers batch_size regularization
 635 Deep Learning for Computer Vision | -
 637 Images are Numbers | numbers
 681 Tasks in Computer Vision | -
 688 Manual Feature Extraction | variations
 727 Learning Feature Representations | xo
 752 Fully Connected Neural Network | stride_padding receptive_field
 788 Using Spatial Structure | stride_padding receptive_field
 809 Applying Filters to Extract Features | stride_padding receptive_field
 816 Feature Extraction with Convolution | stride_padding
 830 X? | xo
 861 Features of X | xo
 866 Filters to Detect Features | xo
 880 The Convolution Operation | sharpen
1048 Convolutional Neural Networks | sharpen volume pooling
1098 CNNs for Classification: Feature Learning | mnist
1107 CNNs for Classification: Class Probabilities | softmax
1117 An Architecture for Many Applications | -
1121 Supervised vs Unsupervised | -
1148 Generative Modeling | probability
1158 Latent Variable Models | -
1170 Autoencoders: Background | autoencoder
1219 Dimensionality of Latent Space -> Reconstruction Quality | latent_size
1266 Variational Autoencoder (VAE) | vae
1269 Traditional Autoencoder | autoencoder
1273 VAEs: Key Difference with Traditional Autoencoder | vae latent_attribute
1288 VAE Optimization | vae
1306 Intuition on Regularization and the Normal Prior | vae
1318 VAE Summary | vae reparameterization faces_vae
1329 Generative Adversarial Network (GAN) | gan
1331 What if we Just Want to Sample? | gan
1342 Generative Adversarial Network (GAN) | gan
1354 Training GANs | gan mode_collapse
1358 Training GANs: Loss Function | gan
1367 GANs are Distribution Transformers | gan
1387 Conditional GANs | conditional_gan
1393 Cycle GANs | cycle_gan
1400 GANs vs Cycle GANs | gan cycle_gan
1419 Deep Generative Modeling Summary | generators
1436 Diffusion Models | noise diffusion
1448 The Diffusion Process | noise
1453 Diffusion Models | noise diffusion diffusion_digits unet
1469 Recurrent Neural Networks | recurrent_cell five_shapes translation characters
1507 Traditional vs ML problem solving | -
1516 Image Classification | -
1525 Speech Recognition | -
1529 Neural Networks Timeline | -
1533 Neural Networks Limitations | -
"""),
    ),
    "002": Lecture(
        "Convolution NN",
        "handwritten notes that name no course",
        _slides("""
  3 Convolution NN | sharpen volume
 55 Stride | stride_padding
 70 Padding | stride_padding
 85 ReLU layer | activations sharpen
125 Max Pooling | pooling
164 Flattening | pooling
195 Fully Connected ANN | softmax
211 Training Using Backpropagation | loss backprop
251 How CNN works | mnist
265 Hyperparameters | -
286 L2 Regularization | regularization dropout
309 L1 Regularization | regularization
324 Default Batch Size in Keras = 32 | batch_size
326 Vanishing Gradient Problem | activations
337 Autoencoders -> image reconstruction | autoencoder
339 Tensorflow | keras_api
392 Losses module of keras | keras_api ctc
410 Import Libraries | keras_api
423 tf.keras | keras_api
478 Complex model | keras_api
489 DAG ex. | keras_api
495 Sequential API | keras_api
499 3 layer model | keras_api dense
531 How to check # of layers | keras_api
553 Weights can be accessed from layers | keras_api
561 x w + b | dense
"""),
    ),
    "003": Lecture(
        "Lecture 3: AutoEncoders and Convolutional Neural Networks (CNN)",
        "TIES4911 Deep-Learning for Cognitive Computing for Developers, Spring 2024, "
        "University of Jyväskylä",
        _slides("""
  16 UNLABELED data, LABELED data | -
  52 Autoencoders | autoencoder
  63 Autoencoders in Deep Learning | pca_against_autoencoder autoencoder overcomplete rbm dbn \
sparse_autoencoder denoising_autoencoder contractive_autoencoder
 227 Autoencoders Use-cases | uses
 269 Autoencoders: Reconstruction on MNIST dataset | autoencoder
 307 TensorFlow 2.0: Different architectures of the models | deep_autoencoder sparse_autoencoder
 350 Convolutional Neural Networks (CNN) | -
 362 Image Classification | numbers softmax stride_padding
 409 CNNs | stride_padding receptive_field xo sharpen
 506 2D Convolution | sharpen stride_padding receptive_field
 599 TensorFlow: Convolution | sharpen
 631 2D Convolution | volume
 690 Pooling | pooling
 725 CNN | pooling
 742 CNN simple example | xo
 861 CNN: Training | loss gradient_descent backprop
 899 CNN: Model fitting | dropout regularization
 926 Batch Normalization is a popular regularization technique | batch_norm
 952 CNN: Overfitting happens when ... | regularization
 972 TensorFlow: Convolution NN on MNIST dataset | mnist_low_level
1046 The TensorFlow layers module | mnist_low_level keras_api
1066 Convolution NN on MNIST dataset with Keras | mnist
1124 The CIFAR-10 and CIFAR-100 | cifar
1139 CNN on Fashion-MNIST dataset | fashion
1158 Spatial Transformation | -
1185 Capsule Net | -
1207 CNN 101 | -
"""),
    ),
    "004": Lecture(
        "Image Data Set",
        "slides on dog breeds that name no course; this is the title of the first one with data",
        _slides("""
  3 Objectives | -
  9 Image Data Set | -
 22 1. Classification: Convolutional Neural Network | -
 34 1. Classification: Evaluation Metric | -
 48 1. Classification: Transfer learning | -
 64 1. Classification: Results | -
 81 1. Classification: Clustering - Latent Manifold | -
 91 2. Generative Model: Generative Models | probability
104 2. Generative Model: Variational Autoencoders | dogs_vae vae
119 2. Generative Model: Variational Encoders (cont.) | vae
185 2. Generative Model: Variational Autoencoders Configuration | dogs_vae
"""),
    ),
}


def lecture_and_slide(place: str) -> tuple[str, str]:
    """The titles of the lecture and of the slide, of a place such as "001:232"."""
    number, line = place.split(":")
    lecture = LECTURES[number]
    before = [slide for slide in lecture.slides if slide.line <= int(line)]
    return lecture.title, before[-1].title


def print_index() -> None:
    """Each lecture under its own title: its slides, and the lessons that there are of them."""
    known = {name for names in CHAPTERS.values() for name in names}
    for number, lecture in enumerate(LECTURES.values()):
        print(("\n" if number else "") + lecture.title)
        print(textwrap.fill(f"({lecture.course})", 100) + "\n")
        for title, slides in itertools.groupby(lecture.slides, lambda slide: slide.title):
            lessons = dict.fromkeys(name for slide in slides for name in slide.lessons)
            there = ", ".join(name for name in lessons if name in known)
            cells = (textwrap.wrap(title, WIDTHS[0]), textwrap.wrap(there or "-", WIDTHS[1]))
            for left, right in itertools.zip_longest(*cells, fillvalue=""):
                print(f"  {left:<{WIDTHS[0]}}  {right}".rstrip())
    print("\nA slide with - has no lesson yet.")
