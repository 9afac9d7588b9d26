"""The errata: what is wrong on a slide, in a sentence each.  Their rows hold the proof."""

ERRATA = {
    1: "1,770,128 parameters, less the 576 averages of batch-norm that are not trained, are "
    "1,769,552.",
    2: "The last layer has 3 x 3 kernels from 32 channels to 3, and 3 biases: 867.",
    3: "The right rows add up to 954,307. The printed ones add up to 954,247, which is not what is "
    "printed either.",
    4: "954,307 less 448 are 953,859. The printed pair adds up to 953,307.",
    5: "448 numbers of 4 bytes are 1,792 bytes, 1.75 KB.",
    6: "954,307 parameters are 954 thousand: the middle digit is wrong.",
    7: "The terms add up to 10. The last + 5 has no pixel and no weight: it is a bias, which the "
    "slide never introduces.",
    8: "A pixel is 0 to 255, so 256 is none; the same grid is printed twice, and the second time "
    "there is a 206.",
    9: "The X has ten rows, of which the two in the middle are the same, and its first row is one "
    "number too long; without both it is 9 x 9.",
    10: "Crosses and ticks are no labels: they say which predictions are wrong and which are "
    "right. From that the labels follow.",
    11: 'Both braces say "Actual", but y is the actual and f the predicted.',
    12: "The code beside the formula is another loss: softmax over one column is always 1, so that "
    "loss is 0 whatever the network says.",
    13: "Step 4 computes the gradient of example i, step 5 subtracts one without the index. (And "
    'the slide with batches of B keeps the title "Stochastic Gradient Descent".)',
    15: "The label of MNIST's 81st test picture, the first of the ninth row, is 7.",
    16: "There are as many maps as filters. A kernel's depth is that of its input, and is summed "
    "over.",
    17: "The sum runs over k; y[n] cannot be a sum over n. (The line above it, without the minus, "
    "is a correlation.)",
    18: "With a stride of 2 the map is 2 x 2, for (4 - 2) / 2 + 1 = 2. The nine numbers that are "
    "printed are those of stride 1.",
    19: "The slide says (1,4)(4 x 3) and prints three rows. The fourth is missing.",
    20: "A layer is called by the name of its variable, and asked for its own weights: layer3(x), "
    "layer.weights. There is no keras.layers.Layer3 and no Layer.layers.",
    21: 'Regularization is "to avoid overfitting", as the same page says eight lines further on.',
    22: "Thirteen times .1 is 1.3. Ten classes are meant, as in the target beside it.",
    23: "The minus is lost in the drawing; the code below has it, and the printed result needs it.",
    24: "Of nine weights of the middle slice six are left. Input, first filter and biases are not "
    "in the text at all.",
    25: "The scan misread the grid: 20 of its 400 cells are not even two digits, -97 and 0.7 among "
    "them.",
    26: "learning_rate = 0.001 is set and never used: Adam is given 1e-4.",
    27: "The second argument of TF1's dropout is the share to keep, not to drop. At 0.5 nobody "
    "notices; in evaluation, at 1.0, nothing is kept.",
    28: "Eleven rows of six hold 64 maps. The + 1 adds a row that stays empty.",
    29: "The model ends in a softmax, and from_logits=True adds another. Then even a perfect "
    "answer costs 1.46, and at the start the slopes are a tenth.",
    30: "Keras takes shear_range in degrees. 0.3 degrees move no pixel by more than a tenth of a "
    "pixel; 0.3 radians would be 17 degrees.",
    31: "regularizers.l1, with a letter l. (And the function is getDeepAE, as the one before is.)",
    32: "One name for three losses, 784 and 392 times apart. To say which, say the reduction.",
    36: "The maps are mirrored and the filter sizes are not. As printed the decoder's convolutions "
    "have 894,851 parameters, mirrored 373,635.",
    37: 'Class 8 is "Bag".',
}
