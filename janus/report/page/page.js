"use strict";

const data = JSON.parse(document.getElementById("data").textContent);

function element(tag, text, className) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function factList(facts) {
  const list = element("dl", undefined, "facts");
  for (const [label, value] of facts) list.append(element("dt", label), element("dd", value));
  return list;
}

// Where a number comes from.

const panel = document.getElementById("panel");

function recordOf(name) {
  const record = data.records[name];
  const folded = element("details");
  folded.open = record.open;
  folded.append(element("summary", record.title));
  if (record.command) folded.append(element("pre", record.command));
  folded.append(factList([...record.facts, ["Record", record.file]]));
  return folded;
}

function showNumber(name) {
  const number = data.numbers[name];
  document.getElementById("panel-head").textContent = number.title;
  const body = document.getElementById("panel-body");
  body.replaceChildren(factList(number.facts));
  for (const run of number.runs) {
    body.append(element("h3", run.title));
    if (data.command) {
      const product = run.records[run.records.length - 1];
      body.append(element("p", "Made by"), element("pre", `${data.command}${product}`));
    }
    body.append(...run.records.map(recordOf));
  }
  panel.showModal();
  panel.scrollTop = 0;
}

document.addEventListener("click", (event) => {
  const pressed = event.target.closest("[data-number]");
  if (pressed) showNumber(pressed.dataset.number);
  if (event.target === panel) panel.close();
});

// One stop of the tabulator for many things, and arrow keys among them.

function arrowKeys(place, items, neighbour) {
  const all = [...items];
  all.forEach((item, index) => item.setAttribute("tabindex", index ? -1 : 0));
  place.addEventListener("keydown", (event) => {
    const from = all.indexOf(event.target);
    const to = from < 0 ? undefined : neighbour(all, from, event.key);
    if (!to) return;
    event.preventDefault();
    all[from].setAttribute("tabindex", -1);
    to.setAttribute("tabindex", 0);
    to.focus();
  });
}

function inLine(all, from, key) {
  return all[from + ({ ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[key] ?? NaN)];
}

function inGrid(all, from, key) {
  if (key === "ArrowRight" || key === "ArrowLeft") return inLine(all, from, key);
  const own = all[from].closest("tr");
  const step = { ArrowDown: 1, ArrowUp: -1 }[key];
  const place = all[from].closest("td").cellIndex;
  const rows = [...own.parentNode.rows];
  for (let row = own.rowIndex - rows[0].rowIndex + step; rows[row]; row += step) {
    const found = rows[row].cells[place]?.querySelector("button");
    if (found) return found;
  }
  return undefined;
}

for (const table of document.querySelectorAll("main table")) {
  arrowKeys(table, table.querySelectorAll("button[data-number]"), inGrid);
}

// The pictures of quality against speed.

for (const figure of document.querySelectorAll(".scatter")) {
  const points = figure.querySelectorAll(".point");
  const told = figure.querySelector(".told");
  arrowKeys(figure, points, inLine);
  for (const point of points) {
    const tell = () => { told.textContent = point.getAttribute("aria-label"); };
    point.addEventListener("mouseenter", tell);
    point.addEventListener("focus", tell);
    point.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      if (point.dataset.number) showNumber(point.dataset.number);
    });
  }
}

// Who sees whom.

const matrix = document.getElementById("matrix");
const heads = [...matrix.tHead.rows[0].cells];
const asking = [...matrix.tBodies[0].rows];
const attentionTold = document.getElementById("attention-told");

function clearMatrix() {
  matrix.classList.remove("chosen");
  for (const one of matrix.querySelectorAll(".on")) one.classList.remove("on");
}

function showRow(row) {
  clearMatrix();
  matrix.classList.add("chosen");
  row.classList.add("on");
  const seen = heads.filter((_, place) => place && row.cells[place].className);
  for (const head of seen) head.classList.add("on");
  const names = seen.map((head) => head.dataset.name).join(", ");
  attentionTold.textContent = `${row.cells[0].dataset.name}: sees ${seen.length} of ${heads.length - 1}: ${names}.`;
}

