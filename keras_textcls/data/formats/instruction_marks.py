"""The words of Clarifai's form for text-to-text data, which prompts are written in too."""

from __future__ import annotations

INSTRUCTION, HUMAN, ASSISTANT = "### Instruction:", "### Human:", "### Assistant:"
# The instruction of that form, up to the answers in their braces.
QUESTION = "Read the text and choose an answer from"
