"""Hugging Face checkpoints with classification heads, read and written.

`architectures` lists what is known; `loading` reads, `exporting` writes. The
modules below them deal with one kind of file each: `checkpoint` with tensors,
`tokenizer_files`, `sentence_piece` and `charsmap` with tokenizers.
"""

from keras_textcls.models.gelu import changed_gelu, set_gelu
from keras_textcls.saving.huggingface.exporting import save_to_huggingface
from keras_textcls.saving.huggingface.loading import handles, load_checkpoint

__all__ = ["changed_gelu", "handles", "load_checkpoint", "save_to_huggingface", "set_gelu"]
