"""Examples that need nothing but the package run as a user runs them."""

import re
from pathlib import Path

EXAMPLES = Path(__file__).parent.parent / "examples"


def test_customer_messages(processes, tmp_path):
    output = tmp_path / "sorted"
    result = processes.script(EXAMPLES / "customer_messages.py", "--output", output)
    assert result.returncode == 0, result.stderr[-2000:]
    lines = result.stdout.splitlines()
    assert lines[0].startswith("trained on 202 messages in ")
    accuracy = re.fullmatch(r"accuracy on 50 others (\d\.\d{3})", lines[1])
    # Six labels of equal size; TF-IDF gets half of them right.
    assert float(accuracy[1]) > 0.6
    assert lines[2].startswith("delivery ")
    assert lines[3].startswith("billing ")
    assert lines[4] == "saved to sorted and loaded again: same answers"
    assert (output / "classifier.json").is_file()
