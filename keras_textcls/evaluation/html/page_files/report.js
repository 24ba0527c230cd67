"use strict";
(async () => {
  /* === Data: labels and texts are shown with textContent alone, never as markup === */

  const byId = (id) => document.getElementById(id);
  const read = (id) => JSON.parse(byId(id).textContent);
  const data = read("data");
  const texts = Object.assign(data.texts, read("words"));
  const labels = data.labels;
  const classes = data.classes;
  const width = classes + 1;
  const LEVELS = 102;
  const NONE = "(none)";
  const MOST_IN_MATRIX = 160;
  const COLORS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"];
  const DASHES = ["", "7 3", "2 3", "9 3 2 3", "5 2", "12 4"];
  const NAMES = {
    f1: "F1", roc: "ROC", auc: "AUC", tp: "TP", fn: "FN", fp: "FP", tn: "TN", std: "std. deviation",
  };
  const COLUMNS = [
    ["label", ""], ["support", "Texts that have the label"], ["predicted", "Texts that are given the label"],
    ["tp", "True positives"], ["fn", "False negatives: missed"], ["fp", "False positives: wrongly given"],
    ["tn", "True negatives"], ["precision", "Share of the predicted texts that have the label"],
    ["recall", "Share of the texts with the label that are given it"], ["f1", "Harmonic mean of precision and recall"],
    ["roc_auc", "Area under the ROC curve: no threshold"],
    ["average_precision", "Area under the precision-recall curve: no threshold"],
  ];
  const state = {
    level: null, filter: "", sort: { key: "support", down: true }, kind: "count",
    drawn: [], bars: 20, errors: 10, shape: "", drawnKind: "", cells: [], focus: [0, 0], waiting: 0,
  };

  /** Inflate an array of whole numbers that Python packed. */
  async function unpack(packed) {
    const bytes = Uint8Array.from(atob(packed.data), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    const buffer = await new Response(stream).arrayBuffer();
    return packed.kind === "uint16" ? new Uint16Array(buffer) : new Uint32Array(buffer);
  }

  /** Unpack every packed array of an object in its place. */
  async function unpackAll(object) {
    const packed = Object.keys(object).filter((key) => object[key] && object[key].kind);
    await Promise.all(packed.map(async (key) => { object[key] = await unpack(object[key]); }));
  }

  /* === Elements === */

  /** Make an element; `of` holds properties and attributes, the rest are children. */
  function el(tag, of = {}, ...children) {
    const made = document.createElement(tag);
    for (const [key, value] of Object.entries(of)) {
      if (value === undefined || value === null) continue;
      if (key in made && key !== "role") made[key] = value;
      else made.setAttribute(key, value);
    }
    made.append(...children);
    return made;
  }

  /** Make an SVG element. */
  function svg(tag, of = {}, ...children) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [key, value] of Object.entries(of)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  /** A name of the data, kept apart from the direction of the text around it. */
  const named = (text) => el("bdi", { textContent: text, title: text });

  /** A track that is filled to a share. */
  function track(share) {
    const fill = el("div", { className: "fill" });
    fill.style.width = `${100 * Math.min(1, share)}%`;
    return el("div", { className: "track", ariaHidden: "true" }, fill);
  }

  /** Write a share with digits, ties to even as Python writes them. */
  function digits(value, places = 3) {
    if (value === null || Number.isNaN(value)) return "–";
    const scaled = value * 10 ** places;
    const low = Math.floor(scaled);
    const isTie = scaled - low === 0.5 && Number.isInteger(value * 2 ** 20);
    return (isTie ? (low + (low % 2)) / 10 ** places : value).toFixed(places);
  }

  const whole = new Intl.NumberFormat("en-US");
  const count = (value) => (value < 1000 ? String(value) : whole.format(value));
  const texted = (value, one = "text") => `${count(value)} ${one}${value === 1 ? "" : "s"}`;
  const divide = (one, other) => (other === 0 ? NaN : one / other);
  const titled = (name) => {
    const said = name.split("_").map((word) => NAMES[word] || word).join(" ");
    return said[0].toUpperCase() + said.slice(1);
  };

  /** Fill a cell with a number; an undefined one is a dash that says so. */
  function fill(cell, value, isShare, why) {
    const undefinedNumber = value === null || Number.isNaN(value);
    cell.textContent = undefinedNumber ? "–" : isShare ? digits(value) : count(value);
    if (undefinedNumber) cell.title = `undefined${why ? `: ${why}` : ""}`;
    else if (isShare) cell.title = String(value);
    else if (cell.title) cell.title = "";
    cell.dataset.value = undefinedNumber ? "nan" : String(value);
    return cell;
  }

  /* === Counts at a threshold: `level` is k of the threshold k / 100, or null for the report's own === */

  /** Counts and metrics of each label, and the row of totals. */
  function perLabel(level) {
    const from = (key, i) => (level === null ? data.own[key][i] : data.grid[key][level * labels.length + i]);
    const rows = labels.map((label, i) => {
      const tp = from("hits", i);
      return rowOf(label, i, data.grid.support[i], from("predicted", i), tp, data.grid.known[i]);
    });
    const sum = (key) => rows.reduce((total, row) => total + row[key], 0);
    const total = { label: "(all labels)" };
    for (const key of ["support", "predicted", "tp", "fn", "fp", "tn"]) total[key] = sum(key);
    for (const key of ["precision", "recall", "f1"]) total[key] = metric(`weighted_${key}`, level);
    total.roc_auc = metric("macro_roc_auc", level);
    total.average_precision = metric("macro_average_precision", level);
    return { rows, total };
  }

  /** One row of the table of labels. */
  function rowOf(label, index, support, predicted, tp, known) {
    const fn = support - tp, fp = predicted - tp;
    return {
      label, index, support, predicted, tp, fn, fp, tn: known - tp - fn - fp,
      precision: divide(tp, predicted), recall: divide(tp, support), f1: divide(2 * tp, predicted + support),
      roc_auc: data.areas.roc_auc[index] ?? NaN, average_precision: data.areas.average_precision[index] ?? NaN,
    };
  }

  /** A headline number at a threshold. */
  function metric(name, level) {
    const one = data.metrics.find((m) => m.name === name);
    const value = level === null || !one.at ? one.value : one.at[level];
    return value === null ? NaN : value;
  }

  /** Counts of the confusion matrix, row by row; the last row and column are `(none)`. */
  function matrixAt(level) {
    if (level === null) return Float64Array.from(data.own.matrix);
    const { cells, numbers, row_totals: totals } = data.grid;
    const matrix = new Float64Array(totals.length * width);
    for (let e = 0; e < cells.length; e += 1) {
      if (cells[e] % LEVELS > level) matrix[Math.floor(cells[e] / LEVELS)] += numbers[e];
    }
    totals.forEach((total, i) => {
      const row = matrix.subarray(i * width, (i + 1) * width);
      if (data.multi_label && level === 0) row.fill(total);
      const reached = data.multi_label ? row[classes] : row.reduce((a, b) => a + b, 0);
      row[classes] = total - reached;
    });
    return matrix;
  }

  /* === Texts at a threshold === */

  /** The rank from which a score reaches the threshold. */
  function limit(column, level, label) {
    if (level !== null) return texts.fine[column * 2001 + level * 20];
    return texts.own[data.multi_label ? column : label];
  }

  /** Whether a text is given a label: single-label, its most probable one. */
  function isGiven(text, label, level) {
    if (data.multi_label) return texts.ranks[label * texts.number + text] >= limit(label, level);
    return texts.top[text * texts.top_size] === label && texts.ranks[text] >= limit(0, level, label);
  }

  /** The labels that a text is given. */
  function given(text, level) {
    if (data.multi_label) return [...Array(classes).keys()].filter((label) => isGiven(text, label, level));
    const best = texts.top[text * texts.top_size];
    return isGiven(text, best, level) ? [best] : [];
  }

  /** A score of multi-label to the thousandth, from its rank. */
  function chance(text, column) {
    const rank = texts.ranks[column * texts.number + text];
    let low = 0, high = 2000;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (texts.fine[column * 2001 + middle] <= rank) low = middle;
      else high = middle - 1;
    }
    return Math.floor((low + 1) / 2) / 1000;
  }

  /** All scores of multi-label to the thousandth, computed once. */
  function chances() {
    if (!texts.chances) {
      texts.chances = new Float32Array(texts.number * classes);
      for (let t = 0; t < texts.number; t += 1) {
        for (let j = 0; j < classes; j += 1) texts.chances[t * classes + j] = chance(t, j);
      }
    }
    return texts.chances;
  }

  /** The most probable labels of a text, and further ones that are asked for. */
  function probabilities(text, wanted) {
    if (data.multi_label) {
      const all = labels.slice(0, classes).map((_, j) => [j, chance(text, j)]);
      const sorted = all.sort((a, b) => b[1] - a[1]);
      return sorted.filter(([j], place) => place < 5 || wanted.includes(j)).slice(0, 12);
    }
    const from = text * texts.top_size;
    return Array.from({ length: texts.top_size }, (_, k) => [texts.top[from + k], texts.top_values[from + k] / 1000]);
  }

  /** Whether a text is known to have no label. */
  const hasNone = (t) => texts.actual[t].length === 0 && !(texts.unknown && texts.unknown[t].length);

  /** The texts of a cell, most confident first, ties in the order of the data. */
  function textsOfCell(i, j, level) {
    const rows = [];
    for (let t = 0; t < texts.number; t += 1) {
      const actual = texts.actual[t];
      if (!(i === labels.length ? hasNone(t) : actual.includes(i))) continue;
      if (j === classes ? given(t, level).length === 0 : isGiven(t, j, level)) rows.push(t);
    }
    const column = data.multi_label ? j : 0;
    const rank = (t) => texts.ranks[column * texts.number + t];
    return rows.sort((a, b) => rank(b) - rank(a) || a - b);
  }

  /** The texts that are judged wrongly, those the model was surest of first. */
  function worst(level) {
    if (level === null) return texts.errors;
    const sure = new Map();
    for (let t = 0; t < texts.number; t += 1) {
      const value = data.multi_label ? surestError(t, level) : singleError(t, level);
      if (value >= 0) sure.set(t, value);
    }
    return [...sure.keys()].sort((a, b) => sure.get(b) - sure.get(a) || a - b);
  }

  /** How sure a wrong answer was, as a rank; -1 where it is right. */
  function singleError(text, level) {
    const labelsGiven = given(text, level);
    return labelsGiven.length && labelsGiven[0] === texts.actual[text][0] ? -1 : texts.ranks[text];
  }

  /** How sure the surest wrong decision on a text was; -1 where all are right. */
  function surestError(text, level) {
    const actual = texts.actual[text], unknown = texts.unknown ? texts.unknown[text] : [];
    let surest = actual.some((label) => label >= classes) ? 1 : -1;
    for (let j = 0; j < classes; j += 1) {
      const is = isGiven(text, j, level);
      if (is === actual.includes(j) || unknown.includes(j)) continue;
      const value = chances()[text * classes + j];
      surest = Math.max(surest, is ? value : 1 - value);
    }
    return surest;
  }

  /* === Numbers === */

  /** The cards of the main numbers. */
  function drawCards() {
    const shown = data.main.slice(0, 8).map((name) => data.metrics.find((m) => m.name === name));
    byId("cards").replaceChildren(...shown.map((one) => {
      const moved = state.level !== null && one.at;
      const value = fill(el("div", { className: "value" }), metric(one.name, state.level), true, one.reason);
      value.dataset.metric = one.name;
      const interval = one.low === null ? "" : `${digits(one.low)} to ${digits(one.high)}`;
      const sub = moved ? `the report's own: ${digits(one.value)} (${interval})` : interval && `95 %: ${interval}`;
      return el("div", { className: moved ? "card moved" : "card", title: one.reason || "" },
        el("h3", { textContent: titled(one.name) + (one.loss ? " (less is better)" : "") }), value,
        el("div", { className: "sub", textContent: sub }));
    }));
  }

  /** The table of all numbers. */
  function drawMetrics() {
    const at = state.level === null ? [] : [`at ${digits(state.level / 100, 2)}`];
    const head = ["number", "value", "95 % from", "to", ...at, "note"];
    const rows = data.metrics.map((one) => el("tr", {}, el("th", { scope: "row", textContent: titled(one.name), title: one.name }),
      ...[one.value, one.low, one.high].map((value) => fill(el("td"), value, true)),
      ...at.map(() => (one.at ? fill(el("td"), one.at[state.level], true) : el("td", { textContent: "same" }))),
      el("td", { className: "note", textContent: one.reason || "" })));
    byId("metrics").replaceChildren(
      el("thead", {}, el("tr", {}, ...head.map((text) => el("th", { scope: "col", textContent: text })))),
      el("tbody", {}, ...rows));
  }

  /** What the thresholds of the report are, in words. */
  function ownThresholds() {
    const own = data.own.thresholds;
    if (own === null) return data.multi_label ? "0.5 for every label (the report's own)" : "none: the most probable label";
    if (own.every((value) => value === own[0])) return `${own[0]} (the report's own)`;
    return "one a label (the report's own)";
  }

  /** The value of the slider and the main counts, which screen readers announce. */
  function drawStatus(total) {
    const at = state.level === null ? null : digits(state.level / 100, 2);
    byId("threshold-value").textContent = at || "own";
    byId("reset").disabled = at === null;
    byId("threshold").setAttribute("aria-valuetext", at || ownThresholds());
    const main = data.multi_label ? "subset_accuracy" : "accuracy";
    const shown = data.multi_label
      ? `${count(total.tp)} labels right, ${count(total.fn)} missed, ${count(total.fp)} wrongly given`
      : `${count(total.tp)} right, ${count(total.fp)} wrong, ${count(data.total - total.predicted)} without an answer`;
    byId("status").textContent = `Threshold ${at || ownThresholds()}. ${texted(data.total)}: ${shown}. ` +
      `${titled(main)} ${digits(metric(main, state.level))}, macro F1 ${digits(metric("macro_f1", state.level))}.`;
  }

  /* === The table of labels === */

  const isWanted = (label) => label.toLowerCase().includes(state.filter);

  /** Compare two rows; what is undefined stands last, whatever the direction. */
  function compare(a, b) {
    const { key, down } = state.sort, one = a[key], other = b[key];
    if (Number.isNaN(one) || Number.isNaN(other)) return Number.isNaN(one) - Number.isNaN(other) || a.index - b.index;
    const order = key === "label" ? one.localeCompare(other) : one - other;
    return (down ? -order : order) || a.index - b.index;
  }

  /** The head of the table of labels, once. */
  function drawHead() {
    const heads = COLUMNS.map(([key, help]) => el("th", { scope: "col", title: help },
      el("button", { type: "button", textContent: titled(key).replace("Average", "Avg."), "data-key": key })));
    byId("per-label").append(el("thead", {}, el("tr", {}, ...heads)), el("tbody"));
    byId("per-label").tHead.addEventListener("click", (event) => {
      const key = event.target.dataset.key;
      if (!key) return;
      state.sort = { key, down: state.sort.key === key ? !state.sort.down : key !== "label" };
      drawLabels(perLabel(state.level));
    });
  }

  /** The rows of the table of labels. */
  function drawLabels({ rows, total }) {
    for (const head of byId("per-label").tHead.rows[0].cells) {
      const isSorted = head.firstChild.dataset.key === state.sort.key;
      head.setAttribute("aria-sort", isSorted ? (state.sort.down ? "descending" : "ascending") : "none");
    }
    const shown = rows.filter((row) => isWanted(row.label)).sort(compare);
    byId("no-labels").hidden = shown.length > 0;
    const line = (row, name) => el("tr", {}, el("th", { scope: "row" }, name), ...COLUMNS.slice(1).map(
      ([key]) => fill(el("td"), row[key], COLUMNS.findIndex((c) => c[0] === key) > 6, "nothing to divide by")));
    const lines = shown.map((row) => line(row, named(row.label)));
    const last = line(total, document.createTextNode(total.label));
    last.className = "total";
    last.title = "Sums of counts; precision, recall and F1 weighted by support; plain means of areas";
    byId("per-label").tBodies[0].replaceChildren(...lines, last);
  }

  /* === The confusion matrix === */

  /** Rows and columns that are shown: all, those that are searched for, or the most confused. */
  function placesOf(matrix) {
    let rows = labels.map((_, i) => i), columns = rows.slice(0, classes);
    if (labels.length > MOST_IN_MATRIX) {
      const wrong = rows.map((i) => data.grid.row_totals[i] - (i < classes ? matrix[i * width + i] : 0));
      const kept = new Set([...rows].sort((a, b) => wrong[b] - wrong[a] || a - b).slice(0, MOST_IN_MATRIX));
      columns = columns.filter((j) => kept.has(j));
      rows = state.filter ? rows : rows.filter((i) => kept.has(i));
    }
    rows = rows.filter((i) => isWanted(labels[i])).slice(0, MOST_IN_MATRIX);
    if (state.kind === "mean_probability") return { rows, columns };
    const last = labels.length;
    const hasRow = matrix.subarray(last * width).some((value) => value > 0);
    const hasColumn = matrix.some((value, place) => place % width === classes && value > 0);
    return { rows: hasRow && !state.filter ? [...rows, last] : rows, columns: hasColumn ? [...columns, classes] : columns };
  }

  /** The value of a cell in the kind that is shown. */
  function cellValue(matrix, i, j) {
    if (state.kind === "mean_probability") return data.mean_probability[i][j] ?? NaN;
    const value = matrix[i * width + j];
    return state.kind === "count" ? value : divide(value, data.grid.row_totals[i]);
  }

  const rowName = (i) => (i === labels.length ? NONE : labels[i]);
  const columnName = (j) => (j === classes ? NONE : labels[j]);

  /** Lay the matrix out, without its values. */
  function layMatrix({ rows, columns }) {
    const table = byId("matrix");
    table.className = `matrix ${columns.length > 12 ? "dense " : ""}${columns.length > 5 ? "upright" : ""}`;
    const head = el("tr", {}, el("th", { textContent: "actual ╲ predicted" }),
      ...columns.map((j) => el("th", { scope: "col" }, named(columnName(j)))));
    const lines = rows.map((i) => el("tr", {}, el("th", { scope: "row" }, named(rowName(i))),
      ...columns.map((j) => el("td", { tabIndex: -1, "data-i": i, "data-j": j }))));
    // Columns of one known width: a browser lays out 20,000 cells of unknown width slowly.
    const longest = count(Math.max(...data.grid.row_totals)).length;
    table.style.setProperty("--cell", `${Math.max(2, 0.47 * longest + 0.45)}rem`);
    table.replaceChildren(el("thead", {}, head), el("tbody", {}, ...lines));
    state.focus = [0, 0];
    state.cells = [...table.tBodies[0].querySelectorAll("td")];
    const first = table.tBodies[0].querySelector("td");
    if (first) first.tabIndex = 0;
  }

  /** Draw the matrix; cells are kept where its shape stays, and with them the focus. */
  function drawMatrix() {
    const matrix = matrixAt(state.level), places = placesOf(matrix);
    const shape = JSON.stringify([places.rows, places.columns]);
    if (shape !== state.shape) layMatrix(places);
    const isNew = shape !== state.shape || state.kind !== state.drawnKind, across = places.columns.length;
    Object.assign(state, { shape, drawnKind: state.kind });
    const isCount = state.kind === "count", dense = places.columns.length > 12;
    state.cells.forEach((cell, at) => {
      const i = places.rows[Math.floor(at / across)], j = places.columns[at % across], value = cellValue(matrix, i, j);
      if (!isNew && Object.is(value, cell.drawn)) return;
      cell.drawn = value;
      fill(cell, value, !isCount, "no text in this row");
      if (!isCount && dense && value >= 0) cell.textContent = digits(value, 2);
      const share = isCount ? divide(value, data.grid.row_totals[i]) : value;
      const shade = value > 0 ? Math.min(4, Math.max(1, Math.ceil(share * 4))) : 0;
      cell.className = value === 0 ? "zero" : shade ? `${i === j ? "d" : "o"}${shade}` : "";
    });
    const cut = labels.length > MOST_IN_MATRIX ? ` Of ${count(labels.length)} labels the ${MOST_IN_MATRIX} with the most errors are shown; search for others.` : "";
    byId("matrix-help").textContent = `${data.multi_label ? "A text stands in the cell of each of its labels with each predicted one, so that labels which rightly occur together stand off the diagonal. " : ""}` +
      `Open a cell to read its texts: arrow keys move, Enter opens.${cut}`;
  }

  /** Move the one cell of the matrix that Tab reaches. */
  function focusCell(row, column) {
    const lines = byId("matrix").tBodies[0].rows;
    const old = byId("matrix").querySelector('td[tabindex="0"]');
    row = Math.max(0, Math.min(lines.length - 1, row));
    const cells = lines[row].querySelectorAll("td");
    column = Math.max(0, Math.min(cells.length - 1, column));
    if (old) old.tabIndex = -1;
    state.focus = [row, column];
    cells[column].tabIndex = 0;
    cells[column].focus();
  }

  /** Keys and clicks of the matrix, for all cells at once. */
  function listenMatrix() {
    const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1],
      Home: [0, -1e9], End: [0, 1e9], PageUp: [-10, 0], PageDown: [10, 0] };
    byId("matrix").addEventListener("click", (event) => {
      const cell = event.target.closest("td");
      if (!cell) return;
      focusCell(cell.parentNode.sectionRowIndex, cell.cellIndex - 1);
      openCell(cell);
    });
    byId("matrix").addEventListener("keydown", (event) => {
      const cell = event.target.closest("td"), move = moves[event.key];
      if (!cell || event.ctrlKey || event.altKey || event.metaKey) return;
      if (move) focusCell(state.focus[0] + move[0], state.focus[1] + move[1]);
      else if (event.key === "Enter" || event.key === " ") openCell(cell);
      else return;
      event.preventDefault();
    });
  }

  /* === Texts === */

  /** Names of labels as nodes, or a word for none. */
  function nameList(places, none) {
    if (!places.length) return [document.createTextNode(none)];
    return places.flatMap((j, place) => (place ? [", ", named(labels[j])] : [named(labels[j])]));
  }

  /** The probabilities of a text as bars. */
  function chanceList(text, actual, predicted) {
    const lines = probabilities(text, [...actual, ...predicted]).map(([j, value]) => el(
      "li", { className: predicted.includes(j) ? "main" : "" }, named(labels[j]), track(value),
      el("span", { className: "number", textContent: digits(value) })));
    return el("ul", { className: "chances", ariaLabel: "Probabilities" }, ...lines);
  }

  /** A text with what it is and what the model says of it. */
  function card(text, level) {
    const actual = texts.actual[text], predicted = given(text, level);
    const row = texts.rows ? texts.rows[text] : text;
    const unknown = texts.unknown ? texts.unknown[text] : [];
    const parts = [texts.text, texts.text_pair].filter(Boolean).map(
      (column) => el("p", { className: "words", dir: "auto", textContent: column[text] }));
    const id = texts.id ? [" · id ", named(texts.id[text])] : [];
    const verdict = el("p", { className: "verdict" }, el("b", { textContent: "Actual: " }), ...nameList(actual, NONE),
      ...(unknown.length ? [" (unknown: ", ...nameList(unknown, NONE), ")"] : []),
      " · ", el("b", { textContent: "Predicted: " }), ...nameList(predicted, NONE),
      el("span", { className: "where" }, ` · row ${count(row)}`, ...id));
    return el("li", { "data-row": row }, el("div", {}, ...parts, verdict), chanceList(text, actual, predicted));
  }

  /** What a reader must know of the texts of this page. */
  function textRemarks() {
    const said = [];
    if (texts.rows) said.push(`This page holds ${count(texts.number)} of ${texted(data.total)}, a random sample and the worst errors; all counts are of all texts.`);
    if (texts.text === null) said.push("The report holds no texts, only rows and probabilities.");
    else if (texts.cut) said.push(`Texts are cut to ${count(texts.cut)} characters in this page.`);
    return said.join(" ");
  }

  /** Show the next texts of the dialog. */
  function showMore(rows, level) {
    const list = byId("dialog-list"), from = list.children.length;
    list.append(...rows.slice(from, from + 20).map((text) => card(text, level)));
    byId("more-texts").hidden = list.children.length >= rows.length;
    byId("more-texts").onclick = () => showMore(rows, level);
  }

  /** Open the texts of a cell. */
  function openCell(cell) {
    const i = Number(cell.dataset.i), j = Number(cell.dataset.j), level = state.level;
    const rows = textsOfCell(i, j, level), all = matrixAt(level)[i * width + j];
    const title = el("span", {}, named(rowName(i)), " taken for ", named(columnName(j)));
    if (i === j && i < classes) title.replaceChildren(named(rowName(i)), ", rightly given");
    if (j === classes) title.replaceChildren(named(rowName(i)), ", given no label");
    byId("dialog-title").replaceChildren(title);
    const held = rows.length < all ? `${count(rows.length)} of ${texted(all)}` : texted(all);
    byId("dialog-help").textContent = `${held}, most confident first. ${textRemarks()}`;
    byId("dialog-list").replaceChildren();
    showMore(rows, level);
    byId("dialog").addEventListener("close", () => cell.focus(), { once: true });
    byId("dialog").showModal();
    byId("dialog").scrollTop = 0;
  }

  /** The list of worst errors. */
  function drawErrors() {
    const errors = worst(state.level), shown = errors.slice(0, state.errors);
    const none = texts.rows ? "No text of this page is judged wrongly." : "No text is judged wrongly.";
    byId("errors-help").textContent = `${errors.length ? "Texts that are judged wrongly, those the model was surest of first." : none} ${textRemarks()}`;
    byId("error-list").replaceChildren(...shown.map((text) => card(text, state.level)));
    byId("more-errors").hidden = shown.length >= errors.length;
  }

  /* === Charts === */

  const BOX = { left: 50, right: 316, top: 14, bottom: 236 };
  const toX = (x) => BOX.left + x * (BOX.right - BOX.left);
  const toY = (y) => BOX.bottom - y * (BOX.bottom - BOX.top);

  /** A chart with axes from 0 to 1, a cursor, and a line that reads the values at it. */
  function chart(place, title, xTitle, yTitle, inside, readAt, step = 0.02, yTicks = true) {
    const cursor = svg("line", { class: "cursor", y1: BOX.top, y2: BOX.bottom, visibility: "hidden" });
    const drawing = svg("svg", { viewBox: "0 0 330 280", tabindex: 0, role: "img", "aria-label": `${title}. Arrow keys read values.` },
      ...[0, 0.25, 0.5, 0.75, 1].flatMap((tick) => [
        svg("line", { class: "gridline", x1: toX(tick), x2: toX(tick), y1: BOX.top, y2: BOX.bottom }),
        svg("text", { x: toX(tick), y: BOX.bottom + 15, "text-anchor": "middle" }, String(tick)),
        ...(yTicks ? [svg("line", { class: "gridline", x1: BOX.left, x2: BOX.right, y1: toY(tick), y2: toY(tick) }),
          svg("text", { x: BOX.left - 6, y: toY(tick) + 4, "text-anchor": "end" }, String(tick))] : []),
      ]), ...inside, cursor,
      svg("text", { x: toX(0.5), y: 272, "text-anchor": "middle" }, xTitle),
      svg("text", { x: -toY(0.5), y: 11, transform: "rotate(-90)", "text-anchor": "middle" }, yTitle));
    const reading = el("p", { className: "read", ariaLive: "polite" });
    let at = 0.5 - step;
    const show = (x) => {
      at = Math.max(0, Math.min(1, Math.round(x / step) * step));
      for (const end of ["x1", "x2"]) cursor.setAttribute(end, toX(at));
      cursor.setAttribute("visibility", "visible");
      reading.textContent = readAt(at);
    };
    drawing.addEventListener("pointermove", (event) => {
      const box = drawing.getBoundingClientRect();
      show(((event.clientX - box.left) * 330 / box.width - BOX.left) / (BOX.right - BOX.left));
    });
    drawing.addEventListener("keydown", (event) => {
      const move = { ArrowLeft: -step, ArrowRight: step }[event.key];
      if (!move) return;
      event.preventDefault();
      show(at + move);
    });
    byId(place).replaceChildren(...(byId(`${place}-title`) ? [] : [el("h3", { textContent: title })]), drawing, reading);
  }

  const diagonal = () => svg("line", { class: "diagonal", x1: toX(0), y1: toY(0), x2: toX(1), y2: toY(1) });

  /** The curves that are drawn: the mean of all labels, then the chosen ones. */
  function drawnCurves(kind) {
    const mean = { name: "mean of all labels", points: data.curves[`macro_${kind}`], of: { class: "mean" } };
    const chosen = state.drawn.map((j, place) => ({
      name: labels[j], points: data.curves[kind][j],
      of: { class: "curve", stroke: COLORS[place], "stroke-dasharray": DASHES[place] },
    }));
    return [...chosen, mean].filter((one) => one.points[0].length);
  }

  /** Points of a precision-recall curve by recall, the highest precision of each; that at recall 0 is no threshold's. */
  function steps([x, y, at]) {
    const best = new Map();
    x.forEach((value, place) => {
      if ((value > 0 || !at.length) && y[place] !== null) best.set(value, Math.max(y[place], best.get(value) || 0));
    });
    return [...best].sort((a, b) => a[0] - b[0]);
  }

  /** Draw the ROC curves. */
  function drawRoc() {
    const curves = drawnCurves("roc");
    const line = ([x, y]) => x.map((value, place) => `${place ? "L" : "M"}${toX(value).toFixed(1)} ${toY(y[place]).toFixed(1)}`).join("");
    const at = ([x, y], wanted) => {
      const next = x.findIndex((value) => value > wanted);
      if (next < 0) return y[y.length - 1];
      if (next === 0) return y[0];
      return y[next - 1] + (y[next] - y[next - 1]) * (wanted - x[next - 1]) / (x[next] - x[next - 1]);
    };
    chart("roc", "ROC", "false positive rate", "true positive rate",
      [diagonal(), ...curves.map((one) => svg("path", { ...one.of, d: line(one.points) }))],
      (x) => `False positive rate ${digits(x, 2)}: ${curves.map((one) => `${one.name} ${digits(at(one.points, x))}`).reverse().join(", ")}`);
  }

  /** Draw the precision-recall curves, as steps: no threshold lies between two points. */
  function drawPrecisionRecall() {
    const curves = drawnCurves("precision_recall").map((one) => ({ ...one, points: steps(one.points) })).filter((one) => one.points.length);
    const line = (points) => `M${toX(0)} ${toY(points[0][1]).toFixed(1)}` +
      points.map(([x, y]) => `V${toY(y).toFixed(1)}H${toX(x).toFixed(1)}`).join("");
    const at = (points, x) => (points.find((point) => point[0] >= x - 1e-9) || points[points.length - 1])[1];
    chart("precision-recall", "Precision and recall", "recall", "precision",
      curves.map((one) => svg("path", { ...one.of, d: line(one.points) })),
      (x) => `Recall ${digits(x, 2)}: ${curves.map((one) => `${one.name} ${digits(at(one.points, x))}`).reverse().join(", ")}`);
  }

  /** Draw the reliability diagram: the larger a point, the more answers it stands for. */
  function drawReliability() {
    const { count: numbers, confidence, accuracy } = data.reliability, most = Math.max(...numbers);
    const points = numbers.map((n, bin) => (n ? svg("circle", {
      class: "point", cx: toX(Math.min(1, confidence[bin])), cy: toY(accuracy[bin]), r: 2.5 + 9 * Math.sqrt(n / most),
    }) : "")).filter(Boolean);
    const what = data.multi_label ? "labels that are there" : "right answers";
    const bins = numbers.length;
    chart("reliability", "Reliability", "mean probability", `share of ${what}`, [diagonal(), ...points], (x) => {
      const bin = Math.min(bins - 1, Math.floor(x * bins));
      const range = `Probabilities of ${digits(bin / bins, 2)} to ${digits((bin + 1) / bins, 2)}: `;
      return range + (numbers[bin] ? `${texted(numbers[bin], "answer")}, mean probability ${digits(confidence[bin])}, share of ${what} ${digits(accuracy[bin])}` : "no answers");
    }, 1 / bins);
  }

  /** Draw the scores of a label: above those of texts that have it, below those of the others. */
  function drawHistogram() {
    const label = Number(byId("histogram-label").value) || 0, bins = data.histograms[label];
    const size = bins[0].length, middle = toY(0.5), half = middle - BOX.top - 12;
    const most = bins.map((part) => Math.max(1, ...part));
    const bars = bins.flatMap((part, side) => part.map((n, bin) => {
      const height = n ? Math.max(1.5, half * n / most[side]) : 0;
      return svg("rect", { class: side ? "without" : "with", x: toX(bin / size) + 1, width: (BOX.right - BOX.left) / size - 2,
        y: side ? middle + 1 : middle - height - 1, height });
    }));
    const cut = state.level === null ? [] : [svg("line", { class: "cut", x1: toX(state.level / 100), x2: toX(state.level / 100), y1: BOX.top, y2: BOX.bottom })];
    const sums = bins.map((part) => part.reduce((a, b) => a + b, 0));
    chart("histogram", "Scores", "probability of the label", "texts, each half to its own scale", [...bars, ...cut,
      svg("text", { class: "over", x: toX(0.5), y: BOX.top + 9, "text-anchor": "middle" }, `with the label: ${count(sums[0])}`),
      svg("text", { class: "over", x: toX(0.5), y: BOX.bottom - 4, "text-anchor": "middle" }, `without it: ${count(sums[1])}`),
    ], (x) => {
      const bin = Math.min(size - 1, Math.floor(x * size + 1e-9));
      return `Probabilities of ${digits(bin / size, 2)} to ${digits((bin + 1) / size, 2)}: ${count(bins[0][bin])} texts with the label, ${count(bins[1][bin])} without`;
    }, 1 / size, false);
  }

  /** The labels whose curves are drawn, each with a button that takes it away. */
  function drawChosen() {
    const swatch = (of) => svg("svg", { viewBox: "0 0 24 8", "aria-hidden": "true" }, svg("path", { ...of, d: "M0 4H24" }));
    const chips = state.drawn.map((j, place) => el("li", {},
      swatch({ class: "curve", stroke: COLORS[place], "stroke-dasharray": DASHES[place] }), named(labels[j]),
      el("button", { type: "button", textContent: "×", ariaLabel: `Take ${labels[j]} away`, "data-label": j })));
    byId("chosen").replaceChildren(el("li", {}, swatch({ class: "mean" }), "mean of all labels\u00a0\u00a0"), ...chips);
    byId("add-curve").disabled = state.drawn.length >= COLORS.length;
    drawRoc();
    drawPrecisionRecall();
  }

  /** Controls of the charts. */
  function listenCharts() {
    const option = (text, value) => el("option", { textContent: text, value });
    const all = () => labels.slice(0, classes).map((label, j) => option(label, j));
    byId("add-curve").append(option("choose…", ""), ...all());
    byId("histogram-label").append(...all());
    byId("histogram-label").addEventListener("change", drawHistogram);
    byId("add-curve").addEventListener("change", () => {
      const { value } = byId("add-curve");
      if (value !== "" && !state.drawn.includes(Number(value))) state.drawn.push(Number(value));
      byId("add-curve").value = "";
      drawChosen();
    });
    byId("chosen").addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      state.drawn = state.drawn.filter((j) => j !== Number(button.dataset.label));
      drawChosen();
      byId("add-curve").focus();
    });
  }

  /* === Counts of labels === */

  /** Bars of how many texts have each label, the most frequent first. */
  function drawBars() {
    const places = labels.map((_, i) => i).filter((i) => isWanted(labels[i]));
    const { support } = data.grid, most = Math.max(1, ...support);
    const sorted = places.sort((a, b) => support[b] - support[a] || a - b);
    byId("bars").replaceChildren(...sorted.slice(0, state.bars).map((i) => el("li", {}, named(labels[i]), track(support[i] / most),
      el("span", { className: "number", textContent: `${count(support[i])} (${digits(100 * support[i] / data.total, 1)} %)` }))));
    byId("more-bars").hidden = sorted.length <= state.bars;
    byId("more-bars").textContent = `Show all ${count(sorted.length)} labels`;
  }

  /** The pairs of labels that occur together most often. */
  function drawTogether() {
    if (!data.together) return;
    byId("together").hidden = false;
    const pairs = [];
    data.together.forEach((row, i) => row.forEach((n, j) => { if (j > i && n) pairs.push([n, i, j]); }));
    pairs.sort((a, b) => b[0] - a[0] || a[1] - b[1] || a[2] - b[2]);
    byId("together-help").textContent = pairs.length > 20 ? `The 20 most frequent of ${count(pairs.length)} pairs of actual labels.` : pairs.length ? "Pairs of actual labels." : "No text has two labels.";
    const head = ["one label", "another", "texts with both", "of the one", "of the other"];
    byId("pairs").hidden = !pairs.length;
    byId("pairs").append(el("thead", {}, el("tr", {}, ...head.map((text) => el("th", { scope: "col", textContent: text })))),
      el("tbody", {}, ...pairs.slice(0, 20).map(([n, i, j]) => el("tr", {}, el("th", { scope: "row" }, named(labels[i])), el("td", {}, named(labels[j])),
        fill(el("td"), n, false), fill(el("td"), n / data.together[i][i], true), fill(el("td"), n / data.together[j][j], true)))));
    byId("together-all").addEventListener("toggle", layTogether, { once: true });
  }

  /** The matrix of all pairs, laid out when it is opened. */
  function layTogether() {
    const most = labels.map((_, i) => i).sort((a, b) => data.grid.support[b] - data.grid.support[a]);
    const places = most.slice(0, MOST_IN_MATRIX).sort((a, b) => a - b), table = byId("together-matrix");
    table.className = `matrix upright${places.length > 12 ? " dense" : ""}`;
    table.append(
      el("thead", {}, el("tr", {}, el("th"), ...places.map((j) => el("th", { scope: "col" }, named(labels[j]))))),
      el("tbody", {}, ...places.map((i) => el("tr", {}, el("th", { scope: "row" }, named(labels[i])), ...places.map((j) => {
        const n = data.together[i][j], shade = Math.ceil(4 * (divide(n, data.together[i][i]) || 0));
        return fill(el("td", { className: n ? `${i === j ? "d" : "o"}${shade}` : "zero" }), n, false);
      })))));
  }

  /* === All === */

  let isDue = false;

  /** Draw all that depends on the threshold, once a frame. */
  function draw() {
    isDue = false;
    const table = perLabel(state.level);
    drawStatus(table.total);
    drawCards();
    drawMetrics();
    drawLabels(table);
    drawMatrix();
    drawHistogram();
    // The slowest part waits until the slider rests.
    clearTimeout(state.waiting);
    state.waiting = setTimeout(drawErrors, 120);
  }

  /** Ask for a drawing. */
  function due() {
    if (!isDue) requestAnimationFrame(draw);
    isDue = true;
  }

  /** Where the slider stands while the report's own thresholds hold. */
  function slideToOwn() {
    const own = data.own.thresholds, usual = data.multi_label ? 0.5 : 0;
    byId("threshold").value = own && own.every((value) => value === own[0]) ? own[0] : usual;
  }

  /** Controls of the page. */
  function listen() {
    byId("threshold").addEventListener("input", (event) => {
      state.level = Math.round(100 * Number(event.target.value));
      state.errors = 10;
      due();
    });
    byId("reset").addEventListener("click", () => {
      state.level = null;
      slideToOwn();
      byId("threshold").focus();
      due();
    });
    byId("search").addEventListener("input", (event) => {
      state.filter = event.target.value.trim().toLowerCase();
      drawBars();
      due();
    });
    byId("kind").addEventListener("change", (event) => { state.kind = event.target.value; drawMatrix(); });
    byId("more-bars").addEventListener("click", () => { state.bars = Infinity; drawBars(); });
    byId("more-errors").addEventListener("click", () => { state.errors += 10; drawErrors(); });
    byId("close").addEventListener("click", () => byId("dialog").close());
    byId("dialog").addEventListener("click", (event) => { if (event.target === byId("dialog")) byId("dialog").close(); });
  }

  /** What does not depend on the threshold. */
  function drawOnce() {
    byId("remarks").append(...data.remarks.map((text) => el("li", { textContent: text, dir: "auto" })));
    byId("remarks-section").hidden = !data.remarks.length;
    byId("info").append(...data.info.flatMap(([key, value]) => [el("dt", { textContent: key }), el("dd", { textContent: value })]));
    byId("search-box").hidden = labels.length <= 10;
    byId("confusion").className = labels.length > 40 ? "large" : "";
    byId("threshold-help").textContent = (data.multi_label
      ? "The threshold is the probability that each label must reach to be given. Pairs of a text and a label of which nobody knows whether they belong together are left out of the counts."
      : "The threshold is the probability that the most probable label of a text must reach; a text that stays below has no answer.") +
      " Reset goes back to the thresholds of the report. The heads of the columns sort.";
    const links = [...document.querySelectorAll("main > section:not([hidden]) > h2")].filter((h) => h.parentNode.id !== "remarks-section");
    byId("nav").append(el("ul", {}, ...links.map((h) => el("li", {}, el("a", { href: `#${h.parentNode.id}`, textContent: h.textContent })))));
  }

  /** The labels drawn at first: all if they are few, else those of the lowest F1. */
  function firstCurves() {
    const rows = perLabel(null).rows.slice(0, classes).filter((row) => row.support > 0);
    const few = classes <= COLORS.length ? rows : rows.sort((a, b) => (a.f1 || 0) - (b.f1 || 0)).slice(0, 3);
    return few.map((row) => row.index);
  }

  await Promise.all([unpackAll(data.grid), unpackAll(texts)]);
  data.grid.cells = data.grid.steps;
  for (let e = 1; e < data.grid.cells.length; e += 1) data.grid.cells[e] += data.grid.cells[e - 1];
  slideToOwn();
  drawHead();
  listen();
  listenMatrix();
  listenCharts();
  state.drawn = firstCurves();
  drawTogether();
  drawOnce();
  drawChosen();
  drawReliability();
  drawBars();
  draw();
  byId("static").remove();
  byId("main").hidden = false;
  document.documentElement.dataset.ready = "true";
})();
