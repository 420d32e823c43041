// One cell of a landscape: its runs, with their records, and the learning curves of its learning rate.
"use strict";

(() => {
  const card = document.getElementById("cell");
  if (!card) return;
  const { data, number, colour, withUnit } = atlas;
  const [network, lr, wd] = ["network", "lr", "wd"].map((name) => document.getElementById(`cell-${name}`));
  const quantity = document.getElementById("cell-quantity");
  const combination = () => data.combinations[network.value];
  let curves = null;

  atlas.options(network, data.combinations.map((one) => one.label));
  if (data.curves) {
    atlas.options(quantity, Object.values(data.curves.quantities));
    curves = atlas.chart(document.getElementById("curves-chart"), build);
    quantity.addEventListener("change", curves.draw);
  }

  // Begin with the best cell: the one that most people look for.
  function best() {
    const { mean, wd: decays } = combination();
    const sign = data.metric.direction === "max" ? 1 : -1;
    let found = 0;
    mean.forEach((value, index) => {
      if (value !== null && (mean[found] === null || sign * (value - mean[found]) > 0)) found = index;
    });
    return [Math.floor(found / decays.length), found % decays.length];
  }

  function choose(i, j) {
    const one = combination();
    atlas.options(lr, one.lr_text, i);
    atlas.options(wd, one.wd_text, j);
    show();
  }

  function show() {
    const one = combination();
    const [i, j] = [Number(lr.value), Number(wd.value)];
    const index = i * one.wd.length + j;
    const head = document.createElement("p");
    head.append(Object.assign(document.createElement("b"), { textContent: `η = ${one.lr_text[i]}, λ = ${one.wd_text[j]}: ` }));
    if (one.n[index] === 0) {
      head.append("not trained.");
      card.replaceChildren(head);
    } else {
      const sd = one.sd[index] === null ? "" : ` ± ${number(one.sd[index], 2)} (sd)`;
      const failed = one.failed[index] ? `, ${one.failed[index]} diverged` : "";
      const time = one.seconds[index] ? `, ${duration(one.seconds[index])} a run` : "";
      head.append(`${data.metric.name} ${withUnit(one.mean[index], 4)}${sd}, ${one.n[index]} seeds${failed}${time}.`);
      const list = document.createElement("ul");
      one.values[index].forEach((value, k) => {
        if (value !== null) list.append(run(one, i, j, k, value));
      });
      card.replaceChildren(head, list);
    }
    document.querySelectorAll("[data-mark].chosen").forEach((mark) => mark.classList.remove("chosen"));
    const key = CSS.escape(`${one.dataset}/${one.recipe}/${one.arch}`);
    document.querySelector(`svg[data-key="${key}"] [data-mark="cell-${i}-${j}"]`)?.classList.add("chosen");
    curves?.draw();
  }

  function run(one, i, j, k, value) {
    const item = document.createElement("li");
    item.append(`seed ${one.seeds[k]}: ${withUnit(value, 4)}`);
    if (one.folder) {
      const href = `${one.folder}/lr${one.lr_name[i]}_wd${one.wd_name[j]}_seed${one.seeds[k]}.json`;
      item.append(" ", Object.assign(document.createElement("a"), { href, textContent: "record" }));
    }
    return item;
  }

  function duration(seconds) {
    if (seconds >= 3600) return `${number(seconds / 3600)} h`;
    return seconds >= 120 ? `${number(seconds / 60)} min` : `${number(seconds)} s`;
  }

  function build(width) {
    const one = combination();
    const part = data.curves.parts[network.value];
    const name = Object.keys(data.curves.quantities)[quantity.value];
    const label = data.curves.quantities[name];
    const i = Number(lr.value);
    const shown = one.wd.map((_, j) => j).filter((j) => part?.[name]?.[i * one.wd.length + j]);
    const values = shown.flatMap((j) => part[name][i * one.wd.length + j]).filter((value) => value !== null);
    const logarithmic = !name.endsWith("accuracy") && Math.min(...values) > 0 && Math.max(...values) > 30 * Math.min(...values);
    return {
      title: shown.length ? {} : { text: "No history was recorded here.", left: "center", top: "middle", textStyle: { color: colour("soft"), fontSize: 14 } },
      grid: { left: 62, right: 18, top: width < 560 ? 76 : 52, bottom: 46 },
      legend: { type: "scroll", top: 0, left: 0, textStyle: { color: colour("soft") }, itemWidth: 16, pageTextStyle: { color: colour("soft") } },
      tooltip: atlas.tooltip({ trigger: "axis", order: "valueDesc", valueFormatter: (value) => number(value, 4) }),
      xAxis: atlas.axis("epoch", { type: "value", nameGap: 28, min: "dataMin", max: "dataMax", minInterval: 1, splitLine: { show: false } }),
      yAxis: atlas.axis(label, { type: logarithmic ? "log" : "value", scale: true, nameGap: 46 }),
      series: shown.map((j) => {
        const chosen = j === Number(wd.value);
        const tone = atlas.shade(one.wd.length > 1 ? j / (one.wd.length - 1) : 0.5);
        return {
          name: `λ = ${one.wd_text[j]}`,
          type: "line",
          showSymbol: part.epochs.length < 3,
          data: part.epochs.map((epoch, k) => [epoch, part[name][i * one.wd.length + j][k]]),
          lineStyle: { color: tone, width: chosen ? 4 : 1.6, opacity: chosen ? 1 : 0.85 },
          itemStyle: { color: tone },
          z: chosen ? 3 : 2,
        };
      }),
    };
  }

  document.addEventListener("click", (event) => {
    const mark = event.target.closest?.("svg[data-key] [data-mark]");
    if (!mark) return;
    const key = mark.closest("svg").dataset.key;
    network.value = data.combinations.findIndex((one) => `${one.dataset}/${one.recipe}/${one.arch}` === key);
    choose(...mark.dataset.mark.split("-").slice(1).map(Number));
  });
  network.addEventListener("change", () => choose(...best()));
  lr.addEventListener("change", show);
  wd.addEventListener("change", show);
  choose(...best());
})();
