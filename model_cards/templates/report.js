"use strict";
// Lets readers choose, sort and copy rows. It makes every control itself, so that a page without it has none that is dead.
(() => {
  const main = document.querySelector("main");
  const says = JSON.parse(main.dataset.says);
  const lines = (text) => (text ? text.split("\n") : []);
  const plain = (text) => text.replaceAll("−", "-").toLowerCase();
  const fill = (text, found) => text.replace(/\{(\w+)\}/g, (_, name) => found[name]);
  const FEW = 5; // rows that the eye sorts
  const order = new Intl.Collator("en", { numeric: true });

  function make(tag, properties, ...children) {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  }

  // What is copied is told aloud, and stays selected where neither way of copying works.
  const told = make("p", { className: "told screen", role: "status" });
  main.append(told);

  async function copy(name) {
    const code = make("code", { textContent: name });
    let done = true;
    try {
      await navigator.clipboard.writeText(name);
      told.replaceChildren(code);
    } catch {
      told.replaceChildren(code);
      getSelection().selectAllChildren(code);
      done = document.execCommand("copy");
    }
    told.append(` ${done ? says.copied : says.by_hand}`);
    if (!done) return;
    getSelection().removeAllRanges();
    setTimeout(() => code.isConnected && told.replaceChildren(), 6000);
  }

  function choice(label, any, values) {
    const select = make("select", {}, make("option", { value: "any", textContent: any }));
    for (const value of values) select.append(make("option", { value: `=${value}`, textContent: value }));
    return values.length ? [select, make("label", {}, label, select)] : [select];
  }

  function choosing(chapter) {
    const rows = [...chapter.querySelectorAll("tr[id]")].map((row) => ({
      row,
      text: plain([row.id, ...[...row.cells].map((cell) => cell.textContent)].join(" ")),
      states: row.dataset.states ? lines(row.dataset.states) : [says.unjudged],
      parts: lines(row.dataset.parts),
    }));
    if (!rows.length) return;
    for (const { row } of rows) {
      const { name } = row.dataset;
      const button = make("button", { type: "button", className: "copy screen", ariaLabel: fill(says.copy, { name }) });
      button.addEventListener("click", () => copy(name));
      row.cells[0].append(button);
    }

    const all = (key) => [...new Set(rows.flatMap((one) => one[key]))].sort(order.compare);
    const states = all("states");
    const text = make("input", { type: "search", autocomplete: "off", spellcheck: false });
    const [state, ...stateLabel] = choice(says.state, says.any_state, states.length > 1 ? states : []);
    const [part, ...partLabel] = choice(says.part, says.any_part, all("parts"));
    const reset = make("button", { type: "button", textContent: says.all_rows });
    const shown = make("p", { className: "shown", role: "status" });
    const title = chapter.querySelector("h2").textContent;
    const bar = make("div", { className: "controls screen", role: "group", ariaLabel: fill(says.choose, { title }) });
    bar.append(make("label", {}, says.text, text), ...stateLabel, ...partLabel, reset, shown);
    chapter.querySelector(".scroll:has(tr[id])").before(bar);

    function choose() {
      const asked = plain(text.value).split(/\s+/);
      const fits = (select, values) => select.value === "any" || values.includes(select.value.slice(1));
      let kept = 0;
      for (const one of rows) {
        const fit = asked.every((word) => one.text.includes(word)) && fits(state, one.states) && fits(part, one.parts);
        one.row.classList.toggle("out", !fit);
        kept += fit;
      }
      shown.textContent = kept < rows.length ? fill(says.shown, { shown: kept, all: rows.length }) : "";
    }

    function clear() {
      text.value = "";
      state.value = part.value = "any";
      choose();
    }

    for (const field of [text, state, part]) field.addEventListener("input", choose);
    reset.addEventListener("click", clear);
    // A link to a row that was not chosen shows it all the same.
    const follow = () => {
      const row = document.getElementById(location.hash.slice(1));
      if (!row?.classList.contains("out") || !chapter.contains(row)) return;
      clear();
      row.scrollIntoView();
    };
    addEventListener("hashchange", follow);
  }

  // A number is sorted by its value in the evidence, whatever its form; what is no number comes last both ways.
  function number(cell) {
    const found = cell.querySelector("data");
    const value = found ? Number(found.value.replaceAll("−", "-").replaceAll(",", "")) : NaN;
    return Number.isNaN(value) ? null : value;
  }

  function sorting(table) {
    const [body] = table.tBodies;
    const heads = [...(table.tHead?.rows[0].cells ?? [])];
    const rows = [...body.rows];
    if (rows.length < FEW) return;
    heads.forEach((head, column) => {
      if (!head.textContent.trim()) return;
      const button = make("button", { type: "button" }, ...head.childNodes);
      head.append(button);
      const right = head.classList.contains("right");
      const keys = new Map(rows.map((row) => [row, right ? number(row.cells[column]) : row.cells[column].textContent]));
      const compare = right ? (a, b) => a - b : order.compare;
      button.addEventListener("click", () => {
        const next = { ascending: "descending", descending: null }[head.ariaSort];
        const way = next === undefined ? "ascending" : next;
        for (const other of heads) other.removeAttribute("aria-sort");
        if (way) head.ariaSort = way;
        const sign = way === "descending" ? -1 : 1;
        const sorted = way ? rows.filter((row) => keys.get(row) !== null) : rows;
        if (way) {
          sorted.sort((a, b) => sign * compare(keys.get(a), keys.get(b)));
          sorted.push(...rows.filter((row) => keys.get(row) === null));
        }
        body.append(...sorted);
      });
    });
  }

  // Only what can be scrolled is a stop of the Tab key.
  const seen = new ResizeObserver((changed) => {
    for (const { target } of changed) {
      if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
      else target.removeAttribute("tabindex");
    }
  });

  document.querySelectorAll("main table").forEach(sorting);
  document.querySelectorAll(".chapter").forEach(choosing);
  document.querySelectorAll(".scroll").forEach((region) => seen.observe(region));
  document.querySelector(":target")?.scrollIntoView();
})();
