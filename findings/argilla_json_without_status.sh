#!/usr/bin/env bash
# The JSON that Argilla exports has the responses of all annotators, and not their status: drafts
# and discarded responses look like submitted ones.
#
# Seen with argilla 2.8.0 (`dataset.records.to_json`, `record.to_dict`).
# Guessed: each response comes with its value, its user and its status, as it does in
#   `to_datasets` (columns `question.responses`, `.users` and `.status`).
# Seen: value and user only. Nor does the status of the record help: it is "pending" for a record
#   whose only response was discarded, and for one that nobody has opened.
# Who meets it: whoever trains on the JSON, or counts in it how much the annotators agree.
# A remedy: export with `to_datasets()`.
# (`requests`, which argilla imports and does not require, is installed beside it.)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q argilla==2.8.0 requests
"$folder/venv/bin/python" - <<'PYTHON'
from uuid import UUID

import argilla as rg

anna, ben, eve = (UUID(int=number) for number in (1, 2, 3))
record = rg.Record(
    fields={"text": "my parcel is late"},
    responses=[
        rg.Response("label", "delivery", user_id=anna, status="submitted"),
        rg.Response("label", "refund", user_id=ben, status="draft"),
        rg.Response("label", "spam", user_id=eve, status="discarded"),
    ],
)
kept = [response.status.value for response in record.responses]
exported = record.to_dict()["responses"]["label"]
print("in the record:", kept)
print("in the export:", exported)
assert kept == ["submitted", "draft", "discarded"], kept
assert all(set(response) == {"value", "user_id"} for response in exported), exported
PYTHON
echo "as described"
