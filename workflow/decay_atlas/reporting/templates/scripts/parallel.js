// All runs as lines over parallel axes: drag along an axis to keep a part of it.
"use strict";

(() => {
  const node = document.getElementById("parallel-chart");
  if (!node) return;
  const { data, number, colour } = atlas;
  const told = document.getElementById("parallel-told");
  const MOST_SVG_LINES = 1500;
  const MOST_STEPS = 16;
  const fields = ["dataset", "recipe", "arch"].filter((name) => new Set(data.combinations.map((one) => one[name])).size > 1);
  const WORDS = { dataset: "data set", recipe: "recipe", arch: "architecture" };
  const smallest = Math.min(...data.combinations.flatMap((one) => one.wd).filter((wd) => wd > 0));
  const zero = Math.log10(smallest) - 0.7; // λ = 0 has no logarithm: it stands below the rest

  const lines = [];
  for (const one of data.combinations) {
    one.n.forEach((n, index) => {
      if (n === 0) return;
      const [lr, wd] = [one.lr[Math.floor(index / one.wd.length)], one.wd[index % one.wd.length]];
      const row = { one, lr, wd };
      if (data.lines === "cells") lines.push({ ...row, seed: null, value: one.mean[index] });
      else one.values[index].forEach((value, k) => value !== null && lines.push({ ...row, seed: one.seeds[k], value }));
    });
  }
  const values = lines.map((row) => row.value).filter((value) => value !== null).sort((a, b) => a - b);
  // The worst results would use up the colours, as in the landscapes.
  const [low, high] = data.metric.direction === "max"
    ? [values[Math.floor(values.length / 4)], values.at(-1)]
    : [values[0], values[Math.floor((3 * values.length) / 4)]];

  const columns = [
    ...fields.map((name) => ({ name: WORDS[name], of: (row) => row.one[name], names: [...new Set(data.combinations.map((one) => one[name]))] })),
    axisOf("η", "lr"),
    axisOf("λ", "wd"),
    { name: "ηλ", of: (row) => Math.log10(row.lr) + (row.wd > 0 ? Math.log10(row.wd) : zero), text: power },
    { name: data.metric.axis, of: (row) => row.value, text: (value) => number(value, 3) },
  ];
  const rows = lines.map((row) => columns.map((column) => column.of(row)));

  function power(exponent) {
    return number(10 ** exponent, 2);
  }

  // A step for each value where there are few, a logarithmic axis where there are many.
  function axisOf(name, axis) {
    const steps = [...new Set(data.combinations.flatMap((one) => one[axis]))].sort((a, b) => a - b);
    if (steps.length <= MOST_STEPS) return { name, of: (row) => number(row[axis]), names: steps.map((value) => number(value)) };
    return { name, of: (row) => (row[axis] > 0 ? Math.log10(row[axis]) : zero), text: power };
  }

  function build(width) {
    tell(every); // drawn anew, as at another width, the axes have let go of what was kept
    const narrow = width < 560;
    return {
      parallel: {
        left: narrow ? 34 : 60,
        right: narrow ? 46 : 90,
        top: narrow ? 24 : 40,
        bottom: narrow ? 90 : 76,
        layout: "horizontal",
        parallelAxisDefault: {
          nameTextStyle: { color: colour("ink"), fontSize: narrow ? 11 : 13 },
          nameGap: 12,
          axisLine: { lineStyle: { color: colour("soft"), width: 1.5 } },
          axisTick: { lineStyle: { color: colour("soft") } },
          areaSelectStyle: { width: 22, color: colour("accent-band"), borderColor: colour("accent"), opacity: 0.7 },
        },
      },
      parallelAxis: columns.map((column, dim) => ({
        dim,
        name: narrow ? column.name.replace("architecture", "arch.") : column.name,
        ...(column.names ? { type: "category", data: column.names } : { type: "value", scale: true }),
        axisLabel: {
          color: colour("ink"),
          fontSize: narrow ? 10 : 11.5,
          textBorderColor: colour("ground"),
          textBorderWidth: 3,
          ...(column.text ? { formatter: column.text } : { width: narrow ? 60 : 110, overflow: "truncate" }),
        },
      })),
      visualMap: {
        type: "continuous",
        dimension: columns.length - 1,
        min: low,
        max: high > low ? high : low + 1,
        inRange: { color: data.metric.direction === "max" ? atlas.SHADES : [...atlas.SHADES].reverse() },
        orient: "horizontal",
        left: "center",
        bottom: 4,
        calculable: false,
        itemHeight: narrow ? 120 : 200,
        text: [`${number(high)} ${data.metric.unit}`, `${data.metric.name} ${number(low)}`],
        textStyle: { color: colour("soft") },
        outOfRange: { color: atlas.SHADES[0] },
      },
      series: {
        type: "parallel",
        data: rows,
        lineStyle: { width: 1.2, opacity: rows.length > 800 ? 0.35 : 0.6 },
        inactiveOpacity: 0.02,
        activeOpacity: 0.75,
        progressive: 1000,
      },
    };
  }

  // Drawn when it comes into view: thousands of lines would hold up the page.
  new IntersectionObserver((entries, watch) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    watch.disconnect();
    const { instance, draw } = atlas.chart(node, build, { canvas: rows.length > MOST_SVG_LINES });
    draw();
    instance.on("axisareaselected", () => {
      const model = instance.getModel();
      const brushed = model.findComponents({ mainType: "parallelAxis" }).some((one) => one.activeIntervals.length);
      tell(brushed ? model.getSeries()[0].getRawIndicesByActiveState("active") : every);
    });
  }, { rootMargin: "300px" }).observe(node);

  const every = lines.map((_, index) => index);
  let chosen = every;
  function tell(indices) {
    chosen = indices;
    const found = chosen.map((index) => lines[index].value).filter((value) => value !== null);
    const [least, most] = [Math.min(...found), Math.max(...found)];
    const kept = chosen.length === lines.length ? `All ${lines.length.toLocaleString("en")}` : `${chosen.length.toLocaleString("en")} of ${lines.length.toLocaleString("en")}`;
    const range = found.length ? `: ${data.metric.name} ${number(least)} to ${atlas.withUnit(most)}` : "";
    told.textContent = `${kept} ${data.lines}${range}.`;
  }
  tell(every);

  // A name as a field of CSV; one that a spreadsheet would run as a formula is marked as text, as in tables/*.csv.
  function field(name) {
    const text = /^'*[=+\-@＝＋－＠]/.test(name) ? `'${name}` : name;
    return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  }

  document.getElementById("parallel-csv").addEventListener("click", () => {
    const head = ["dataset", "recipe", "arch", "lr", "wd", ...(data.lines === "runs" ? ["seed"] : []), "value"];
    const body = chosen.map((index) => {
      const { one, lr, wd, seed, value } = lines[index];
      return [one.dataset, one.recipe, one.arch].map(field).concat(lr, wd, seed === null ? [] : seed, value).join(",");
    });
    atlas.save(`${data.lines}.csv`, [head.join(","), ...body, ""].join("\n"), "text/csv");
  });
})();