function showColumn(place) {
  clearMatrix();
  matrix.classList.add("chosen");
  heads[place].classList.add("on");
  const seeing = asking.filter((row) => row.cells[place].className);
  for (const row of asking) row.cells[place].classList.toggle("on", seeing.includes(row));
  const names = seeing.map((row) => row.cells[0].dataset.name).join("; ");
  attentionTold.textContent = `${heads[place].dataset.name}: seen by ${seeing.length} of ${asking.length}: ${names}.`;
}

arrowKeys(matrix, asking, inLine);
for (const row of asking) {
  row.addEventListener("mouseenter", () => showRow(row));
  row.addEventListener("focus", () => showRow(row));
}
heads.forEach((head, place) => { if (place) head.addEventListener("mouseenter", () => showColumn(place)); });
matrix.addEventListener("mouseleave", clearMatrix);
matrix.addEventListener("focusout", clearMatrix);

// Refinement, pass by pass.

const share = (value) => `${Math.round(100 * value)} %`;

function wordOf(pass, place) {
  const word = element("button", pass.subwords[place], "word");
  word.type = "button";
  word.dataset.place = place;
  word.classList.toggle("masked", pass.masked[place]);
  word.classList.toggle("changed", pass.changed[place]);
  word.style.setProperty("--sure", share(pass.probabilities[place]).replace(" ", ""));
  return word;
}

function countsOf(pass) {
  const written = pass.probabilities.filter((_, place) => pass.masked[place]);
  const changed = pass.changed.filter(Boolean).length;
  const sure = written.length ? `, least sure ${share(Math.min(...written))}` : "";
  return `masked ${written.length} of ${pass.masked.length}, changed ${changed}${sure}`;
}

function tellWord(passes, place) {
  for (const word of document.querySelectorAll("#passes .word")) {
    word.classList.toggle("on", word.dataset.place === String(place));
  }
  const written = passes.map((pass, number) => [pass, number + 1]).filter(([pass]) => pass.masked[place]);
  const history = written.map(([pass, number]) =>
    `pass ${number} ${pass.subwords[place]} (${share(pass.probabilities[place])})`);
  document.getElementById("refined-told").textContent = `Place ${place + 1}: ${history.join(", ") || "never masked"}.`;
}

function showSentence(sentence) {
  document.getElementById("refined-text").replaceChildren(
    ...factList([["Source", sentence.source], ["Output", sentence.text]]).childNodes);
  document.getElementById("refined-told").textContent = "";
  const list = document.getElementById("passes");
  list.replaceChildren(...sentence.passes.map((pass) => {
    const item = element("li");
    item.append(element("span", countsOf(pass), "count"), ...pass.subwords.map((_, place) => wordOf(pass, place)));
    for (const word of item.querySelectorAll(".word")) {
      const tell = () => tellWord(sentence.passes, Number(word.dataset.place));
      word.addEventListener("mouseenter", tell);
      word.addEventListener("focus", tell);
    }
    return item;
  }));
  const words = list.querySelectorAll(".word");
  const across = sentence.passes.length ? sentence.passes[0].subwords.length : 0;
  const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: across, ArrowUp: -across };
  arrowKeys(list, words, (all, from, key) => all[from + (step[key] ?? NaN)]);
}

const rowChoice = document.getElementById("refined-row");
if (rowChoice) {
  const sentenceChoice = document.getElementById("refined-sentence");
  const chosen = () => data.refinements[rowChoice.value].sentences;
  const show = () => showSentence(chosen()[sentenceChoice.value]);
  const fill = () => {
    sentenceChoice.replaceChildren(...chosen().map((one, number) => {
      const option = element("option", one.source.length > 60 ? `${one.source.slice(0, 60)}…` : one.source);
      option.value = number;
      return option;
    }));
    show();
  };
  rowChoice.addEventListener("change", fill);
  sentenceChoice.addEventListener("change", show);
  fill();
}

// On paper everything is open.

let closed = [];
window.addEventListener("beforeprint", () => {
  closed = [...document.querySelectorAll("main details:not([open])")];
  for (const one of closed) one.open = true;
});
window.addEventListener("afterprint", () => { for (const one of closed) one.open = false; });
