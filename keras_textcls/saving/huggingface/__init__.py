"""Hugging Face checkpoints with classification heads, read and written.

`architectures` lists what is known; `loading` reads, `exporting` writes. The
modules below them deal with one kind of file each: `checkpoint` with tensors,
`tokenizer_files`, `sentence_piece` and `charsmap` with tokenizers.
"""

from keras_textcls.models.gelu import changed_gelu, set_gelu
from keras_textcls.saving.huggingface.exporting import save_to_huggingface
from keras_textcls.saving.huggingface.loading import handles, load_checkpoint
from keras_textcls.saving.huggingface.static_models import find_static, load_static

__all__ = [
    "changed_gelu",
    "find_static",
    "handles",
    "load_checkpoint",
    "load_static",
    "save_to_huggingface",
    "set_gelu",
]
