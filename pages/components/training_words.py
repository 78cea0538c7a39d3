"""What the choices of a training are called: encoders, heads, caps, what is done about noise."""

from pages.components.words import N_, _

ENCODER_WORDS = {
    "joint": N_("n-grams + subwords"),
    "ngrams": N_("n-grams"),
    "fasttext": N_("fastText"),
    "dan": N_("DAN"),
    "gru": N_("GRU"),
    "ensemble": N_("ensemble"),
    "label_tree": N_("label tree"),
    "sentence": N_("sentence encoder"),
}
CAP_WORDS = {
    "none": N_("no cap"),
    "log": N_("log cap"),
    "uniform": N_("uniform cap"),
}


def run_name(encoder: str, cap: str) -> str:
    """'GRU · log cap', in the person's language."""
    return f"{_(ENCODER_WORDS[encoder])} · {_(CAP_WORDS[cap])}"
