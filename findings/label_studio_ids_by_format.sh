#!/usr/bin/env bash
# Two exports of one Label Studio project name a task by different ids, if the imported data
# have a field `id`: CSV has the id of the data, JSON_MIN that of the task.
#
# Seen with label-studio-sdk 2.1.2 (`label_studio_sdk.converter`, which Label Studio exports with).
# Guessed: `id` is the same in CSV and in JSON_MIN, since one converter writes both from the same
#   tasks, so that exports of different dates and forms can be joined by it.
# Seen: in CSV the fields of the data are written over the task's `id`, in JSON_MIN the task's `id`
#   over that of the data. Both also list annotations newest first, unlike the full JSON.
# Who meets it: whoever joins exports by id, or takes the first of two rows of a task as the first
#   annotation.
# A remedy: import the identifier under another name, and sort by `created_at`.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q label-studio-sdk==2.1.2
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import csv
import json

from label_studio_sdk.converter import Converter

QUESTION = """<View><Text name="text" value="$text"/>
<Choices name="topic" toName="text"><Choice value="a"/><Choice value="b"/></Choices></View>"""


def annotation(number, label):
    value = {"choices": [label]}
    result = {"from_name": "topic", "to_name": "text", "type": "choices", "value": value}
    when = f"2026-01-0{number}T10:00:00Z"
    return {"id": number, "completed_by": number, "result": [result], "created_at": when}


data = {"id": "mail-7", "text": "some text"}
tasks = [{"id": 100, "data": data, "annotations": [annotation(1, "a"), annotation(2, "b")]}]
with open("tasks.json", "w") as file:
    json.dump(tasks, file)
converter = Converter(QUESTION, ".")
for form in ("CSV", "JSON_MIN"):
    converter.convert("tasks.json", form, form, is_dir=False)
with open("CSV/result.csv") as file:
    table = [(row["id"], row["topic"]) for row in csv.DictReader(file)]
with open("JSON_MIN/result.json") as file:
    small = [(row["id"], row["topic"]) for row in json.load(file)]
print("CSV:", table)
print("JSON_MIN:", small)
assert table == [("mail-7", "b"), ("mail-7", "a")], table
assert small == [(100, "b"), (100, "a")], small
PYTHON
echo "as described"
