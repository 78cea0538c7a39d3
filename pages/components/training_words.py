"""What the choices of a training are called: encoders, heads, caps, what is done about noise."""

from pages.components.words import N_

ENCODER_WORDS = {
    "joint": N_("n-grams and subwords, trained together"),
    "ngrams": N_("n-grams, linear"),
    "fasttext": N_("fastText"),
    "dan": N_("DAN: mean of subwords, then layers"),
    "gru": N_("GRU: subwords in their order"),
    "ensemble": N_("ensemble of several"),
    "label_tree": N_("label tree, for thousands of categories"),
    "sentence": N_("sentence encoder, for few labels"),
}
CAP_WORDS = {
    "none": N_("no cap"),
    "log": N_("log: the constant times the log of its count"),
    "uniform": N_("uniform: the constant"),
}
