"""Small models and data that the tests make; no network, no files from elsewhere."""

import collections
import contextlib
import gc
import getpass
import os
import tempfile
import warnings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# PyTorch runs models this small slower on several threads, all the more beside another worker.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Tests compile many tiny programs and run each once.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")
# Models of the same shape come again and again; what one process has compiled, all take.
os.environ.setdefault(
    "JAX_COMPILATION_CACHE_DIR",
    os.path.join(tempfile.gettempdir(), f"keras_textcls_tests_{getpass.getuser()}"),
)
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")

import keras
import keras_hub
import numpy as np
import pytest
import tensorflow as tf
from architectures import architecture
from processes import Processes

from keras_textcls import TextClassifier
from keras_textcls.tokenization import traced_graphs

# Programs that run once are not worth optimizing.
tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
# The tests make the same few tokenizers over and over; tracing one takes seconds.
traced_graphs.KEPT = 256
# A seed makes TensorFlow forget what it has compiled, and nothing that is tested draws from it.
set_seed_of_tensorflow = tf.random.set_seed
tf.random.set_seed = lambda seed: None

# Steps run one by one where compiling them takes longer; JAX compiles each operation then.
STEP_BY_STEP = keras.config.backend() != "jax"
WORDS = "the quick brown fox jumped over the lazy dog and a small cat".split()


class _Steps:
    """Whether Keras on TensorFlow traces the steps of a model as it does for users.

    Tracing takes a second or two, as long as some ten steps run one by one. So they run one by
    one, but in tests marked `compiled` and where `compiled_steps()` is entered.
    """

    traced = keras.config.backend() != "tensorflow"

    @staticmethod
    def run_eagerly(model):
        if _Steps.traced or model.jit_compile or model.steps_per_execution > 1:
            return model._run_eagerly
        return True


def _set_run_eagerly(model, value):
    model._run_eagerly = value


keras.Model.run_eagerly = property(_Steps.run_eagerly, _set_run_eagerly)


@contextlib.contextmanager
def compiled_steps():
    """Let Keras trace steps, as it does for users: for what is tested, or for many steps."""
    before, _Steps.traced = _Steps.traced, True
    try:
        yield
    finally:
        _Steps.traced = before


@pytest.fixture(autouse=True)
def _compiled_where_marked(request):
    with contextlib.ExitStack() as stack:
        if request.node.get_closest_marker("compiled"):
            stack.enter_context(compiled_steps())
        yield


# On JAX, which compiles each anew, a test of more cases than that takes every second one.
_MANY_CASES = 4


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="run all: leave out no test and no case")


def pytest_configure(config):
    _Budget.is_whole = config.getoption("--long")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--long"):
        return
    out = [item for item in items if item.get_closest_marker("long")]
    if keras.config.backend() == "jax":
        tests = collections.defaultdict(list)
        for item in items:
            if not item.get_closest_marker("long"):
                tests[item.nodeid.partition("[")[0]].append(item)
        many = [cases for cases in tests.values() if len(cases) > _MANY_CASES]
        out += [item for cases in many for item in cases[1::2]]
    config.hook.pytest_deselected(items=out)
    left_out = set(map(id, out))
    items[:] = [item for item in items if id(item) not in left_out]


class _Budget:
    is_whole = False


def budget(whole, quick):
    """Return how much of something is tried: `whole` with `--long`, else `quick`."""
    return whole if _Budget.is_whole else quick


def long_but(quick, cases):
    """Mark the cases of a test as long, but those in `quick`."""
    marked = [
        case
        if case in quick
        else pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=pytest.mark.long)
        for case in cases
    ]
    assert all(case in cases for case in quick)
    return marked


@pytest.fixture(autouse=True)
def _seeded():
    """Every test starts from the same random state: a bound holds always or never."""
    keras.utils.set_random_seed(0)


@pytest.fixture(scope="session")
def processes(tmp_path_factory):
    """Starts processes that need not import everything anew."""
    return Processes(tmp_path_factory.mktemp("processes"))


def perturb(model, seed=0, scale=0.2):
    """Move every float weight away from its initial value, so that outputs differ visibly."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        if "float" in str(weight.dtype) and "seed" not in weight.path:
            noise = np.asarray(rng.normal(0, scale, weight.shape), "float32")
            weight.assign(keras.ops.convert_to_numpy(weight) + noise)
    return model


def quantize(model):
    """Quantize to int8 without a warning of every layer that has nothing to quantize."""
    # Keras collects garbage at every layer, among the millions of objects of all modules.
    gc.freeze()
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Layer .* does not have a `quantize` method")
            model.quantize("int8")
    finally:
        gc.unfreeze()


def mixed_texts(count, longest=24, seed=0):
    """Texts of 1 to `longest` words."""
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, rng.integers(1, longest + 1))) for _ in range(count)]


def make_preprocessor(name="BertBackbone", sequence_length=32):
    """What `make_classifier` gives a classifier, made without a backbone where Keras Hub has it."""
    from keras_textcls.catalogue import subclasses
    from keras_textcls.models.heads import backbone_inputs
    from keras_textcls.tokenization.preprocessor import TextClassifierPreprocessor

    entry = architecture(name)
    tokenizer = entry.build_tokenizer()
    for native in subclasses(keras_hub.models.TextClassifierPreprocessor):
        is_known = native.__module__.startswith(("keras_hub.", "keras_textcls.models."))
        if is_known and getattr(native.backbone_cls, "__name__", "") == name:
            return native(tokenizer, sequence_length=sequence_length)
    features = list(backbone_inputs(entry.build_backbone()))
    return TextClassifierPreprocessor(tokenizer, sequence_length=sequence_length, features=features)


def make_classifier(
    name="BertBackbone", sequence_length=32, labels=("ham", "spam"), num_layers=None, **kwargs
):
    """A tiny classifier on the named Keras Hub backbone, with perturbed weights.

    BERT has one layer unless more are asked for, other backbones what `architectures` gives them.
    """
    keras.utils.set_random_seed(0)
    entry = architecture(name)
    if num_layers is None and name == "BertBackbone":
        num_layers = 1
    backbone = perturb(entry.build_backbone(**({"num_layers": num_layers} if num_layers else {})))
    preprocessor = None
    if entry.build_tokenizer is not None:
        preprocessor = make_preprocessor(name, sequence_length)
    if "num_classes" not in kwargs:
        kwargs["labels"] = list(labels)
    return TextClassifier(backbone, preprocessor=preprocessor, **kwargs)


@pytest.fixture
def classifier():
    return make_classifier()


@pytest.fixture(scope="session")
def trained():
    """A classifier that has learnt to tell texts with a fox from those with a cat."""
    model = make_classifier(labels=["cat", "fox"], num_layers=2)
    texts, names = fox_and_cat(64)
    model.compile(optimizer=keras.optimizers.Adam(0.005))
    with compiled_steps():
        model.fit(texts, names, epochs=20, batch_size=16, verbose=0, seed=1)
    return model


def fox_and_cat(count):
    """Texts of mixed length that hold either word, and the word as their label."""
    texts = mixed_texts(count, longest=10)
    names = ["fox" if i % 2 else "cat" for i in range(count)]
    cleaned = [" ".join(w for w in t.split() if w not in ("fox", "cat")) for t in texts]
    return [f"{t} {n}".strip() for t, n in zip(cleaned, names, strict=True)], names
