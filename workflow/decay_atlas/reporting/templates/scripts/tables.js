// A filter over every longer table (sorting is the library's), a button that copies each block of text, and print.
"use strict";

(() => {
  const WORTH_A_FILTER = 8;

  document.querySelectorAll("table.sortable").forEach((table) => {
    const rows = () => [...table.tBodies[0].rows];
    if (rows().length < WORTH_A_FILTER) return;
    const label = document.createElement("label");
    label.className = "filter";
    const field = Object.assign(document.createElement("input"), { type: "search", placeholder: "word or number" });
    const count = document.createElement("output");
    label.append("Filter ", field, count);
    table.closest(".scroll").before(label);
    field.addEventListener("input", () => {
      const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      rows().forEach((row) => {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
        shown += !row.hidden;
      });
      count.textContent = words.length ? ` ${shown} of ${rows().length} rows` : "";
    });
  });

  document.querySelectorAll("pre.copy").forEach((block) => {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: "Copy" });
    button.setAttribute("aria-label", `Copy ${block.dataset.what}`);
    button.addEventListener("click", async () => {
      await copy(block.textContent);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
    const bar = Object.assign(document.createElement("div"), { className: "tools" });
    bar.append(button);
    block.before(bar);
  });

  // Browsers that know no ::details-content (see style.css) print only what is open.
  let folded = [];
  window.addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open])")];
    folded.forEach((one) => { one.open = true; });
  });
  window.addEventListener("afterprint", () => folded.forEach((one) => { one.open = false; }));

  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // A page from disk may not write to the clipboard everywhere; the old way still may.
      const area = Object.assign(document.createElement("textarea"), { value: text });
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
  }
})();
